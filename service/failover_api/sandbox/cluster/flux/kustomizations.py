"""kustomize-controller: a folder of a source, built, tried whole, applied, pruned, and waited for if asked.

https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.flux import health
from failover_api.sandbox.cluster.flux.applying import ApplyFailed, FluxApply, inventory_of
from failover_api.sandbox.cluster.flux.kustomize import BuildFailed, build
from failover_api.sandbox.cluster.flux.loop import Key, Loop
from failover_api.sandbox.cluster.flux.substitution import substitute
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import (
    CONFIG_MAP,
    GIT_REPOSITORY,
    KUSTOMIZATION,
    SECRET,
    kind_of,
)
from failover_api.sandbox.cluster.objects.meta import condition_status, name_of, namespace_of
from failover_api.sandbox.cluster.objects.secrets import plain_data
from failover_api.sandbox.cluster.objects.times import go_duration, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.flux.notifications import Notifications
    from failover_api.sandbox.cluster.flux.sources import Sources
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

MANAGER = "kustomize-controller"
APPLY_S = (0.4, 1.5)
DEPENDENCY_S = 30.0
_NO_ARTIFACT_S = 30.0
_LOOK_S = 1.0
_LABELS = ("kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace")


@dataclass(frozen=True, slots=True)
class _Check:
    """Health checks that run: until when, of what, for which revision."""

    until: float
    began: float
    generation: int
    revision: str
    entries: tuple[Object, ...]


class Kustomizations:
    """`dependency_s`: how long one waits whose dependency is not ready (`--requeue-dependency`)."""

    def __init__(
        self,
        plane: Plane,
        applier: Applier,
        sources: Sources,
        notifications: Notifications,
        runs: Callable[[], bool],
    ) -> None:
        self._plane, self._sources, self._notifications = plane, sources, notifications
        self._flux = FluxApply(plane.registry, applier, MANAGER)
        self._loop = Loop(plane, KUSTOMIZATION, self._reconcile, runs, APPLY_S)
        self._checks: dict[Key, _Check] = {}
        self._built: dict[tuple[str, str], list[Object]] = {}
        self.dependency_s = DEPENDENCY_S
        plane.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        """A new artifact is news for all that are made from it."""
        if change.kind is KUSTOMIZATION and change.type == "DELETED" and at(change.object, "spec", "prune"):
            self._flux.prune(inventory_of(change.object), [])
        if change.kind is not GIT_REPOSITORY or change.type == "DELETED":
            return
        before, now = (at(one, "status", "artifact", "revision") for one in (change.before, change.object))
        if before != now:
            for one in self._loop.objects():
                if _source_key(one) == (namespace_of(change.object), name_of(change.object)):
                    self._loop.add((namespace_of(one), name_of(one)))

    def _reconcile(self, one: Object) -> float:
        key = (namespace_of(one), name_of(one))
        if key in self._checks:
            return self._check(one, self._checks[key])
        source = self._plane.store.get(GIT_REPOSITORY, *_source_key(one))
        revision = at(source, "status", "artifact", "revision")
        checkout = self._sources.checkout(source) if source is not None else None
        if checkout is None:
            return self._fail(
                one, "ArtifactFailed", "Source artifact not found, retrying in 30s", wait_s=_NO_ARTIFACT_S
            )
        if waits_for := self._dependency(one, revision):
            return self._fail(one, "DependencyNotReady", waits_for, wait_s=self.dependency_s)
        try:
            objects = self._objects(one, checkout.tree, checkout.files)
        except BuildFailed as exc:
            return self._fail(one, "BuildFailed", str(exc), revision)
        return self._apply(one, revision, objects)

    def _dependency(self, one: Object, revision: str) -> str:
        """What it has to wait for; empty when it need not."""
        for each in at(one, "spec", "dependsOn", default=[]):
            place = (each.get("namespace", namespace_of(one)), each["name"])
            other = self._plane.store.get(KUSTOMIZATION, *place)
            if other is None:
                return f"dependency '{'/'.join(place)}' not found"
            is_current = at(other, "status", "observedGeneration") == at(other, "metadata", "generation")
            if condition_status(other, "Ready") != "True" or not is_current:
                return f"dependency '{'/'.join(place)}' is not ready"
            if _source_key(other) == _source_key(one) and at(other, "status", "lastAppliedRevision") != revision:
                return f"dependency '{'/'.join(place)}' revision is not up to date"
        return ""

    def _objects(self, one: Object, tree: str, files: Callable[[], dict[str, bytes]]) -> list[Object]:
        path = str(at(one, "spec", "path", default="./"))
        if (tree, path) not in self._built:
            if len(self._built) > 64:
                self._built.clear()
            self._built[tree, path] = build(files(), path)
        objects: list[Object] = copied(self._built[tree, path])
        if "postBuild" in one["spec"]:
            variables = self._variables(one)
            objects = [substitute(each, variables) for each in objects]
        for each in objects:
            kind = kind_of(each.get("apiVersion"), each.get("kind"))
            if at(one, "spec", "targetNamespace") and (kind is None or kind.namespaced):
                child(each, "metadata")["namespace"] = one["spec"]["targetNamespace"]
            labels = child(child(each, "metadata"), "labels")
            labels.update(dict(zip(_LABELS, (name_of(one), namespace_of(one)), strict=True)))
        return objects

    def _variables(self, one: Object) -> dict[str, str]:
        variables: dict[str, str] = {}
        for each in at(one, "spec", "postBuild", "substituteFrom", default=[]):
            kind = SECRET if each["kind"] == "Secret" else CONFIG_MAP
            found = self._plane.store.get(kind, namespace_of(one), each["name"])
            if found is None and not each.get("optional"):
                raise BuildFailed(f"substitute from '{each['kind']}/{each['name']}' error: not found")
            variables |= plain_data(found) if found is not None else {}
        given = at(one, "spec", "postBuild", "substitute", default={})
        return variables | {key: str(value) for key, value in given.items()}

    def _apply(self, one: Object, revision: str, objects: list[Object]) -> float:
        try:
            applied = self._flux.apply(objects, forces=bool(at(one, "spec", "force")))
        except ApplyFailed as exc:
            return self._fail(one, "ReconciliationFailed", str(exc), revision)
        if at(one, "spec", "prune"):
            applied.changed += self._flux.prune(inventory_of(one), applied.entries)
        if applied.changed:
            self._notifications.tell(one, "info", "Progressing", "\n".join(applied.changed), MANAGER, revision)
        entries = self._to_check(one, applied.entries)
        if not entries:
            return self._succeed(one, revision, applied.entries)
        limit_s = _timeout_s(one)
        key, now = (namespace_of(one), name_of(one)), self._plane.clock.elapsed
        self._checks[key] = _Check(now + limit_s, now, one["metadata"]["generation"], revision, tuple(entries))
        text = f"Running health checks for revision {revision} with a timeout of {go_duration(limit_s)}"
        inventory = {"entries": applied.entries}
        self._loop.say(one, "Unknown", "Progressing", text, inventory=inventory, lastAttemptedRevision=revision)
        return _LOOK_S

    def _to_check(self, one: Object, entries: Sequence[Object]) -> list[Object]:
        if at(one, "spec", "wait"):
            return list(entries)
        named = at(one, "spec", "healthChecks", default=[])
        kinds = [(each, kind_of(each.get("apiVersion"), each["kind"])) for each in named]
        return [
            {
                "id": "_".join((each.get("namespace", namespace_of(one)), each["name"], kind.group, kind.kind)),
                "v": kind.version,
            }
            for each, kind in kinds
            if kind is not None
        ]

    def _check(self, one: Object, check: _Check) -> float:
        """Until all is well, or the time is over. What is new waits meanwhile."""
        bad = [(text, status) for text, status in map(self._status, check.entries) if status != health.CURRENT]
        key = (namespace_of(one), name_of(one))
        if not bad:
            del self._checks[key]
            wait_s = self._succeed(one, check.revision, inventory_of(one))
            return wait_s if check.generation == one["metadata"]["generation"] else _LOOK_S
        is_lost = any(status == health.FAILED for _, status in bad)
        if self._plane.clock.elapsed < check.until and not is_lost:
            return _LOOK_S
        del self._checks[key]
        took = go_duration(round(self._plane.clock.elapsed - check.began))
        listed = ", ".join(f"{text} status: '{status}'" for text, status in bad)
        why = "failed early due to stalled resources" if is_lost else "timeout waiting for"
        return self._fail(
            one, "HealthCheckFailed", f"health check failed after {took}: {why}: [{listed}]", check.revision
        )

    def _status(self, entry: Object) -> tuple[str, str]:
        namespace, name, group, kind_name = entry["id"].split("_")
        kind = kind_of(f"{group}/{entry['v']}" if group else entry["v"], kind_name)
        found = self._plane.store.get(kind, namespace, name) if kind is not None else None
        return "/".join(filter(None, (kind_name, namespace, name))), health.status_of(found)

    def _succeed(self, one: Object, revision: str, entries: Sequence[Object]) -> float:
        text = f"Applied revision: {revision}"
        is_new = at(one, "status", "lastAppliedRevision") != revision or condition_status(one, "Ready") != "True"
        status = {"lastAppliedRevision": revision, "lastAttemptedRevision": revision}
        self._loop.say(one, "True", "ReconciliationSucceeded", text, inventory={"entries": list(entries)}, **status)
        if is_new:
            interval = one["spec"]["interval"]
            said = f"Reconciliation finished, next run in {interval}"
            self._notifications.tell(one, "info", "ReconciliationSucceeded", said, MANAGER, revision)
        newest = at(self._plane.store.get(GIT_REPOSITORY, *_source_key(one)), "status", "artifact", "revision")
        return seconds_of(one["spec"]["interval"]) if newest == revision else _LOOK_S

    def _fail(
        self, one: Object, reason: str, text: str, revision: str | None = None, *, wait_s: float | None = None
    ) -> float:
        self._loop.say(one, "False", reason, text, lastAttemptedRevision=revision)
        if reason not in ("DependencyNotReady", "ArtifactFailed"):
            self._notifications.tell(one, "error", reason, text, MANAGER, revision)
        if wait_s is not None:
            return wait_s
        return seconds_of(str(at(one, "spec", "retryInterval", default=one["spec"]["interval"])))


def _source_key(one: Object) -> Key:
    reference = one["spec"]["sourceRef"]
    return str(reference.get("namespace") or namespace_of(one)), str(reference["name"])


def _timeout_s(one: Object) -> float:
    given = at(one, "spec", "timeout")
    return seconds_of(given) if given else max(seconds_of(one["spec"]["interval"]) - 30.0, 30.0)
