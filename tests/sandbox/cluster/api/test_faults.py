"""An API server that is slow, half gone, or not one at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest

from failover_api.sandbox.cluster.api.faults import ApiFault

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"


def test_a_slow_answer_is_the_right_one(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("slow", seconds=0.2))
    began = time.monotonic()
    assert client.get(NODES).json()["kind"] == "NodeList"
    assert time.monotonic() - began >= 0.2


def test_half_of_it_hangs(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("hang", resources=("pods",)))
    assert client.get(NODES).status_code == 200
    with pytest.raises(httpx2.ReadTimeout):
        client.get(PODS, timeout=0.2)


def test_some_kinds_fail_and_only_so_often(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("status", resources=("pods",), verbs=("list",), status=500, times=2))
    codes = [client.get(PODS).status_code for _ in range(3)]
    assert codes == [500, 500, 200]
    assert client.get(NODES).status_code == 200


def test_a_page_in_the_place_of_json(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("html"))
    answer = client.get(NODES)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    cluster.api.faults.clear()
    cluster.api.faults.add(ApiFault("status", status=502, body="<html>Bad Gateway</html>"))
    assert (client.get(NODES).status_code, client.get(NODES).text) == (502, "<html>Bad Gateway</html>")


def test_json_that_is_cut_short(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("garbage", times=1))
    with pytest.raises(ValueError, match="Expecting value"):
        client.get(PODS).json()


def test_kinds_that_are_forbidden(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("forbid", resources=("replicationsources",)))
    answer = client.get("/apis/volsync.backube/v1alpha1/replicationsources")
    assert (answer.status_code, answer.json()["details"]["kind"]) == (403, "replicationsources")


def test_connections_that_are_cut(client: httpx2.Client, cluster: SimulatedCluster) -> None:
    cluster.api.faults.add(ApiFault("cut", times=1))
    with pytest.raises(httpx2.TransportError):
        client.get(NODES)
    assert client.get(NODES).status_code == 200


def test_a_fault_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="expected one of slow, hang"):
        ApiFault(cast("Any", "bad"))
