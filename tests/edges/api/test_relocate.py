"""Relocations over HTTP: begun, followed, aborted, refused."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.core.safety.relocation import sync
from tests.support.relocating import Homelab, homelab
from tests.support.stage import Stage
from tests.support.tokens import bearer, give_tokens

URL, GROUP, NODE = "/api/failover/sonarr/relocate", "/api/groups/all/relocate", "/api/nodes/k3s-w2/relocate"
# The app of these tests was born on backup: nobody knows what it has left on primary.
HOME = {"to": "primary", "reason": "k3s-w1 is back", "accept": ["unsynced-overwritten"]}


@pytest.fixture(autouse=True)
def fast_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated clock runs ahead of what its newest reply has told."""
    monkeypatch.setattr(sync, "_AHEAD_S", 1e6)


async def follow(
    client: httpx2.AsyncClient, lab: Homelab, operation: str, *, at_most: int = 80
) -> list[dict[str, Any]]:
    """Until it is over; the service itself goes on with it."""
    told: list[dict[str, Any]] = []
    for _ in range(at_most):
        response = await client.get(f"/api/operations/{operation}")
        assert response.status_code == 200, response.text
        told.append(response.json())
        if told[-1]["state"] in {"done", "stopped"}:
            return told
        lab.pass_by(5)
        await lab.looked()
    raise AssertionError(f"it is never over: {told[-1]}")


async def test_a_relocation_is_begun_and_followed_to_its_end(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.client() as client:
            dry = await client.get(URL, params={"to": "primary", "dry-run": "true", "accept": "unsynced-overwritten"})
            begun = await client.post(URL, json=HOME, headers={"If-Match": dry.headers["etag"]})
            again = await client.post(URL, json=HOME)
            other = await client.post(URL, json={"to": "backup"})
            told = await follow(client, lab, begun.json()["operation"])
            late = await client.post(f"{URL}/abort")
            undo = await client.post("/api/failover/sonarr/rollback")
            there = await client.post(URL, json=HOME)
            history = (await client.get("/api/failover/sonarr/history")).json()["entries"]
    assert dry.status_code == 200
    assert dry.json()["dry_run"]
    assert all(step["diff"] for step in dry.json()["steps"])
    assert (begun.status_code, begun.json()["state"], begun.json()["step"]) == (202, "running", "reverse")
    assert (again.status_code, again.json()["operation"]) == (202, begun.json()["operation"])
    assert (other.status_code, other.json()["type"]) == (409, "urn:failover-api:problem:relocation-running")
    assert told[-1]["state"] == "done", told[-1]
    assert [step["state"] for step in told[-1]["steps"]] == ["done"] * 5
    assert "quiet at" in told[-1]["steps"][2]["proof"]
    assert [len(step["commits"]) for step in told[-1]["steps"]] == [1] * 5
    assert late.json()["type"] == "urn:failover-api:problem:nothing-to-roll-back"
    assert "relocate it back" in undo.json()["detail"]
    assert (there.status_code, there.json()["state"], there.json()["operation"]) == (200, "done", None)
    moves = [entry for entry in history if entry["kind"] == "failover"]
    assert [(move["action"], move["from"], move["to"]) for move in moves] == [("relocate", "backup", "primary")]
    assert moves[0]["accepted"] == ["unsynced-overwritten"], "its first commit says it, not its cutover"


async def test_who_may_not_see_it_is_not_told_that_it_exists(stage: Stage, tmp_path: Path) -> None:
    give_tokens(stage, ops=("view, execute", '"*"'), other=("view", "radarr"))
    unknown = "01JDQ3Z5Y8V6T4R2P0N9M7K5H3"
    with homelab(stage, tmp_path) as lab:
        async with lab.client() as client:
            operation = (await client.post(URL, json=HOME, headers=bearer("ops"))).json()["operation"]
            hidden, none = [
                await client.get(f"/api/operations/{each}", headers=bearer("other")) for each in (operation, unknown)
            ]
    assert (hidden.status_code, none.status_code) == (404, 404)
    assert hidden.json()["detail"].replace(operation, unknown) == none.json()["detail"]


async def test_an_abort_puts_back_what_was(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in lab.files}
        async with lab.client() as client:
            begun = await client.post(URL, json=HOME)
            bound = await client.post(f"{URL}/abort", headers={"If-Match": '"0.0"'})
            assert bound.status_code == 412
            aborted = await client.post(f"{URL}/abort", json={"reason": "not now"})
            told = await client.get(f"/api/operations/{begun.json()['operation']}")
    assert (aborted.status_code, aborted.json()["state"]) == (200, "stopped")
    assert told.json()["state"] == "stopped"
    assert {file: stage.read(file) for file in lab.files} == before


async def test_a_rollback_of_one_that_runs_is_an_abort(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        before = {file: stage.read(file) for file in lab.files}
        async with lab.client() as client:
            await client.post(URL, json=HOME)
            undone = await client.post("/api/failover/sonarr/rollback")
    assert undone.status_code == 200, undone.text
    assert undone.json()["action"] == "rollback"
    assert {file: stage.read(file) for file in lab.files} == before


@pytest.mark.parametrize(
    ("url", "body", "words"),
    [
        (URL, {}, "to: is missing"),
        (URL, {"to": "home"}, "expected primary or backup"),
        (URL, {"to": 1}, "expected primary or backup"),
        (URL, {"to": "primary", "force": True}, "unknown key 'force'"),
        (URL, {"to": "primary", "synced": True}, "no relocation of the service is under way"),
        (GROUP, {}, "to: is missing"),
        (GROUP, {"to": "home"}, "expected primary or backup"),
        (GROUP, {"to": "primary", "synced": True}, "unknown key 'synced'"),
        (NODE, {"to": "primary"}, "unknown key 'to'"),
        (NODE, {"home": "yes"}, "home: expected true"),
    ],
)
async def test_what_cannot_be_meant_is_refused(stage: Stage, url: str, body: dict[str, Any], words: str) -> None:
    async with stage.client() as client:
        response = await client.post(url, json=body)
    assert response.status_code == 400
    assert words in response.json()["detail"]


async def test_without_a_cluster_or_replication_it_is_refused(stage: Stage, tmp_path: Path) -> None:
    async with stage.client() as client:
        unknown = await client.post(URL, json=HOME)
        assert (unknown.status_code, unknown.json()["type"]) == (422, "urn:failover-api:problem:cannot-plan")
        assert "no `replication` in the catalog" in unknown.json()["detail"]
        for params in ({"to": "primary"}, {}):
            get = await client.get(URL, params=params)
            assert (get.status_code, get.headers["allow"]) == (405, "POST")
    with homelab(stage, tmp_path):
        async with stage.client() as client:
            unseen = await client.post(URL, json=HOME)
    assert (unseen.status_code, unseen.json()["type"]) == (409, "urn:failover-api:problem:cluster-needed")


@pytest.mark.parametrize("killed", ["", "k3s-w1"])
async def test_what_is_refused_says_what_it_would_do(stage: Stage, tmp_path: Path, killed: str) -> None:
    with homelab(stage, tmp_path) as lab:
        if killed:
            lab.cluster.kill(killed)
            lab.pass_by(90)
        async with stage.client(cluster=str(lab.kubeconfig), cluster_timeout_s=10) as client:
            refused = await client.post(URL, json={"to": "primary"})
            shown = refused.json()
            assert (refused.status_code, shown["type"]) == (409, "urn:failover-api:problem:unsafe-move")
            assert [hazard["slug"] for hazard in shown["hazards"]] == [
                "node-not-ready" if killed else "unsynced-overwritten"
            ]
            assert shown["message"] == "sonarr would be relocated from backup to primary. Nothing was written."
            assert {"old": "backup", "new": "primary"}.items() <= next(
                change for change in shown["changes"] if change["path"].endswith(".role")
            ).items()
            assert '+     "role": "primary"' in shown["diff"]
            assert stage.moves == []
            if not killed:
                begun = await client.post(URL, json=HOME, headers={"If-Match": refused.headers["etag"]})
                assert begun.status_code == 202


async def test_a_stale_version_and_an_unknown_operation_are_refused(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.client() as client:
            stale = await client.post(URL, json=HOME, headers={"If-Match": '"0.0"'})
            unknown = await client.get("/api/operations/01JDQ3Z5Y8V6T4R2P0N9M7K5H3")
    assert stale.status_code == 412
    assert unknown.status_code == 404
    assert unknown.json()["detail"].startswith("no operation '01JDQ3Z5Y8V6T4R2P0N9M7K5H3' is known")
