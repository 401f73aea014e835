"""One pull request: from the first look to one that is known to be open.

    look        the services at the base's head, and the open pull requests that can move them; any copy will do,
                since what is made from a stale one shows in the replies
    think       as for a direct commit
    propose     branch, commit, pull request; a step that was made already fails, then all is looked at anew, and gone
                on from what is there

So whoever asks, on whichever replica, and whatever reply was lost, at most one is open for a service.
"""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from failover_api.backoff import ATTEMPTS, back_off
from failover_api.core.catalog import PullRequestOptions
from failover_api.core.message import asked_of
from failover_api.core.trailers import Record, read_records
from failover_api.errors import (
    ChangedSince,
    Conflict,
    FailoverError,
    GitHubRateLimited,
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
from failover_api.history import branches_about
from failover_api.moves.finishing import CALLS_TO_OPEN, calls_of, finish, options_of
from failover_api.moves.own_branch import OwnBranch, is_same_wish, is_text_of, text_of, with_force
from failover_api.moves.repeats import Repeats
from failover_api.moves.task import Step, Task
from failover_api.moves.tip import Base, Tip, Tips
from failover_api.observation import Observer, Seen
from failover_api.outcome import Outcome

AT_ONCE = 3  # pull requests that are opened at the same time: each takes some of the writes that GitHub allows

# What the base as it is now may say to a wish that was proposed on an earlier one.
_REFUSALS = (ManifestError, ManifestDrifted, PreconditionFailed, NothingToRollBack, ChangedSince)


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
        self._slots = slots
        self._gave_way: list[str] = []  # URLs of those that this call has closed
        self.is_in_doubt = False  # a pull request may have been opened, and has no reply (yet)
        self.opened: Outcome | None = None  # once it is known to be open

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a pull request may or may not have been opened, or another has given way for nothing."""
        closed = f"{', '.join(self._gave_way)} was closed to give way; " if self._gave_way else ""
        return OutcomeUnknown(
            f"{closed}the pull request of operation {self._task.asked.operation} may be open: {why}; look for one from "
            f"branch {self._task.head_branch.name}, or ask again: one that is open is not opened twice"
        )

    async def rehearse(self) -> Outcome:
        """What a run would answer, refused exactly where it would be; nothing is written."""
        seen, head = await self._see(self._started)
        first = await self._repeats.first_outcome(self._task, seen, head, not_before=self._started)
        if first is not None:
            return first
        base = await self._think(seen, head)
        answer = await self._pending(base, await self._open_ones(self._started), writing=False)
        answer = answer or self._outcome(base, changed=base.thought.has_changes)
        return dataclasses.replace(answer, dry_run=True, commit=None, pull_request=None, operation=None)

    async def run(self) -> Outcome:
        """Opens the pull request, or gives the one that is open."""
        try:
            return await self._attempt_until_known()
        except FailoverError as exc:
            if self._gave_way:
                raise self.unknown(exc.detail) from exc
            if not self.is_in_doubt or isinstance(exc, OperationPending):
                raise
            if isinstance(exc, _REFUSALS) and await self._take_back(exc):
                raise
            raise self.unknown(exc.detail) from exc

    async def _attempt_until_known(self) -> Outcome:
        bound = self._task.versions is not None or self._task.needs_history
        # Of a group's services the end asks whether another was faster; the base is seen to be current by the reply.
        not_before = self._started if bound or len(self._branches) == 1 else None
        pulls_not_before = self._started if bound else None
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
        pulls = await self._open_ones(pulls_not_before)
        if pulls_not_before is None and (pulls or not base.thought.has_changes):
            return await self._attempt(self._started, self._started)  # what needs no write has to be current
        answer = await self._pending(base, pulls, writing=True)
        if answer is not None:
            return answer
        if not base.thought.has_changes:
            return self._outcome(base, changed=False)
        return await self._open(base)

    async def _take_back(self, refusal: FailoverError) -> bool:
        """What was opened on a base that has moved on, where the wish is refused: whether it is closed again."""
        for pull in await self._open_ones(time.monotonic()):
            if any(record.operation == self._task.asked.operation for record in read_records(pull.body)):
                await self._withdraw(pull, f"Refused on the base as it is now: `{refusal.slug}`.")
                return True
        return False

    # Look

    async def _look_at_copy(self) -> Base | None:
        """From any copy, as a write would find out; None when a copy would do for a refusal, or for no write."""
        try:
            base = await self._think(*await self._see(None))
        except (ManifestError, ManifestDrifted, RepositoryNotFound):
            return None
        return base if base.thought.is_all_change else None

    async def _look(self, not_before: float) -> Base | Outcome:
        """The base; or the first outcome of the task's key."""
        seen, head = await self._see(not_before)
        first = await self._repeats.first_outcome(self._task, seen, head, not_before=self._started)
        return first or await self._think(seen, head)

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

    @property
    def _branches(self) -> tuple[str, ...]:
        """Where pull requests for any of the services come from."""
        names = (name for service in self._task.services for name in branches_about(service))
        return tuple(dict.fromkeys((self._task.head_branch.name, *names)))

    async def _open_ones(self, not_before: float | None) -> Sequence[PullRequest]:
        return await self._forge.open_pull_requests(self._task.branch, self._branches, not_before=not_before)

    # One that is open

    async def _pending(self, base: Base, pulls: Sequence[PullRequest], *, writing: bool) -> Outcome | None:
        """The answer, when an open pull request is it; None when none stands in the way (any more).

        Raises OperationPending.
        """
        for pull in pulls if writing else ():
            if any(record.operation == self._task.asked.operation for record in read_records(pull.body)):
                await self._give_way_to_an_older(pull)  # opened by this very call; a newer one gives way by itself
                pulls = [pull]
        going: list[PullRequest] = []
        answers = [await self._weigh(pull, base, going, writing=writing) for pull in pulls]
        for pull in going if writing else ():
            await self._supersede(pull)
        return next((answer for answer in answers if answer is not None), None)

    async def _weigh(self, pull: PullRequest, base: Base, going: list[PullRequest], *, writing: bool) -> Outcome | None:
        """The answer when it is what is asked for; into `going` when it has to give way; neither when it may stay."""
        is_own = pull.branch == self._task.head_branch.name
        tip = await self._tips.read(self._task, pull.head, base)
        records = tip.records or {record.service: record for record in read_records(pull.body)}
        concerned = [records[service.name] for service in self._task.services if service.name in records]
        if not concerned and is_own:
            raise OperationPending(f"{pull.url} is open from {pull.branch}, and is not ours: merge or close it first")
        if not concerned:
            return None  # a group's, without this service
        same = all(is_same_wish(self._task, record, base) for record in concerned)
        if same and is_own:
            try:
                return await self._asked_again(pull, tip, base, concerned[0], writing=writing)
            except OperationPending:  # it is not what today's catalog plans
                if not self._task.supersede or tip.strangers:
                    raise
        if same and not is_own and self._task.asked.group is None:  # a group's, with this service
            _check_may_go(pull, tip)
            return self._answer(base, pull, tip.commit, concerned[0].operation)
        if not self._task.supersede:
            names = ", ".join(record.service for record in concerned[:5])
            raise OperationPending(
                f"{pull.url} is open ({concerned[0].action} of {names}): merge it, close it, or supersede"
            )
        _check_may_go(pull, tip)
        going.append(pull)
        return None

    async def _supersede(self, pull: PullRequest) -> None:
        comment = f"Superseded: `{self._task.asked.by}` asked for {self._task.action} of {self._task.name}."
        self.is_in_doubt = True
        self._gave_way.append(pull.url)
        await self._forge.close_pull_request(self._task.branch, pull.number, comment=comment)

    async def _asked_again(
        self, pull: PullRequest, tip: Tip, base: Base, record: Record, *, writing: bool
    ) -> Outcome | None:
        """The same pull request; planned again when the files changed on the base."""
        commit, mine = tip.commit, record.operation == self._task.asked.operation
        task, base = self._with_those_of(tip, base)
        if await self._tips.is_current(task, tip, base, pull.url, not_before=self._started):
            if writing and commit and not is_text_of(pull.body, tip.comparison.merge_base):
                await self._say_anew(pull, dataclasses.replace(base, head=tip.comparison.merge_base), commit, record)
        elif not base.thought.has_changes:
            return await self._nothing_left(pull, base, taken_back=mine and writing)
        elif writing:
            asked = with_force(asked_of(record), force=self._task.asked.force)
            commit = await self._own.anew(base, pull.head, asked)
            pull = dataclasses.replace(pull, head=commit.sha)
            await self._say_anew(pull, base, commit, record)
        answer = self._answer(base, pull, commit, record.operation)
        return await self._finished(answer) if mine and writing else answer

    def _with_those_of(self, tip: Tip, base: Base) -> tuple[Task, Base]:
        """Only those of a group that the open pull request moves: it gets no others meanwhile."""
        members = tuple(service for service in self._task.services if service.name in tip.records)
        if not members or len(members) == len(self._task.services):
            return self._task, base
        task = dataclasses.replace(self._task, services=members, versions=None)
        seen = {service.name: base.seen[service.name] for service in members}
        return task, Base(base.head, seen, task.think(seen, {}))

    async def _nothing_left(self, pull: PullRequest, base: Base, *, taken_back: bool) -> Outcome:
        if taken_back:
            await self._withdraw(pull, "Nothing is left for it to do: the base is there already.")
            return self._outcome(base, changed=False)
        text = f"{pull.url} is open, and nothing is left for it to do: close it"
        return dataclasses.replace(self._outcome(base, changed=False), warnings=(text,))

    async def _say_anew(self, pull: PullRequest, base: Base, commit: Commit, record: Record) -> None:
        _, body = text_of(base, commit, with_force(asked_of(record), force=self._task.asked.force))
        await self._forge.edit_pull_request(self._task.branch, pull.number, body=body)

    async def _withdraw(self, pull: PullRequest, comment: str) -> None:
        """Closes what this very call has opened."""
        await self._forge.close_pull_request(self._task.branch, pull.number, comment=comment)
        self.is_in_doubt = False

    # A new one

    async def _open(self, base: Base) -> Outcome:
        async with self._slots.one():
            await self._wait_for_github(calls_of(self._options) * self._slots.taken)  # whoever has one takes as many
            self._task.on_step(Step.PROPOSING)
            commit, asked = await self._own.with_commit(base)
            pull = await self._create(*text_of(base, commit, asked))
        base_head = pull.base_head or await self._forge.head(self._task.branch, not_before=time.monotonic())
        if pull.head != commit.sha or base_head != base.head:
            raise WriteConflict(f"{self._task.branch} or {pull.branch} moved meanwhile")
        await self._give_way_to_an_older(pull)
        return await self._finished(self._answer(base, pull, commit, asked.operation))

    async def _finished(self, answer: Outcome) -> Outcome:
        """From here on it is known to be open, whatever becomes of labels and reviewers."""
        self.opened, self.is_in_doubt = answer, False
        if calls_of(self._options) > CALLS_TO_OPEN:
            self._task.on_step(Step.FINISHING)
        return await finish(self._forge, self._task.branch, self._options, answer)

    @property
    def _options(self) -> PullRequestOptions:
        return options_of(self._task.services)

    async def _create(self, title: str, body: str) -> PullRequest:
        in_doubt, self.is_in_doubt = self.is_in_doubt, True
        draft = self._options.draft
        try:
            return await self._forge.create_pull_request(
                self._task.branch, self._task.head_branch.name, title=title, body=body, draft=draft
            )
        except WriteUnknown:
            raise
        except FailoverError:
            self.is_in_doubt = in_doubt  # surely not carried out
            raise

    async def _give_way_to_an_older(self, own: PullRequest) -> None:
        """A service's and its group's may be opened at the same moment: the older one stays."""
        if len(self._branches) == 1:
            return
        names = {service.name for service in self._task.services}
        for pull in await self._open_ones(time.monotonic()):
            moved = {record.service for record in read_records(pull.body)}
            if pull.number < own.number and names & moved:
                await self._withdraw(own, f"{pull.url} was opened at the same moment for the same service.")
                raise OperationPending(f"{pull.url} was opened at the same moment: merge it, close it, or supersede")

    # Words

    def _answer(self, base: Base, pull: PullRequest, commit: Commit | None, operation: str) -> Outcome:
        """`changed` when the pull request is of this very call."""
        answer = self._outcome(base, changed=operation == self._task.asked.operation)
        return dataclasses.replace(answer, operation=operation, commit=commit, pull_request=pull)

    def _outcome(self, base: Base, *, changed: bool) -> Outcome:
        warnings = tuple(f"{url} was closed to give way" for url in self._gave_way)
        return dataclasses.replace(self._task.outcome(base.thought, changed=changed), warnings=warnings)


def _check_may_go(pull: PullRequest, tip: Tip) -> None:
    """A person's work does not give way. Raises OperationPending."""
    for commit in tip.strangers[-1:]:
        raise OperationPending(
            f"{pull.url}: commit {commit.sha[:12]} by {commit.by} is not ours, and does not give way: merge or close "
            "it first"
        )
