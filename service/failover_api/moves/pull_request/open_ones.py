"""The open pull requests that can move a move's services, and what each means for what is asked.

    SAME      it is what is asked for
    PENDING   it stands in the way, until a person merges or closes it, or whoever asks wants it superseded
    SPENT     ours, with nothing left to do: it was opened too late, or the base came there by itself
    APART     a group's, without the services in question
    FOREIGN   from our branch, and not ours

What a person has pushed to one never gives way. What it says is brought to what it holds, whoever meets it.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from failover_api.core.planning.request import TIDY, Provenance
from failover_api.core.text.trailers import Record, read_all_records
from failover_api.errors import OperationPending
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, PullRequest
from failover_api.moves.move import Move
from failover_api.moves.pull_request.branch_content import Base, BranchContent, BranchReader
from failover_api.moves.pull_request.description import is_text_of, is_title_of_ours, planned_at, text_of
from failover_api.moves.pull_request.head_branch import is_same_move
from failover_api.reading.pull_requests import branches_about


class Meaning(Enum):
    """What an open pull request is to a move."""

    SAME = auto()
    PENDING = auto()
    SPENT = auto()
    APART = auto()
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class Weighed:
    """An open pull request. `records` say what it does to the move's services; `is_own`: from the move's own branch."""

    pull: PullRequest
    content: BranchContent
    records: tuple[Record, ...]
    is_own: bool
    meaning: Meaning

    @property
    def is_tidy(self) -> bool:
        """Whether it only puts strategies back: whoever moves the service may close it."""
        return bool(self.records) and all(record.provenance.step == TIDY for record in self.records)

    def check_may_go(self) -> None:
        """A person's work does not give way. Raises OperationPending."""
        for commit in self.content.strangers[-1:]:
            raise OperationPending(
                f"{self.pull.url}: commit {commit.sha[:12]} by {commit.by} is not ours, and does not give way: merge "
                "or close it first"
            )

    @property
    def has_no_more_purpose(self) -> bool:
        """Once a direct commit did what is asked: a group's that moves others too has, and so has a person's."""
        ends = {Meaning.PENDING, Meaning.SPENT, *([Meaning.SAME] if self.is_own else [])}
        return self.meaning in ends and not self.content.strangers

    def pending(self) -> OperationPending:
        """What to say when it stays in the way."""
        names = ", ".join(record.service for record in self.records[:5])
        return OperationPending(
            f"{self.pull.url} is open ({self.records[0].action} of {names}): merge it, close it, or supersede"
        )


class OpenOnes:
    """Of one move."""

    def __init__(self, move: Move, *, forge: Forge, branch_reader: BranchReader, not_before: float) -> None:
        self._move, self._forge, self._branch_reader, self._not_before = move, forge, branch_reader, not_before

    @property
    def branches(self) -> tuple[str, ...]:
        """Where pull requests for any of the services come from."""
        names = (name for service in self._move.services for name in branches_about(service))
        return tuple(dict.fromkeys((self._move.head_branch.name, *names)))

    async def all(self, not_before: float | None) -> Sequence[PullRequest]:
        """Oldest first."""
        return await self._forge.open_pull_requests(self._move.branch, self.branches, not_before=not_before)

    async def weigh(self, pull: PullRequest, base: Base) -> Weighed:
        """What it holds, and means."""
        is_own = pull.branch == self._move.head_branch.name
        content = await self._branch_reader.read(self._move, pull.head, base, planned_at=planned_at(pull.body))
        records = content.records or {record.service: record for record in read_all_records(pull.body)}
        concerned = tuple(records[service.name] for service in self._move.services if service.name in records)
        weighed = Weighed(pull, content, concerned, is_own, Meaning.FOREIGN if is_own else Meaning.APART)
        return dataclasses.replace(weighed, meaning=self._meaning(weighed, base)) if concerned else weighed

    def _meaning(self, weighed: Weighed, base: Base) -> Meaning:
        same = all(is_same_move(self._move, record, base) for record in weighed.records)
        if same and (weighed.is_own or self._move.provenance.group is None):
            return Meaning.SAME
        if (weighed.is_tidy or self._move.is_tidy) and not base.move_plan.has_changes:
            return Meaning.APART  # neither is in the way of the other
        if self._branch_reader.has_nothing_left(self._move, weighed.content, base):
            return Meaning.SPENT
        return Meaning.PENDING

    def check_gives_way(self, weighed: Weighed) -> None:
        """Raises OperationPending for one that stays in the way."""
        if not self._move.request.supersede and not weighed.is_tidy:
            raise weighed.pending()
        weighed.check_may_go()

    async def say_what_it_holds(self, weighed: Weighed, base: Base) -> None:
        """Brings title and body to its commit, where they are another's: two may have used one branch at once."""
        pull, content = weighed.pull, weighed.content
        if not weighed.is_own or content.commit is None or is_text_of(pull, content):
            return
        planned = await self._branch_reader.planned(self._move, content, base, not_before=self._not_before)
        if planned is not None:
            await self.say(pull, planned, content.commit, next(iter(content.records.values())).provenance)

    async def say(self, pull: PullRequest, planned: Base, commit: Commit, provenance: Provenance) -> None:
        """Puts in the text of its commit; a title that a person wrote stays."""
        title, body = text_of(planned, commit, provenance)
        own = title if is_title_of_ours(pull) and title != pull.title else None
        await self._forge.edit_pull_request(self._move.branch, pull.number, body=body, title=own)

    async def close(self, pull: PullRequest, comment: str) -> bool:
        """False when it was merged before."""
        return await self._forge.close_pull_request(self._move.branch, pull.number, comment=comment)
