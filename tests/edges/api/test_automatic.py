"""GET /api/automatic; pauses, acks and attestations: who may, what is refused, and what stands in the Lease then."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.answers import problem
from tests.support.simulated import kubeconfig_of
from tests.support.stage import SERVICES, Stage
from tests.support.tokens import bearer, give_tokens

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
AUTOMATIC, PAUSES, ACKS = "/api/automatic", "/api/automatic/pauses", "/api/automatic/acks"
WHY = {"reason": "new kernel"}
ATTESTATIONS = "/api/nodes/k3s-w1/attestations"
OBSERVE = "nodes: {primary: k3s-w1, backup: k3s-w2}\nautomatic: {mode: observe}"
NOTHING: Json = {
    "mode": "none",
    "leader": None,
    "view": "off",
    "reason": "Automatic failover is off: `automatic.mode` is none.",
    "as_of": None,
    "nodes": [],
    "pending": [],
    "blocked": [],
    "failback": [],
    "pauses": [],
    "attestations": [],
    "tally": {"counts": {}, "events": []},
}


def annotations(cluster: SimulatedCluster) -> Json:
    lease = cluster.get("Lease", "operations/failover-api-guard")
    assert lease is not None
    found: Json = lease["metadata"].get("annotations", {})
    return found


async def test_without_a_cluster_and_without_the_mode_it_is_off(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get(AUTOMATIC)
    assert (answer.status_code, answer.json()) == (200, NOTHING)


async def test_what_takes_a_cluster_says_so_without_one(stage: Stage) -> None:
    stage.declare(SERVICES, top=OBSERVE)
    async with stage.client() as client:
        problem(await client.get(AUTOMATIC), "cluster-needed", 409)
        problem(await client.post(PAUSES, json={}), "cluster-needed", 409)
        problem(await client.delete(f"{PAUSES}/x"), "cluster-needed", 409)
        problem(await client.post(ACKS, json={"service": "sonarr"}), "cluster-needed", 409)
        problem(await client.post(ATTESTATIONS, json={"reason": "I see it"}), "cluster-needed", 409)
        problem(await client.delete(ATTESTATIONS), "cluster-needed", 409)


async def test_where_nobody_leads_yet_it_says_so(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES)
    async with stage.client(cluster=kubeconfig) as client:
        answer = await client.get(AUTOMATIC)
    assert answer.json() == NOTHING


async def test_a_pause_is_made_kept_in_the_lease_told_and_ended(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    async with stage.client(cluster=kubeconfig) as client:
        asked = {"reason": "new kernel", "until": until.isoformat(), "services": ["sonarr", "radarr", "sonarr"]}
        made = await client.post(PAUSES, json=asked)
        assert made.status_code == 201
        pause = made.json()
        assert {key: pause[key] for key in ("reason", "by", "until", "services")} == {
            "reason": "new kernel",
            "by": "anonymous",
            "until": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "services": ["sonarr", "radarr"],
        }
        assert [row["id"] for row in json.loads(annotations(cluster)["failover-api/pauses"])] == [pause["id"]]
        assert (await client.get(AUTOMATIC)).json()["pauses"] == [pause]
        ended = await client.delete(f"{PAUSES}/{pause['id']}")
        assert (ended.status_code, ended.content) == (204, b"")
        problem(await client.delete(f"{PAUSES}/{pause['id']}"), "not-found", 404)
        assert (await client.get(AUTOMATIC)).json()["pauses"] == []
    assert annotations(cluster) == {}


async def test_a_pause_of_everything_lasts_as_long_as_one_may(stage: Stage, kubeconfig: str) -> None:
    async with stage.client(cluster=kubeconfig) as client:
        pause = (await client.post(PAUSES, json=WHY)).json()
    lasts = datetime.fromisoformat(pause["until"]) - datetime.fromisoformat(pause["at"])
    assert (lasts, pause["services"], pause["reason"]) == (timedelta(days=30), [], "new kernel")


async def test_a_pause_lasts_by_the_clock_of_the_api_server(stage: Stage, tmp_path: Path) -> None:
    """That of whoever asks may be wrong: here it is a day behind."""
    ahead = SimulatedCluster(start=datetime.now(UTC).timestamp() + 24 * 3600)
    with kubeconfig_of(ahead, tmp_path) as file:
        async with stage.client(cluster=str(file)) as client:
            pause = (await client.post(PAUSES, json={**WHY, "until": "2h"})).json()
    begun = datetime.fromtimestamp(ahead.clock.now, UTC)
    assert timedelta(0) < datetime.fromisoformat(pause["until"]) - begun <= timedelta(hours=2, seconds=2)


BAD_PAUSES: list[tuple[Any, str]] = [
    ({}, "reason: expected why it is paused"),
    ({"reason": " "}, "reason: expected why it is paused"),
    ({"reason": 1}, "reason: expected text"),
    ({"reason": "x" * 201}, "expected at most 200"),
    ({"reason": "a\nb"}, "printable text on one line"),
    ({**WHY, "until": "soon"}, "until: expected a time with its zone"),
    ({**WHY, "until": "2999-01-01T00:00:00"}, "until: expected a time with its zone"),
    ({**WHY, "until": 12}, "until: expected a time with its zone"),
    ({**WHY, "until": "2020-01-01T00:00:00Z"}, "a time to come, within 30 days"),
    ({**WHY, "until": "2999-01-01T00:00:00Z"}, "a time to come, within 30 days"),
    ({**WHY, "until": "31d"}, "a time to come, within 30 days"),
    ({**WHY, "services": []}, "services: expected a list of names"),
    ({**WHY, "services": "sonarr"}, "services: expected a list of names"),
    ({**WHY, "services": ["sonarr", 1]}, "services: expected a list of names"),
    ({**WHY, "services": ["*"]}, "services: expected a list of names"),
    ({**WHY, "service": "sonarr"}, "unknown key 'service' in the body; expected reason, until, services"),
    ([], "expected a JSON object"),
]


@pytest.mark.parametrize(("body", "detail"), BAD_PAUSES)
async def test_a_pause_that_is_malformed_is_refused(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str, body: Any, detail: str
) -> None:
    async with stage.client(cluster=kubeconfig) as client:
        assert detail in problem(await client.post(PAUSES, json=body), "bad-request", 400)["detail"]
    assert cluster.get("Lease", "operations/failover-api-guard") is None


async def test_what_is_said_twice_or_elsewhere_is_refused(stage: Stage, kubeconfig: str) -> None:
    headers = {"content-type": "application/json"}
    async with stage.client(cluster=kubeconfig) as client:
        twice = await client.post(PAUSES, content='{"reason": "a", "reason": "b"}', headers=headers)
        assert "is in the body twice" in problem(twice, "bad-request", 400)["detail"]
        problem(await client.post(f"{PAUSES}?until=x", json={}), "bad-request", 400)
        problem(await client.post(PAUSES, content="reason=x"), "unsupported-media-type", 415)
        problem(await client.post(PAUSES, json={**WHY, "services": ["nobody"]}), "unknown-service", 404)


async def test_acks_are_of_a_service_or_of_a_node(stage: Stage, cluster: SimulatedCluster, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=OBSERVE)
    async with stage.client(cluster=kubeconfig) as client:
        made = await client.post(ACKS, json={"service": "sonarr"})
        assert (made.status_code, made.json()["service"], made.json()["node"]) == (201, "sonarr", None)
        assert (await client.post(ACKS, json={"node": "k3s-w1"})).status_code == 201
        assert (await client.post(ACKS, json={"node": "k3s-cp"})).status_code == 201
        problem(await client.post(ACKS, json={"service": "x"}), "unknown-service", 404)
        problem(await client.post(ACKS, json={"node": "x"}), "unknown-node", 404)
        for body in ({}, {"service": "sonarr", "node": "k3s-w1"}, {"service": 1}, {"service": ""}):
            problem(await client.post(ACKS, json=body), "bad-request", 400)
    rows = json.loads(annotations(cluster)["failover-api/acks"])
    assert [row.get("service") or row.get("node") for row in rows] == ["sonarr", "k3s-w1", "k3s-cp"]


async def test_a_node_that_lives_cannot_be_said_to_be_off(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    async with stage.client(cluster=kubeconfig) as client:
        refused = problem(await client.post(ATTESTATIONS, json={"reason": "I see it"}), "node-alive", 409)
        assert refused["detail"].startswith("k3s-w1 is Ready")
        cluster.trouble("k3s-w1")
        cluster.advance(30)
        refused = problem(await client.post(ATTESTATIONS, json={"reason": "I see it"}), "node-alive", 409)
        assert refused["detail"].startswith("the Lease of k3s-w1 is fresh")
        answer = await client.post("/api/nodes/k3s-w9/attestations", json={"reason": "I see it"})
        problem(answer, "unknown-node", 404)
        problem(await client.post(ATTESTATIONS, json={}), "bad-request", 400)
        problem(await client.post(ATTESTATIONS, json={"reason": " "}), "bad-request", 400)


async def test_a_dead_node_is_attested_and_that_is_withdrawn(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    cluster.kill("k3s-w1")
    cluster.advance(90)
    async with stage.client(cluster=kubeconfig) as client:
        made = await client.post(ATTESTATIONS, json={"reason": "I pulled the plug"})
        assert made.status_code == 201
        assert (await client.get(AUTOMATIC)).json()["attestations"] == [made.json()]
        (row,) = json.loads(annotations(cluster)["failover-api/attestations"])
        node = cluster.get("Node", "k3s-w1")
        assert node is not None
        assert row["uid"] == node["metadata"]["uid"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", row["renewed"])
        problem(await client.delete(f"{ATTESTATIONS}/other"), "not-found", 404)
        assert (await client.delete(f"{ATTESTATIONS}/{made.json()['id']}")).status_code == 204
        problem(await client.delete(ATTESTATIONS), "not-found", 404)
        assert (await client.post(ATTESTATIONS, json={"reason": "x"})).status_code == 201
        assert (await client.delete(ATTESTATIONS)).status_code == 204
    assert annotations(cluster) == {}


async def test_a_node_that_is_gone_is_attested_where_the_catalog_names_it(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    stage.declare(SERVICES, top=OBSERVE.partition("\n")[0])
    cluster.kill("k3s-w1")
    cluster.delete("Node", "k3s-w1")
    cluster.advance(90)
    async with stage.client(cluster=kubeconfig) as client:
        made = await client.post(ATTESTATIONS, json={"reason": "I sold it"})
        assert (made.status_code, made.json()["node"]) == (201, "k3s-w1")
        assert (await client.get(AUTOMATIC)).json()["attestations"] == [made.json()]
        unknown = problem(
            await client.post(ATTESTATIONS.replace("w1", "w9"), json={"reason": "x"}), "unknown-node", 404
        )
        assert unknown["detail"] == "neither the cluster nor the catalog has a node 'k3s-w9'"
        assert (await client.delete(ATTESTATIONS)).status_code == 204


async def test_rights_are_asked_for_what_is_concerned(stage: Stage, cluster: SimulatedCluster, kubeconfig: str) -> None:
    give_tokens(
        stage,
        all=("view, plan, execute", '"*"'),
        one=("view, execute", "sonarr"),
        some=("view, execute", "sonarr, radarr, plex"),
        viewer=("view", '"*"'),
    )
    cluster.kill("k3s-w1")
    cluster.advance(90)
    async with stage.client(cluster=kubeconfig) as client:

        async def post(path: str, body: Json, name: str) -> Any:
            return await client.post(path, json=body, headers=bearer(name))

        problem(await client.get(AUTOMATIC), "unauthenticated", 401)
        problem(await client.post(PAUSES, json={}), "unauthenticated", 401)
        for name in ("one", "some", "viewer"):
            problem(await post(PAUSES, {}, name), "forbidden", 403)
            problem(await post(ACKS, {"node": "k3s-w1"}, name), "forbidden", 403)
            problem(await post(ATTESTATIONS, {"reason": "x"}, name), "forbidden", 403)
            problem(await client.delete(ATTESTATIONS, headers=bearer(name)), "forbidden", 403)
        problem(await post(PAUSES, {**WHY, "services": ["sonarr", "radarr"]}, "one"), "unknown-service", 404)
        problem(await post(PAUSES, {**WHY, "services": ["sonarr"]}, "viewer"), "forbidden", 403)
        problem(await post(ACKS, {"service": "radarr"}, "one"), "unknown-service", 404)
        own = (await post(PAUSES, {**WHY, "services": ["sonarr"]}, "one")).json()
        radarrs = (await post(PAUSES, {**WHY, "services": ["radarr"]}, "all")).json()
        both = (await post(PAUSES, {**WHY, "services": ["sonarr", "radarr"]}, "some")).json()
        everything = (await post(PAUSES, {"reason": "all of it"}, "all")).json()
        assert (await post(ATTESTATIONS, {"reason": "x"}, "all")).status_code == 201

        told = (await client.get(AUTOMATIC, headers=bearer("one"))).json()
        assert [(pause["id"], pause["services"]) for pause in told["pauses"]] == [
            (own["id"], ["sonarr"]),
            (both["id"], ["sonarr"]),
            (everything["id"], []),
        ]
        for hidden in (radarrs, both):
            problem(await client.delete(f"{PAUSES}/{hidden['id']}", headers=bearer("one")), "not-found", 404)
        problem(await client.delete(f"{PAUSES}/{everything['id']}", headers=bearer("one")), "forbidden", 403)
        problem(await client.delete(f"{PAUSES}/{own['id']}", headers=bearer("viewer")), "forbidden", 403)
        assert (await client.delete(f"{PAUSES}/{own['id']}", headers=bearer("one"))).status_code == 204
        assert (await client.delete(f"{PAUSES}/{everything['id']}", headers=bearer("all"))).status_code == 204


async def test_a_page_of_another_site_says_nothing(stage: Stage, kubeconfig: str) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    async with stage.client(cluster=kubeconfig) as client:
        problem(await client.post(PAUSES, json={}, headers=headers), "forbidden", 403)
        problem(await client.delete(f"{PAUSES}/x", headers=headers), "forbidden", 403)
        problem(await client.post(ACKS, json={"service": "sonarr"}, headers=headers), "forbidden", 403)
        problem(await client.post(ATTESTATIONS, json={"reason": "x"}, headers=headers), "forbidden", 403)
        problem(await client.delete(ATTESTATIONS, headers=headers), "forbidden", 403)


async def test_a_lease_that_may_not_be_used_is_told(stage: Stage, cluster: SimulatedCluster, tmp_path: Path) -> None:
    cluster.grant("reader", "someone", Rule(("get", "list", "watch"), ("nodes",)))
    stage.declare(SERVICES, top=OBSERVE)
    with kubeconfig_of(cluster, tmp_path, token="reader") as file:
        async with stage.client(cluster=str(file)) as client:
            told = problem(await client.get(AUTOMATIC), "cluster-needed", 409)
            assert "cannot get resource" in told["detail"]


async def test_an_api_server_that_does_not_answer_is_told(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    stage.declare(SERVICES, top=OBSERVE)
    async with stage.client(cluster=kubeconfig) as client:
        pause = (await client.post(PAUSES, json=WHY)).json()
        cluster.api.faults.add(ApiFault("status", resources=("leases",), status=500))
        problem(await client.post(PAUSES, json=WHY), "not-ready", 503)
        told = (await client.get(AUTOMATIC)).json()
    assert (told["view"], told["pauses"]) == ("blind", [pause])
    assert "is not reached: GET /apis/coordination.k8s.io" in told["reason"]


async def test_two_replicas_write_side_by_side(stage: Stage, cluster: SimulatedCluster, kubeconfig: str) -> None:
    async with stage.client(cluster=kubeconfig) as one, stage.client(cluster=kubeconfig) as other:
        first = (await one.post(PAUSES, json={"reason": "one"})).json()
        second = (await other.post(PAUSES, json={"reason": "other"})).json()
        told = (await one.get(AUTOMATIC)).json()["pauses"]
    assert [pause["id"] for pause in told] == [first["id"], second["id"]]


async def test_looks_are_counted_since_each_asks_for_the_lease(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=OBSERVE)
    async with stage.client(cluster=kubeconfig) as client:
        answers = [await client.get(AUTOMATIC) for _ in range(60)]
    assert answers[0].status_code == 200
    assert problem(answers[-1], "too-many-requests", 429)["detail"].startswith("more than 5 looks a second")
