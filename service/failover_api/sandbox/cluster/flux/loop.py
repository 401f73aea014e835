"""How every controller of Flux goes: at once when an object changes or is asked for, then at its interval.

It does nothing while it is suspended, or while no pod of the controller runs on a node that reaches the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.meta import annotation, name_of, namespace_of, set_condition
from failover_api.sandbox.cluster.plane import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.clock import Timer
    from failover_api.sandbox.cluster.objects.kinds import Kind
    from failover_api.sandbox.cluster.plane import Plane
    from failover_api.sandbox.cluster.store import Change

REQUESTED = "reconcile.fluxcd.io/requestedAt"
_ASK_AGAIN_S = 5.0
Key = tuple[str, str]


class Loop:
    """`reconcile` gives the seconds until it is to be called again."""

    def __init__(
        self,
        plane: Plane,
        kind: Kind,
        reconcile: Callable[[Object], float],
        runs: Callable[[], bool],
        latency_s: tuple[float, float],
    ) -> None:
        self._plane, self._kind, self._reconcile, self._runs = plane, kind, reconcile, runs
        self._timers: dict[Key, Timer] = {}
        self._queue = WorkQueue(plane, self._work, latency_s=latency_s, runs=lambda: True)
        plane.store.subscribe(self._changed)

    def add(self, key: Key) -> None:
        """To be looked at now."""
        self._queue.add(key)

    def objects(self) -> list[Object]:
        return self._plane.store.objects(self._kind)

    def _changed(self, change: Change) -> None:
        if change.kind is not self._kind or change.type == "DELETED":
            return
        before, now = change.before, change.object
        same_spec = before is not None and at(before, "metadata", "generation") == at(now, "metadata", "generation")
        if not same_spec or (before is not None and annotation(before, REQUESTED) != annotation(now, REQUESTED)):
            self.add((namespace_of(now), name_of(now)))

    def _work(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        one = self._plane.store.get(self._kind, *key)
        if one is None or at(one, "spec", "suspend"):
            return
        wait_s = self._reconcile(one) if self._runs() else _ASK_AGAIN_S
        self._timers[key] = self._plane.clock.after(wait_s, lambda: self.add(key))

    def say(self, one: Object, ready: str, reason: str, message: str, **status: object) -> Object:
        """Writes the condition Ready and fields of the status."""

        def change(new: Object) -> None:
            generation = new["metadata"]["generation"]
            said = {"reason": reason, "message": message, "observedGeneration": generation}
            set_condition(new, self._plane.now, "Ready", ready, **said)
            child(new, "status").update({key: value for key, value in status.items() if value is not None})
            new["status"]["observedGeneration"] = generation
            if asked := annotation(new, REQUESTED):
                new["status"]["lastHandledReconcileAt"] = asked

        return self._plane.registry.modify(self._kind, namespace_of(one), name_of(one), change)
