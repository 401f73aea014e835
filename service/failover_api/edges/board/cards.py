"""A status as a card: where it is, in what, what is wrong with it, and what this caller may do about it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from failover_api.core.access.model import Caller, Verb
from failover_api.core.catalog.model import Action
from failover_api.edges.bodies import list_body
from failover_api.edges.models import ListedBody, SwitchBody
from failover_api.errors import FailoverError
from failover_api.overview import View

_CLAIMS = (".claimName", ".existingClaim")
_LOCATED = ("primary", "backup")
_SIDES = (*_LOCATED, "mixed", "unknown")
_OPPOSITE = {"primary": Action.PROMOTE, "backup": Action.DEMOTE}
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
    """A service on the board. `others` are switches that are neither node nor claim, as (name, value)."""

    status: ListedBody
    nodes: tuple[str, ...]
    claims: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    troubles: tuple[Trouble, ...]
    offers: tuple[Offer, ...]
    shown: bool = True
    kept: str = ""

    @property
    def words(self) -> str:
        """What a filter looks in."""
        status = self.status
        documents = [switch.document for switch in status.switches]
        words = (status.service, status.side, *status.groups, *self.nodes, *self.claims, *documents)
        return " ".join(dict.fromkeys(words)).casefold()


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group of which the caller may see every service. `sides` is (side, how many)."""

    name: str
    sides: tuple[tuple[str, int], ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class CardFilter:
    """A filter: words that all have to be there, and a group. Empty: everything."""

    words: str = ""
    group: str = ""

    def matches(self, card: Card) -> bool:
        in_group = not self.group or self.group in card.status.groups
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
    cards = {card.status.service: card for card in _cards(view, frozenset(groups), caller, wanted)}
    sides = {name: card.status.side for name, card in cards.items()}
    return Board(
        odd=tuple(card for card in cards.values() if card.status.side not in _LOCATED),
        primary=tuple(card for card in cards.values() if card.status.side == "primary"),
        backup=tuple(card for card in cards.values() if card.status.side == "backup"),
        groups=tuple(
            _group(name, members, sides, caller) for name, members in groups.items() if set(members) <= sides.keys()
        ),
    )


def card_of(status: ListedBody, caller: Caller, *, kept: FailoverError | None = None) -> Card:
    """The card of one service."""
    told = [(switch, text_of(switch.value)) for switch in status.switches]
    nodes = [text for switch, text in told if _is_node(switch)]
    claims = [text for switch, text in told if _is_claim(switch)]
    others = [(switch, text) for switch, text in told if not _is_node(switch) and not _is_claim(switch)]
    return Card(
        status=status,
        nodes=tuple(dict.fromkeys(nodes)),
        claims=tuple(dict.fromkeys(claims)),
        others=tuple(zip(_names([switch for switch, _ in others]), [text for _, text in others], strict=True)),
        troubles=tuple(_troubles(status)),
        offers=offers(caller, [status.service], status.side),
        kept=kept.title if kept else "",
    )


def offers(caller: Caller, services: Sequence[str], side: str) -> tuple[Offer, ...]:
    """The moves that lead away from a side; both where there is no one side. None without the right to look."""
    if not may_all(caller, Verb.PLAN, services):
        return ()
    may_make = may_all(caller, Verb.EXECUTE, services)
    actions = (_OPPOSITE[side],) if side in _OPPOSITE else (Action.PROMOTE, Action.DEMOTE)
    return tuple(Offer(action, may_make) for action in actions)


def may_all(caller: Caller, verb: Verb, services: Sequence[str]) -> bool:
    """Whether the caller has the right for each of these services."""
    return all(caller.may(verb, service) for service in services)


def text_of(value: object) -> str:
    """A value as it stands in a manifest, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _cards(view: View, groups: frozenset[str], caller: Caller, wanted: CardFilter) -> Iterator[Card]:
    visible = [status for status in view.statuses if caller.may(Verb.VIEW, status.service.name)]
    for listed in list_body(visible, None, groups=groups).services:
        made = card_of(listed, caller, kept=view.kept.get(listed.service))
        yield made if wanted.matches(made) else replace(made, shown=False)


def _group(name: str, members: Sequence[str], sides: dict[str, str], caller: Caller) -> GroupCard:
    there = Counter(sides[member] for member in members)
    side = next(iter(there)) if len(there) == 1 else "mixed"
    counts = tuple((side, there[side]) for side in _SIDES if there[side])
    return GroupCard(name, counts, offers(caller, members, side))


def _is_node(switch: SwitchBody) -> bool:
    return ".nodeSelector" in switch.path or switch.path.endswith(".nodeName")


def _is_claim(switch: SwitchBody) -> bool:
    return switch.path.endswith(_CLAIMS)


def _names(switches: Sequence[SwitchBody]) -> list[str]:
    """The keys of switches; with as much of their documents as tells those of one name apart."""
    keys = [switch.path.rpartition(".")[2] for switch in switches]
    kinds = [switch.document.partition(" ")[0] for switch in switches]
    documents = [switch.document.rpartition("/")[2] for switch in switches]
    ways = (keys, _beside(kinds, keys), _beside(documents, keys))
    return next((names for names in ways if len(set(names)) == len(names)), [switch.path for switch in switches])


def _beside(words: Sequence[str], keys: Sequence[str]) -> list[str]:
    return [f"{word} {key}" for word, key in zip(words, keys, strict=True)]


def _troubles(status: ListedBody) -> Iterator[Trouble]:
    if status.error is not None:
        yield Trouble(f"Cannot be read. {status.error.title}: {status.error.detail}")
    elif status.side == "unknown":
        strays = [switch for switch in status.switches if switch.side == "unknown"]
        yield from (_stray(switch) for switch in strays[:MAX_TROUBLES])
        if len(strays) > MAX_TROUBLES:
            yield Trouble(f"{len(strays) - MAX_TROUBLES} more values are on neither side.")
    elif status.side == "mixed":
        yield _half(status)


def _stray(switch: SwitchBody) -> Trouble:
    what = (
        "node" if _is_node(switch) else "claim" if _is_claim(switch) else f"{_names([switch])[0]} of {switch.document}"
    )
    primary, backup = text_of(switch.primary), text_of(switch.backup)
    text = f"The {what} is “{text_of(switch.value)}”: neither “{primary}” (on primary) nor “{backup}” (on backup)."
    return Trouble(text, f"{switch.file}:{switch.line}")


def _half(status: ListedBody) -> Trouble:
    counts = Counter(switch.side for switch in status.switches)
    told = " and ".join(f"{counts[side]} on {side}" for side in _LOCATED)
    return Trouble(f"It is half moved: of its {len(status.switches)} values, {told}. Promote or demote moves them all.")
