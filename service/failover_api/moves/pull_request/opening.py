"""What one call may have opened: its request, and what became of it while the reply was lost or something else moved.

What a call has opened is never left behind by a refusal: it is withdrawn, unless a person goes on from it or it was
merged in the same moment.
"""

import dataclasses
import time
from dataclasses import dataclass

from failover_api.core.text.trailers import read_records
from failover_api.errors import FailoverError, OperationPending, WriteUnknown
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
    """Of one call. `is_in_doubt`: one may have been opened, and is not yet known to be open, or gone."""

    def __init__(self, move: Move, open_ones: OpenOnes, *, forge: Forge, branch_reader: BranchReader) -> None:
        self._move, self._open_ones, self._forge, self._branch_reader = move, open_ones, forge, branch_reader
        self.sent: Sent | None = None
        self.is_in_doubt = False

    async def create(self, sent: Sent, *, title: str, body: str, draft: bool) -> PullRequest:
        """Raises as Forge.create_pull_request()."""
        before, self.sent, self.is_in_doubt = (self.sent, self.is_in_doubt), sent, True
        try:
            pull = await self._forge.create_pull_request(
                self._move.branch, self._move.head_branch.name, title=title, body=body, draft=draft
            )
        except WriteUnknown:
            raise
        except FailoverError:
            self.sent, self.is_in_doubt = before  # surely not carried out
            raise
        self.sent = dataclasses.replace(sent, number=pull.number)
        return pull

    def has_opened(self, pull: PullRequest) -> bool:
        """By its number; where there was no reply, by the operation that it says it carries out."""
        if self.sent is None or self.sent.number is not None:
            return self.sent is not None and self.sent.number == pull.number
        return any(record.operation == self.sent.operation for record in read_records(pull.body))

    async def merged(self) -> PullRequest | None:
        """What was opened, when it was merged before it was seen to be open."""
        if self.sent is None:
            return None
        pulls = await self._forge.pull_requests(
            self._move.branch, self._move.head_branch.name, not_before=time.monotonic()
        )
        found = next((pull for pull in pulls if pull.state == "merged" and self.has_opened(pull)), None)
        self.is_in_doubt = self.is_in_doubt and found is None
        return found

    async def withdraw(self, pull: PullRequest, comment: str) -> bool:
        """Closes what was opened. False when it was merged before that."""
        is_closed = await self._open_ones.close(pull, comment)
        self.is_in_doubt = self.is_in_doubt and not is_closed
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
        assert self.sent is not None, "it is in doubt"
        pulls = await self._open_ones.all(time.monotonic())
        for pull in filter(self.has_opened, pulls):
            content = await self._branch_reader.read(self._move, pull.head, self.sent.base)
            if content.strangers:
                return False  # a person goes on from it
            if content.records and all(record.operation != self.sent.operation for record in content.records.values()):
                return True  # another move was put on the branch, and the pull request is its own now
            return await self.withdraw(pull, f"Refused on the base as it is now: `{why}`.")
        # One from the same branch keeps a request that comes late from opening another.
        known = self.sent.number is not None
        return known or any(pull.branch == self._move.head_branch.name for pull in pulls)
