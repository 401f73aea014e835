"""What a manager leaves out goes; what others wrote, and defaults elsewhere, stay."""

from __future__ import annotations

from typing import Any

import pytest

from failover_api.sandbox.cluster.objects.json_values import copied
from failover_api.sandbox.cluster.objects.server_side_apply import apply, conflicts


def config(**data: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", **data}


@pytest.mark.parametrize(
    ("live", "before", "now", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {}, {"b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": 5}, {"a": 1}, {}, {"a": 5}),  # somebody else changed it
        ({"d": {"mine": 1, "theirs": 2}}, {"d": {"mine": 1}}, {}, {"d": {"theirs": 2}}),
        ({"d": {"mine": 1}}, {"d": {"mine": 1}}, {}, {}),
        (
            {"nodeSelector": {"a": "1", "by hand": "2"}},
            None,
            {"nodeSelector": {"a": "1"}},
            {"nodeSelector": {"a": "1"}},
        ),
    ],
)
def test_maps(live: Any, before: Any, now: Any, expected: Any) -> None:
    assert apply(config(**live), config(**now), None if before is None else config(**before)) == config(**expected)


def test_volumes_are_merged_by_their_name() -> None:
    mine = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "a"}}]}
    live = config(**copied(mine))
    live["volumes"].append({"name": "theirs", "emptyDir": {}})
    scratch = config(volumes=[{"name": "data", "emptyDir": {}}])
    assert apply(live, scratch, config(**mine))["volumes"] == [
        {"name": "data", "emptyDir": {}},
        {"name": "theirs", "emptyDir": {}},
    ]
    assert apply(live, config(volumes=[]), config(**mine))["volumes"] == [{"name": "theirs", "emptyDir": {}}]


def test_a_conflict_names_its_field() -> None:
    theirs = config(spec={"replicas": 1, "containers": [{"name": "app", "image": "a"}]})
    live = copied(theirs)
    mine = config(spec={"replicas": 2, "containers": [{"name": "app", "image": "b"}]})
    assert conflicts(live, mine, theirs) == [".spec.replicas", '.spec.containers[name="app"].image']
    assert conflicts(live, theirs, theirs) == []
    live["spec"]["replicas"] = 0
    assert ".spec.replicas" not in conflicts(live, mine, theirs)


def test_the_live_object_is_left_alone() -> None:
    live = config(a={"b": 1})
    apply(live, config(a={"c": 2}), config(a={"b": 1}))
    assert live == config(a={"b": 1})
