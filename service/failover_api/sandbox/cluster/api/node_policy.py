"""The ValidatingAdmissionPolicy of the component `fence`, as a real API server was seen to obey it.

No CEL is run here: the policy's rules are written out, with its messages. Of the accounts under the policy only the
taint out-of-service may be set, on a node that is not heard of, and taken off. It looks at updates and patches, not at
server-side apply.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import NODE
from failover_api.sandbox.cluster.objects.meta import condition_status, name_of
from failover_api.sandbox.cluster.objects.refusals import ApiError

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.kinds import Kind

NAME = "failover-api-fence"
KEY, VALUE, EFFECT = "node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute"
_SPEC = ("unschedulable", "providerID", "podCIDR", "podCIDRs", "configSource")
_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


class NodePolicy:
    """`users` are those whose writes it looks at."""

    def __init__(self) -> None:
        self.users: set[str] = set()

    def check(self, user: str, kind: Kind, subresource: str, old: Object, new: Object) -> None:
        """Raises ApiError 422."""
        if kind is not NODE or user not in self.users:
            return
        if why := _why_denied(subresource, old, new):
            denied = f"ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: {why}"
            details = {"name": name_of(old), "kind": NODE.plural, "causes": [{"message": denied}]}
            raise ApiError(422, "Invalid", f'{NODE.plural} "{name_of(old)}" is forbidden: {denied}', details)


def _why_denied(subresource: str, old: Object, new: Object) -> str:
    before, after = _taints(old), _taints(new)
    ours, had = [one for one in after if one.get("key") == KEY], [one for one in before if one.get("key") == KEY]
    if subresource:
        return "no subresource"
    if [one for one in after if one not in ours] != [one for one in before if one not in had]:
        return f"only the taint {KEY} may change"
    if not all((one.get("effect"), one.get("value")) == (EFFECT, VALUE) for one in ours):
        return f"the taint must be {VALUE}:{EFFECT}"
    if ours and not had and condition_status(old, "Ready") != "Unknown":
        return "the node is being heard of"
    if any(at(old, "spec", key) != at(new, "spec", key) for key in _SPEC):
        return "the rest of spec may not change"
    if any(at(old, "metadata", key) != at(new, "metadata", key) for key in _METADATA):
        return "metadata may not change"
    return ""


def _taints(node: Object) -> list[Object]:
    return list(at(node, "spec", "taints", default=None) or [])
