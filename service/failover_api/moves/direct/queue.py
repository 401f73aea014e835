"""Who waits for a commit, and what one commit would hold."""

import asyncio
import copy
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.text.commit_message import commit_message
from failover_api.errors import FailoverError, NotReady, OutcomeUnknown
from failover_api.forge.values import Commit, Snapshot
from failover_api.moves.move import Move, MovePlan
from failover_api.moves.outcome import Outcome
from failover_api.moves.progress import Step
from failover_api.moves.rollback import NOTHING, UndoneByService
from failover_api.reading.services import Observation, Observations, versions_of

_log = logging.getLogger(__name__)

# What planning a move comes to: its plans, the first outcome of its key, or what refuses it.
Part = tuple[str, str | None]  # an operation, or a step of it
Answer = MovePlan | Outcome | FailoverError


class QueuedMove:
    """A move that waits for its answer until `deadline` (time.monotonic())."""

    def __init__(self, move: Move, deadline: float) -> None:
        self.move, self.deadline = move, deadline
        self.answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.may_have_landed = False  # a write with it has no reply (yet)
        self.undone: UndoneByService = NOTHING  # what a rollback undoes; the first attempt settles it
        self.not_before = 0.0  # time.monotonic(): it is put off until then

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

    def tell(self, step: Step) -> None:
        """Says what is being done for it."""
        try:
            self.move.on_step(step)
        except Exception:  # noqa: BLE001 - whoever looks on must not end the move, nor those of others
            _log.exception("a caller could not be told of a step")

    def put_off(self, wait_s: float) -> None:
        """Until a lost write can land no more; who cannot wait for so long is told so."""
        until = time.monotonic() + wait_s
        if until < self.deadline:
            self.not_before = until
            self.tell(Step.SETTLING)
            return
        text = (
            f"{self.move.name}: an earlier write to {self.move.branch} got no reply from GitHub, may still land, and "
            "would undo this; nothing was written"
        )
        self.settle(NotReady(text, retry_after_s=wait_s))

    def files_after(self, seen: Observations, planned: Mapping[str, bytes]) -> dict[str, bytes]:
        """What its services' files are once `planned` ({path: bytes}) is written."""
        observations = [seen[service.name] for service in self.move.services]
        read = {
            path: observed.snapshot.file(path).data
            for observed in observations
            if isinstance(observed, Observation)
            for path in observed.manifests
        }
        return {path: planned.get(path, data) for path, data in read.items()}

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a write may or may not have landed."""
        return OutcomeUnknown(
            f"the write of operation {self.move.provenance.operation} may have landed: {why}; look for it in the "
            f"history of {self.move.branch}{self.move.advice}"
        )


@dataclass(frozen=True, slots=True)
class PlannedCommit:
    """What one commit would hold. `seen` is what it was planned from; with a `send_by` it is not sent later."""

    seen: Observations
    snapshot: Snapshot
    parts: tuple[tuple[QueuedMove, MovePlan], ...]
    send_by: float | None = None  # time.monotonic()

    @property
    def message(self) -> str:
        """The commit message."""
        return commit_message(
            [(plan, queued.move.provenance) for queued, move_plan in self.parts for plan in move_plan.plans]
        )

    @property
    def files(self) -> dict[str, bytes]:
        """{path: bytes} as the last plan leaves them."""
        return {path: data for _, move_plan in self.parts for path, data in move_plan.files.items()}

    def landed(self, commit: Commit, carried_out: frozenset[Part] | None = None) -> None:
        """Answers its queued moves, or those of them that `commit` says it carries out."""
        for queued, move_plan in self.parts:
            if carried_out is None or queued.move.provenance.part in carried_out:
                queued.settle(queued.move.outcome(move_plan, changed=True, commit=commit))

    def versions_in(self, seen: Observations) -> dict[str, str]:
        """The versions that were read of its services; "" for one that was not."""
        versions = versions_of(seen)
        return {s.name: versions.get(s.name, "") for queued, _ in self.parts for s in queued.move.services}
