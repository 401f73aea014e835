"""Hazards of a move that are seen in a cluster: the real app and the real client on an API server of the test's own."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.answers import problem
from tests.support.homelab_cluster import CLAIMS, HomelabCluster, homelab_cluster
from tests.support.homelab_cluster import NODES as NODES_PATH
from tests.support.stage import SERVICES, Stage

Json = dict[str, Any]
MOVE = "/api/failover/sonarr/promote"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


async def dry_run(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.get(MOVE, params={"dry-run": "true"})


async def told(client: httpx2.AsyncClient, slug: str) -> httpx2.Response:
    """The dry run, once it tells of a hazard: what is watched comes a moment later."""
    for _ in range(60):
        response = await dry_run(client)
        if slug in [hazard["slug"] for hazard in response.json().get("hazards", [])]:
            return response
        await asyncio.sleep(0.25)
    raise AssertionError(f"{slug} is not told: {response.text}")


async def test_a_target_that_is_not_ready_refuses_the_move_until_it_is_accepted(
    stage: Stage, cluster: HomelabCluster
) -> None:
    cluster.node("k3s-w2", ready="Unknown")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        refused = await told(client, "node-not-ready")
        assert problem(refused, "unsafe-move", 409)
        stops = [hazard for hazard in refused.json()["hazards"] if hazard["severity"] == "stop"]
        assert [(stop["slug"], stop["about"], stop["where"]) for stop in stops] == [
            ("node-not-ready", "Node k3s-w2", None)
        ]
        assert problem(await client.post(MOVE), "unsafe-move", 409)
        head = stage.sandbox.log(repository=stage.repository)[0]
        assert "Failover-Service" not in head.message
        done = await client.post(MOVE, params={"accept": "node-not-ready"})
    assert done.status_code == 200
    assert "Failover-Accepted: node-not-ready" in stage.sandbox.log(repository=stage.repository)[0].message


async def test_a_status_tells_the_hazards_of_the_move_to_the_other_side(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.server.remove(CLAIMS, "pvc-sonarr-backup", "media")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await told(client, "claim-missing")
        status = (await client.get("/api/failover/sonarr")).json()
        listed = (await client.get("/api/failover")).json()["services"]
    assert [hazard["slug"] for hazard in status["hazards_to"]] == ["claim-missing", "old-pod-running"]
    in_short = {service["service"]: service["hazards_to"] for service in listed}
    assert in_short["sonarr"] == {"slugs": ["claim-missing", "old-pod-running"], "severity": "stop"}
    assert in_short["radarr"]["slugs"] == ["cluster-unseen"], "it is in no cluster"


ROLES = "node_label_key: role, primary_node_label: primary, backup_node_label: backup"
SHARING = f"""\
  sonarr: {{namespace: media, deployment: sonarr, {ROLES}}}
  radarr: {{namespace: media, deployment: radarr, {ROLES}, workload: {{kind: Deployment, name: sonarr}}}}
"""
NODES = "nodes: {primary: k3s-w1, backup: k3s-w2}"


async def test_what_stops_all_of_a_group_is_said_once(stage: Stage, cluster: HomelabCluster) -> None:
    """A dead node is one thing, however many services would go there; of each is told what refuses it."""
    cluster.node("k3s-w2", ready="Unknown")
    stage.declare(SHARING, top=f"groups: {{all: [sonarr, radarr]}}\n{NODES}")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await told(client, "node-not-ready")
        body = problem(await client.post("/api/groups/all/promote"), "unsafe-move", 409)
        page = (await client.get("/groups/all/promote")).text
        done = await client.post("/api/groups/all/promote", json={"accept": ["node-not-ready"]})
    assert [hazard["slug"] for hazard in body["hazards"]].count("node-not-ready") == 1
    assert [[hazard["slug"] for hazard in one["hazards"]].count("node-not-ready") for one in body["refused"]] == [1, 1]
    assert '<th scope="row">sonarr, radarr</th>' in page
    assert done.status_code == 200
    assert [hazard["slug"] for hazard in done.json()["hazards"]].count("node-not-ready") == 1


async def test_a_group_says_once_that_its_members_are_unseen(stage: Stage, silent: Path) -> None:
    """Both members are of a cluster that does not answer."""
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr]}")
    async with stage.client(cluster=str(silent), cluster_timeout_s=0.5) as client:
        outcome = (await client.get("/api/groups/all/promote", params={"dry-run": "true"})).json()
    assert [hazard["slug"] for hazard in outcome["hazards"]] == ["cluster-unseen"]


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        file = tmp_path / "silent"
        file.write_text(
            "current-context: home\ncontexts: [{name: home, context: {cluster: home}}]\n"
            f'clusters: [{{name: home, cluster: {{server: "http://127.0.0.1:{server.getsockname()[1]}"}}}}]\n',
            encoding="utf-8",
        )
        yield file


async def test_a_cluster_that_hangs_delays_a_move_by_no_more_than_its_time(stage: Stage, silent: Path) -> None:
    """Watching has begun with the app, so there is nothing left to wait for; and GitHub is asked once."""
    async with stage.client(cluster=str(silent), cluster_timeout_s=0.5) as client:
        assert (await client.get("/api/failover/sonarr")).status_code == 200
        await asyncio.sleep(0.6)
        stage.requests.clear()
        began = time.monotonic()
        done = await client.post(MOVE)
        took_s = time.monotonic() - began
    assert done.status_code == 200
    assert [hazard["slug"] for hazard in done.json()["hazards"]] == ["cluster-unseen"]
    assert done.json()["hazards_complete"] is False
    assert [request.method for request in stage.requests] == ["PUT"]
    assert took_s < 0.5 + 2.0, "the move's own time and that of a busy machine are in it"


async def test_a_cluster_of_which_a_part_does_not_answer_is_not_looked_at_in_full(
    stage: Stage, cluster: HomelabCluster
) -> None:
    """What may not be read stays unseen, and `check` says so; what did not come this time is said each time."""
    cluster.server.forbidden.add((NODES_PATH, "*"))
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        for _ in range(60):  # one that starts up forbids everything for a moment
            outcome = (await told(client, "old-pod-running")).json()
            if outcome["hazards_complete"]:
                break
            await asyncio.sleep(0.1)
    assert outcome["hazards_complete"] is True
    for _ in range(50):
        cluster.server.next("list", CLAIMS, lambda handler: handler.status(500, "InternalError", "etcd is away"))
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        outcome = (await told(client, "old-pod-running")).json()
        status = (await client.get("/api/failover/sonarr")).json()
    assert (outcome["hazards_complete"], status["hazards_complete"]) == (False, False)


async def test_without_a_cluster_nothing_of_one_is_said(stage: Stage) -> None:
    async with stage.client() as client:
        outcome = (await dry_run(client)).json()
    assert outcome["hazards"] == []
