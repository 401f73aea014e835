"""create, update, patch, delete, and the subresources status, scale and eviction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api import disruption
from failover_api.sandbox.cluster.api.reading import selected
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import kind_of
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.patches import json_patch, merge_patch, strategic_merge
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request, no_such_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.api.request import Request, Target
    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.registry import Registry

_APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")


class Writes:
    """`admit` is asked about each change of an object, before and after, and raises what denies it."""

    def __init__(
        self, registry: Registry, applier: Applier, admit: Callable[[Target, Request, Object, Object], None]
    ) -> None:
        self._registry, self._applier, self._admit = registry, applier, admit

    def create(self, target: Target, request: Request) -> tuple[int, Object]:
        if target.subresource == "eviction":
            return 201, disruption.evict(self._registry, target)
        if target.subresource or target.name:
            raise no_such_path()
        obj = self._given(target, request)
        return 201, self._registry.create(target.kind, obj, dry_run=request.is_dry_run)

    def update(self, target: Target, request: Request) -> tuple[int, Object]:
        given = request.object()
        if target.subresource == "scale":
            return 200, self._scale(target, request, given)
        before = self._registry.get(target.kind, target.namespace, target.name)
        obj = self._given(target, request)
        if name_of(obj) != target.name:
            raise bad_request(
                f"the name of the object ({name_of(obj)}) does not match the name on the URL ({target.name})"
            )
        return 200, self._update(target, request, before, obj)

    def patch(self, target: Target, request: Request) -> tuple[int, Object]:
        if request.content_type in _APPLY:
            return self._apply(target, request)
        before = self._registry.get(target.kind, target.namespace, target.name)
        if target.subresource == "scale":
            return 200, self._scale(target, request, self._patched(target, request, _scale_of(before)))
        return 200, self._update(target, request, before, self._patched(target, request, before))

    def delete(self, target: Target, request: Request) -> tuple[int, Object]:
        options = request.object()
        grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        left = self._registry.delete(
            target.kind,
            target.namespace,
            target.name,
            grace_s=None if grace is None else int(grace),
            uid=str(at(options, "preconditions", "uid", default="")),
            version=str(at(options, "preconditions", "resourceVersion", default="")),
            propagation=str(options.get("propagationPolicy") or request.query.get("propagationPolicy", "")),
            dry_run=request.is_dry_run or "All" in (options.get("dryRun") or []),
        )
        if self._registry.store.get(target.kind, target.namespace, target.name) is not None:
            return 200, left
        details: Object = {"name": target.name, "kind": target.kind.plural, "uid": uid_of(left)}
        if target.kind.group:
            details["group"] = target.kind.group
        body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return 200, body

    def delete_all(self, target: Target, request: Request) -> tuple[int, Object]:
        chosen = [one for one in self._registry.store.objects(target.kind, target.namespace) if selected(request)(one)]
        for one in chosen:
            self._registry.delete(target.kind, namespace_of(one), name_of(one), dry_run=request.is_dry_run)
        kind = target.kind
        meta = {"resourceVersion": str(self._registry.store.version)}
        return 200, {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": chosen}

    def _given(self, target: Target, request: Request) -> Object:
        """The body, which must fit the URL."""
        obj = request.object()
        said = kind_of(obj.get("apiVersion", target.kind.api_version), obj.get("kind", target.kind.kind))
        if said is not target.kind:
            raise bad_request(
                f'the object provided is unrecognized: no kind "{obj.get("kind")}" is registered for version '
                f'"{obj.get("apiVersion")}" here'
            )
        meta = child(obj, "metadata")
        if target.namespace:
            given = meta.setdefault("namespace", target.namespace)
            if given != target.namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
        return obj

    def _update(self, target: Target, request: Request, before: Object, obj: Object) -> Object:
        meta = child(obj, "metadata")
        meta["name"] = target.name
        if target.namespace:
            meta["namespace"] = target.namespace
        self._admit(target, request, before, obj)
        after = self._registry.update(target.kind, obj, subresource=target.subresource, dry_run=request.is_dry_run)
        manager = request.query.get("fieldManager", "")
        if manager.startswith("kubectl") and not target.subresource and not request.is_dry_run:
            self._applier.changed_by_hand(before, after)
        return after

    def _patched(self, target: Target, request: Request, before: Object) -> Object:
        body = request.json()
        match request.content_type:
            case "application/json-patch+json":
                return json_patch(before, body)
            case "application/merge-patch+json":
                return dict(merge_patch(before, body))
            case "application/strategic-merge-patch+json" if not target.kind.custom:
                return dict(strategic_merge(before, body))
        supported = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]
        if not target.kind.custom:
            supported.insert(2, "application/strategic-merge-patch+json")
        message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(
            supported
        )
        raise ApiError(415, "UnsupportedMediaType", message)

    def _apply(self, target: Target, request: Request) -> tuple[int, Object]:
        obj = self._given(target, request)
        child(obj, "metadata").setdefault("name", target.name)
        manager = request.query.get("fieldManager", "")
        if target.subresource == "status":
            return 200, self._apply_status(target, request, obj)
        force = request.flag("force")
        after, is_new = self._applier.apply(target.kind, obj, manager, force=force, dry_run=request.is_dry_run)
        return (201 if is_new else 200), after

    def _apply_status(self, target: Target, request: Request, obj: Object) -> Object:
        before = self._registry.get(target.kind, target.namespace, target.name)
        new = dict(strategic_merge(before, {"status": obj.get("status") or {}}))
        return self._registry.update(target.kind, new, subresource="status", dry_run=request.is_dry_run)

    def _scale(self, target: Target, request: Request, scale: Object) -> Object:
        before = self._registry.get(target.kind, target.namespace, target.name)
        version = at(scale, "metadata", "resourceVersion")
        new = copied(before)
        new["spec"]["replicas"] = int(at(scale, "spec", "replicas", default=0))
        if version:
            new["metadata"]["resourceVersion"] = version
        return _scale_of(self._registry.update(target.kind, new, dry_run=request.is_dry_run))


def scale_of(registry: Registry, target: Target) -> Object:
    """The subresource `scale`. Raises ApiError."""
    if not target.kind.has_scale:
        raise no_such_path()
    return _scale_of(registry.get(target.kind, target.namespace, target.name))


def _scale_of(obj: Object) -> Object:
    meta = {key: obj["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = at(obj, "spec", "selector", "matchLabels", default={})
    status = {"replicas": at(obj, "status", "replicas", default=0)}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    spec = {"replicas": at(obj, "spec", "replicas", default=0)}
    whole: Object = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec}
    return {**whole, "status": {**status, "selector": selector}}
