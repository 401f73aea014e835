"""Policy pull_request over HTTP: 202, who stands in the way, and what status, list and history say of it."""

from typing import Any

import httpx2
import pytest

from tests.support.answers import problem
from tests.support.stage import FILES, SERVICES, SONARR, Stage, entry

PROMOTE = "/api/failover/sonarr/promote"
DEMOTE = "/api/failover/sonarr/demote"


@pytest.fixture
def reviewed(stage: Stage) -> Stage:
    stage.declare(SERVICES, top="policy: pull_request")
    return stage


def pull_of(stage: Stage, response: httpx2.Response, state: str = "open") -> dict[str, Any]:
    """The pull request of an answer, after it was compared with what GitHub has."""
    pull: dict[str, Any] = response.json()["pull_request"]
    found = stage.github("GET", f"/pulls/{pull['number']}")
    assert pull == {
        "number": found["number"],
        "url": found["html_url"],
        "branch": found["head"]["ref"],
        "state": state,
    }
    return pull


async def test_a_move_is_202_and_shows_its_pull_request(reviewed: Stage) -> None:
    async with reviewed.client() as client:
        response = await client.post(PROMOTE, json={"reason": "k3s-w1 is down"})
    body = response.json()
    pull = pull_of(reviewed, response)
    assert response.status_code == 202
    assert pull["branch"] == "failover/sonarr"
    assert (body["policy"], body["changed"], body["from"], body["to"]) == ("pull_request", True, "primary", "backup")
    assert body["commit"]["sha"] == reviewed.sandbox.head("failover/sonarr", repository=reviewed.repository)
    assert body["message"].startswith(f"Pull request #{pull['number']} moves sonarr from primary to backup")
    assert reviewed.read(SONARR) == FILES[SONARR]


async def test_asked_again_while_open_it_is_202_and_unchanged(reviewed: Stage) -> None:
    async with reviewed.client() as client:
        first = (await client.post(PROMOTE)).json()
        again = await client.post(PROMOTE)
    body = again.json()
    assert again.status_code == 202
    assert (body["changed"], body["operation"]) == (False, first["operation"])
    assert (body["pull_request"], body["commit"]) == (first["pull_request"], first["commit"])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_dry_run_is_200_without_either(reviewed: Stage, method: str) -> None:
    async with reviewed.client() as client:
        shown = await client.request(method, f"{PROMOTE}?dry-run=true")
        body = shown.json()
        assert (shown.status_code, body["changed"], body["commit"], body["pull_request"]) == (200, True, None, None)
        await client.post(PROMOTE, headers={"If-Match": shown.headers["etag"]})
        again = await client.request(method, f"{PROMOTE}?dry-run=true")
    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert len(reviewed.pulls("all")) == 1


async def test_the_other_way_is_409_unless_it_supersedes(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")  # some each way: both have something to do
    async with reviewed.client() as client:
        first = pull_of(reviewed, await client.post(PROMOTE))
        for url in (DEMOTE, f"{DEMOTE}?dry-run=true", f"{DEMOTE}?supersede=false"):
            detail = problem(await client.post(url), "operation-pending", 409)["detail"]
            assert first["url"] in detail
        shown = await client.get(f"{DEMOTE}?dry-run=true&supersede=true")
        assert (shown.status_code, len(reviewed.pulls())) == (200, 1)
        response = await client.post(DEMOTE, json={"supersede": True})
    assert response.status_code == 202
    assert pull_of(reviewed, response)["number"] != first["number"]
    assert [pull["number"] for pull in reviewed.pulls()] == [response.json()["pull_request"]["number"]]


async def test_status_and_list_show_it_while_it_is_open(reviewed: Stage) -> None:
    async with reviewed.client() as client:
        pull = pull_of(reviewed, await client.post(PROMOTE))
        before = await client.get("/api/failover/sonarr")
        listed = (await client.get("/api/failover")).json()["services"]
        reviewed.merge(pull["number"])
        after = await client.get("/api/failover/sonarr", headers={"If-None-Match": before.headers["etag"]})
        done = await client.post(PROMOTE)
    assert (before.json()["side"], before.json()["pull_request"], before.json()["last_move"]) == ("primary", pull, None)
    assert [service["pull_request"] for service in listed] == [pull, None, None]
    assert (after.status_code, after.json()["side"], after.json()["pull_request"]) == (200, "backup", None)
    assert (done.status_code, done.json()["changed"]) == (200, False)


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
async def test_history_and_last_move_name_the_pull_request_that_was_merged(reviewed: Stage, method: str) -> None:
    async with reviewed.client() as client:
        response = await client.post(PROMOTE, json={"reason": "k3s-w1 is down"})
        pull = pull_of(reviewed, response)
        merge = reviewed.merge(pull["number"], method)
        newest = (await client.get("/api/failover/sonarr/history")).json()["entries"][0]
        last = (await client.get("/api/failover/sonarr")).json()["last_move"]
    assert newest["pull_request"] == {**pull, "state": "merged"}
    assert (newest["kind"], newest["action"], newest["reason"]) == ("failover", "promote", "k3s-w1 is down")
    assert newest["operation"] == response.json()["operation"]
    own = response.json()["commit"]["sha"]
    assert newest["commit"]["sha"] == (own if method == "merge" else merge), "a merge leaves our own commit in the log"
    assert last == newest


async def test_a_rollback_is_a_pull_request_too(reviewed: Stage) -> None:
    async with reviewed.client() as client:
        reviewed.merge(pull_of(reviewed, await client.post(PROMOTE))["number"])
        response = await client.post("/api/failover/sonarr/rollback")
        other = await client.post(PROMOTE)
    body = response.json()
    assert response.status_code == 202
    assert (body["action"], body["from"], body["to"]) == ("rollback", "backup", "primary")
    assert pull_of(reviewed, response)["branch"] == "failover/sonarr"
    problem(other, "operation-pending", 409)


async def test_what_goes_wrong_beside_the_move_is_a_warning(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request\npull_request: {reviewers: [nobody-here]}")
    async with stage.client() as client:
        response = await client.post(PROMOTE)
    assert response.status_code == 202
    (warning,) = response.json()["warnings"]
    assert warning.startswith("reviewers: ")


async def test_a_protected_branch_is_409_or_with_fallback_a_pull_request(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", "fallback: pull_request"))
    stage.sandbox.protect(repository=stage.repository)
    async with stage.client() as client:
        problem(await client.post(PROMOTE), "branch-protected", 409)
        response = await client.post("/api/failover/radarr/promote")
    assert response.status_code == 202
    assert pull_of(stage, response)["branch"] == "failover/radarr"
    assert response.json()["policy"] == "direct", "what the catalog says"
