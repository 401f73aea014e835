"""Times, durations, quantities, selectors."""

from __future__ import annotations

from typing import Any

import pytest

from failover_api.sandbox.cluster.objects.quantities import quantity, share_of
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.objects.selectors import field_selector, label_selector, selects, term_selects
from failover_api.sandbox.cluster.objects.times import epoch, go_duration, is_micro, micro, rfc3339, seconds_of


def test_times_are_written_in_two_ways() -> None:
    assert (rfc3339(1.9), micro(1.25)) == ("1970-01-01T00:00:01Z", "1970-01-01T00:00:01.250000Z")
    assert epoch(micro(1.25)) == 1.25
    assert [is_micro(text) for text in (micro(0), rfc3339(0))] == [True, False]


@pytest.mark.parametrize(("seconds", "text"), [(63.5, "1m3.5s"), (4, "4s"), (3600, "1h0m0s"), (0.25, "0.25s")])
def test_durations_go_both_ways(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1x", "m5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)


@pytest.mark.parametrize(("text", "number"), [("100m", 0.1), ("1Ki", 1024), ("2", 2), ("1.5G", 1.5e9), (3, 3)])
def test_quantities(text: Any, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


def test_a_share_is_rounded_as_asked() -> None:
    assert (share_of("25%", 1, up=True), share_of("25%", 1, up=False), share_of(2, 1, up=True)) == (1, 0, 2)


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_label_selectors_of_objects(selector: Any, fits: bool) -> None:
    assert selects(selector, {"a": "1"}) is fits


def test_node_terms() -> None:
    assert term_selects({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}, {}, "n")
    assert term_selects({"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["3"]}]}, {"gen": "4"}, "n")
    assert not term_selects({}, {}, "n")


@pytest.mark.parametrize("text", ["a=(", "a in 1", "=b", "a b"])
def test_a_label_selector_that_is_none(text: str) -> None:
    with pytest.raises(ApiError):
        label_selector(text)


def test_a_field_selector_of_a_bool() -> None:
    cordoned = {"spec": {"unschedulable": True}}
    assert field_selector("spec.unschedulable=true")(cordoned)
    assert field_selector("spec.unschedulable!=true")({"spec": {}})
