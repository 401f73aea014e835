"""Telling people, once for each thing: a node is not heard of, what follows, and what holds it.

The move itself, and whether the app serves, is told as of any other move.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from cachetools import LRUCache

from failover_api.core.catalog.notification import Event
from failover_api.core.safety.governance import Act, Decisions, Gate, Pending, Proposal, Return, Situation
from failover_api.core.safety.judgement import NodeVerdict
from failover_api.core.safety.times import second
from failover_api.core.wording import cut, listed
from failover_api.events import AutomaticTold, Events

MAX_TOLD = 4096
SUSPECT_AGAIN_S = 1800.0  # of one node: it may come and go
PROPOSED_AGAIN_S = 24 * 3600.0
MAX_LINES = 20
# What holds everything at first, and mostly passes by itself: it is told once it has lasted.
_PASSING = frozenset({Gate.STARTING, Gate.GIT_UNREACHABLE})
LASTING_S = 90.0  # longer than `starting`
_log = logging.getLogger(__name__)


class Teller:
    """Publishes what there is to tell, each once. Times are by the API server's clock (s)."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._told: LRUCache[tuple[object, ...], float] = LRUCache(MAX_TOLD)
        self._passing: LRUCache[tuple[object, ...], float] = LRUCache(MAX_TOLD)  # what passes, since when

    def forget(self) -> None:
        """Another replica leads, and tells what is to be told from now on."""
        self._told.clear()
        self._passing.clear()

    def tell(self, situation: Situation, decisions: Decisions) -> None:
        """What this round has shown."""
        for name, node in situation.verdicts.nodes.items():
            pending = [one for one in decisions.pending if one.node == name]
            if pending and node.died_at is not None:
                self._suspect(situation, node, pending)
                if node.is_due:
                    self._held(node, pending, situation.verdicts.now)
            elif node.is_due and situation.git.is_unread:
                self._unread(situation, node)
        for act in decisions.would:
            if self._is_new(("would", act.key, act.services), act.died_at or 0.0):
                self._publish(
                    Event.ACTING,
                    act.node,
                    act.services,
                    f"{cut(act.node)} is dead: {_names(act.services)} would move",
                    f"{cut(act.node)} is dead. With `automatic: act`, {_names(act.services)} would move to the other "
                    f"side now. Nothing is moved. {_evidence(act)}",
                )

    def tell_returns(self, found: Iterable[Return], now: float) -> None:
        """Who may go home: of one node in one message."""
        new: dict[str, list[Return]] = {}
        for one in found:
            if not one.holds and self._is_new(("return", one.service, one.node), now, again_s=PROPOSED_AGAIN_S):
                new.setdefault(one.node, []).append(one)
        for node, ones in new.items():
            names = tuple(one.service for one in ones)
            more = [f"and {len(ones) - MAX_LINES} more"] if len(ones) > MAX_LINES else []
            lines = [f"{cut(node)} has been well for long enough:", *map(_homewards, ones[:MAX_LINES]), *more]
            self._publish(Event.FAILBACK, node, names, f"{_names(names)} may go home", "\n".join(lines))

    def tell_stuck(self, found: Iterable[Return], why_not: Mapping[str, str], now: float) -> None:
        """Who was to go home by itself, and what has refused that: `why_not`, by key."""
        for one in found:
            why = why_not.get(one.key, "") if one.is_act else ""
            if why and self._is_new(("stuck", one.service, one.node, why), now, again_s=PROPOSED_AGAIN_S):
                title = f"{one.service} is not relocated home"
                message = f"{title}: {why} Look at it, then `{one.command}`."
                self._publish(Event.FAILBACK, one.node, (one.service,), title, message)

    def acting(self, act: Act) -> None:
        """A move is about to be made."""
        facts = {"node": act.node, "services": list(act.services), "trigger": act.trigger, "key": act.key}
        _log.warning("an automatic move begins", extra=facts)
        if self._is_new(("acting", act.key, act.services), act.died_at or 0.0):
            names, node = _names(act.services), cut(act.node)
            title = f"{node}: {names} {_of(act.services, 'moves by itself', 'move by themselves')}"
            message = f"{names} {_of(act.services, 'is', 'are')} moved off {node} now. {_evidence(act)}"
            self._publish(Event.ACTING, act.node, act.services, title, message)

    def refused(self, act: Act, problem: str, detail: str) -> None:
        """It was not made after all; that is told as of any move."""
        facts = {"node": act.node, "services": list(act.services), "problem": problem, "detail": detail}
        _log.warning("an automatic move was not made", extra=facts)

    def _suspect(self, situation: Situation, node: NodeVerdict, pending: Sequence[Pending]) -> None:
        if not self._is_new(("suspect", node.name), situation.verdicts.now, again_s=SUSPECT_AGAIN_S):
            return
        names = tuple(one.service for one in pending)
        times = [one.acts_at for one in pending if one.acts_at is not None]
        free = [one for one in pending if one.acts_at is not None]
        moving, watched = ([one.service for one in free if one.is_act is acts] for acts in (True, False))
        verbs = [(_of(moving, "moves", "move"), moving), ("would move", watched)]
        follows = " and ".join(f"{_names(names)} {verb}" for verb, names in verbs if names)
        what = f"{follows} at {second(min(times))}, if it stays so." if times else "Nothing follows by itself."
        message = f"{cut(node.name)} is not heard of. {node.reason} {what}"
        self._publish(Event.SUSPECT, node.name, names, f"{cut(node.name)} is not heard of", message)

    def _unread(self, situation: Situation, node: NodeVerdict) -> None:
        """Nothing was ever read of Git, so nobody knows what is on the node."""
        what = ("unread", node.uid, node.died_at)
        if self._lasts(what, situation.verdicts.now) and self._is_new(what, situation.verdicts.now):
            title = f"{cut(node.name)} is dead, and nothing of it moves"
            message = f"{title}: Git was not read yet, so it is not known what is on it. {situation.git.detail}".strip()
            self._publish(Event.HELD, node.name, (), title, message)

    def _lasts(self, what: tuple[object, ...], now: float) -> bool:
        return now - self._passing.setdefault(what, now) >= LASTING_S

    def _is_to_be_told(self, node: NodeVerdict, one: Pending, now: float) -> bool:
        what = (node.uid, node.died_at, one.service)
        if one.holds and {hold.gate for hold in one.holds} <= _PASSING:
            return self._lasts(what, now)
        self._passing.pop(what, None)
        return bool(one.holds)

    def _held(self, node: NodeVerdict, pending: Sequence[Pending], now: float) -> None:
        held = [one for one in pending if self._is_to_be_told(node, one, now)]
        new = [
            one
            for one in held
            if self._is_new(("held", node.uid, node.died_at, one.service, *_gates(one)), node.died_at or 0.0)
        ]
        if not new:
            return
        lines = [f"{one.service}: {_why(one)}" for one in new[:MAX_LINES]]
        names = tuple(one.service for one in new)
        title = f"{cut(node.name)} is dead, and {_names(names)} {_of(names, 'stays', 'stay')}"
        self._publish(Event.HELD, node.name, names, title, "\n".join([f"{title}:", *lines]))

    def _is_new(self, what: tuple[object, ...], at: float, *, again_s: float = float("inf")) -> bool:
        """Whether it is to be told; from then on it is not, for so long."""
        before = self._told.get(what)
        if before is not None and at - before < again_s:
            return False
        self._told[what] = at
        return True

    def _publish(self, about: Event, node: str, services: Sequence[str], title: str, message: str) -> None:
        facts = {"about": about.value, "node": node, "services": list(services), "detail": message}
        _log.warning("automatic failover tells", extra=facts)
        self._events.publish(AutomaticTold(about, node, tuple(services), title, message))


def _why(one: Pending) -> str:
    """The first of its holds, and what is proposed instead, where a person may do it."""
    first = one.holds[0]
    proposed = (hold for hold in one.holds[1:] if hold.proposal is Proposal.COMMAND)
    return " ".join([first.detail, first.cure, *(hold.cure for hold in proposed)])


def _homewards(one: Return) -> str:
    if one.is_act:
        return f"{one.service} is relocated home now, with its data."
    if one.relocates:
        return f"{one.service} may go home, with its data: `{one.command}`."
    return f"{one.service} may go home. Look whether its data is there, then `{one.command}`."


def _gates(one: Pending) -> tuple[str, ...]:
    return tuple(sorted({hold.gate.value for hold in one.holds}))


def _names(names: Sequence[str]) -> str:
    return listed(names, 5)


def _of(names: Sequence[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _evidence(act: Act) -> str:
    return f"Evidence: {'; '.join(act.evidence)}."
