"""What happens, as values, and who is told of it.

    MoveEnded      a move came to its end, whatever it was
    Looked         somebody looked at services
    Merged         a pull request of ours was merged
    BranchMoved    the Git host says: something changed there
    FluxReported   Flux says that it fetched or applied something
    StageChanged   a service is seen otherwise in its cluster than before
    Serving        what a move made is seen serving
    Blocked        what a move made will not go on by itself
    AlertTaken     an alert came, and what became of it
    AutomaticTold  automatic failover has something to say to people
    RelocationTold a relocation has begun, waits, is done or stopped

Traffic with Git hosts is not among them: forge/http/traffic.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from failover_api.core.catalog.model import Action, Branch, Policy, Service, Side
from failover_api.core.catalog.notification import Event as NotifiedEvent
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.text.trailers import Record
from failover_api.errors import CannotPlan, ConfigInvalid, Conflict, FailoverError, ForgeFailure, NotReady
from failover_api.moves.outcome import Outcome
from failover_api.reading.flux_reports import FluxReport
from failover_api.reading.status import Status, Unreadable

E = TypeVar("E", bound="Event")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MoveEnded:
    """A move came to its end: with an `outcome`, or with the `error` that refused it or broke it off.

    `services` are those that were asked for, in order. A group on several branches or under both policies ends part by
    part. `operation` is this call's own. `is_tidy`: it moved nothing, and only put a strategy back.
    """

    action: Action
    policy: Policy
    services: tuple[str, ...]
    group: str | None
    by: str
    reason: str
    dry_run: bool
    operation: str
    duration_s: float
    outcome: Outcome | None = None
    error: FailoverError | None = None
    is_tidy: bool = False

    @property
    def news(self) -> Outcome | None:
        """What this call changed; None for a dry run, a repeat, and what was there already."""
        outcome = self.outcome
        if outcome is None or self.dry_run or outcome.dry_run or outcome.is_repeat or not outcome.changed:
            return None
        return outcome


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look showed, at one service or at many."""

    statuses: Sequence[Status | Unreadable]


@dataclass(frozen=True, slots=True)
class Merged:
    """A pull request of ours, merged into `branch`. `records` say what it moved; `commit` is its URL, if known."""

    branch: Branch
    number: int
    url: str
    records: tuple[Record, ...]
    commit: str = ""


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """The host's webhook says that a branch, or a pull request to it, is another than it was."""

    branch: Branch


@dataclass(frozen=True, slots=True)
class FluxReported:
    """A notification of Flux: what runs may be another than it was."""

    report: FluxReport


@dataclass(frozen=True, slots=True)
class StageChanged:
    """A service is seen otherwise in its cluster: in another stage, on another pod, for another reason."""

    service: Service
    stage: Stage


@dataclass(frozen=True, slots=True)
class Serving:
    """What a move made is seen serving. `took_s` is from the commit to the ready pod, None: not known.

    `is_own`: this process made the move, or heard of its merge: it is the one to tell people.
    """

    service: Service
    record: Record
    node: str
    took_s: float | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """What a move made does not come up, and will not by itself. `is_own` as in Serving."""

    service: Service
    record: Record
    reason: str
    cure: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class AlertTaken:
    """An alert came, and this became of it: `result` is a word of the API."""

    result: str


@dataclass(frozen=True, slots=True)
class AutomaticTold:
    """Something about a node and its services that people should hear of at once; `message` says what and why."""

    about: NotifiedEvent
    node: str
    services: tuple[str, ...]
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class RelocationTold:
    """Something about a relocation that people should hear of; `commit` is the URL of its newest, "" for none."""

    about: NotifiedEvent
    service: str
    target: Side
    operation: str
    by: str
    reason: str
    title: str
    message: str
    commit: str


Event = (
    AlertTaken
    | AutomaticTold
    | RelocationTold
    | MoveEnded
    | Looked
    | Merged
    | BranchMoved
    | FluxReported
    | StageChanged
    | Serving
    | Blocked
)


class Events:
    """Tells each event to those who subscribed to its type, in the order in which they did.

    A subscriber is called in the event loop and returns at once: what takes time it does elsewhere. What it raises is
    logged, and fails and delays nobody.
    """

    def __init__(self) -> None:
        self._subscribers: defaultdict[type, list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, to: type[E], subscriber: Callable[[E], None]) -> None:
        """From now on."""
        self._subscribers[to].append(subscriber)

    def publish(self, event: Event) -> None:
        """Calls each subscriber."""
        for subscriber in self._subscribers[type(event)]:
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - a subscriber's defect is not the publisher's
                _log.exception("a listener failed")


# Not a refusal, which is the answer to a request: the request was good, and could not be carried out.
_FAILURES = (CannotPlan, ConfigInvalid, Conflict, ForgeFailure, NotReady)
Verdict = Literal["refused", "failed", "unknown"]


def verdict(error: FailoverError) -> Verdict:
    """What a move came to that met this error. `unknown`: it may have been carried out."""
    if error.outcome == "unknown":
        return "unknown"
    return "failed" if isinstance(error, _FAILURES) else "refused"
