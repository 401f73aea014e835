"""JSON patch, merge patch, strategic merge patch: values in, values out."""

from __future__ import annotations

from typing import Any

import pytest

from failover_api.sandbox.cluster.objects.patches import json_patch, merge_patch, strategic_merge
from failover_api.sandbox.cluster.objects.refusals import ApiError

ONE, TWO = {"name": "one", "image": "a"}, {"name": "two", "image": "b"}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/b", "value": 2}], {"a": [1], "b": 2}),
        ([{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1]}),
        ([{"op": "replace", "path": "/a", "value": {"x~/y": 1}}, {"op": "remove", "path": "/a/x~0~1y"}], {"a": {}}),
        (
            [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "move", "from": "/b", "path": "/c"}],
            {"a": [1], "c": [1]},
        ),
        ([{"op": "test", "path": "/a/0", "value": 1}, {"op": "test", "path": "/z", "value": None}], {"a": [1]}),
    ],
)
def test_operations_are_carried_out(operations: Any, expected: Any) -> None:
    assert json_patch({"a": [1]}, operations) == expected


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ({"op": "test", "path": "/a", "value": 2}, "testing value /a failed"),
        ({"op": "remove", "path": "/b"}, "remove operation does not apply"),
        ({"op": "replace", "path": "/b", "value": 1}, "does not apply"),
        ({"op": "add", "path": "/b/c", "value": 1}, "add operation does not apply"),
        ({"op": "fly", "path": "/a"}, "Unexpected kind: fly"),
    ],
)
def test_an_operation_that_does_not_fit_is_a_422(operation: Any, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({"a": 1}, [operation])
    assert refused.value.code == 422
    assert text in refused.value.details["causes"][0]["message"]


def test_what_is_no_list_is_no_json_patch() -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({}, {"a": 1})
    assert refused.value.code == 400


def test_a_patch_leaves_its_target_alone() -> None:
    target = {"a": {"b": [1]}}
    json_patch(target, [{"op": "add", "path": "/a/b/-", "value": 2}])
    merge_patch(target, {"a": {"b": None}})
    strategic_merge(target, {"a": {"c": 1}})
    assert target == {"a": {"b": [1]}}


def test_a_merge_patch_replaces_lists_and_removes_nulls() -> None:
    assert merge_patch({"a": [1, 2], "b": {"c": 1, "d": 2}}, {"a": [3], "b": {"c": None}}) == {"a": [3], "b": {"d": 2}}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"containers": [{"name": "two", "image": "c"}]}, [ONE, {"name": "two", "image": "c"}]),
        ({"containers": [{"name": "three"}]}, [ONE, TWO, {"name": "three"}]),
        ({"containers": [{"name": "one", "$patch": "delete"}]}, [TWO]),
        ({"containers": [{"$patch": "replace"}, {"name": "x"}]}, [{"name": "x"}]),
        ({"$setElementOrder/containers": [{"name": "two"}], "containers": [{"name": "two", "image": None}]},
         [ONE, {"name": "two"}]),
    ],
)  # fmt: skip
def test_elements_are_told_apart_by_their_keys(patch: Any, expected: Any) -> None:
    assert strategic_merge({"containers": [ONE, TWO]}, patch)["containers"] == expected


def test_finalizers_are_taken_out_one_by_one() -> None:
    patch = {"$deleteFromPrimitiveList/finalizers": ["a"]}
    assert strategic_merge({"finalizers": ["a", "b"]}, patch) == {"finalizers": ["b"]}
