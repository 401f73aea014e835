"""What is relocated: where from and where to, what is edited, and how long a step may take."""

from dataclasses import dataclass

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import USUAL_LIMITS, RelocationLimits, ReplicationKind, Via
from failover_api.core.safety.relocation.places import Document, Place
from failover_api.core.splice import Value

STOPPED: Value = 0


@dataclass(frozen=True, slots=True)
class Ends:
    """A replication: what reads, and what writes."""

    source: Document
    destination: Document

    @property
    def both(self) -> tuple[Document, Document]:
        return self.source, self.destination


@dataclass(frozen=True, slots=True)
class SideSwitch:
    """A switch of the service, with its value on the side that is left and on the target."""

    place: Place
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Subject:
    """One relocation. `towards` brings data to the target, `away` from it; both None unless VolSync does it.

    `quiesce` is where the app is stopped (0) and started (`running`, where nothing stood). `unparked` are the places
    of `paused` that only a commit of ours has added: they are taken away again, not set to false.
    """

    service: str
    operation: str
    target: Side
    kind: ReplicationKind
    quiesce: Place
    switches: tuple[SideSwitch, ...]
    via: Via = Via.DIRECT
    towards: Ends | None = None
    away: Ends | None = None
    running: Value = 1
    limits: RelocationLimits = USUAL_LIMITS
    unparked: frozenset[Place] = frozenset()

    @property
    def origin(self) -> Side:
        """The side that is left."""
        return self.target.other

    @property
    def is_by_repository(self) -> bool:
        """Whether the source backs up first, and the destination restores that when it has ended."""
        return self.towards is not None and self.via is Via.REPOSITORY
