"""A model of all that a relocation works on: Git, Flux, a Deployment and its pods, two claims, replication, fate.

One second a tick. The app writes numbered bytes, and each is acknowledged when it is written.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from failover_api.core.catalog.model import Side
from failover_api.core.safety.relocation.gitview import GitView, Made
from failover_api.core.safety.relocation.places import ABSENT, Document, Place, Standing
from failover_api.core.safety.relocation.sight import LOST_AFTER_S, Ends, Holder, Running, Sight
from failover_api.core.safety.relocation.steps import parse_label
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.relocation.values import PlannedEdit, manual, paused
from tests.core.safety.relocation.ground import CLAIM, CLAIMS, NODES, REPLICAS
from tests.core.safety.relocation.volsync_model import Disk, End, Pair

DOWN_SEEN_S = 5  # after which a node that does not answer is seen not to be ready


@dataclass(frozen=True)
class Version:
    """A commit. `label` is "" of one that is not ours."""

    values: dict[Place, Standing]
    at: float
    label: str = ""
    proof: str = ""


@dataclass
class Machine:
    """A node. Cut off it goes on running what it has."""

    is_on: bool = True
    is_linked: bool = True
    well_since: float = -100.0

    @property
    def is_well(self) -> bool:
        return self.is_on and self.is_linked


@dataclass
class Pod:
    """`stops_at` is when it ends by itself, once it was told to. A Job's pod has `ends_at`, and stays when it ended."""

    name: str
    side: Side
    created_at: float
    ready_at: float
    stops_at: float | None = None
    ends_at: float | None = None
    has_ended: bool = False

    def runs(self, now: float, machine: Machine) -> bool:
        return machine.is_on and now >= self.ready_at and not self.has_ended


@dataclass
class Applier:
    """A Kustomization: what it has applied, and when it comes again."""

    version: int = 0
    next_at: float = 0.0
    is_suspended: bool = False


@dataclass
class World:
    subject: Subject
    random: Random
    pairs: dict[Side, Pair]  # by the side that they bring data to
    former: dict[Place, Standing]
    skew: float = 0.0  # of VolSync's clock
    flux_lag: int = 10
    now: float = 1_000_000.0
    versions: list[Version] = field(default_factory=list)
    machines: dict[Side, Machine] = field(default_factory=lambda: {side: Machine() for side in Side})
    disks: dict[str, Disk] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)
    appliers: dict[str, Applier] = field(default_factory=lambda: {name: Applier() for name in ("app", "replication")})
    replicas: int = 1
    generation: int = 1
    side: Side = Side.BACKUP
    acknowledged: list[tuple[int, float, Side]] = field(default_factory=list)
    sights: deque[Sight] = field(default_factory=lambda: deque(maxlen=4))
    wrongs: list[str] = field(default_factory=list)
    is_watched: bool = True  # whether a replication that writes into the side in use is ours

    def __post_init__(self) -> None:
        self.versions.append(Version(dict(self.former), self.now))
        self.side = self.subject.origin
        self.disks = {claim: Disk(side.value, frozenset(range(20))) for side, claim in CLAIMS.items()}
        self.pods.append(Pod("sonarr-0", self.side, self.now - 500, self.now - 490))
        self._number, self._pods = 1000, 1

    # Git

    @property
    def values(self) -> dict[Place, Standing]:
        return self.versions[-1].values

    def git(self) -> GitView:
        labelled = [(version, parse_label(version.label)) for version in self.versions if version.label]
        made = tuple(Made(label[0], version.at, version.proof, label[1]) for version, label in labelled if label)
        return GitView(dict(self.values), dict(self.former), made)

    def write(self, head: int, edits: tuple[PlannedEdit, ...], label: str, proof: str) -> bool:
        """A compare-and-swap: False when another version has come."""
        if head != len(self.versions):
            return False
        self.put({edit.place: edit.new for edit in edits}, label, proof)
        return True

    def put(self, changes: dict[Place, Standing], label: str = "", proof: str = "") -> None:
        self.versions.append(Version({**self.values, **changes}, float(int(self.now)), label, proof))

    # What goes on by itself

    def tick(self) -> None:
        self.now += 1.0
        for name, applier in self.appliers.items():
            if self.now >= applier.next_at and not applier.is_suspended:
                applier.next_at = self.now + self.random.randint(1, self.flux_lag)
                applier.version = len(self.versions) - 1
                self._apply(name, self.versions[applier.version].values)
        self._control()
        for side, claim in CLAIMS.items():
            self.disks[claim].is_up = self.machines[side].is_well
        self._write()
        for side, pair in self.pairs.items():
            pair.tick(self.now, self.disks)
            if pair.wrote and self.is_watched and any(pod.side is side for pod in self._running()):
                self.wrongs.append(f"the replication to {side} writes into the side in use")
        self.sights.append(self._sight())

    def _apply(self, name: str, values: dict[Place, Standing]) -> None:
        if name == "app":
            number = values[REPLICAS]
            side = next(side for side, claim in CLAIMS.items() if claim == values[CLAIM])
            self.scale(int(number) if isinstance(number, int) else self.replicas or 1, side)
            return
        for end, document in self.ends():
            tag = values[manual(document)]
            end.apply(is_paused=values[paused(document)] is True, manual=tag if isinstance(tag, str) else "")

    def ends(self) -> Iterator[tuple[End, Document]]:
        for pair, documents in ((self.pairs.get(self.subject.target), self.subject.towards),
                                (self.pairs.get(self.subject.origin), self.subject.away)):  # fmt: skip
            if pair is not None and documents is not None:
                yield from zip(pair.ends, documents.both, strict=True)

    def scale(self, replicas: int, side: Side | None = None) -> None:
        wanted = (replicas, side or self.side)
        if wanted != (self.replicas, self.side):
            self.generation += 1
            self.replicas, self.side = wanted

    def _control(self) -> None:
        """As a Deployment with Recreate: no new pod before every old one is gone."""
        apps = [pod for pod in self.pods if pod.ends_at is None]
        for pod in apps:
            if (self.replicas == 0 or pod.side is not self.side) and pod.stops_at is None:
                pod.stops_at = self.now + self.random.choice((0, 1, 6, 25))
        for pod in list(self.pods):
            is_over = pod.stops_at is not None and self.now >= pod.stops_at and self.machines[pod.side].is_well
            if is_over:
                self.pods.remove(pod)
            if pod.ends_at is not None and self.now >= pod.ends_at and self.machines[pod.side].is_well:
                pod.has_ended = True
        if self.replicas and not [pod for pod in self.pods if pod.ends_at is None] and self.machines[self.side].is_well:
            self.start(self.side, self.random.randint(1, 5))

    def start(self, side: Side, after_s: int, lasts_s: int | None = None) -> None:
        ends_at = None if lasts_s is None else self.now + after_s + lasts_s
        kind = "sonarr" if lasts_s is None else "job"
        self.pods.append(Pod(f"{kind}-{self._pods}", side, self.now, self.now + after_s, ends_at=ends_at))
        self._pods += 1

    def _running(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.ends_at is None and pod.runs(self.now, self.machines[pod.side])]

    def _write(self) -> None:
        if len(self._running()) > 1:
            self.wrongs.append("two pods of the app write")
        for pod in self.pods:
            if pod.runs(self.now, self.machines[pod.side]) and self.random.random() < 0.5:
                self._number += 1
                disk = self.disks[CLAIMS[pod.side]]
                disk.content |= {self._number}
                self.acknowledged.append((self._number, self.now, pod.side))

    # What is seen

    def sight(self) -> Sight:
        """What a watch has, which may lag."""
        return self.random.choice(list(self.sights))

    def _sight(self) -> Sight:
        target, origin = self.subject.target, self.subject.origin
        serving = [pod for pod in self._running() if pod.side is target and self.machines[target].is_well]
        is_serving = bool(serving) and self.values[CLAIM] == CLAIMS[target]
        holders = [
            Holder(pod.name, CLAIMS[pod.side], NODES[pod.side], False, pod.has_ended, float(int(pod.created_at)))
            for pod in self.pods
        ]
        towards, away = self.pairs.get(target), self.pairs.get(origin)
        lost = [name for side in (origin, target) for name in self._down(side, for_s=LOST_AFTER_S)]
        return Sight(
            now=float(int(self.now)),
            towards=self._seen(towards),
            away=self._seen(away),
            holders=(*holders, *self._movers(towards, is_ours=True), *self._movers(away, is_ours=False)),
            workload=Running("sonarr", "uid-1", self.generation, self.generation, self.replicas),
            origin_down=self._down(origin),
            target_down=self._down(target),
            lost=tuple(lost),
            is_serving=is_serving,
            why_not_serving="" if is_serving else "No pod is ready there.",
        )

    def _seen(self, pair: Pair | None) -> Ends:
        return Ends() if pair is None else Ends(pair.source.seen(self.skew), pair.destination.seen(self.skew))

    def _down(self, side: Side, for_s: float = 0.0) -> tuple[str, ...]:
        machine = self.machines[side]
        if machine.is_well:
            machine.well_since = self.now
        return () if self.now - machine.well_since < DOWN_SEEN_S + for_s else (NODES[side],)

    def _movers(self, pair: Pair | None, *, is_ours: bool) -> Iterator[Holder]:
        if pair is not None and pair.destination.runs:
            yield Holder(f"mover-{pair.destination.name}", pair.destination.claim, is_mover=is_ours)

    def is_up(self) -> bool:
        return any(self.machines[pod.side].is_well for pod in self._running())

    def tags_in_git(self) -> list[str]:
        return [
            str(value) for value in self.values.values() if value is not ABSENT and str(value).startswith("failover-")
        ]
