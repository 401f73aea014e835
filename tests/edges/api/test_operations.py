"""A move in waves over HTTP: 202, then /api/operations; the service itself goes on, also after a restart."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.stage import Stage
from tests.support.tokens import bearer, give_tokens
from tests.support.waves import AFTER, WavesLab, declare, file_of, waves_lab

PROMOTE, EVACUATE = "/api/groups/all/promote", "/api/nodes/k3s-w1/evacuate"
ULID = "01JDAAAAAAAAAAAAAAAAAAAAAA"
ALL = "view, plan, execute"
Json = dict[str, Any]


@pytest.fixture
def lab(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WavesLab]:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.5)
    monkeypatch.setattr("failover_api.watching.waves.EVERY_S", 0.3)
    with waves_lab(stage, tmp_path) as made:
        yield made


async def ended(client: httpx2.AsyncClient, operation: str, *, within_s: float = 60.0) -> Json:
    """The operation once it is not running any more."""
    end = time.monotonic() + within_s
    while True:
        response = await client.get(f"/api/operations/{operation}")
        assert response.status_code == 200, response.text
        body: Json = response.json()
        if body["state"] != "running":
            return body
        assert time.monotonic() < end, body
        await asyncio.sleep(0.3)


def states(body: Json) -> list[str]:
    return [wave["state"] for wave in body["waves"]]


async def test_a_move_is_answered_once_the_first_wave_is_written(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        response = await client.post(PROMOTE, params={"reason": "k3s-w1 is down"})
        body = response.json()
        assert response.status_code == 202
        assert lab.waves == [("1/3", ["db", "relay"])]
        told = (await client.get(f"/api/operations/{body['operation']}")).json()
    assert states(body) == ["running", "waiting", "waiting"]
    assert body["waves"][0]["commit"]["sha"] == body["commit"]["sha"]
    assert [change["file"] for change in body["changes"]] == [file_of("db")] * 2 + [file_of("relay")] * 2
    members = {member["service"]: (member["from"], member["to"], member["changed"]) for member in body["services"]}
    assert list(members) == list(AFTER)
    assert members["db"] == ("primary", "backup", True)
    assert members["web"] == ("primary", "backup", False), "not yet"
    assert told.keys() == {"operation", "state", "waves"}
    assert (told["operation"], told["state"]) == (body["operation"], "running")
    assert told["waves"][1]["services"] == ["app", "mail"]
    assert told["waves"][1]["commit"] is None
    assert told["waves"][1]["reason"] == "app: waits for db; mail: waits for relay"


async def test_the_service_goes_on_by_itself(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        with lab.obeyed():
            operation = (await client.post(PROMOTE)).json()["operation"]
            body = await ended(client, operation)
    assert (body["state"], states(body)) == ("done", ["done"] * 3)
    assert [number for number, _ in lab.waves] == ["1/3", "2/3", "3/3"]
    assert {lab.side(name) for name in AFTER} == {"backup"}


async def test_it_goes_on_after_a_restart(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        operation = (await client.post(PROMOTE)).json()["operation"]
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        lab.apply("db", "relay")  # what was made while nobody looked
        with lab.obeyed():
            body = await ended(client, operation)
    assert body["state"] == "done"
    assert [number for number, _ in lab.waves] == ["1/3", "2/3", "3/3"]


async def test_two_replicas_make_one_commit_a_wave(stage: Stage, lab: WavesLab) -> None:
    async with (
        stage.client(cluster=str(lab.kubeconfig)) as one,
        stage.client(cluster=str(lab.kubeconfig)) as other,
    ):
        with lab.obeyed():
            operation = (await one.post(PROMOTE)).json()["operation"]
            bodies = [await ended(client, operation) for client in (one, other)]
    assert [body["state"] for body in bodies] == ["done", "done"]
    assert [number for number, _ in lab.waves] == ["1/3", "2/3", "3/3"]


async def test_a_dry_run_shows_the_waves(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        response = await client.get(PROMOTE, params={"dry-run": "true"})
        body = response.json()
        assert (response.status_code, body["operation"], states(body)) == (200, None, ["waiting"] * 3)
        moved = await client.post(PROMOTE, headers={"If-Match": response.headers["etag"]})
        assert moved.status_code == 202
    assert "It goes in 3 waves" in body["message"]
    assert len(body["changes"]) == 10


async def test_if_match_binds_the_first_wave(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        etag = (await client.get(PROMOTE, params={"dry-run": "true"})).headers["etag"]
        stage.replace(file_of("web"), '"image": "ghcr.io/home/web:1.0"', '"image": "ghcr.io/home/web:2.0"')
        response = await client.post(PROMOTE, headers={"If-Match": etag})
        assert (response.status_code, stage.moves) == (412, [])
        etag = (await client.get(PROMOTE, params={"dry-run": "true"})).headers["etag"]
        stage.before_write(lambda: stage.replace(file_of("db"), "db:1.0", "db:2.0"))
        response = await client.post(PROMOTE, headers={"If-Match": etag})
        assert (response.status_code, stage.moves) == (412, [])


async def test_without_an_order_nothing_is_other_than_it_was(stage: Stage, lab: WavesLab) -> None:
    declare(stage, dict.fromkeys(AFTER, ()))
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        response = await client.post(PROMOTE)
    assert response.status_code == 200
    assert "waves" not in response.json()
    assert len(lab.waves) == 1
    assert "Failover-Wave" not in stage.moves[0]


async def test_an_evacuation_goes_in_waves(stage: Stage, lab: WavesLab) -> None:
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        shown = (await client.get(EVACUATE, params={"dry-run": "true"})).json()
        assert states(shown) == ["waiting"] * 3
        with lab.obeyed():
            response = await client.post(EVACUATE)
            body = await ended(client, response.json()["operation"])
    assert response.status_code == 202
    assert response.json()["action"] == "evacuate"
    assert body["state"] == "done"
    assert [number for number, _ in lab.waves] == ["1/3", "2/3", "3/3"]
    assert all("Failover-Group: node k3s-w1" in message for message in stage.moves)


async def test_what_goes_each_way_keeps_its_order(stage: Stage, lab: WavesLab) -> None:
    """db is at home on the other node: it is demoted, and app, which is after it, promoted once db serves there."""
    declare(stage, {"db": (), "app": ("db",)})
    text, swapped = (
        stage.catalog_file.read_text(encoding="utf-8"),
        "primary_pvc: pvc-db-backup\n    backup_pvc: pvc-db\n",
    )
    text = text.replace("primary_pvc: pvc-db\n    backup_pvc: pvc-db-backup\n", swapped)
    labels = "    primary_node_label: primary\n    backup_node_label: backup\n"
    text = text.replace(labels, "    primary_node_label: backup\n    backup_node_label: primary\n", 1)
    stage.catalog_file.write_text(text, encoding="utf-8")
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        with lab.obeyed():
            body = (await client.post(EVACUATE)).json()
            assert [wave["services"] for wave in body["waves"]] == [["db"], ["app"]], body
            assert (await ended(client, body["operation"]))["state"] == "done"
    assert lab.waves == [("1/2", ["db"]), ("2/2", ["app"])]
    assert "Failover-Wave-Options: @k3s-w1, db=demote, app=promote\n" in stage.moves[0]
    assert "Failover-Action: promote\n" in stage.moves[0]
    assert "Failover-Action: demote\n" in stage.moves[1]


async def test_who_may_see_nothing_of_it_is_not_told_that_it_exists(stage: Stage, lab: WavesLab) -> None:
    give_tokens(stage, ops=(ALL, '"*"'), one=(ALL, "db"), other=(ALL, "sonarr"))
    async with stage.client(cluster=str(lab.kubeconfig)) as client:
        operation = (await client.post(PROMOTE, headers=bearer("ops"))).json()["operation"]
        path = f"/api/operations/{operation}"
        seen = (await client.get(path, headers=bearer("one"))).json()
        assert [(wave["services"], wave["reason"]) for wave in seen["waves"]] == [(["db"], "")]
        hidden = await client.get(path, headers=bearer("other"))
        unknown = await client.get(f"/api/operations/{ULID}", headers=bearer("other"))
        assert hidden.status_code == unknown.status_code == 404
        assert hidden.json()["type"] == unknown.json()["type"] == "urn:failover-api:problem:not-found"
        assert hidden.json()["detail"].replace(operation, ULID) == unknown.json()["detail"]
        assert (await client.get(path)).status_code == 401
