"""`unblock: rolling` over HTTP: its two changes in the JSON, and on the board."""

import json

import pytest

from tests.edges.board.ground import browsing, text
from tests.support.stage import SONARR, Stage, deployment, entry

RECREATE = deployment("sonarr").replace("spec:\n  replicas", "spec:\n  strategy:\n    type: Recreate\n  replicas")
BLOCK = "{maxSurge: 0, maxUnavailable: 1}"


@pytest.fixture
def lab(stage: Stage) -> Stage:
    stage.commit({SONARR: RECREATE})
    stage.declare(entry("sonarr", "media", "unblock: rolling"))
    return stage


@pytest.mark.parametrize("dry_run", [True, False])
async def test_there_are_two_changes_more_with_null_where_nothing_stood(lab: Stage, dry_run: bool) -> None:
    async with lab.client() as client:
        response = await client.post("/api/failover/sonarr/promote", json={"dry_run": dry_run})
    body = response.json()
    assert response.status_code == 200
    place = {"file": SONARR, "document": "Deployment media/sonarr", "line": 9}
    assert body["changes"][2:] == [
        {**place, "path": "spec.strategy.type", "old": "Recreate", "new": "RollingUpdate"},
        {**place, "path": "spec.strategy.rollingUpdate", "old": None, "new": BLOCK},
    ]
    assert "+    rollingUpdate:\n+      maxSurge: 0\n+      maxUnavailable: 1\n" in body["diff"]
    assert body["warnings"] == []


async def test_the_etag_of_the_dry_run_binds_the_way_back_too(lab: Stage) -> None:
    async with lab.client() as client:
        there = await client.post("/api/failover/sonarr/promote")
        dry = await client.get("/api/failover/sonarr/demote?dry-run=true")
        lab.replace(SONARR, "maxSurge: 0", "maxSurge: 1")
        late = await client.post("/api/failover/sonarr/demote", headers={"if-match": dry.headers["etag"]})
        again = await client.get("/api/failover/sonarr/demote?dry-run=true")
        home = await client.post("/api/failover/sonarr/demote", headers={"if-match": again.headers["etag"]})
    assert (there.status_code, late.status_code, home.status_code) == (200, 412, 200)
    assert len(home.json()["changes"]) == 2
    assert b"maxSurge: 1" in (lab.read(SONARR) or b"")


async def test_a_status_knows_sides_by_switches_alone(lab: Stage) -> None:
    async with lab.client() as client:
        moved = (await client.post("/api/failover/sonarr/promote")).json()
        before = (await client.get("/api/failover/sonarr")).json()
        lab.commit(
            {SONARR: RECREATE.replace("role: primary", "role: backup").replace("pvc-sonarr", "pvc-sonarr-backup")}
        )
        after = (await client.get("/api/failover/sonarr")).json()
    assert (before["side"], after["side"]) == ("backup", "backup")
    assert {each["path"] for each in before["switches"]} == {each["path"] for each in moved["changes"][:2]}


async def test_the_board_shows_the_block_and_confirms_it_there_and_back(lab: Stage) -> None:
    async with browsing(lab) as browser:
        page = await browser.get("/services/sonarr/promote")
        assert "What changes 4" in text(page.text)
        assert "maxUnavailable: 1" in text(page.text)
        done = await browser.confirm(page)
        assert done.status_code == 200
        assert b"maxUnavailable: 1" in (lab.read(SONARR) or b"")
        back = await browser.confirm(await browser.get("/services/sonarr/demote"))
    assert back.status_code == 200
    assert lab.read(SONARR) == RECREATE.encode()


async def test_a_repeat_over_http_says_the_same(lab: Stage) -> None:
    key = {"idempotency-key": "k1"}
    async with lab.client() as client:
        first = await client.post("/api/failover/sonarr/promote", headers=key)
        again = await client.post("/api/failover/sonarr/promote", headers=key)
    assert json.dumps(again.json()["changes"]) == json.dumps(first.json()["changes"])
