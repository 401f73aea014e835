"""Policy direct with a fallback: what is open is weighed before a commit, and has no purpose after it."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.errors import ForgeRateLimited, OperationPending, PreconditionFailed
from tests.support.acts import demote, move, number, promote
from tests.support.stage import FILES, RADARR, SERVICES, SONARR, Stage

FALLBACK = "fallback: pull_request"


@pytest.fixture
async def opened(stage: Stage) -> Stage:
    """sonarr is mixed, a pull request is open for it to be promoted, and the branch takes commits again."""
    stage.declare(SERVICES, top=FALLBACK)
    stage.replace(SONARR, "role: primary", "role: backup")
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        assert (await promote(components)).is_pending
    stage.sandbox.unprotect(repository=stage.repository)
    return stage


def comments(stage: Stage, pull: int) -> list[str]:
    return [comment["body"] for comment in stage.github("GET", f"/issues/{pull}/comments")]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_commit_does_not_pass_the_other_side_in_silence(opened: Stage, dry_run: bool) -> None:
    head = opened.sandbox.head(repository=opened.repository)
    async with opened.open() as components:
        with pytest.raises(OperationPending, match="/pull/1 is open"):
            await demote(components, dry_run=dry_run)
    assert opened.sandbox.head(repository=opened.repository) == head
    assert len(opened.pulls()) == 1


async def test_what_is_superseded_is_closed_after_the_commit(opened: Stage) -> None:
    async with opened.open() as components:
        outcome = await demote(components, supersede=True)
    assert outcome.commit is not None
    assert (outcome.pull_request, outcome.warnings) == (None, ())
    assert opened.read(SONARR) == FILES[SONARR]
    assert not opened.pulls()
    assert outcome.commit.sha in comments(opened, 1)[0]


@pytest.mark.parametrize("pulls", [200, 502])
async def test_what_a_lost_write_may_have_done_is_told(stage: Stage, pulls: int) -> None:
    """The files say that all is done, and neither the history nor the pull requests say by whom."""
    stage.declare(SERVICES, top=FALLBACK)
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("lost_reply", method="PUT", path="*/contents/*")
        stage.fault("status", method="GET", path="*/commits", status=502, times=None)
        if pulls != 200:
            stage.fault("status", method="GET", path="*/pulls*", status=pulls, times=None, after=1)
        outcome = await promote(components)
    assert (outcome.changed, outcome.commit, len(stage.moves)) == (False, None, 1)
    assert "may have done it: its write got no reply" in outcome.warnings[0]
    assert len(outcome.warnings) == (1 if pulls == 200 else 2)


async def test_what_cannot_be_written_supersedes_nothing(opened: Stage) -> None:
    async with opened.open(deadline_s=2.0) as components:
        seen = await components.failover.status("sonarr")
        opened.fault("rate_limit_secondary", method="PUT", retry_after=60)
        with pytest.raises(ForgeRateLimited):
            await demote(components, supersede=True, versions=frozenset({seen.version}))
    async with opened.open() as components:
        with pytest.raises(PreconditionFailed):
            await demote(components, supersede=True, versions=frozenset({"another"}))
    assert len(opened.pulls()) == 1


async def test_our_own_that_the_commit_did_is_withdrawn(opened: Stage) -> None:
    async with opened.open() as components:
        outcome = await promote(components)
    assert (outcome.changed, outcome.pull_request, outcome.warnings) == (True, None, ())
    assert not opened.pulls()
    assert "maria" in comments(opened, 1)[0]


async def test_a_persons_work_stays_open(opened: Stage) -> None:
    opened.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
    async with opened.open() as components:
        with pytest.raises(OperationPending, match="not ours"):
            await demote(components, supersede=True)
        assert (await promote(components)).commit is not None
    assert len(opened.pulls()) == 1


async def test_what_cannot_be_closed_is_told_and_fails_nothing(opened: Stage) -> None:
    async with opened.open() as components:
        opened.fault("status", method="PATCH", path="*/pulls/*", status=403, times=None)
        outcome = await demote(components, supersede=True)
    assert outcome.commit is not None
    assert "/pull/1 is still open" in outcome.warnings[0]


async def test_a_move_goes_on_where_pull_requests_are_out_of_order(opened: Stage) -> None:
    async with opened.open() as components:
        opened.fault("status", method="GET", path="*/pulls", status=502, times=None)
        outcome = await demote(components)
    assert outcome.commit is not None
    assert "could not be looked at" in outcome.warnings[0]


async def test_an_app_without_the_permission_commits_all_the_same(stage: Stage) -> None:
    del stage.sandbox.permissions["pull_requests"]
    stage.declare(SERVICES, top=FALLBACK)
    async with stage.open(stage.app_settings()) as components:
        assert (await promote(components)).commit is not None


@pytest.mark.parametrize("action", [Action.PROMOTE, Action.DEMOTE])
async def test_a_warm_move_costs_one_conditional_request_more(stage: Stage, action: Action) -> None:
    stage.declare(SERVICES, top=FALLBACK)
    async with stage.open() as components:
        if action is Action.DEMOTE:
            await promote(components)
        await components.failover.status("sonarr")
        stage.requests.clear()
        assert (await move(components, action=action)).changed
    provenance = [(request.method, request.path.partition("?")[0], request.status) for request in stage.requests]
    assert provenance == [
        ("GET", f"/repos/{stage.repository}/pulls", 304),
        ("PUT", f"/repos/{stage.repository}/contents/{SONARR}", 200),
    ]


async def test_without_a_fallback_nothing_is_asked_before_a_commit(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.requests.clear()
        await promote(components)
    assert [request.method for request in stage.requests] == ["PUT"]


async def test_in_the_minute_after_a_refusal_it_is_as_by_pull_request(stage: Stage) -> None:
    stage.declare(SERVICES, top=FALLBACK)
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        first = await promote(components)
        again = await promote(components)
        with pytest.raises(OperationPending):
            await demote(components)
    assert (again.changed, again.operation, number(again)) == (False, first.operation, number(first))


async def test_of_a_group_all_whose_pull_requests_stand_in_the_way_are_named(stage: Stage) -> None:
    for path in (SONARR, RADARR):
        stage.replace(path, "role: primary", "role: backup")
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        for name in ("radarr", "sonarr"):
            await demote(components, name)
    stage.declare(SERVICES, top=f"{FALLBACK}\ngroups: {{all: [plex, sonarr, radarr]}}")
    async with stage.open() as components:
        for how in ({}, {"dry_run": True}, {"skip_refused": True}):
            with pytest.raises(OperationPending) as caught:
                await components.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria", **how))
            assert list(caught.value.refused) == ["sonarr", "radarr"]
            assert "/pull/2 is open" in caught.value.refused["sonarr"].detail
        done = await components.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria", supersede=True))
    assert done.parts[0].commit is not None
    assert not stage.pulls()
