"""The Idempotency-Key header: what it may be, and that the same key again is the first outcome."""

from typing import Any

import pytest

from tests.support.answers import PROMOTE, problem
from tests.support.stage import FILES, SERVICES, SONARR, Stage

KEY = {"Idempotency-Key": "alert-1"}
ROUTES = (PROMOTE, "/api/failover/sonarr/demote", "/api/failover/sonarr/rollback", "/api/groups/media/promote")


@pytest.fixture
def grouped(stage: Stage) -> Stage:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    return stage


async def test_the_same_key_is_the_first_outcome_on_any_replica(stage: Stage) -> None:
    async with stage.client() as one, stage.client() as other:
        first = await one.post(PROMOTE, headers=KEY)
        await one.post("/api/failover/sonarr/demote")
        again = await other.post(PROMOTE, headers=KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["changed"] is True
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]
    assert "alert-1" not in "".join(stage.messages)


async def test_a_rollback_with_a_key_is_made_once(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        first = (await client.post("/api/failover/sonarr/rollback", headers=KEY)).json()
        again = (await client.post("/api/failover/sonarr/rollback", headers=KEY)).json()
    assert (first["operation"], first["commit"]) == (again["operation"], again["commit"])
    assert stage.read(SONARR) == FILES[SONARR]
    assert len(stage.moves) == 2


async def test_a_groups_key_is_the_first_outcome_too(grouped: Stage) -> None:
    async with grouped.client() as client:
        first = (await client.post("/api/groups/media/promote", headers=KEY)).json()
        again = (await client.post("/api/groups/media/promote", headers=KEY)).json()
    assert (first["operation"], first["commit"]) == (again["operation"], again["commit"])
    assert len(grouped.moves) == 1


async def test_while_its_pull_request_is_open_it_is_202_then_200(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.client() as client:
        first = await client.post(PROMOTE, headers=KEY)
        again = await client.post(PROMOTE, headers=KEY)
        stage.merge(first.json()["pull_request"]["number"])
        merged = await client.post(PROMOTE, headers=KEY)
    assert [response.status_code for response in (first, again, merged)] == [202, 202, 200]
    assert len({response.json()["operation"] for response in (first, again, merged)}) == 1
    assert merged.json()["pull_request"]["state"] == "merged"


async def test_another_wish_under_the_same_key_is_422(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE, headers=KEY)
        for url in ("/api/failover/sonarr/demote", f"{PROMOTE}?force=true"):
            problem(await client.post(url, headers=KEY), "idempotency-key-reused", 422)
    assert len(stage.moves) == 1


async def test_a_dry_run_ignores_it(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE, headers=KEY)
        for method in ("GET", "POST"):
            shown = await client.request(method, "/api/failover/sonarr/demote?dry-run=true", headers=KEY)
            assert (shown.status_code, shown.json()["changed"]) == (200, True)


@pytest.mark.parametrize(
    "key", ["", " ", "\t", "a" * 256, "clé".encode(), "鍵".encode(), b"\xff", b"a\x7f", b"a\x1bb", b"a\tb", b"a\x00"]
)
async def test_a_key_that_is_not_printable_ascii_is_400_and_writes_nothing(grouped: Stage, key: Any) -> None:
    async with grouped.client() as client:
        for url in ROUTES:
            for query in ("", "?dry-run=true"):
                response = await client.post(f"{url}{query}", headers=[("Idempotency-Key", key)])
                assert "Idempotency-Key" in problem(response, "bad-request", 400)["detail"]
    assert not grouped.requests


async def test_a_key_that_is_sent_twice_is_400(grouped: Stage) -> None:
    async with grouped.client() as client:
        for url in ROUTES:
            for other in ("alert-1", "alert-2", ""):
                response = await client.post(url, headers=[*KEY.items(), ("idempotency-key", other)])
                problem(response, "bad-request", 400)
    assert not grouped.requests


@pytest.mark.parametrize(
    "key", ["a", "a" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "~ !#;,=:\\'x", "${x} {{y}}"]
)
async def test_any_printable_ascii_is_a_key(stage: Stage, key: str) -> None:
    async with stage.client() as client:
        first = (await client.post(PROMOTE, headers={"Idempotency-Key": key})).json()
        again = (await client.post(PROMOTE, headers={"Idempotency-Key": key})).json()
    assert first == again
    assert first["changed"] is True
