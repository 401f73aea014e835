"""Why a pod has no node yet: what its claims and the side's nodes show, and then what the scheduler says."""

from collections.abc import Iterator

from failover_api.core.safety.observed import Claim, Node, Pod, View
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.place import Place
from failover_api.core.safety.rollout.texts import SCHEDULING, explained_or_shown
from failover_api.core.wording import shell_word

PROVISIONING_S = 60.0  # a volume may take so long to be made
_LAZY = "WaitForFirstConsumer"


def why_unscheduled(pod: Pod, place: Place, view: View, now: float) -> Cause:
    """The first that matches, in the order in which the scheduler meets them. Not final while it may still pass."""
    return next(_causes(pod, place, view, now))


def _causes(pod: Pod, place: Place, view: View, now: float) -> Iterator[Cause]:
    since = pod.scheduled.since if pod.scheduled else pod.created_at
    if pod.scheduled is not None and pod.scheduled.reason == "SchedulingGated":
        yield Cause("Something holds the pod back on purpose: a scheduling gate.", "Ask whoever set the gate.", since)
    for name in pod.claims:
        yield from _of_claim(pod.namespace, name, place, view, since, now)
    if pod.scheduled is None or pod.scheduled.status != "False":
        yield Cause("The scheduler has not looked at the pod yet.", is_final=False)
        return
    if place.nodes is not None and place.known:
        yield from _of_nodes([place.known[name] for name in sorted(place.nodes) if name in place.known], since)
    yield explained_or_shown(SCHEDULING, pod.scheduled, "The pod is not scheduled")


def _of_claim(namespace: str, name: str, place: Place, view: View, since: float | None, now: float) -> Iterator[Cause]:
    if view.claims.why_unseen(namespace):
        return
    claim = view.claims.objects.get((namespace, name))
    if claim is None:
        yield Cause(
            f"The claim {name} does not exist.", "Make it, or correct its name in the catalog. Was it pruned?", since
        )
    elif claim.deletion_at is not None:
        yield Cause(
            f"The claim {name} is being deleted, and waits for its last user.",
            "Find who deleted it: it is gone when that pod ends.",
            since,
        )
    elif claim.phase == "Lost":
        yield Cause(
            f"The volume of the claim {name} is gone, and its data with it.", "Restore it from a backup.", since
        )
    elif claim.phase == "Pending":
        yield from _of_pending(claim, view, since, now)
    else:
        yield from _of_volume(claim, place, view, since)


def _of_pending(claim: Claim, view: View, since: float | None, now: float) -> Iterator[Cause]:
    if claim.selected_node:
        is_late = since is not None and now - since > PROVISIONING_S
        yield Cause(
            f"{claim.selected_node} is chosen, and the volume of {claim.name} is not made yet.",
            "Is the provisioner running on that node?",
            since,
            is_final=is_late,
        )
        return
    storage_class = view.storage_classes.objects.get(("", claim.storage_class))
    if storage_class is None or storage_class.binding_mode != _LAZY:
        yield Cause(
            f"The claim {claim.name} has no volume yet.", "Look at its events: provisioner, storage class.", since
        )


def _of_volume(claim: Claim, place: Place, view: View, since: float | None) -> Iterator[Cause]:
    volume = view.volumes.objects.get(("", claim.volume))
    if volume is None or place.nodes is None or not place.known:
        return
    nodes = [place.known[name] for name in place.nodes if name in place.known]
    if nodes and not any(volume.is_usable_on(node) for node in nodes):
        yield Cause(
            f"The volume of the claim {claim.name} is on another machine than {_names(nodes)}.",
            "Claim and node are of different sides: correct them in the catalog.",
            since,
        )


def _of_nodes(nodes: list[Node], since: float | None) -> Iterator[Cause]:
    """Where none of the side's nodes can take a pod."""
    if not nodes:
        yield Cause(
            "No node has the label that the app asks for.",
            "Label the node, or correct the label in the catalog.",
            since,
        )
    elif not any(node.is_ready for node in nodes):
        yield Cause(f"{_names(nodes)} is not ready.", "Bring it up, or move the app elsewhere.", since)
    elif all(node.is_unschedulable for node in nodes):
        yield Cause(f"{_names(nodes)} is cordoned.", f"`kubectl uncordon {shell_word(nodes[0].name)}`", since)


def _names(nodes: list[Node]) -> str:
    return " or ".join(sorted(node.name for node in nodes)[:3])
