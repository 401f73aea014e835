"""A model of VolSync: two ends with their three states, images of a point in time, movers, bytes. One second a tick."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from failover_api.core.safety.observed import Condition, Replication

Bytes = frozenset[int]
Kind = Literal["ReplicationSource", "ReplicationDestination"]


@dataclass
class Disk:
    """A claim: what is on it, where it is, and whether that node is up."""

    side: str
    content: Bytes = frozenset()
    is_up: bool = True


@dataclass
class End:
    """One end. What Git says comes by `apply`; what it does comes by Pair.tick."""

    name: str
    kind: Kind
    claim: str
    is_paused: bool = False
    manual: str = ""
    schedule_s: int = 0  # 0: none
    exists: bool = True
    last_manual: str = ""
    last_sync_at: float | None = None
    duration_s: float | None = None
    started_at: float | None = None
    result: str = ""
    cleaning: int = 0
    has_ended: bool = False  # its mover; the controller notices later
    image: Bytes = frozenset()
    lag: int = 0

    def apply(self, *, is_paused: bool, manual: str) -> None:
        self.is_paused, self.manual, self.exists = is_paused, manual, True

    def is_due(self, now: float) -> bool:
        if self.last_sync_at is None:
            return True
        if self.manual:
            return self.manual != self.last_manual
        return not self.schedule_s or now - self.last_sync_at >= self.schedule_s

    @property
    def runs(self) -> bool:
        """Whether its mover has a pod."""
        return self.exists and self.started_at is not None and not self.is_paused and not self.has_ended

    def finish(self, now: float) -> None:
        assert self.started_at is not None
        self.duration_s, self.last_sync_at = now - int(self.started_at), now
        self.started_at, self.has_ended, self.cleaning = None, False, 2
        self.last_manual = self.manual or self.last_manual
        self.result = "Successful"

    def seen(self, skew: float) -> Replication | None:
        """As its status has it, in whole seconds of a clock of its own."""
        if not self.exists:
            return None
        reason = "SyncInProgress" if self.started_at is not None else "CleaningUp" if self.cleaning else ""
        whole = [None if at is None else float(int(at + skew)) for at in (self.last_sync_at, self.started_at)]
        return Replication(
            "media", self.name, self.kind, claim=self.claim, is_paused=self.is_paused, manual=self.manual,
            last_manual=self.last_manual, last_sync_at=whole[0], last_sync_duration_s=self.duration_s,
            sync_started_at=whole[1], result=self.result,
            synchronizing=Condition("Synchronizing", "True", reason or "WaitingForManual"),
        )  # fmt: skip


@dataclass
class Pair:
    """A replication. `writes` counts what it has put into its destination's claim, with the time."""

    source: End
    destination: End
    by_repository: bool
    random: Random
    fails: float = 0.0
    backups: list[Bytes] = field(default_factory=list)
    left_s: dict[str, int] = field(default_factory=dict)
    wrote: bool = False
    brought: Bytes = frozenset()  # by the last transfer that was whole

    @property
    def ends(self) -> tuple[End, End]:
        return self.source, self.destination

    def tick(self, now: float, disks: dict[str, Disk]) -> None:
        self.wrote = False
        for end in self.ends:
            if end.exists and end.lag:
                end.lag -= 1
            elif end.exists:
                self._control(end, now, disks)
        if self.by_repository:
            self._back_up(disks)
            self._restore(disks)
        else:
            self._send(disks)

    def _control(self, end: End, now: float, disks: dict[str, Disk]) -> None:
        if end.cleaning:
            end.cleaning -= 1
        elif end.started_at is not None and end.has_ended:
            end.finish(now)
            if self.fails:
                self._fail(end)  # the tag is answered, and what its mover says of itself is no good
        elif end.started_at is None and end.is_due(now):
            end.started_at, end.image = now, disks[end.claim].content
        end.lag = self.random.choice((0, 0, 0, 1, 3))

    def _count(self, name: str) -> bool:
        """Whether so many seconds have passed as this takes."""
        left = self.left_s.get(name) or self.random.randint(2, 8)
        self.left_s[name] = left - 1
        return left == 1

    def _fail(self, end: End) -> bool:
        if self.random.random() >= self.fails:
            return False
        end.result = "Failed"
        return True

    def _send(self, disks: dict[str, Disk]) -> None:
        ends = [(end, disks[end.claim]) for end in self.ends]
        if not all(end.runs and disk.is_up for end, disk in ends):
            self.left_s.clear()
            return
        (source, _), (destination, disk) = ends
        self.wrote = True
        if not self._count("send"):
            disk.content = frozenset(sorted(source.image)[: len(source.image) // 2])  # torn
            return
        if self._fail(source):
            return
        disk.content, source.has_ended = source.image, True
        destination.has_ended = not self._fail(destination)
        if destination.has_ended:
            self.brought = source.image
        else:
            disk.content = frozenset(sorted(source.image)[: len(source.image) // 2])

    def _back_up(self, disks: dict[str, Disk]) -> None:
        source = self.source
        if source.runs and disks[source.claim].is_up and self._count("back up") and not self._fail(source):
            self.backups.append(source.image)
            source.has_ended = True

    def _restore(self, disks: dict[str, Disk]) -> None:
        destination = self.destination
        disk = disks[destination.claim]
        if not (destination.runs and disk.is_up):
            return
        if "from" not in self.left_s:
            self.left_s["from"] = len(self.backups)  # the newest when it begins
        self.wrote = True
        if self._count("restore") and not self._fail(destination):
            begun = self.left_s.pop("from")
            disk.content = self.brought = self.backups[begun - 1] if begun else disk.content
            destination.has_ended = True
