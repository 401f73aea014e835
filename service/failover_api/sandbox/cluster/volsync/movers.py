"""Movers: the pods that carry bytes, as Jobs, and what they do while they run.

    rsync-tls    the source's mover sends to the destination's; times of files are not looked at, what the source has
                 not is deleted; half way the destination is torn
    restic       the source's mover backs up into a repository; the destination's restores the newest backup

Simplified: an image of a point in time is kept as bytes and not as a claim of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import PVC, REPLICATION_DESTINATION, REPLICATION_SOURCE
from failover_api.sandbox.cluster.objects.meta import labels_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.nodes.disks import Disks
    from failover_api.sandbox.cluster.nodes.machine import Machine, Runtime
    from failover_api.sandbox.cluster.plane import Plane

CREATED_BY, NAME = "app.kubernetes.io/created-by", "app.kubernetes.io/name"
CONNECT_S = 0.5
TRY_AGAIN_S = 5.0
TRIES = 12
BYTES_PER_S = 1_000_000
_SERVICE = "volsync-rsync-tls-dst-"

Files = dict[str, bytes]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Backup:
    """One of a restic repository."""

    at: float
    files: Files


def mover_of(spec: Object) -> tuple[str, Object]:
    """The mover that a spec names, and its options. Raises ValueError."""
    for name in ("rsyncTLS", "restic"):
        if name in spec:
            return name, spec[name] or {}
    raise ValueError("no replication method was specified")


class Movers:
    """`images` are those of a point in time, by source; `snapshots` those that destinations made, by their names.

    `transfer_s` is how long the least transfer takes.
    """

    def __init__(
        self, plane: Plane, runtime: Runtime, machines: dict[str, Machine], complete: Callable[[str, str, str], None]
    ) -> None:
        self._plane, self._machines, self._complete = plane, machines, complete
        self._disks: Disks = runtime.disks
        self.transfer_s = 4.0
        self.images: dict[Key, Files] = {}
        self.snapshots: dict[Key, Files] = {}
        self.repositories: dict[Key, list[Backup]] = {}
        self.sent: set[str] = set()  # UIDs of destination movers that were given all
        runtime.started.append(self._started)

    def _started(self, machine: Machine, pod: Object) -> None:
        labels = labels_of(pod)
        if labels.get(CREATED_BY) != "volsync":
            return
        side, _, name = labels[NAME].partition("-")
        kind = REPLICATION_SOURCE if side == "src" else REPLICATION_DESTINATION
        one = self._plane.store.get(kind, namespace_of(pod), name)
        if one is None:
            return
        mover = mover_of(one["spec"])[0]
        if mover == "restic":
            act = self._back_up if side == "src" else self._restore
            self._plane.clock.after(CONNECT_S + self.transfer_s, lambda: act(one, machine, uid_of(pod)))
        elif side == "src":
            self._plane.clock.after(CONNECT_S, lambda: self._connect(one, machine, uid_of(pod), TRIES))

    # rsync-tls

    def _connect(self, one: Object, machine: Machine, uid: str, tries: int) -> None:
        if not self._runs(machine, uid):
            return
        found = self._listener(one) if machine.is_linked else None
        if found is None and tries <= 0:
            self._complete(machine.name, uid, "Failed")
        elif found is None:
            self._plane.clock.after(TRY_AGAIN_S, lambda: self._connect(one, machine, uid, tries - 1))
        else:
            self._send(one, (machine, uid), found)

    def _listener(self, one: Object) -> tuple[Machine, str, str] | None:
        """Machine, UID and volume of the destination's mover, where it runs and can be reached."""
        host = str(mover_of(one["spec"])[1].get("address", ""))
        service, _, rest = host.partition(".")
        namespace = rest.partition(".")[0] or namespace_of(one)
        wanted = f"dst-{service.removeprefix(_SERVICE)}"
        for machine in self._machines.values():
            for uid, container in machine.containers.items():
                is_it = labels_of(container.pod).get(NAME) == wanted and namespace_of(container.pod) == namespace
                if is_it and machine.reaches_api and container.stopping is None and container.volumes:
                    return machine, uid, container.volumes[0]
        return None

    def _send(self, one: Object, sender: tuple[Machine, str], receiver: tuple[Machine, str, str]) -> None:
        files = self._content(one)
        took_s = self.transfer_s + sum(map(len, files.values())) / BYTES_PER_S
        machine, uid, volume = receiver

        def both_run() -> bool:
            links = sender[0].is_linked and machine.is_linked
            return links and self._runs(*sender) and self._runs(machine, uid)

        def half() -> None:
            if both_run():
                self._disks.replace(volume, {**self._disks.of(volume).files, **_torn(files)})
                self._plane.clock.after(took_s / 2, end)
            else:
                self._connect(one, *sender, TRIES)

        def end() -> None:
            if not both_run():
                self._connect(one, *sender, TRIES)
                return
            self._disks.replace(volume, files)
            self.sent.add(uid)
            self._complete(machine.name, uid, "Succeeded")
            self._complete(sender[0].name, sender[1], "Succeeded")

        self._plane.clock.after(took_s / 2, half)

    # restic

    def _back_up(self, one: Object, machine: Machine, uid: str) -> None:
        if self._runs(machine, uid):
            kept = self.repositories.setdefault(self._repository(one), [])
            kept.append(Backup(self._plane.clock.now, self._content(one)))
            self._complete(machine.name, uid, "Succeeded")

    def _restore(self, one: Object, machine: Machine, uid: str) -> None:
        """The newest backup. Where there is none nothing is restored, and that is no failure."""
        if not self._runs(machine, uid):
            return
        kept = self.repositories.get(self._repository(one), [])
        volumes = machine.containers[uid].volumes
        if kept and volumes:
            self._disks.replace(volumes[0], kept[-1].files)
        self._complete(machine.name, uid, "Succeeded")

    def _repository(self, one: Object) -> Key:
        return namespace_of(one), str(mover_of(one["spec"])[1].get("repository", ""))

    # Both

    def take_image(self, one: Object) -> None:
        """At the beginning of a sync, for a copy method that makes one."""
        if mover_of(one["spec"])[1].get("copyMethod", "Snapshot") != "Direct":
            self.images[namespace_of(one), str(one["metadata"]["name"])] = self._live(one)

    def keep_snapshot(self, namespace: str, name: str, claim: str) -> None:
        """What is on a claim now, for a destination that makes images."""
        found = self._plane.store.get(PVC, namespace, claim)
        volume = str(at(found, "spec", "volumeName", default=""))
        self.snapshots[namespace, name] = dict(self._disks.of(volume).files)

    def _content(self, one: Object) -> Files:
        """What is sent: the image of the beginning, or with `Direct` what is there now."""
        image = self.images.get((namespace_of(one), str(one["metadata"]["name"])))
        return dict(image) if image is not None else self._live(one)

    def _live(self, one: Object) -> Files:
        claim = self._plane.store.get(PVC, namespace_of(one), str(at(one, "spec", "sourcePVC", default="")))
        return dict(self._disks.of(str(at(claim, "spec", "volumeName", default=""))).files)

    def _runs(self, machine: Machine, uid: str) -> bool:
        return machine.is_on and uid in machine.containers


def _torn(files: Files) -> Files:
    """Half of each file."""
    return {path: content[: len(content) // 2] for path, content in files.items()}
