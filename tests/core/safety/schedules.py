"""Generated schedules of nodes, partitions, lost views, flaps, people, restarts and several who believe that they lead.

A World is one of them: a control plane, a Git, people, and guards that do what the package `governance` says of a round
of the loop. Whenever one commits, the oracle is asked. `python -m tests.core.safety.schedules 1000 7` runs 1,000 from
seed 7 on, and says how many of them moved something, and how much.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from failover_api.core.catalog.automatic import Automatic, Fence, Mode
from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import idempotency_digest
from failover_api.core.safety.governance import (
    Ack,
    Act,
    Alert,
    AlertOrder,
    Attestation,
    Book,
    LastMove,
    Pause,
    PodFact,
    Witness,
)
from tests.core.safety import oracle
from tests.core.safety.guards import INFINITY, KINDS, App, Guard
from tests.core.safety.plane import NOW, Kubelet, Plane

GIT_SKEW_S = 3.0


class Violation(AssertionError):
    """An automatic move that the oracle forbids."""


class World:
    """One schedule. Each `do_...` is something that may happen in it."""

    def __init__(self, seed: int) -> None:
        self.random = choice = random.Random(seed)  # noqa: S311 - a schedule is no secret
        self.plane = Plane(tick_s=2.5)
        workers = ["w1", "w2", "w3"][: choice.choice([2, 2, 3])]
        self.names = workers + [f"cp{index}" for index in range(choice.choice([1, 1, 1, 2]))]
        for name in self.names:
            self.plane.add(name, renews_at=choice.uniform(0.0, 10.0))
        self.rules = Automatic(
            mode=choice.choice([Mode.ACT] * 15 + [Mode.OBSERVE]),
            dead_for_s=choice.choice([60.0, 60.0, 60.0, 90.0]),
            fence=choice.choice([Fence.NONE] * 5 + [Fence.WITNESS, Fence.REQUIRED]),
            max_data_age_s=choice.choice([7200.0, 7200.0, 7200.0, 600.0]),
            block_s=choice.choice([600.0, 3600.0]),
            max_services=choice.choice([20, 20, 2]),
            ignore_nodes=(choice.choice(self.names),) if choice.random() < 0.05 else (),
        )
        self.apps = {f"app{index}": self._app(index, workers) for index in range(choice.choice([1, 2, 4]))}
        self.truth = oracle.Truth(self._oracle_rules(), began_at=NOW)
        self.book = Book()
        self.flaps: Mapping[str, Any] = {}
        self.count = 0
        self.moves = 0
        self.is_calm = False
        self.hero = ""  # of the story
        self.guards = [Guard(self)]

    def _app(self, index: int, workers: Sequence[str]) -> App:
        choice = self.random
        first, second = choice.sample(list(workers), 2)
        side = choice.choice([Side.PRIMARY, Side.PRIMARY, Side.BACKUP])
        return App(
            name=f"app{index}",
            side=side,
            nodes={Side.PRIMARY: first, Side.BACKUP: second},
            mode=choice.choice([Mode.ACT] * 14 + [Mode.OBSERVE, Mode.NONE]),
            data_of=NOW - choice.choice([60.0, 60.0, 300.0, 5000.0]),
            is_protected=choice.random() < 0.9,
        )

    def _oracle_rules(self) -> oracle.Rules:
        rules = self.rules
        ignored = frozenset(rules.ignore_nodes)
        dead_for_s, block_s, most = rules.dead_for_s, rules.block_s, rules.max_services
        return oracle.Rules(dead_for_s, block_s, most, rules.fence.value, rules.max_data_age_s, ignored)

    @property
    def git_now(self) -> float:
        return NOW + self.plane.elapsed + GIT_SKEW_S

    def id(self) -> str:
        self.count += 1
        return str(self.count)

    # Time

    def run(self, for_s: float) -> None:
        """So much time passes, and each guard has a round."""
        self.plane.run(for_s)
        for guard in list(self.guards):
            guard.round()

    def meanwhile(self, guard: Guard, least_s: float, most_s: float) -> None:
        """What happens between two steps of a guard: a moment, and now and then something, or another guard."""
        self.plane.run(self.random.uniform(least_s, most_s))
        if self.is_calm:
            return
        if self.random.random() < 0.15:
            self.happen()
        others = [other for other in self.guards if other is not guard]
        if others and self.random.random() < 0.3:
            self.is_calm = True
            self.random.choice(others).round()
            self.is_calm = False

    def happen(self) -> None:
        self.random.choices([act for act, _ in HAPPENINGS], [weight for _, weight in HAPPENINGS])[0](self)

    # Git

    def last_move(self, service: str) -> LastMove | None:
        last = next((one for one in reversed(self.truth.commits) if one.service == service), None)
        return None if last is None else LastMove(last.at, last.by, last.by == "automatic", last.key or None)

    def commit(self, guard: Guard, act: Act, order: AlertOrder | None) -> None:
        """By compare-and-swap with what the guard had read, and one commit for a key."""
        digest = idempotency_digest(act.trigger, act.key)
        if any(one.key == digest and one.service in act.services for one in self.truth.commits):
            return
        if any(self.apps[name].side is not guard.apps[name][0] for name in act.services):
            return
        nodes = {self.apps[name].active for name in act.services} if order is not None else {act.node}
        news = [self._written(guard, act, order, node) for node in sorted(nodes)]
        targets = {name: self.apps[name].nodes[self.apps[name].side.other] for name in act.services}
        ages = {name: self.truth.now(self.plane.elapsed) - self.apps[name].data_of for name in act.services}
        wrong = [each for new in news for each in oracle.violations(self.truth, new, targets, ages)]
        wrong += [each for new in news for each in self._wrong(guard, new)]
        if wrong:
            raise Violation("; ".join(wrong))
        self.truth.written += news
        self.moves += len(act.services)
        for name in act.services:
            self._move(self.apps[name], "automatic", digest)

    def _written(self, guard: Guard, act: Act, order: AlertOrder | None, node: str) -> oracle.Written:
        """What is written of one node, whose UID and time of death are those that the guard was shown last."""
        uid, _, died_at, *_ = next(guard.truth.back("nodes", self.plane.elapsed)).objects.get(node, ("", "", 0.0))
        event = (uid, died_at) if order is None else (order.alert.fingerprint, order.alert.starts_at)
        own = act.services if order is None else tuple(s for s in act.services if self.apps[s].active == node)
        return oracle.Written(
            *(self.plane.elapsed, self.git_now, guard.truth, node, uid, event, own),
            is_alert=order is not None,
            is_forced=order is not None and order.is_forced,
        )

    def _wrong(self, guard: Guard, new: oracle.Written) -> list[str]:
        wrong = [f"{name} takes no part" for name in new.services if self.apps[name].mode is not Mode.ACT]
        wrong += ["it only observes"] if self.rules.mode is not Mode.ACT else []
        wrong += [f"{name} is elsewhere" for name in new.services if self.apps[name].active != new.node]
        if oracle.flips(guard.truth, new.node, self.plane.elapsed) >= 3:
            wrong.append(f"{new.node} flaps")
        return wrong

    def _move(self, app: App, by: str, key: str = "") -> None:
        app.side, app.moved_at, app.pods_gone, app.stray = app.side.other, self.plane.elapsed, frozenset(), ""
        self.truth.commits.append(oracle.Commit(self.git_now, app.name, app.side.value, by, key))

    def pods(self) -> dict[str, tuple[PodFact, ...]]:
        """One where Git has it, one on its way out where it was, and strays."""
        return {app.name: tuple(self._pods(app)) for app in self.apps.values()}

    def _pods(self, app: App) -> list[PodFact]:
        own, other = app.active, app.nodes[app.side.other]
        pods = []
        if own not in app.pods_gone:
            pods.append(PodFact("now", own, self._runs(own) and self.plane.elapsed - app.moved_at > 5.0))
        if app.moved_at > 0 and other not in app.pods_gone and other in self.plane.nodes and not self._runs(other):
            pods.append(PodFact("before", other, False))
        if app.stray:
            pods.append(PodFact("stray", app.stray, self._runs(app.stray)))
        return pods

    def _runs(self, node: str) -> bool:
        return node in self.plane.nodes and self.plane.nodes[node].ready == "True"

    def tell(self, what: str) -> None:
        """A step of a story."""
        match what:
            case "cut":
                node = self.node()
                node.is_up, self.hero = False, node.name
            case "again" if self.hero in self.plane.nodes:
                self.plane.nodes[self.hero].is_up = False
            case "back" if self.hero in self.plane.nodes:
                self.plane.nodes[self.hero].is_up = True
            case "other":
                self.node().is_up = False
            case "undo":
                for name in sorted({each.service for each in self.truth.commits if each.by == "automatic"}):
                    self._move(self.apps[name], "alice")
            case "acks":
                for name in self.apps:
                    self._ack(Ack("alice", self.plane.now, name))
            case "attest" | "alert" | "restart" | "order" | "taints":
                getattr(self, f"do_{what}")()

    # Nodes

    def node(self) -> Kubelet:
        """Any, but mostly one with services."""
        used = [app.active for app in self.apps.values() if app.active in self.plane.nodes]
        named = self.random.choice(used) if used and self.random.random() < 0.7 else self.random.choice(self.names)
        return self.plane.nodes.get(named) or next(iter(self.plane.nodes.values()))

    def do_cut(self) -> None:
        self.node().is_up = False

    def do_return(self) -> None:
        for node in self.plane.nodes.values():
            if not node.is_up and self.random.random() < 0.7:
                node.is_up, node.says, node.is_mute = True, "True", self.random.random() < 0.15

    def do_flap(self) -> None:
        node = self.node()
        for _ in range(self.random.choice([1, 3, 4])):
            node.is_up = False
            self.run(self.random.choice([30.0, 60.0]) / 2)
            self.run(15.0)
            self.run(15.0)
            node.is_up = True
            self.run(15.0)

    def do_unwell(self) -> None:
        self.node().says = "False"

    def do_well(self) -> None:
        for node in self.plane.nodes.values():
            node.says, node.is_cordoned, node.is_mute = "True", False, False

    def do_cordon(self) -> None:
        self.node().is_cordoned = True

    def do_mark(self) -> None:
        """A person sets the out-of-service taint, and Kubernetes takes the pods away."""
        node = self.node()
        if node.ready == "Unknown":
            node.is_out_of_service = True
            for app in self.apps.values():
                if self.random.random() < 0.8:
                    app.pods_gone |= {node.name}

    def do_unmark(self) -> None:
        for node in self.plane.nodes.values():
            node.is_out_of_service = False

    def do_delete_node(self) -> None:
        if len(self.plane.nodes) > 1:
            del self.plane.nodes[self.node().name]

    def do_make_anew(self) -> None:
        for name in self.names:
            if name not in self.plane.nodes:
                self.plane.add(name, uid=f"uid-{name}-{self.id()}", renews_at=self.random.uniform(0.0, 10.0))

    def do_node_clock(self) -> None:
        self.node().skew_s = self.random.choice([-7200.0, -60.0, 60.0, 7200.0])

    def do_network(self) -> None:
        """Most nodes are cut off at once."""
        for node in self.plane.nodes.values():
            node.is_up = node.is_up and self.random.random() < 0.4

    # The control plane

    def do_api_down(self) -> None:
        self.plane.is_up = False

    def do_api_up(self) -> None:
        self.plane.is_up = True

    def do_controller(self) -> None:
        self.plane.judges = not self.plane.judges
        if self.plane.judges:
            self.plane.restart_controller()

    def do_api_clock(self) -> None:
        self.plane.skew_s += self.random.choice([-3600.0, -10.0, 10.0, 3600.0])

    def do_restore(self) -> None:
        for node in self.plane.nodes.values():
            node.renewed_at = (node.renewed_at or NOW) - self.random.choice([60.0, 86_400.0])

    # Guards

    def guard(self) -> Guard:
        return self.random.choice(self.guards)

    def do_partition(self) -> None:
        guard = self.guard()
        guard.is_cut = not guard.is_cut

    def do_hang(self) -> None:
        """One kind, or all, are not heard of any more, and nothing says so."""
        guard = self.guard()
        guard.hung = set() if guard.hung else set(self.random.sample(KINDS, self.random.choice([1, 1, 2, 3])))

    def do_git_cut(self) -> None:
        guard = self.guard()
        guard.is_git_cut = not guard.is_git_cut

    def do_restart(self) -> None:
        self.guards[self.random.randrange(len(self.guards))] = Guard(self)

    def do_second_leader(self) -> None:
        if len(self.guards) < 3:
            self.guards.append(Guard(self))

    def do_sleep(self) -> None:
        self.guard().sleeps_until = self.plane.elapsed + self.random.choice([20.0, 60.0, 200.0])

    def do_mend(self) -> None:
        """All that is cut or hangs is well again."""
        self.plane.is_up = True
        for guard in self.guards:
            guard.is_cut = guard.is_git_cut = False
            guard.hung = set()

    # People

    def app(self) -> App:
        return self.random.choice(list(self.apps.values()))

    def do_move(self) -> None:
        self._move(self.app(), "alice")

    def do_ack(self) -> None:
        name, now = self.app().name, self.plane.now
        node = self.node().name
        self._ack(self.random.choice([Ack("alice", now, name), Ack("alice", now, "", node)]))

    def _ack(self, ack: Ack) -> None:
        others = (each for each in self.book.acks if (each.service, each.node) != (ack.service, ack.node))
        self.book = replace(self.book, acks=(*others, ack))
        self.truth.acks.append((self.git_now, ack.service or ack.node or ""))

    def do_pause(self) -> None:
        services = self.random.choice([(), (self.app().name,)])
        for_s = self.random.choice([60.0, 600.0])
        pause = Pause(self.id(), "alice", self.plane.now, self.plane.now + for_s, "work", services)
        self.book = replace(self.book, pauses=(*self.book.pauses, pause))
        begins = self.plane.elapsed
        self.truth.pauses.append((begins, begins + for_s, frozenset(services)))

    def do_attest(self) -> None:
        """As the service takes it: of a node that is not ready, and whose Lease has not been renewed."""
        node = self.node()
        if node.is_up or node.ready == "True":
            return
        said = Attestation(self.id(), "alice", self.plane.now, "off", node.name, node.uid, node.renewed_at)
        self.book = replace(self.book, attestations=(*self.book.attestations, said))
        self.truth.attested.append((self.plane.elapsed, INFINITY, node.uid, (node.renewed_at,)))

    def do_alert(self) -> None:
        node = self.node().name
        said = Witness(f"f-{node}", node, "NodeOff", self.plane.now)
        self.book = replace(self.book, witnesses=(*self._other_witnesses(node), said))
        self.truth.fires.append((self.plane.elapsed, INFINITY, node))

    def _other_witnesses(self, node: str) -> tuple[Witness, ...]:
        return tuple(each for each in self.book.witnesses if each.fingerprint != f"f-{node}")

    def do_resolve(self) -> None:
        node = self.node().name
        self.book = replace(self.book, witnesses=self._other_witnesses(node))
        now = self.plane.elapsed
        self.truth.fires = [(a, min(b, now) if n == node else b, n) for a, b, n in self.truth.fires]

    def do_order(self) -> None:
        """An alert asks for a move: of all on a node, or of a service that is down, or broken though it is Ready."""
        starts_at = self.truth.now(self.plane.elapsed) - self.random.choice([0.0, 60.0, 60.0, 4000.0])
        alert = Alert(f"f{self.random.randrange(5)}", starts_at, labels={"alertname": "Down"})
        order = self.random.choice(
            [
                AlertOrder(alert, node=self.node().name),
                AlertOrder(alert, services=(self.app().name,)),
                AlertOrder(alert, services=tuple(self.apps), is_forced=self.random.random() < 0.5),
            ]
        )
        for guard in self.guards:
            guard.orders.append(order)

    def do_taints(self) -> None:
        self.plane.taints = not self.plane.taints

    def do_stray(self) -> None:
        app = self.app()
        app.stray = "" if app.stray else self.random.choice(self.names)

    def do_relocate(self) -> None:
        app = self.app()
        app.relocating = "" if app.relocating else "01JD"


HAPPENINGS: Sequence[tuple[Callable[[World], None], int]] = [
    (World.do_cut, 8),
    (World.do_return, 4),
    (World.do_flap, 1),
    (World.do_unwell, 2),
    (World.do_well, 4),
    (World.do_cordon, 2),
    (World.do_mark, 3),
    (World.do_unmark, 1),
    (World.do_delete_node, 1),
    (World.do_make_anew, 3),
    (World.do_node_clock, 2),
    (World.do_network, 1),
    (World.do_api_down, 1),
    (World.do_api_up, 4),
    (World.do_controller, 1),
    (World.do_taints, 1),
    (World.do_api_clock, 1),
    (World.do_restore, 1),
    (World.do_partition, 2),
    (World.do_hang, 3),
    (World.do_git_cut, 2),
    (World.do_restart, 3),
    (World.do_second_leader, 4),
    (World.do_sleep, 2),
    (World.do_mend, 8),
    (World.do_move, 3),
    (World.do_ack, 2),
    (World.do_pause, 2),
    (World.do_attest, 5),
    (World.do_alert, 5),
    (World.do_resolve, 2),
    (World.do_stray, 2),
    (World.do_order, 3),
    (World.do_relocate, 1),
]


# What happens in a schedule beside what happens by chance: (what, for how long, s); chance alone has none.
STORIES: Sequence[Sequence[tuple[str, float]]] = [
    [],
    [("cut", 400.0)],
    [("cut", 250.0)],
    [("cut", 60.0), ("attest", 20.0), ("alert", 200.0)],
    [("cut", 60.0), ("attest", 10.0), ("alert", 10.0), ("back", 60.0), ("again", 250.0)],
    [("cut", 70.0), ("back", 20.0), ("again", 70.0), ("back", 20.0), ("again", 70.0), ("back", 20.0), ("again", 200.0)],
    [("cut", 170.0), ("back", 360.0), ("other", 200.0)],
    [("cut", 170.0), ("restart", 20.0), ("back", 360.0), ("other", 200.0)],
    [("cut", 50.0), ("restart", 30.0), ("order", 100.0)],
    [("taints", 0.0), ("cut", 250.0)],
    [("cut", 170.0), ("undo", 20.0), ("acks", 150.0)],
]


def run_one(seed: int) -> World:
    """Raises Violation. Most schedules begin quietly, and tell a story in which things happen by chance."""
    world = World(seed)
    choice = world.random
    liveliness = choice.choice([0.02, 0.05, 0.1, 0.3])
    for _ in range(choice.choice([0, 7, 7, 35])):
        world.run(10.0)
    for what, for_s in choice.choice(STORIES):
        world.tell(what)
        _go_on(world, for_s, liveliness)
    _go_on(world, 60.0, liveliness)
    return world


def _go_on(world: World, for_s: float, liveliness: float) -> None:
    until = world.plane.elapsed + for_s
    while world.plane.elapsed < until:
        if world.random.random() < liveliness:
            world.happen()
        world.run(world.random.choice([2.0, 5.0, 5.0, 10.0, 10.0, 20.0]))


def run_many(first: int, count: int) -> Counter[str]:
    """How many schedules there were, how many moved something, and how much. Raises Violation, with the seed."""
    counts: Counter[str] = Counter(schedules=count, moving=0, moves=0)
    for seed in range(first, first + count):
        try:
            world = run_one(seed)
        except Violation as exc:
            raise Violation(f"seed {seed}: {exc}") from None
        counts["moving"] += bool(world.moves)
        counts["moves"] += world.moves
    return counts


def main() -> None:
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    sys.stdout.write(f"{dict(run_many(first, count))}, no violation\n")


if __name__ == "__main__":
    main()
