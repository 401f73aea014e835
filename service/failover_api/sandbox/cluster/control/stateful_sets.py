"""StatefulSets: a pod of one name is never there twice, so the next waits until the object of the last is gone.

With OrderedReady, the default, the set also waits for each pod to be Ready before it does anything else, the update of
that very pod included: one that can never become Ready is never replaced. Parallel does not wait for that.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.control.pods import (
    delete_pod,
    has_ended,
    hash_of,
    is_available,
    is_running_and_ready,
    pod_from,
)
from failover_api.sandbox.cluster.objects.json_values import Object, at, child, copied
from failover_api.sandbox.cluster.objects.kinds import POD, PVC, REVISION, STATEFUL_SET
from failover_api.sandbox.cluster.objects.meta import (
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

_COMPONENT = "statefulset-controller"
REVISION_LABEL = "controller-revision-hash"


class StatefulSets:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self.queue = WorkQueue(plane, self._sync)
        plane.store.subscribe(self._changed)

    def resync(self) -> None:
        for one in self._plane.store.objects(STATEFUL_SET):
            self.queue.add((namespace_of(one), name_of(one)))

    def _changed(self, change: Change) -> None:
        """A pod of another owner, even of the same name, is nobody's news."""
        namespace = namespace_of(change.object)
        if change.kind is STATEFUL_SET:
            self.queue.add((namespace, name_of(change.object)))
        elif change.kind is POD and (owner := controller_of(change.object)) and owner["kind"] == "StatefulSet":
            current = self._plane.store.get(STATEFUL_SET, namespace, owner["name"])
            if current is not None and uid_of(current) == owner["uid"]:
                self.queue.add((namespace, owner["name"]))

    def _sync(self, key: tuple[str, str]) -> None:
        one = self._plane.store.get(STATEFUL_SET, *key)
        if one is None or is_terminating(one):
            return
        update = self._revision_of(one)
        current = str(at(one, "status", "currentRevision", default=update))
        try:
            self._bring(one, update)
        finally:
            self._report(one, current, update)

    def _bring(self, one: Object, update: str) -> None:
        """One step towards what the set is to be; the next comes with the change that this one makes."""
        pods = {_ordinal(pod): pod for pod in self._plane.store.owned_by(uid_of(one), POD)}
        waits = one["spec"]["podManagementPolicy"] != "Parallel"
        replicas = int(one["spec"]["replicas"])
        for ordinal in range(replicas):
            if self._living(one, update, pods.get(ordinal), ordinal) and waits:
                return
        for ordinal in sorted((number for number in pods if number >= replicas), reverse=True):
            if self._condemned(one, pods[ordinal]) and waits:
                return
        if one["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._update(one, update, pods, replicas)

    def _living(self, one: Object, update: str, pod: Object | None, ordinal: int) -> bool:
        """Whether the set has to wait because of this pod."""
        if pod is None:
            self._create(one, update, ordinal)
            return True
        if has_ended(pod) and not is_terminating(pod):
            self._delete(one, pod)
            return True
        min_ready_s = int(at(one, "spec", "minReadySeconds", default=0))
        is_good = is_running_and_ready(pod) and is_available(pod, min_ready_s, self._plane.clock.now)
        return is_terminating(pod) or not is_good

    def _condemned(self, one: Object, pod: Object) -> bool:
        if not is_terminating(pod):
            self._delete(one, pod)
        return True

    def _update(self, one: Object, update: str, pods: dict[int, Object], replicas: int) -> None:
        partition = int(at(one, "spec", "updateStrategy", "rollingUpdate", "partition", default=0))
        for ordinal in reversed(range(partition, replicas)):
            pod = pods.get(ordinal)
            if pod is None:
                return
            if labels_of(pod).get(REVISION_LABEL) != update and not is_terminating(pod):
                self._delete(one, pod)
                return
            if not is_running_and_ready(pod) or is_terminating(pod):
                return

    def _create(self, one: Object, update: str, ordinal: int) -> None:
        partition = int(at(one, "spec", "updateStrategy", "rollingUpdate", "partition", default=0))
        current = str(at(one, "status", "currentRevision", default=update))
        revision = current if ordinal < partition else update
        pod = pod_from(self._template(one, revision), one)
        name = f"{name_of(one)}-{ordinal}"
        pod["metadata"]["name"] = name
        more = {REVISION_LABEL: revision, "statefulset.kubernetes.io/pod-name": name}
        child(pod["metadata"], "labels").update(more | {"apps.kubernetes.io/pod-index": str(ordinal)})
        pod["spec"] |= {"hostname": name, "subdomain": one["spec"]["serviceName"]}
        self._claims(one, pod, ordinal)
        try:
            self._plane.registry.create(POD, pod)
        except ApiError as exc:
            message = f"create Pod {name} in StatefulSet {name_of(one)} failed error: {exc.message}"
            self._plane.event(one, "FailedCreate", message, _COMPONENT, warning=True)
            raise
        message = f"create Pod {name} in StatefulSet {name_of(one)} successful"
        self._plane.event(one, "SuccessfulCreate", message, _COMPONENT)

    def _claims(self, one: Object, pod: Object, ordinal: int) -> None:
        for template in at(one, "spec", "volumeClaimTemplates", default=[]):
            claim = f"{name_of(template)}-{name_of(one)}-{ordinal}"
            volume = {"name": name_of(template), "persistentVolumeClaim": {"claimName": claim}}
            others = [each for each in pod["spec"].get("volumes", []) if each["name"] != name_of(template)]
            pod["spec"]["volumes"] = [*others, volume]
            if self._plane.store.get(PVC, namespace_of(one), claim) is None:
                meta = {"name": claim, "namespace": namespace_of(one), "labels": labels_of(pod)}
                self._plane.registry.create(PVC, {"metadata": meta, "spec": copied(template["spec"])})

    def _delete(self, one: Object, pod: Object) -> None:
        delete_pod(self._plane, pod)
        message = f"delete Pod {name_of(pod)} in StatefulSet {name_of(one)} successful"
        self._plane.event(one, "SuccessfulDelete", message, _COMPONENT)

    # Revisions

    def _revision_of(self, one: Object) -> str:
        """The name of the ControllerRevision of the present template; an equal one of the past is used again."""
        known = self._plane.store.owned_by(uid_of(one), REVISION)
        data = {"spec": {"template": one["spec"]["template"]}}
        newest = max((each["revision"] for each in known), default=0)
        same = next((each for each in known if each["data"] == data), None)
        if same is None:
            name = f"{name_of(one)}-{hash_of(data)}"
            meta = {"name": name, "namespace": namespace_of(one), "ownerReferences": [owner_reference(one)]}
            self._plane.registry.create(REVISION, {"metadata": meta, "data": copied(data), "revision": newest + 1})
            return name
        if same["revision"] < newest:
            bumped = copied(same)
            bumped["revision"] = newest + 1
            self._plane.registry.update(REVISION, bumped)
        return name_of(same)

    def _template(self, one: Object, revision: str) -> Object:
        found = self._plane.store.get(REVISION, namespace_of(one), revision)
        return dict(found["data"]["spec"]["template"] if found is not None else one["spec"]["template"])

    def _report(self, one: Object, current: str, update: str) -> None:
        """It has no conditions at all."""
        pods = self._plane.store.owned_by(uid_of(one), POD)
        min_ready_s = int(at(one, "spec", "minReadySeconds", default=0))
        good = [pod for pod in pods if is_running_and_ready(pod)]
        available = sum(is_available(pod, min_ready_s, self._plane.clock.now) for pod in good)
        counts = {
            "readyReplicas": len(good),
            "currentReplicas": _of_revision(pods, current),
            "updatedReplicas": _of_revision(pods, update),
        }
        is_rolling = one["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        if is_rolling and counts["updatedReplicas"] == len(pods) == len(good):
            current, counts["currentReplicas"] = update, counts["updatedReplicas"]

        def change(new: Object) -> None:
            status: Object = {"observedGeneration": one["metadata"]["generation"], "replicas": len(pods)}
            status |= {key: count for key, count in counts.items() if count}
            status |= {"availableReplicas": available, "currentRevision": current, "updateRevision": update}
            new["status"] = {**status, "collisionCount": 0}

        self._plane.registry.modify(STATEFUL_SET, namespace_of(one), name_of(one), change)


def _ordinal(pod: Object) -> int:
    return int(name_of(pod).rpartition("-")[2])


def _of_revision(pods: list[Object], revision: str) -> int:
    return sum(labels_of(pod).get(REVISION_LABEL) == revision and not is_terminating(pod) for pod in pods)
