"""What keeps a pod off a node: the first filter that refuses it gives the reason, in the scheduler's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import POD
from failover_api.sandbox.cluster.objects.meta import labels_of, name_of
from failover_api.sandbox.cluster.objects.quantities import quantity
from failover_api.sandbox.cluster.objects.selectors import term_selects
from failover_api.sandbox.cluster.objects.tolerations import is_tolerated
from failover_api.sandbox.cluster.scheduler.claims import Claims, refuses

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.store import Store

_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_TOO_MANY = "Too many pods"


def refusal(store: Store, pod: Object, node: Object, claims: Claims, minor: int) -> str:
    """Empty when the node will do. `minor` is that of Kubernetes' version, whose words it says."""
    return (
        _unschedulable(pod, node)
        or _taints(pod, node, minor)
        or _affinity(pod, node)
        or _ports(store, pod, node)
        or _resources(store, pod, node)
        or refuses(store, claims, node, minor)
    )


def _tolerations(pod: Object) -> list[Object]:
    found: list[Object] = at(pod, "spec", "tolerations", default=[])
    return found


def _unschedulable(pod: Object, node: Object) -> str:
    if at(node, "spec", "unschedulable") and not is_tolerated(_tolerations(pod), _UNSCHEDULABLE):
        return "node(s) were unschedulable"
    return ""


def _taints(pod: Object, node: Object, minor: int) -> str:
    for taint in at(node, "spec", "taints", default=[]):
        if taint["effect"] in ("NoSchedule", "NoExecute") and not is_tolerated(_tolerations(pod), taint):
            told = f"{{{taint['key']}: {taint.get('value', '')}}}"
            return "node(s) had untolerated taint(s)" if minor >= 34 else f"node(s) had untolerated taint {told}"
    return ""


def _affinity(pod: Object, node: Object) -> str:
    labels = labels_of(node)
    selector = at(pod, "spec", "nodeSelector", default={})
    required = at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = at(required, "nodeSelectorTerms")
    is_selected = all(labels.get(key) == value for key, value in selector.items())
    if is_selected and (terms is None or any(term_selects(term, labels, name_of(node)) for term in terms)):
        return ""
    return "node(s) didn't match Pod's node affinity/selector"


def _ports(store: Store, pod: Object, node: Object) -> str:
    wanted = _host_ports(pod)
    taken = {port for one in _counted(store, node) for port in _host_ports(one)} if wanted else set()
    return "node(s) didn't have free ports for the requested pod ports" if wanted & taken else ""


def _host_ports(pod: Object) -> set[tuple[int, str]]:
    containers = at(pod, "spec", "containers", default=[])
    ports = [port for one in containers for port in at(one, "ports", default=[])]
    return {(int(port["hostPort"]), port.get("protocol", "TCP")) for port in ports if port.get("hostPort")}


def _resources(store: Store, pod: Object, node: Object) -> str:
    limit = int(at(node, "status", "allocatable", "pods", default="110"))
    if store.count_on(name_of(node)) >= limit and len(_counted(store, node)) >= limit:
        return _TOO_MANY
    wanted = {name: amount for name in _requested_names(pod) if (amount := requested(pod, name))}
    there = _counted(store, node) if wanted else []
    for name, amount in wanted.items():
        free = quantity(at(node, "status", "allocatable", name, default="0"))
        if amount + sum(requested(one, name) for one in there) > free:
            return f"Insufficient {name}"
    return ""


def _requested_names(pod: Object) -> list[str]:
    containers = at(pod, "spec", "containers", default=[])
    of_pod = {
        name for one in containers for part in ("requests", "limits") for name in at(one, "resources", part, default={})
    }
    return sorted(of_pod)


def requested(pod: Object, name: str) -> float:
    """A limit without a request is one."""
    total = 0.0
    for container in at(pod, "spec", "containers", default=[]):
        resources = at(container, "resources", default={})
        total += quantity(at(resources, "requests", name) or at(resources, "limits", name, default="0"))
    return total


def _counted(store: Store, node: Object) -> list[Object]:
    """The pods that take room on a node."""
    pods = store.pods_on(POD, name_of(node))
    return [pod for pod in pods if at(pod, "status", "phase") not in ("Failed", "Succeeded")]
