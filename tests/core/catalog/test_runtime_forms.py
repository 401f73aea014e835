"""`workload`, `verify` and `cluster`: what a service is in its cluster."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.runtime import Verify, WorkloadName
from failover_api.errors import ConfigInvalid
from tests.support.catalog_text import SMALLEST

SWITCHES = """\
repository: acme/homelab
services:
  plex:
    namespace: media
    switches:
      - {file: a.yaml, kind: Deployment, path: spec.replicas, primary: 1, backup: 0}
"""


def loaded(text: str) -> Service:
    (service,) = parse_catalog(text, file="services.yaml").services.values()
    return service


def errors_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigInvalid) as caught:
        parse_catalog(text, file="services.yaml")
    return tuple(caught.value.errors)


def test_a_short_form_names_its_workload() -> None:
    service = loaded(SMALLEST)
    assert [service.workload(side) for side in Side] == [WorkloadName("Deployment", "sonarr", "media")] * 2


def test_switches_alone_name_none() -> None:
    assert loaded(SWITCHES).workload(Side.PRIMARY) is None


def test_a_workload_is_that_of_both_sides() -> None:
    service = loaded(f"{SWITCHES}    workload: {{kind: StatefulSet, name: plex}}\n")
    assert [service.workload(side) for side in Side] == [WorkloadName("StatefulSet", "plex", "media")] * 2


def test_each_side_may_have_a_workload_of_its_own() -> None:
    sides = "{primary: {kind: Deployment, name: plex}, backup: {kind: Deployment, name: plex-b, namespace: spare}}"
    service = loaded(f"{SWITCHES}    workload: {sides}\n")
    assert service.workload(Side.PRIMARY) == WorkloadName("Deployment", "plex", "media")
    assert service.workload(Side.BACKUP) == WorkloadName("Deployment", "plex-b", "spare")
    assert service.namespaces is None, "the manifest of its switch may be of any"


VARIABLE = """repository: acme/homelab
services:
  plex:
    switches:
      - file: clusters/home/apps.yaml
        kind: Kustomization
        namespace: flux-system
        path: spec.postBuild.substitute.PLEX
        primary: a
        backup: b
"""


@pytest.mark.parametrize(
    ("workload", "namespaces"),
    [
        ("", None),
        ("    workload: {kind: Deployment, name: plex}\n", None),
        ("    workload: {kind: Deployment, name: plex, namespace: media}\n", {"flux-system", "media"}),
    ],
)
def test_what_a_kustomization_applies_may_be_in_any_namespace(workload: str, namespaces: set[str] | None) -> None:
    assert loaded(VARIABLE + workload).namespaces == namespaces


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("{kind: Deployment}", "services.yaml:7: services.plex.workload.name: is missing"),
        (
            "{kind: DaemonSet, name: plex}",
            (
                "services.yaml:7: services.plex.workload.kind: expected 'Deployment', 'StatefulSet' or 'HelmRelease', "
                "not 'DaemonSet'"
            ),
        ),
        (
            "{primary: {kind: Deployment, name: plex}}",
            "services.yaml:7: services.plex.workload.backup: is missing",
        ),
        (
            "{kind: Deployment, name: plex, primary: {kind: Deployment, name: plex}}",
            "services.yaml:7: services.plex.workload: expected `kind` and `name`, or `primary` and `backup`, not both",
        ),
        ("{}", "services.yaml:7: services.plex.workload.kind: is missing"),
    ],
)
def test_what_names_no_workload_is_an_error(written: str, error: str) -> None:
    assert errors_of(f"{SWITCHES}    workload: {written}\n")[0] == error


def test_verify_has_its_defaults() -> None:
    service = loaded(f"{SMALLEST}    verify: {{url: http://sonarr.media/ping}}\n")
    assert service.verify == Verify("http://sonarr.media/ping", status=200, within_s=120)


def test_verify_is_given_by_defaults_with_the_name_of_the_service() -> None:
    text = SMALLEST.replace(
        "services:", "defaults: {verify: {url: 'http://{service}.media/', status: 401, within: 1h}}\nservices:"
    )
    assert loaded(text).verify == Verify("http://sonarr.media/", status=401, within_s=3600)


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("{status: 200}", "verify.url: is missing"),
        (
            "{url: 'ftp://x/'}",
            "verify.url: expected a URL like 'http://sonarr.media/ping', without a password",
        ),
        (
            "{url: 'http://me:secret@x/'}",
            "verify.url: expected a URL like 'http://sonarr.media/ping', without a password",
        ),
        ("{url: 'http://x/', status: 99}", "verify.status: expected an HTTP status like 200, not 99"),
        (
            "{url: 'http://x/', within: 90}",
            "verify.within: expected a duration like '90s', '5m', '2h' or '1d', not 90",
        ),
        (
            "{url: 'http://x/', within: 0s}",
            "verify.within: expected a duration like '90s', '5m', '2h' or '1d', not '0s'",
        ),
    ],
)
def test_what_verify_may_not_hold(written: str, error: str) -> None:
    (found,) = errors_of(f"{SMALLEST}    verify: {written}\n")
    assert found.endswith(f"services.sonarr.{error}")
    assert "secret" not in found


def test_a_service_may_run_in_a_cluster_that_is_not_seen() -> None:
    catalog = parse_catalog(f"{SMALLEST}    cluster: none\n", file="services.yaml")
    assert catalog.service("sonarr").is_elsewhere
    assert catalog.namespaces == frozenset(), "nobody looks for it"


def test_no_other_cluster_can_be_named() -> None:
    (found,) = errors_of(f"{SMALLEST}    cluster: edge\n")
    assert found == "services.yaml:11: services.sonarr.cluster: expected 'none' or null, not 'edge'"


def test_what_is_looked_at_does_not_bind_a_move() -> None:
    looked_at = loaded(f"{SMALLEST}    verify: {{url: http://x/}}\n    cluster: none\n")
    assert looked_at.digest == loaded(SMALLEST).digest


def test_max_data_age_is_a_length_of_time_and_may_be_a_default() -> None:
    assert loaded(SMALLEST).max_data_age_s is None
    assert loaded(f"{SMALLEST}    max_data_age: 2h\n").max_data_age_s == 7200
