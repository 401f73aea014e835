"""GET /api/nodes and evacuate: the nodes that the catalog or a cluster has, and moving all services away from one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover_api.core.access.model import digest_of
from tests.support.answers import problem
from tests.support.homelab_cluster import CLAIMS, HomelabCluster, homelab_cluster
from tests.support.stage import PLEX, RADARR, SERVICES, SONARR, Stage, entry

Json = dict[str, Any]
NODES = "nodes: {primary: k3s-w1, backup: k3s-w2}"
EVACUATE = "/api/nodes/k3s-w1/evacuate"


def allow(stage: Stage, allow: str, services: str) -> None:
    entry = f"{{name: one, sha256: {digest_of('t')}, allow: [{allow}], services: [{services}], expires: 2999-01-01}}"
    stage.access_file.write_text(f"tokens: [{entry}]\n")


@pytest.fixture
def home(stage: Stage) -> Stage:
    """sonarr, radarr and plex on k3s-w1."""
    stage.declare(SERVICES, top=NODES)
    return stage


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


def last_message(stage: Stage) -> str:
    return stage.sandbox.log(repository=stage.repository)[0].message


async def test_without_a_cluster_the_nodes_are_the_catalogs_and_their_state_is_unknown(home: Stage) -> None:
    async with home.client() as client:
        await client.post("/api/failover/radarr/promote")
        answer = await client.get("/api/nodes")
    unseen = {"state": "unknown", "since": None, "ready": None, "renewed_at": None, "unschedulable": None}
    assert answer.json() == {
        "nodes": [
            {"name": "k3s-w1", **unseen, "services": {"active": ["sonarr", "plex"], "standby": ["radarr"]}},
            {"name": "k3s-w2", **unseen, "services": {"active": ["radarr"], "standby": ["sonarr", "plex"]}},
        ]
    }


async def test_a_cluster_tells_the_state_and_resolves_labels(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.node("k3s-w2", ready="False")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        nodes = {node["name"]: node for node in (await client.get("/api/nodes")).json()["nodes"]}
    assert (nodes["k3s-w1"]["state"], nodes["k3s-w1"]["ready"], nodes["k3s-w1"]["unschedulable"]) == (
        "ready",
        True,
        False,
    )
    assert nodes["k3s-w1"]["services"]["active"] == ["sonarr", "radarr", "plex"]
    assert (nodes["k3s-w2"]["state"], nodes["k3s-w2"]["ready"]) == ("unwell", False)
    assert nodes["k3s-w2"]["since"].endswith("Z")


async def test_services_that_a_caller_may_not_see_are_left_out(home: Stage) -> None:
    allow(home, "view", "sonarr")
    async with home.client() as client:
        answer = await client.get("/api/nodes", headers={"authorization": "Bearer t"})
        problem(await client.get("/api/nodes"), "unauthenticated", 401)
    assert [node["services"]["active"] for node in answer.json()["nodes"]] == [["sonarr"], []]


async def test_an_evacuation_is_one_commit_of_each_members_own_action(home: Stage) -> None:
    async with home.client() as client:
        shown = await client.get(EVACUATE, params={"dry-run": "true"})
        done = await client.post(
            EVACUATE, headers={"if-match": shown.headers["etag"]}, json={"reason": "new disk for k3s-w1"}
        )
    outcome = done.json()
    assert (shown.status_code, done.status_code) == (200, 200)
    assert shown.json()["dry_run"]
    assert shown.json()["diff"] == outcome["diff"]
    assert {key: outcome[key] for key in ("node", "action", "to", "changed", "unplaced", "policy")} == {
        "node": "k3s-w1",
        "action": "evacuate",
        "to": "backup",
        "changed": True,
        "unplaced": [],
        "policy": "direct",
    }
    assert "group" not in outcome
    assert [(member["service"], member["from"], member["to"]) for member in outcome["services"]] == [
        ("sonarr", "primary", "backup"),
        ("radarr", "primary", "backup"),
        ("plex", "primary", "backup"),
    ]
    message = last_message(home)
    assert message.count("Failover-Action: promote") == 3
    assert "Failover-Group: node k3s-w1" in message
    assert "Reason: new disk for k3s-w1" in message
    assert len(home.moves) == 1


async def test_services_of_either_side_each_go_to_their_other(home: Stage) -> None:
    async with home.client() as client:
        await client.post("/api/failover/radarr/promote")
        outcome = (await client.post("/api/nodes/k3s-w2/evacuate")).json()
        again = (await client.post("/api/failover/sonarr/promote")).json()
        both = (await client.get("/api/nodes/k3s-w2/evacuate", params={"dry-run": "1"})).json()
    assert [(member["service"], member["to"]) for member in outcome["services"]] == [("radarr", "primary")]
    assert outcome["to"] == "primary"
    assert again["changed"]
    assert [member["service"] for member in both["services"]] == ["sonarr"]


async def test_a_node_with_services_of_both_directions_takes_a_commit_for_each(stage: Stage) -> None:
    other_way = "nodes: {primary: k3s-w2, backup: k3s-w1}"
    stage.declare(entry("sonarr", "media", other_way) + entry("radarr"), top=NODES)
    async with stage.client() as client:
        await client.post("/api/failover/sonarr/promote")
        outcome = (await client.post(EVACUATE)).json()
    assert [(member["service"], member["to"]) for member in outcome["services"]] == [
        ("sonarr", "primary"),
        ("radarr", "backup"),
    ]
    assert outcome["to"] == "mixed"
    assert outcome["commit"] is None
    assert len(outcome["commits"]) == 2
    subjects = [entry.message.partition("\n")[0] for entry in stage.sandbox.log(repository=stage.repository)[:2]]
    assert sorted(subjects) == ["Fail back sonarr to primary", "Fail over radarr to backup"]


async def test_what_nobody_can_place_is_told_and_stays(stage: Stage) -> None:
    stage.declare(
        entry("sonarr") + entry("radarr", "media", "nodes: {primary: [k3s-w1, k3s-w3], backup: k3s-w2}") + PLEX
    )
    async with stage.client() as client:
        outcome = (await client.post(EVACUATE)).json()
    assert [member["service"] for member in outcome["services"]] == ["plex"]
    assert outcome["unplaced"] == ["sonarr", "radarr"]
    assert home_text(stage, SONARR).count("primary") == 1


def home_text(stage: Stage, path: str) -> str:
    data = stage.read(path)
    assert data is not None
    return data.decode()


async def test_a_node_that_nobody_knows_is_404(home: Stage) -> None:
    async with home.client() as client:
        refused = problem(await client.post("/api/nodes/k3s-w9/evacuate"), "unknown-node", 404)
    assert refused["detail"] == "neither the cluster nor the catalog has a node 'k3s-w9'"


async def test_a_node_without_a_service_has_nothing_to_do(home: Stage) -> None:
    async with home.client() as client:
        outcome = (await client.post("/api/nodes/k3s-w2/evacuate")).json()
    assert (outcome["changed"], outcome["services"], outcome["to"]) == (False, [], "unknown")
    assert outcome["message"] == "node k3s-w2: no service is active there; nothing to do."
    assert len(home.moves) == 0


async def test_the_same_key_gives_the_first_outcome(home: Stage) -> None:
    key = {"idempotency-key": "evacuate-1"}
    async with home.client() as client:
        first = (await client.post(EVACUATE, headers=key)).json()
        again = (await client.post(EVACUATE, headers=key)).json()
    assert again["operation"] == first["operation"]
    assert again["commit"]["sha"] == first["commit"]["sha"]
    assert len(home.moves) == 1


async def test_the_same_key_gives_the_first_outcome_of_both_directions(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "nodes: {primary: k3s-w2, backup: k3s-w1}") + entry("radarr"), top=NODES)
    key = {"idempotency-key": "evacuate-1"}
    async with stage.client() as client:
        await client.post("/api/failover/sonarr/promote")
        first = await client.post(EVACUATE, headers=key)
        await client.post("/api/failover/radarr/demote")
        again = await client.post(EVACUATE, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["commits"] == first.json()["commits"]
    assert again.json()["operation"] == first.json()["operation"]
    assert len(stage.moves) == 4


@pytest.mark.parametrize("policy", ["pull_request", "direct"])
async def test_the_same_key_gives_the_first_outcome_of_each_pull_request(stage: Stage, policy: str) -> None:
    """radarr by the policy, the others by a pull request each; one of them is merged when the key comes again."""
    own = f"policy: {policy}"
    others = entry("sonarr", "media", "policy: pull_request") + PLEX + "    policy: pull_request\n"
    stage.declare(others + entry("radarr", "media", own), top=NODES)
    key = {"idempotency-key": "evacuate-1"}
    async with stage.client() as client:
        first = await client.post(EVACUATE, headers=key)
        again = await client.post(EVACUATE, headers=key)
        stage.merge(first.json()["pull_requests"][0]["number"])
        late = await client.post(EVACUATE, headers=key)
    bodies = [answer.json() for answer in (first, again, late)]
    assert [answer.status_code for answer in (first, again, late)] == [202, 202, 202]
    numbers = [[pull["number"] for pull in body["pull_requests"]] for body in bodies]
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(numbers[0]) == (3 if policy == "pull_request" else 2)
    assert [pull["state"] for pull in bodies[2]["pull_requests"]].count("merged") == 1
    assert {body["operation"] for body in bodies} == {bodies[0]["operation"]}
    assert [(member["service"], member["to"]) for member in bodies[2]["services"]] == [
        ("sonarr", "backup"), ("plex", "backup"), ("radarr", "backup")
    ]  # fmt: skip


async def test_the_key_of_another_request_is_refused_before_anything_is_written(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", "policy: pull_request"), top=NODES)
    key = {"idempotency-key": "one"}
    async with stage.client() as client:
        await client.post("/api/failover/sonarr/promote", headers=key)
        problem(await client.post(EVACUATE, headers=key), "idempotency-key-reused", 422)
        problem(await client.post("/api/failover/radarr/demote", headers=key), "idempotency-key-reused", 422)
    assert len(stage.moves) == 1


async def test_a_change_between_look_and_move_is_412(home: Stage) -> None:
    async with home.client() as client:
        shown = await client.get(EVACUATE, params={"dry-run": "true"})
        home.commit({RADARR: home_text(home, RADARR).replace("7878", "7879")})
        refused = await client.post(EVACUATE, headers={"if-match": shown.headers["etag"]})
    problem(refused, "precondition-failed", 412)
    assert len(home.moves) == 0


async def test_one_on_neither_side_and_one_that_cannot_be_read_stay(home: Stage) -> None:
    home.commit({SONARR: home_text(home, SONARR).replace("role: primary", "role: k3s-w3")})
    home.commit({RADARR: home_text(home, RADARR).replace("claimName:", "claim:")})
    async with home.client() as client:
        outcome = (await client.post(EVACUATE)).json()
    assert outcome["unplaced"] == ["sonarr", "radarr"]
    assert [member["service"] for member in outcome["services"]] == ["plex"]


@pytest.mark.parametrize("policy", ["direct", "pull_request"])
async def test_one_that_is_refused_refuses_all_unless_it_is_skipped(
    stage: Stage, cluster: HomelabCluster, policy: str
) -> None:
    """Together with the others, and by itself."""
    cluster.server.remove(CLAIMS, "pvc-sonarr-backup", "media")
    stage.declare(entry("sonarr", "media", f"policy: {policy}") + entry("radarr"), top=NODES)
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await client.get("/api/failover/sonarr")
        body = problem(await client.post(EVACUATE), "unsafe-move", 409)
        assert [refused["service"] for refused in body["refused"]] == ["sonarr"]
        assert stage.moves == []
        outcome = (await client.post(EVACUATE, params={"skip_refused": "true"})).json()
    members = {member["service"]: member for member in outcome["services"]}
    assert members["radarr"]["changed"]
    assert members["sonarr"]["error"]["type"] == "urn:failover-api:problem:unsafe-move"
    assert "role: primary" in home_text(stage, SONARR)


async def test_a_hazard_is_accepted_for_one_of_them(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.server.remove(CLAIMS, "pvc-sonarr-backup", "media")
    stage.declare(entry("sonarr") + entry("radarr"), top=NODES)
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await client.get("/api/failover/sonarr")
        done = await client.post(EVACUATE, params={"accept": "sonarr:claim-missing"})
    assert done.status_code == 200
    assert "Failover-Accepted: claim-missing" in last_message(stage)


async def test_by_pull_request_each_service_has_its_own(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "policy: pull_request") + entry("radarr"), top=NODES)
    async with stage.client() as client:
        answer = await client.post(EVACUATE)
        outcome = answer.json()
        status = (await client.get("/api/failover/sonarr")).json()
    assert answer.status_code == 202
    assert outcome["policy"] == "mixed"
    assert outcome["pull_request"]["branch"] == "failover/sonarr"
    assert status["pull_request"]["number"] == outcome["pull_request"]["number"]
    assert "role: backup" in home_text(stage, RADARR)


async def test_evacuating_needs_execute_on_every_service_there(home: Stage) -> None:
    allow(home, "view, execute", "sonarr")
    async with home.client() as client:
        problem(await client.post(EVACUATE, headers={"authorization": "Bearer t"}), "forbidden", 403)
        problem(await client.post(EVACUATE), "unauthenticated", 401)
    assert len(home.moves) == 0


async def test_get_moves_nothing(home: Stage) -> None:
    async with home.client() as client:
        problem(await client.get(EVACUATE), "method-not-allowed", 405)


async def test_a_page_of_another_site_cannot_evacuate(home: Stage) -> None:
    async with home.client() as client:
        problem(await client.post(EVACUATE, headers={"sec-fetch-site": "cross-site"}), "forbidden", 403)
