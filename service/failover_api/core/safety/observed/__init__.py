"""A cluster as it was seen: its objects as plain values, and of each kind when it was seen, or why it was not.

    objects     what any object may have
    nodes  workloads  volumes  appliers
    view        all of it

Times are seconds. Those of objects were told by clocks of the cluster: they are compared with each other, and with the
API server's time. `heard_at` and `unchanged_since` are of our own monotonic clock, and measure how long ago.

What an object does not say is "", None or empty, never a guess. Texts come from outside: they are bounded and on one
line.
"""

from failover_api.core.safety.observed.appliers import Application, HelmRelease, Kustomization, Source
from failover_api.core.safety.observed.nodes import Lease, Node, NodeTerms, Requirement, Taint, Toleration
from failover_api.core.safety.observed.objects import (
    NOBODY,
    Applier,
    Condition,
    Key,
    Owner,
    condition,
    is_behind,
    of_now,
)
from failover_api.core.safety.observed.view import EVERYWHERE, NOT_LOOKED_AT, Seen, View
from failover_api.core.safety.observed.volumes import Claim, Replication, StorageClass, Volume
from failover_api.core.safety.observed.workloads import (
    Autoscaler,
    Deployment,
    Pod,
    PodTemplate,
    ReplicaSet,
    StatefulSet,
)

__all__ = [
    "EVERYWHERE",
    "NOBODY",
    "NOT_LOOKED_AT",
    "Application",
    "Applier",
    "Autoscaler",
    "Claim",
    "Condition",
    "Deployment",
    "HelmRelease",
    "Key",
    "Kustomization",
    "Lease",
    "Node",
    "NodeTerms",
    "Owner",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "Replication",
    "Requirement",
    "Seen",
    "Source",
    "StatefulSet",
    "StorageClass",
    "Taint",
    "Toleration",
    "View",
    "Volume",
    "condition",
    "is_behind",
    "of_now",
]
