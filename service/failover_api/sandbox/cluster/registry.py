"""What the API server does with a write, whoever sends it: defaults, admission, validation, compare-and-swap.

Controllers of the cluster call it directly, clients through `api/`.
"""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.admission import admit
from failover_api.sandbox.cluster.objects.defaults import fill_defaults
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import LEASE, NAMESPACE, POD, SECRET
from failover_api.sandbox.cluster.objects.meta import is_terminating, name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.refusals import (
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
)
from failover_api.sandbox.cluster.objects.secrets import fold_string_data
from failover_api.sandbox.cluster.objects.times import rfc3339
from failover_api.sandbox.cluster.objects.validation import check_lease, no_version, validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.clock import Clock
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.store import Store

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


class Registry:
    """Raises ApiError, with the Status that a client gets."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random) -> None:
        self.store, self.clock, self.rng = store, clock, rng

    @property
    def now(self) -> str:
        return rfc3339(self.clock.now)

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def create(self, kind: Kind, given: Object, *, dry_run: bool = False) -> Object:
        obj: Object = copied(given)
        obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
        self._name(kind, obj)
        self._must_have_namespace(kind, obj)
        if self.store.get(kind, namespace_of(obj), name_of(obj)) is not None:
            raise already_exists(kind, name_of(obj))
        self._stamp(kind, obj)
        fill_defaults(obj)
        admit(self.store, kind, obj)
        if kind is LEASE:
            check_lease(obj)
        validate(kind, obj, None)
        if not dry_run:
            self.store.put(kind, obj)
        return obj

    def update(self, kind: Kind, given: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """`given` holds the whole object; its resourceVersion, if it has one, must be the current one."""
        name, namespace = name_of(given), namespace_of(given)
        old = self.get(kind, namespace, name)
        version = at(given, "metadata", "resourceVersion")
        if kind is LEASE and not version:
            raise no_version(kind, name)
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(kind, name)
        uid = at(given, "metadata", "uid")
        if uid and uid != uid_of(old):
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(old)}"
            raise conflict(kind, name, why)
        return self._replace(kind, old, _settled(kind, copied(given), old, subresource), dry_run)

    def modify(self, kind: Kind, namespace: str, name: str, change: Callable[[Object], object]) -> Object:
        """Changes a copy of an object, status included, as controllers do; nothing is written when nothing changed."""
        old = self.get(kind, namespace, name)
        new = copied(old)
        change(new)
        if at(new, "spec") != at(old, "spec"):
            new["metadata"]["generation"] = at(old, "metadata", "generation", default=0) + 1
        return self._replace(kind, old, new, False)

    def set_status(self, kind: Kind, obj: Object, status: Object) -> None:
        def change(new: Object) -> None:
            new["status"] = status

        if self.store.get(kind, namespace_of(obj), name_of(obj)) is not None:
            self.modify(kind, namespace_of(obj), name_of(obj), change)

    def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        grace_s: int | None = None,
        uid: str = "",
        version: str = "",
        propagation: str = "",
        dry_run: bool = False,
    ) -> Object:
        """The object as it is afterwards, or was at its end."""
        old = self.get(kind, namespace, name)
        for given, have, what in ((uid, uid_of(old), "UID"), (version, old["metadata"]["resourceVersion"], "RV")):
            if given and given != have:
                label = "UID" if what == "UID" else "ResourceVersion"
                why = f"Precondition failed: {label} in precondition: {given}, {label} in object meta: {have}"
                raise conflict(kind, name, why)
        if dry_run:
            return old
        new = copied(old)
        self._add_propagation(new, propagation)
        if kind is POD and (waits := _grace(old, grace_s)):
            return self._mark(kind, old, new, waits)
        if at(new, "metadata", "finalizers"):
            return self._mark(kind, old, new, 0)
        self.store.remove(kind, namespace, name)
        return old

    def drop_finalizer(self, kind: Kind, obj: Object, finalizer: str) -> None:
        """Takes one away; the object goes when it was the last and it is being deleted."""

        def change(new: Object) -> None:
            new["metadata"]["finalizers"] = [one for one in at(new, "metadata", "finalizers") if one != finalizer]

        if finalizer in at(obj, "metadata", "finalizers", default=[]):
            self.modify(kind, namespace_of(obj), name_of(obj), change)

    def suffix(self) -> str:
        """Five letters, as generated names end."""
        return "".join(self.rng.choices(_LETTERS, k=5))

    def new_uid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _replace(self, kind: Kind, old: Object, new: Object, dry_run: bool) -> Object:
        meta = new["metadata"]
        meta["resourceVersion"] = old["metadata"]["resourceVersion"]
        fill_defaults(new)
        if kind is SECRET:
            fold_string_data(new)
        if at(new, "spec") != at(old, "spec") and kind.has_status:
            meta["generation"] = at(old, "metadata", "generation", default=0) + 1
        if kind is LEASE:
            check_lease(new)
        validate(kind, new, old)
        if new == old or dry_run:
            return new
        if is_terminating(old) and not meta.get("finalizers") and kind is not POD:
            self.store.remove(kind, namespace_of(old), name_of(old))
            return new
        return self.store.put(kind, new)

    def _mark(self, kind: Kind, old: Object, new: Object, waits_s: int) -> Object:
        """The object is being deleted from now on; what is being deleted already may only end sooner."""
        if is_terminating(old) and waits_s >= int(at(old, "metadata", "deletionGracePeriodSeconds", default=0)):
            return old
        new["metadata"]["deletionTimestamp"] = rfc3339(self.clock.now + waits_s)
        new["metadata"]["deletionGracePeriodSeconds"] = waits_s
        new["metadata"]["generation"] = at(old, "metadata", "generation", default=0) + 1
        return self.store.put(kind, new)

    def _add_propagation(self, new: Object, propagation: str) -> None:
        finalizers = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
        if finalizer := finalizers.get(propagation):
            listed = child(new, "metadata").setdefault("finalizers", [])
            if finalizer not in listed:
                listed.append(finalizer)

    def _name(self, kind: Kind, obj: Object) -> None:
        meta = child(obj, "metadata")
        if not meta.get("name"):
            if not meta.get("generateName"):
                raise invalid(kind, "", ("metadata.name", "Required value: name or generateName is required"))
            meta["name"] = meta["generateName"] + self.suffix()
        if meta.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if not kind.namespaced:
            meta.pop("namespace", None)

    def _must_have_namespace(self, kind: Kind, obj: Object) -> None:
        if not kind.namespaced:
            return
        namespace = obj["metadata"].setdefault("namespace", "default")
        found = self.store.get(NAMESPACE, "", namespace)
        if found is None:
            raise not_found(NAMESPACE, namespace)
        if is_terminating(found):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(kind, name_of(obj), why)

    def _stamp(self, kind: Kind, obj: Object) -> None:
        meta = obj["metadata"]
        meta["uid"], meta["creationTimestamp"] = self.new_uid(), self.now
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            meta.pop(field, None)
        if kind.has_status:
            meta["generation"] = 1
            if kind is POD or not at(obj, "status"):
                obj["status"] = {"phase": "Pending", "qosClass": "Burstable"} if kind is POD else {}


def _settled(kind: Kind, new: Object, old: Object, subresource: str) -> Object:
    """`new` with what a client cannot change put back: the status, or all else of a subresource `status`."""
    new["apiVersion"], new["kind"] = kind.api_version, kind.kind
    meta = child(new, "metadata")
    meta.pop("managedFields", None)
    for field in _SERVER_FIELDS:
        meta.pop(field, None)
        if field in old["metadata"]:
            meta[field] = old["metadata"][field]
    if subresource == "status":
        return {**copied(old), "status": new.get("status", {})}
    if kind.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = copied(old["status"])
    return new


def _grace(pod: Object, asked_s: int | None) -> int:
    """How long a pod may take to stop: 0 at once. One that never ran, or has ended, is not waited for."""
    if not at(pod, "spec", "nodeName") or at(pod, "status", "phase") in ("Failed", "Succeeded"):
        return 0
    return int(at(pod, "spec", "terminationGracePeriodSeconds", default=30)) if asked_s is None else asked_s
