"""Deployments: both strategies, step by step as the deployment controller goes.

    Recreate         old ReplicaSets to 0; wait until no old pod is left, those that a dead node holds too; new one up
    RollingUpdate    new one up as far as maxSurge lets it; old ones down as far as maxUnavailable lets them

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import HASH_LABEL, has_ended, hash_of
from failover_api.sandbox.cluster.control.rollout_status import max_surge, max_unavailable, next_look_s, report
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import DEPLOYMENT, POD, REPLICA_SET
from failover_api.sandbox.cluster.objects.meta import (
    annotation,
    condition,
    controller_of,
    is_terminating,
    name_of,
    namespace_of,
    owner_reference,
    set_condition,
    uid_of,
)
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

_COMPONENT = "deployment-controller"
REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAX = "deployment.kubernetes.io/max-replicas"


class Deployments:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self.queue = WorkQueue(plane, self._sync)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for one in self._plane.store.objects(DEPLOYMENT):
            self.queue.add((namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        namespace = namespace_of(change.object)
        if change.kind is DEPLOYMENT:
            self.queue.add((namespace, name_of(change.object)))
        elif change.kind is REPLICA_SET and (owner := controller_of(change.object)):
            self.queue.add((namespace, owner["name"]))
        elif change.kind is POD and change.type == "DELETED" and (owner := controller_of(change.object)):
            above = self._plane.store.get(REPLICA_SET, namespace, owner["name"])
            if above is not None and (owner := controller_of(above)):
                self.queue.add((namespace, owner["name"]))

    def _sync(self, key: tuple[str, str]) -> None:
        one = self._plane.store.get(DEPLOYMENT, *key)
        if one is None:
            return
        sets = sorted(self._plane.store.owned_by(uid_of(one), REPLICA_SET), key=_age)
        if is_terminating(one):
            report(self._plane, one, sets, self._newest(one, sets))
        elif at(one, "spec", "paused") or self._was_scaled(one, sets):
            self._scale_all(one, sets)
        elif one["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(one, sets)
        else:
            self._roll(one, sets)
        wait_s = next_look_s(self._plane, self._plane.registry.get(DEPLOYMENT, *key))
        if wait_s is not None:
            self.queue.add_after(key, wait_s)

    # The two strategies

    def _recreate(self, one: Object, sets: list[Object]) -> None:
        newest = self._newest(one, sets)
        old = [each for each in sets if newest is None or uid_of(each) != uid_of(newest)]
        active = [each for each in old if _replicas(each)]
        for each in active:
            self._scale(one, each, 0)
        if not active and not self._has_old_pods(old):
            newest = newest or self._create(one, sets, 0)
            if _replicas(newest) != _replicas(one):
                newest = self._scale(one, newest, _replicas(one))
            self._clean_up(one, old)
        self._report(one, newest)

    def _has_old_pods(self, old: list[Object]) -> bool:
        """One that ended does not count; one that is being deleted does."""
        if any(at(each, "status", "replicas", default=0) for each in old):
            return True
        return any(not has_ended(pod) for each in old for pod in self._plane.store.owned_by(uid_of(each), POD))

    def _roll(self, one: Object, sets: list[Object]) -> None:
        newest = self._newest(one, sets) or self._create(one, sets, None)
        old = [each for each in sets if uid_of(each) != uid_of(newest)]
        if not self._scale_new(one, newest, old):
            self._scale_old(one, newest, old)
            if all(not _replicas(each) for each in old):
                self._clean_up(one, old)
        self._report(one, newest)

    def _scale_new(self, one: Object, newest: Object, old: list[Object]) -> bool:
        wanted = _replicas(one)
        if _replicas(newest) > wanted:
            self._scale(one, newest, wanted)
            return True
        total = sum(map(_replicas, [newest, *old]))
        room = wanted + max_surge(one) - total
        grow = min(room, wanted - _replicas(newest))
        if grow <= 0:
            return False
        self._scale(one, newest, _replicas(newest) + grow)
        return True

    def _scale_old(self, one: Object, newest: Object, old: list[Object]) -> None:
        total = sum(map(_replicas, [newest, *old]))
        at_least = _replicas(one) - max_unavailable(one)
        missing = _replicas(newest) - _available(newest)
        spare = total - at_least - missing
        for each in old:  # first those that are no use to anybody
            unhealthy = min(_replicas(each) - _available(each), spare)
            if unhealthy > 0:
                each = self._scale(one, each, _replicas(each) - unhealthy)
                spare -= unhealthy
        old = [self._plane.registry.get(REPLICA_SET, namespace_of(each), name_of(each)) for each in old]
        spare = min(spare, sum(map(_available, [newest, *old])) - at_least)
        for each in old:
            less = min(_replicas(each), spare)
            if less > 0:
                self._scale(one, each, _replicas(each) - less)
                spare -= less

    # A change of replicas alone, and pauses

    def _was_scaled(self, one: Object, sets: list[Object]) -> bool:
        return any(_replicas(each) and annotation(each, _DESIRED) != str(_replicas(one)) for each in sets)

    def _scale_all(self, one: Object, sets: list[Object]) -> None:
        """The newest that has pods follows the Deployment; nothing is rolled out."""
        newest = self._newest(one, sets)
        active = [each for each in sets if _replicas(each)]
        chosen = active[-1] if active else newest
        if chosen is not None and (_replicas(chosen) != _replicas(one) or _marks(one, chosen)):
            self._scale(one, chosen, _replicas(one))
        self._report(one, newest)

    # ReplicaSets

    def _newest(self, one: Object, sets: list[Object]) -> Object | None:
        """The one of the present template."""
        template = one["spec"]["template"]
        found = next((each for each in sets if _bare_template(each) == template), None)
        if found is None:
            return None
        highest = max((_revision(each) for each in sets if each is not found), default=0)
        if _revision(found) <= highest:
            found = self._annotate(found, {REVISION: str(highest + 1)})
        self._note_revision(one, annotation(found, REVISION) or "1")
        if condition(one, "Progressing") is None and not at(one, "spec", "paused"):
            self._progress(one, "FoundNewReplicaSet", f'Found new replica set "{name_of(found)}"')
        return found

    def _create(self, one: Object, sets: list[Object], replicas: int | None) -> Object:
        template = copied(one["spec"]["template"])
        digest = hash_of(template)
        child(child(template, "metadata"), "labels")[HASH_LABEL] = digest
        selector = copied(one["spec"]["selector"])
        child(selector, "matchLabels")[HASH_LABEL] = digest
        if replicas is None:
            room = _replicas(one) + max_surge(one) - sum(map(_replicas, sets))
            replicas = max(0, min(room, _replicas(one)))
        revision = str(max((_revision(each) for each in sets), default=0) + 1)
        spec = {"replicas": replicas, "selector": selector, "template": template}
        if minimum := at(one, "spec", "minReadySeconds"):
            spec["minReadySeconds"] = minimum
        meta = {
            "name": f"{name_of(one)}-{digest}",
            "namespace": namespace_of(one),
            "labels": template["metadata"]["labels"],
        }
        meta |= {"ownerReferences": [owner_reference(one)], "annotations": {REVISION: revision, **_wanted_marks(one)}}
        made = self._plane.registry.create(REPLICA_SET, {"metadata": meta, "spec": spec})
        self._note_revision(one, revision)
        if replicas:
            self._tell_scaled(one, made, "up", 0, replicas)
        self._progress(one, "NewReplicaSetCreated", f'Created new replica set "{name_of(made)}"')
        return made

    def _scale(self, one: Object, each: Object, replicas: int) -> Object:
        before = _replicas(each)

        def change(new: Object) -> None:
            new["spec"]["replicas"] = replicas
            child(new["metadata"], "annotations").update(_wanted_marks(one))

        scaled = self._plane.registry.modify(REPLICA_SET, namespace_of(each), name_of(each), change)
        if before != replicas:
            self._tell_scaled(one, each, "up" if replicas > before else "down", before, replicas)
        return scaled

    def _tell_scaled(self, one: Object, each: Object, way: str, before: int, after: int) -> None:
        message = f"Scaled {way} replica set {name_of(each)} from {before} to {after}"
        self._plane.event(one, "ScalingReplicaSet", message, _COMPONENT)

    def _annotate(self, each: Object, annotations: dict[str, str]) -> Object:
        def change(new: Object) -> None:
            child(new["metadata"], "annotations").update(annotations)

        return self._plane.registry.modify(REPLICA_SET, namespace_of(each), name_of(each), change)

    def _note_revision(self, one: Object, revision: str) -> None:
        def change(new: Object) -> None:
            child(new["metadata"], "annotations")[REVISION] = revision

        self._plane.registry.modify(DEPLOYMENT, namespace_of(one), name_of(one), change)

    def _progress(self, one: Object, reason: str, message: str) -> None:
        def change(new: Object) -> None:
            said = {"reason": reason, "message": message, "lastUpdateTime": self._plane.now}
            set_condition(new, self._plane.now, "Progressing", "True", **said)

        self._plane.registry.modify(DEPLOYMENT, namespace_of(one), name_of(one), change)

    def _clean_up(self, one: Object, old: list[Object]) -> None:
        """Keeps as many old ReplicaSets as `revisionHistoryLimit` says."""
        empty = [each for each in old if not _replicas(each) and not at(each, "status", "replicas", default=0)]
        empty = [each for each in empty if not self._plane.store.owned_by(uid_of(each), POD)]
        surplus = len(empty) - int(at(one, "spec", "revisionHistoryLimit", default=10))
        for each in sorted(empty, key=_revision)[: max(surplus, 0)]:
            self._plane.registry.delete(REPLICA_SET, namespace_of(each), name_of(each))

    def _report(self, one: Object, newest: Object | None) -> None:
        current = self._plane.registry.get(DEPLOYMENT, namespace_of(one), name_of(one))
        sets = sorted(self._plane.store.owned_by(uid_of(one), REPLICA_SET), key=_age)
        if newest is not None:
            newest = self._plane.registry.get(REPLICA_SET, namespace_of(newest), name_of(newest))
        report(self._plane, current, sets, newest)


def _replicas(one: Object) -> int:
    return int(at(one, "spec", "replicas", default=0))


def _available(one: Object) -> int:
    return int(at(one, "status", "availableReplicas", default=0))


def _revision(each: Object) -> int:
    return int(annotation(each, REVISION) or 0)


def _age(each: Object) -> tuple[str, int]:
    return str(each["metadata"]["creationTimestamp"]), _revision(each)


def _bare_template(each: Object) -> Object:
    template = copied(each["spec"]["template"])
    template["metadata"]["labels"].pop(HASH_LABEL, None)
    return dict(template)


def _wanted_marks(one: Object) -> dict[str, str]:
    return {_DESIRED: str(_replicas(one)), _MAX: str(_replicas(one) + max_surge(one))}


def _marks(one: Object, each: Object) -> bool:
    return any(annotation(each, key) != value for key, value in _wanted_marks(one).items())
