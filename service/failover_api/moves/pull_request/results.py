"""What one call by pull request is answered: which one, who opened it, what gave way to it, what it has not got yet."""

import dataclasses

from failover_api.core.catalog.model import PullRequestOptions
from failover_api.errors import OutcomeUnknown
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, PullRequest
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.moves.pull_request.branch_content import Base
from failover_api.moves.pull_request.review import CALLS_TO_OPEN, calls_of, finish, missing_in, options_of


class Results:
    """Of one move.

    `gave_way` are the URLs of those that this call has closed, `spent` of those that had nothing left to do; `opened`
    is the answer once one is known to be open.
    """

    def __init__(self, move: Move, *, forge: Forge) -> None:
        self._move, self._forge = move, forge
        self.gave_way: dict[str, None] = {}
        self.spent: dict[str, None] = {}
        self.opened: Outcome | None = None

    @property
    def options(self) -> PullRequestOptions:
        """What its pull request is given."""
        return options_of(self._move.services)

    def without(self, base: Base, *, changed: bool) -> Outcome:
        """Without a pull request."""
        gave_way = (f"{url} was closed to give way" for url in self.gave_way)
        spent = (f"{url} was closed: nothing was left for it to do" for url in self.spent)
        return dataclasses.replace(self._move.outcome(base.move_plan, changed=changed), warnings=(*gave_way, *spent))

    def with_one(
        self, base: Base, pull: PullRequest, commit: Commit | None, operation: str, *, changed: bool
    ) -> Outcome:
        """`changed` when the pull request was opened by this very call, whoever asked for what is in it."""
        answer = self.without(base, changed=changed)
        return dataclasses.replace(answer, operation=operation, commit=commit, pull_request=pull)

    def unknown(self, why: str, *, may_be_open: bool) -> OutcomeUnknown:
        """What to say when a pull request may or may not have been opened, or another has given way for nothing."""
        closed = f"{', '.join(self.gave_way)} was closed to give way; " if self.gave_way else ""
        if closed and not may_be_open:
            return OutcomeUnknown(f"{closed}nothing is open in its place yet: {why}; ask again")
        return OutcomeUnknown(
            f"{closed}the pull request of operation {self._move.provenance.operation} may be open: {why}; look for "
            f"one from branch {self._move.head_branch.name}, or ask again: one that is open is not opened twice"
        )

    async def finished(self, answer: Outcome, *, is_new: bool) -> Outcome:
        """From here on it is known to be open, whatever becomes of labels and reviewers."""
        opened = answer.pull_request
        assert opened is not None, "it is open"
        if is_new and self.options.draft and not opened.is_draft:
            text = "draft: the repository takes none, so it is open for review, and is not merged by itself"
            answer = dataclasses.replace(answer, warnings=(*answer.warnings, text))
        self.opened = answer
        return await self._finish(answer, is_new=is_new)

    async def repeated(self, first: Outcome) -> Outcome:
        """The first outcome of a key; while it is open, with what it has not got yet. Merging it is no repeat."""
        pull = first.pull_request
        if pull is None or first.commit is None or not first.is_pending or pull.head != first.commit.sha:
            return first  # a person may have pushed to it
        self.opened = first
        done = await self._finish(dataclasses.replace(first, changed=False), is_new=False)
        return dataclasses.replace(done, changed=True, is_repeat=not done.changed)

    async def _finish(self, answer: Outcome, *, is_new: bool) -> Outcome:
        if answer.pull_request and calls_of(missing_in(answer.pull_request, self.options)) > CALLS_TO_OPEN:
            self._move.on_step(Step.FINISHING)
        return await finish(self._forge, self._move.branch, self.options, answer, is_new=is_new)
