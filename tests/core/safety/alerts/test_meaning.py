"""What alerts mean by the catalog, and when one is too old."""

from typing import Any

import pytest

from failover_api.core.catalog.automatic import AlertRule, Meaning
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.alerts import (
    Alert,
    Evacuate,
    Meaningless,
    Meant,
    NodeOff,
    Promote,
    meaning_of,
    why_stale,
)

BEGAN = 1_796_068_800.0


def rule(means: Meaning, *, of: str, **changes: Any) -> AlertRule:
    return AlertRule((("alertname", of),), means, **changes)


RULES = (
    AlertRule((("alertname", "NodeOff"), ("site", "cellar")), Meaning.NODE_OFF, node="cellar-{node}"),
    rule(Meaning.NODE_OFF, of="NodeOff", node="{node}"),
    rule(Meaning.EVACUATE, of="NodeGone", node="{node}"),
    rule(Meaning.EVACUATE, of="RackGone", node="k3s-{rack}-{unit}"),
    rule(Meaning.EVACUATE, of="FirstGone", node="k3s-w1"),
    rule(Meaning.PROMOTE, of="SonarrDown", service="sonarr"),
    rule(Meaning.PROMOTE, of="SonarrBroken", service="sonarr", even_if_ready=True),
    rule(Meaning.PROMOTE, of="MediaDown", group="media"),
    rule(Meaning.EVACUATE, of="SonarrDown", node="k3s-w1"),
)
CATALOG = Catalog(services={}, groups={"media": ("sonarr", "radarr")}, alerts=RULES)


def meant(**labels: str) -> Meant:
    return meaning_of(Alert("f", True, labels, BEGAN), CATALOG)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"alertname": "NodeOff", "node": "k3s-w1"}, NodeOff("k3s-w1")),
        ({"alertname": "NodeOff", "node": "k3s-w1", "site": "attic"}, NodeOff("k3s-w1")),
        ({"alertname": "NodeOff", "node": "w1", "site": "cellar"}, NodeOff("cellar-w1")),
        ({"alertname": "NodeGone", "node": "w1.example.org"}, Evacuate("w1.example.org")),
        ({"alertname": "RackGone", "rack": "a", "unit": "7"}, Evacuate("k3s-a-7")),
        ({"alertname": "FirstGone"}, Evacuate("k3s-w1")),
        ({"alertname": "SonarrDown", "node": "k3s-w1"}, Promote(("sonarr",))),
        ({"alertname": "SonarrBroken"}, Promote(("sonarr",), even_if_ready=True)),
        ({"alertname": "MediaDown"}, Promote(("sonarr", "radarr"), group="media")),
    ],
)
def test_the_first_rule_all_of_whose_labels_are_equal_counts(labels: dict[str, str], expected: Meant) -> None:
    assert meant(**labels) == expected


@pytest.mark.parametrize("labels", [{}, {"alertname": "Watchdog"}, {"alertname": "nodeoff"}, {"site": "cellar"}])
def test_an_alert_that_no_rule_fits_means_nothing(labels: dict[str, str]) -> None:
    found = meant(**labels)
    assert isinstance(found, Meaningless)
    assert not found.is_error
    assert "no rule" in found.detail


@pytest.mark.parametrize(
    ("labels", "detail"),
    [
        ({"alertname": "NodeGone"}, "node: the rule says {node}, and the alert has no label node"),
        ({"alertname": "RackGone", "rack": "a"}, "the alert has no label unit"),
        ({"alertname": "NodeGone", "node": "10.0.0.7:9100"}, "expected the name of a Kubernetes node"),
        ({"alertname": "NodeGone", "node": ""}, "expected the name of a Kubernetes node, not ''"),
        ({"alertname": "NodeGone", "node": "K3s-W1"}, "expected the name"),
        ({"alertname": "NodeGone", "node": "{alertname}"}, "expected the name"),
        ({"alertname": "NodeGone", "node": "a\n"}, "expected the name"),
        ({"alertname": "NodeGone", "node": "../w1"}, "expected the name"),
        ({"alertname": "NodeGone", "node": "n" * 254}, "expected the name"),
    ],
)
def test_a_rule_that_cannot_be_filled_in_says_what_it_needs(labels: dict[str, str], detail: str) -> None:
    found = meant(**labels)
    assert isinstance(found, Meaningless)
    assert found.is_error
    assert detail in found.detail
    assert "\n" not in found.detail


@pytest.mark.parametrize(
    ("age_s", "moved_s_ago", "why"),
    [
        (0, None, ""),
        (3600, None, ""),
        (3601, None, "it began at 2026-11-30 19:09 UTC, more than an hour ago"),
        (60, 120, ""),
        (60, 60, ""),
        (60, 59, "it began at 2026-11-30 20:09 UTC, before the service was moved at 2026-11-30 20:09 UTC"),
        (-300, None, ""),
        (-301, None, "it says that it began at 2026-11-30 20:15 UTC, which is not yet: its sender's clock is wrong"),
        (3e9, None, "it began at 1931-11-07 14:50 UTC, more than an hour ago"),
    ],
)
def test_an_alert_is_stale_after_an_hour_or_a_move(age_s: float, moved_s_ago: float | None, why: str) -> None:
    now = BEGAN + 600.0
    moved_at = None if moved_s_ago is None else now - moved_s_ago
    assert why_stale(now - age_s, last_move_at=moved_at, now=now) == why
