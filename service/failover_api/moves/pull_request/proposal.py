"""One pull request: from the first look to one that is known to be open.

    look        the services at the base's head, and the open pull requests that can move them; any copy will do,
                since what is made from a stale one shows in the replies
    plan        as for a direct commit
    propose     branch, commit, pull request; a step that was made already fails, then all is looked at anew, and gone
                on from what is there

So whoever asks, on whichever replica, and whatever reply was lost, at most one is open for a service. What this call
has opened is never called not applied while it is open: it is given, withdrawn, or told to be unknown.
"""

import asyncio
import dataclasses
import time
from collections.abc import Sequence

from failover_api.core.planning.request import Provenance
from failover_api.core.text.trailers import read_records
from failover_api.deadline import ATTEMPTS, back_off
from failover_api.errors import (
    ChangedSince,
    Conflict,
    FailoverError,
    ForgeRateLimited,
    IdempotencyKeyReused,
    ManifestDrifted,
    ManifestError,
    NothingToRollBack,
    NotShownYet,
    OperationPending,
    OutcomeUnknown,
    PreconditionFailed,
    RepositoryNotFound,
    UnsafeMove,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Forge
from failover_api.forge.values import PullRequest
from failover_api.moves.idempotency import Idempotency
from failover_api.moves.move import Move, MovePlan
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.moves.pull_request.already_open import AlreadyOpen
from failover_api.moves.pull_request.branch_content import Base, BranchReader
from failover_api.moves.pull_request.description import text_of
from failover_api.moves.pull_request.head_branch import HeadBranch, check_base
from failover_api.moves.pull_request.open_ones import OpenOnes, Weighed
from failover_api.moves.pull_request.opening import Opening, Sent
from failover_api.moves.pull_request.results import Results
from failover_api.moves.pull_request.review import calls_of
from failover_api.moves.pull_request.slots import Slots
from failover_api.moves.rollback import NOTHING, UndoneByService, read_undone
from failover_api.reading.history import History
from failover_api.reading.services import Observations, ServiceReader

# What the base as it is now may say to a move that was proposed on an earlier one.
_REFUSALS = (
    ManifestError,
    ManifestDrifted,
    PreconditionFailed,
    UnsafeMove,
    NothingToRollBack,
    ChangedSince,
    IdempotencyKeyReused,
)


class Proposal:
    """One move under way."""

    def __init__(
        self,
        move: Move,
        *,
        forge: Forge,
        reader: ServiceReader,
        history: History,
        idempotency: Idempotency,
        branch_reader: BranchReader,
        deadline_s: float,
        slots: Slots,
    ) -> None:
        self._move = move
        self._forge, self._reader, self._history, self._idempotency = forge, reader, history, idempotency
        self._started = time.monotonic()
        self._deadline = self._started + deadline_s
        self._head_branch = HeadBranch(move, forge=forge, branch_reader=branch_reader, not_before=self._started)
        self._open_ones = OpenOnes(move, forge=forge, branch_reader=branch_reader, not_before=self._started)
        self._slots = slots
        self._undone: UndoneByService = NOTHING  # what a rollback undoes; the first attempt settles it
        self._unsafe: UnsafeMove | None = None  # what refuses it, unless what is open already is the answer
        self._opening = Opening(move, self._open_ones, forge=forge, branch_reader=branch_reader)
        self.results = Results(move, forge=forge)
        self._already_open = AlreadyOpen(
            move,
            self.results,
            open_ones=self._open_ones,
            opening=self._opening,
            head_branch=self._head_branch,
            branch_reader=branch_reader,
            not_before=self._started,
        )

    @property
    def is_in_doubt(self) -> bool:
        """Whether something is changed, or may be, that no answer tells of yet."""
        return self.results.opened is None and (self._opening.is_in_doubt or bool(self.results.gave_way))

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when nobody can tell what this call has changed."""
        return self.results.unknown(why, may_be_open=self._opening.is_in_doubt)

    async def rehearse(self) -> Outcome:
        """What a run would answer, refused exactly where it would be; nothing is written."""
        check_base(self._move)
        seen, head = await self._see(self._started)
        first = await self._idempotency.first_outcome(self._move, seen, head, not_before=self._started)
        if first is not None:
            return first
        base = await self._plan(seen, head)
        answer = await self._already_open.answer(base, await self._open_ones.all(self._started), writing=False)
        if answer is None and base.move_plan.has_changes:
            self._check_safe()
            await self._head_branch.check(base)
        answer = answer or self.results.without(base, changed=base.move_plan.has_changes)
        return dataclasses.replace(answer, dry_run=True, commit=None, pull_request=None, operation=None)

    async def run(self) -> Outcome:
        """Opens the pull request, or gives the one that is open."""
        check_base(self._move)
        try:
            return await self._attempt_until_known()
        except FailoverError as exc:
            if not self.is_in_doubt:
                raise
            return await self._settled(exc)

    async def beside_a_commit(self) -> Sequence[Weighed]:
        """Those that a direct commit leaves without a purpose, or supersedes. Raises OperationPending."""
        pulls = await self._open_ones.all(self._started)
        base = await self._look(self._started) if pulls else None
        if base is None or isinstance(base, Outcome):
            return ()
        return await self._already_open.beside_a_commit(base, pulls)

    async def _attempt_until_known(self) -> Outcome:
        bound = self._move.request.versions is not None or self._move.needs_history
        # Of a group's services the end asks whether another was faster; the base is seen to be current by the reply.
        not_before = self._started if bound or len(self._open_ones.branches) == 1 else None
        # Another group's may hold one of the services: only what is open now says so, and nothing is written before.
        pulls_not_before = self._started if bound or len(self._open_ones.branches) > 1 else None
        last: FailoverError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._move.on_step(Step.RETRYING)
                await back_off(attempt)
            try:
                return await self._attempt(not_before, pulls_not_before)
            except (WriteConflict, WriteUnknown) as exc:
                last = exc
            except NotShownYet as exc:
                if not self.is_in_doubt:
                    raise
                last = exc  # what this call has opened is not left alone while reads lag
            except ForgeRateLimited as exc:
                await self._wait_for_github(1, exc)
                last = exc
            not_before = pulls_not_before = time.monotonic()
        raise Conflict(f"{self._move.name} could not be proposed in {ATTEMPTS} tries; the last: {last}")

    async def _wait_for_github(self, calls: int, refusal: ForgeRateLimited | None = None) -> None:
        """Until GitHub takes so many writes again. Raises ForgeRateLimited at once when that is too late."""
        wait_s = self._forge.write_wait_s(self._move.branch, calls)
        if wait_s and time.monotonic() + wait_s > self._deadline:
            raise ForgeRateLimited(f"GitHub takes no more writes for {wait_s:.0f} s", retry_after_s=wait_s)
        if not wait_s and refusal is not None:
            raise refusal
        if wait_s:
            self._move.on_step(Step.WAITING)
        await asyncio.sleep(wait_s)

    async def _attempt(self, not_before: float | None, pulls_not_before: float | None) -> Outcome:
        base = await self._look_at_copy() if not_before is None else await self._look(not_before)
        if isinstance(base, Outcome):
            return base
        if base is None:
            return await self._attempt(self._started, pulls_not_before)
        pulls = await self._open_ones.all(pulls_not_before)
        is_current = not_before is not None and pulls_not_before is not None
        if not is_current and (pulls or not base.move_plan.has_changes):
            return await self._attempt(self._started, self._started)  # what needs no write has to be current
        answer = await self._already_open.answer(base, pulls, writing=True)
        if answer is None and not base.move_plan.has_changes:
            answer = await self._already_open.merged_meanwhile()
            if answer is None:
                self._opening.check_known()
                answer = self.results.without(base, changed=False)
        return answer or await self._open(base)

    # What this call may have opened

    async def _settled(self, refusal: FailoverError) -> Outcome:
        """The end of a call that may have opened one, and meets a refusal: it is refused only if nothing is left."""
        is_refusal = isinstance(refusal, (*_REFUSALS, OperationPending)) and not self.results.gave_way
        is_taken_back = False
        try:
            if merged := await self._already_open.merged_meanwhile():
                return merged
            is_taken_back = is_refusal and await self._opening.take_back(refusal.slug)
        except FailoverError:
            pass  # then nobody knows
        if is_taken_back:
            raise refusal
        raise self.unknown(refusal.detail) from refusal

    # Look

    async def _look_at_copy(self) -> Base | None:
        """From any copy, as a write would find out; None when a copy would do for a refusal, or for no write."""
        try:
            base = await self._plan(*await self._see(None))
        except (ManifestError, ManifestDrifted, UnsafeMove, RepositoryNotFound):
            return None
        return base if base.move_plan.is_all_change else None

    async def _look(self, not_before: float) -> Base | Outcome:
        """The base; or the first outcome of the move's key, and what this call has opened beside it is withdrawn."""
        seen, head = await self._see(not_before)
        first = await self._idempotency.first_outcome(self._move, seen, head, not_before=not_before)
        if first is None or self._opening.has_sent(first.operation):
            return await self._already_open.merged_meanwhile() or await self._plan(seen, head)
        for pull in await self._open_ones.all(time.monotonic()) if self._opening.sent else ():
            if self._opening.has_opened(pull):
                await self._opening.withdraw(
                    pull, f"Another was faster: operation `{first.operation}` of the same key."
                )
        return await self.results.repeated(first)

    async def _see(self, not_before: float | None) -> tuple[Observations, str]:
        branch = self._move.branch
        self._move.on_step(Step.READING)
        seen, head = await self._reader.observe_together(
            branch, self._move.services, not_before=not_before, at_head=True
        )
        return seen, head or await self._forge.head(branch, not_before=not_before)

    async def _plan(self, seen: Observations, head: str) -> Base:
        self._move.on_step(Step.PLANNING)
        self._undone = await read_undone(
            self._history, self._move, seen, head, not_before=self._started, first=self._undone
        )
        return Base(head, seen, await self._move_plan(seen), self._undone)

    async def _move_plan(self, seen: Observations) -> MovePlan:
        """Of what is open already whoever asked first has accepted the hazards; nothing else is opened by that."""
        try:
            move_plan, self._unsafe = self._move.plan(seen, {}, self._undone), None
        except UnsafeMove as exc:
            own = [p for p in await self._open_ones.all(self._started) if p.branch == self._move.head_branch.name]
            said = (record for pull in own for record in read_records(pull.body))
            first = [record for record in said if record.action == self._move.action.value]
            if not first:
                raise
            move_plan, self._unsafe = self._move.accepting(first).plan(seen, {}, self._undone), exc
        return move_plan

    def _check_safe(self) -> None:
        """Raises UnsafeMove where what was accepted was so for another's pull request, which is not the answer."""
        if self._unsafe is not None:
            raise self._unsafe

    # A new one

    async def _open(self, base: Base) -> Outcome:
        self._check_safe()
        async with self._slots.one():
            await self._wait_for_github(
                calls_of(self.results.options) * self._slots.taken
            )  # whoever has one takes as many
            self._move.on_step(Step.PROPOSING)
            await self._move.check_permit()
            commit, provenance = await self._head_branch.with_commit(base)
            pull = await self._create(Sent(base, commit, provenance.operation), provenance)
        base_head = pull.base_head or await self._forge.head(self._move.branch, not_before=time.monotonic())
        if pull.head != commit.sha or base_head != base.head:
            # Another replica may have merged the same move: a read that lags behind that would have it merged twice.
            self._forge.told_of_head(self._move.branch, base_head)
            raise WriteConflict(f"{self._move.branch} or {pull.branch} moved meanwhile")
        await self._opening.give_way_to_an_older(pull)
        answer = self.results.with_one(base, pull, commit, provenance.operation, changed=True)
        return await self.results.finished(answer, is_new=True)

    async def _create(self, sent: Sent, provenance: Provenance) -> PullRequest:
        title, body = text_of(sent.base, sent.commit, provenance)
        return await self._opening.create(sent, title=title, body=body, draft=self.results.options.draft)
