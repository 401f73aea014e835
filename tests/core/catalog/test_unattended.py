"""What would never be done by itself, as the catalog stands."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.unattended import unattended

ENTRY = (
    "{{automatic: {mode}, deployment: {name}, namespace: media, volume_name: c, primary_pvc: {name}, "
    "backup_pvc: {name}-b, primary_node_label: primary, backup_node_label: backup}}"
)


def warnings(automatic: str, *alerts: str, sonarr: str = "act", radarr: str = "act") -> list[str]:
    rules = "alerts:\n" + "".join(f"  - {{{alert}}}\n" for alert in alerts) if alerts else ""
    text = (
        f"repository: acme/homelab\nautomatic: {{{automatic}}}\n{rules}groups: {{media: [sonarr, radarr]}}\nservices:\n"
        f"  sonarr: {ENTRY.format(name='sonarr', mode=sonarr)}\n  radarr: {ENTRY.format(name='radarr', mode=radarr)}\n"
    )
    return list(unattended(parse_catalog(text, file="services.yaml")))


OFF = "match: {alertname: NodeOff}, node: k3s-w1, means: node-off"
GONE = "match: {alertname: Gone}, node: k3s-w1, means: evacuate"
DOWN = "match: {alertname: Down}, means: promote, service: sonarr"
GROUP = "match: {alertname: Down}, means: promote, group: media"


@pytest.mark.parametrize(
    ("automatic", "alerts"),
    [
        ("mode: act, fence: none", ()),
        ("mode: act, fence: witness", (OFF,)),
        ("mode: act, fence: witness", (GONE,)),
        ("mode: observe, fence: required", ()),
        ("mode: none, fence: required", (DOWN,)),
    ],
)
def test_what_moves_unattended_or_is_not_meant_to_needs_no_word(automatic: str, alerts: tuple[str, ...]) -> None:
    assert warnings(automatic, *alerts) == []


def test_a_fence_that_only_a_person_opens_is_said() -> None:
    (required,) = warnings("mode: act")
    assert required == (
        "sonarr, radarr act, and nothing moves off a dead node while nobody is there: with `fence: required` a person "
        "has to say that it is off (`failover attest NODE`)"
    )
    (witness,) = warnings("mode: act, fence: witness", DOWN)
    assert witness == (
        "sonarr, radarr act, and nothing moves off a dead node while nobody is there: no rule of `alerts` means "
        "node-off or evacuate, so no alert is a witness"
    )
    assert warnings("mode: act", radarr="observe")[0].startswith("sonarr acts, and")
    assert warnings("mode: act", sonarr="observe", radarr="none") == []


@pytest.mark.parametrize(("mode", "said"), [("act", True), ("observe", True), ("none", False)])
def test_what_runs_in_a_cluster_that_nobody_sees_is_said(mode: str, said: bool) -> None:
    elsewhere = f"{mode}, cluster: none"
    why = "sonarr takes part, and with `cluster: none` nobody sees what would have to move"
    assert warnings("mode: act, fence: none", sonarr=elsewhere) == ([why] if said else [])


def test_an_alert_that_can_move_nothing_is_said() -> None:
    assert warnings("mode: act, fence: none", OFF, DOWN, GROUP, sonarr="none") == [
        "alerts[1] promotes sonarr, which takes no part: write `automatic: act` in its entry",
        "alerts[2] promotes sonarr, which takes no part: write `automatic: act` in its entry",
    ]
