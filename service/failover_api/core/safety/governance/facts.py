"""What has to be known of a service before it is moved by itself, gathered by whoever asks."""

from dataclasses import dataclass

from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Policy, Side
from failover_api.core.planning.request import idempotency_digest
from failover_api.core.planning.wave_progress import Unmoved
from failover_api.core.safety.governance.gates import Hold
from failover_api.core.safety.hazard import Hazard

AUTOMATIC, ALERT = "automatic", "alert"  # who asks for such moves: reserved names


@dataclass(frozen=True, slots=True)
class PodFact:
    """A pod of the service, by owner. `is_ready`: its condition is True, and it is not on its way out."""

    name: str
    node: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class DataFact:
    """The data that the service would start with on its other side.

    `is_copy` is False where nothing needs to be brought: the catalog says so, or both sides have the same claims.
    `as_of` is the time of the oldest of it (cluster's clock, s), None: not known, for `why`. `is_protected`:
    replication in that direction is seen, and has `protected` as its state.
    """

    is_copy: bool = True
    as_of: float | None = None
    is_protected: bool = False
    why: str = "its replication is not seen"


@dataclass(frozen=True, slots=True)
class LastMove:
    """The newest move or rollback of the service in Git. `at` is the commit's time by the Git host (s).

    `is_automatic`: nobody asked for it but a node's death or an alert. `key` is the digest in its trailers.
    """

    at: float
    by: str
    is_automatic: bool
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """`active` is the node of the side where Git has it, None: nobody can tell; `targets` are those of the other side.
    `may_be_on` is where it may be then, none: anywhere. `refusal` is why it is not moved as Git has it, if it is not.

    `pods` are seen at `pods_heard_at`, None: they are not. `hazards` are those of the move, None: not looked for,
    for `why_no_hazards`.
    `relocating` is the operation that relocates it, "" for none; `to_relocate` is one in which its turn is to come.
    `in_waves` is one that moves it later, or has not.
    `is_history_known`: False where its last move could not be read. `merges_by_itself`: of policy pull_request.
    `can_relocate`: it has `replication` that can bring it home; `needs_word`: once a person says so.
    `read_at` is when Git was read and the rest was found out. `..._at` are of our monotonic clock.
    """

    name: str
    mode: Mode
    side: Side | None
    active: str | None
    targets: tuple[str, ...]
    read_at: float
    pods: tuple[PodFact, ...] | None = None
    pods_heard_at: float | None = None
    hazards: tuple[Hazard, ...] | None = None
    why_no_hazards: str = ""
    data: DataFact = DataFact()
    policy: Policy = Policy.DIRECT
    merges_by_itself: bool = False
    last_move: LastMove | None = None
    is_history_known: bool = True
    relocating: str = ""
    to_relocate: str = ""
    in_waves: Unmoved | None = None
    can_relocate: bool = False
    needs_word: bool = False
    may_be_on: tuple[str, ...] = ()
    refusal: Hold | None = None

    def is_on(self, node: str) -> bool:
        """Whether it is on this node, or, where nobody can tell, may be: what takes no part is not looked for."""
        if self.active is not None:
            return self.active == node
        return self.mode is not Mode.NONE and (not self.may_be_on or node in self.may_be_on)

    def was_moved_by(self, key: str) -> bool:
        """Whether its newest move is the automatic one with this Idempotency-Key."""
        digests = {idempotency_digest(by, key) for by in (AUTOMATIC, ALERT)}
        return self.last_move is not None and self.last_move.key in digests


@dataclass(frozen=True, slots=True)
class GitFacts:
    """`now` is the Git host's clock (s), None: it has not told its time. `failed_at` is when it last failed, if since.

    `failed_at` is of our monotonic clock, and None again once it has answered. `is_unread`: nothing is known of any
    service yet.
    """

    now: float | None
    failed_at: float | None = None
    detail: str = ""
    is_unread: bool = False
