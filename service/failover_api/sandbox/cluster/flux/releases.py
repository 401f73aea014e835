"""helm-controller: a release is rendered, applied, waited for, and remediated when it fails.

https://fluxcd.io/flux/components/helm/helmreleases/
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.flux import health
from failover_api.sandbox.cluster.flux.applying import ApplyFailed, FluxApply
from failover_api.sandbox.cluster.flux.chart import render
from failover_api.sandbox.cluster.flux.loop import Key, Loop
from failover_api.sandbox.cluster.manifests import documents
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import (
    CONFIG_MAP,
    HELM_RELEASE,
    HELM_REPOSITORY,
    OCI_REPOSITORY,
    SECRET,
    kind_of,
)
from failover_api.sandbox.cluster.objects.meta import condition_status, name_of, namespace_of, set_condition
from failover_api.sandbox.cluster.objects.patches import merge_patch
from failover_api.sandbox.cluster.objects.secrets import plain_data
from failover_api.sandbox.cluster.objects.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.applying import Applier
    from failover_api.sandbox.cluster.flux.notifications import Notifications
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

MANAGER = "helm-controller"
RELEASE_S = (0.5, 2.0)
_TIMEOUT = "5m0s"
_LOOK_S = 1.0
_AGAIN_S = 30.0
_WORKLOADS = ("Deployment", "StatefulSet", "PersistentVolumeClaim")


@dataclass(frozen=True, slots=True)
class _Release:
    """One release of the past: what was applied, under which values."""

    number: int
    digest: str
    objects: tuple[Object, ...]
    entries: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A release that was applied and is waited for."""

    release: _Release
    until: float
    is_remediation: bool


class Releases:
    def __init__(self, plane: Plane, applier: Applier, notifications: Notifications, runs: Callable[[], bool]) -> None:
        self._plane, self._notifications = plane, notifications
        self._flux = FluxApply(plane.registry, applier, MANAGER)
        self._loop = Loop(plane, HELM_RELEASE, self._reconcile, runs, RELEASE_S)
        self._good: dict[Key, _Release] = {}
        self._tried: dict[Key, _Release] = {}
        self._waiting: dict[Key, _Waiting] = {}
        plane.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind is HELM_RELEASE and change.type == "DELETED":
            key = (namespace_of(change.object), name_of(change.object))
            for known in (self._waiting, self._good):
                known.pop(key, None)
            release = self._tried.pop(key, None)
            if release is not None:
                self._flux.prune(release.entries, [])

    def _reconcile(self, one: Object) -> float:
        key = (namespace_of(one), name_of(one))
        if key in self._waiting:
            return self._wait(one, self._waiting[key])
        if why := self._not_ready(one):
            self._loop.say(one, "False", *why)
            return _AGAIN_S
        try:
            values = self._values(one)
            objects = render(_release_name(one), _release_namespace(one), copied(values))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            return self._fail(one, f"values cannot be rendered: {exc}", None)
        digest = _digest([values, _chart_version(self._plane, one)])
        tried = self._tried.get(key)
        if tried is not None and tried.digest == digest:
            return self._again(one, tried)
        number = (tried.number if tried is not None else 0) + 1
        self._reset_failures(one)
        return self._release(one, _Release(number, digest, tuple(objects), ()))

    def _again(self, one: Object, tried: _Release) -> float:
        """Nothing is new: well when the last one was, else once more while retries are left."""
        if condition_status(one, "Ready") == "True" or self._is_exhausted(one):
            return seconds_of(one["spec"]["interval"])
        return self._release(one, _Release(tried.number + 1, tried.digest, tried.objects, ()))

    def _release(self, one: Object, release: _Release, *, is_remediation: bool = False) -> float:
        key = (namespace_of(one), name_of(one))
        objects = [copied(each) for each in release.objects]
        labels = {"helm.toolkit.fluxcd.io/name": name_of(one), "helm.toolkit.fluxcd.io/namespace": namespace_of(one)}
        for each in objects:
            child(child(each, "metadata"), "labels").update(labels)
        before = self._tried.get(key)
        self._say_attempt(one, release)
        try:
            applied = self._flux.apply(objects)
        except ApplyFailed as exc:
            self._tried[key] = _Release(
                release.number, release.digest, release.objects, before.entries if before else ()
            )
            return self._fail(one, str(exc), release)
        if before is not None:
            self._flux.prune(before.entries, applied.entries)
        release = _Release(release.number, release.digest, release.objects, tuple(applied.entries))
        self._tried[key] = release
        if at(one, "spec", self._action(one), "disableWait"):
            return self._succeed(one, release, is_remediation=is_remediation)
        until = self._plane.clock.elapsed + seconds_of(str(at(one, "spec", "timeout", default=_TIMEOUT)))
        self._waiting[key] = _Waiting(release, until, is_remediation)
        text = f"Running '{self._action(one)}' action with timeout of {at(one, 'spec', 'timeout', default=_TIMEOUT)}"
        self._loop.say(one, "Unknown", "Progressing", text)
        return _LOOK_S

    def _wait(self, one: Object, waiting: _Waiting) -> float:
        key = (namespace_of(one), name_of(one))
        bad = [each for each in waiting.release.objects if not self._is_well(each)]
        if bad and self._plane.clock.elapsed < waiting.until:
            return _LOOK_S
        del self._waiting[key]
        if not bad:
            wait_s = self._succeed(one, waiting.release, is_remediation=waiting.is_remediation)
        elif waiting.is_remediation:
            wait_s = self._fail_back(one, waiting.release)
        else:
            wait_s = self._fail(one, "context deadline exceeded", waiting.release)
        is_old = at(one, "status", "lastAttemptedGeneration") != at(one, "metadata", "generation")
        return _LOOK_S if is_old else wait_s

    def _is_well(self, wanted: Object) -> bool:
        kind = kind_of(wanted["apiVersion"], wanted["kind"])
        if kind is None or wanted["kind"] not in _WORKLOADS:
            return True
        return health.status_of(self._plane.store.get(kind, namespace_of(wanted), name_of(wanted))) == health.CURRENT

    # What is said

    def _action(self, one: Object) -> str:
        is_new = (namespace_of(one), name_of(one)) not in self._good
        return "install" if is_new else "upgrade"

    def _say_attempt(self, one: Object, release: _Release) -> None:
        def change(new: Object) -> None:
            version = _chart_version(self._plane, one)
            child(new, "status").update({
                "lastAttemptedRevision": version,
                "lastAttemptedReleaseAction": self._action(one),
                "lastAttemptedGeneration": new["metadata"]["generation"],
                "lastAttemptedConfigDigest": release.digest,
                "storageNamespace": _release_namespace(one),
            })  # fmt: skip

        self._plane.registry.modify(HELM_RELEASE, namespace_of(one), name_of(one), change)

    def _succeed(self, one: Object, release: _Release, *, is_remediation: bool) -> float:
        key = (namespace_of(one), name_of(one))
        action = "rollback" if is_remediation else self._action(one)
        named = self._named(one, release)
        text = f"Helm {action} succeeded for release {named}"
        reasons = {"rollback": "RollbackSucceeded", "install": "InstallSucceeded", "upgrade": "UpgradeSucceeded"}
        history = self._history(one, release, "deployed")
        if is_remediation:
            self._condition(one, "Remediated", "True", reasons[action], text)
            self._loop.say(one, "False", reasons[action], text, history=history)
            return _AGAIN_S if not self._is_exhausted(one) else seconds_of(one["spec"]["interval"])
        self._good[key] = release
        self._condition(one, "Released", "True", reasons[action], text)
        inventory = {"entries": list(release.entries)}
        self._loop.say(one, "True", reasons[action], text, history=history, inventory=inventory)
        self._notifications.tell(one, "info", reasons[action], text, MANAGER, _chart_version(self._plane, one))
        return seconds_of(one["spec"]["interval"])

    def _fail(self, one: Object, why: str, release: _Release | None) -> float:
        action = self._action(one)
        reason = f"{action.capitalize()}Failed"
        text = f"Helm {action} failed for release {self._named(one, release)}: {why}"
        failures = int(at(one, "status", f"{action}Failures", default=0)) + 1
        history = self._history(one, release, "failed") if release is not None else None
        self._condition(one, "Released", "False", reason, text)
        counted = {f"{action}Failures": failures, "failures": int(at(one, "status", "failures", default=0)) + 1}
        one = self._loop.say(one, "False", reason, text, history=history, **counted)
        self._notifications.tell(one, "error", reason, text, MANAGER, _chart_version(self._plane, one))
        good = self._good.get((namespace_of(one), name_of(one)))
        if good is not None and release is not None and self._rolls_back(one, failures):
            number = release.number + 1
            back = _Release(number, release.digest, good.objects, ())
            waits = self._release(one, back, is_remediation=True)
            tried = self._tried[namespace_of(one), name_of(one)]
            objects = release.objects
            self._tried[namespace_of(one), name_of(one)] = _Release(number, release.digest, objects, tried.entries)
            return waits
        return seconds_of(one["spec"]["interval"]) if self._is_exhausted(one) else _AGAIN_S

    def _fail_back(self, one: Object, release: _Release) -> float:
        """Even the rollback did not come up, as when its node is dead."""
        text = f"Helm rollback failed for release {self._named(one, release)}: context deadline exceeded"
        self._condition(one, "Remediated", "False", "RollbackFailed", text)
        self._loop.say(one, "False", "RollbackFailed", text)
        return seconds_of(one["spec"]["interval"]) if self._is_exhausted(one) else _AGAIN_S

    def _rolls_back(self, one: Object, failures: int) -> bool:
        """While retries are left; after the last only with `remediateLastFailure`, the default where there are any."""
        remediation = at(one, "spec", "upgrade", "remediation", default={})
        retries = int(remediation.get("retries", 0))
        if remediation.get("strategy", "rollback") != "rollback" or not retries:
            return False
        return failures <= retries or bool(remediation.get("remediateLastFailure", True))

    def _is_exhausted(self, one: Object) -> bool:
        action = self._action(one)
        current = self._plane.store.get(HELM_RELEASE, namespace_of(one), name_of(one)) or one
        retries = int(at(one, "spec", action, "remediation", "retries", default=0))
        return int(at(current, "status", f"{action}Failures", default=0)) > retries >= 0

    def _reset_failures(self, one: Object) -> None:
        def change(new: Object) -> None:
            for key in ("failures", "installFailures", "upgradeFailures"):
                child(new, "status").pop(key, None)
            conditions = at(new, "status", "conditions", default=[])
            conditions[:] = [each for each in conditions if each["type"] != "Remediated"]

        self._plane.registry.modify(HELM_RELEASE, namespace_of(one), name_of(one), change)

    def _condition(self, one: Object, type_: str, status: str, reason: str, text: str) -> None:
        def change(new: Object) -> None:
            said = {"reason": reason, "message": text, "observedGeneration": new["metadata"]["generation"]}
            set_condition(new, self._plane.now, type_, status, **said)

        self._plane.registry.modify(HELM_RELEASE, namespace_of(one), name_of(one), change)

    def _named(self, one: Object, release: _Release | None) -> str:
        number = release.number if release is not None else 1
        chart = f"{_chart_name(one)}@{_chart_version(self._plane, one)}"
        return f"{_release_namespace(one)}/{_release_name(one)}.v{number} with chart {chart}"

    def _history(self, one: Object, release: _Release, status: str) -> list[Object]:
        """Newest first, five at most."""
        older = copied(at(one, "status", "history", default=[]))
        for each in older:
            each["status"] = "superseded" if each["status"] == "deployed" else each["status"]
        first = older[-1]["firstDeployed"] if older else self._plane.now
        entry = {
            "name": _release_name(one),
            "namespace": _release_namespace(one),
            "version": release.number,
            "chartName": _chart_name(one),
            "chartVersion": _chart_version(self._plane, one),
            "status": status,
            "digest": _digest(release.objects),
            "configDigest": release.digest,
            "firstDeployed": first,
            "lastDeployed": self._plane.now,
        }
        return [entry, *older][:5]

    # What it is made of

    def _not_ready(self, one: Object) -> tuple[str, str] | None:
        for each in at(one, "spec", "dependsOn", default=[]):
            place = (each.get("namespace", namespace_of(one)), each["name"])
            other = self._plane.store.get(HELM_RELEASE, *place)
            if other is None or condition_status(other, "Ready") != "True":
                return "DependencyNotReady", f"dependency '{'/'.join(place)}' is not ready"
        kind_name, namespace, name = _chart_source(one)
        kind = {"OCIRepository": OCI_REPOSITORY, "HelmRepository": HELM_REPOSITORY}.get(kind_name)
        if kind is not None and self._plane.store.get(kind, namespace, name) is None:
            text = f'could not get Source object: {kind.resource} "{name}" not found'
            return "SourceNotReady", text
        return None

    def _values(self, one: Object) -> Object:
        values: Any = {}
        for each in at(one, "spec", "valuesFrom", default=[]):
            kind = SECRET if each["kind"] == "Secret" else CONFIG_MAP
            found = self._plane.store.get(kind, namespace_of(one), each["name"])
            if found is None:
                if each.get("optional"):
                    continue
                raise ValueError(f"could not find {each['kind']} '{namespace_of(one)}/{each['name']}'")
            for document in documents(plain_data(found)[each.get("valuesKey", "values.yaml")]):
                values = merge_patch(values, document)
        return dict(merge_patch(values, at(one, "spec", "values", default={})))


def _release_name(one: Object) -> str:
    return str(at(one, "spec", "releaseName", default=name_of(one)))


def _release_namespace(one: Object) -> str:
    return str(at(one, "spec", "targetNamespace", default=namespace_of(one)))


def _chart_source(one: Object) -> tuple[str, str, str]:
    """Kind, namespace and name of where the chart comes from; empty where nothing is named."""
    reference = at(one, "spec", "chartRef") or at(one, "spec", "chart", "spec", "sourceRef") or {}
    namespace = reference.get("namespace") or namespace_of(one)
    return str(reference.get("kind", "")), str(namespace), str(reference.get("name", ""))


def _chart_name(one: Object) -> str:
    return str(at(one, "spec", "chartRef", "name") or at(one, "spec", "chart", "spec", "chart", default="app"))


def _chart_version(plane: Plane, one: Object) -> str:
    kind_name, namespace, name = _chart_source(one)
    if kind_name == "OCIRepository" and (source := plane.store.get(OCI_REPOSITORY, namespace, name)):
        return str(at(source, "spec", "ref", "tag", default="0.0.0"))
    return str(at(one, "spec", "chart", "spec", "version", default="0.0.0"))


def _digest(value: object) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()}"
