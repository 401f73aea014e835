"""Guards of a schedule: processes that believe that they lead and do what the loop does; and the apps they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Side
from failover_api.core.safety import governance, judgement
from failover_api.core.safety.governance import (
    Act,
    AlertOrder,
    Book,
    DataFact,
    GitFacts,
    LastMove,
    Permit,
    PodFact,
    ServiceFacts,
    Situation,
)
from tests.core.safety import oracle

if TYPE_CHECKING:
    from tests.core.safety.schedules import World

INFINITY = float("inf")
KINDS = ("nodes", "leases", "pods")


@dataclass
class App:
    """A service: where Git has it, what runs of it, and what is known of it."""

    name: str
    side: Side
    nodes: dict[Side, str]
    mode: Mode
    data_of: float
    is_protected: bool = True
    relocating: str = ""
    stray: str = ""  # a node on which a pod of it is Ready, whatever Git says
    pods_gone: frozenset[str] = frozenset()
    moved_at: float = -INFINITY

    @property
    def active(self) -> str:
        return self.nodes[self.side]


class Guard:
    """A process that believes that it leads. `ahead_s` is its clock's offset; it hears nothing of kinds in `hung`."""

    def __init__(self, world: World) -> None:
        self.world, self.ahead_s = world, world.random.uniform(100.0, 1e6)
        self.truth = oracle.Leader(world.plane.elapsed)
        self.is_cut = self.is_git_cut = False
        self.hung: set[str] = set()
        self.sleeps_until = 0.0
        self.seen: dict[str, tuple[float | None, Mapping[str, judgement.NodeSample]]] = {
            kind: (None, {}) for kind in KINDS
        }
        self.pods: dict[str, tuple[PodFact, ...]] | None = None
        self.apps: dict[str, tuple[Side, LastMove | None]] = {}
        self.git_failed_at: float | None = None
        self.git_read_at = -INFINITY
        self.book = Book()
        self.orders: list[AlertOrder] = []
        self.memory = judgement.with_flaps(world.flaps, now=world.plane.now, monotonic=self.clock)
        self.verdicts: judgement.Verdicts

    @property
    def clock(self) -> float:
        return self.ahead_s + self.world.plane.elapsed

    def round(self) -> None:
        """One round of the loop, as the package has it."""
        if self.world.plane.elapsed < self.sleeps_until:
            return
        self.hear(self.hung)
        self.read_git()
        situation = self.situation()
        acts: list[tuple[Act, AlertOrder | None]] = [(act, None) for act in governance.decide(situation).acts]
        asked = [(governance.decide_alert(order, situation).act, order) for order in self.orders]
        acts += [(act, order) for act, order in asked if act is not None]
        for act, by in acts:
            self.carry_out(act, by)
        self.orders = [order for order in self.orders if self.world.random.random() < 0.7]  # some are sent again

    def carry_out(self, act: Act, order: AlertOrder | None) -> None:
        self.world.meanwhile(self, 0.0, 2.0)
        self.hear(set())
        if self.world.random.random() < 0.5:
            self.read_git()
        self.truth.checked_at = self.world.plane.elapsed
        permit = governance.recheck(act, self.situation(), order)
        self.world.meanwhile(self, 0.0, 2.5)
        if isinstance(permit, Permit) and permit.holds_at(self.clock):
            self.write(act, order)

    def hear(self, hung: set[str]) -> None:
        """Takes what the API server has, of all but those that hang; the book and the flaps are in the Lease."""
        plane = self.world.plane
        if self.is_cut or not plane.is_up:
            return
        self.book = self.world.book
        samples = plane.samples()
        pods = self.world.pods()
        for kind in KINDS:
            if kind not in hung:
                self.seen[kind] = self.clock, samples
                self.truth.shown.append(oracle.Shown(plane.elapsed, kind, pods if kind == "pods" else samples))
                if kind == "pods":
                    self.pods = pods

    def read_git(self) -> None:
        if self.is_git_cut:
            self.git_failed_at = self.clock
            return
        self.git_failed_at, self.git_read_at = None, self.clock
        self.truth.read_git_at = self.world.plane.elapsed
        self.apps = {name: (app.side, self.world.last_move(name)) for name, app in self.world.apps.items()}

    def situation(self) -> Situation:
        self.memory, self.verdicts = judgement.step(self.memory, self.sample(), self.world.rules)
        self.book = self.book.current(self.verdicts)
        if not self.is_cut and self.world.plane.is_up:
            self.world.book = self.world.book.current(self.verdicts)
            flaps = judgement.flaps_as_json(self.memory, now=self.verdicts.now, monotonic=self.clock)
            self.world.flaps = flaps
        facts = tuple(self.facts(app) for app in self.world.apps.values() if app.name in self.apps)
        git_now = None if self.git_read_at == -INFINITY else self.world.git_now
        return Situation(self.verdicts, self.world.rules, facts, GitFacts(git_now, self.git_failed_at), self.book)

    def sample(self) -> judgement.Sample:
        (nodes_at, nodes), (leases_at, leases) = self.seen["nodes"], self.seen["leases"]
        if nodes is leases:
            return judgement.Sample(self.world.plane.now, self.clock, nodes, nodes_at, leases_at)
        merged = {
            name: replace(node, renewed_at=leases[name].renewed_at if name in leases else None)
            for name, node in nodes.items()
        }
        return judgement.Sample(self.world.plane.now, self.clock, merged, nodes_at, leases_at)

    def facts(self, app: App) -> ServiceFacts:
        side, last = self.apps[app.name]
        return ServiceFacts(
            name=app.name,
            mode=app.mode,
            side=side,
            active=app.nodes[side],
            targets=(app.nodes[side.other],),
            read_at=self.git_read_at,
            pods=None if self.pods is None else self.pods.get(app.name, ()),
            pods_heard_at=self.seen["pods"][0],
            hazards=(),
            data=DataFact(as_of=app.data_of, is_protected=app.is_protected),
            last_move=last,
            relocating=app.relocating,
        )

    def write(self, act: Act, order: AlertOrder | None) -> None:
        if self.is_git_cut:
            self.git_failed_at = self.clock
        else:
            self.world.commit(self, act, order)
