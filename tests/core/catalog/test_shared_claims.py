"""A claim that two services name."""

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.shared_claims import shared_claims


def entry(name: str, primary: str, backup: str, namespace: str = "media") -> str:
    return (
        f"  {name}:\n    deployment: {name}\n    namespace: {namespace}\n    volume_name: config\n"
        f"    primary_pvc: {primary}\n    backup_pvc: {backup}\n"
    )


def told(*entries: str) -> list[str]:
    text = "repository: acme/homelab\nservices:\n" + "".join(entries)
    return list(shared_claims(parse_catalog(text, file="services.yaml")))


def test_what_each_release_fills_in_is_no_name_that_they_share() -> None:
    claims = ("'{{ .Release.Name }}'", "'{{ .Release.Name }}-b'")
    assert told(entry("sonarr", *claims), entry("radarr", *claims)) == []
    assert told(entry("sonarr", "${APP}", "${APP}-b"), entry("radarr", "${APP}", "${APP}-b")) == []


END = ". Two apps that write to one claim destroy its data, unless it is made for that"


def test_a_line_that_was_copied_is_told_once() -> None:
    assert told(entry("sonarr", "sonarr", "sonarr-b"), entry("radarr", "radarr", "sonarr-b")) == [
        f"1 claim is named by more than one service: sonarr-b of sonarr and radarr{END}"
    ]


def test_the_other_side_counts_as_well() -> None:
    (line,) = told(entry("sonarr", "sonarr", "spare"), entry("radarr", "spare", "radarr-b"))
    assert "spare of sonarr and radarr." in line


def test_many_are_one_line() -> None:
    entries = [entry(f"{side}{number}", f"p{number}", f"{side}{number}b") for number in range(7) for side in "xy"]
    (line,) = told(*entries)
    assert line.startswith("7 claims are named by more than one service: p0 of x0 and y0; p1 of x1 and y1; ")
    assert line.endswith(f"p4 of x4 and y4; and 2 more{END}")


def test_another_namespace_has_claims_of_its_own() -> None:
    assert told(entry("sonarr", "data", "data-b"), entry("radarr", "data", "data-b", "home")) == []


def test_one_that_says_no_namespace_may_be_there() -> None:
    place = "file: r.yaml, path: spec.values.x.existingClaim"
    switches = f"  radarr:\n    switches:\n      - {{{place}, primary: data, backup: r-b}}\n"
    (line,) = told(entry("sonarr", "data", "data-b"), switches)
    assert "data of sonarr and radarr." in line


def test_a_service_that_names_its_claim_twice_shares_it_with_nobody() -> None:
    switches = "".join(
        f"      - {{file: r.yaml, path: spec.values.{key}.existingClaim, primary: data, backup: r-b}}\n" for key in "xy"
    )
    assert told(f"  radarr:\n    switches:\n{switches}") == []
