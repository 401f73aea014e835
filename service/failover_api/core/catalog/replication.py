"""How the data of a service comes to its other side, and how the app is stopped for it, as services.yaml has it."""

from dataclasses import dataclass
from enum import StrEnum

from failover_api.core.splice import Value
from failover_api.core.splice.paths import Path

SOURCE, DESTINATION = "ReplicationSource", "ReplicationDestination"  # the kinds of VolSync's objects
PAUSED: Path = ("spec", "paused")  # of both


class ReplicationKind(StrEnum):
    """Who brings the data to the other side."""

    VOLSYNC = "volsync"
    MANUAL = "manual"  # a person, who says when it is there
    NONE = "none"  # nothing needs to be brought


class Via(StrEnum):
    """The way that VolSync takes."""

    DIRECT = "direct"  # rsync-tls, from claim to claim
    REPOSITORY = "repository"  # restic or kopia: the source backs up, the destination restores


# https://volsync.readthedocs.io
MOVERS = {Via.DIRECT: ("rsyncTLS", "rsync"), Via.REPOSITORY: ("restic", "kopia", "rclone")}
ALL_MOVERS = (*MOVERS[Via.DIRECT], *MOVERS[Via.REPOSITORY], "syncthing")


@dataclass(frozen=True, slots=True)
class Pair:
    """A ReplicationSource and its ReplicationDestination, by name; found like manifests where no `file` is named.

    Without a `namespace` it is that of their documents.
    """

    source: str
    destination: str
    namespace: str | None = None
    file: str | None = None

    @property
    def objects(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The kind and the name of both."""
        return (SOURCE, self.source), (DESTINATION, self.destination)


@dataclass(frozen=True, slots=True)
class DataReplication:
    """A service's `replication`. At least one pair of VolSync's, and none of any other kind."""

    kind: ReplicationKind
    via: Via = Via.DIRECT
    to_backup: Pair | None = None
    to_primary: Pair | None = None

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Those that there are."""
        return tuple(pair for pair in (self.to_backup, self.to_primary) if pair is not None)


@dataclass(frozen=True, slots=True)
class Quiesce:
    """The number of the workload's document that stops the app when it is 0; `running` where it is written nowhere."""

    path: Path
    running: Value = 1


@dataclass(frozen=True, slots=True)
class RelocationLimits:
    """How long these steps of a relocation may take."""

    quiesce_s: float = 300.0
    final_sync_s: float = 1800.0
    cutover_s: float = 300.0


USUAL_LIMITS = RelocationLimits()
