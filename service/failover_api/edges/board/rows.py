"""The board's rows: a service's side and node, since when, what is wrong, and what this caller may do about it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from failover_api.core.access.model import Caller, Verb
from failover_api.core.catalog.model import Action, Service, Side
from failover_api.core.planning.state import Detection, Reading, State
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.text.trailers import Record
from failover_api.edges.board.copies import DataCopy, copy_of
from failover_api.edges.board.underway import NONE_UNDER_WAY, Underway
from failover_api.errors import FailoverError
from failover_api.forge.values import PullRequest
from failover_api.overview import View
from failover_api.reading.history import Entry
from failover_api.reading.pull_requests import record_for
from failover_api.reading.status import Status, Unreadable

LOOK, MOVED, HOME = "look", "moved", "home"  # where a row stands on the board
WORDS = {"": "All", LOOK: "Needs a look", MOVED: "Moved", HOME: "At home"}
_LOCATED = (State.PRIMARY, State.BACKUP)
_AWAY = {State.PRIMARY: (Action.PROMOTE,), State.BACKUP: (Action.DEMOTE,)}
_STUCK = (Stage.BLOCKED, Stage.ABSENT)
NOT_LOOKED_AT: Mapping[tuple[str, Side], bool] = {}
MAX_TROUBLES = 4  # of one row; the service's own page has all


@dataclass(frozen=True, slots=True)
class Offer:
    """A move that a caller may look at, and make if `may_make`."""

    action: Action
    may_make: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, in plain words; and where, "" when it is no one place."""

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service on the board. `groups` are those that the caller may know of.

    `nodes` are the Kubernetes nodes it is on, none where they are not known. `stage` is how far the cluster has come,
    "" where that is not seen; `copy` is of its data on the other side, None where the catalog has no replication;
    `underway` is the relocation that moves it now. `kept`: why it is shown as it was before.
    """

    service: Service
    groups: tuple[str, ...]
    side: State
    readings: tuple[Reading, ...]
    pull_request: PullRequest | None
    last_move: Entry | None
    nodes: tuple[str, ...]
    claims: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    offers: tuple[Offer, ...]
    stage: str = ""
    copy: DataCopy | None = None
    shown: bool = True
    kept: str = ""
    underway: Underway | None = None

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def place(self) -> str:
        """Where it stands: what a person has to decide comes before where it is."""
        if self.side not in _LOCATED or self.pull_request is not None or self.underway or self.is_unwell:
            return LOOK
        return HOME if self.side is State.PRIMARY else MOVED

    @property
    def is_unwell(self) -> bool:
        """What runs of it does not come up, or its copy is none to fall back on."""
        if self.underway is not None:  # it is stopped on purpose, and its copy is being made
            return False
        return self.stage in _STUCK or (self.copy is not None and self.copy.is_unsafe)

    @property
    def came_by(self) -> Entry | None:
        """The move that led where it is; where it is on no one side, the last one."""
        move = self.last_move
        leads_here = move is not None and move.record and self.side in (move.record.after, State.MIXED, State.UNKNOWN)
        return move if leads_here else None

    @property
    def since(self) -> str:
        """When it came to the side where it is (RFC 3339), "" when that is not known."""
        return self.came_by.logged.at if self.came_by and self.side in _LOCATED else ""

    @property
    def proposal(self) -> Record | None:
        """What the open pull request would do to it, as far as it says so."""
        return record_for(self.name, self.pull_request.body) if self.pull_request else None

    @property
    def says_why(self) -> bool:
        """Whether there is something to say beside where it is."""
        return bool(
            self.troubles or self.underway or self.pull_request or self.came_by or self.kept or self.place == MOVED
        )

    @property
    def more_words(self) -> str:
        """What a filter looks in, beside name, side and groups."""
        documents = [reading.document.rpartition(" ")[2] for reading in self.readings]
        return " ".join(dict.fromkeys((*self.nodes, *self.claims, *documents)))

    @property
    def words(self) -> str:
        return " ".join((self.name, self.side, *self.groups, self.more_words)).casefold()


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of which the caller may see every service: how many are on primary, of how many."""

    name: str
    home: int
    total: int
    offers: tuple[Offer, ...]
    can_relocate: bool = False  # all of them have what brings their data along


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Words that all have to be there, a group, a place on the board. Empty: everything."""

    words: str = ""
    group: str = ""
    place: str = ""

    def finds(self, row: ServiceRow) -> bool:
        """Whether the row matches, wherever on the board it stands."""
        in_group = not self.group or self.group in row.groups
        return in_group and all(word in row.words for word in self.words.casefold().split())

    def matches(self, row: ServiceRow) -> bool:
        return self.place in ("", row.place) and self.finds(row)


@dataclass(frozen=True, slots=True)
class Board:
    """All rows that a caller may see, in the catalog's order."""

    rows: tuple[ServiceRow, ...]
    groups: tuple[GroupRow, ...]
    wanted: RowFilter = field(default_factory=RowFilter)
    ready: int | None = None  # how many could move to the other side now; None: nobody looked yet
    ready_at: str = ""  # when that was looked at, RFC 3339

    def at(self, place: str) -> list[ServiceRow]:
        """The rows of one place."""
        return [row for row in self.rows if row.place == place]

    @property
    def standing(self) -> str:
        """The place that is most worth knowing of; "wait" where a look leads to pull requests alone."""
        look = self.at(LOOK)
        if look and all(row.side in _LOCATED and not row.is_unwell for row in look):
            return "wait"
        return LOOK if look else MOVED if self.at(MOVED) else HOME

    @property
    def moved_at(self) -> str:
        """When the newest of those that moved did; "" when that is not known of any."""
        return max((row.since for row in self.at(MOVED)), default="")

    @property
    def kept(self) -> int:
        """How many are shown as they were before."""
        return sum(bool(row.kept) for row in self.rows)

    @property
    def nothing_matches(self) -> bool:
        """There are services, and the filter leaves none."""
        return bool(self.rows) and not any(row.shown for row in self.rows)

    @property
    def places(self) -> list[tuple[str, str, int]]:
        """What can be asked for alone: (place, words, how many)."""
        found = [row.place for row in self.rows if self.wanted.finds(row)]
        return [(place, words, found.count(place) if place else len(found)) for place, words in WORDS.items()]


def board(
    view: View,
    groups: Mapping[str, Sequence[str]],
    caller: Caller,
    wanted: RowFilter,
    ready: Mapping[tuple[str, Side], bool] = NOT_LOOKED_AT,
    ready_at: str = "",
    underway: Mapping[str, Underway] = NONE_UNDER_WAY,
) -> Board:
    """What a caller may see of a view; `groups` is {name: names of its services}, of those that he may know of.

    `ready` is {(service, side): whether it could move there}, as it was at `ready_at` (RFC 3339); `underway` are the
    relocations, by service.
    """
    rows = tuple(_rows(view, frozenset(groups), caller, wanted, underway))
    sides = {row.name: row.side for row in rows}
    known = {name: members for name, members in groups.items() if set(members) <= sides.keys()}
    could = sum(ready.get((row.name, _other(row.side)), False) for row in rows) if ready else None
    relocatable = frozenset(row.name for row in rows if row.service.replication is not None)
    group_rows = tuple(_group(name, members, sides, caller, relocatable) for name, members in known.items())
    return Board(rows, group_rows, wanted, could, ready_at)


def _other(side: State) -> Side:
    return Side.PRIMARY if side is State.BACKUP else Side.BACKUP


def row_of(
    status: Status | Unreadable,
    caller: Caller,
    *,
    groups: Set[str],
    kept: FailoverError | None = None,
    underway: Underway | None = None,
) -> ServiceRow:
    """The row of one service; of its groups only these are named."""
    service = status.service
    seen = status if isinstance(status, Status) else Status(service, Detection(State.UNKNOWN, ()), version="")
    side, readings = seen.detection.state, seen.detection.readings
    claims = [text_of(reading.value) for reading in readings if reading.switch.is_claim]
    return ServiceRow(
        service=service,
        groups=tuple(name for name in service.groups if name in groups),
        side=side,
        readings=readings,
        pull_request=seen.pull_request,
        last_move=seen.last_move,
        nodes=_nodes(seen),
        claims=tuple(dict.fromkeys(claims)),
        troubles=tuple(_troubles(status, is_underway=underway is not None)),
        offers=offers(caller, [service.name], side),
        stage=seen.cluster.stage if seen.cluster else "",
        copy=copy_of(seen.replication) if seen.replication else None,
        kept=kept.title if kept else "",
        underway=underway,
    )


def _nodes(status: Status) -> tuple[str, ...]:
    """Where its pod is; else the nodes behind the side where it is."""
    if status.cluster is not None and status.cluster.node:
        return (status.cluster.node,)
    side = status.detection.state
    return status.service.nodes(Side(side)) if side in _LOCATED else ()


def offers(caller: Caller, services: Sequence[str], side: State) -> tuple[Offer, ...]:
    """The moves that lead away from a side; both where there is no one side. None without the right to look."""
    if not may_all(caller, Verb.PLAN, services):
        return ()
    may_make = may_all(caller, Verb.EXECUTE, services)
    return tuple(Offer(action, may_make) for action in _AWAY.get(side, (Action.PROMOTE, Action.DEMOTE)))


def may_all(caller: Caller, verb: Verb, services: Sequence[str]) -> bool:
    """Whether the caller has the right for each of these services."""
    return all(caller.may(verb, service) for service in services)


def text_of(value: object) -> str:
    """A value as it stands in a manifest, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _rows(
    view: View, groups: Set[str], caller: Caller, wanted: RowFilter, underway: Mapping[str, Underway]
) -> Iterator[ServiceRow]:
    for status in view.statuses:
        name = status.service.name
        if caller.may(Verb.VIEW, name):
            row = row_of(status, caller, groups=groups, kept=view.kept.get(name), underway=underway.get(name))
            yield row if wanted.matches(row) else replace(row, shown=False)


def _group(
    name: str, members: Sequence[str], sides: Mapping[str, State], caller: Caller, relocatable: Set[str]
) -> GroupRow:
    counts = Counter(sides[member] for member in members)
    side = next(iter(counts)) if len(counts) == 1 else State.MIXED
    offered = offers(caller, members, side)
    return GroupRow(name, counts[State.PRIMARY], len(members), offered, set(members) <= relocatable)


def _troubles(status: Status | Unreadable, *, is_underway: bool) -> Iterator[Trouble]:
    if isinstance(status, Unreadable):
        yield Trouble(f"Cannot be read. {status.error.title}: {status.error.detail}")
    elif status.detection.state is State.UNKNOWN:
        strays = [reading for reading in status.detection.readings if reading.state is State.UNKNOWN]
        yield from (_stray(reading) for reading in strays[:MAX_TROUBLES])
        if len(strays) > MAX_TROUBLES:
            yield Trouble(f"{len(strays) - MAX_TROUBLES} more values are on neither side.")
    elif status.detection.state is State.MIXED:
        yield _half(status.detection.readings)
    if is_underway:  # its page says what it waits for
        return
    if isinstance(status, Status) and status.cluster is not None and status.cluster.reason:
        yield Trouble(f"{status.cluster.reason} {status.cluster.cure}".rstrip())
    copy = copy_of(status.replication) if isinstance(status, Status) and status.replication is not None else None
    if copy is not None and copy.is_unsafe:
        yield Trouble(f"Its copy on the other side is {copy.state}. {copy.reason}")


def _stray(reading: Reading) -> Trouble:
    path = reading.switch.path_text
    named = f"{path.rpartition('.')[2]} of {reading.document}"
    is_node = ".nodeSelector" in path or path.endswith(".nodeName")
    what = "node" if is_node else "claim" if reading.switch.is_claim else named
    primary, backup = text_of(reading.switch.primary), text_of(reading.switch.backup)
    text = f"The {what} is “{text_of(reading.value)}”: neither “{primary}” (on primary) nor “{backup}” (on backup)."
    return Trouble(text, f"{reading.file}:{reading.line}")


def _half(readings: Sequence[Reading]) -> Trouble:
    counts = Counter(reading.state for reading in readings)
    sides = " and ".join(f"{counts[side]} on {side}" for side in _LOCATED)
    return Trouble(f"It is half moved: of its {len(readings)} values, {sides}. Promote or demote moves them all.")
