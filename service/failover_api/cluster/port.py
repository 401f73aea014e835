"""Cluster: what the use cases need of a Kubernetes cluster, in the plain values of core/safety/observed.

It is read, and never waited for longer than it takes to say that it cannot be seen. No method raises an error but
those that say so, and what is not seen is said to be unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from failover_api.core.automatic.election import LeaseRecord
from failover_api.core.safety.observed import View
from failover_api.host_clock import HostClock

Scope = frozenset[str] | None  # the namespaces of the services; None: any


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource that was asked about, as RBAC names them; `namespace` "" is all of them."""

    verb: str
    group: str
    resource: str
    namespace: str
    is_allowed: bool


class LeaseStore(Protocol):
    """One Lease that is ours to write: by compare-and-swap, so of two who write at once only one does."""

    async def now(self) -> float:
        """The API server's time (s). Raises ClusterFailure."""
        ...

    async def read(self) -> LeaseRecord | None:
        """As it is now; None: there is none. Raises ClusterFailure."""
        ...

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Raises ObjectChanged when there is one already, ObjectMissing without its namespace; ClusterFailure."""
        ...

    async def replace(self, record: LeaseRecord) -> LeaseRecord:
        """Raises ObjectChanged when somebody wrote since it was read, ObjectMissing when it is gone; ClusterFailure."""
        ...


class NodeFence(Protocol):
    """The one change of nodes that there is: the taint out-of-service."""

    async def why_unguarded(self, node: str) -> str:
        """Why nothing is known to keep us from other changes of this node, "" when a policy does.

        Asked by a dry run of a label, which the policy has to refuse. Raises ClusterFailure.
        """
        ...

    async def set(self, node: str, uid: str) -> bool:
        """Taints it, if it is not being heard of; whether that changed anything.

        Raises ObjectMissing when there is no such node of this UID, ClusterRejected when it is being heard of, or when
        a policy denies it; ClusterFailure.
        """
        ...

    async def clear(self, node: str, uid: str) -> bool:
        """Takes the taint off; whether that changed anything. Raises as set()."""
        ...


class Cluster(Protocol):
    """A cluster that may be there."""

    @property
    def what(self) -> str:
        """Which cluster it is, in words."""
        ...

    @property
    def clock(self) -> HostClock:
        """The API server's wall clock, by its answers."""
        ...

    async def look(self, scope: Scope) -> View:
        """What these namespaces need, as it is now: from memory while it is watched, else it is asked for.

        Takes no longer than FAILOVER_CLUSTER_TIMEOUT_S.
        """
        ...

    def view(self) -> View:
        """What is known from watching, without asking; unseen when it is not watched."""
        ...

    def watch(self, scope: Callable[[], Scope]) -> None:
        """Begins to keep in memory what these namespaces need, until aclose(). `scope` may change meanwhile."""
        ...

    async def version(self) -> str:
        """The API server's version. Raises ClusterFailure."""
        ...

    async def review(self, scope: Scope) -> Sequence[Right]:
        """What we may do of all that is needed; for each kind everywhere, or by namespace. Raises ClusterFailure."""
        ...

    async def review_lease(self, name: str, namespace: str | None) -> Sequence[Right]:
        """What we may do with a Lease to lead by, of what is needed. Raises ClusterFailure."""
        ...

    async def list_nodes(self, *, timeout_s: float) -> View:
        """Nodes and their Leases, asked for now, whatever is watched; all else of the view is unseen.

        Raises ClusterFailure where the cluster cannot be reached.
        """
        ...

    def lease(self, name: str, namespace: str | None, *, timeout_s: float) -> LeaseStore:
        """A Lease to lead by; without a `namespace` in the one where we are. Each request takes at most so long."""
        ...

    def node_fence(self, *, timeout_s: float) -> NodeFence:
        """What may be written of nodes, where the component `fence` is. Each request takes at most so long."""
        ...

    async def aclose(self) -> None:
        """Ends what is under way, and closes the connections."""
        ...
