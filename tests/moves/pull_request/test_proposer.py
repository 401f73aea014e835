"""Policy pull_request: one open pull request for each service, whoever asks and whatever was lost on the way."""

import asyncio

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_records
from failover_api.errors import (
    BranchProtected,
    ForgePermission,
    ManifestDrifted,
    OperationPending,
    OutcomeUnknown,
    PreconditionFailed,
)
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.wiring import Components, open_failover
from tests.support.acts import BY_PULL_REQUEST, demote, number, promote
from tests.support.stage import FILES, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, deployment, entry

BRANCH = {"sonarr": "failover/sonarr", "plex": "failover/plex"}
FILE = {"sonarr": SONARR, "plex": VOLSYNC}
ONE_AND_SEVERAL_FILES = pytest.mark.parametrize("name", ["sonarr", "plex"])


@ONE_AND_SEVERAL_FILES
async def test_promote_opens_a_pull_request_with_everything_in_it(reviewed: Stage, name: str) -> None:
    head = reviewed.sandbox.head(repository=reviewed.repository)
    async with reviewed.open() as components:
        outcome = await promote(components, name, reason="k3s-w1 is down")
    (pull,) = reviewed.pulls()
    assert outcome.changed
    assert outcome.is_pending
    assert outcome.pull_request is not None
    assert (outcome.pull_request.number, outcome.pull_request.branch) == (pull["number"], BRANCH[name])
    assert outcome.commit is not None
    assert pull["head"]["sha"] == outcome.commit.sha
    assert pull["title"] == f"Fail over {name} to backup"
    (record,) = read_records(pull["body"])
    assert (record.service, record.operation, record.provenance.reason) == (name, outcome.operation, "k3s-w1 is down")
    branch = reviewed.sandbox.log(BRANCH[name], repository=reviewed.repository)
    assert [commit.sha for commit in branch[:2]] == [outcome.commit.sha, head], "one commit on the head that was read"
    assert read_records(branch[0].message) == (record,)
    assert reviewed.read(FILE[name]) == FILES[FILE[name]], "nothing moved yet"


@ONE_AND_SEVERAL_FILES
async def test_asked_again_while_open_it_is_the_same(reviewed: Stage, name: str) -> None:
    async with reviewed.open() as one, reviewed.open() as other:
        first = await promote(one, name)
        before = len(reviewed.sandbox.requests)
        for components in (one, other):
            again = await promote(components, name)
            assert (again.changed, again.operation, number(again)) == (False, first.operation, number(first))
            assert again.commit == first.commit
    assert not [
        r for r in reviewed.sandbox.requests[before:] if r.method in {"PUT", "POST", "PATCH"} and r.path != "/graphql"
    ]
    assert len(reviewed.pulls("all")) == 1


@pytest.mark.parametrize("group", [False, True])
async def test_a_warm_pull_request_is_four_requests_with_a_group_one_more(reviewed: Stage, group: bool) -> None:
    if group:
        reviewed.declare(SERVICES, top=f"{BY_PULL_REQUEST}\ngroups: {{all: [sonarr, plex]}}")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.requests.clear()
        await promote(components)
    paths = [(r.method, r.path.removeprefix(f"/repos/{reviewed.repository}")) for r in reviewed.requests]
    made = [("POST", "/git/refs"), ("PUT", f"/contents/{SONARR}"), ("POST", "/pulls")]
    # Whether the base is current is asked before; with a group, GitHub's reply says it, and what else is open is asked
    # before the first write and in the end.
    look = ("GET", "/pulls")
    assert paths == ([look, *made, look] if group else [("GET", "/branches/main"), *made])


async def test_what_was_opened_on_a_stale_copy_is_taken_back_where_the_base_refuses(reviewed: Stage) -> None:
    reviewed.declare(SERVICES, top=f"{BY_PULL_REQUEST}\ngroups: {{all: [sonarr, plex]}}")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.replace(SONARR, "role: primary", "role: elsewhere")
        with pytest.raises(ManifestDrifted):
            await promote(components)
    assert not reviewed.pulls()


async def test_what_was_opened_on_a_stale_copy_is_withdrawn(reviewed: Stage) -> None:
    reviewed.declare(SERVICES, top=f"{BY_PULL_REQUEST}\ngroups: {{all: [sonarr, plex]}}")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.commit({SONARR: deployment("sonarr", role="backup", claim="pvc-sonarr-backup")})
        outcome = await promote(components)
    assert (outcome.changed, outcome.pull_request) == (False, None)
    assert not reviewed.pulls()


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
@ONE_AND_SEVERAL_FILES
async def test_merged_by_a_person_it_is_on_the_new_side_and_can_go_back(
    reviewed: Stage, name: str, method: str
) -> None:
    async with reviewed.open() as components:
        outcome = await promote(components, name)
        reviewed.merge(number(outcome), method)
        status = await components.failover.status(name)
        assert status.detection.state is State.BACKUP
        assert status.pull_request is None
        assert status.last_move is not None
        assert status.last_move.record is not None
        assert status.last_move.record.operation == outcome.operation
        assert not (await promote(components, name)).changed
        back = await demote(components, name)
        assert number(back) > number(outcome)
        reviewed.merge(number(back), method)
        status = await components.failover.status(name)
    assert status.detection.state is State.PRIMARY
    assert reviewed.read(FILE[name]) == FILES[FILE[name]]
    assert not reviewed.pulls()


@ONE_AND_SEVERAL_FILES
async def test_closed_by_a_person_the_next_opens_a_new_one(reviewed: Stage, name: str) -> None:
    async with reviewed.open() as components:
        first = await promote(components, name)
        reviewed.close(number(first))
        second = await promote(components, name, reason="really")
    assert second.changed
    assert number(second) > number(first)
    assert second.operation != first.operation
    (pull,) = reviewed.pulls()
    assert len(reviewed.github("GET", f"/pulls/{pull['number']}/commits")) == 1, "the closed one's commit is not in it"
    assert [r.operation for r in read_records(pull["body"])] == [second.operation]


# The other side


async def test_the_other_side_has_to_wait(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        for dry_run in (False, True):
            with pytest.raises(OperationPending, match=f"/pull/{number(first)}"):
                await demote(components, dry_run=dry_run)
    assert len(reviewed.pulls()) == 1


async def test_superseded_it_is_closed_with_a_comment(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        outcome = await demote(components, supersede=True)
    assert (outcome.changed, outcome.pull_request) == (False, None), "it is on primary already"
    assert not reviewed.pulls()
    (comment,) = reviewed.github("GET", f"/issues/{number(first)}/comments")
    assert "maria" in comment["body"]


async def test_superseded_by_one_that_changes_something(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")  # mixed: both ways change something
    async with reviewed.open() as components:
        first = await promote(components)
        second = await demote(components, supersede=True)
    (pull,) = reviewed.pulls()
    assert second.changed
    assert pull["number"] == number(second) > number(first)
    assert reviewed.read(SONARR, "failover/sonarr") == FILES[SONARR]


# The base and the branch move on


@ONE_AND_SEVERAL_FILES
async def test_a_base_that_moved_is_planned_on_again(reviewed: Stage, name: str) -> None:
    async with reviewed.open() as components:
        first = await promote(components, name)
        reviewed.commit({FILE[name]: FILES[FILE[name]] + b"# a person's edit\n"})
        again = await promote(components, name)
    assert (again.changed, number(again), again.operation) == (False, number(first), first.operation)
    (pull,) = reviewed.pulls()
    assert again.commit is not None
    assert pull["head"]["sha"] == again.commit.sha
    branch = reviewed.sandbox.log(BRANCH[name], repository=reviewed.repository)
    assert branch[1].sha == reviewed.sandbox.head(repository=reviewed.repository), "one commit on the new base"
    reviewed.merge(number(first))
    text = reviewed.read(FILE[name]) or b""
    assert text.endswith(b"# a person's edit\n")
    assert text != FILES[FILE[name]] + b"# a person's edit\n"


async def test_a_base_that_moved_elsewhere_leaves_the_branch_as_it_is(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        reviewed.commit({"README.md": "other work\n"})
        again = await promote(components)
    assert again.commit == first.commit, "a review of it stays"


async def test_a_base_that_is_there_already_leaves_the_pull_request_nothing_to_do(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await promote(components)
        reviewed.commit({SONARR: deployment("sonarr", role="backup", claim="pvc-sonarr-backup")})
        outcome = await promote(components)
    assert not outcome.changed
    assert outcome.pull_request is None
    assert "close it" in outcome.warnings[0]


async def test_drift_refuses_a_proposal_as_it_refuses_a_move(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: elsewhere")
    async with reviewed.open() as components:
        with pytest.raises(ManifestDrifted):
            await promote(components)
        assert (await promote(components, force=True)).changed


async def test_a_dry_run_writes_nothing(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        outcome = await promote(components, dry_run=True)
        assert (outcome.changed, outcome.dry_run, outcome.pull_request) == (True, True, None)
        await promote(components)
        again = await promote(components, dry_run=True)
        assert (again.changed, again.pull_request, again.operation) == (False, None, None)


async def test_an_if_match_holds_for_a_proposal(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        seen = await components.failover.status("sonarr")
        reviewed.commit({SONARR: FILES[SONARR] + b"# newer\n"})
        with pytest.raises(PreconditionFailed):
            await promote(components, versions=frozenset({seen.version}))
    assert not reviewed.pulls()


async def test_a_base_that_moves_while_we_propose_is_planned_on_again(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.before_write(lambda: reviewed.commit({SONARR: FILES[SONARR] + b"# just now\n"}))
        outcome = await promote(components)
    assert outcome.changed
    assert (reviewed.read(SONARR, "failover/sonarr") or b"").endswith(b"# just now\n")
    assert len(reviewed.pulls("all")) == 1


async def test_an_if_match_does_not_hold_for_a_base_that_moves_while_we_propose(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        seen = await components.failover.status("sonarr")
        reviewed.before_write(lambda: reviewed.commit({SONARR: FILES[SONARR] + b"# just now\n"}))
        with pytest.raises(PreconditionFailed):
            await promote(components, versions=frozenset({seen.version}))
    assert not reviewed.pulls()


# What it says


async def test_an_edit_of_the_text_that_was_lost_is_made_up_for(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await promote(components)
        reviewed.replace(SONARR, "# sonarr: keep me", "# one\n# two\n# sonarr: keep me")
        reviewed.fault("lost_request", method="PATCH", path="*/pulls/*")
        again = await promote(components)
    assert not len(reviewed.sandbox.faults), "the fault was met"
    assert f"{SONARR}:{again.plan.changes[0].line}`" in reviewed.pulls()[0]["body"]


async def test_a_title_that_a_person_changed_stays(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        reviewed.github("PATCH", f"/pulls/{number(first)}", {"title": "Not before 18:00"})
        reviewed.commit({SONARR: FILES[SONARR] + b"# a person's edit\n"})
        again = await promote(components)
    assert again.commit != first.commit, "it was planned on again"
    assert reviewed.pulls()[0]["title"] == "Not before 18:00"


async def test_the_force_of_whoever_asks_again_is_said(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        reviewed.replace(SONARR, "role: primary", "role: elsewhere")
        forced = await promote(components, force=True, by="carla")
        again = await promote(components, force=True, by="carla")
    assert forced.operation == again.operation == first.operation
    (record,) = read_records(reviewed.pulls()[0]["body"])
    assert (record.provenance.by, record.provenance.force) == ("maria", True)


async def test_a_catalog_that_changed_meanwhile_has_to_wait_or_to_supersede(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
    reviewed.declare(SERVICES.replace("pvc-sonarr-backup", "pvc-sonarr-2"), top=BY_PULL_REQUEST)
    async with reviewed.open() as components:
        with pytest.raises(OperationPending, match=f"/pull/{number(first)}"):
            await promote(components)
        (pull,) = reviewed.pulls("all")
        assert first.commit is not None
        assert pull["head"]["sha"] == first.commit.sha
        second = await promote(components, supersede=True)
    assert second.changed
    assert [pull["number"] for pull in reviewed.pulls()] == [number(second)]
    assert b'"pvc-sonarr-2"' in (reviewed.read(SONARR, "failover/sonarr") or b"")


async def test_leaving_the_house_tells_whoever_proposes(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await components.failover.list_all()
        reviewed.fault("slow", method="POST", path=f"/repos/{reviewed.repository}/pulls", seconds=20.0)
        proposing = asyncio.create_task(promote(components))
        while len(reviewed.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
    with pytest.raises(OutcomeUnknown, match="interrupted"):
        await proposing


# Many at once


@ONE_AND_SEVERAL_FILES
async def test_replicas_that_promote_together_open_one(reviewed: Stage, name: str) -> None:
    async with reviewed.open() as one, reviewed.open() as other, reviewed.open() as third:
        replicas = (one, other, third)
        await asyncio.gather(*(components.failover.status(name) for components in replicas))
        outcomes = await asyncio.gather(*(promote(components, name) for components in replicas))
    assert len(reviewed.pulls("all")) == 1
    assert len({number(outcome) for outcome in outcomes}) == 1
    assert len({outcome.operation for outcome in outcomes}) == 1
    assert sum(outcome.changed for outcome in outcomes) == 1


async def test_a_pace_that_takes_no_pull_request_at_once_is_waited_for(reviewed: Stage) -> None:
    async with open_failover(reviewed.settings(), rate_limit=RateLimit([(2, 0.3)])) as components:
        outcome = await promote(components)
    assert outcome.changed
    assert len(reviewed.pulls("all")) == 1


async def test_fifty_callers_at_once_open_one(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        outcomes = await asyncio.gather(*(promote(components) for _ in range(50)))
    assert len(reviewed.pulls("all")) == 1
    assert sum(outcome.changed for outcome in outcomes) == 1


# What gave way for nothing


@pytest.fixture
async def demoting(reviewed: Stage) -> Stage:
    """sonarr was promoted, and a pull request is open for it to go back."""
    async with reviewed.open() as components:
        reviewed.merge(number(await promote(components)))
        await demote(components)
    return reviewed


async def rollback_instead(components: Components) -> OutcomeUnknown:
    with pytest.raises(OutcomeUnknown) as caught:
        await components.failover.move("sonarr", Action.ROLLBACK, MoveRequest(by="maria", supersede=True))
    return caught.value


async def test_where_the_new_one_is_refused_it_is_told_which_gave_way(demoting: Stage) -> None:
    body = {"message": "Resource not accessible by integration"}
    async with demoting.open() as components:
        demoting.fault("status", method="POST", path="*/git/refs", status=403, body=body, times=None)
        error = await rollback_instead(components)
    assert not demoting.pulls()
    assert "/pull/2 was closed to give way" in error.detail
    assert "nothing is open in its place yet: making branch" in error.detail


async def test_where_the_deadline_passes_it_is_told_which_gave_way(demoting: Stage) -> None:
    async with demoting.open(deadline_s=1.5) as components:
        await components.failover.status("sonarr")
        demoting.fault("slow", method="POST", path="*/git/*", seconds=20.0, times=None)
        error = await rollback_instead(components)
    assert not demoting.pulls()
    assert "/pull/2 was closed to give way" in error.detail


# Protected branches under policy direct


@ONE_AND_SEVERAL_FILES
async def test_a_protected_branch_gets_a_pull_request_where_that_is_the_fallback(stage: Stage, name: str) -> None:
    stage.declare(SERVICES, top="fallback: pull_request")
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        outcome = await promote(components, name)
        again = await promote(components, name)
    assert outcome.is_pending
    assert (again.changed, number(again)) == (False, number(outcome))


async def test_the_other_side_has_to_wait_for_a_fallbacks_too(stage: Stage) -> None:
    stage.declare(SERVICES, top="fallback: pull_request")
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        first = await promote(components)
        with pytest.raises(OperationPending, match=f"/pull/{number(first)}"):
            await demote(components)


@pytest.mark.parametrize("name", ["sonarr", "plex"])
@pytest.mark.parametrize(
    "rule", ["Push cannot contain secrets", "Commit message must match a given regex pattern: ^JIRA-[0-9]+"]
)
async def test_a_rule_that_no_pull_request_cures_is_refused_and_not_remembered(
    stage: Stage, name: str, rule: str
) -> None:
    stage.declare(SERVICES, top="fallback: pull_request")
    text = f"Repository rule violations found\n\nChanges must be made through a pull request.\n\n{rule}\n\n"
    graphql = {"data": {"createCommitOnBranch": None}, "errors": [{"type": "UNPROCESSABLE", "message": text}]}
    if name == "plex":
        stage.fault("status", operation="createCommitOnBranch", status=200, body=graphql)
    else:
        stage.fault("status", method="PUT", status=409, body={"message": text})
    async with stage.open() as components:
        with pytest.raises(ForgePermission) as caught:
            await promote(components, name)
        assert rule in caught.value.detail
        assert not stage.pulls("all")
        outcome = await promote(components, name)
    assert (outcome.policy, outcome.pull_request) == ("direct", None), "the branch is not taken for a protected one"


async def test_without_a_fallback_it_says_how_to_switch(stage: Stage) -> None:
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        with pytest.raises(BranchProtected, match="policy: pull_request"):
            await promote(components)


async def test_status_and_list_show_what_is_open(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        outcome = await promote(components)
        status = await components.failover.status("sonarr")
        listed = await components.failover.list_all()
    assert status.pull_request is not None
    assert status.pull_request.number == number(outcome)
    shown = {one.service.name: getattr(one, "pull_request", None) for one in listed}
    assert shown["sonarr"] == status.pull_request
    assert shown["radarr"] is None


async def test_an_app_without_the_permission_can_still_commit_directly(stage: Stage) -> None:
    del stage.sandbox.permissions["pull_requests"]
    stage.declare(entry("sonarr") + entry("radarr", "media", BY_PULL_REQUEST))
    async with stage.open(stage.app_settings()) as components:
        assert (await promote(components, "sonarr")).changed
        with pytest.raises(ForgePermission, match="pull_requests"):
            await promote(components, "radarr")
    assert RELEASE
