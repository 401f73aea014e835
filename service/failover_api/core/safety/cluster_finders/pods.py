"""recreate-blocks, statefulset-blocks, old-pod-running, starts-nothing: what runs now, and what comes after it.

A pod on a node that is not ready cannot confirm that it ended. Recreate and a StatefulSet wait for that, for ever, and
nothing that Kubernetes says of them tells so.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from failover_api.core.catalog.model import Side
from failover_api.core.planning.state import State
from failover_api.core.safety.documents import Document
from failover_api.core.safety.finders.blocked_pods import ONCE_BLOCKED, TAINT
from failover_api.core.safety.finders.data_left_behind import brings_nothing, can_be_brought
from failover_api.core.safety.finders.starts_nothing import WRITE_REPLICAS
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Deployment, Node, Pod, StatefulSet
from failover_api.core.safety.relocation.marks import operation_on
from failover_api.core.safety.rollout.live import Workload, kind_of
from failover_api.core.safety.scene import Scene, label_of
from failover_api.core.safety.workloads import (
    DEPLOYMENT,
    RECREATE,
    RELEASE,
    is_switched_on,
    replicas_in_values,
    strategies_in_values,
    strategy_of,
)
from failover_api.core.wording import cut, shell_word

OLD_POD_RUNNING = "old-pod-running"


def recreate_blocks(scene: Scene) -> Iterator[Hazard]:
    """The old pod is on a node that is not ready, and after the move the strategy is Recreate."""
    workload, stuck = scene.target.workload, _stuck_pod(scene)
    if not isinstance(workload, Deployment) or stuck is None or _strategy(scene, workload) != RECREATE:
        return
    pod, node = stuck
    yield Hazard(
        "recreate-blocks",
        Severity.WARN,
        label_of(workload),
        None,
        f"{label_of(workload)} has the strategy Recreate, and its pod {cut(pod.name)} is on {cut(node.name)}, which is "
        "not ready and cannot confirm that it stopped: no new pod is made, and the conditions of the workload say that "
        "all is well.",
        f"{_unblock(scene)}{ONCE_BLOCKED}",
    )


def _unblock(scene: Scene) -> str:
    """What the catalog can do about it; nothing on the way home, where a promote's strategy is put back."""
    if scene.expected.side is not State.BACKUP or scene.move.service.unblocked is not None:
        return ""
    return "Write `unblock: rolling` in the catalog, which lets this very promote pass. "


def statefulset_blocks(scene: Scene) -> Iterator[Hazard]:
    """The old pod is on a node that is not ready, or has never been scheduled."""
    workload = scene.target.workload
    if not isinstance(workload, StatefulSet) or is_switched_on(scene.move):
        return
    clinging = next((pod for pod in scene.old_pods if not pod.node and workload.pod_management != "Parallel"), None)
    if clinging is not None:
        yield _of_stateful_set(
            workload,
            f"{label_of(workload)} has a pod {cut(clinging.name)} that was never scheduled, clings to it, and ignores "
            "any change until it is gone.",
            f"After the move: `kubectl delete pod {shell_word(clinging.name)} -n {shell_word(clinging.namespace)}`; it "
            "never ran.",
        )
    elif (stuck := _stuck_pod(scene)) is not None:
        pod, node = stuck
        yield _of_stateful_set(
            workload,
            f"{label_of(workload)} never has two pods of one name, and {cut(pod.name)} is on {cut(node.name)}, which "
            "is not ready and cannot confirm that it stopped: the new one waits for it.",
            f"Move first, then taint the node, when it is surely off, with {TAINT}. Take the taint off when the node "
            "is back.",
        )


def old_pod_running(scene: Scene) -> Iterator[Hazard]:
    """What is left is well, and has claims of its own: whatever it has not replicated stays behind.

    Not so where the move leads to the pod: it goes back on one that has not come to run.
    """
    if not scene.claims or brings_nothing(scene.move.service):
        return
    left = (pod for pod in scene.old_pods if not scene.place.holds(pod))
    well = next((pod for pod in left if pod.is_ready and scene.node_down(pod) is None), None)
    if well is not None:
        service = scene.move.service.name
        yield Hazard(
            OLD_POD_RUNNING,
            Severity.WARN,
            f"Pod {cut(well.namespace)}/{cut(well.name)}",
            None,
            f"{service} is well: its pod {cut(well.name)} is ready on {cut(well.node)}. What it writes until it stops, "
            "and has not been replicated, is not on the side that this leads to.",
            _planned(scene),
        )


def _planned(scene: Scene) -> str:
    service, side = scene.move.service, scene.expected.side
    if side in (State.PRIMARY, State.BACKUP) and can_be_brought(service, Side(side.value)):
        return f"If this is planned, `failover relocate {shell_word(service.name)} --to {side.value}` loses nothing."
    return (
        "If this is planned, stop the app and let the data arrive before you move it. If the node is to be "
        "serviced and the app may lose nothing, do not move it like this."
    )


def starts_nothing(scene: Scene) -> Iterator[Hazard]:
    """The live workload is paused, or somebody scaled it to none, and the manifest does not say otherwise."""
    workload = scene.target.workload
    document = _document(scene, workload) if workload is not None else None
    if workload is None or is_switched_on(scene.move):
        return
    if isinstance(workload, Deployment) and workload.is_paused and not _says(document, "paused"):
        yield _nothing(
            workload,
            f"{label_of(workload)} is paused in the cluster, and the manifest does not say otherwise: the change is "
            "applied, and the old pod stays as it is.",
            "Put `paused: false` in the manifest.",
        )
    if workload.replicas == 0 and not _says(document, "replicas"):
        yield _nothing(
            workload,
            f"{label_of(workload)} was scaled to 0, and the manifest does not say how many there should be: the "
            f"change is applied, and no pod is started.{_scaler(scene, workload)}",
            "Put `replicas: 1` in the manifest.",
        )


def weighed_while_relocated(hazard: Hazard, scene: Scene) -> Hazard:
    """starts-nothing, as Git tells it: whoever writes replicas while a relocation has stopped the app would end it."""
    operation = operation_on(scene.move.service, scene.view)
    if not operation or hazard.cure != WRITE_REPLICAS:
        return hazard
    return replace(
        hazard,
        detail=f"Relocation {operation} has stopped {cut(hazard.about)}: this move by itself starts nothing.",
        cure="Leave its replicas alone: the relocation starts it again, also when a move by hand has ended it.",
    )


def _stuck_pod(scene: Scene) -> tuple[Pod, Node] | None:
    """A pod of the workload that goes on, on a node that is not ready. Another workload waits for none."""
    target, live = scene.target.workload, scene.live.workload
    if target is None or live is None or is_switched_on(scene.move):
        return None
    if (kind_of(target), target.namespace, target.name) != (kind_of(live), live.namespace, live.name):
        return None
    found = ((pod, scene.node_down(pod)) for pod in scene.old_pods)
    return next(((pod, node) for pod, node in found if node is not None), None)


def _strategy(scene: Scene, workload: Deployment) -> str:
    """As the manifest has it after the move; where it is a chart's, as its values or the cluster have it."""
    document = _document(scene, workload)
    if document is None:
        return workload.strategy
    if document.kind == DEPLOYMENT:
        return strategy_of(document.after).type
    named = [text for _, text in islice(strategies_in_values(document.after), 1)]
    return named[0] if named else workload.strategy


def _document(scene: Scene, workload: Workload) -> Document | None:
    """The document of the service that the workload is made from."""
    for document in scene.move.documents:
        if document.kind == RELEASE and scene.target.release is not None:
            return document
        if document.is_of(kind_of(workload), workload.name, workload.namespace):
            return document
    return None


def _says(document: Document | None, key: str) -> bool:
    """Whether the manifest sets it. One that is not seen may."""
    if document is None:
        return True
    if document.kind == RELEASE:
        return key != "replicas" or any(True for _ in replicas_in_values(document.after))
    return document.after.has("spec", key)


def _scaler(scene: Scene, workload: Workload) -> str:
    for scaler in scene.view.autoscalers.objects.values():
        target, active = scaler.target, scaler.scaling_active
        is_its = target is not None and (target.kind, target.name) == (kind_of(workload), workload.name)
        if is_its and scaler.namespace == workload.namespace and active is not None and active.status == "False":
            return f" So its autoscaler {cut(scaler.name)} is off."
    return ""


def _of_stateful_set(workload: StatefulSet, detail: str, cure: str) -> Hazard:
    return Hazard("statefulset-blocks", Severity.WARN, label_of(workload), None, detail, cure)


def _nothing(workload: Workload, detail: str, cure: str) -> Hazard:
    return Hazard("starts-nothing", Severity.WARN, label_of(workload), None, detail, cure)
