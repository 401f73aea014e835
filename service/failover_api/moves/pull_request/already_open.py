"""What is open when a pull request is asked for: it is the answer, it stands in the way, or it gives way.

the same move     the answer, planned anew when the files have changed on the base, with what it has not got yet
another           refuses it, or is closed where that is asked for; of a group all that are in the way are named
nothing to do     is closed
"""

import dataclasses
from collections.abc import Sequence

from failover_api.core.text.pull_request import superseded_text
from failover_api.core.text.trailers import Record
from failover_api.errors import FailoverError, OperationPending, WriteConflict
from failover_api.forge.values import PullRequest
from failover_api.moves.move import Move, refusal_of
from failover_api.moves.outcome import Outcome
from failover_api.moves.pull_request.branch_content import Base, BranchReader
from failover_api.moves.pull_request.group_members import held_by, those_of, with_others
from failover_api.moves.pull_request.head_branch import HeadBranch, with_force
from failover_api.moves.pull_request.open_ones import Meaning, OpenOnes, Weighed
from failover_api.moves.pull_request.opening import Opening
from failover_api.moves.pull_request.results import Results

NOTHING_LEFT = "Nothing is left for it to do: the base is there already."


class AlreadyOpen:
    """Of one move; `not_before` is when it began (time.monotonic())."""

    def __init__(
        self,
        move: Move,
        results: Results,
        *,
        open_ones: OpenOnes,
        opening: Opening,
        head_branch: HeadBranch,
        branch_reader: BranchReader,
        not_before: float,
    ) -> None:
        self._move, self._results, self._open_ones, self._opening = move, results, open_ones, opening
        self._head_branch, self._branch_reader, self._not_before = head_branch, branch_reader, not_before
        self._in_the_way: dict[str, FailoverError] = {}  # by service of a group: another's pull request

    async def merged_meanwhile(self) -> Outcome | None:
        """The outcome, when what this call has opened was merged before it was seen to be open."""
        merged = await self._opening.merged()
        if merged is None:
            return None
        sent, pull = merged
        return self._results.with_one(sent.base, pull, sent.commit, sent.operation, changed=True)

    async def beside_a_commit(self, base: Base, pulls: Sequence[PullRequest]) -> Sequence[Weighed]:
        """Those that a direct commit leaves without a purpose, or supersedes. Raises OperationPending."""
        self._in_the_way.clear()
        weighed = [await self._open_ones.weigh(pull, base) for pull in pulls]
        for each in weighed:
            try:
                if each.meaning is Meaning.PENDING:
                    self._open_ones.check_gives_way(each)
            except OperationPending as exc:
                self._note(each.pull, exc)
        self._check_way()
        return [each for each in weighed if each.has_no_more_purpose]

    async def answer(self, base: Base, pulls: Sequence[PullRequest], *, writing: bool) -> Outcome | None:
        """The answer, when an open pull request is it; None when none stands in the way (any more).

        Raises OperationPending.
        """
        for pull in pulls if writing else ():
            if self._opening.has_opened(pull):
                await self._opening.give_way_to_an_older(pull)  # a newer one gives way by itself
                pulls = [pull]
        going: list[Weighed] = []
        self._in_the_way.clear()
        answers = [await self._weigh(pull, base, going, writing=writing) for pull in pulls]
        self._check_way()
        is_own_open = any(pull.branch == self._move.head_branch.name for pull in pulls)
        opens_another = writing and base.move_plan.has_changes and not is_own_open
        if opens_another and any(weighed.meaning is Meaning.PENDING for weighed in going):
            await self._head_branch.check(base)  # nothing gives way to what cannot be opened
        for weighed in going if writing else ():
            await self._make_way(weighed)
        return next((answer for answer in answers if answer is not None), None)

    async def _weigh(self, pull: PullRequest, base: Base, going: list[Weighed], *, writing: bool) -> Outcome | None:
        """As _weigh_one(). Of a group all pull requests that are in its services' way are found, not just the first."""
        try:
            return await self._weigh_one(pull, base, going, writing=writing)
        except OperationPending as exc:
            self._note(pull, exc)
            return None

    def _note(self, pull: PullRequest, refusal: OperationPending) -> None:
        """Keeps what refuses some services of the group; raises what refuses the whole move."""
        held = held_by(pull, self._move)
        if self._move.provenance.group is None or pull.branch == self._move.head_branch.name or not held:
            raise refusal
        self._in_the_way |= {name: self._in_the_way.get(name, refusal) for name in held}

    def _check_way(self) -> None:
        if self._in_the_way:
            names = [service.name for service in self._move.services if service.name in self._in_the_way]
            raise refusal_of({name: self._in_the_way[name] for name in names})

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
                if not weighed.content.gives_way_to(self._move):
                    raise
        elif weighed.meaning is Meaning.SAME:  # a group's, with this service
            weighed.check_may_go()
            return self._results.with_one(
                base, pull, weighed.content.commit, weighed.records[0].operation, changed=False
            )
        elif weighed.meaning is Meaning.PENDING:
            self._open_ones.check_gives_way(weighed)
        going.append(weighed)
        return None

    async def _make_way(self, weighed: Weighed) -> None:
        """Closes one that has to give way. Raises WriteConflict when it was merged before that."""
        url, is_spent = weighed.pull.url, weighed.meaning is Meaning.SPENT
        comment = superseded_text(self._move.provenance.by, self._move.action, self._move.name)
        closed = self._results.spent if is_spent else self._results.gave_way
        closed[url] = None
        if not await self._open_ones.close(weighed.pull, NOTHING_LEFT if is_spent else comment):
            del closed[url]
            raise WriteConflict(f"{url} was merged meanwhile")

    async def _asked_again(self, weighed: Weighed, base: Base, *, writing: bool) -> Outcome | None:
        """The same pull request; planned again when the files changed on the base."""
        pull, content, record = weighed.pull, weighed.content, weighed.records[0]
        commit, mine = content.commit, self._is_of_this_call(pull, record)
        whole = base
        move, base = those_of(content, self._move, base)
        try:
            is_current = await self._branch_reader.is_current(
                move, content, base, pull.url, not_before=self._not_before
            )
        except OperationPending as exc:
            return self._with_a_stranger(weighed, exc, mine=mine)
        if not is_current and not base.move_plan.has_changes:
            return await self._nothing_left(pull, base, taken_back=mine and writing)
        if not is_current and writing:
            provenance = with_force(record.provenance, force=self._move.provenance.force)
            commit = await self._head_branch.anew(base, pull.head, provenance)
            pull = dataclasses.replace(pull, head=commit.sha)
            await self._open_ones.say(pull, base, commit, provenance)
        answer = self._results.with_one(with_others(whole, base, pull), pull, commit, record.operation, changed=mine)
        return await self._results.finished(answer, is_new=mine) if writing else answer

    def _is_of_this_call(self, pull: PullRequest, record: Record) -> bool:
        """Also where another's request opened it, with what this call had put on the branch meanwhile."""
        ours = record.operation == self._move.provenance.operation and self._head_branch.has_replaced
        return ours or self._opening.has_opened(pull)

    def _with_a_stranger(self, weighed: Weighed, refusal: OperationPending, *, mine: bool) -> Outcome:
        """A person pushed to what this very call has opened: it is open all the same. Raises `refusal` otherwise."""
        sent = self._opening.sent
        if not mine or sent is None or weighed.records[0].operation != sent.operation:
            raise refusal
        self._opening.settle(weighed.pull)
        answer = self._results.with_one(sent.base, weighed.pull, weighed.content.commit, sent.operation, changed=True)
        return dataclasses.replace(answer, warnings=(*answer.warnings, refusal.detail))

    async def _nothing_left(self, pull: PullRequest, base: Base, *, taken_back: bool) -> Outcome:
        if taken_back:
            await self._opening.withdraw(pull, NOTHING_LEFT)
            if merged := await self.merged_meanwhile():  # this one, or one that this call has opened before it
                return merged
            self._opening.check_known()
            return self._results.without(base, changed=False)
        text = f"{pull.url} is open, and nothing is left for it to do: close it"
        return dataclasses.replace(self._results.without(base, changed=False), warnings=(text,))
