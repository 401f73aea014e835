"""Hazards as JSON, in their several places."""

from typing import Any

from tests.support.stage import SERVICES, SONARR, Stage

HAZARD_KEYS = ["slug", "severity", "about", "where", "detail", "cure"]
GROUPS = "groups: {media: [sonarr, radarr, plex]}"


async def test_a_demote_says_what_stays_behind_in_every_answer(stage: Stage) -> None:
    async with stage.client() as client:
        promoted = (await client.post("/api/failover/sonarr/promote")).json()
        status = (await client.get("/api/failover/sonarr")).json()
        rehearsed = (await client.get("/api/failover/sonarr/demote?dry-run=true")).json()
        listed = (await client.get("/api/failover")).json()["services"]
        demoted = (await client.post("/api/failover/sonarr/demote")).json()
        home = (await client.get("/api/failover/sonarr")).json()
    assert (promoted["hazards"], promoted["hazards_complete"]) == ([], False)
    (hazard,) = rehearsed["hazards"]
    assert list(hazard) == HAZARD_KEYS
    assert (hazard["slug"], hazard["severity"]) == ("data-left-behind", "warn")
    assert (hazard["about"], hazard["where"]) == ("Deployment media/sonarr", f"{SONARR}:19")
    assert status["hazards_to"] == rehearsed["hazards"] == demoted["hazards"]
    assert status["hazards_complete"] is False
    assert listed[0]["hazards_to"] == {"slugs": ["data-left-behind"], "severity": "warn"}
    assert [one["hazards_to"] for one in listed[1:]] == [{"slugs": [], "severity": None}] * 2
    assert home["hazards_to"] == []


async def test_a_group_has_those_of_each_of_its_services(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    async with stage.client() as client:
        await client.post("/api/groups/media/promote")
        body: dict[str, Any] = (await client.get("/api/groups/media/demote?dry-run=true")).json()
    assert [hazard["about"] for hazard in body["hazards"]] == [
        "Deployment media/sonarr",
        "Deployment media/radarr",
        "HelmRelease media/plex",
    ]
    assert "restarts replication (ReplicationSource media/plex)" in body["hazards"][2]["cure"]
    assert body["hazards_complete"] is True


async def test_a_service_that_cannot_be_read_has_none(stage: Stage) -> None:
    stage.commit({SONARR: "a: [\n"})
    async with stage.client() as client:
        listed = (await client.get("/api/failover")).json()["services"]
    assert listed[0]["error"] is not None
    assert listed[0]["hazards_to"] == {"slugs": [], "severity": None}


async def test_a_key_that_comes_again_has_no_more_to_say(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post("/api/failover/sonarr/promote")
        first = await client.post("/api/failover/sonarr/demote", headers={"Idempotency-Key": "k"})
        again = await client.post("/api/failover/sonarr/demote", headers={"Idempotency-Key": "k"})
    assert len(first.json()["hazards"]) == 1
    assert again.json()["commit"] == first.json()["commit"]
    assert again.json()["hazards"] == []
