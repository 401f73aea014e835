"""How far a service is in its cluster, in one word, with the reason and the cure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.state import Detection, Reading, State, combine_states, is_same, state_of
from failover_api.core.safety.observed import Autoscaler, Kustomization, Pod, View
from failover_api.core.safety.relocation.marks import operation_on
from failover_api.core.safety.rollout.appliers import (
    CHECKED_IN_VAIN,
    Appliers,
    find_appliers,
    find_substituting,
    why_not_applied,
    workload_in,
)
from failover_api.core.safety.rollout.blocked import Facts, why_not_ready
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.expectation import (
    NAME_WORKLOAD,
    Expectation,
    expectation,
    is_replicas,
    is_variable,
    label_of,
    substituted_by,
)
from failover_api.core.safety.rollout.live import Index, Live, Workload, find_live, index_of, kind_of
from failover_api.core.safety.rollout.place import Place, place_of
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.splice import Value
from failover_api.core.splice.paths import Where
from failover_api.core.wording import shell_word


class _Unseen(Enum):
    """In place of a value: what stands there in the cluster is not looked at."""

    UNSEEN = 0


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A service in its cluster. Times are those of the cluster's clocks (s); None: not known.

    `side` is where what runs belongs, which may not be where Git has it. `node` and `pod` are "" where there is none.
    `started_at` and `ready_at` are of that pod, and so is `mismatch`: why it is not the one that Git asks for, "" when
    it is. `is_behind`: its HelmRelease has not taken up the newest change.
    """

    seen_at: float
    side: State
    stage: Stage
    node: str = ""
    pod: str = ""
    since: float | None = None
    reason: str = ""
    cure: str = ""
    started_at: float | None = None
    ready_at: float | None = None
    pod_uid: str = ""
    is_ready: bool = False
    mismatch: str = ""
    is_behind: bool = False
    appliers: Appliers = field(default_factory=Appliers)


def cluster_state(
    service: Service, detection: Detection, view: View, *, was_seen: bool = False, index: Index | None = None
) -> ClusterState | None:
    """What is seen of a service; None where nothing is: no cluster, or neither its workload nor who applies it.

    `was_seen`: something of it was seen before. `index` is the view's, where many services are looked for in it. That
    the app answers (`verify`) is another matter.
    """
    seen_at = _seen_at(view)
    if service.is_elsewhere or seen_at is None or not view.answers:
        return None
    expected, substituting = expectation(service, detection), _substituting(detection, view)
    if expected.workload is None and substituting.kustomization is not None:
        expected = replace(expected, workload=workload_in(substituting.kustomization))
    if expected.workload is None:
        return ClusterState(
            seen_at, State.UNKNOWN, Stage.UNKNOWN, reason=expected.why, cure=NAME_WORKLOAD, appliers=substituting
        )
    index = index or index_of(view)
    live = find_live(index, expected.workload, _claims_of(service))
    appliers = find_appliers(view, service, expected.workload, live)
    can_roll = service.unblocked is None and expected.side is State.BACKUP
    relocation, by = operation_on(service, view), substituting.kustomization
    found = _Assessment(expected, live, appliers, index, seen_at, can_roll, service, relocation, by)
    if live.workload is None:
        return found.without_workload(was_seen=was_seen)
    return replace(found.of_workload(live.workload), appliers=appliers)


def _substituting(detection: Detection, view: View) -> Appliers:
    """Whose variables the switches are; nobody, where they are anything else."""
    named = substituted_by(detection)
    return find_substituting(view, *named) if named is not None else Appliers()


def _seen_at(view: View) -> float | None:
    """When the pods were seen; else anything of the workloads."""
    kinds = (view.pods, view.deployments, view.stateful_sets, view.kustomizations)
    return next((kind.seen_at for kind in kinds if kind.seen_at is not None), None)


def _claims_of(service: Service) -> Iterator[str]:
    return (str(switch.value(side)) for switch in service.switches if switch.is_claim for side in Side)


@dataclass(frozen=True, slots=True)
class _Assessment:
    expected: Expectation
    live: Live
    appliers: Appliers
    index: Index
    now: float
    can_roll: bool
    service: Service
    relocation: str  # the operation of one that is under way, or ""
    substituting: Kustomization | None  # whose variables the switches are

    @property
    def view(self) -> View:
        return self.index.view

    def without_workload(self, *, was_seen: bool) -> ClusterState | None:
        named = self.expected.workload
        assert named is not None, "it has a name"
        if self.live.why:
            cure = NAME_WORKLOAD if self.live.is_seen else ""
            is_known = self.live.is_seen or was_seen or self.appliers.kustomization is not None
            return self._state(Stage.UNKNOWN, Cause(self.live.why, cure)) if is_known else None
        if self.live.release is not None:
            cause = next((cause for cause in [why_not_applied(self.appliers)] if cause.is_final), None)
            missing = Cause("The release has no workload in the cluster yet.", is_final=False)
            return self._state(Stage.BLOCKED if cause else Stage.WAITING_FOR_APPLY, cause or missing)
        is_listed = self.appliers.kustomization is not None
        if not is_listed and not was_seen:
            return None
        where = f"{named.namespace}/{named.name}" if named.namespace else named.name
        return self._state(
            Stage.ABSENT,
            Cause(
                f"{named.kind} {where} is not in the cluster.",
                "Was it deleted by hand, or pruned? Flux makes it anew with its next reconciliation.",
            ),
        )

    def of_workload(self, workload: Workload) -> ClusterState:
        if self._is_left_behind() or any(self._differs(reading, workload) for reading in self.expected.readings):
            return self._not_applied()
        if workload.replicas == 0:
            return self._state(Stage.STOPPED, self._why_stopped(workload))
        if not self.live.is_seen:
            return self._state(Stage.UNKNOWN, Cause(self.live.why))
        place, release = place_of(self.expected, self.live, self.view), self._release_failure()
        if workload.is_behind:  # which pods are of the present template, is not known yet
            return self._state(Stage.ROLLING_OUT, Cause("Kubernetes has not taken up the change yet."))
        if self._awaits_release():
            return self._state(Stage.ROLLING_OUT, Cause("Flux has not taken up the release's change yet."))
        for pod in self._newest_first():
            if pod.is_ready and place.holds(pod):
                cause = Cause("", since=pod.ready.since if pod.ready else None)
                return self._of_pod(Stage.SERVING, pod, cause, place)
        if release is not None:
            return self._state(Stage.BLOCKED, release)
        cause = why_not_ready(Facts(self.live, place, self.index, self.now, self.can_roll))
        coming = [pod for pod in self.live.pods if pod.deletion_at is None and not pod.has_ended]
        pod_or_none = next((pod for pod in coming if pod.name in self.live.current or place.holds(pod)), None)
        stage = Stage.BLOCKED if cause.is_final else Stage.ROLLING_OUT
        return self._of_pod(stage, pod_or_none, cause, place)

    def _newest_first(self) -> list[Pod]:
        """Those of the present template before others."""
        return sorted(self.live.pods, key=lambda pod: (pod.name not in self.live.current, -(pod.created_at or 0.0)))

    def _awaits_release(self) -> bool:
        """Whether what runs may be of an older release, and nothing of it can be compared with Git."""
        release = self.live.release
        is_under_way = release is not None and release.is_behind and not release.is_suspended
        return is_under_way and self._release_failure() is None and self._side() is State.UNKNOWN

    def _not_applied(self) -> ClusterState:
        cause = why_not_applied(self.appliers)
        return self._state(Stage.BLOCKED if cause.is_final else Stage.WAITING_FOR_APPLY, cause)

    def _release_failure(self) -> Cause | None:
        """What Helm made of it, where a chart's values are more than the pod shows."""
        if self.appliers.release is None:
            return None
        cause = why_not_applied(self.appliers)
        return cause if cause.is_final else None

    def _why_stopped(self, workload: Workload) -> Cause:
        if self.expected.is_asleep:
            return Cause("Git has its replicas at 0.")
        if self.relocation:
            return Cause(
                f"Relocation {self.relocation} has stopped it, to bring over what was written.",
                "It is started again by itself; sooner, and where it was, by "
                f"`failover relocate {shell_word(self.service.name)} --abort`.",
            )
        if self.service.replication is not None and not self.service.replication.pairs:
            name = shell_word(self.service.name)
            return Cause(
                "Its replicas are 0. If a relocation has stopped it, nothing else in the cluster says so.",
                f"`failover history {name}` tells. If none is under way: put `replicas: 1` in the manifest.",
            )
        scaler = _disabled_scaler(self.view, workload)
        if scaler is not None:
            return Cause(
                f"Its replicas are 0, so the autoscaler {scaler.name} is off.",
                "Put `replicas: 1` in the manifest, or `kubectl scale` it.",
                scaler.scaling_active.since if scaler.scaling_active else None,
            )
        return Cause(
            "Its replicas are 0: its manifest says so, or somebody scaled it.",
            "Put `replicas: 1` in the manifest; where that stands already, wait until it is applied again.",
        )

    def _state(self, stage: Stage, cause: Cause) -> ClusterState:
        return ClusterState(
            self.now, self._side(), stage, since=cause.since, reason=cause.reason, cure=cause.cure,
            appliers=self.appliers, is_behind=self.live.release is not None and self.live.release.is_behind,
        )  # fmt: skip

    def _of_pod(self, stage: Stage, pod: Pod | None, cause: Cause, place: Place) -> ClusterState:
        state = self._state(stage, cause)
        if pod is None:
            return state
        return replace(
            state, node=pod.node, pod=pod.name, started_at=pod.created_at,
            ready_at=pod.ready.since if pod.is_ready and pod.ready is not None else None,
            pod_uid=pod.uid, is_ready=pod.is_ready, mismatch=self._mismatch(pod, place),
        )  # fmt: skip

    def _mismatch(self, pod: Pod, place: Place) -> str:
        """Why the pod is not the one that Git asks for, as far as one can tell."""
        if pod.node and place.nodes is not None and pod.node not in place.nodes:
            return f"{pod.name} is on {pod.node}, which is no node of this side"
        if not place.claims <= set(pod.claims):
            return f"{pod.name} has not the claims of this side"
        is_current = pod.name in self.live.current or not self.live.knows_current
        return "" if is_current else f"{pod.name} was made from an earlier template"

    def _side(self) -> State:
        """The side that the live workload is on, by all that can be compared."""
        if self.live.workload is None:
            return State.UNKNOWN
        states = [
            state_of(reading.switch, value)
            for reading in self.expected.readings
            if (value := self._live_value(reading, self.live.workload)) is not _Unseen.UNSEEN
        ]
        return combine_states(states) if states else State.UNKNOWN

    def _is_left_behind(self) -> bool:
        """Whether its variables are in the cluster, and what is made with them is not: no pod shows that."""
        by = self.substituting
        if by is None or not by.is_behind:
            return False
        ready = by.ready_now
        return ready is None or (ready.status == "False" and ready.reason != CHECKED_IN_VAIN)

    def _differs(self, reading: Reading, workload: Workload) -> bool:
        value = self._live_value(reading, workload)
        return value is not _Unseen.UNSEEN and not is_same(value, reading.value)

    def _live_value(self, reading: Reading, workload: Workload) -> Value | _Unseen:
        """What stands at a switch in the cluster; _Unseen.UNSEEN where that is not looked at."""
        if not is_variable(reading):
            return _live_value(reading, workload)
        known = self.substituting.variables if self.substituting is not None else {}
        return known.get(str(reading.switch.path[-1]), _Unseen.UNSEEN)


def _live_value(reading: Reading, workload: Workload) -> Value | _Unseen:
    """The same of a switch that stands in what runs, or in the values it is made from."""
    if is_replicas(reading):
        return workload.replicas if workload.replicas is not None else _Unseen.UNSEEN
    if label := label_of(reading):
        return workload.template.node_selector.get(label, "")
    if reading.switch.is_claim:
        return _live_claim(reading, workload)
    return _Unseen.UNSEEN


def _live_claim(reading: Reading, workload: Workload) -> Value | _Unseen:
    """By the name of its volume; in a chart's values there is none, and that of a side has to be among them."""
    claims = workload.template.claims
    if (volume := _volume_of(reading)) and reading.kind == kind_of(workload):
        return claims.get(volume, "")
    sides: Sequence[Value] = [reading.switch.primary, reading.switch.backup]
    if reading.value in claims.values():
        return reading.value
    return next((side for side in sides if side in claims.values()), _Unseen.UNSEEN)


def _volume_of(reading: Reading) -> str:
    return next((step.value for step in reading.switch.path if isinstance(step, Where) and step.key == "name"), "")


def _disabled_scaler(view: View, workload: Workload) -> Autoscaler | None:
    for scaler in view.autoscalers.objects.values():
        target, active = scaler.target, scaler.scaling_active
        is_its = target is not None and (target.kind, target.name) == (kind_of(workload), workload.name)
        if is_its and scaler.namespace == workload.namespace and active is not None and active.status == "False":
            return scaler
    return None
