"""Claims, volumes, and what copies one to another."""

from dataclasses import dataclass
from typing import Literal

from failover_api.core.rfc3339 import showable
from failover_api.core.safety.observed.nodes import Node, NodeTerms
from failover_api.core.safety.observed.objects import NOBODY, Applier, Condition, Key


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim. `selected_node` is the node for which a volume is being made."""

    namespace: str
    name: str
    uid: str = ""
    phase: str = ""
    volume: str = ""
    storage_class: str = ""
    selected_node: str = ""
    deletion_at: float | None = None
    applier: Applier = NOBODY


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume. `node_terms` say on which nodes it can be used; None: on any."""

    name: str
    phase: str = ""
    claim: Key | None = None
    node_terms: NodeTerms | None = None

    def is_usable_on(self, node: Node) -> bool:
        return self.node_terms is None or node.meets(self.node_terms)


@dataclass(frozen=True, slots=True)
class StorageClass:
    """`binding_mode` is Immediate or WaitForFirstConsumer."""

    name: str
    binding_mode: str = ""


@dataclass(frozen=True, slots=True)
class Replication:
    """One end of a VolSync pair: a ReplicationSource reads `claim`, a ReplicationDestination writes it.

    `manual` is the tag that stands in its spec, `last_manual` the one that was there at the end of the last sync;
    `sync_started_at` is set while a sync runs. `result` is Successful or Failed. `synchronizing` is its condition.
    """

    namespace: str
    name: str
    kind: Literal["ReplicationSource", "ReplicationDestination"]
    claim: str = ""
    mover: str = ""
    is_paused: bool = False
    schedule: str = ""
    manual: str = ""
    last_manual: str = ""
    last_sync_at: float | None = None
    last_sync_duration_s: float | None = None
    sync_started_at: float | None = None
    result: str = ""
    synchronizing: Condition | None = None
    applier: Applier = NOBODY

    @property
    def data_as_of(self) -> float | None:
        """The time of the data that the last sync brought: it is as old as the beginning of that sync."""
        if self.last_sync_at is None or self.last_sync_duration_s is None:
            return None
        return showable(self.last_sync_at - self.last_sync_duration_s)
