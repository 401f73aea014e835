"""`automatic` and `alerts`: when services move by themselves, and what alerts mean."""

import pytest

from failover_api.core.catalog.automatic import AlertRule, Automatic, Failback, Fence, Meaning, Mode
from failover_api.core.catalog.model import Catalog
from tests.support.catalog_text import LABELS, SMALLEST, parsed, refusal, refusals, service_text

FULL = """\
automatic:
  mode: act
  dead_for: 60s
  fence: witness
  max_data_age: 1d
  block: 2h
  max_services: 3
  ignore_nodes: [attic]
  failback: propose
  failback_after: 10m
"""
ALERTS = """\
alerts:
  - {match: {alertname: NodeOff}, node: "{node}", means: node-off}
  - {match: {alertname: NodeGone, severity: critical}, node: "{node}", means: evacuate}
  - {match: {alertname: SonarrDown}, means: promote, service: sonarr, even_if_ready: true}
  - {match: {alertname: MediaDown}, means: promote, group: media}
groups: {media: [sonarr]}
"""


def with_alert(rule: str) -> str:
    return f"{SMALLEST}groups: {{media: [sonarr]}}\nalerts:\n  - {{{rule}}}\n"


def test_without_a_word_nothing_moves_by_itself() -> None:
    catalog = parsed(SMALLEST)
    assert catalog.automatic == Automatic() == Catalog({}, {}).automatic
    assert catalog.automatic.mode is Mode.NONE
    assert catalog.services["sonarr"].automatic is Mode.NONE
    assert catalog.alerts == ()


def test_an_empty_block_has_the_defaults() -> None:
    assert parsed(f"{SMALLEST}automatic: {{}}\n").automatic == Automatic()


def test_all_keys_are_read() -> None:
    assert parsed(SMALLEST + FULL).automatic == Automatic(
        mode=Mode.ACT,
        dead_for_s=60,
        fence=Fence.WITNESS,
        max_data_age_s=86400,
        block_s=7200,
        max_services=3,
        ignore_nodes=("attic",),
        failback=Failback.PROPOSE,
        failback_after_s=600,
    )


@pytest.mark.parametrize("mode", list(Mode))
def test_a_service_takes_part_by_its_own_mode(mode: Mode) -> None:
    assert parsed(f"{SMALLEST}    automatic: {mode}\n").services["sonarr"].automatic is mode


def test_defaults_may_let_all_take_part_and_one_stay_out() -> None:
    catalog = parsed(
        f"{SMALLEST}  radarr: {{namespace: m, deployment: radarr, primary_node_label: a, backup_node_label: b, "
        "automatic: none}\ndefaults: {automatic: act}\n"
    )
    assert [service.automatic for service in catalog.services.values()] == [Mode.ACT, Mode.NONE]


def test_alerts_are_read_in_their_order() -> None:
    assert parsed(SMALLEST + ALERTS).alerts == (
        AlertRule((("alertname", "NodeOff"),), Meaning.NODE_OFF, node="{node}"),
        AlertRule((("alertname", "NodeGone"), ("severity", "critical")), Meaning.EVACUATE, node="{node}"),
        AlertRule((("alertname", "SonarrDown"),), Meaning.PROMOTE, service="sonarr", even_if_ready=True),
        AlertRule((("alertname", "MediaDown"),), Meaning.PROMOTE, group="media"),
    )


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ("mode: maybe", "automatic.mode: expected 'none', 'observe' or 'act', not 'maybe'"),
        ("mode: true", "automatic.mode: expected 'none', 'observe' or 'act', not true"),
        ("fence: off", "automatic.fence: expected 'required', 'witness' or 'none', not off"),
        ("failback: now", "automatic.failback: expected 'none', 'propose' or 'act', not 'now'"),
        ("dead_for: 59s", "automatic.dead_for: expected at least 60s, not '59s': a node may restart in less"),
        (
            "dead_for: 300",
            "automatic.dead_for: expected a duration like '90s', '5m', '2h' or '1d', not 300",
        ),
        ("max_services: 0", "automatic.max_services: expected a whole number of at least 1, not 0"),
        ("max_services: true", "automatic.max_services: expected a whole number of at least 1, not true"),
        ("dead_fo: 5m", "automatic.dead_fo: unknown key; did you mean 'dead_for'?"),
    ],
)
def test_what_the_block_may_not_hold(block: str, error: str) -> None:
    assert refusal(f"{SMALLEST}automatic: {{{block}}}\n") == f"services.yaml:11: {error}"


def test_a_block_that_is_nothing_is_an_error() -> None:
    assert refusal(f"{SMALLEST}automatic:\n") == "services.yaml:11: automatic: expected a mapping, not null"


def test_a_services_mode_is_a_word() -> None:
    error = "services.yaml:11: services.sonarr.automatic: expected 'none', 'observe' or 'act', not a mapping"
    assert refusal(f"{SMALLEST}    automatic: {{mode: act}}\n") == error


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (
            "match: {}, means: promote, service: sonarr",
            "match: expected at least one label: a rule without any would be of every alert",
        ),
        (
            "match: {severity: 1}, means: promote, service: sonarr",
            "match.severity: expected text, not 1; put it in quotes if it is meant as text",
        ),
        ("means: promote, service: sonarr", "match: is missing"),
        ("match: {a: b}, service: sonarr", "means: is missing"),
        (
            "match: {a: b}, means: demote, service: sonarr",
            "means: expected 'node-off', 'evacuate' or 'promote', not 'demote'",
        ),
        ("match: {a: b}, means: node-off", "node: is missing; `means: node-off` needs it"),
        ("match: {a: b}, means: evacuate", "node: is missing; `means: evacuate` needs it"),
        (
            "match: {a: b}, means: evacuate, node: w1, service: sonarr",
            "service: `means: evacuate` is about a node: expected no `service`",
        ),
        (
            "match: {a: b}, means: node-off, node: w1, group: media",
            "group: `means: node-off` is about a node: expected no `group`",
        ),
        (
            "match: {a: b}, means: evacuate, node: w1, even_if_ready: true",
            "even_if_ready: `means: evacuate` is about a node: expected no `even_if_ready`",
        ),
        ("match: {a: b}, means: promote", "service: is missing; `means: promote` needs it, or a `group`"),
        (
            "match: {a: b}, means: promote, service: sonarr, group: media",
            "group: expected `service` or `group`, not both",
        ),
        (
            "match: {a: b}, means: promote, service: sonarr, node: w1",
            "node: `means: promote` is about a service or a group: expected no `node`",
        ),
        ("match: {a: b}, means: promote, service: sonar", "service: no service is named 'sonar'"),
        ("match: {a: b}, means: promote, group: medium", "group: no group is named 'medium'"),
        (
            'match: {a: b}, means: evacuate, node: "{node"',
            "node: expected a node, or a label of the alert in braces as in '{node}', not '{node'",
        ),
    ],
)
def test_what_an_alert_cannot_mean(rule: str, error: str) -> None:
    assert refusal(with_alert(rule)) == f"services.yaml:13: alerts[0].{error}"


# `fence: none` and one volume


def without_a_fence(entry: str) -> str:
    return service_text(f"{entry}automatic: act\n", top="repository: a/b\nautomatic: {mode: act, fence: none}\n")


def test_claims_of_their_own_need_no_fence() -> None:
    assert parsed(without_a_fence(f"{LABELS}volume_name: v\nprimary_pvc: p\nbackup_pvc: q\n"))


def test_a_switch_that_may_name_a_claim_is_taken_for_one() -> None:
    switch = "{file: a.yaml, path: spec.values.data.volume, primary: p, backup: q}"
    assert parsed(without_a_fence(f"switches:\n- {switch}\n"))


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (LABELS, "it moves no claim, so what volume it has is that of both sides"),
        (
            "switches:\n- {file: a.yaml, path: 'spec.values[\"kubernetes.io/hostname\"]', primary: a, backup: b}\n",
            "it moves no claim, so what volume it has is that of both sides",
        ),
        (
            "nodes: {primary: w1, backup: w2}\nswitches:\n- {file: a.yaml, path: spec.on, primary: w1, backup: w2}\n",
            "it moves no claim, so what volume it has is that of both sides",
        ),
        (
            (
                f"{LABELS}volumes:\n- {{name: v, primary_pvc: p, backup_pvc: q}}\n- "
                "{name: w, primary_pvc: q, backup_pvc: r}\n"
            ),
            "the claim 'q' is of both sides",
        ),
    ],
)
def test_one_volume_for_both_sides_needs_a_fence(entry: str, why: str) -> None:
    (error,) = refusals(without_a_fence(entry))
    assert error.endswith(
        f"services.x.automatic: `fence: none` lets a node that is only cut off write on, and {why}: make it "
        "`fence: required` or `witness`, or this `none`"
    )


def test_who_stays_out_needs_no_fence() -> None:
    assert parsed(service_text(LABELS, top="repository: a/b\nautomatic: {mode: act, fence: none}\n"))
