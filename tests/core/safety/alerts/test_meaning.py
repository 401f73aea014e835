"""What alerts mean by the catalog."""

from typing import Any

import pytest

from failover_api.core.catalog.automatic import AlertRule, Meaning
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.alerts import Meaningless, Meant, meaning_of
from failover_api.core.safety.governance import Alert, AlertOrder, Witness

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


def meant(**labels: str) -> Meant | Meaningless:
    return meaning_of(Alert("f", BEGAN, labels=labels), CATALOG)


def node_off(node: str) -> dict[str, Any]:
    return {"means": Meaning.NODE_OFF, "node": node}


def evacuate(node: str) -> dict[str, Any]:
    return {"means": Meaning.EVACUATE, "node": node}


def promote(*services: str, **more: Any) -> dict[str, Any]:
    return {"means": Meaning.PROMOTE, "services": services, **more}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"alertname": "NodeOff", "node": "k3s-w1"}, node_off("k3s-w1")),
        ({"alertname": "NodeOff", "node": "k3s-w1", "site": "attic"}, node_off("k3s-w1")),
        ({"alertname": "NodeOff", "node": "w1", "site": "cellar"}, node_off("cellar-w1")),
        ({"alertname": "NodeGone", "node": "w1.example.org"}, evacuate("w1.example.org")),
        ({"alertname": "RackGone", "rack": "a", "unit": "7"}, evacuate("k3s-a-7")),
        ({"alertname": "FirstGone"}, evacuate("k3s-w1")),
        ({"alertname": "SonarrDown", "node": "k3s-w1"}, promote("sonarr")),
        ({"alertname": "SonarrBroken"}, promote("sonarr", is_forced=True)),
        ({"alertname": "MediaDown"}, promote("sonarr", "radarr", group="media")),
    ],
)
def test_the_first_rule_all_of_whose_labels_are_equal_counts(labels: dict[str, str], expected: dict[str, Any]) -> None:
    expected = dict(expected)
    alert, is_forced = Alert("f", BEGAN, labels=labels), expected.pop("is_forced", False)
    found = meant(**labels)
    assert isinstance(found, Meant)
    if found.means is Meaning.NODE_OFF:
        assert found.order is None
    else:
        assert found.order == AlertOrder(alert, expected.get("node"), found.services, is_forced)
    testifies = found.means is not Meaning.PROMOTE
    assert found.witness == (Witness("f", expected["node"], labels["alertname"], BEGAN) if testifies else None)
    assert found == Meant(**expected, order=found.order, witness=found.witness)


def test_the_name_that_is_kept_of_a_witness_hides_nothing() -> None:
    catalog = Catalog({}, {}, alerts=(AlertRule((("node", "k3s-w1"),), Meaning.NODE_OFF, node="{node}"),))
    found = meaning_of(Alert("f", BEGAN, labels={"alertname": "Node\u202eff\n", "node": "k3s-w1"}), catalog)
    assert isinstance(found, Meant)
    assert found.witness == Witness("f", "k3s-w1", r"Node\u202eff\u000a", BEGAN)


@pytest.mark.parametrize("labels", [{}, {"alertname": "Watchdog"}, {"alertname": "nodeoff"}, {"site": "cellar"}])
def test_an_alert_that_no_rule_fits_means_nothing(labels: dict[str, str]) -> None:
    found = meant(**labels)
    assert isinstance(found, Meaningless)
    assert not found.is_error
    assert "no rule" in found.detail


@pytest.mark.parametrize(
    ("labels", "detail"),
    [
        ({"alertname": "NodeGone"}, "node: the rule says {node}, and the alert has no such label, or an empty one"),
        ({"alertname": "RackGone", "rack": "a"}, "the rule says k3s-{rack}-{unit}, and the alert has no such label"),
        ({"alertname": "NodeGone", "node": "10.0.0.7:9100"}, "expected the name of a Kubernetes node"),
        ({"alertname": "NodeGone", "node": ""}, "or an empty one"),
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
