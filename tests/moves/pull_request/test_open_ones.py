"""What is open, after the base was rewritten, and where nothing is left for it to do."""

import asyncio

import pytest

from failover_api.core.text.trailers import read_records
from failover_api.errors import OperationPending
from tests.support.acts import BY_PULL_REQUEST, demote, number, promote
from tests.support.stage import FILES, SERVICES, SONARR, Stage, deployment

AUTO_MERGE = f"{BY_PULL_REQUEST}\npull_request: {{auto_merge: squash}}"
WITH_GROUP = f"{BY_PULL_REQUEST}\ngroups: {{all: [sonarr, plex]}}"
BOTH = pytest.mark.parametrize("top", [BY_PULL_REQUEST, WITH_GROUP], ids=["alone", "grouped"])


def rewrite(stage: Stage, to: str) -> None:
    """A person's force-push of the base."""
    stage.sandbox.set_branch("main", to, repository=stage.repository)


def orphan(stage: Stage) -> str:
    """A commit with the same files that has nothing in common with the base."""
    repo = stage.sandbox.repositories[stage.repository]
    old = repo.bare.commit(stage.sandbox.head(repository=stage.repository))
    return repo.bare.put_commit(old.tree, (), "History is rewritten", old.author)


def commits_of(stage: Stage, pull: int) -> list[str]:
    """The first lines of what it would merge."""
    found = stage.github("GET", f"/pulls/{pull}/commits")
    return [commit["commit"]["message"].partition("\n")[0] for commit in found]


# The base is rewritten


@BOTH
async def test_a_warm_replica_does_not_propose_what_was_removed(reviewed: Stage, top: str) -> None:
    reviewed.declare(SERVICES, top=top)
    before = reviewed.sandbox.head(repository=reviewed.repository)
    reviewed.commit({"secret.txt": "must go\n"}, "A mistake")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        rewrite(reviewed, before)
        outcome = await promote(components)
    assert (outcome.changed, outcome.is_pending) == (True, True)
    assert commits_of(reviewed, number(outcome)) == ["Fail over sonarr to backup"]
    assert reviewed.read("secret.txt", "failover/sonarr") is None


@BOTH
async def test_the_base_is_rewritten_while_we_propose(reviewed: Stage, top: str) -> None:
    reviewed.declare(SERVICES, top=top)
    before = reviewed.sandbox.head(repository=reviewed.repository)
    reviewed.commit({"secret.txt": "must go\n"}, "A mistake")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.before_request("POST", "/pulls", lambda: rewrite(reviewed, before))
        outcome = await promote(components)
    assert (outcome.changed, outcome.is_pending) == (True, True)
    assert commits_of(reviewed, number(outcome)) == ["Fail over sonarr to backup"]
    assert len(reviewed.pulls("all")) == 1


async def test_the_base_is_rewritten_before_one_that_is_lost(reviewed: Stage) -> None:
    """Two faults: the branch has a commit on what is gone, and no pull request."""
    before = reviewed.sandbox.head(repository=reviewed.repository)
    reviewed.commit({"secret.txt": "must go\n"}, "A mistake")
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.before_request("POST", "/pulls", lambda: rewrite(reviewed, before))
        reviewed.fault("lost_request", method="POST", path="*/pulls")
        outcome = await promote(components)
    assert outcome.changed
    assert commits_of(reviewed, number(outcome)) == ["Fail over sonarr to backup"]


@pytest.mark.parametrize("in_common", [True, False])
@BOTH
async def test_one_that_is_open_is_planned_anew_on_a_rewritten_base(reviewed: Stage, top: str, in_common: bool) -> None:
    reviewed.declare(SERVICES, top=top)
    before = reviewed.sandbox.head(repository=reviewed.repository)
    reviewed.commit({"secret.txt": "must go\n"}, "A mistake")
    async with reviewed.open() as one, reviewed.open() as other:
        await other.failover.status("sonarr")
        first = await promote(one)
        rewrite(reviewed, before if in_common else orphan(reviewed))
        again = await promote(other)
    assert (again.changed, again.operation, number(again)) == (False, first.operation, number(first))
    assert commits_of(reviewed, number(first)) == ["Fail over sonarr to backup"]
    assert (reviewed.read("secret.txt", "failover/sonarr") is None) is in_common


async def test_what_a_person_pushed_just_before_our_commit_is_not_proposed_as_ours(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.before_write(lambda: reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr"))
        for _ in range(2):
            with pytest.raises(OperationPending, match="is not ours"):
                await promote(components)
    assert not reviewed.pulls("all")
    assert reviewed.read("notes.txt", "failover/sonarr") == b"mine\n"


async def test_a_commit_that_only_quotes_ours_is_a_persons(reviewed: Stage) -> None:
    """As `git revert` on the branch may: it does not give way, and is not overwritten."""
    reviewed.replace(SONARR, "role: primary", "role: backup")  # mixed: both ways change something
    async with reviewed.open() as components:
        first = await promote(components)
        ours = reviewed.sandbox.log("failover/sonarr", repository=reviewed.repository)[0]
        pushed = reviewed.commit({"notes.txt": "mine\n"}, f"Not yet\n\n{ours.message}", "failover/sonarr")
        for supersede in (False, True):
            with pytest.raises(OperationPending):
                await demote(components, supersede=supersede)
        with pytest.raises(OperationPending, match=f"{pushed[:12]} by maria is not ours"):
            await promote(components)
    (pull,) = reviewed.pulls()
    assert pull["number"] == number(first)
    assert reviewed.read("notes.txt", "failover/sonarr") == b"mine\n"


# Nothing is left for it


async def late_and_merged(stage: Stage) -> None:
    """The request to open is carried out twice: at once, and after it was merged."""
    stage.declare(SERVICES, top=AUTO_MERGE)
    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.fault("late", method="POST", path="*/pulls", seconds=1.5)
        outcome = await promote(components)
    assert outcome.pull_request is not None
    assert outcome.pull_request.state == "merged"
    await asyncio.sleep(1.7)


async def test_our_own_merge_takes_its_branch_away_and_nothing_comes_late(stage: Stage) -> None:
    await late_and_merged(stage)
    assert not stage.pulls()
    with pytest.raises(KeyError):
        stage.sandbox.head("failover/sonarr", repository=stage.repository)
    async with stage.open() as components:
        assert (await demote(components)).changed
    assert stage.read(SONARR) == FILES[SONARR]


async def test_a_branch_that_was_pushed_to_stays(stage: Stage) -> None:
    stage.declare(SERVICES, top=AUTO_MERGE)

    def push() -> None:
        stage.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")

    async with stage.open() as components:
        await components.failover.status("sonarr")
        stage.before_request("PUT", "/pulls/1/merge", lambda: None)
        stage.before_request("POST", "/graphql", push)
        await promote(components)
    assert stage.read("notes.txt", "failover/sonarr") == b"mine\n"


@pytest.mark.parametrize("dry_run", [False, True])
async def test_one_that_came_late_does_not_block_the_way_back(stage: Stage, dry_run: bool) -> None:
    stage.fault("status", operation="updateRefs", status=403)  # the branch stays
    await late_and_merged(stage)
    (late,) = stage.pulls()
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    async with stage.open() as components:
        back = await demote(components, dry_run=dry_run)
    assert back.changed
    assert (number(back) if back.pull_request else None) != late["number"]
    assert [late["number"] in [pull["number"] for pull in stage.pulls()]] == [dry_run]


async def test_one_whose_work_a_person_did_does_not_block_the_way_back(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        first = await promote(components)
        by_hand = deployment("sonarr", role="backup", claim="pvc-sonarr-backup")
        reviewed.commit({SONARR: f"{by_hand}# and more\n"})
        back = await demote(components)
    (pull,) = reviewed.pulls()
    assert pull["number"] == number(back) != number(first)
    assert back.warnings == (f"{reviewed.url}/{reviewed.repository}/pull/1 was closed: nothing was left for it to do",)
    assert [record.action for record in read_records(pull["body"])] == ["demote"]


async def test_one_that_was_merged_as_it_should_give_way_is_not_said_to_have(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")  # mixed: both ways change something
    async with reviewed.open() as components:
        first = await promote(components)
        reviewed.before_request(
            "PATCH", "/pulls/1", lambda: reviewed.sandbox.merge(1, "squash", repository=reviewed.repository)
        )
        back = await demote(components, supersede=True)
    assert back.changed
    assert back.warnings == ()
    assert number(back) != number(first)
    assert len(back.plan.changes) == 2, "planned on what was merged"
