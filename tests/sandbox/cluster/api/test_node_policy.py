"""The policy on writes of nodes: each attempt that was tried on a real API server, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.clients import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

US = "system:serviceaccount:operations:failover-api"
KEY = "node.kubernetes.io/out-of-service"
TAINT = {"key": KEY, "value": "nodeshutdown", "effect": "NoExecute"}
MERGE = "application/merge-patch+json"
NODES = "/api/v1/nodes"
ONLY = f"only the taint {KEY} may change"


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    """k3s-w1 is not heard of, k3s-w2 is well."""
    made = SimulatedCluster()
    made.grant("ours", US, Rule(("get", "list", "patch", "update"), ("nodes", "nodes/status")))
    made.grant("other", "somebody", Rule(("patch",), ("nodes",)))
    made.guard_nodes(US)
    made.advance(15)
    made.kill("k3s-w1")
    made.advance(70)
    return made


@pytest.fixture
def ours(cluster: SimulatedCluster) -> Iterator[httpx2.Client]:
    with cluster.serve() as url, connect(url, "ours") as client:
        yield client


def merge(client: httpx2.Client, node: str, body: Any, below: str = "") -> httpx2.Response:
    where = f"{NODES}/{node}{below}"
    return client.patch(where, json=body, headers={"Content-Type": MERGE}, params={"dryRun": "All"})


def taints(client: httpx2.Client, node: str, *more: Any) -> dict[str, Any]:
    return {"spec": {"taints": [*client.get(f"{NODES}/{node}").json()["spec"].get("taints", []), *more]}}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"metadata": {"labels": {"a": "b"}}}, "metadata may not change"),
        ({"metadata": {"annotations": {"a": "b"}}}, "metadata may not change"),
        ({"metadata": {"finalizers": ["a/b"]}}, "metadata may not change"),
        ({"spec": {"unschedulable": True}}, "the rest of spec may not change"),
        ({"spec": {"providerID": "a"}}, "the rest of spec may not change"),
        ({"spec": {"taints": []}}, ONLY),
        ({"spec": {"taints": [TAINT]}}, ONLY),
    ],
)
def test_nothing_else_of_a_node_may_change(ours: httpx2.Client, body: Any, why: str) -> None:
    answer = merge(ours, "k3s-w1", body)
    assert answer.status_code == 422
    assert answer.json()["reason"] == "Invalid"
    assert answer.json()["message"].endswith(f"denied request: {why}")


def test_the_taint_may_be_set_as_it_has_to_be_and_no_other_way(ours: httpx2.Client) -> None:
    assert merge(ours, "k3s-w1", taints(ours, "k3s-w1", TAINT)).status_code == 200
    other = merge(ours, "k3s-w1", taints(ours, "k3s-w1", {**TAINT, "value": "x"}))
    assert (other.status_code, "the taint must be nodeshutdown:NoExecute" in other.text) == (422, True)
    heard = merge(ours, "k3s-w2", taints(ours, "k3s-w2", TAINT))
    assert (heard.status_code, "the node is being heard of" in heard.text) == (422, True)


def test_a_subresource_may_not_change(ours: httpx2.Client) -> None:
    answer = merge(ours, "k3s-w1", {"status": {"phase": "x"}}, "/status")
    assert (answer.status_code, "no subresource" in answer.text) == (422, True)


def test_others_are_not_looked_at(cluster: SimulatedCluster) -> None:
    with cluster.serve() as url, connect(url, "other") as client:
        assert merge(client, "k3s-w2", {"metadata": {"labels": {"a": "b"}}}).status_code == 200
