"""The board's cards: a service's side, node and claims, what is wrong, and what this caller may do about it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from failover_api.core.access.model import Caller, Verb
from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.state import Detection, Reading, State
from failover_api.errors import FailoverError
from failover_api.forge.values import PullRequest
from failover_api.overview import View
from failover_api.reading.history import Entry
from failover_api.reading.status import Status, Unreadable

_CLAIMS = (".claimName", ".existingClaim")
_LOCATED = (State.PRIMARY, State.BACKUP)
_AWAY = {State.PRIMARY: (Action.PROMOTE,), State.BACKUP: (Action.DEMOTE,)}
MAX_TROUBLES = 4  # of one card; the service's own page has all


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
class Card:
    """A service on the board. `groups` are those that the caller may know of.

    `others` are switches that are neither node nor claim, as (name, value). `kept`: why it is shown as it was before.
    """

    service: Service
    groups: tuple[str, ...]
    side: State
    readings: tuple[Reading, ...]
    pull_request: PullRequest | None
    last_move: Entry | None
    nodes: tuple[str, ...]
    claims: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    troubles: tuple[Trouble, ...]
    offers: tuple[Offer, ...]
    shown: bool = True
    kept: str = ""

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def words(self) -> str:
        """What a filter looks in."""
        documents = [reading.document for reading in self.readings]
        words = (self.name, self.side, *self.groups, *self.nodes, *self.claims, *documents)
        return " ".join(dict.fromkeys(words)).casefold()


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group of which the caller may see every service. `sides` is (side, how many)."""

    name: str
    sides: tuple[tuple[State, int], ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class CardFilter:
    """A filter: words that all have to be there, and a group. Empty: everything."""

    words: str = ""
    group: str = ""

    def matches(self, card: Card) -> bool:
        in_group = not self.group or self.group in card.groups
        return in_group and all(word in card.words for word in self.words.casefold().split())


@dataclass(frozen=True, slots=True)
class Board:
    """Cards by column: those that need a look, and those on each side."""

    odd: tuple[Card, ...]
    primary: tuple[Card, ...]
    backup: tuple[Card, ...]
    groups: tuple[GroupCard, ...]

    @property
    def columns(self) -> tuple[tuple[str, tuple[Card, ...]], ...]:
        return (("primary", self.primary), ("backup", self.backup))

    @property
    def is_empty(self) -> bool:
        return not (self.odd or self.primary or self.backup)

    @property
    def nothing_matches(self) -> bool:
        """There are services, and the filter leaves none."""
        return not self.is_empty and not any(card.shown for card in (*self.odd, *self.primary, *self.backup))


def board(view: View, groups: Mapping[str, Sequence[str]], caller: Caller, wanted: CardFilter) -> Board:
    """What a caller may see of a view; `groups` is {name: names of its services}, of those that he may know of."""
    cards = {card.name: card for card in _cards(view, frozenset(groups), caller, wanted)}
    sides = {name: card.side for name, card in cards.items()}
    return Board(
        odd=tuple(card for card in cards.values() if card.side not in _LOCATED),
        primary=tuple(card for card in cards.values() if card.side is State.PRIMARY),
        backup=tuple(card for card in cards.values() if card.side is State.BACKUP),
        groups=tuple(
            _group(name, members, sides, caller) for name, members in groups.items() if set(members) <= sides.keys()
        ),
    )


def card_of(
    status: Status | Unreadable, caller: Caller, *, groups: Set[str], kept: FailoverError | None = None
) -> Card:
    """The card of one service; of its groups only these are named."""
    service = status.service
    seen = status if isinstance(status, Status) else Status(service, Detection(State.UNKNOWN, ()), version="")
    side, readings = seen.detection.state, seen.detection.readings
    others = [reading for reading in readings if not _is_node(reading) and not _is_claim(reading)]
    return Card(
        service=service,
        groups=tuple(name for name in service.groups if name in groups),
        side=side,
        readings=readings,
        pull_request=seen.pull_request,
        last_move=seen.last_move,
        nodes=_texts(reading for reading in readings if _is_node(reading)),
        claims=_texts(reading for reading in readings if _is_claim(reading)),
        others=tuple(zip(_names(others), [text_of(reading.value) for reading in others], strict=True)),
        troubles=tuple(_troubles(status)),
        offers=offers(caller, [service.name], side),
        kept=kept.title if kept else "",
    )


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


def _cards(view: View, groups: Set[str], caller: Caller, wanted: CardFilter) -> Iterator[Card]:
    for status in view.statuses:
        name = status.service.name
        if caller.may(Verb.VIEW, name):
            card = card_of(status, caller, groups=groups, kept=view.kept.get(name))
            yield card if wanted.matches(card) else replace(card, shown=False)


def _group(name: str, members: Sequence[str], sides: Mapping[str, State], caller: Caller) -> GroupCard:
    counts = Counter(sides[member] for member in members)
    side = next(iter(counts)) if len(counts) == 1 else State.MIXED
    return GroupCard(name, tuple((side, counts[side]) for side in State if counts[side]), offers(caller, members, side))


def _is_node(reading: Reading) -> bool:
    path = reading.switch.path_text
    return ".nodeSelector" in path or path.endswith(".nodeName")


def _is_claim(reading: Reading) -> bool:
    return reading.switch.path_text.endswith(_CLAIMS)


def _texts(readings: Iterable[Reading]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text_of(reading.value) for reading in readings))


def _names(readings: Sequence[Reading]) -> list[str]:
    """The keys of switches; with as much of their documents as tells those of one name apart."""
    paths = [reading.switch.path_text for reading in readings]
    keys = [path.rpartition(".")[2] for path in paths]
    kinds = [reading.document.partition(" ")[0] for reading in readings]
    documents = [reading.document.rpartition("/")[2] for reading in readings]
    ways = (keys, _beside(kinds, keys), _beside(documents, keys))
    return next((names for names in ways if len(set(names)) == len(names)), paths)


def _beside(words: Sequence[str], keys: Sequence[str]) -> list[str]:
    return [f"{word} {key}" for word, key in zip(words, keys, strict=True)]


def _troubles(status: Status | Unreadable) -> Iterator[Trouble]:
    if isinstance(status, Unreadable):
        yield Trouble(f"Cannot be read. {status.error.title}: {status.error.detail}")
    elif status.detection.state is State.UNKNOWN:
        strays = [reading for reading in status.detection.readings if reading.state is State.UNKNOWN]
        yield from (_stray(reading) for reading in strays[:MAX_TROUBLES])
        if len(strays) > MAX_TROUBLES:
            yield Trouble(f"{len(strays) - MAX_TROUBLES} more values are on neither side.")
    elif status.detection.state is State.MIXED:
        yield _half(status.detection.readings)


def _stray(reading: Reading) -> Trouble:
    named = f"{_names([reading])[0]} of {reading.document}"
    what = "node" if _is_node(reading) else "claim" if _is_claim(reading) else named
    primary, backup = text_of(reading.switch.primary), text_of(reading.switch.backup)
    text = f"The {what} is “{text_of(reading.value)}”: neither “{primary}” (on primary) nor “{backup}” (on backup)."
    return Trouble(text, f"{reading.file}:{reading.line}")


def _half(readings: Sequence[Reading]) -> Trouble:
    counts = Counter(reading.state for reading in readings)
    sides = " and ".join(f"{counts[side]} on {side}" for side in _LOCATED)
    return Trouble(f"It is half moved: of its {len(readings)} values, {sides}. Promote or demote moves them all.")
