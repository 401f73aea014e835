"""All of a cluster that was seen: of each kind its objects and when that was, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Generic, TypeVar

from failover_api.core.safety.observed.appliers import Application, HelmRelease, Kustomization, Source
from failover_api.core.safety.observed.nodes import Lease, Node
from failover_api.core.safety.observed.objects import Key
from failover_api.core.safety.observed.volumes import Claim, Replication, StorageClass, Volume
from failover_api.core.safety.observed.workloads import Autoscaler, Deployment, Pod, ReplicaSet, StatefulSet

T = TypeVar("T")
EVERYWHERE = ""
NOT_LOOKED_AT = "it was not looked at"


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """The objects of one kind. `seen_at` is by the API server's clock, `heard_at` by ours; None: never.

    `unseen` says why there is nothing, or nothing newer, by namespace; EVERYWHERE: of all. `is_installed` is False when
    the cluster does not know the kind: then it surely has none. `is_forbidden`: what is unseen may not be read.
    """

    objects: Mapping[Key, T] = field(default_factory=dict)
    seen_at: float | None = None
    heard_at: float | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)
    is_installed: bool = True
    is_forbidden: bool = False

    def why_unseen(self, namespace: str = EVERYWHERE) -> str:
        """Why it is not known what a namespace has, "" when it is. EVERYWHERE: in any namespace."""
        if self.heard_at is None and not self.unseen:
            return NOT_LOOKED_AT
        if namespace == EVERYWHERE:
            return next(iter(self.unseen.values()), "")
        return self.unseen.get(EVERYWHERE) or self.unseen.get(namespace, "")

    @property
    def current(self) -> Mapping[Key, T]:
        """The objects that are seen now: those of before a kind fell silent may be others by now."""
        if not self.unseen:
            return self.objects
        return {key: each for key, each in self.objects.items() if not self.why_unseen(key[0])}


@dataclass(frozen=True, slots=True)
class View:
    """A cluster, each kind by itself: what could not be seen of one says nothing about another."""

    nodes: Seen[Node] = field(default_factory=Seen)
    leases: Seen[Lease] = field(default_factory=Seen)
    deployments: Seen[Deployment] = field(default_factory=Seen)
    stateful_sets: Seen[StatefulSet] = field(default_factory=Seen)
    replica_sets: Seen[ReplicaSet] = field(default_factory=Seen)
    pods: Seen[Pod] = field(default_factory=Seen)
    autoscalers: Seen[Autoscaler] = field(default_factory=Seen)
    claims: Seen[Claim] = field(default_factory=Seen)
    volumes: Seen[Volume] = field(default_factory=Seen)
    storage_classes: Seen[StorageClass] = field(default_factory=Seen)
    replication_sources: Seen[Replication] = field(default_factory=Seen)
    replication_destinations: Seen[Replication] = field(default_factory=Seen)
    kustomizations: Seen[Kustomization] = field(default_factory=Seen)
    helm_releases: Seen[HelmRelease] = field(default_factory=Seen)
    git_repositories: Seen[Source] = field(default_factory=Seen)
    oci_repositories: Seen[Source] = field(default_factory=Seen)
    buckets: Seen[Source] = field(default_factory=Seen)
    applications: Seen[Application] = field(default_factory=Seen)

    @classmethod
    def silent(cls, why: str) -> "View":
        """Nothing was seen of it, for one reason."""
        return cls(**{kind.name: Seen(unseen={EVERYWHERE: why}) for kind in fields(cls)})

    @property
    def heard_at(self) -> float | None:
        """When anything was heard, by our monotonic clock; None: nothing ever was."""
        kinds = [getattr(self, kind.name) for kind in fields(self)]
        return max((seen.heard_at for seen in kinds if seen.heard_at is not None), default=None)

    @property
    def answers(self) -> bool:
        """Whether anything of it is seen now; what was seen before may still be there when it is not.

        That it does not know a kind is no answer: it is asked for that seldom, and may be no cluster.
        """
        kinds = [getattr(self, kind.name) for kind in fields(self)]
        return any(seen.heard_at is not None and not seen.unseen and seen.is_installed for seen in kinds)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing of it but what may not be read."""
        kinds = [getattr(self, kind.name) for kind in fields(self)]
        return all(seen.is_forbidden or not seen.unseen for seen in kinds)

    @property
    def why_unseen(self) -> str:
        """Why nothing at all was seen; "" when something was."""
        return "" if self.heard_at is not None else self.nodes.why_unseen()
