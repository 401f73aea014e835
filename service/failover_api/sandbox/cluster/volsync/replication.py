"""VolSync's controller: the three states of a ReplicationSource or ReplicationDestination.

    neither lastSyncTime nor lastSyncStartTime    begins at once, whatever the trigger says
    lastSyncStartTime                             syncs; `paused` only keeps its mover from running
    else                                          idle: a manual tag that is new starts a sync, a schedule when its time
                                                  is there, no trigger at once; a tag switches the schedule off

https://volsync.readthedocs.io/en/stable/usage/triggers.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import (
    JOB,
    PVC,
    REPLICATION_DESTINATION,
    REPLICATION_SOURCE,
    SERVICE,
)
from failover_api.sandbox.cluster.objects.meta import (
    condition_status,
    name_of,
    namespace_of,
    owner_reference,
    set_condition,
)
from failover_api.sandbox.cluster.objects.times import epoch, go_duration, rfc3339
from failover_api.sandbox.cluster.plane import WorkQueue
from failover_api.sandbox.cluster.volsync.cron import next_time
from failover_api.sandbox.cluster.volsync.movers import CREATED_BY, NAME, mover_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change
    from failover_api.sandbox.cluster.volsync.movers import Movers

_KINDS = {"ReplicationSource": REPLICATION_SOURCE, "ReplicationDestination": REPLICATION_DESTINATION}
_PREFIX = {"rsyncTLS": "volsync-rsync-tls-", "restic": "volsync-"}
_SAID = {
    "SyncInProgress": ("True", "Synchronization in-progress"),
    "CleaningUp": ("False", "Cleaning up"),
    "WaitingForSchedule": ("False", "Waiting for next scheduled synchronization"),
    "WaitingForManual": ("False", "Waiting for manual trigger"),
}
_ASK_AGAIN_S = 5.0
_CLEAN_UP_S = 1.0
Key = tuple[str, str, str]


class Replication:
    def __init__(self, plane: Plane, movers: Movers, runs: Callable[[], bool]) -> None:
        self._plane, self._movers, self._runs = plane, movers, runs
        self._cleaning: set[Key] = set()
        self._queue = WorkQueue(plane, self._work, latency_s=(0.05, 0.3), runs=lambda: True)
        plane.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.type == "DELETED":
            return
        if change.kind in _KINDS.values():
            self._queue.add(_key(change.object))
        elif change.kind is JOB:
            for owner in at(change.object, "metadata", "ownerReferences", default=[]):
                if owner["kind"] in _KINDS:
                    self._queue.add((owner["kind"], namespace_of(change.object), owner["name"]))

    def _work(self, key: Key) -> None:
        one = self._plane.store.get(_KINDS[key[0]], *key[1:])
        if one is None:
            return
        if not self._runs():
            self._queue.add_after(key, _ASK_AGAIN_S)
            return
        try:
            self._step(one)
        except ValueError as exc:
            self._say(one, "Error", str(exc))

    def _step(self, one: Object) -> None:
        mover_of(one["spec"])
        status = at(one, "status", default={})
        if status.get("lastSyncStartTime"):
            self._synchronize(one)
        elif _key(one) in self._cleaning:
            return
        elif self._is_due(one, status):
            self._begin(one)
        else:
            self._rest(one, status)

    def _is_due(self, one: Object, status: Object) -> bool:
        if not status.get("lastSyncTime"):
            return True
        trigger = at(one, "spec", "trigger", default={})
        if trigger.get("manual"):
            return bool(trigger["manual"] != status.get("lastManualSync"))
        if trigger.get("schedule"):
            return self._next(one, status) <= self._plane.clock.now
        return True

    def _next(self, one: Object, status: Object) -> float:
        return next_time(one["spec"]["trigger"]["schedule"], epoch(status["lastSyncTime"]))

    def _begin(self, one: Object) -> None:
        self._check_claim(one)
        if one["kind"] == "ReplicationSource":
            self._movers.take_image(one)
        elif mover_of(one["spec"])[0] == "rsyncTLS":
            self._offer(one)

        def change(new: Object) -> None:
            child(new, "status")["lastSyncStartTime"] = self._plane.now

        self._modify(one, change)
        self._say(one, "SyncInProgress")

    def _check_claim(self, one: Object) -> None:
        """Raises ValueError when the claim is not there; a destination without a name for one gets its own."""
        options = mover_of(one["spec"])[1]
        name = one["spec"].get("sourcePVC") or options.get("destinationPVC")
        if name and self._plane.store.get(PVC, namespace_of(one), name) is None:
            raise ValueError(f'PersistentVolumeClaim "{name}" not found')
        own = f"volsync-{name_of(one)}-dest"
        if not name and self._plane.store.get(PVC, namespace_of(one), own) is None:
            spec: Object = {"accessModes": options.get("accessModes", ["ReadWriteOnce"])}
            spec["resources"] = {"requests": {"storage": options.get("capacity", "1Gi")}}
            if options.get("storageClassName"):
                spec["storageClassName"] = options["storageClassName"]
            self._plane.registry.create(PVC, {"metadata": {"name": own, "namespace": namespace_of(one)}, "spec": spec})

    def _offer(self, one: Object) -> None:
        """The service that the source's mover connects to."""
        name = f"volsync-rsync-tls-dst-{name_of(one)}"
        if self._plane.store.get(SERVICE, namespace_of(one), name) is None:
            meta = {"name": name, "namespace": namespace_of(one), "ownerReferences": [owner_reference(one)]}
            spec = {"selector": {NAME: f"dst-{name_of(one)}"}, "ports": [{"name": "rsync-tls", "port": 8000}]}
            self._plane.registry.create(SERVICE, {"metadata": meta, "spec": spec})
        address = f"{name}.{namespace_of(one)}.svc.cluster.local"
        self._modify(one, lambda new: child(child(new, "status"), "rsyncTLS").update(address=address))

    def _synchronize(self, one: Object) -> None:
        """A Job runs the mover; while paused it may have no pod."""
        side = "src" if one["kind"] == "ReplicationSource" else "dst"
        name = f"{_PREFIX[mover_of(one['spec'])[0]]}{side}-{name_of(one)}"
        job = self._plane.store.get(JOB, namespace_of(one), name)
        parallelism = 0 if at(one, "spec", "paused") else 1
        if job is None:
            self._plane.registry.create(JOB, self._job(one, name, side, parallelism))
        elif condition_status(job, "Complete") == "True":
            self._finish(one, job)
        elif condition_status(job, "Failed") == "True":
            self._note_result(one, "Failed")
            self._plane.registry.delete(JOB, namespace_of(one), name)
        elif job["spec"]["parallelism"] != parallelism:
            self._plane.registry.modify(
                JOB, namespace_of(one), name, lambda new: new["spec"].update(parallelism=parallelism)
            )
        if self._is_syncing(one):
            self._say(one, "SyncInProgress")

    def _is_syncing(self, one: Object) -> bool:
        current = self._plane.store.get(_KINDS[one["kind"]], namespace_of(one), name_of(one))
        return bool(at(current, "status", "lastSyncStartTime"))

    def _job(self, one: Object, name: str, side: str, parallelism: int) -> Object:
        labels = {CREATED_BY: "volsync", NAME: f"{side}-{name_of(one)}", "app.kubernetes.io/part-of": "volsync"}
        pod: Object = {"restartPolicy": "OnFailure", "containers": [{"name": "mover", "image": "example.org/mover:1"}]}
        claim = self._mover_claim(one)
        if claim:
            pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        template = {"metadata": {"labels": labels}, "spec": pod}
        meta = {
            "name": name,
            "namespace": namespace_of(one),
            "labels": labels,
            "ownerReferences": [owner_reference(one)],
        }
        return {"metadata": meta, "spec": {"parallelism": parallelism, "backoffLimit": 2, "template": template}}

    def _mover_claim(self, one: Object) -> str:
        """The claim that the mover's pod holds: with `Direct` the app's own."""
        options = mover_of(one["spec"])[1]
        if one["kind"] == "ReplicationDestination":
            return str(options.get("destinationPVC") or f"volsync-{name_of(one)}-dest")
        is_direct = options.get("copyMethod", "Snapshot") == "Direct"
        return str(one["spec"].get("sourcePVC", "")) if is_direct else ""

    def _finish(self, one: Object, job: Object) -> None:
        image = self._latest_image(one) if one["kind"] == "ReplicationDestination" else None
        self._movers.images.pop((namespace_of(one), name_of(one)), None)
        self._note_result(one, "Successful")

        def change(new: Object) -> None:
            status = new["status"]
            took_s = self._plane.clock.now - epoch(status.pop("lastSyncStartTime"))
            status |= {"lastSyncTime": self._plane.now, "lastSyncDuration": go_duration(round(took_s, 3))}
            if tag := at(new, "spec", "trigger", "manual"):
                status["lastManualSync"] = tag  # the one that stands there now, not the one that began it
            if image is not None:
                status["latestImage"] = image

        self._modify(one, change)
        self._say(one, "CleaningUp")
        self._plane.registry.delete(JOB, namespace_of(job), name_of(job))
        self._cleaning.add(_key(one))
        self._plane.clock.after(_CLEAN_UP_S, lambda: self._cleaned_up(_key(one)))

    def _cleaned_up(self, key: Key) -> None:
        self._cleaning.discard(key)
        self._queue.add(key)

    def _latest_image(self, one: Object) -> Object:
        options = mover_of(one["spec"])[1]
        claim = self._mover_claim(one)
        if options.get("copyMethod", "Snapshot") == "Direct":
            return {"apiGroup": "", "kind": "PersistentVolumeClaim", "name": claim}
        name = f"volsync-{name_of(one)}-dst-{rfc3339(self._plane.clock.now).translate(_DIGITS)}"
        self._movers.keep_snapshot(namespace_of(one), name, claim)
        return {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name}

    def _note_result(self, one: Object, result: str) -> None:
        logs = "rsync completed in 4s" if result == "Successful" else "rsync: connection refused"
        self._modify(one, lambda new: child(new, "status").update(latestMoverStatus={"result": result, "logs": logs}))

    def _rest(self, one: Object, status: Object) -> None:
        trigger = at(one, "spec", "trigger", default={})
        scheduled = trigger.get("schedule") if not trigger.get("manual") else None
        due = self._next(one, status) if scheduled and status.get("lastSyncTime") else None

        def change(new: Object) -> None:
            new["status"].pop("nextSyncTime", None)
            if due is not None:
                new["status"]["nextSyncTime"] = rfc3339(due)

        self._modify(one, change)
        if trigger.get("manual"):
            self._say(one, "WaitingForManual")
        elif due is not None:
            self._say(one, "WaitingForSchedule")
            self._queue.add_after(_key(one), max(due - self._plane.clock.now, 0.5))

    def _say(self, one: Object, reason: str, message: str = "") -> None:
        status, text = _SAID.get(reason, ("False", message))

        def change(new: Object) -> None:
            set_condition(new, self._plane.now, "Synchronizing", status, reason=reason, message=text)

        self._modify(one, change)

    def _modify(self, one: Object, change: Callable[[Object], object]) -> None:
        self._plane.registry.modify(_KINDS[one["kind"]], namespace_of(one), name_of(one), change)


_DIGITS = {ord(letter): None for letter in "-:TZ"}


def _key(one: Object) -> Key:
    return one["kind"], namespace_of(one), name_of(one)
