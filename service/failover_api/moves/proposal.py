"""One pull request: from the first look to one that is known to be open.

    look        the services at the base's head, and the open pull requests that can move them; any copy will do,
                since what is made from a stale one shows in the replies
    think       as for a direct commit
    propose     branch, commit, pull request; a step that was made already fails, then all is looked at anew, and gone
                on from what is there

So whoever asks, on whichever replica, and whatever reply was lost, at most one is open for a service. What this call
has opened is never called not applied while it is open: it is given, withdrawn, or told to be unknown.
"""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from failover_api.backoff import ATTEMPTS, back_off
from failover_api.core.catalog import PullRequestOptions
from failover_api.core.message import Asked, asked_of
from failover_api.core.proposal import superseded_text
from failover_api.core.trailers import Record, read_records
from failover_api.errors import (
    ChangedSince,
    Conflict,
    FailoverError,
    GitHubRateLimited,
    IdempotencyKeyReused,
    ManifestDrifted,
    ManifestError,
    NothingToRollBack,
    OperationPending,
    OutcomeUnknown,
    PreconditionFailed,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Commit, Forge, PullRequest
from failover_api.moves.finishing import CALLS_TO_OPEN, calls_of, finish, missing_in, options_of
from failover_api.moves.members import held_by, those_of, with_others
from failover_api.moves.open_ones import Meaning, OpenOnes, Weighed
from failover_api.moves.opening import Opening, Sent
from failover_api.moves.own_branch import OwnBranch, check_base, text_of, with_force
from failover_api.moves.repeats import Repeats
from failover_api.moves.task import Step, Task, refusal_of
from failover_api.moves.tip import Base, Tips
from failover_api.observation import Observer, Seen
from failover_api.outcome import Outcome

NOTHING_LEFT = "Nothing is left for it to do: the base is there already."
AT_ONCE = 3  # pull requests that are opened at the same time: each takes some of the writes that GitHub allows

# What the base as it is now may say to a wish that was proposed on an earlier one.
_REFUSALS = (
    ManifestError,
    ManifestDrifted,
    PreconditionFailed,
    NothingToRollBack,
    ChangedSince,
    IdempotencyKeyReused,
)


class Slots:
    """Room for AT_ONCE of them; `taken` is how many are being opened."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self.taken = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        async with self._free:
            self.taken += 1
            try:
                yield
            finally:
                self.taken -= 1


class Proposal:
    """One task under way."""

    def __init__(
        self,
        task: Task,
        *,
        forge: Forge,
        observer: Observer,
        repeats: Repeats,
        tips: Tips,
        deadline_s: float,
        slots: Slots,
    ) -> None:
        self._task = task
        self._forge, self._observer, self._repeats, self._tips = forge, observer, repeats, tips
        self._started = time.monotonic()
        self._deadline = self._started + deadline_s
        self._own = OwnBranch(task, forge=forge, tips=tips, not_before=self._started)
        self._open_ones = OpenOnes(task, forge=forge, tips=tips, not_before=self._started)
        self._slots = slots
        self._opening = Opening(task, self._open_ones, forge=forge, tips=tips)
        self._gave_way: dict[str, None] = {}  # URLs of those that this call has closed
        self._spent: dict[str, None] = {}  # and of those that had nothing left to do
        self._in_the_way: dict[str, FailoverError] = {}  # by service of a group: another's pull request
        self.opened: Outcome | None = None  # once it is known to be open

    @property
    def is_in_doubt(self) -> bool:
        """Whether something is changed, or may be, that no answer tells of yet."""
        return self.opened is None and (self._opening.is_in_doubt or bool(self._gave_way))

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a pull request may or may not have been opened, or another has given way for nothing."""
        closed = f"{', '.join(self._gave_way)} was closed to give way; " if self._gave_way else ""
        if closed and not self._opening.is_in_doubt:
            return OutcomeUnknown(f"{closed}nothing is open in its place yet: {why}; ask again")
        return OutcomeUnknown(
            f"{closed}the pull request of operation {self._task.asked.operation} may be open: {why}; look for one from "
            f"branch {self._task.head_branch.name}, or ask again: one that is open is not opened twice"
        )

    async def rehearse(self) -> Outcome:
        """What a run would answer, refused exactly where it would be; nothing is written."""
        check_base(self._task)
        seen, head = await self._see(self._started)
        first = await self._repeats.first_outcome(self._task, seen, head, not_before=self._started)
        if first is not None:
            return first
        base = await self._think(seen, head)
        answer = await self._pending(base, await self._open_ones.all(self._started), writing=False)
        answer = answer or self._outcome(base, changed=base.thought.has_changes)
        return dataclasses.replace(answer, dry_run=True, commit=None, pull_request=None, operation=None)

    async def run(self) -> Outcome:
        """Opens the pull request, or gives the one that is open."""
        check_base(self._task)
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
        weighed = [await self._open_ones.weigh(pull, base) for pull in pulls]
        for one in weighed:
            if one.meaning is Meaning.PENDING:
                self._open_ones.check_gives_way(one)
        return [one for one in weighed if one.has_no_more_purpose]

    async def _attempt_until_known(self) -> Outcome:
        bound = self._task.versions is not None or self._task.needs_history
        # Of a group's services the end asks whether another was faster; the base is seen to be current by the reply.
        not_before = self._started if bound or len(self._open_ones.branches) == 1 else None
        # Another group's may hold one of the services: only what is open now says so, and nothing is written before.
        pulls_not_before = self._started if bound or len(self._open_ones.branches) > 1 else None
        last: FailoverError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._task.on_step(Step.RETRYING)
                await back_off(attempt)
            try:
                return await self._attempt(not_before, pulls_not_before)
            except (WriteConflict, WriteUnknown) as exc:
                last = exc
            except GitHubRateLimited as exc:
                await self._wait_for_github(1, exc)
                last = exc
            not_before = pulls_not_before = time.monotonic()
        raise Conflict(f"{self._task.name} could not be proposed in {ATTEMPTS} tries; the last: {last}")

    async def _wait_for_github(self, calls: int, refusal: GitHubRateLimited | None = None) -> None:
        """Until GitHub takes so many writes again. Raises GitHubRateLimited at once when that is too late."""
        wait_s = self._forge.write_wait_s(self._task.branch, calls)
        if wait_s and time.monotonic() + wait_s > self._deadline:
            raise GitHubRateLimited(f"GitHub takes no more writes for {wait_s:.0f} s", retry_after_s=wait_s)
        if not wait_s and refusal is not None:
            raise refusal
        if wait_s:
            self._task.on_step(Step.WAITING)
        await asyncio.sleep(wait_s)

    async def _attempt(self, not_before: float | None, pulls_not_before: float | None) -> Outcome:
        base = await self._look_at_copy() if not_before is None else await self._look(not_before)
        if isinstance(base, Outcome):
            return base
        if base is None:
            return await self._attempt(self._started, pulls_not_before)
        pulls = await self._open_ones.all(pulls_not_before)
        is_current = not_before is not None and pulls_not_before is not None
        if not is_current and (pulls or not base.thought.has_changes):
            return await self._attempt(self._started, self._started)  # what needs no write has to be current
        answer = await self._pending(base, pulls, writing=True)
        if answer is None and not base.thought.has_changes:
            answer = await self._merged_meanwhile() or self._outcome(base, changed=False)
        return answer or await self._open(base)

    # What this call may have opened

    async def _settled(self, refusal: FailoverError) -> Outcome:
        """The end of a call that may have opened one, and meets a refusal: it is refused only if nothing is left."""
        is_refusal = isinstance(refusal, (*_REFUSALS, OperationPending)) and not self._gave_way
        is_taken_back = False
        try:
            if merged := await self._merged_meanwhile():
                return merged
            is_taken_back = is_refusal and await self._opening.take_back(refusal.slug)
        except FailoverError:
            pass  # then nobody knows
        if is_taken_back:
            raise refusal
        raise self.unknown(refusal.detail) from refusal

    async def _merged_meanwhile(self) -> Outcome | None:
        """The outcome, when what this call has opened was merged before it was seen to be open."""
        sent, pull = self._opening.sent, await self._opening.merged()
        if sent is None or pull is None:
            return None
        return self._answer(sent.base, pull, sent.commit, sent.operation, changed=True)

    # Look

    async def _look_at_copy(self) -> Base | None:
        """From any copy, as a write would find out; None when a copy would do for a refusal, or for no write."""
        try:
            base = await self._think(*await self._see(None))
        except (ManifestError, ManifestDrifted, RepositoryNotFound):
            return None
        return base if base.thought.is_all_change else None

    async def _look(self, not_before: float) -> Base | Outcome:
        """The base; or the first outcome of the task's key, and what this call has opened beside it is withdrawn."""
        seen, head = await self._see(not_before)
        first = await self._repeats.first_outcome(self._task, seen, head, not_before=not_before)
        sent = self._opening.sent
        if first is None or (sent is not None and first.operation == sent.operation):
            return await self._merged_meanwhile() or await self._think(seen, head)
        for pull in await self._open_ones.all(time.monotonic()) if sent else ():
            if self._opening.has_opened(pull):
                await self._opening.withdraw(
                    pull, f"Another was faster: operation `{first.operation}` of the same key."
                )
        return await self._repeated(first)

    async def _repeated(self, first: Outcome) -> Outcome:
        """The first outcome of a key; while it is open, with what it has not got yet. Merging it is no repeat."""
        pull = first.pull_request
        if pull is None or first.commit is None or not first.is_pending or pull.head != first.commit.sha:
            return first  # a person may have pushed to it
        self.opened = first
        done = await self._finish(dataclasses.replace(first, changed=False), is_new=False)
        return dataclasses.replace(done, changed=True, is_repeat=not done.changed)

    async def _see(self, not_before: float | None) -> tuple[Seen, str]:
        branch = self._task.branch
        self._task.on_step(Step.READING)
        seen, head = await self._observer.observe_together(
            branch, self._task.services, not_before=not_before, at_head=True
        )
        return seen, head or await self._forge.head(branch, not_before=not_before)

    async def _think(self, seen: Seen, head: str) -> Base:
        self._task.on_step(Step.PLANNING)
        if self._task.needs_history:
            await self._task.prepare(seen, head, not_before=self._started)
        return Base(head, seen, self._task.think(seen, {}))

    # One that is open

    async def _pending(self, base: Base, pulls: Sequence[PullRequest], *, writing: bool) -> Outcome | None:
        """The answer, when an open pull request is it; None when none stands in the way (any more).

        Raises OperationPending.
        """
        for pull in pulls if writing else ():
            if self._opening.has_opened(pull):
                await self._give_way_to_an_older(pull)  # a newer one gives way by itself
                pulls = [pull]
        going: list[Weighed] = []
        self._in_the_way.clear()
        answers = [await self._weigh(pull, base, going, writing=writing) for pull in pulls]
        if self._in_the_way:
            names = [service.name for service in self._task.services if service.name in self._in_the_way]
            raise refusal_of({name: self._in_the_way[name] for name in names})
        is_own_open = any(pull.branch == self._task.head_branch.name for pull in pulls)
        opens_another = writing and base.thought.has_changes and not is_own_open
        if opens_another and any(weighed.meaning is Meaning.PENDING for weighed in going):
            await self._own.check_is_free(base)
        for weighed in going if writing else ():
            await self._make_way(weighed)
        return next((answer for answer in answers if answer is not None), None)

    async def _weigh(self, pull: PullRequest, base: Base, going: list[Weighed], *, writing: bool) -> Outcome | None:
        """As _weigh_one(). Of a group all pull requests that are in its services' way are found, not just the first."""
        try:
            return await self._weigh_one(pull, base, going, writing=writing)
        except OperationPending as exc:
            if self._task.asked.group is None:
                raise
            held = held_by(pull, self._task)
            if pull.branch == self._task.head_branch.name or not held:
                raise  # it is in the way of the group itself
            self._in_the_way |= {name: self._in_the_way.get(name, exc) for name in held}
            return None

    async def _weigh_one(self, pull: PullRequest, base: Base, going: list[Weighed], *, writing: bool) -> Outcome | None:
        """The answer when it is what is asked for; into `going` when it has to give way; neither when it may stay."""
        weighed = await self._open_ones.weigh(pull, base)
        if writing:
            await self._open_ones.say_what_it_holds(weighed, base)
        if weighed.meaning is Meaning.FOREIGN:
            raise OperationPending(f"{pull.url} is open from {pull.branch}, and is not ours: merge or close it first")
        if weighed.meaning is Meaning.APART:
            return None
        if weighed.meaning is Meaning.SAME and weighed.is_own:
            try:
                return await self._asked_again(weighed, base, writing=writing)
            except OperationPending:  # it is not what today's catalog plans
                if not self._task.supersede or weighed.tip.strangers:
                    raise
        elif weighed.meaning is Meaning.SAME:  # a group's, with this service
            weighed.check_may_go()
            return self._answer(base, pull, weighed.tip.commit, weighed.records[0].operation, changed=False)
        elif weighed.meaning is Meaning.PENDING:
            self._open_ones.check_gives_way(weighed)
        going.append(weighed)
        return None

    async def _make_way(self, weighed: Weighed) -> None:
        """Closes one that has to give way. Raises WriteConflict when it was merged before that."""
        url, is_spent = weighed.pull.url, weighed.meaning is Meaning.SPENT
        comment = superseded_text(self._task.asked.by, self._task.action, self._task.name)
        closed = self._spent if is_spent else self._gave_way
        closed[url] = None
        if not await self._open_ones.close(weighed.pull, NOTHING_LEFT if is_spent else comment):
            del closed[url]
            raise WriteConflict(f"{url} was merged meanwhile")

    async def _asked_again(self, weighed: Weighed, base: Base, *, writing: bool) -> Outcome | None:
        """The same pull request; planned again when the files changed on the base."""
        pull, tip, record = weighed.pull, weighed.tip, weighed.records[0]
        commit, mine = tip.commit, self._is_of_this_call(pull, record)
        whole = base
        task, base = those_of(tip, self._task, base)
        try:
            is_current = await self._tips.is_current(task, tip, base, pull.url, not_before=self._started)
        except OperationPending as exc:
            return self._with_a_stranger(weighed, exc, mine=mine)
        if not is_current and not base.thought.has_changes:
            return await self._nothing_left(pull, base, taken_back=mine and writing)
        if not is_current and writing:
            asked = with_force(asked_of(record), force=self._task.asked.force)
            commit = await self._own.anew(base, pull.head, asked)
            pull = dataclasses.replace(pull, head=commit.sha)
            await self._open_ones.say(pull, base, commit, asked)
        answer = self._answer(with_others(whole, base, pull), pull, commit, record.operation, changed=mine)
        return await self._finished(answer, is_new=mine) if writing else answer

    def _is_of_this_call(self, pull: PullRequest, record: Record) -> bool:
        """Also where another's request opened it, with what this call had put on the branch meanwhile."""
        ours = record.operation == self._task.asked.operation and self._own.has_replaced
        return ours or self._opening.has_opened(pull)

    def _with_a_stranger(self, weighed: Weighed, refusal: OperationPending, *, mine: bool) -> Outcome:
        """A person pushed to what this very call has opened: it is open all the same. Raises `refusal` otherwise."""
        sent = self._opening.sent
        if not mine or sent is None or weighed.records[0].operation != sent.operation:
            raise refusal
        self._opening.is_in_doubt = False
        answer = self._answer(sent.base, weighed.pull, weighed.tip.commit, sent.operation, changed=True)
        return dataclasses.replace(answer, warnings=(*answer.warnings, refusal.detail))

    async def _nothing_left(self, pull: PullRequest, base: Base, *, taken_back: bool) -> Outcome:
        if taken_back:
            if not await self._opening.withdraw(pull, NOTHING_LEFT):
                return await self._merged_meanwhile() or self._outcome(base, changed=False)
            return self._outcome(base, changed=False)
        text = f"{pull.url} is open, and nothing is left for it to do: close it"
        return dataclasses.replace(self._outcome(base, changed=False), warnings=(text,))

    # A new one

    async def _open(self, base: Base) -> Outcome:
        async with self._slots.one():
            await self._wait_for_github(calls_of(self._options) * self._slots.taken)  # whoever has one takes as many
            self._task.on_step(Step.PROPOSING)
            commit, asked = await self._own.with_commit(base)
            pull = await self._create(Sent(base, commit, asked.operation), asked)
        base_head = pull.base_head or await self._forge.head(self._task.branch, not_before=time.monotonic())
        if pull.head != commit.sha or base_head != base.head:
            raise WriteConflict(f"{self._task.branch} or {pull.branch} moved meanwhile")
        await self._give_way_to_an_older(pull)
        answer = self._answer(base, pull, commit, asked.operation, changed=True)
        return await self._finished(answer, is_new=True)

    async def _finished(self, answer: Outcome, *, is_new: bool) -> Outcome:
        """From here on it is known to be open, whatever becomes of labels and reviewers."""
        opened = answer.pull_request
        assert opened is not None, "it is open"
        if is_new and self._options.draft and not opened.is_draft:
            text = "draft: the repository takes none, so it is open for review, and is not merged by itself"
            answer = dataclasses.replace(answer, warnings=(*answer.warnings, text))
        self.opened = answer
        return await self._finish(answer, is_new=is_new)

    async def _finish(self, answer: Outcome, *, is_new: bool) -> Outcome:
        if answer.pull_request and calls_of(missing_in(answer.pull_request, self._options)) > CALLS_TO_OPEN:
            self._task.on_step(Step.FINISHING)
        return await finish(self._forge, self._task.branch, self._options, answer, is_new=is_new)

    @property
    def _options(self) -> PullRequestOptions:
        return options_of(self._task.services)

    async def _create(self, sent: Sent, asked: Asked) -> PullRequest:
        title, body = text_of(sent.base, sent.commit, asked)
        return await self._opening.create(sent, title=title, body=body, draft=self._options.draft)

    async def _give_way_to_an_older(self, own: PullRequest) -> None:
        """A service's and its group's may be opened at the same moment: the older one stays."""
        if len(self._open_ones.branches) == 1:
            return
        names = {record.service for record in read_records(own.body)}
        for pull in await self._open_ones.all(time.monotonic()):
            moved = {record.service for record in read_records(pull.body)}
            if pull.number < own.number and names & moved:
                await self._opening.withdraw(own, f"{pull.url} was opened at the same moment for the same service.")
                raise OperationPending(f"{pull.url} was opened at the same moment: merge it, close it, or supersede")

    # Words

    def _answer(
        self, base: Base, pull: PullRequest, commit: Commit | None, operation: str, *, changed: bool
    ) -> Outcome:
        """`changed` when the pull request was opened by this very call, whoever asked for what is in it."""
        answer = self._outcome(base, changed=changed)
        return dataclasses.replace(answer, operation=operation, commit=commit, pull_request=pull)

    def _outcome(self, base: Base, *, changed: bool) -> Outcome:
        gave_way = (f"{url} was closed to give way" for url in self._gave_way)
        spent = (f"{url} was closed: nothing was left for it to do" for url in self._spent)
        return dataclasses.replace(self._task.outcome(base.thought, changed=changed), warnings=(*gave_way, *spent))
