"""What one call may have opened: its request, and what became of it while the reply was lost or something else moved.

What a call has opened is never left behind by a refusal: it is withdrawn, unless a person goes on from it or it was
merged in the same moment.
"""

import dataclasses
import time
from dataclasses import dataclass

from failover_api.core.text.trailers import read_all_records, read_records
from failover_api.errors import FailoverError, OperationPending, WriteConflict, WriteUnknown
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, PullRequest
from failover_api.moves.move import Move
from failover_api.moves.pull_request.branch_content import Base, BranchReader
from failover_api.moves.pull_request.open_ones import OpenOnes


@dataclass(frozen=True, slots=True)
class Sent:
    """A request to open one, that was carried out or may have been: with our commit on `base`.

    `operation` is what that carries out, an earlier call's where this one goes on from it. `number` is known once
    there was a reply.
    """

    base: Base
    commit: Commit
    operation: str
    number: int | None = None


class Opening:
    """Of one call. While reads lag it may open several: the next attempt is not shown what became of the first."""

    def __init__(self, move: Move, open_ones: OpenOnes, *, forge: Forge, branch_reader: BranchReader) -> None:
        self._move, self._open_ones, self._forge, self._branch_reader = move, open_ones, forge, branch_reader
        self._sent: list[Sent] = []
        self._unsettled: list[Sent] = []  # of these, those that may be open, or merged

    @property
    def sent(self) -> Sent | None:
        """The last one."""
        return self._sent[-1] if self._sent else None

    @property
    def is_in_doubt(self) -> bool:
        """Whether one may have been opened, and is not yet known to be open, or gone."""
        return bool(self._unsettled)

    async def create(self, sent: Sent, *, title: str, body: str, draft: bool) -> PullRequest:
        """Raises as Forge.create_pull_request()."""
        self._sent.append(sent)
        self._unsettled.append(sent)
        try:
            pull = await self._forge.create_pull_request(
                self._move.branch, self._move.head_branch.name, title=title, body=body, draft=draft
            )
        except WriteUnknown:
            raise
        except FailoverError:  # surely not carried out
            self._sent.pop()
            self._unsettled.pop()
            raise
        self._sent[-1] = self._unsettled[-1] = dataclasses.replace(sent, number=pull.number)
        return pull

    def has_sent(self, operation: str | None) -> bool:
        """Whether one of them carries out this operation."""
        return any(sent.operation == operation for sent in self._sent)

    def has_opened(self, pull: PullRequest) -> bool:
        """Whether it is one of them."""
        return any(_is(pull, sent) for sent in self._sent)

    async def merged(self) -> tuple[Sent, PullRequest] | None:
        """What was merged before it was seen to be open. One that is closed is in doubt no more."""
        if not self._sent:
            return None
        pulls = await self._forge.pull_requests(
            self._move.branch, self._move.head_branch.name, not_before=time.monotonic()
        )
        ended = [(sent, pull) for pull in pulls if pull.state != "open" for sent in self._sent if _is(pull, sent)]
        for _, pull in ended:
            self.settle(pull)
        return next(((sent, pull) for sent, pull in ended if pull.state == "merged"), None)

    def check_known(self) -> None:
        """Raises WriteConflict while what is on the base may be this call's own doing, and reads do not show it yet."""
        if any(sent.number is not None for sent in self._unsettled):
            raise WriteConflict(f"what became of the pull request of {self._move.name} is not shown yet")

    def settle(self, pull: PullRequest) -> None:
        """It is known what became of it."""
        self._unsettled = [sent for sent in self._unsettled if not _is(pull, sent)]

    async def withdraw(self, pull: PullRequest, comment: str) -> bool:
        """Closes what was opened. False when it was merged before that."""
        is_closed = await self._open_ones.close(pull, comment)
        if is_closed:
            self.settle(pull)
        return is_closed

    async def give_way_to_an_older(self, own: PullRequest) -> None:
        """A service's and its group's may be opened at the same moment: the older stays. Raises OperationPending."""
        if len(self._open_ones.branches) == 1:
            return
        names = {record.service for record in read_records(own.body)}
        for pull in await self._open_ones.all(time.monotonic()):
            moved = {record.service for record in read_records(pull.body)}
            if pull.number < own.number and names & moved:
                await self.withdraw(own, f"{pull.url} was opened at the same moment for the same service.")
                raise OperationPending(f"{pull.url} was opened at the same moment: merge it, close it, or supersede")

    async def take_back(self, why: str) -> bool:
        """Closes what was opened, where the move is refused. Whether nothing of it is open, nor can be any more."""
        sent = self.sent
        assert sent is not None, "it is in doubt"
        pulls = await self._open_ones.all(time.monotonic())
        for pull in filter(self.has_opened, pulls):
            content = await self._branch_reader.read(self._move, pull.head, sent.base)
            if content.strangers:
                return False  # a person goes on from it
            if content.records and all(record.operation != sent.operation for record in content.records.values()):
                return True  # another move was put on the branch, and the pull request is its own now
            return await self.withdraw(pull, f"Refused on the base as it is now: `{why}`.")
        # One from the same branch keeps a request that comes late from opening another.
        known = sent.number is not None
        return known or any(pull.branch == self._move.head_branch.name for pull in pulls)


def _is(pull: PullRequest, sent: Sent) -> bool:
    """By its number; where there was no reply, by the operation that it says it carries out."""
    if sent.number is not None:
        return sent.number == pull.number
    return any(record.operation == sent.operation for record in read_all_records(pull.body))
