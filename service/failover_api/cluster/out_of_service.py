"""The taint out-of-service: set on a node of which nothing is heard, and taken off. Nothing else of a node is written.

It says that the node is off: what is to end there counts as ended, and its volumes may go elsewhere. RBAC cannot say
"this taint only", so a ValidatingAdmissionPolicy does (component `fence`); `why_unguarded` asks whether it is in force.
https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown

Every write names the version that it was computed from: the taints are one list, which others write too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from failover_api.cluster.client import Client, Patch
from failover_api.cluster.fields import condition, items, text, value_at
from failover_api.cluster.nodes import PATH
from failover_api.core.wording import cut
from failover_api.errors import ClusterForbidden, ClusterInvalid, ClusterRejected, ObjectChanged, ObjectMissing

KEY = "node.kubernetes.io/out-of-service"
TAINT = {"key": KEY, "value": "nodeshutdown", "effect": "NoExecute"}
PROBE = "failover-api/fence-probe"
_OPERATIONS, _MERGE = "application/json-patch+json", "application/merge-patch+json"
_MANAGER = {"fieldManager": "failover-api"}
_TRIES = 4  # others write nodes too: kubelets, controllers
_POLICY = "failover-api-fence"
_CURE = "is the component `fence` deployed, and does it name this node?"
Taints = Sequence[Mapping[str, Any]]


class OutOfServiceTaint:
    """`opened` gives the client; each request takes at most `timeout_s`."""

    def __init__(self, opened: Callable[[], Awaitable[Client]], *, timeout_s: float) -> None:
        self._opened, self._timeout_s = opened, timeout_s

    async def why_unguarded(self, node: str) -> str:
        """Why nothing is known to keep us from other changes of this node, "" when a policy does.

        The dry run is a merge patch, which fails by nothing but the rules. Raises ClusterFailure.
        """
        probe = Patch({"metadata": {"labels": {PROBE: "1"}}}, _MERGE)
        try:
            await self._patch(node, probe, {"dryRun": "All"})
        except ClusterInvalid:
            return ""
        except ClusterForbidden:
            return f"we may not change node {cut(node)}: {_CURE}"
        except ObjectMissing:
            return f"there is no node {cut(node)}"
        return f"we could change more of node {cut(node)} than the taint: the policy {_POLICY} is not in force"

    async def set(self, node: str, uid: str) -> bool:
        """Taints it, if it is not being heard of; whether that changed anything.

        Raises ObjectMissing without such a node of this UID, ClusterRejected when it is being heard of; ClusterFailure.
        """

        def tainted(found: object, taints: Taints) -> Taints:
            ready = condition(found, "Ready")
            if ready is None or ready.status != "Unknown":
                said = "nothing" if ready is None else cut(ready.status)
                raise ClusterRejected(f"node {cut(node)} is being heard of: its Ready is {said}, expected Unknown")
            return [*taints, TAINT]

        return await self._change(node, uid, tainted, is_there=True)

    async def clear(self, node: str, uid: str) -> bool:
        """Takes it off; whether that changed anything. Raises ObjectMissing, ClusterRejected, ClusterFailure."""
        return await self._change(node, uid, lambda _, taints: [each for each in taints if not _is_ours(each)])

    async def _change(
        self, node: str, uid: str, change: Callable[[object, Taints], Taints], *, is_there: bool = False
    ) -> bool:
        """Reads, and writes what was not changed meanwhile. `is_there`: what is to be."""
        for left in reversed(range(_TRIES)):
            found = await self._read(node, uid)
            taints = _taints(found, node)
            if any(map(_is_ours, taints)) is is_there:
                return False
            try:
                await self._patch(node, _replacement(found, change(found, taints)), {})
                return True
            except (ClusterInvalid, ObjectChanged):
                if not left or _version(await self._read(node, uid)) == _version(found):
                    raise
        raise AssertionError

    async def _read(self, node: str, uid: str) -> object:
        """The node, listed by its name: to get it would be another right. Raises ObjectMissing, ClusterFailure."""
        client = await self._opened()
        only = {"fieldSelector": f"metadata.name={node}"}
        listed = items(await client.get(PATH, only, timeout_s=self._timeout_s), "items")
        found = next((each for each in listed if text(each, "metadata", "name") == node), None)
        if found is None or text(found, "metadata", "uid") != uid:
            raise ObjectMissing(f"node {cut(node)}: it is not there any more, or is another one of this name")
        return found

    async def _patch(self, node: str, patch: Patch, params: Mapping[str, str]) -> None:
        client = await self._opened()
        await client.patch(f"{PATH}/{quote(node, safe='')}", patch, {**_MANAGER, **params}, timeout_s=self._timeout_s)


def _taints(found: object, node: str) -> Taints:
    """As they are, to be put back as they are. Raises ClusterRejected for a list that is none."""
    taints = value_at(found, "spec", "taints") or []
    if not isinstance(taints, list) or not all(isinstance(each, dict) for each in taints):
        raise ClusterRejected(f"node {cut(node)}: its taints are no list of objects")
    return taints


def _replacement(found: object, taints: Taints) -> Patch:
    """All taints anew, if nothing of the node has changed since it was read."""
    tests = [
        {"op": "test", "path": "/metadata/uid", "value": text(found, "metadata", "uid")},
        {"op": "test", "path": "/metadata/resourceVersion", "value": _version(found)},
    ]
    value = {"op": "add", "path": "/spec/taints", "value": list(taints)}
    return Patch([*tests, value if taints else {"op": "remove", "path": "/spec/taints"}], _OPERATIONS)


def _is_ours(taint: object) -> bool:
    return text(taint, "key") == KEY


def _version(found: object) -> str:
    return text(found, "metadata", "resourceVersion")
