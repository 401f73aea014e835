"""What every controller is given: the clock, the API server's insides, a way to record events, and work queues."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.json_values import Object, at, copied
from failover_api.sandbox.cluster.objects.kinds import EVENT
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of, uid_of
from failover_api.sandbox.cluster.objects.refusals import ApiError
from failover_api.sandbox.cluster.objects.times import rfc3339
from failover_api.sandbox.cluster.registry import Registry
from failover_api.sandbox.cluster.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from failover_api.sandbox.cluster.clock import Clock

MINOR = 36
_EVENTS_KEPT_S = 3600.0
_BACK_OFF_S = (0.005, 1000.0)  # doubled from the first to the second, as client-go's workqueue does


class Plane:
    """`manager_runs` is False while the controller-manager is down: its controllers do nothing then.

    `minor` is that of the version of Kubernetes: texts and fields of older ones differ.
    """

    def __init__(self, clock: Clock, seed: int, minor: int = MINOR) -> None:
        self.minor = minor
        self.clock, self.rng = clock, random.Random(seed)  # noqa: S311 - it makes a story, not a secret
        self.store = Store()
        self.registry = Registry(self.store, clock, self.rng)
        self.manager_runs = True
        self._events: dict[tuple[str, ...], str] = {}
        clock.every(_EVENTS_KEPT_S / 6, self._forget_events)

    @property
    def now(self) -> str:
        return rfc3339(self.clock.now)

    def between(self, low_s: float, high_s: float) -> float:
        return self.rng.uniform(low_s, high_s)

    def event(self, obj: Object, reason: str, message: str, component: str, *, warning: bool = False) -> None:
        """Records one; the same again counts up."""
        namespace = namespace_of(obj) or "default"
        key = (obj["kind"], namespace, name_of(obj), uid_of(obj), reason, message)
        known = self.store.get(EVENT, namespace, self._events.get(key, ""))
        if known is not None:
            again = copied(known)
            again["count"], again["lastTimestamp"] = known["count"] + 1, self.now
            self.store.put(EVENT, again)
            return
        self._events[key] = name = f"{name_of(obj)}.{self.rng.getrandbits(64):016x}"
        self.store.put(EVENT, self._new_event(obj, (namespace, name), reason, message, component, warning))

    def _new_event(
        self, obj: Object, place: tuple[str, str], reason: str, message: str, component: str, warning: bool
    ) -> Object:
        involved: Object = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": name_of(obj)}
        if namespace_of(obj):
            involved["namespace"] = namespace_of(obj)
        involved["uid"] = uid_of(obj)
        meta = {"namespace": place[0], "name": place[1], "uid": self.registry.new_uid(), "creationTimestamp": self.now}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": meta,
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": "",
            "firstTimestamp": self.now,
            "lastTimestamp": self.now,
            "eventTime": None,
            "count": 1,
        }

    def _forget_events(self) -> None:
        oldest = rfc3339(self.clock.now - _EVENTS_KEPT_S)
        for event in self.store.objects(EVENT):
            if str(at(event, "lastTimestamp", default="")) < oldest:
                self.store.remove(EVENT, namespace_of(event), name_of(event))
        self._events = {key: name for key, name in self._events.items() if self.store.get(EVENT, key[1], name)}


class WorkQueue:
    """Keys to look at, each once, a moment after it was added. A failure is tried again, later each time."""

    def __init__(
        self,
        plane: Plane,
        handle: Callable[[Any], object],
        *,
        latency_s: tuple[float, float] = (0.01, 0.06),
        runs: Callable[[], bool] | None = None,
    ) -> None:
        self._plane, self._handle, self._latency_s = plane, handle, latency_s
        self._runs = runs or (lambda: plane.manager_runs)
        self._waiting: set[Hashable] = set()
        self._failures: dict[Hashable, int] = {}

    def add(self, key: Hashable) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            self._plane.clock.after(self._plane.between(*self._latency_s), lambda: self._work(key))

    def add_after(self, key: Hashable, seconds: float) -> None:
        self._plane.clock.after(seconds, lambda: self.add(key))

    def _work(self, key: Hashable) -> None:
        self._waiting.discard(key)
        if not self._runs():
            return
        try:
            self._handle(key)
        except ApiError:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            first, last = _BACK_OFF_S
            self.add_after(key, min(first * 2 ** min(failures, 30), last))
        else:
            self._failures.pop(key, None)
