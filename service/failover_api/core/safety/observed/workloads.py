"""What runs: Deployments, StatefulSets, their pods, and what scales them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.safety.observed.nodes import NO_LABELS, NodeTerms, Toleration
from failover_api.core.safety.observed.objects import NOBODY, Applier, Condition, Owner, is_behind


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """Where a workload's pods may run, and on what: `claims` are by the name of the volume."""

    node_selector: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    node_terms: NodeTerms = ()
    tolerations: tuple[Toleration, ...] = ()
    claims: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


EMPTY_TEMPLATE = PodTemplate()


@dataclass(frozen=True, slots=True)
class Deployment:
    """`replicas` and `strategy` are of the spec; the other counts of the status, None where it does not say.

    Its conditions prove nothing of a blocked rollout: with Recreate they stay well for ever.
    """

    namespace: str
    name: str
    uid: str = ""
    generation: int | None = None
    observed_generation: int | None = None
    replicas: int | None = None
    strategy: str = ""
    is_paused: bool = False
    revision: str = ""
    template: PodTemplate = EMPTY_TEMPLATE
    updated_replicas: int | None = None
    ready_replicas: int | None = None
    conditions: tuple[Condition, ...] = ()
    applier: Applier = NOBODY

    @property
    def is_behind(self) -> bool:
        """Whether its status is of an older spec."""
        return is_behind(self.generation, self.observed_generation)


@dataclass(frozen=True, slots=True)
class StatefulSet:
    """As a Deployment, without conditions. `strategy` is that of its updates."""

    namespace: str
    name: str
    uid: str = ""
    generation: int | None = None
    observed_generation: int | None = None
    replicas: int | None = None
    strategy: str = ""
    pod_management: str = ""
    template: PodTemplate = EMPTY_TEMPLATE
    update_revision: str = ""
    updated_replicas: int | None = None
    ready_replicas: int | None = None
    applier: Applier = NOBODY

    @property
    def is_behind(self) -> bool:
        """Whether its status is of an older spec."""
        return is_behind(self.generation, self.observed_generation)


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """One revision of a Deployment."""

    namespace: str
    name: str
    uid: str = ""
    owner: Owner | None = None
    revision: str = ""
    replicas: int | None = None
    ready_replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    """`deletion_at` is when its grace ends, so it may be in the future. `claims` are those of its volumes.

    `revision` is the hash of the template it was made from. `waiting` is why a container does not run: its reason.
    `app` is the name that its labels give.
    """

    namespace: str
    name: str
    uid: str = ""
    owner: Owner | None = None
    app: str = ""
    revision: str = ""
    node: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    ready: Condition | None = None
    scheduled: Condition | None = None
    waiting: str = ""
    created_at: float | None = None
    deletion_at: float | None = None
    claims: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether it serves: a pod that has ended, or is on its way out, does not, whatever its condition says."""
        is_there = self.deletion_at is None and not self.has_ended
        return is_there and self.ready is not None and self.ready.is_true

    @property
    def has_ended(self) -> bool:
        return self.phase in {"Succeeded", "Failed"}


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """A HorizontalPodAutoscaler."""

    namespace: str
    name: str
    target: Owner | None = None
    scaling_active: Condition | None = None
