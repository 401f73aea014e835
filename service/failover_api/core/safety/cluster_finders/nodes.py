"""node-missing, node-not-ready, node-cordoned: the side that a move leads to has no node that takes the pod."""

from collections.abc import Iterator, Sequence

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Node, Taint
from failover_api.core.safety.scene import Scene, is_down
from failover_api.core.safety.times import minute
from failover_api.core.wording import cut, shell_word

_KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})
_CORDONED = "node.kubernetes.io/unschedulable"  # the taint that goes with a cordon


def node_missing(scene: Scene) -> Iterator[Hazard]:
    """The cluster has none of the side's nodes."""
    nodes = scene.nodes
    if nodes is None or nodes:
        return
    labels = ", ".join(f"{cut(key)}={cut(value)}" for key, value in sorted(scene.expected.labels.items()))
    if labels:
        words = " ".join(shell_word(f"{key}={value}") for key, value in sorted(scene.expected.labels.items()))
        what, cure = f"has the label {labels}", f"`kubectl label node NODE {words}`"
    else:
        what, cure = f"is named {_or(scene.expected.nodes)}", "Correct `nodes`"
    yield Hazard(
        "node-missing",
        Severity.STOP,
        f"Node {labels or _or(scene.expected.nodes)}",
        None,
        f"No node of the cluster {what}, so the pod could not be scheduled. A node that is made anew has lost the "
        "labels that were set by hand.",
        f"{cure}, or correct the side in the catalog.",
    )


def node_not_ready(scene: Scene) -> Iterator[Hazard]:
    """None of the side's nodes is ready, or none of those that have the claims' volumes."""
    nodes = _usable(scene)
    if nodes and all(map(is_down, nodes)):
        states = " and ".join(_state(node) for node in nodes)
        yield Hazard(
            "node-not-ready",
            Severity.STOP,
            f"Node {_or([node.name for node in nodes])}",
            None,
            f"{states}: the pod would not be started there.",
            "Bring the node up first, or leave the service where it is.",
        )


def node_cordoned(scene: Scene) -> Iterator[Hazard]:
    """Of the side's nodes some are ready, and those take no pod of it."""
    ready = [node for node in _usable(scene) if not is_down(node)]
    reasons = [_why_closed(node, scene) for node in ready]
    if not ready or not all(reasons):
        return
    node, why = ready[0], reasons[0]
    cure = f"`kubectl uncordon {shell_word(node.name)}`" if node.is_unschedulable else "Take the taint off"
    yield Hazard(
        "node-cordoned",
        Severity.WARN,
        f"Node {_or([node.name for node in ready])}",
        None,
        f"{cut(node.name)} {why}: a new pod is not scheduled there.",
        f"{cure}, when the node is meant to work.",
    )


def _usable(scene: Scene) -> list[Node]:
    """The side's nodes to which the pod could be sent; all of them where its volumes are on none."""
    return scene.usable_nodes(scene.place.claims) or scene.nodes or []


def _why_closed(node: Node, scene: Scene) -> str:
    """Why a node takes no pod of the app, as the end of a sentence; "" when it does."""
    if node.is_unschedulable:
        return "is cordoned"
    workload = scene.target.workload
    if workload is None:
        return ""
    tolerations = workload.template.tolerations
    taints = [taint for taint in node.taints if taint.effect in _KEEPS_OFF and taint.key != _CORDONED]
    kept_off = [taint for taint in taints if not any(each.tolerates(taint) for each in tolerations)]
    return f"has the taint {_taint(kept_off[0])}, which the app does not tolerate" if kept_off else ""


def _state(node: Node) -> str:
    assert node.ready is not None, "it says that it is not ready"
    since = f" since {minute(node.ready.since)}" if node.ready.since is not None else ""
    if node.ready.status == "Unknown":
        return f"{cut(node.name)} has not been heard of{since}"
    why = f" ({cut(node.ready.reason)})" if node.ready.reason else ""
    return f"{cut(node.name)} is not ready{since}{why}"


def _taint(taint: Taint) -> str:
    value = f"={cut(taint.value)}" if taint.value else ""
    return f"{cut(taint.key)}{value}:{cut(taint.effect)}"


def _or(names: Sequence[str]) -> str:
    return " or ".join(map(cut, names[:3]))
