"""Groups over HTTP, shape for shape."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import problem
from tests.support.stage import FILES, PLEX, RADARR, SERVICES, SONARR, Stage, deployment, entry

GROUP = "groups:\n  media: [plex, sonarr, radarr]\n"
PROMOTE = "/api/groups/media/promote"
DRY_RUN = f"{PROMOTE}?dry-run=true"


@pytest.fixture
def grouped(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=GROUP)
    return stage


@pytest.fixture
def parted(stage: Stage) -> Stage:
    """Two branches, and both policies."""
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.declare(
        entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX + "    policy: pull_request\n", top=GROUP
    )
    return stage


def members(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["service"], one["from"], one["to"], one["changed"]) for one in body["services"]]


async def test_a_group_has_the_shape_of_the_contract(grouped: Stage) -> None:
    async with grouped.client() as client:
        await client.post("/api/failover/sonarr/promote")
        response = await client.post(PROMOTE, json={"reason": "k3s-w1 is down"})
    body = response.json()
    assert response.status_code == 200
    assert "etag" not in response.headers, "the manifests are others now"
    assert [change["file"] for change in body.pop("changes")][-1] == RADARR
    assert body.pop("diff").count("\n+++ b/") == 3
    assert body.pop("message").startswith("media: 2 services moved to backup in Git (plex, radarr)")
    assert f"Failover-Operation: {body.pop('operation')}" in grouped.messages[0]
    assert body.pop("commit")["sha"] == grouped.sandbox.head(repository=grouped.repository)
    assert body == {
        "group": "media",
        "action": "promote",
        "dry_run": False,
        "policy": "direct",
        "services": [
            {"service": "plex", "from": "primary", "to": "backup", "changed": True},
            {"service": "sonarr", "from": "backup", "to": "backup", "changed": False},
            {"service": "radarr", "from": "primary", "to": "backup", "changed": True},
        ],
        "hazards": [],
        "hazards_complete": False,
        "to": "backup",
        "changed": True,
        "pull_request": None,
        "warnings": [],
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_etag_of_a_dry_run_binds_the_move(grouped: Stage, method: str) -> None:
    async with grouped.client() as client:
        shown = await client.request(method, DRY_RUN)
        body, etag = shown.json(), shown.headers["etag"]
        assert (shown.status_code, body["dry_run"], body["changed"], body["commit"]) == (200, True, True, None)
        assert not grouped.writes
        done = await client.post(PROMOTE, headers={"If-Match": etag})
        assert done.json()["changed"] is True
        stale = await client.post("/api/groups/media/demote", headers={"If-Match": etag})
    problem(stale, "precondition-failed", 412)
    assert len(grouped.moves) == 1


async def test_a_dry_run_that_is_the_same_is_304(grouped: Stage) -> None:
    async with grouped.client() as client:
        etag = (await client.get(DRY_RUN)).headers["etag"]
        assert (await client.get(DRY_RUN, headers={"If-None-Match": etag})).status_code == 304
        grouped.replace(RADARR, "role: primary", "role: backup")
        assert (await client.get(DRY_RUN, headers={"If-None-Match": etag})).status_code == 200


async def test_demote_brings_it_home(grouped: Stage) -> None:
    async with grouped.client() as client:
        await client.post(PROMOTE)
        body = (await client.post("/api/groups/media/demote")).json()
    assert (body["action"], body["to"]) == ("demote", "primary")
    assert {path: grouped.read(path) for path in FILES} == FILES


async def test_already_there_is_200_without_a_commit(grouped: Stage) -> None:
    async with grouped.client() as client:
        response = await client.post("/api/groups/media/demote")
    body = response.json()
    assert response.status_code == 200
    assert (body["changed"], body["commit"], body["operation"], body["diff"]) == (False, None, None, "")
    assert {member["changed"] for member in body["services"]} == {False}


async def test_one_that_is_refused_refuses_all_unless_it_may_be_skipped(grouped: Stage) -> None:
    grouped.replace(SONARR, "role: primary", "role: maintenance")
    async with grouped.client() as client:
        for url in (PROMOTE, DRY_RUN, f"{PROMOTE}?skip_refused=false"):
            detail = problem(await client.post(url), "manifest-drifted", 409)["detail"]
            assert detail.startswith("sonarr: ")
        assert not grouped.writes
        shown = (await client.get(f"{DRY_RUN}&skip_refused=true")).json()
        response = await client.post(PROMOTE, json={"skip_refused": True})
    body = response.json()
    assert response.status_code == 200
    assert members(body) == members(shown)
    assert members(body) == [
        ("plex", "primary", "backup", True),
        ("sonarr", None, None, False),
        ("radarr", "primary", "backup", True),
    ]
    error = body["services"][1]["error"]
    assert (error["type"], error["status"]) == ("urn:failover-api:problem:manifest-drifted", 409)
    assert f"{SONARR}:12" in error["detail"]
    assert [service.get("error") is None for service in body["services"]] == [True, False, True]
    assert "sonarr" in body["message"]


async def test_force_moves_one_that_drifted_with_the_others(grouped: Stage) -> None:
    grouped.replace(SONARR, "role: primary", "role: maintenance")
    async with grouped.client() as client:
        body = (await client.post(f"{PROMOTE}?force=true")).json()
    assert members(body)[1] == ("sonarr", "unknown", "backup", True)


async def test_an_unknown_group_is_404(grouped: Stage) -> None:
    async with grouped.client() as client:
        for name in ("nosuch", "sonarr", "Media"):
            for url in (f"/api/groups/{name}/promote", f"/api/groups/{name}/demote?dry-run=1"):
                assert repr(name) in problem(await client.post(url), "unknown-group", 404)["detail"]


def apply(diff: str, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff, text=True, check=True)


async def test_the_diff_of_two_services_in_one_file_applies_in_order(stage: Stage, tmp_path: Path) -> None:
    both = deployment("one") + "---\n" + deployment("two")
    stage.commit({"both.yaml": both})
    stage.declare(
        entry("one", "media", "path: both.yaml") + entry("two", "media", "path: both.yaml"),
        top="groups: {g: [two, one]}",
    )
    async with stage.client() as client:
        diff = (await client.post("/api/groups/g/promote")).json()["diff"]
    (tmp_path / "both.yaml").write_text(both)
    apply(diff, tmp_path)
    assert (tmp_path / "both.yaml").read_bytes() == stage.read("both.yaml")


# Of several parts


async def test_under_policy_pull_request_it_is_202_with_one_pull_request(stage: Stage) -> None:
    stage.declare(SERVICES, top=f"policy: pull_request\n{GROUP}")
    async with stage.client() as client:
        response = await client.post(PROMOTE)
        again = await client.post(PROMOTE)
        shown = await client.get(DRY_RUN)
    body = response.json()
    assert (response.status_code, again.status_code, shown.status_code) == (202, 202, 200)
    assert body["policy"] == "pull_request"
    assert body["pull_request"]["branch"] == "failover/group-media"
    assert body["commit"] is not None
    assert "commits" not in body, "one part has no lists"
    assert (again.json()["changed"], again.json()["operation"]) == (False, body["operation"])
    assert {member["changed"] for member in again.json()["services"]} == {False}
    assert (shown.json()["pull_request"], shown.json()["commit"]) == (None, None)
    assert len(stage.pulls("all")) == 1


async def test_parts_have_lists_and_one_operation(parted: Stage) -> None:
    async with parted.client() as client:
        shown = await client.get(DRY_RUN)
        response = await client.post(PROMOTE, headers={"If-Match": shown.headers["etag"]})
    body = response.json()
    assert shown.status_code == 200
    assert (shown.json()["commits"], shown.json()["pull_requests"]) == ([], [])
    assert response.status_code == 202, "one part waits for a person"
    assert body["policy"] == "mixed"
    (pull,) = body["pull_requests"]
    assert body["pull_request"] == pull, "there is one only"
    assert body["commit"] is None, "there are three"
    assert len(body["commits"]) == 3
    heads = [
        parted.sandbox.head(name, repository=parted.repository) for name in ("failover/group-media", "main", "staging")
    ]
    assert [commit["sha"] for commit in body["commits"]] == heads
    assert len(body["operation"]) == 26
    assert f"ull request #{pull['number']} " in body["message"], "each part has its sentence"
    assert "(radarr)" in body["message"]
    assert members(body) == [(name, "primary", "backup", True) for name in ("plex", "sonarr", "radarr")]
    assert {change["file"] for change in body["changes"]} >= {SONARR, RADARR}


async def test_parts_without_a_pull_request_are_200(stage: Stage) -> None:
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.declare(entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX, top=GROUP)
    async with stage.client() as client:
        response = await client.post(PROMOTE)
        again = (await client.post(PROMOTE)).json()
    body = response.json()
    assert response.status_code == 200
    assert (body["policy"], body["commit"], len(body["commits"]), body["pull_requests"]) == ("direct", None, 2, [])
    assert (again["changed"], again["commit"], again["commits"], again["operation"]) == (False, None, [], None)


async def test_what_one_part_did_is_what_the_group_did(stage: Stage) -> None:
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.declare(entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX, top=GROUP)
    async with stage.client() as client:
        for name in ("plex", "sonarr"):
            await client.post(f"/api/failover/{name}/promote")
        body = (await client.post(PROMOTE)).json()
    (commit,) = body["commits"]
    assert (body["changed"], body["commit"]) == (True, commit)
    staged = stage.sandbox.commit_at("staging", stage.repository)
    assert commit["sha"] == staged.sha
    assert f"Failover-Operation: {body['operation']}\n" in staged.message


async def test_all_that_are_refused_are_in_the_problem_in_the_groups_order(grouped: Stage) -> None:
    grouped.replace(RADARR, "role: primary", "role: maintenance")
    grouped.commit({SONARR: None}, "Gone")
    async with grouped.client() as client:
        for response in (await client.get(DRY_RUN), await client.post(PROMOTE)):
            body = problem(response, "manifest-not-found", 422)
            assert [(one["service"], one["type"].rpartition(":")[2]) for one in body["refused"]] == [
                ("sonarr", "manifest-not-found"),
                ("radarr", "manifest-drifted"),
            ]
            assert f"{RADARR}:19" in body["refused"][1]["detail"]
            assert body["refused"][1]["title"] == "A value is on neither side"
            assert body["refused"][1]["hazards"] == []
        single = await client.post("/api/failover/radarr/promote")
    assert "refused" not in problem(single, "manifest-drifted", 409)
    assert not grouped.writes


async def test_a_group_of_one_names_it_too(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {g: [sonarr]}")
    stage.commit({SONARR: None}, "Gone")
    async with stage.client() as client:
        body = problem(await client.post("/api/groups/g/promote"), "manifest-not-found", 422)
        skipped = (await client.post("/api/groups/g/promote?skip_refused=true")).json()
    assert [one["service"] for one in body["refused"]] == ["sonarr"]
    assert (skipped["changed"], skipped["services"][0]["error"]["status"]) == (False, 422)


async def test_asked_again_while_open_with_one_that_was_there_it_is_202(stage: Stage) -> None:
    stage.declare(SERVICES, top=f"policy: pull_request\n{GROUP}")
    for path in (SONARR,):
        stage.replace(path, "role: primary", "role: backup")
        stage.replace(path, "pvc-sonarr", "pvc-sonarr-backup")
    async with stage.client() as client:
        first = await client.post(PROMOTE)
        again = await client.post(PROMOTE)
        shown = await client.get(DRY_RUN)
    assert (first.status_code, again.status_code, shown.status_code) == (202, 202, 200)
    assert members(again.json())[1] == ("sonarr", "backup", "backup", False)
    assert (again.json()["changed"], again.json()["operation"]) == (False, first.json()["operation"])


async def test_the_openapi_description_tells_of_those_that_are_refused(grouped: Stage) -> None:
    async with grouped.client() as client:
        schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
        listed = (await client.get("/api/failover")).json()
    assert set(schemas["RefusedBody"]["properties"]) == {"service", "type", "title", "detail", "hazards"}
    assert "refused" in schemas["ProblemBody"]["properties"]
    assert "refused" not in str(listed)
