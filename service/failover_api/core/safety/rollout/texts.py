"""Kubernetes' messages in plain words, and what to do about each.

The type and the reason of a condition decide first, then its text; texts differ between versions, so both forms of one
stand in its pattern. What no row matches is shown as it is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from failover_api.core.safety.observed import Condition
from failover_api.core.safety.rollout.causes import Cause


@dataclass(frozen=True, slots=True)
class Row:
    """`pattern` is looked for in the message; its groups fill the sentences: {0} is the first."""

    pattern: re.Pattern[str]
    reason: str
    cure: str

    def cause(self, message: str, since: float | None) -> Cause | None:
        found = self.pattern.search(message)
        if found is None:
            return None
        groups = [group or "" for group in found.groups()]
        return Cause(self.reason.format(*groups), self.cure.format(*groups), since)


def _rows(*rows: tuple[str, str, str]) -> tuple[Row, ...]:
    return tuple(Row(re.compile(pattern), reason, cure) for pattern, reason, cure in rows)


# https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/ - a node counts under the first filter that
# refuses it, so a message alone never says all of one node: what the claim and the node show comes before this table.
SCHEDULING = _rows(
    (
        r'persistentvolumeclaim "([^"]*)" not found',
        "The claim {0} does not exist.",
        "Make it, or correct its name in the catalog. Was it pruned?",
    ),
    (
        r'persistentvolumeclaim "([^"]*)" is being deleted',
        "The claim {0} is being deleted, and waits for its last user.",
        "Find who deleted it: it is gone when that pod ends.",
    ),
    (
        r"bound to non-existent persistentvolume",
        "The volume of the claim is gone, and its data with it.",
        "Restore it from a backup.",
    ),
    (
        r"didn't match PersistentVolume's node affinity|had volume node affinity conflict",
        "The volume is on another machine than the one the app was sent to.",
        "Claim and node are of different sides: correct them in the catalog.",
    ),
    (
        r"unbound immediate PersistentVolumeClaims",
        "The claim has no volume yet.",
        "Look at the claim's events: provisioner, storage class.",
    ),
    (
        r"didn't find available persistent volumes to bind",
        "No volume that was made beforehand fits the claim.",
        "Make the volume.",
    ),
    (
        r"ReadWriteOncePod access mode already in-use",
        "Another pod has the claim, and it is for one pod alone.",
        "Wait for its end. With `maxSurge: 1` it never ends: set `maxSurge: 0` and `maxUnavailable: 1`.",
    ),
    (r"Insufficient ([a-z0-9./-]+)", "The node has not enough {0} left.", "Free some, or lower the app's requests."),
    (r"Too many pods", "The node has as many pods as it takes.", "Free one, or raise the node's limit."),
    (
        r"didn't have free ports for the requested pod ports",
        "A port of the node that the app needs is taken.",
        "Find who has it.",
    ),
    (r"were unschedulable", "The node is cordoned.", "`kubectl uncordon` it."),
    (
        r"had untolerated taint",
        "The node is not ready, or marked by a taint that the app does not tolerate.",
        "Bring the node up, or take the taint off; `kubectl describe node` shows which.",
    ),
    (
        r"didn't match Pod's node affinity/selector",
        "No node has the label that the app asks for.",
        "Label the node, or correct the label in the catalog.",
    ),
)
CREATION = _rows(
    (r"exceeded quota: ([^,]+)", "The quota {0} forbids another pod.", "Raise the quota."),
    (
        r'violates PodSecurity "([^"]*)"',
        "The namespace's pod security ({0}) forbids the pod.",
        "Change the pod, or the namespace's label.",
    ),
    (r'serviceaccount "([^"]*)" not found', "The service account {0} does not exist.", "Make it."),
    (r"no PriorityClass with name (\S+) was found", "The priority class {0} does not exist.", "Make it."),
)
APPLY = _rows(
    (
        r"rollingUpdate: Forbidden: may not be specified when strategy `type` is",
        "Kubernetes refuses the manifest: defaults of RollingUpdate are still there. Flux applies nothing beside it.",
        "Write `rollingUpdate` with both numbers once, let it be applied, then remove it.",
    ),
    (
        r"updates to statefulset spec for fields other than",
        "Kubernetes refuses the manifest: it changes a field of a StatefulSet that nobody may change.",
        "Undo that change; or delete the StatefulSet with `--cascade=orphan`, and it is made anew.",
    ),
    (
        r"spec\.selector: .*field is immutable",
        "Kubernetes refuses the manifest: it changes the selector.",
        "Undo that change; with `force: Enabled` Flux deletes it and makes it anew.",
    ),
    (
        r"field is immutable",
        "Kubernetes refuses the manifest: it changes a field that nobody may change.",
        "Undo that change.",
    ),
    (
        r"cannot (\S+) resource \"([^\"]+)\"",
        "Whoever applies it has no right to {0} {1}.",
        "Give its service account that right.",
    ),
)
# https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff and the kubelet's own words
_WAITING = {
    "CrashLoopBackOff": ("The app starts, and ends again and again.", "Look at its log: `kubectl logs`."),
    "ImagePullBackOff": ("The image cannot be pulled.", "Look at the pod's events: name, registry, rights."),
    "ErrImagePull": ("The image cannot be pulled.", "Look at the pod's events: name, registry, rights."),
    "InvalidImageName": ("The image's name is not valid.", "Correct it in the manifest."),
    "CreateContainerConfigError": (
        "A ConfigMap or a Secret that the app needs does not exist.",
        "Look at the pod's events, and make it.",
    ),
    "CreateContainerError": ("The container cannot be made.", "Look at the pod's events."),
    "RunContainerError": ("The container cannot be started.", "Look at the pod's events."),
}


def explained(rows: Sequence[Row], message: str, since: float | None = None) -> Cause | None:
    """The first row that matches."""
    return next((cause for row in rows if (cause := row.cause(message, since)) is not None), None)


def explained_or_shown(rows: Sequence[Row], condition: Condition, about: str) -> Cause:
    """What a condition says, in plain words where they are known."""
    known = explained(rows, condition.message, condition.since)
    said = condition.message or condition.reason
    return known or Cause(f"{about}: {said}" if said else f"{about}.", "", condition.since)


def waiting(reason: str, since: float | None) -> Cause | None:
    """Why a container does not run, where that does not pass by itself."""
    said = _WAITING.get(reason)
    return Cause(*said, since) if said else None
