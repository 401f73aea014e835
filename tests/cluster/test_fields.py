"""Fields of hostile JSON: bounded, on one line, and of another type than expected not there."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.cluster.fields import (
    MAX_ITEMS,
    MAX_MESSAGE,
    MAX_NAME,
    applier,
    condition,
    controller,
    duration,
    flag,
    items,
    labels,
    message,
    namespace_and_name,
    node_terms,
    number,
    text,
    texts,
    time,
)
from failover_api.cluster.kinds import KINDS
from failover_api.core.safety.observed import NOBODY, Applier, Condition, Owner, Requirement

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
WORDS = re.findall(
    r"\w+",
    """metadata name namespace uid labels annotations ownerReferences controller kind generation deletionTimestamp
    creationTimestamp spec status conditions type reason message lastTransitionTime replicas template nodeSelector
    affinity nodeAffinity requiredDuringSchedulingIgnoredDuringExecution nodeSelectorTerms matchExpressions matchFields
    key operator values tolerations effect value volumes persistentVolumeClaim claimName strategy rollingUpdate maxSurge
    paused taints unschedulable renewTime leaseDurationSeconds phase nodeName containerStatuses state waiting
    updatedReplicas volumeName accessModes storageClassName claimRef required trigger schedule manual lastSyncTime
    lastSyncDuration latestMoverStatus result restic destinationPVC sourcePVC suspend sourceRef inventory entries id
    history chartVersion artifact revision source sources repoURL syncPolicy automated sync health
    scaleTargetRef involvedObject observedGeneration comparedTo operationState syncResult operation targetRevision path
    lastTransitionTime annotations selector sourceRef""",
)
# The same keys at every depth: so random JSON gets past the first `get` of a parser.
LIKELY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "Ready",
            "True",
            "Exists",
            "2026-11-30T20:00:00Z",
            "0001-01-01T00:00:00+23:59",
            "1m3.5s",
            "-",
            "In",
            "https://u:p@h/x",
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=40,
)


@settings(max_examples=60)
@given(data=JSON | LIKELY, parts=st.tuples(LIKELY, LIKELY, LIKELY))
def test_a_parser_makes_something_of_any_json(data: Any, parts: tuple[Any, Any, Any]) -> None:
    metadata, spec, status = parts
    for kind in KINDS:
        for item in (data, {"metadata": metadata, "spec": spec, "status": status}):
            value = kind.parse(item, ("media", "sonarr"))
            assert len(repr(value)) < 100_000
            assert kind.parse(item, ("media", "sonarr")) == value


@given(JSON | LIKELY)
def test_only_what_has_a_name_is_an_object(data: Any) -> None:
    key = namespace_and_name(data)
    assert key is None or (key[1] and all(len(part) <= MAX_NAME for part in key))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("k3s-w1", "k3s-w1"),
        ("a\nb\u202ec", "a\\u000ab\\u202ec"),
        ("\ud800", "\\ud800"),
        ("x" * 300, "x" * MAX_NAME),
        ("\n" * 300, ("\\u000a" * 300)[:MAX_NAME]),
        (7, ""),
        (None, ""),
        ({"a": "b"}, ""),
        (["a"], ""),
    ],
)
def test_a_text_is_on_one_line_and_cut(value: object, expected: str) -> None:
    assert text({"a": {"b": value}}, "a", "b") == expected


def test_a_message_may_be_longer_than_a_name() -> None:
    assert len(message({"message": "m" * 5000}, "message")) == MAX_MESSAGE


@pytest.mark.parametrize("data", [None, 1, "text", [], [{"a": "x"}], {"a": None}, {"a": 3}, {"a": {"b": {}}}])
def test_a_path_that_leads_nowhere_has_nothing(data: object) -> None:
    assert text(data, "a", "b") == ""
    assert number(data, "a", "b") is None
    assert time(data, "a", "b") is None
    assert not flag(data, "a", "b")
    assert list(items(data, "a", "b")) == []
    assert texts(data, "a", "b") == ()
    assert labels(data, "a", "c") == {}


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3), (0, 0), (-1, -1), (True, None), (1.0, None), ("1", None), (2**60, None)]
)
def test_a_number_is_a_whole_one(value: object, expected: int | None) -> None:
    assert number({"n": value}, "n") == expected


@pytest.mark.parametrize("value", ["true", 1, None, "yes", [True]])
def test_a_flag_is_true_and_nothing_else(value: object) -> None:
    assert flag({"f": True}, "f")
    assert not flag({"f": value}, "f")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-30T20:00:00Z", 1796068800.0),
        ("2026-11-30T20:00:00.250000Z", 1796068800.25),
        ("2026-11-30T21:00:00+01:00", 1796068800.0),
        ("2026-11-30T20:00:00", None),  # of no zone, so of no time
        ("2026-13-30T20:00:00Z", None),
        ("yesterday", None),
        ("0000-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),  # Go's word for none
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("10000-01-01T00:00:00Z", None),
        ("NaN", None),
        (float("nan"), None),
        ("", None),
        (1796068800, None),
        ("2026-11-30T20:00:00Z" + " " * 100, None),
    ],
)
def test_a_time_has_a_zone(value: object, expected: float | None) -> None:
    assert time({"t": value}, "t") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1m3.5s", 63.5),
        ("2h0m0s", 7200.0),
        ("350ms", 0.35),
        ("1.5µs", 1.5e-06),
        ("0s", 0.0),
        ("-5s", None),
        ("5", None),
        ("", None),
        ("5s later", None),
        (5, None),
        ("9" * 50 + "h", None),
    ],
)
def test_a_duration_is_as_go_writes_it(value: object, expected: float | None) -> None:
    assert duration({"d": value}, "d") == pytest.approx(expected)


def test_a_list_is_cut_and_holds_objects_only() -> None:
    many = {"items": [{"n": number} for number in range(MAX_ITEMS + 5)]}
    assert len(list(items(many, "items"))) == MAX_ITEMS
    assert list(items({"items": [None, 1, "x", {"a": 1}, ["y"]]}, "items")) == [{"a": 1}]
    assert texts({"v": ["a", 1, None, "b"]}, "v") == ("a", "b")
    assert labels({"l": {"a": "b", "c": 1, "d": None}}, "l") == {"a": "b"}


def test_a_condition_is_found_among_others_and_garbage() -> None:
    data = json.loads(
        """{"status": {"conditions": [null, "Ready", {"type": ["Ready"]}, {"type": "MemoryPressure", "status": "False"},
            {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
             "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-11-30T20:00:00Z"}]}}"""
    )
    expected = Condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", 1796068800.0)
    assert condition(data, "Ready") == expected
    assert condition(data, "DiskPressure") is None
    assert condition({"status": {"conditions": {"type": "Ready"}}}, "Ready") is None


def test_the_owner_is_the_one_that_controls() -> None:
    owners = [
        {"kind": "Node", "name": "k3s-w1", "uid": "1"},
        {"kind": "ReplicaSet", "name": "sonarr-7d4b", "uid": "2", "controller": True},
    ]
    assert controller({"metadata": {"ownerReferences": owners}}) == Owner("ReplicaSet", "sonarr-7d4b", "2")
    assert controller({"metadata": {"ownerReferences": owners[:1]}}) is None


KUSTOMIZE, HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, NOBODY),
        (
            {"labels": {f"{KUSTOMIZE}/name": "apps", f"{KUSTOMIZE}/namespace": "flux-system"}},
            Applier(kustomization=("flux-system", "apps")),
        ),
        (
            {"labels": {f"{HELM}/name": "plex", f"{HELM}/namespace": "media"}},
            Applier(helm_release=("media", "plex")),
        ),
        ({"annotations": {f"{KUSTOMIZE}/ssa": "IfNotPresent"}}, Applier(is_ignored=True)),
        ({"annotations": {f"{KUSTOMIZE}/ssa": "Ignore"}}, Applier(is_ignored=True)),
        ({"labels": {f"{KUSTOMIZE}/ssa": "Ignore"}}, Applier(is_ignored=True)),
        ({"labels": {f"{KUSTOMIZE}/ssa": "ifNotPresent"}}, Applier(is_ignored=True)),  # Flux compares without case
        ({"annotations": {f"{KUSTOMIZE}/reconcile": "Disabled"}}, Applier(is_ignored=True)),
        ({"annotations": {f"{KUSTOMIZE}/ssa": "Merge"}}, NOBODY),
        ({"annotations": {f"{KUSTOMIZE}/reconcile": "disabled"}}, Applier(is_ignored=True)),
        ({"annotations": {f"{KUSTOMIZE}/ssa": ["Ignore"]}}, NOBODY),
        ({"annotations": "text", "labels": ["text"]}, NOBODY),
    ],
)
def test_who_applies_an_object_stands_in_its_labels(metadata: Any, expected: Applier) -> None:
    assert applier({"metadata": metadata}) == expected


def test_node_terms_are_labels_and_names() -> None:
    term = {
        "matchExpressions": [{"key": "role", "operator": "In", "values": ["a", "b", 3]}],
        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k3s-w1"]}],
    }
    assert node_terms({"terms": [term, "garbage", {}]}, "terms") == (
        (Requirement("role", "In", ("a", "b")), Requirement("metadata.name", "In", ("k3s-w1",))),
        (),
    )
