"""A service's data on its other side, as the board shows it."""

from dataclasses import dataclass

from failover_api.core.rfc3339 import rfc3339
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus

_UNSAFE = (ReplicationState.FAILING, ReplicationState.STALE)


@dataclass(frozen=True, slots=True)
class DataCopy:
    """`data_as_of` is the time of the data in it (RFC 3339), "" where it is not known; `reason`: why not protected."""

    state: ReplicationState
    data_as_of: str = ""
    in_flight: bool = False
    reason: str = ""

    @property
    def is_unsafe(self) -> bool:
        """Whether somebody should look before it is needed."""
        return self.state in _UNSAFE


def copy_of(seen: ReplicationStatus) -> DataCopy:
    """As it was seen."""
    data_as_of = "" if seen.data_as_of is None else rfc3339(seen.data_as_of)
    return DataCopy(seen.state, data_as_of, seen.in_flight, seen.reason)
