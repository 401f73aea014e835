"""What one call has opened: it is told as changed, withdrawn, or unknown, and never as not applied while it is open."""

import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from failover_api.core.catalog.model import Action, Branch
from failover_api.core.planning.request import MoveRequest, idempotency_digest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_records
from failover_api.errors import ForgePermission, OperationPending, OutcomeUnknown, WriteConflict
from failover_api.events import MoveEnded
from failover_api.failover import Failover
from failover_api.forge.values import PullRequest
from failover_api.moves.move import Move
from failover_api.moves.progress import Step
from failover_api.moves.pull_request.opening import Opening, Sent
from failover_api.wiring import Components
from tests.support.acts import BY_PULL_REQUEST, demote, number, promote
from tests.support.builders import provenance, service
from tests.support.stage import FILES, SERVICES, SONARR, Stage, deployment

ON_BACKUP = deployment("sonarr", role="backup", claim="pvc-sonarr-backup")
READS = [("GET", "*/branches/*"), ("GET", "*/contents/*"), ("GET", "*/commits*"), ("POST", "/graphql")]
AUTO_MERGE = f"{BY_PULL_REQUEST}\npull_request: {{auto_merge: squash}}"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[MoveEnded]:
    """What the listeners of every house heard."""
    heard: list[MoveEnded] = []
    plain = Failover.__init__

    def listening(self: Failover, *args: Any, **how: Any) -> None:
        how["events"].subscribe(MoveEnded, heard.append)
        plain(self, *args, **how)

    monkeypatch.setattr(Failover, "__init__", listening)
    return heard


async def refused_once(stage: Stage, **how: object) -> None:
    stage.fault("status", method="POST", path="*/pulls", status=403)
    async with stage.open() as components:
        with pytest.raises(ForgePermission):
            await promote(components, **how)


async def test_whoever_opens_what_another_prepared_has_changed_something(
    reviewed: Stage, told: list[MoveEnded]
) -> None:
    await refused_once(reviewed)
    async with reviewed.open() as components:
        second = await promote(components)
        third = await promote(components)
    assert (second.changed, third.changed) == (True, False)
    assert second.operation == third.operation != told[1].operation, "it is what the first call asked for"
    assert [event.news is not None for event in told] == [False, True, False]


async def test_whoever_merges_what_another_prepared_has_changed_something(stage: Stage, told: list[MoveEnded]) -> None:
    stage.declare(SERVICES, top=AUTO_MERGE)
    await refused_once(stage)
    async with stage.open() as components:
        outcome = await promote(components)
        again = await promote(components)
    assert outcome.changed
    assert outcome.pull_request is not None
    assert outcome.pull_request.state == "merged"
    assert told[1].news is not None, "people are told, and Flux is called"
    assert not again.changed


async def test_whoever_merges_what_is_open_has_changed_something(stage: Stage, told: list[MoveEnded]) -> None:
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    async with stage.open() as components:
        first = await promote(components)
    stage.declare(SERVICES, top=AUTO_MERGE)
    async with stage.open() as components:
        second = await promote(components)
    assert (second.changed, second.operation, number(second)) == (True, first.operation, number(first))
    assert second.pull_request is not None
    assert second.pull_request.state == "merged"
    assert told[-1].news is not None


@pytest.mark.parametrize("key", [None, "alert-1"])
async def test_what_was_merged_in_the_moment_its_reply_was_lost_is_told(
    reviewed: Stage, told: list[MoveEnded], key: str | None
) -> None:
    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.fault("lost_reply", method="POST", path="*/pulls")
        reviewed.before_request("POST", "/pulls", lambda: None)
        reviewed.before_request(
            "GET", "/*", lambda: reviewed.sandbox.merge(1, "squash", repository=reviewed.repository)
        )
        outcome = await promote(components, key=key)
    assert outcome.changed
    assert outcome.pull_request is not None
    assert (outcome.pull_request.number, outcome.pull_request.state) == (1, "merged")
    assert outcome.plan.after is State.BACKUP
    assert outcome.plan.changes
    assert told[0].news is not None
    assert len(reviewed.pulls("all")) == 1


async def test_replicas_of_whom_one_opens_the_others_commit_tell_it_once(
    reviewed: Stage, told: list[MoveEnded]
) -> None:
    async with reviewed.open() as one, reviewed.open() as other:
        await asyncio.gather(one.failover.status("sonarr"), other.failover.status("sonarr"))
        reviewed.fault("slow", method="POST", path="*/pulls", seconds=1.5)
        slow = asyncio.create_task(promote(one))
        while len(reviewed.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        fast = await promote(other)
        assert fast.changed
        assert not (await slow).changed
    assert sum(event.news is not None for event in told) == 1


# Beside others


async def test_a_persons_push_beside_a_lost_reply_leaves_it_open_and_told(reviewed: Stage) -> None:
    def push() -> None:
        reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")

    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.fault("lost_reply", method="POST", path="*/pulls")
        reviewed.before_request("POST", "/pulls", lambda: None)
        reviewed.before_request("GET", "/*", push)
        outcome = await promote(components)
    (pull,) = reviewed.pulls()
    assert (outcome.changed, outcome.is_pending, number(outcome)) == (True, True, pull["number"])
    assert "is not ours" in outcome.warnings[0]
    assert reviewed.read("notes.txt", "failover/sonarr") == b"mine\n"


async def test_what_a_person_goes_on_from_is_unknown_rather_than_refused(reviewed: Stage) -> None:
    """The base drifts, and the branch is pushed to: it cannot be taken back."""

    def meddle() -> None:
        reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
        reviewed.replace(SONARR, "role: primary", "role: elsewhere")

    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.fault("lost_reply", method="POST", path="*/pulls")
        reviewed.before_request("POST", "/pulls", lambda: None)
        reviewed.before_request("GET", "/*", meddle)
        with pytest.raises(OutcomeUnknown):
            await promote(components)
    assert len(reviewed.pulls()) == 1


def moved_by(operation: str, key: str) -> str:
    """The message of another replica's commit."""
    said = {"Service": "sonarr", "Action": "promote", "From": "primary", "To": "backup", "Operation": operation}
    said |= {"Requested-By": "maria", "Idempotency": idempotency_digest("maria", key)}
    return "Fail over sonarr to backup\n\n" + "".join(f"Failover-{name}: {value}\n" for name, value in said.items())


async def test_what_came_too_late_for_its_key_is_withdrawn(reviewed: Stage) -> None:
    def another_is_faster() -> None:
        reviewed.commit({SONARR: ON_BACKUP}, moved_by("01ANOTHER", "alert-1"))

    async with reviewed.open() as components:
        await components.failover.status("sonarr")
        reviewed.before_request("POST", "/pulls", another_is_faster)
        outcome = await promote(components, key="alert-1")
        again = await promote(components, key="alert-1")
    assert (outcome.operation, outcome.is_repeat) == ("01ANOTHER", True)
    assert again.operation == "01ANOTHER"
    assert not reviewed.pulls()


async def test_of_one_key_what_was_merged_is_the_first_outcome(reviewed: Stage) -> None:
    """Another of the key is open, as if it had come too late, and is the newer one."""
    async with reviewed.open() as components:
        first = await promote(components, key="alert-1")
        body = reviewed.pulls()[0]["body"]
        merge = reviewed.sandbox.merge(1, "squash", title="Moved", message="By hand", repository=reviewed.repository)
        for count in range(101):
            reviewed.commit({SONARR: ON_BACKUP + f"# {count}\n"}, f"Edit {count}")
        text = body.replace(first.operation or "", "01LATE")
        reviewed.github("POST", "/pulls", {"title": "x", "head": "failover/sonarr", "base": "main", "body": text})
        outcome = await promote(components, key="alert-1")
    assert (outcome.operation, number(outcome)) == (first.operation, 1)
    assert outcome.commit is not None
    assert outcome.commit.sha == merge


# Opposite moves of a mixed service, at once


async def both_ways(stage: Stage, one: Components, other: Components, other_s: float) -> list[object]:
    """One has its commit on the branch when the other comes; the first request to open is held back."""
    stage.fault("slow", method="POST", path="*/pulls", seconds=1.5)
    stage.fault("slow", method="POST", path="*/pulls", seconds=other_s)
    promoting = asyncio.create_task(promote(one))
    while len(stage.sandbox.faults) > 1:  # noqa: ASYNC110 - the sandbox has no event to wait for
        await asyncio.sleep(0.002)
    return list(await asyncio.gather(promoting, demote(other), return_exceptions=True))


@pytest.mark.parametrize("other_s", [0.0, 3.0])
async def test_opposite_wishes_at_once_leave_one_that_says_what_it_holds(reviewed: Stage, other_s: float) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")  # mixed: both ways change something
    async with reviewed.open() as one, reviewed.open() as other:
        await asyncio.gather(one.failover.status("sonarr"), other.failover.status("sonarr"))
        answers = await both_ways(reviewed, one, other, other_s)
    (pull,) = reviewed.pulls()
    branch = reviewed.sandbox.log("failover/sonarr", repository=reviewed.repository)
    records = read_records(branch[0].message)
    assert read_records(pull["body"]) == records
    assert pull["title"] == ("Fail over" if records[0].action == Action.PROMOTE else "Fail back") + (
        f" sonarr to {records[0].after}"
    )
    done = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert [getattr(answer, "operation", None) for answer in done] == [records[0].operation]
    assert sum(getattr(answer, "changed", False) for answer in answers) == 1, "and it is told once"
    assert len(reviewed.pulls("all")) == 1


async def test_a_title_that_says_the_opposite_is_mended_by_whoever_meets_it(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")
    async with reviewed.open() as components:
        await promote(components)
        promoted = reviewed.pulls()[0]
        await demote(components, supersede=True)
        (pull,) = reviewed.pulls()
        reviewed.github("PATCH", f"/pulls/{pull['number']}", {"title": promoted["title"], "body": promoted["body"]})
        again = await components.failover.move("sonarr", Action.DEMOTE, MoveRequest(by="maria"))
    (mended,) = reviewed.pulls()
    assert not again.changed
    assert mended["title"] == "Fail back sonarr to primary"
    assert [record.action for record in read_records(mended["body"])] == ["demote"]
    assert FILES[SONARR] == reviewed.read(SONARR, "failover/sonarr")


async def test_a_branch_that_another_replica_has_planned_anew_is_no_lag(reviewed: Stage) -> None:
    """Within the ten seconds in which our own last write to it may not show yet."""
    async with reviewed.open() as one, reviewed.open() as other:
        first = await promote(one)
        reviewed.replace(SONARR, "sonarr:1.0", "sonarr:1.1")
        again = await promote(other)
        assert (number(again), again.commit == first.commit) == (number(first), False)
        reviewed.commit({SONARR: ON_BACKUP})
        back = await demote(one, supersede=True)
    assert back.is_pending
    assert [pull["title"] for pull in reviewed.pulls()] == ["Fail back sonarr to primary"]


async def test_of_opposite_wishes_at_once_the_first_is_opened_and_not_replaced(reviewed: Stage) -> None:
    """The other finds its commit on the branch, and no pull request yet."""
    reviewed.replace(SONARR, "role: primary", "role: backup")
    async with reviewed.open() as one, reviewed.open() as other:
        reviewed.fault("slow", method="POST", path="*/pulls", seconds=0.3)
        first = asyncio.create_task(promote(one))
        while len(reviewed.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        with pytest.raises(OperationPending, match="/pull/1 is open"):
            await demote(other)
        outcome = await first
    assert outcome.changed
    (pull,) = reviewed.pulls("all")
    assert outcome.commit is not None
    assert (pull["title"], pull["head"]["sha"]) == ("Fail over sonarr to backup", outcome.commit.sha)


async def test_what_was_left_long_ago_is_replaced_at_once(reviewed: Stage) -> None:
    reviewed.replace(SONARR, "role: primary", "role: backup")
    reviewed.sandbox.clock = lambda: time.time() - 3600
    await refused_once(reviewed)
    reviewed.sandbox.clock = time.time
    async with reviewed.open() as components:
        steps: list[Step] = []
        outcome = await demote(components, on_step=steps.append)
    assert outcome.changed
    assert Step.RETRYING not in steps


# While reads lag behind what others merge


async def test_a_move_that_another_replica_has_merged_is_not_merged_again(stage: Stage) -> None:
    """The other opens one on a base that lags; the reply to that names the head, and reads have to show it."""
    stage.declare(SERVICES, top=AUTO_MERGE)
    async with stage.open() as one, stage.open() as other:
        await other.failover.status("sonarr")
        assert (await promote(one)).pull_request is not None
        for method, path in READS:
            stage.fault("lag", method=method, path=path, times=None, seconds=0.6)
        outcome = await promote(other)
    assert (outcome.changed, len(stage.moves)) == (False, 1)
    assert {pull.state for pull in stage.sandbox.repositories[stage.repository].pulls.values()} == {"closed"}


class Host:
    """Opens pull requests, and lists them as they are told to be."""

    def __init__(self) -> None:
        self.pulls: list[PullRequest] = []

    async def create_pull_request(self, _: Branch, head: str, *, body: str, **__: Any) -> PullRequest:
        number = len(self.pulls) + 1
        pull = PullRequest(number, f"https://github.com/acme/homelab/pull/{number}", head, "open", "c0ffee", body, "PR")
        self.pulls.append(pull)
        return pull

    async def pull_requests(self, *_: Any, **__: Any) -> list[PullRequest]:
        return self.pulls


async def opened_twice() -> tuple[Any, Host]:
    host: Any = Host()
    move: Any = Move((service(),), Action.PROMOTE, MoveRequest("maria"), provenance())
    opening = Opening(move, cast("Any", None), forge=host, branch_reader=cast("Any", None))
    for operation in ("FIRST", "SECOND"):
        sent = Sent(cast("Any", None), cast("Any", None), operation)
        await opening.create(sent, title="", body="", draft=False)
    return opening, host


async def test_of_two_that_a_call_has_opened_the_merged_one_is_what_it_did() -> None:
    opening, host = await opened_twice()
    host.pulls = [replace(host.pulls[1], state="closed"), replace(host.pulls[0], state="merged")]
    sent, pull = await opening.merged()
    assert (sent.operation, pull.number, opening.is_in_doubt) == ("FIRST", 1, False)
    opening.check_known()


async def test_while_a_list_does_not_show_what_became_of_one_nothing_is_said_to_be_to_do() -> None:
    opening, host = await opened_twice()
    host.pulls = [replace(host.pulls[1], state="closed"), host.pulls[0]]
    assert await opening.merged() is None
    assert opening.is_in_doubt
    with pytest.raises(WriteConflict, match="what became of the pull request of sonarr is not shown yet"):
        opening.check_known()
