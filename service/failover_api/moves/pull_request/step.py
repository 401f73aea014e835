"""A step of a relocation by pull request: it merges by itself, and counts once it is on the branch.

    newest       what became of each step: open, merged, or closed by somebody
    withdraw     closes one, and says before that it was us: whoever sees it closed takes it for nobody's no
    see_to       what lets it merge by itself, where whoever opened it did not come to that; or its end, if it cannot
    carry_out    opens one, or goes on with the one that is open; another step's of the same relocation gives way

Nobody reviews it in between: its service has `auto_merge`, and is refused without. What it was decided on is compared
once more when it is opened. After that Git's merge compares the text, and the next step what stands there then.
"""

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from cachetools import LRUCache

from failover_api.core.catalog.model import Branch, Service
from failover_api.core.safety.relocation.steps import Ending, Step
from failover_api.core.text.trailers import Record, read_all_records
from failover_api.deadline import within_deadline
from failover_api.errors import Conflict, OperationPending, OutcomeUnknown, WriteConflict
from failover_api.forge.port import Forge
from failover_api.forge.values import PullRequest, blob_sha
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.branch_content import Base
from failover_api.moves.pull_request.description import text_of
from failover_api.moves.pull_request.head_branch import by_its_rules, check_base
from failover_api.moves.pull_request.review import Finishing, finish, missing_in
from failover_api.reading.pull_requests import branch_of, branches_about
from failover_api.reading.relocations import step_of
from failover_api.reading.services import ServiceReader

WITHDRAWN = ""  # in the place of a label: one that is open still, and to be closed
_WITHDRAWN = "Withdrawn: "
ASK_EVERY_S = 30.0  # whether an open one can be merged
AGAIN_S, MAX_AGAIN_S = 60.0, 900.0  # between two tries to let one merge
MAX_KEPT = 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProposedStep:
    """A step's pull request, and what its body says."""

    pull: PullRequest
    record: Record
    step: Step
    ending: Ending | None

    @property
    def is_first(self) -> bool:
        """Whether a relocation begins with it: every other one says what was proved, or puts back."""
        return self.ending is None and not self.record.proof


@dataclass(frozen=True, slots=True)
class Planned:
    """What a step would write at a commit of the base: {path: bytes}."""

    head: str
    files: Mapping[str, bytes]


class Fate(Enum):
    """What has become of an open one."""

    WAITS = auto()
    MERGED = auto()
    WITHDRAWN = auto()  # it is to be proposed anew


class StepProposer:
    """Opens the pull requests of relocations."""

    def __init__(self, forge: Forge, reader: ServiceReader) -> None:
        self._forge, self._reader = forge, reader
        # By URL: how often it was tried, and when it may be again (time.monotonic()); inf for those seen to wait.
        self._tries: LRUCache[str, tuple[int, float]] = LRUCache(MAX_KEPT)
        self._asked_at: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by URL: when it was read by itself
        self.ask_every_s = ASK_EVERY_S  # may be changed

    async def newest(self, service: Service, operation: str) -> Mapping[str, PullRequest]:
        """The newest pull request of each step of an operation, by the step's label; see WITHDRAWN."""
        found: dict[str, PullRequest] = {}
        for pull in await self._pulls(service):
            record = _record(service, pull.body)
            if _is_withdrawn(pull):
                found |= {WITHDRAWN: pull} if pull.state == "open" else {}
            elif record is not None and record.operation == operation:
                found.setdefault(record.provenance.step or "", pull)
        return found

    async def open(self, service: Service) -> ProposedStep | None:
        """The open one of a service."""
        pulls = (pull for pull in await self._pulls(service) if pull.state == "open" and not _is_withdrawn(pull))
        for pull in pulls:
            record = _record(service, pull.body)
            label = step_of(record) if record is not None else None
            if record is not None and label is not None:
                return ProposedStep(pull, record, *label)
        return None

    async def withdraw(self, service: Service, pull: PullRequest, why: str) -> None:
        """Closes one that is not due any more. First its text loses the trailers: else it would pass for a person's no.

        Raises Conflict where it was merged before.
        """
        now = await self._forge.pull_request(service.branch, pull.number)
        if now.state == "open":
            await self._forge.edit_pull_request(service.branch, pull.number, body=f"{_WITHDRAWN}{why}")
        if now.state == "merged" or not await self._forge.close_pull_request(service.branch, pull.number, comment=why):
            raise Conflict(f"{pull.url} was merged meanwhile")

    async def see_to(self, service: Service, pull: PullRequest, planned: Planned) -> Fate:
        """Of an open one that is due: lets it merge by itself, and withdraws it where it conflicts with its base."""
        if await self._has_conflicts(service, pull):
            with contextlib.suppress(Conflict):  # merged after all
                await self.withdraw(service, pull, "It cannot be merged any more: lines beside it have changed.")
            return Fate.WITHDRAWN
        return Fate.MERGED if await self.let_merge(service, pull, planned) else Fate.WAITS

    async def let_merge(self, service: Service, pull: PullRequest, planned: Planned) -> bool:
        """Whether it was merged now. Once it was seen to merge by itself that is for people to take back.

        What its text says anybody may have written: it holds what is planned, and nothing else.
        """
        if pull.auto_merge:
            self._tries[pull.url] = 0, float("inf")
        count, not_before = self._tries.get(pull.url, (0, 0.0))
        if time.monotonic() < not_before:
            return False
        self._tries[pull.url] = count + 1, time.monotonic() + min(MAX_AGAIN_S, AGAIN_S * 2.0**count)
        held = await self._held(service, pull, planned)
        if held is None:
            _log.warning("a pull request holds what is not planned", extra={"pull_request": pull.url})
            return False
        finishing = Finishing(self._forge, service.branch, pull, [], held)
        await finishing.give(missing_in(pull, service.pull_request), is_new=False)
        for warning in finishing.warnings:
            _log.warning("a step does not merge by itself", extra={"pull_request": pull.url, "detail": warning})
        return finishing.has_merged

    async def _held(self, service: Service, pull: PullRequest, planned: Planned) -> str | None:
        """The message of its commit; None where it holds something else than what is planned.

        The merge has to have it too: a squash may leave it blank, and nobody would know the step again. So none of its
        commits may tell of another step than its text, or of another proof: that is as good as another file.
        """
        comparison = await self._forge.compare(service.branch, planned.head, pull.head)
        files = {path: blob_sha(data) for path, data in planned.files.items()}
        if not (comparison.is_whole and files and comparison.files == files):
            return None
        told = [(one.message, read_all_records(one.message)) for one in comparison.commits]
        its = _identity(_record(service, pull.body))
        if any(_identity(record) != its for _, records in told for record in records):
            return None
        return next((message for message, records in told if records), "")

    async def _has_conflicts(self, service: Service, pull: PullRequest) -> bool:
        """As far as was asked: not each time, since it costs a request."""
        if time.monotonic() - self._asked_at.get(pull.url, float("-inf")) < self.ask_every_s:
            return False
        self._asked_at[pull.url] = time.monotonic()
        return (await self._forge.pull_request(service.branch, pull.number)).has_conflicts

    async def carry_out(self, move: Move, *, deadline_s: float) -> Outcome:
        """Raises Conflict where it has to be decided anew, OperationPending where another's is in the way.

        OutcomeUnknown where that takes longer than the deadline: some of its writes may have been made.
        """
        check_base(move)
        late = OutcomeUnknown(
            f"the deadline of {deadline_s:g} s passed; ask again: a step that is proposed is not proposed twice"
        )
        try:
            return await within_deadline(self._propose(move), deadline_s=deadline_s, late=lambda: late)
        except WriteConflict as exc:
            raise Conflict(f"{move.name} could not be proposed: {exc.detail}") from exc

    async def _pulls(self, service: Service) -> Sequence[PullRequest]:
        """Newest first."""
        name = branch_of(service=service.name)
        return await self._forge.pull_requests(service.branch, name, not_before=time.monotonic())

    async def _propose(self, move: Move) -> Outcome:
        forge, service = self._forge, move.services[0]
        now = time.monotonic()
        seen, head = await self._reader.observe_together(move.branch, move.services, not_before=now, at_head=True)
        base = Base(head or await forge.head(move.branch, not_before=now), seen, move.plan(seen, {}))
        for pull in await forge.open_pull_requests(move.branch, branches_about(service), not_before=now):
            if _is_withdrawn(pull):
                await self.withdraw(service, pull, pull.body.removeprefix(_WITHDRAWN))
                continue
            record = _record(service, pull.body)
            if record is None or record.operation != move.provenance.operation:
                raise OperationPending(f"{pull.url} is open for {service.name}: merge or close it first")
            if record.provenance.step == move.provenance.step:
                held = await self._held(service, pull, Planned(base.head, base.files))
                if held is None:
                    raise OperationPending(f"{pull.url} holds something else than its step: merge or close it first")
                return await self._finished(move, base, pull, held, is_new=False)
            await self.withdraw(service, pull, "Another step is due by now.")
        message = base.message(move.provenance)
        await move.check_permit()
        with by_its_rules():
            commit = await forge.make_commit(move.branch, base.head, base.files, message)
            await self._point(move, base.head, commit.sha)
        title, body = text_of(base, commit, move.provenance)
        pull = await forge.create_pull_request(move.branch, move.head_branch.name, title=title, body=body, draft=False)
        return await self._finished(move, base, pull, message, is_new=True)

    async def _finished(self, move: Move, base: Base, pull: PullRequest, message: str, *, is_new: bool) -> Outcome:
        answer = replace(move.outcome(base.move_plan, changed=True), pull_request=pull)
        answer = replace(answer, operation=move.provenance.operation)
        options = move.services[0].pull_request
        return await finish(self._forge, move.branch, options, answer, is_new=is_new, message=message)

    async def _point(self, move: Move, base: str, commit: str) -> None:
        """Brings the branch to the commit. Raises OperationPending where it holds what is not ours."""
        branch = move.head_branch
        try:
            return await self._forge.create_branch(branch, commit)
        except WriteConflict:
            there = await self._forge.branch_head(branch)
        if there is None:
            raise WriteConflict(f"{branch} is gone again")
        if not await self._is_done_with(move, branch, base, there):
            raise OperationPending(f"branch {branch.name} holds {there[:12]}, which is not ours: merge or delete it")
        return await self._forge.move_branch(branch, there, commit)

    async def _is_done_with(self, move: Move, branch: Branch, base: str, there: str) -> bool:
        """Whether what is on the branch is merged or closed, or a step of ours that was never opened."""
        pulls = await self._forge.pull_requests(move.branch, branch.name, not_before=time.monotonic(), any_base=True)
        if any(pull.state == "open" for pull in pulls):
            raise WriteConflict(f"a pull request from {branch} is open after all")
        if any(pull.head == there for pull in pulls):
            return True
        comparison = await self._forge.compare(move.branch, base, there)
        return comparison.is_whole and all(_record(move.services[0], one.message) for one in comparison.commits)


def _is_withdrawn(pull: PullRequest) -> bool:
    return pull.body.startswith(_WITHDRAWN)


def _record(service: Service, text: str) -> Record | None:
    """What a text says of a relocation of the service."""
    records = (one for one in read_all_records(text) if one.service == service.name)
    return next((one for one in records if step_of(one) is not None), None)


def _identity(record: Record | None) -> tuple[str | None, ...] | None:
    """What makes a step this one."""
    if record is None:
        return None
    step = record.provenance.step
    return record.service, record.provenance.operation, step, record.before, record.after, record.proof
