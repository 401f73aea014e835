"""The nodes' heartbeats: a Lease of each in namespace kube-node-lease, which its kubelet renews every ten seconds.

https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats
"""

from dataclasses import replace

from failover_api.cluster.fields import number, time
from failover_api.core.safety.observed import Key, Lease

NAMESPACE = "kube-node-lease"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


def parse_lease(data: object, key: Key) -> Lease:
    return Lease(
        node=key[1],
        renewed_at=time(data, "spec", "renewTime"),
        duration_s=number(data, "spec", "leaseDurationSeconds"),
    )


def observed(lease: Lease, before: Lease | None, now: float) -> Lease:
    """The lease as we saw it at `now` (monotonic): since when, by our own clock, it has not been renewed.

    A node's clock may be wrong, so its times are only compared with its own.
    """
    is_same = before is not None and before.renewed_at == lease.renewed_at
    return replace(lease, unchanged_since=before.unchanged_since if before is not None and is_same else now)
