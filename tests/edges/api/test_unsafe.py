"""A hazard that stops a move: refused with all that is needed to decide, accepted by name, told by Git."""

from typing import Any

import pytest

from tests.support.answers import problem
from tests.support.stage import PLEX, RELEASE, SONARR, VOLSYNC, Stage, deployment, entry

SWITCH = "      - {file: %s, kind: Deployment, path: spec.strategy.type, primary: Recreate, backup: RollingUpdate}\n"
SLUG = "strategy-alone"
FOUND = [SLUG, "recreate-blocks", "data-left-behind"]
RADARR = "apps/media/radarr/deployment.yaml"
DEMOTE = "/api/failover/sonarr/demote"
GROUP = "/api/groups/media/demote"


def with_strategy(name: str) -> str:
    return deployment(name, role="backup", claim=f"pvc-{name}-backup").replace(
        "  replicas: 1\n", "  replicas: 1\n  strategy:\n    type: RollingUpdate\n"
    )


@pytest.fixture
def lab(stage: Stage) -> Stage:
    """sonarr and radarr on backup, each with a switch on its strategy's type; plex without."""
    stage.commit({SONARR: with_strategy("sonarr"), RADARR: with_strategy("radarr"), "apps/media/radarr/app.yaml": None})
    both = "".join(
        f"{entry(name, 'media', f'path: {path}')}    switches:\n{SWITCH % path}"
        for name, path in (("sonarr", SONARR), ("radarr", RADARR))
    )
    stage.declare(both + PLEX, top="groups: {media: [sonarr, radarr, plex]}")
    return stage


async def test_a_stop_refuses_the_move_and_its_dry_run_with_all_that_is_needed(lab: Stage) -> None:
    async with lab.client() as client:
        rehearsed = await client.get(f"{DEMOTE}?dry-run=true")
        refused = await client.post(DEMOTE)
    assert lab.moves == []
    for response in (rehearsed, refused):
        body = problem(response, "unsafe-move", 409)
        assert body["title"] == "The move is not safe"
        stop, blocks, left = body["hazards"]
        assert (stop["slug"], stop["severity"], stop["where"]) == (SLUG, "stop", f"{SONARR}:10")
        assert (blocks["slug"], blocks["severity"]) == ("recreate-blocks", "info")
        assert (left["slug"], left["severity"]) == ("data-left-behind", "warn")
        assert body["detail"] == f"{stop['detail']} ({SLUG})"
        assert [change["path"] for change in body["changes"]][-1] == "spec.strategy.type"
        assert {"file", "document", "path", "line", "old", "new"} == body["changes"][0].keys()
        assert "-    type: RollingUpdate\n+    type: Recreate\n" in body["diff"]
        assert body["message"].startswith("sonarr would move from backup to primary")
        assert "refused" not in body


async def test_the_etag_of_a_refusal_is_the_same_for_every_request_that_shows_the_same(lab: Stage) -> None:
    async with lab.client() as client:
        same = [await client.get(f"{DEMOTE}?dry-run=true", headers={"x-request-id": name}) for name in ("one", "two")]
        write = await client.post(DEMOTE)
        lab.replace(SONARR, "  replicas: 1\n", "  replicas: 1\n  paused: true\n")
        other = await client.get(f"{DEMOTE}?dry-run=true")
    assert [answer.json()["instance"] for answer in same] == ["one", "two"]
    assert same[0].headers["etag"] == same[1].headers["etag"]
    assert same[0].headers["etag"].split(".")[0] == write.headers["etag"].split(".")[0]
    one, after = (answer.headers["etag"].strip('"').split(".") for answer in (same[0], other))
    assert one[0] != after[0]
    assert one[1] != after[1]


@pytest.mark.parametrize(
    "asked",
    [
        {"params": {"accept": SLUG}},
        {"params": {"accept": f"node-missing, {SLUG}"}},
        {"params": {"accept": f"sonarr:{SLUG}"}},
        {"json": {"accept": [SLUG]}},
        {"params": {"accept": SLUG}, "json": {"accept": [SLUG]}},
    ],
)
async def test_what_is_accepted_is_done_and_told_by_git(lab: Stage, asked: dict[str, Any]) -> None:
    async with lab.client() as client:
        tag = (await client.get(f"{DEMOTE}?dry-run=true")).headers["etag"]
        response = await client.post(DEMOTE, headers={"If-Match": tag}, **asked)
        (entry,) = (await client.get("/api/failover/sonarr/history?limit=1")).json()["entries"]
    assert response.status_code == 200
    assert [hazard["slug"] for hazard in response.json()["hazards"]] == FOUND
    assert f"\nFailover-Accepted: {SLUG}\n" in lab.moves[0]
    assert (entry["action"], entry["accepted"]) == ("demote", [SLUG])


async def test_a_warning_that_is_accepted_is_told_by_git_too(lab: Stage) -> None:
    async with lab.client() as client:
        await client.post(DEMOTE, params={"accept": f"data-left-behind,{SLUG}"})
    assert f"\nFailover-Accepted: {SLUG}, data-left-behind\n" in lab.moves[0]


async def test_the_tag_of_the_refusal_binds_to_what_was_shown(lab: Stage) -> None:
    async with lab.client() as client:
        tag = (await client.post(DEMOTE)).headers["etag"]
        lab.replace(SONARR, "sonarr:1.0", "sonarr:1.1")
        response = await client.post(DEMOTE, params={"accept": SLUG}, headers={"If-Match": tag})
    problem(response, "precondition-failed", 412)


@pytest.mark.parametrize(
    "asked",
    [
        {"params": {"accept": "strategy-alon"}},
        {"params": {"accept": "sonarr:nothing"}},
        {"json": {"accept": SLUG}},
        {"json": {"accept": [1]}},
        {"params": [("accept", SLUG), ("accept", SLUG)]},
        {"params": {"accept": SLUG}, "json": {"accept": ["fixed-field"]}},
    ],
)
async def test_what_is_no_hazard_is_a_bad_request(lab: Stage, asked: dict[str, Any]) -> None:
    async with lab.client() as client:
        response = await client.post(DEMOTE, **asked)
    assert "accept" in problem(response, "bad-request", 400)["detail"]
    assert lab.moves == []


async def test_one_that_does_not_arise_is_ignored(lab: Stage) -> None:
    async with lab.client() as client:
        response = await client.post("/api/failover/plex/promote", params={"accept": "fixed-field"})
    assert response.status_code == 200
    assert "Failover-Accepted" not in lab.moves[0]


async def test_a_promote_is_warned_and_not_stopped(lab: Stage) -> None:
    async with lab.client() as client:
        await client.post(DEMOTE, params={"accept": SLUG})
        response = await client.post("/api/failover/sonarr/promote")
    assert [(hazard["slug"], hazard["severity"]) for hazard in response.json()["hazards"]] == [(SLUG, "warn")]


async def test_what_was_seen_before_a_move_was_stopped_is_still_known(lab: Stage) -> None:
    async with lab.client() as client:
        await client.post(DEMOTE, params={"accept": SLUG})
        await client.post("/api/failover/sonarr/promote")
        status = (await client.get("/api/failover/sonarr")).json()
        refused = problem(await client.post(DEMOTE), "unsafe-move", 409)
        again = problem(await client.get(f"{DEMOTE}?dry-run=true"), "unsafe-move", 409)
    told = [
        [one["detail"] for one in body if one["slug"] == "data-left-behind"]
        for body in (status["hazards_to"], refused["hazards"], again["hazards"])
    ]
    assert told[0][0].startswith("What sonarr wrote on backup since 2")
    assert told[0] == told[1] == told[2]


async def test_a_rollback_is_stopped_as_well(lab: Stage) -> None:
    async with lab.client() as client:
        await client.post(DEMOTE, params={"accept": SLUG})
        await client.post("/api/failover/sonarr/promote")
        refused = await client.post("/api/failover/sonarr/rollback")
        done = await client.post("/api/failover/sonarr/rollback", json={"accept": [SLUG]})
    assert problem(refused, "unsafe-move", 409)["hazards"][0]["slug"] == SLUG
    assert done.status_code == 200


async def test_a_key_that_comes_again_gives_the_first_outcome(lab: Stage) -> None:
    key = {"Idempotency-Key": "once"}
    async with lab.client() as client:
        first = await client.post(DEMOTE, params={"accept": SLUG}, headers=key)
        again = await client.post(DEMOTE, params={"accept": SLUG}, headers=key)
        without = await client.post(DEMOTE, headers=key)
    assert first.json()["commit"] == again.json()["commit"] == without.json()["commit"]
    assert len(lab.moves) == 1


async def test_a_group_names_all_that_are_refused_and_what_it_would_do(lab: Stage) -> None:
    lab.replace(RELEASE, "k3s-w1", "k3s-w9")
    async with lab.client() as client:
        body = problem(await client.get(f"{GROUP}?dry-run=true"), "unsafe-move", 409)
        drifted = body["refused"]
        lab.replace(RELEASE, "k3s-w9", "k3s-w1")
        rehearsed = await client.get(f"{GROUP}?dry-run=true")
        whole = problem(rehearsed, "unsafe-move", 409)
        one = await client.post(GROUP, json={"accept": [f"sonarr:{SLUG}"]})
        both = await client.post(GROUP, json={"accept": [SLUG]}, headers={"If-Match": rehearsed.headers["etag"]})
    assert [(one["service"], one["type"].rpartition(":")[2]) for one in drifted] == [
        ("sonarr", "unsafe-move"),
        ("radarr", "unsafe-move"),
        ("plex", "manifest-drifted"),
    ]
    assert [hazard["slug"] for hazard in drifted[0]["hazards"]] == FOUND
    assert drifted[2]["hazards"] == []
    assert {change["document"] for change in body["changes"]} == {"Deployment media/sonarr", "Deployment media/radarr"}
    assert [one["service"] for one in whole["refused"]] == ["sonarr", "radarr"]
    assert [hazard["slug"] for hazard in whole["hazards"]].count(SLUG) == 2
    assert {change["document"] for change in whole["changes"]} >= {"Deployment media/sonarr", "Deployment media/radarr"}
    assert whole["message"].startswith("media")
    assert [one["service"] for one in problem(one, "unsafe-move", 409)["refused"]] == ["radarr"]
    assert both.status_code == 200
    assert lab.moves[0].count(f"Failover-Accepted: {SLUG}") == 2


async def test_a_group_of_two_policies_shows_all_of_it_and_is_bound_to_all_of_it(lab: Stage) -> None:
    lab.replace(RELEASE, "k3s-w1", "k3s-w2")
    lab.replace(RELEASE, "existingClaim: plex}", "existingClaim: plex-backup}")
    lab.replace(VOLSYNC, "paused: false", "paused: true")
    text = lab.catalog_file.read_text()
    lab.catalog_file.write_text(text.replace("  plex:\n", "  plex:\n    policy: pull_request\n"))
    async with lab.client() as client:
        rehearsed = await client.get(f"{GROUP}?dry-run=true")
        body = problem(rehearsed, "unsafe-move", 409)
        tag = {"If-Match": rehearsed.headers["etag"]}
        lab.replace(RELEASE, "# one line", "# two")
        late = await client.post(GROUP, json={"accept": [SLUG]}, headers=tag)
        again = (await client.get(f"{GROUP}?dry-run=true")).headers["etag"]
        done = await client.post(GROUP, json={"accept": [SLUG]}, headers={"If-Match": again})
    assert {change["document"] for change in body["changes"]} >= {"Deployment media/sonarr", "HelmRelease media/plex"}
    problem(late, "precondition-failed", 412)
    assert done.status_code == 202
    assert len(lab.pulls()) == 1


async def test_a_group_can_leave_out_what_is_unsafe(lab: Stage) -> None:
    asked = {"accept": [f"sonarr:{SLUG}"], "skip_refused": True}
    async with lab.client() as client:
        body = (await client.post(GROUP, json=asked)).json()
    moved = {one["service"]: one["changed"] for one in body["services"]}
    assert moved == {"sonarr": True, "radarr": False, "plex": False}
    assert body["services"][1]["error"]["type"] == "urn:failover-api:problem:unsafe-move"
    assert "radarr" not in body["diff"]


async def test_a_status_and_the_list_tell_of_it(lab: Stage) -> None:
    async with lab.client() as client:
        status = await client.get("/api/failover/sonarr")
        listed = (await client.get("/api/failover")).json()["services"][0]
        lab.replace(SONARR, "  strategy:\n    type: RollingUpdate\n", "  strategy: {type: RollingUpdate}\n")
        other = await client.get("/api/failover/sonarr")
    assert [(hazard["slug"], hazard["severity"]) for hazard in status.json()["hazards_to"]] == [
        (SLUG, "stop"),
        ("recreate-blocks", "info"),
        ("data-left-behind", "warn"),
    ]
    assert listed["hazards_to"] == {"slugs": FOUND, "severity": "stop"}
    assert status.headers["etag"] != other.headers["etag"]
