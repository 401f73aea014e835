"""Who waits for a commit, and what one commit would hold."""

import asyncio
import copy
from dataclasses import dataclass

from failover_api.core.message import commit_message
from failover_api.errors import FailoverError, OutcomeUnknown
from failover_api.forge.port import Snapshot
from failover_api.moves.task import Task, Thought
from failover_api.observation import Seen, versions_of
from failover_api.outcome import Outcome

# What thinking comes to: plans, the first outcome of a key, or a refusal.
Answer = Thought | Outcome | FailoverError


class Ticket:
    """A task that waits for its answer until `deadline` (time.monotonic())."""

    def __init__(self, task: Task, deadline: float) -> None:
        self.task, self.deadline = task, deadline
        self.answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.may_have_landed = False  # a write with it has no reply (yet)

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for the answer."""
        return not self.answer.done()

    def settle(self, answer: Outcome | FailoverError) -> None:
        """Gives the answer; one that comes too late is dropped."""
        self.may_have_landed = False
        if self.answer.done():
            return
        if isinstance(answer, FailoverError):
            self.answer.set_exception(copy.copy(answer))
            self.answer.exception()  # nobody has to be told when nobody waits any more
        else:
            self.answer.set_result(answer)

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a write may or may not have landed."""
        return OutcomeUnknown(
            f"the write of operation {self.task.asked.operation} may have landed: {why}; look for it in the history of "
            f"{self.task.branch}{self.task.advice}"
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What one commit would hold. `seen` is what it was planned from."""

    seen: Seen
    snapshot: Snapshot
    parts: tuple[tuple[Ticket, Thought], ...]

    @property
    def message(self) -> str:
        return commit_message([(plan, ticket.task.asked) for ticket, thought in self.parts for plan in thought.plans])

    @property
    def files(self) -> dict[str, bytes]:
        return {path: data for _, thought in self.parts for path, data in thought.files.items()}

    def versions_in(self, seen: Seen) -> dict[str, str]:
        """The versions that were read of its services; "" for one that was not."""
        versions = versions_of(seen)
        return {s.name: versions.get(s.name, "") for ticket, _ in self.parts for s in ticket.task.services}
