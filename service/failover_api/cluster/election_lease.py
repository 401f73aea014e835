"""The Lease by which one of several replicas leads: read, made and replaced.

Others may write in it too, labels and annotations of their own: what is put back is the object that was read, with our
fields changed, and by its resourceVersion only if nobody wrote meanwhile.
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
"""

import copy
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from failover_api.cluster.client import Client
from failover_api.cluster.fields import number, text, time, value_at
from failover_api.core.automatic.election import Annotations, LeaseRecord
from failover_api.core.wording import cut
from failover_api.errors import ClusterUnavailable, ObjectMissing

_API = "/apis/coordination.k8s.io/v1/namespaces"
_MAX_TRANSITIONS = 2**31 - 1  # it is an int32


class ElectionLease:
    """One Lease. `opened` gives the client; without a `namespace` it is in the one where we are."""

    def __init__(
        self, opened: Callable[[], Awaitable[Client]], name: str, namespace: str | None, *, timeout_s: float
    ) -> None:
        self._opened, self._name, self._namespace, self._timeout_s = opened, name, namespace, timeout_s

    async def now(self) -> float:
        """The API server's time (s). Raises ClusterFailure while the cluster cannot be reached."""
        return (await self._opened()).clock.now()

    async def read(self) -> LeaseRecord | None:
        """As it is now; None: there is none. Raises ClusterFailure."""
        client = await self._opened()
        try:
            found = await client.get(f"{self._folder(client)}/{self._name}", {}, timeout_s=self._timeout_s)
        except ObjectMissing:
            return None
        return _record(found)

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Raises ObjectChanged when there is one already, ObjectMissing without the namespace, or ClusterFailure."""
        client = await self._opened()
        body = _body(record, {"metadata": {"name": self._name}})
        return _record(await client.create(self._folder(client), body, timeout_s=self._timeout_s))

    async def replace(self, record: LeaseRecord) -> LeaseRecord:
        """Raises ObjectChanged when somebody wrote since it was read, ObjectMissing when it is gone; ClusterFailure."""
        client = await self._opened()
        base = record.rest if isinstance(record.rest, dict) else {"metadata": {"name": self._name}}
        path = f"{self._folder(client)}/{self._name}"
        return _record(await client.replace(path, _body(record, base), timeout_s=self._timeout_s))

    def _folder(self, client: Client) -> str:
        return f"{_API}/{self._namespace or client.access.namespace}/leases"


def _record(data: object) -> LeaseRecord:
    """Raises ClusterUnavailable for what has no version: it could not be replaced."""
    version = text(data, "metadata", "resourceVersion")
    if not version:
        raise ClusterUnavailable("the Lease that was answered has no resourceVersion")
    return LeaseRecord(
        holder=text(data, "spec", "holderIdentity"),
        duration_s=max(0, number(data, "spec", "leaseDurationSeconds") or 0),
        acquired_at=time(data, "spec", "acquireTime"),
        renewed_at=time(data, "spec", "renewTime"),
        transitions=max(0, number(data, "spec", "leaseTransitions") or 0),
        annotations=_annotations(data),
        version=version,
        rest=data,
    )


def _annotations(data: object) -> Annotations:
    """As they are: whoever reads one checks what stands there."""
    found = value_at(data, "metadata", "annotations")
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def _body(record: LeaseRecord, base: Mapping[str, Any]) -> dict[str, Any]:
    """The whole object: what was read, with our fields changed."""
    body: dict[str, Any] = copy.deepcopy(dict(base))
    body |= {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    metadata = body["metadata"] = dict(body.get("metadata") or {})
    metadata.pop("managedFields", None)  # the server keeps them itself
    if record.version:
        metadata["resourceVersion"] = record.version
    metadata["annotations"] = dict(record.annotations)
    spec = body["spec"] = dict(body.get("spec") or {})
    spec |= {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": max(1, record.duration_s),
        "leaseTransitions": min(record.transitions, _MAX_TRANSITIONS),
    }
    for key, at in (("acquireTime", record.acquired_at), ("renewTime", record.renewed_at)):
        if at is not None:
            spec[key] = micro_time(at)
    return body


def micro_time(at: float) -> str:
    """A time (s) as a Lease has it: exactly six fraction digits, or it is refused."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (OverflowError, ValueError, OSError) as exc:
        raise ClusterUnavailable(f"no time that a Lease can hold: {cut(str(at))}") from exc
