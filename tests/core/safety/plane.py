"""A control plane in pure values: kubelets that renew Leases, and a controller that judges them, with their real times.

A kubelet renews its Lease every 10 s; the controller looks every 5 s, says Unknown 50 s after it last saw a Lease
change, and sets NoExecute a moment later, but in a storm. Everything happens in ticks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from failover_api.core.catalog.automatic import Automatic
from failover_api.core.safety.judgement import START, NodeSample, NodeState, Sample, Verdicts, ViewState, step

NOW = 1_796_068_800.0  # the API server's time when a plane begins
RENEW_S, PERIOD_S, GRACE_S, TAINT_S, RETURN_S = 10.0, 5.0, 50.0, 0.5, 1.0


@dataclass
class Kubelet:
    """`is_up`: it runs and reaches the API server. `says` is what it says of itself, `skew_s` its clock's error.

    `is_mute`: it renews its Lease and says nothing, as where a webhook refuses what it says.
    """

    name: str
    uid: str
    is_up: bool = True
    says: str = "True"
    skew_s: float = 0.0
    is_cordoned: bool = False
    renews_at: float = 0.0
    returned_at: float | None = None
    ready: str = "True"
    ready_since: float = NOW - 9000.0
    renewed_at: float | None = None
    heard: tuple[float | None, float] = (None, 0.0)  # what the controller saw of its Lease, and when that changed
    taints_at: float | None = None
    is_evicted: bool = False
    is_out_of_service: bool = False
    is_mute: bool = False


@dataclass
class Plane:
    """`elapsed` is the time since it began (s). `is_up`: the API server is; the controller `judges` and `taints`."""

    nodes: dict[str, Kubelet] = field(default_factory=dict)
    elapsed: float = 0.0
    is_up: bool = True
    judges: bool = True
    taints: bool = True
    skew_s: float = 0.0  # of the API server's clock
    looks_at: float = 0.0
    tick_s: float = 0.5

    @property
    def now(self) -> float:
        return NOW + self.elapsed + self.skew_s

    def add(self, name: str, *, uid: str = "", renews_at: float = 0.0) -> Kubelet:
        kubelet = Kubelet(name, uid or f"uid-{name}", renews_at=self.elapsed + renews_at)
        kubelet.renewed_at = self.now
        kubelet.heard = (self.now, self.elapsed)
        self.nodes[name] = kubelet
        return kubelet

    def run(self, for_s: float) -> None:
        until = self.elapsed + for_s
        while self.elapsed < until - 1e-6:
            self.elapsed = min(self.elapsed + self.tick_s, until)
            if self.is_up:
                self._tick()

    def restart_controller(self) -> None:
        for kubelet in self.nodes.values():
            kubelet.heard = (kubelet.renewed_at, self.elapsed)

    def samples(self) -> Mapping[str, NodeSample]:
        return {
            each.name: NodeSample(
                each.name,
                each.uid,
                each.ready,
                float(int(each.ready_since)),
                each.renewed_at,
                each.is_cordoned,
                each.is_evicted,
                each.is_out_of_service,
            )
            for each in self.nodes.values()
        }

    def _tick(self) -> None:
        for kubelet in self.nodes.values():
            if kubelet.is_up:
                self._beat(kubelet)
        if self.judges and self.elapsed >= self.looks_at:
            self.looks_at = self.elapsed + PERIOD_S
            for kubelet in self.nodes.values():
                self._judge(kubelet)
        self._taint()

    def _beat(self, kubelet: Kubelet) -> None:
        if self.elapsed >= kubelet.renews_at:
            kubelet.renews_at = self.elapsed + RENEW_S
            kubelet.renewed_at = self.now + kubelet.skew_s
            if kubelet.ready == "Unknown" and kubelet.returned_at is None:
                kubelet.returned_at = self.elapsed + RETURN_S
        if kubelet.is_mute or (kubelet.returned_at is not None and self.elapsed < kubelet.returned_at):
            return
        if kubelet.ready != kubelet.says and (kubelet.ready != "Unknown" or kubelet.returned_at is not None):
            self._set(kubelet, kubelet.says, self.now + kubelet.skew_s)
            kubelet.returned_at = None

    def _judge(self, kubelet: Kubelet) -> None:
        if kubelet.heard[0] != kubelet.renewed_at:
            kubelet.heard = (kubelet.renewed_at, self.elapsed)
        if self.elapsed - kubelet.heard[1] >= GRACE_S and kubelet.ready != "Unknown":
            self._set(kubelet, "Unknown", self.now)

    def _set(self, kubelet: Kubelet, ready: str, at: float) -> None:
        kubelet.ready, kubelet.ready_since = ready, at
        kubelet.taints_at = self.elapsed + TAINT_S if ready == "Unknown" else None
        if ready != "Unknown":
            kubelet.is_evicted = False

    def _taint(self) -> None:
        if not self.taints:
            return
        bad = [each for each in self.nodes.values() if each.ready != "True"]
        if len(bad) == len(self.nodes):
            for each in bad:
                each.is_evicted = False
        elif not (len(bad) > 2 and len(bad) >= 0.55 * len(self.nodes)):
            for each in bad:
                if each.ready == "Unknown" and each.taints_at is not None and self.elapsed >= each.taints_at:
                    each.is_evicted = True


def plane_of(*names: str) -> Plane:
    """Nodes that renew at times of their own."""
    plane = Plane()
    for index, name in enumerate(names):
        plane.add(name, renews_at=(2.0 + 3.5 * index) % RENEW_S)
    return plane


class Watcher:
    """A leader that looks once a second at all that the API server has. `ahead_s` is its own clock's offset."""

    def __init__(self, plane: Plane, rules: Automatic, *, ahead_s: float = 5000.0) -> None:
        self.plane, self.rules, self.ahead_s = plane, rules, ahead_s
        self.memory = START
        self.heard_at: float | None = self.clock
        self.seen = plane.samples()
        self.is_cut = False
        self.verdicts: Verdicts

    @property
    def clock(self) -> float:
        return self.ahead_s + self.plane.elapsed

    def sample(self) -> Sample:
        return Sample(self.plane.now, self.clock, self.seen, self.heard_at, self.heard_at)

    def look(self) -> Verdicts:
        if self.plane.is_up and not self.is_cut:
            self.heard_at, self.seen = self.clock, self.plane.samples()
        self.memory, self.verdicts = step(self.memory, self.sample(), self.rules)
        return self.verdicts

    def watch(self, for_s: float) -> list[Verdicts]:
        seen = []
        for _ in range(round(for_s)):
            self.plane.run(1.0)
            seen.append(self.look())
        return seen

    def until(self, is_so: Callable[[Verdicts], bool], *, at_most_s: int = 1000) -> int:
        """For how long it looked until that was so (s)."""
        for waited in range(1, at_most_s + 1):
            [seen] = self.watch(1)
            if is_so(seen):
                return waited
        raise AssertionError(f"not within {at_most_s} s")

    def states(self, name: str, for_s: float) -> list[NodeState]:
        return [seen.nodes[name].state for seen in self.watch(for_s)]

    def state(self, name: str) -> NodeState:
        return self.verdicts.nodes[name].state

    @property
    def view(self) -> ViewState:
        return self.verdicts.view.state
