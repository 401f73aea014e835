"""The branch of a pull request: gone on from where it is ours, made anew where that is done with, else left alone."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.text.trailers import read_records
from failover_api.errors import CannotPlan, ForgeError, ForgePermission, OperationPending
from tests.support.acts import BY_PULL_REQUEST, number, promote
from tests.support.stage import FILES, SERVICES, SONARR, VOLSYNC, Stage, entry

BRANCH = {"sonarr": "failover/sonarr", "plex": "failover/plex"}
FILE = {"sonarr": SONARR, "plex": VOLSYNC}
ONE_AND_SEVERAL_FILES = pytest.mark.parametrize("name", ["sonarr", "plex"])


async def test_a_branch_that_was_deleted_after_closing_is_made_again(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        reviewed.close(number(first))
        reviewed.github("DELETE", "/git/refs/heads/failover/sonarr")
        assert (await promote(components)).changed
    assert len(reviewed.pulls()) == 1


# A person's


@ONE_AND_SEVERAL_FILES
@pytest.mark.parametrize("supersede", [False, True])
async def test_what_a_person_pushed_is_never_overwritten(reviewed: Stage, name: str, supersede: bool) -> None:
    async with reviewed.open() as components:
        await promote(components, name)
        text = (reviewed.read(FILE[name], BRANCH[name]) or b"") + b"# pushed\n"
        pushed = reviewed.commit({FILE[name]: text}, "Tune it", BRANCH[name])
        reviewed.commit({FILE[name]: FILES[FILE[name]] + b"# a person's edit\n"})
        for action in (Action.PROMOTE, Action.DEMOTE):
            with pytest.raises(OperationPending) as caught:
                await components.failover.move(name, action, MoveRequest(by="maria", supersede=supersede))
            if action is Action.PROMOTE or supersede:
                assert pushed[:12] in caught.value.detail
    assert reviewed.read(FILE[name], BRANCH[name]) == text
    assert len(reviewed.pulls()) == 1


async def test_a_branch_with_a_persons_work_and_no_pull_request_is_left_alone(reviewed: Stage) -> None:
    pushed = reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match=pushed[:12]):
            await promote(components)
    assert reviewed.read("notes.txt", "failover/sonarr") == b"mine\n"
    assert not reviewed.pulls("all")


async def test_a_foreign_pull_request_of_that_branch_is_left_alone(reviewed: Stage) -> None:
    reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
    reviewed.github("POST", "/pulls", {"title": "Notes", "head": "failover/sonarr", "base": "main", "body": "mine"})
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match="not ours"):
            await promote(components, supersede=True)
    assert len(reviewed.pulls()) == 1


# What was left half done


LOST = [("POST", "/git/refs"), ("PUT", "/contents"), ("POST", "/pulls")]


@pytest.mark.parametrize("kind", ["lost_reply", "lost_request", "truncated", "bad_json"])
@pytest.mark.parametrize(("method", "path"), LOST, ids=["ref", "commit", "pull"])
async def test_a_reply_lost_on_the_way_is_resolved(reviewed: Stage, kind: str, method: str, path: str) -> None:
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.fault(kind, method=method, path=f"/repos/{reviewed.repository}{path}")
        outcome = await promote(components)
    assert not len(reviewed.sandbox.faults), "the fault was met"
    assert outcome.changed
    (pull,) = reviewed.pulls("all")
    assert pull["number"] == number(outcome)
    branch = reviewed.sandbox.log("failover/sonarr", repository=reviewed.repository)
    assert sum("Failover-Operation:" in commit.message for commit in branch) == 1


@pytest.mark.parametrize(("method", "path"), LOST, ids=["ref", "commit", "pull"])
async def test_what_one_call_left_the_next_goes_on_from(reviewed: Stage, method: str, path: str) -> None:
    async with reviewed.open(deadline_s=1.0) as components:
        await components.failover.status("sonarr")
        reviewed.fault("status", method=method, path=f"/repos/{reviewed.repository}{path}", status=403, times=None)
        with pytest.raises(ForgePermission):
            await promote(components)
    reviewed.sandbox.faults.clear()
    async with reviewed.open() as components:
        outcome = await promote(components)
    assert outcome.is_pending
    (pull,) = reviewed.pulls("all")
    branch = reviewed.sandbox.log("failover/sonarr", repository=reviewed.repository)
    assert sum("Failover-Operation:" in commit.message for commit in branch) == 1
    assert [r.operation for r in read_records(pull["body"])] == [outcome.operation]


FORGED = """Hm

Failover-Service: sonarr
Failover-Action: move
Failover-From: here
Failover-To: there
Failover-Operation: 1
"""


async def test_a_commit_that_claims_to_be_ours_is_left_alone(reviewed: Stage) -> None:
    forged = reviewed.commit({SONARR: "not: ours\n"}, FORGED, "failover/sonarr")
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match=forged[:12]):
            await promote(components)
    assert reviewed.read(SONARR, "failover/sonarr") == b"not: ours\n"
    assert not reviewed.pulls("all")


async def test_a_pull_request_into_another_base_is_left_alone(reviewed: Stage) -> None:
    reviewed.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    async with reviewed.open() as components:
        first = await promote(components)
    reviewed.declare(entry("sonarr", "media", "branch: staging"), top=BY_PULL_REQUEST)
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match=f"/pull/{number(first)} is open from .* into main"):
            await promote(components)
    (pull,) = reviewed.pulls("all")
    assert first.commit is not None
    assert pull["head"]["sha"] == first.commit.sha


async def test_what_was_left_half_done_of_another_catalog_is_made_anew_where_it_may_give_way(reviewed: Stage) -> None:
    reviewed.fault("status", method="POST", path="*/pulls", status=422, body={"message": "Validation Failed"})
    async with reviewed.open() as components:
        with pytest.raises(ForgeError):
            await promote(components)
    reviewed.declare(SERVICES.replace("pvc-sonarr-backup", "pvc-sonarr-2"), top=BY_PULL_REQUEST)
    async with reviewed.open() as components:
        with pytest.raises(OperationPending):
            await promote(components)
        outcome = await promote(components, supersede=True)
    assert outcome.is_pending
    assert b'"pvc-sonarr-2"' in (reviewed.read(SONARR, "failover/sonarr") or b"")
    assert len(reviewed.pulls("all")) == 1


# No room for it


@pytest.mark.parametrize("other", ["failover", "failover/sonarr/x"])
async def test_a_branch_that_leaves_no_room_is_named_after_one_look(reviewed: Stage, other: str) -> None:
    reviewed.commit({"README.md": "mine\n"}, "Mine", other)
    async with reviewed.open() as components:
        reviewed.requests.clear()
        with pytest.raises(OperationPending, match=f"^branch {other} of {reviewed.repository} is in the way: "):
            await promote(components)
    provenance = [(r.method, r.path) for r in reviewed.requests if "matching-refs" in r.path or r.method == "POST"]
    made = [path for method, path in provenance if method == "POST" and path != "/graphql"]
    assert made == [f"/repos/{reviewed.repository}/git/refs"], "tried once, and nothing else written"
    assert len([path for _, path in provenance if "matching-refs" in path]) == 1


@pytest.mark.parametrize("other", ["failover", "failover/sonarr/x"])
async def test_a_dry_run_is_refused_where_the_move_would_be_for_want_of_room(reviewed: Stage, other: str) -> None:
    reviewed.commit({"README.md": "mine\n"}, "Mine", other)
    async with reviewed.open() as components:
        for dry_run in (True, False):
            with pytest.raises(OperationPending, match=f"^branch {other} of {reviewed.repository} is in the way: "):
                await promote(components, dry_run=dry_run)
        assert not [r for r in reviewed.requests if r.method == "PUT"]


async def test_a_dry_run_is_refused_where_the_branch_is_a_persons(reviewed: Stage) -> None:
    pushed = reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
    async with reviewed.open() as components:
        for dry_run in (True, False):
            with pytest.raises(OperationPending, match=pushed[:12]):
                await promote(components, dry_run=dry_run)


async def test_a_dry_run_is_refused_where_one_is_open_into_another_base(reviewed: Stage) -> None:
    reviewed.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    async with reviewed.open() as components:
        first = await promote(components)
    reviewed.declare(entry("sonarr", "media", "branch: staging"), top=BY_PULL_REQUEST)
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match=f"/pull/{number(first)} is open from .* into main"):
            await promote(components, dry_run=True)


async def test_a_branch_that_is_done_with_or_half_done_is_in_no_dry_runs_way(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        reviewed.fault("status", method="POST", path="*/pulls", status=403)
        with pytest.raises(ForgePermission):
            await promote(components)
        assert (await promote(components, dry_run=True)).changed, "left half done"
        outcome = await promote(components)
        assert not (await promote(components, dry_run=True)).changed, "open"
        reviewed.close(number(outcome))
        assert (await promote(components, dry_run=True)).changed, "closed"


async def test_a_dry_run_costs_one_conditional_request_more(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await promote(components, dry_run=True)
        reviewed.requests.clear()
        await promote(components, dry_run=True)
        provenance = [r for r in reviewed.requests if "matching-refs" in r.path]
    assert [r.status for r in provenance] == [304]
    assert {r.status for r in reviewed.requests} == {304}


@pytest.mark.parametrize("other", ["failover-notes", "failover/tea/x", "failover/sonarr2", "failover/Sonarr/x"])
async def test_other_branches_with_like_names_are_in_nobodys_way(reviewed: Stage, other: str) -> None:
    reviewed.commit({"README.md": "mine\n"}, "Mine", other)
    async with reviewed.open() as components:
        assert (await promote(components)).is_pending


async def test_a_group_meets_the_same(reviewed: Stage) -> None:
    reviewed.declare(SERVICES, top=f"{BY_PULL_REQUEST}\ngroups: {{g: [sonarr, radarr]}}")
    reviewed.commit({"README.md": "mine\n"}, "Mine", "failover/group-g/x")
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match="branch failover/group-g/x "):
            await components.failover.move_group("g", Action.PROMOTE, MoveRequest(by="maria"))


@pytest.mark.parametrize("base", ["failover", "failover/sonarr", "failover/sonarr/x"])
async def test_a_base_that_leaves_no_room_is_refused_before_anything_is_written(stage: Stage, base: str) -> None:
    stage.commit({"README.md": "a branch\n"}, "Branch off", base)
    stage.declare(entry("sonarr", "media", f"branch: {base}"), top=BY_PULL_REQUEST)
    async with stage.open() as components:
        for dry_run in (True, False):
            with pytest.raises(CannotPlan, match=f"sonarr goes to branch {base}, "):
                await promote(components, dry_run=dry_run)
    assert not stage.writes
    assert not [r for r in stage.requests if r.method == "POST" and r.path != "/graphql"]


# Rules about it


@pytest.mark.parametrize(("method", "path"), [("POST", "*/git/refs"), ("PUT", "*/contents/*")])
async def test_a_rule_about_our_own_branch_is_not_cured_by_the_policy_that_is_there(
    reviewed: Stage, method: str, path: str
) -> None:
    body = {"message": "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"}
    reviewed.fault("status", method=method, path=path, status=422, body=body)
    async with reviewed.open() as components:
        with pytest.raises(ForgePermission) as caught:
            await promote(components)
    assert "Changes must be made through a pull request." in caught.value.detail
    assert "leave `failover/**` out of it" in caught.value.detail
    assert "policy: pull_request" not in caught.value.detail
