"""In which order the services of one operation move: `after` as waves, and a wave as a commit's trailers name it.

A service that is promoted waits for those it names, and for what they wait for; one that is demoted goes before them.
What is not among the services that move is looked through: it is waited for by nobody, and what it waits for still is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate

from failover_api.core.catalog.model import Action
from failover_api.core.wording import listed

MAX_NAMED = 5
After = Mapping[str, Sequence[str]]  # {service: those that it names}; all of the catalog, without a cycle


@dataclass(frozen=True, slots=True)
class Order:
    """The waves, first to last, and whom each service waits for: all of them are in earlier waves.

    `warnings` say which part of the catalog's order is not kept.
    """

    waves: tuple[tuple[str, ...], ...]
    waits_for: Mapping[str, frozenset[str]]
    warnings: tuple[str, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether anybody waits for anybody."""
        return len(self.waves) > 1

    @property
    def waited_for(self) -> frozenset[str]:
        """Those that somebody waits for."""
        return frozenset().union(*self.waits_for.values())


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave of an operation, as a commit tells it, so that anybody can go on from there.

    `number` counts from 1. `actions` are of members whose action is not the commit's own, `accept` are hazards that do
    not stop a member (SERVICE:SLUG), `supersede` is that of the request; `node` is what is evacuated, "": nothing is.
    """

    number: int
    waves: tuple[tuple[str, ...], ...]
    actions: tuple[tuple[str, str], ...] = ()
    accept: tuple[str, ...] = ()
    supersede: bool = False
    node: str = ""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.waves)

    @property
    def members(self) -> tuple[str, ...]:
        """Of all waves, first to last."""
        return tuple(name for wave in self.waves for name in wave)


def order_of(members: Mapping[str, Action], after: After, *, unseen: Collection[str] = ()) -> Order:
    """The waves of services that each move by their own action; `unseen` are those that nobody sees come up.

    An unseen service is not waited for, since nobody would know when to go on. The order within a wave is that of
    `members`.
    """
    waits_for = _waits_for(members, after)
    seen = {name: frozenset(waits_for[name]).difference(unseen) for name in members}
    numbers: dict[str, int] = {}
    for name in TopologicalSorter(seen).static_order():
        numbers[name] = 1 + max((numbers[other] for other in seen[name]), default=-1)
    count = 1 + max(numbers.values(), default=-1)
    waves = tuple(tuple(name for name in members if numbers[name] == at) for at in range(count))
    waited_for = frozenset().union(*waits_for.values()) if waits_for else frozenset()
    not_seen = [name for name in members if name in unseen and name in waited_for]
    return Order(waves, seen, tuple(_warnings(members, after, not_seen)))


def order_from(waves: Sequence[Sequence[str]], actions: Mapping[str, Action], after: After) -> Order:
    """The order of waves that were decided before, whatever the catalog has become since."""
    number = {name: at for at, wave in enumerate(waves) for name in wave}
    waits_for = {
        name: frozenset(other for other in others if number[other] < number[name])
        for name, others in _waits_for(actions, after).items()
    }
    return Order(tuple(map(tuple, waves)), waits_for)


def waves_of(names: Sequence[str], sizes: Sequence[int]) -> tuple[tuple[str, ...], ...] | None:
    """Names put into waves of these sizes; None where they do not fit, or a name is there twice."""
    if sum(sizes) != len(names) or min(sizes, default=0) < 1 or len(set(names)) != len(names):
        return None
    ends = list(accumulate(sizes))
    return tuple(tuple(names[end - size : end]) for size, end in zip(sizes, ends, strict=True))


def _waits_for(members: Mapping[str, Action], after: After) -> dict[str, set[str]]:
    """{member: the members that go before it}. A member's own action says which way its names are meant.

    So there is no cycle: of the services in one, that which waits for all others would have to be first and last.
    """
    waits_for: dict[str, set[str]] = {name: set() for name in members}
    for name, action in members.items():
        for other in _reachable(name, after) & members.keys():
            if action is Action.PROMOTE:
                waits_for[name].add(other)
            else:
                waits_for[other].add(name)
    return _closed(waits_for)


def _reachable(name: str, after: After) -> set[str]:
    """All that a service is after, directly or not."""
    found: set[str] = set()
    waiting = list(after.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(after.get(one, ()))
    return found - {name}


def _closed(waits_for: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """With those that are waited for through others, which is more where promotes and demotes meet."""
    named = {name: tuple(others) for name, others in waits_for.items()}
    return {name: _reachable(name, named) for name in waits_for}


def _warnings(members: Mapping[str, Action], after: After, unseen: Sequence[str]) -> Iterator[str]:
    outside = {name: [one for one in after.get(name, ()) if one not in members] for name in members}
    named = [f"{name} is after {', '.join(others)}" for name, others in outside.items() if others]
    if named:
        more = f"; and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
        what = "what does not move with it is not waited for"
        yield f"{'; '.join(named[:MAX_NAMED])}{more}: {what}"
    if unseen:
        shown = listed(unseen, MAX_NAMED)
        yield f"whether {shown} serves is not seen from here, so what is after it does not wait for it"
