"""Relocations of a group or a node over HTTP: begun, followed by the service itself, aborted, refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.core.access.model import digest_of
from tests.support.relocating import Homelab
from tests.support.relocating_groups import QUICK, declare, group_lab, made
from tests.support.stage import Stage

GROUP, NODE = "/api/groups/all/relocate", "/api/nodes/k3s-w2/relocate"
HOME = {"to": "primary", "reason": "k3s-w1 is back"}
Json = dict[str, Any]


@pytest.fixture
def lab(stage: Stage, tmp_path: Path) -> Iterator[Homelab]:
    with group_lab(stage, tmp_path, kind="none") as made_up:
        yield made_up


async def follow(client: httpx2.AsyncClient, lab: Homelab, operation: str, *, at_most: int = 80) -> Json:
    """Until it is over; the service itself goes on with it."""
    for _ in range(at_most):
        response = await client.get(f"/api/operations/{operation}")
        assert response.status_code == 200, response.text
        told: Json = response.json()
        if told["state"] != "running":
            return told
        lab.pass_by(5)
        await lab.looked()
    raise AssertionError(f"it is never over: {told}")


async def test_a_group_is_begun_and_followed_to_its_end(stage: Stage, lab: Homelab) -> None:
    async with lab.client() as client:
        dry = await client.get(GROUP, params={"to": "primary", "dry-run": "true"})
        key = {"If-Match": dry.headers["etag"], "Idempotency-Key": "monday"}
        begun = await client.post(GROUP, json=HOME, headers=key)
        again = await client.post(GROUP, json=HOME, headers=key)
        other = await client.post(GROUP, json={"to": "backup"})
        reused = await client.post(NODE, headers={"Idempotency-Key": "monday"})
        told = await follow(client, lab, begun.json()["operation"])
        there = await client.post(GROUP, json=HOME)
        history = (await client.get("/api/failover/db/history")).json()["entries"]
    assert dry.status_code == 200, dry.text
    shown = dry.json()
    assert (shown["dry_run"], shown["operation"], shown["state"], shown["group"]) == (True, None, "running", "all")
    assert [one["service"] for one in shown["relocations"]] == ["app", "db"]
    assert all([step["diff"] for step in one["steps"] if step["changes"]] for one in shown["relocations"])
    assert [wave["state"] for wave in shown["waves"]] == ["waiting", "waiting"]
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    assert [wave["state"] for wave in begun.json()["waves"]] == ["running", "waiting"]
    assert begun.json()["waves"][1]["reason"] == "It waits for app."
    assert (again.status_code, again.json()["operation"]) == (202, begun.json()["operation"])
    assert (other.status_code, other.json()["type"]) == (409, "urn:failover-api:problem:relocation-running")
    assert f"by operation {begun.json()['operation']}, which is at app" in other.json()["detail"]
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:failover-api:problem:idempotency-key-reused")
    assert (told["state"], [wave["state"] for wave in told["waves"]]) == ("done", ["done", "done"])
    assert [one["state"] for one in told["relocations"]] == ["done", "done"]
    assert (there.status_code, there.json()["state"], there.json()["operation"]) == (200, "done", None)
    assert made(lab) == QUICK
    moves = [entry for entry in history if entry["kind"] == "failover"]
    assert [(move["action"], move["from"], move["to"]) for move in moves] == [("relocate", "backup", "primary")]


async def test_what_is_on_a_node_leaves_it(stage: Stage, lab: Homelab) -> None:
    async with lab.client() as client:
        empty = await client.post("/api/nodes/k3s-w1/relocate")
        begun = await client.post(NODE, json={"reason": "new disk"})
        told = await follow(client, lab, begun.json()["operation"])
        unknown = await client.post("/api/nodes/k3s-w9/relocate")
        home = await client.get("/api/nodes/k3s-w2/relocate", params={"home": "true", "dry-run": "1"})
    assert (empty.status_code, empty.json()["state"], empty.json()["relocations"]) == (200, "done", [])
    assert (begun.status_code, begun.json()["node"], begun.json()["unplaced"]) == (202, "k3s-w2", [])
    assert "group" not in begun.json()
    assert told["state"] == "done"
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:failover-api:problem:unknown-node")
    assert home.json()["relocations"] == []  # of none is it the primary side
    assert made(lab) == QUICK


async def test_an_abort_puts_back_what_was(stage: Stage, lab: Homelab) -> None:
    before = {file: stage.read(file) for file in lab.files}
    async with lab.client() as client:
        begun = await client.post(GROUP, json=HOME)
        other = await client.post("/api/nodes/k3s-w2/relocate/abort")
        aborted = await client.post(f"{GROUP}/abort", json={"reason": "not now"})
        told = (await client.get(f"/api/operations/{begun.json()['operation']}")).json()
        late = await client.post(f"{GROUP}/abort")
    assert other.status_code == 409  # it is the group that is relocated
    assert (aborted.status_code, aborted.json()["state"]) == (200, "stopped")
    assert told["reason"] == "app: It was aborted."
    assert [wave["reason"] for wave in told["waves"]] == [
        "It was aborted.",
        "It has not begun: it would come after app.",
    ]
    assert (late.status_code, late.json()["type"]) == (409, "urn:failover-api:problem:nothing-to-roll-back")
    assert {file: stage.read(file) for file in lab.files} == before


async def test_who_is_refused_is_named_and_nothing_is_written(stage: Stage, lab: Homelab) -> None:
    declare(stage, without=("app",), kind="none")
    async with lab.client() as client:
        for how in ({"dry_run": True}, {}):
            refused = await client.post(GROUP, json={**HOME, **how})
            assert (refused.status_code, refused.json()["type"]) == (422, "urn:failover-api:problem:cannot-plan")
            assert [one["service"] for one in refused.json()["refused"]] == ["app"]
        assert made(lab) == []
        left = await client.post(GROUP, json={"to": "backup", "skip_refused": True})
        assert (left.json()["state"], [one["service"] for one in left.json()["refused"]]) == ("done", ["app"])
        shown = await client.post(NODE, json={"dry_run": True, "skip_refused": True})
    assert shown.status_code == 422  # home, db waits for app, so that nobody is left


async def test_without_a_cluster_each_is_refused_and_a_get_only_looks(stage: Stage, lab: Homelab) -> None:
    async with stage.client() as client:
        unseen = await client.post(GROUP, json=HOME)
        get = await client.get(GROUP, params={"to": "primary"})
        stale = await client.post(GROUP, json=HOME, headers={"If-Match": '"0.0"'})
    assert (unseen.status_code, unseen.json()["type"]) == (409, "urn:failover-api:problem:cluster-needed")
    assert [one["service"] for one in unseen.json()["refused"]] == ["app", "db"]
    assert (get.status_code, get.headers["allow"]) == (405, "POST")
    assert stale.status_code in (409, 412)


ACCESS = """\
tokens:
  - {{name: ops, sha256: {ops}, allow: [view, plan, execute], services: ["*"]}}
  - {{name: half, sha256: {half}, allow: [view, plan, execute], services: [db]}}
"""


async def test_it_takes_the_right_for_every_service(stage: Stage, lab: Homelab, tmp_path: Path) -> None:
    access = tmp_path / "access.yaml"
    access.write_text(ACCESS.format(ops=digest_of("failover_ops"), half=digest_of("failover_half")))
    ops, half = ({"Authorization": f"Bearer failover_{name}"} for name in ("ops", "half"))
    async with lab.client(access=access) as client:
        assert (await client.post(GROUP, json=HOME, headers=half)).status_code == 404
        assert (await client.post(NODE, headers=half)).status_code == 403
        begun = await client.post(GROUP, json=HOME, headers=ops)
        told = (await client.get(f"/api/operations/{begun.json()['operation']}", headers=half)).json()
        assert (await client.post(f"{GROUP}/abort", headers=half)).status_code == 404
        assert (await client.post(f"{NODE}/abort", headers=half)).status_code == 409
    assert [one["service"] for one in told["relocations"]] == ["db"]
    assert told["reason"] == ""
    assert "group" not in told  # a group is known to who may see all of it
