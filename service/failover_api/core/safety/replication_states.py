"""The states of a service's replication, as values."""

from dataclasses import dataclass
from enum import StrEnum

from failover_api.core.catalog.replication import ReplicationKind


class ReplicationState(StrEnum):
    """How well the side where a service is not is kept as a copy."""

    PROTECTED = "protected"  # it is copied, and the copy is young enough
    STALE = "stale"  # the copy is older than it may be
    FAILING = "failing"  # nothing is copied, or the last sync failed
    PARKED = "parked"  # both ends are paused
    SEEDING = "seeding"  # a relocation fills it: until that has ended it is no copy to fall back on
    UNKNOWN = "unknown"  # it is not seen, or nobody can tell


@dataclass(frozen=True, slots=True)
class ReplicationStatus:
    """Of the copy on the other side. Times are by the cluster's clocks (s); None: not known.

    `data_as_of` is the time of the data in it, `last_sync_at` the end of the sync that brought it. `in_flight`: a sync
    has begun and has not ended. `reason` is one sentence, "" where all is well.
    """

    kind: ReplicationKind
    state: ReplicationState = ReplicationState.UNKNOWN
    data_as_of: float | None = None
    last_sync_at: float | None = None
    in_flight: bool = False
    reason: str = ""
