"""One operation in waves, as this process knows it: what was asked for, and what Git and the cluster show of it.

Git is the record. Whoever began it knows it from the start, anybody else takes it up from a commit's trailers. What was
decided (one was late, one was refused) is kept, so that nothing is decided twice.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from failover_api.core.catalog.model import Action, Catalog
from failover_api.core.planning.request import MoveRequest, Permit, Provenance
from failover_api.core.planning.wave_progress import (
    ENDED,
    NOT_MOVED,
    Place,
    Progress,
    Sighting,
    Standing,
    Unmoved,
    planned,
    why_ended,
)
from failover_api.core.planning.waves import Order, Wave, order_from
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.text.trailers import Record, read_records
from failover_api.core.wording import one_line
from failover_api.errors import FailoverError, UnknownUrl
from failover_api.forge.values import LoggedCommit
from failover_api.moves.evacuation import group_of
from failover_api.moves.outcome import CommitPlace, Outcome, WaveReport
from failover_api.reading.history import Entry
from failover_api.reading.pull_requests import record_for
from failover_api.reading.status import Status, Unreadable

AUTOMATIC = "automatic"  # the trigger of what a node's death began
ANYWHERE = "*"  # in place of a node: what is moved over is on no single one
CLOSED_S = 10.0  # a pull request that is gone from the open ones may have been merged a moment ago
PermitFor = Callable[[Collection[str]], Permit]


@dataclass(slots=True)
class WaveOperation:
    """`provenance` is what each of its commits tells, but for the wave. `began_at` is by the Git host's clock (s).

    `wave` is what the trailers say of all waves. `is_own`: this process began it. `progress` is None until it was
    looked at.
    """

    name: str
    order: Order
    actions: Mapping[str, Action]
    provenance: Provenance
    wave: Wave
    began_at: float
    is_own: bool
    is_proved: bool = False  # a commit does what its trailers say
    permit_for: PermitFor | None = None  # of one that nobody asked for: each of its waves needs one
    is_all_written: bool = False  # as the log has it, which is looked at where it was taken up
    ended: dict[str, Place] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    places: dict[str, CommitPlace] = field(default_factory=dict)
    proposed: dict[str, float] = field(default_factory=dict)  # when it was last seen open (time.monotonic())
    known_moves: dict[str, str | None] = field(default_factory=dict)  # the newest operation before this one
    progress: Progress | None = None
    statuses: Mapping[str, Status | Unreadable] = field(default_factory=dict)
    read_at: float = float("-inf")  # time.monotonic()
    due_since: float | None = None  # time.monotonic()
    retry_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def id(self) -> str:
        return self.provenance.operation

    @property
    def members(self) -> tuple[str, ...]:
        return self.wave.members

    def provenance_of(self, number: int) -> Provenance:
        """What the commits of a wave tell. The key of a later wave is the same whoever writes it."""
        key = self.provenance.key if number == 1 else key_of(self.id, number)
        return replace(self.provenance, key=key, wave=replace(self.wave, number=number))

    def request_of(self, names: Collection[str]) -> MoveRequest:
        """A later wave: who is refused is left out, since those before him have moved already."""
        asked = self.provenance
        accept = frozenset(self.wave.accept)
        return MoveRequest(
            by=asked.by,
            reason=asked.reason,
            force=asked.force,
            supersede=self.wave.supersede,
            skip_refused=True,
            accept=accept,
            trigger=asked.trigger,
            evidence=asked.evidence,
            permit=self.permit_for(names) if self.permit_for is not None else None,
        )

    @property
    def report(self) -> WaveReport:
        """How far it was when it was looked at last."""
        return WaveReport.of(self.progress or planned(self.order), self.id, self.places)

    def unmoved(self, ends_at: float | None) -> Mapping[str, Unmoved]:
        """Who has not moved with it, as far as it was looked at: whose turn is to come, who is held or left out."""
        places = (self.progress or planned(self.order)).places
        first = self.order.waves[0] if self.progress is None else ()
        is_of_death = self.provenance.trigger == AUTOMATIC
        return {
            name: Unmoved(self.id, self.began_at, why_ended(name, self.order, places), is_of_death, ends_at)
            for name, place in places.items()
            if name not in first and (place.standing in NOT_MOVED or self._is_left_out(name, place))
        }

    def _is_left_out(self, name: str, place: Place) -> bool:
        return place.standing is Standing.FAILED and name not in self.written and self.permit_for is not None

    # What is seen

    def wrote(self, outcomes: Iterable[Outcome], now: float) -> None:
        """What came of writing a wave."""
        for outcome in outcomes:
            for name, error in outcome.refused.items():
                self.troubles[name] = one_line(error.detail)
            pull = outcome.pull_request
            for plan in outcome.plans:
                name = plan.service.name
                if outcome.is_pending:
                    self.proposed[name] = time.monotonic()
                elif pull is not None and pull.state == "closed":
                    self.troubles[name] = "its pull request was closed"
                elif outcome.commit is not None and plan.changes:
                    self.written.setdefault(name, now)
                    self.places[name] = CommitPlace(outcome.commit.sha, outcome.commit.url)

    def failed(self, names: Iterable[str], error: FailoverError) -> None:
        """What refused a wave as a whole."""
        for name in names:
            self.troubles.setdefault(name, one_line(error.detail))

    def found_in_log(self, commits: Iterable[LoggedCommit]) -> None:
        """What the branches' newest commits say of it. Once all of it is written, later moves are other stories."""
        for commit in commits:
            for record in read_records(commit.message):
                at = seconds_of(commit.at)
                if record.operation == self.id and record.service in self.actions and at is not None:
                    self.written.setdefault(record.service, at)
                    self.places.setdefault(record.service, CommitPlace(commit.sha, commit.url))
        self.is_all_written = self.written.keys() == self.actions.keys()

    def saw(self, status: Status | Unreadable) -> None:
        """What Git says of a member now."""
        name = status.service.name
        if isinstance(status, Unreadable):
            return
        record, entry = _record(status), status.last_move
        if entry is not None and record is not None and record.operation == self.id:
            self._saw_own(name, entry, status)
        elif entry is not None and record is not None and record.operation != self.known_moves.get(name):
            self._saw_another(name, entry, record, status)
        self._saw_proposal(name, status)

    def _saw_another(self, name: str, entry: Entry, record: Record, status: Status) -> None:
        """Somebody has moved it since: where it is now is what was decided last."""
        at = seconds_of(entry.logged.at)
        if self.is_all_written:
            self.ended[name] = Place(Standing.DONE, "moved again since")
        elif status.detection.state.value == self._target(name):
            if at is None or at >= self.began_at:  # else it was there before, and needed no commit of this one
                self.written[name] = self.began_at if at is None else at
        elif name in self.written or (at is not None and at > self.began_at):
            self.troubles[name] = f"moved again since, by operation {one_line(record.operation)[:26]}"

    def _saw_own(self, name: str, entry: Entry, status: Status) -> None:
        at = seconds_of(entry.logged.at)
        if at is not None:
            self.written[name] = at
        self.places[name] = CommitPlace(entry.logged.sha, entry.logged.url)
        self.is_proved = self.is_proved or entry.verified is True
        self.proposed.pop(name, None)
        if status.detection.state.value != self._target(name):
            self.troubles.setdefault(name, f"is not on {self._target(name)} any more")

    def _saw_proposal(self, name: str, status: Status) -> None:
        pull = status.pull_request
        record = record_for(name, pull.body) if pull is not None else None
        if record is not None and record.operation == self.id:
            self.proposed[name] = time.monotonic()
        elif name in self.proposed and time.monotonic() - self.proposed[name] > CLOSED_S:
            del self.proposed[name]
            self.troubles.setdefault(name, "its pull request was closed")

    def _target(self, name: str) -> str:
        return self.actions[name].target.value

    def sighting(self, status: Status | Unreadable | None, serves: "Serves") -> Sighting:
        """What is known of a member, joined."""
        if status is None:
            return Sighting(trouble="not in the catalog any more")
        name = status.service.name
        if name in self.troubles:
            return Sighting(trouble=self.troubles[name])
        is_there = isinstance(status, Status) and status.detection.state.value == self._target(name)
        at, is_proposed = self.written.get(name), name in self.proposed
        if not is_there:  # what serves is where it was, or was looked at before it moved
            return Sighting(False, at, is_proposed, serves=False)
        return Sighting(True, at, is_proposed, serves.now, serves.since, detail=serves.detail)

    def decided(self, progress: Progress) -> None:
        """Keeps what does not change any more."""
        self.progress = progress
        self.ended = {name: place for name, place in progress.places.items() if place.standing in ENDED}
        if progress.due is None:
            self.due_since = None
        elif self.due_since is None:
            self.due_since = time.monotonic()


@dataclass(frozen=True, slots=True)
class Serves:
    """Whether a member serves on its target; None: not seen from here. `since` is by the cluster's clock (s)."""

    now: bool | None
    since: float | None = None
    detail: str = ""


def key_of(operation: str, number: int) -> str:
    """The idempotency key of a later wave, as a digest."""
    return hashlib.sha256(f"{operation}\0wave {number}".encode()).hexdigest()


def no_operation(operation: str) -> UnknownUrl:
    """The error for an operation that nobody knows, and for one of which the caller may see nothing."""
    return UnknownUrl(f"no operation {operation[:40]!r} is known: of moves in waves and relocations, the newest are")


def taken_up(record: Record, at: float, catalog: Catalog, *, is_proved: bool) -> WaveOperation | None:
    """The operation that a commit's trailers tell of; None where they tell of none that this catalog can go on with.

    Trailers are text, and anybody who may push may have written them: a commit can name only members of its group, or
    services that may be on its node.
    """
    wave, provenance = record.provenance.wave, record.provenance
    if wave is None or not set(wave.members) <= catalog.services.keys() or record.service not in wave.members:
        return None
    if record.action not in (Action.PROMOTE, Action.DEMOTE):
        return None
    own = dict(wave.actions)
    actions = {name: Action(own.get(name, record.action)) for name in wave.members}
    absolute = replace(wave, actions=tuple((name, str(action)) for name, action in actions.items()) if own else ())
    if not _may_be_named(wave, provenance, actions, catalog):
        return None
    after = {name: service.after for name, service in catalog.services.items()}
    group = provenance.group if wave.node in ("", ANYWHERE) else group_of(wave.node)
    return WaveOperation(
        name=group or wave.members[0],
        order=order_from(wave.waves, actions, after),
        actions=actions,
        provenance=replace(provenance, group=group, wave=None, key=provenance.key if wave.number == 1 else None),
        wave=absolute,
        began_at=at,
        is_own=False,
        is_proved=is_proved,
    )


def _may_be_named(wave: Wave, provenance: Provenance, actions: Mapping[str, Action], catalog: Catalog) -> bool:
    """Whether these members can be moved together by what the trailers say."""
    if not wave.node:
        return set(wave.members) <= set(catalog.groups.get(provenance.group or "", ()))
    if wave.node == ANYWHERE:
        return provenance.trigger is not None  # each of its waves needs a permit
    left = (catalog.services[name].nodes(action.target.other) for name, action in actions.items())
    return all(wave.node in nodes for nodes in left if nodes)


def _record(status: Status) -> Record | None:
    return status.last_move.record if status.last_move is not None else None
