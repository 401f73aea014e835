"""One pull request: from the first look to one that is known to be open.

    look        the services at the base's head, and the open pull requests that can move them; any copy will do,
                since what is made from a stale one shows in the replies
    think       as for a direct commit
    propose     branch, commit, pull request; a step that was made already fails, then all is looked at anew, and gone
                on from what is there

So whoever asks, on whichever replica, and whatever reply was lost, at most one is open for a service.
"""

import dataclasses
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from failover_api.backoff import ATTEMPTS, back_off
from failover_api.core.catalog import Action
from failover_api.core.message import Asked, commit_message
from failover_api.core.proposal import pull_request_text
from failover_api.core.trailers import Record, read_records
from failover_api.errors import (
    ChangedSince,
    Conflict,
    FailoverError,
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
from failover_api.forge.port import Commit, Forge, PullRequest, Snapshot
from failover_api.history import branches_about
from failover_api.observation import Observation, Observer, Seen
from failover_api.outcome import Outcome
from failover_api.repeats import Repeats
from failover_api.task import Task
from failover_api.tip import Base, Tip, Tips

# What the base as it is now may say to a wish that was proposed on an earlier one.
_REFUSALS = (ManifestError, ManifestDrifted, PreconditionFailed, NothingToRollBack, ChangedSince)


class Proposal:
    """One task under way."""

    def __init__(self, task: Task, *, forge: Forge, observer: Observer, repeats: Repeats, tips: Tips) -> None:
        self._task = task
        self._forge, self._observer, self._repeats, self._tips = forge, observer, repeats, tips
        self._started = time.monotonic()
        self.is_in_doubt = False  # a pull request may have been opened, and has no reply (yet)

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a pull request may or may not have been opened."""
        return OutcomeUnknown(
            f"the pull request of operation {self._task.asked.operation} may be open: {why}; look for one from branch "
            f"{self._task.head_branch.name}, or ask again: one that is open is not opened twice"
        )

    async def rehearse(self) -> Outcome:
        """What a run would answer, refused exactly where it would be; nothing is written."""
        base = await self._look(self._started)
        answer = await self._pending(base, await self._open_ones(self._started), writing=False)
        answer = answer or self._outcome(base, changed=base.thought.has_changes)
        return dataclasses.replace(answer, dry_run=True, commit=None, pull_request=None, operation=None)

    async def run(self) -> Outcome:
        """Opens the pull request, or gives the one that is open."""
        bound = self._task.versions is not None or self._task.needs_history
        # Of a group's services the end asks whether another was faster; the base is seen to be current by the reply.
        not_before = self._started if bound or len(self._branches) == 1 else None
        pulls_not_before = self._started if bound else None
        last: FailoverError | None = None
        try:
            for attempt in range(ATTEMPTS):
                if attempt:
                    await back_off(attempt)
                try:
                    return await self._attempt(not_before, pulls_not_before)
                except (WriteConflict, WriteUnknown) as exc:
                    last = exc
                not_before = pulls_not_before = time.monotonic()
            raise Conflict(f"{self._task.name} could not be proposed in {ATTEMPTS} tries; the last: {last}")
        except FailoverError as exc:
            if not self.is_in_doubt or isinstance(exc, OperationPending):
                raise
            if isinstance(exc, _REFUSALS) and await self._take_back(exc):
                raise
            raise self.unknown(exc.detail) from exc

    async def _attempt(self, not_before: float | None, pulls_not_before: float | None) -> Outcome:
        base = await self._look_at_copy() if not_before is None else await self._look(not_before)
        if base is None:
            return await self._attempt(self._started, pulls_not_before)
        if self._task.asked.key is not None:
            first = await self._repeats.first_outcome(self._task, base.seen, base.head, not_before=self._started)
            if first is not None:
                return first
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
            base = await self._look(None)
        except (ManifestError, ManifestDrifted, RepositoryNotFound):
            return None
        return base if base.thought.has_changes else None

    async def _look(self, not_before: float | None) -> Base:
        task = self._task
        if len(task.services) == 1:
            (service,) = task.services
            found = await self._observer.observe(service, not_before=not_before, at_head=True)
            seen: Seen = {service.name: found}
        else:
            seen = await self._observer.observe_all(task.branch, task.services, not_before=not_before)
        heads = {one.snapshot.head for one in seen.values() if isinstance(one, Observation)}
        if len(heads) > 1:
            raise WriteConflict(f"{task.branch} moved while it was read")
        head = next(iter(heads), None) or await self._forge.head(task.branch, not_before=not_before)
        if task.needs_history:
            await task.prepare(seen, head, not_before=self._started)
        return Base(head, seen, task.think(seen, {}))

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
                await self._give_way_to_an_older(pull)  # opened by this very call
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
        same = all(self._is_same_wish(record, base) for record in concerned)
        if same and is_own:
            return await self._asked_again(pull, tip, base, concerned[0], writing=writing)
        if same and self._task.asked.group is None:  # a group's, with this service
            return self._answer(base, pull, tip.commit, concerned[0].operation)
        if not self._task.supersede:
            names = ", ".join(record.service for record in concerned[:5])
            raise OperationPending(
                f"{pull.url} is open ({concerned[0].action} of {names}): merge it, close it, or supersede"
            )
        await self._check_may_go(pull, tip, base, is_own=is_own)
        going.append(pull)
        return None

    async def _check_may_go(self, pull: PullRequest, tip: Tip, base: Base, *, is_own: bool) -> None:
        """A person's work does not give way. Raises OperationPending."""
        if is_own:
            await self._tips.is_current(self._task, tip, base, pull.url, not_before=self._started)
        elif tip.strangers:
            commit = tip.strangers[-1]
            raise OperationPending(
                f"{pull.url}: commit {commit.sha[:12]} by {commit.by} is not ours, and does not give way: merge or "
                "close it first"
            )

    async def _supersede(self, pull: PullRequest) -> None:
        wish = f"{self._task.action} of {self._task.name}"
        comment = f"Superseded: `{self._task.asked.by}` asked for {wish}."
        await self._forge.close_pull_request(self._task.branch, pull.number, comment=comment)

    async def _asked_again(
        self, pull: PullRequest, tip: Tip, base: Base, record: Record, *, writing: bool
    ) -> Outcome | None:
        """The same pull request; planned again when the files changed on the base."""
        commit = tip.commit
        warnings: tuple[str, ...] = ()
        if not await self._tips.is_current(self._task, tip, base, pull.url, not_before=self._started):
            if not base.thought.has_changes and writing and record.operation == self._task.asked.operation:
                await self._withdraw(pull, "Nothing is left for it to do: the base is there already.")
                return self._outcome(base, changed=False)
            if not base.thought.has_changes:
                nothing = f"{pull.url} is open, and nothing is left for it to do: close it"
                return dataclasses.replace(self._outcome(base, changed=False), warnings=(nothing,))
            if writing:
                commit = await self._plan_again(pull, base, _asked_of(record))
                pull = dataclasses.replace(pull, head=commit.sha)
        if writing and record.operation == self._task.asked.operation:  # opened by this very call, its reply was lost
            pull, warnings = await self._finish(pull)
        return dataclasses.replace(self._answer(base, pull, commit, record.operation), warnings=warnings)

    async def _plan_again(self, pull: PullRequest, base: Base, asked: Asked) -> Commit:
        """The branch made anew on the base as it is now: one commit, under the same operation."""
        commit = await self._commit_aside(base, asked)
        await self._forge.move_branch(self._task.head_branch, pull.head, commit.sha)
        title, body = self._text(base, commit, asked)
        await self._forge.edit_pull_request(self._task.branch, pull.number, title=title, body=body)
        return commit

    async def _withdraw(self, pull: PullRequest, comment: str) -> None:
        """Closes what this very call has opened."""
        await self._forge.close_pull_request(self._task.branch, pull.number, comment=comment)
        self.is_in_doubt = False

    def _is_same_wish(self, record: Record, base: Base) -> bool:
        if record.action != self._task.action.value:
            return False
        return self._task.action is not Action.ROLLBACK or record.reverts in {p.reverts for p in base.thought.plans}

    # A new one

    async def _open(self, base: Base) -> Outcome:
        commit, asked = await self._branch_with_commit(base)
        title, body = self._text(base, commit, asked)
        pull = await self._create(title, body)
        base_head = pull.base_head or await self._forge.head(self._task.branch, not_before=time.monotonic())
        if pull.head != commit.sha or base_head != base.head:
            raise WriteConflict(f"{self._task.branch} or {pull.branch} moved meanwhile")
        await self._give_way_to_an_older(pull)
        pull, warnings = await self._finish(pull)
        return dataclasses.replace(self._answer(base, pull, commit, asked.operation), warnings=warnings)

    async def _create(self, title: str, body: str) -> PullRequest:
        in_doubt, self.is_in_doubt = self.is_in_doubt, True
        draft = self._task.services[0].pull_request.draft
        try:
            return await self._forge.create_pull_request(
                self._task.branch, self._task.head_branch.name, title=title, body=body, draft=draft
            )
        except WriteUnknown:
            raise
        except FailoverError:
            self.is_in_doubt = in_doubt  # surely not carried out
            raise

    async def _branch_with_commit(self, base: Base) -> tuple[Commit, Asked]:
        """The branch with our commit on it, and whose wish that is: an earlier call may have been left half done."""
        own = self._task.head_branch
        try:
            await self._forge.create_branch(own, base.head)
        except WriteConflict:
            head = await self._forge.branch_head(own)
        else:
            head = base.head
        if head is None:
            raise WriteConflict(f"{own} is gone again")
        if head == base.head:
            return await self._commit(base), self._task.asked
        return await self._going_on_from(head, base)

    async def _going_on_from(self, head: str, base: Base) -> tuple[Commit, Asked]:
        """From a branch that was there before."""
        task, own, asked = self._task, self._task.head_branch, self._task.asked
        tip = await self._tips.read(task, head, base)
        if tip.comparison.is_whole and not tip.comparison.commits:  # it was merged, or never had a commit
            await self._forge.move_branch(own, head, base.head)
            return await self._commit(base), asked
        pulls = await self._forge.pull_requests(task.branch, own.name, not_before=time.monotonic())
        if any(pull.state == "open" for pull in pulls):
            raise WriteConflict(f"a pull request from {own} is open after all")
        if not any(pull.head == head for pull in pulls):  # what a closed one had, stays with it
            is_current = await self._tips.is_current(task, tip, base, f"branch {own}", not_before=self._started)
            record = next(iter(tip.records.values()))
            if self._is_same_wish(record, base):
                asked = _asked_of(record)
                if is_current and tip.commit is not None:
                    return tip.commit, asked
        commit = await self._commit_aside(base, asked)
        await self._forge.move_branch(own, head, commit.sha)
        return commit, asked

    async def _commit(self, base: Base) -> Commit:
        """On our branch, which is where the base is."""
        found = {
            path: one.snapshot.file(path)
            for one in base.seen.values()
            if isinstance(one, Observation)
            for path in one.manifests
            if path in base.files
        }
        snapshot = Snapshot(self._task.head_branch, found, None if len(found) == 1 else base.head)
        return await self._forge.commit(snapshot, base.files, self._message(base, self._task.asked))

    async def _commit_aside(self, base: Base, asked: Asked) -> Commit:
        """On no branch yet."""
        return await self._forge.make_commit(self._task.branch, base.head, base.files, self._message(base, asked))

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

    async def _finish(self, pull: PullRequest) -> tuple[PullRequest, tuple[str, ...]]:
        """Labels, reviewers, auto-merge. What fails there is a warning, not a failure of the failover."""
        base, options = self._task.branch, self._task.services[0].pull_request
        self.is_in_doubt = False
        warnings: list[str] = []

        async def attempt(what: str, step: Coroutine[Any, Any, None]) -> None:
            try:
                await step
            except FailoverError as exc:
                warnings.append(f"{what}: {exc.detail}")

        if options.labels:
            await attempt("labels", self._forge.add_labels(base, pull.number, options.labels))
        if options.reviewers or options.team_reviewers:
            asking = self._forge.request_reviewers(base, pull.number, options.reviewers, options.team_reviewers)
            await attempt("reviewers", asking)
        if options.auto_merge:
            method = None if options.auto_merge is True else options.auto_merge
            await attempt("auto-merge", self._forge.enable_auto_merge(base, pull, method))
        return pull, tuple(warnings)

    # Words

    def _message(self, base: Base, asked: Asked) -> str:
        return commit_message([(plan, asked) for plan in base.thought.plans])

    def _text(self, base: Base, commit: Commit, asked: Asked) -> tuple[str, str]:
        root = commit.url.partition("/commit")[0]
        plans = [(plan, asked) for plan in base.thought.plans if plan.changes]
        return pull_request_text(plans, at=base.head, root=root)

    def _answer(self, base: Base, pull: PullRequest, commit: Commit | None, operation: str) -> Outcome:
        """`changed` when the pull request is of this very call."""
        answer = self._outcome(base, changed=operation == self._task.asked.operation)
        return dataclasses.replace(answer, operation=operation, commit=commit, pull_request=pull)

    def _outcome(self, base: Base, *, changed: bool) -> Outcome:
        return Outcome(
            action=self._task.action,
            policy=self._task.policy,
            plans=base.thought.plans,
            version=base.thought.version,
            changed=changed,
            refused=base.thought.refused,
        )


def _asked_of(record: Record) -> Asked:
    """Who asked first."""
    return Asked(
        operation=record.operation,
        by=record.by,
        at=record.at,
        reason=record.reason,
        group=record.group,
        force=record.force,
        key=record.idempotency,
    )
