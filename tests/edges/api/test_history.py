"""History, last move and rollback over HTTP, shape for shape."""

from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from tests.support.answers import HISTORY, PROMOTE, ROLLBACK, problem
from tests.support.stage import FILES, RADARR, SERVICES, SONARR, Stage


def subjects(body: dict[str, Any]) -> list[str]:
    return [entry["message"] for entry in body["entries"]]


# History


async def test_an_entry_has_the_shape_of_the_contract(stage: Stage) -> None:
    async with stage.client() as client:
        first = (await client.post(PROMOTE, json={"reason": "k3s-w1 is down"})).json()
        edit = stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", "Update sonarr\n\nIt was time.")
        plain = (await client.post("/api/failover/sonarr/demote")).json()
        response = await client.get(HISTORY)
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert body.keys() == {"entries", "next"}
    logged = {commit.sha: commit for commit in stage.sandbox.log(repository=stage.repository)}
    times = [entry.pop("time") for entry in body["entries"]]
    assert times == sorted(times, reverse=True)
    assert all(len(time) == len("2026-11-24T10:00:00Z") and time.endswith("Z") for time in times)
    assert body["entries"] == [
        {
            "kind": "failover",
            "action": "demote",
            "from": "backup",
            "to": "primary",
            "by": "anonymous",
            "reason": None,
            "operation": plain["operation"],
            "commit": {key: plain["commit"][key] for key in ("sha", "url")},
            "pull_request": None,
            "message": "Fail back sonarr to primary",
            "verified": True,
        },
        {
            "kind": "edit",
            "action": None,
            "from": None,
            "to": None,
            "by": "maria",
            "reason": None,
            "operation": None,
            "commit": {"sha": edit, "url": body["entries"][1]["commit"]["url"]},
            "pull_request": None,
            "message": "Update sonarr",
            "verified": None,
        },
        {
            "kind": "failover",
            "action": "promote",
            "from": "primary",
            "to": "backup",
            "by": "anonymous",
            "reason": "k3s-w1 is down",
            "operation": first["operation"],
            "commit": {key: first["commit"][key] for key in ("sha", "url")},
            "pull_request": None,
            "message": "Fail over sonarr to backup",
            "verified": True,
        },
        {**body["entries"][3], "kind": "edit", "message": "Initial commit"},
    ]
    assert all(entry["commit"]["url"].endswith(entry["commit"]["sha"]) for entry in body["entries"])
    assert {entry["commit"]["sha"] for entry in body["entries"]} <= logged.keys()


async def test_pages_lead_through_all_of_it_once_even_while_it_grows(stage: Stage) -> None:
    for number in range(7):
        stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % number}, f"Edit {number}")
    found: list[str] = []
    async with stage.client() as client:
        body = (await client.get(HISTORY, params={"limit": 3})).json()
        while body["next"]:
            found += subjects(body)
            stage.commit({SONARR: FILES[SONARR] + b"# later %d\n" % len(found)}, "Later")
            body = (await client.get(HISTORY, params={"limit": 3, "cursor": body["next"]})).json()
    assert [*found, *subjects(body)] == [*(f"Edit {number}" for number in reversed(range(7))), "Initial commit"]


@pytest.mark.parametrize(("query", "shown"), [("", 20), ("?limit=1", 1), ("?limit=100", 26)])
async def test_twenty_entries_unless_a_limit_says_otherwise(stage: Stage, query: str, shown: int) -> None:
    for number in range(25):
        stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % number}, f"Edit {number}")
    async with stage.client() as client:
        body = (await client.get(f"{HISTORY}{query}")).json()
    assert len(body["entries"]) == shown
    assert (body["next"] is None) == (shown == 26)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=", "limit", "limit=1.0", "limit=1e1", "limit=%2B5", "limit=05",
     "limit=%EF%BC%95", "limit=%205", "limit=ten", "limit=5&limit=5", "limit=" + "9" * 5000, "cursor=&limit=5",
     "cursor=x", "cursor=" + "0" * 40, "cursor=" + "0" * 40 + ".-1", "cursor=..%2F..", "cursor=" + "0" * 40 + ".1%0A",
     "cursor=" + "F" * 40 + ".1", "cursor=" + "a" * 9000, "page=2", "offset=1", "Limit=5", "dry-run=true", "=",
     "cursor=a&cursor=b"]
)  # fmt: skip
async def test_a_query_that_is_off_is_400(stage: Stage, query: str) -> None:
    async with stage.client() as client:
        problem(await client.get(f"{HISTORY}?{query}"), "bad-request", 400)


async def test_history_of_an_unknown_service_is_404(stage: Stage) -> None:
    async with stage.client() as client:
        problem(await client.get("/api/failover/nosuch/history"), "unknown-service", 404)


async def test_the_same_history_is_304_and_its_etag_binds_no_move(stage: Stage) -> None:
    async with stage.client() as client:
        etag = (await client.get(HISTORY)).headers["etag"]
        again = await client.get(HISTORY, headers={"If-None-Match": etag})
        assert (again.status_code, again.headers["etag"], again.content) == (304, etag, b"")
        problem(await client.post(PROMOTE, headers={"If-Match": etag}), "precondition-failed", 412)
        await client.post(PROMOTE)
        changed = await client.get(HISTORY, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_status_and_list_have_the_last_move(stage: Stage) -> None:
    async with stage.open() as components:  # somebody with a name
        await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="ops-laptop", reason="k3s-w1 is down"))
    async with stage.client() as client:
        alone = (await client.get("/api/failover/sonarr")).json()["last_move"]
        listed = (await client.get("/api/failover")).json()["services"]
        newest = (await client.get(HISTORY)).json()["entries"][0]
    assert (alone["by"], alone["reason"], alone["to"]) == ("ops-laptop", "k3s-w1 is down", "backup")
    assert alone == newest
    assert [service["last_move"] for service in listed] == [alone, None, None]


async def test_a_groups_commit_is_the_last_move_of_each(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    async with stage.client() as client:
        moved = (await client.post("/api/groups/media/promote")).json()
        for name in ("sonarr", "radarr"):
            last = (await client.get(f"/api/failover/{name}")).json()["last_move"]
            assert (last["operation"], last["commit"]["sha"]) == (moved["operation"], moved["commit"]["sha"])
            assert last["message"] == "Fail over 2 services to backup"


# Rollback


async def test_a_rollback_has_the_shape_of_an_outcome(stage: Stage) -> None:
    async with stage.client() as client:
        moved = (await client.post(PROMOTE)).json()
        response = await client.post(ROLLBACK, json={"reason": "a false alarm"})
    body = response.json()
    assert response.status_code == 200
    assert "etag" not in response.headers
    assert body.keys() == moved.keys()
    assert (body["action"], body["from"], body["to"], body["changed"]) == ("rollback", "backup", "primary", True)
    assert [(change["old"], change["new"]) for change in body["changes"]] == [
        (change["new"], change["old"]) for change in moved["changes"]
    ]
    assert body["commit"]["sha"] == stage.sandbox.head(repository=stage.repository)
    assert stage.read(SONARR) == FILES[SONARR]
    assert "Reason: a false alarm" in stage.messages[0]
    assert f"Failover-Reverts: {moved['operation']}" in stage.messages[0]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_dry_run_of_a_rollback_writes_nothing_and_binds_it(stage: Stage, method: str) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        shown = await client.request(method, f"{ROLLBACK}?dry-run=true")
        body = shown.json()
        assert (shown.status_code, body["dry_run"], body["to"], body["commit"]) == (200, True, "primary", None)
        assert len(stage.moves) == 1
        stage.commit({SONARR: (stage.read(SONARR) or b"") + b"# a person\n"})
        stale = await client.post(ROLLBACK, headers={"If-Match": shown.headers["etag"]})
        problem(stale, "precondition-failed", 412)
        fresh = (await client.request(method, f"{ROLLBACK}?dry-run=true")).headers["etag"]
        assert (await client.post(ROLLBACK, headers={"If-Match": fresh})).json()["changed"] is True


async def test_without_a_move_there_is_nothing_to_roll_back(stage: Stage) -> None:
    async with stage.client() as client:
        for url in (ROLLBACK, f"{ROLLBACK}?dry-run=true"):
            problem(await client.post(url), "nothing-to-roll-back", 409)
    assert not stage.writes


async def test_a_persons_change_since_is_not_rolled_over(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        stage.replace(SONARR, "role: backup", "role: k3s-w3")
        for url in (ROLLBACK, f"{ROLLBACK}?dry-run=true"):
            detail = problem(await client.post(url), "changed-since", 409)["detail"]
            assert f"{SONARR}:12" in detail
    assert len(stage.moves) == 1


async def test_of_a_groups_commit_only_the_one_service_is_undone(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    async with stage.client() as client:
        await client.post("/api/groups/media/promote")
        moved = stage.read(RADARR)
        await client.post(ROLLBACK)
    assert (stage.read(SONARR), stage.read(RADARR)) == (FILES[SONARR], moved)


async def test_force_is_no_wish_of_a_rollback(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        for how in ({"params": {"force": "true"}}, {"json": {"force": False}}, {"json": {"skip_refused": True}}):
            problem(await client.post(ROLLBACK, **how), "bad-request", 400)
    assert len(stage.moves) == 1


# What can be believed


async def test_an_entry_says_whether_it_is_proved(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        quoted = stage.moves[0].rpartition("\n\n")[2]
        stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", f"Update\n\n{quoted}")
        proved = (await client.get(HISTORY)).json()["entries"]
    stage.declare(SERVICES.replace("pvc-sonarr-backup", "pvc-sonarr-copy"))
    async with stage.client() as client:
        changed = (await client.get(HISTORY)).json()["entries"]
        last = (await client.get("/api/failover/sonarr")).json()["last_move"]
        detail = problem(await client.post(ROLLBACK), "nothing-to-roll-back", 409)["detail"]
    assert [(one["kind"], one["verified"]) for one in proved] == [("edit", False), ("failover", True), ("edit", None)]
    assert [(one["kind"], one["verified"]) for one in changed] == [("edit", False), ("failover", None), ("edit", None)]
    assert (proved[0]["action"], proved[0]["operation"], proved[0]["by"]) == (None, None, "maria")
    assert last == changed[1]
    assert changed[1]["commit"]["sha"][:12] in detail


@pytest.mark.parametrize(
    "reason", ["closes #12 for @acme/ops [skip ci]", "Fixes: https://github.com/acme/tea/issues/1", "***NO_CI*** GH-1"]
)
async def test_a_reason_that_would_act_on_github_is_in_the_history_as_it_was_given(stage: Stage, reason: str) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE, json={"reason": reason})
        (entry, *_) = (await client.get(HISTORY)).json()["entries"]
        status = (await client.get("/api/failover/sonarr")).json()
    assert entry["reason"] == status["last_move"]["reason"] == reason
    assert reason not in stage.moves[0]
    assert stage.moves[0].replace("\u2060", "").count(f"\nReason: {reason}\n") == 1
