"""data-left-behind: the app leaves a claim whose data nobody has brought to the one it goes to.

Replication runs from primary to backup. So what was written on backup is in the claims there alone, and whoever goes
back finds primary as it was left, unless it was synced back before; Git does not know whether it was.
"""

from collections.abc import Iterator, Sequence

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.claim_moves import ClaimMove, claim_moves
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove, SwitchMove
from failover_api.core.wording import cut

SLUG = "data-left-behind"
UNKNOWN = ", since when is not known here,"
_REPLICATION = ("ReplicationSource ", "ReplicationDestination ")


def data_left_behind(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for the service, with all its claims; none where the claims are the same on both sides."""
    if brings_nothing(move.service):
        return
    left = [claim for claim in claim_moves(move, surroundings) if claim.old and claim.leaves_backup]
    if not left or move.is_to_come:  # a side on which nobody has written anything yet
        return
    pairs = ", ".join(dict.fromkeys(map(_pair, left)))
    since = surroundings.there_since.get(move.service.name)
    detail = (
        f"What {move.service.name} wrote on backup{f' since {_time(since)}' if since else UNKNOWN} stays behind "
        f"({'claim' if len(left) == 1 else 'claims'} {pairs}): primary goes on with the data it had before, unless "
        "somebody has synced it."
    )
    yield Hazard(SLUG, Severity.WARN, left[0].left_by.reading.document, left[0].left_by.where, detail, cure(move, left))


def brings_nothing(service: Service) -> bool:
    """Whether the catalog says that there is nothing to be brought."""
    return service.replication is not None and service.replication.kind is ReplicationKind.NONE


def cure(move: ServiceMove, left: Sequence[ClaimMove]) -> str:
    """How the data of these claims comes home first; and what this move would do to it."""
    what = " and ".join(dict.fromkeys(cut(claim.old) for claim in left))
    restarted = [
        *(cut(each.reading.document) for each in move.switches if _restarts_replication(each)),
        *_unpaused(move),
    ]
    home = (
        f"`failover relocate {move.service.name} --to primary` brings it home."
        if can_be_brought(move.service, Side.PRIMARY)
        else ""
    )
    if not restarted:
        return home or f"Sync {what} back first, or be sure that nothing in it is needed."
    names = " and ".join(dict.fromkeys(restarted))
    return (
        f"{home or f'Sync {what} back first:'} {'But this' if home else 'this'} commit also restarts replication "
        f"({names}), which copies the older data of primary over what was written on backup."
    )


def can_be_brought(service: Service, side: Side) -> bool:
    """Whether a relocation can bring the data to a side."""
    replication = service.replication
    if replication is None or replication.kind is ReplicationKind.NONE:
        return False
    return replication.kind is ReplicationKind.MANUAL or service.pair_towards(side) is not None


def _restarts_replication(move: SwitchMove) -> bool:
    is_paused = move.reading.switch.path[-1] == "paused" and move.reading.document.startswith(_REPLICATION)
    return is_paused and move.old is True and move.new is False


def _unpaused(move: ServiceMove) -> list[str]:
    """What the move unpauses by itself, as a rollback does."""
    ends = [document for document in move.documents if document.label.startswith(_REPLICATION)]
    own = {each.reading.document for each in move.switches}
    return [
        cut(end.label)
        for end in ends
        if end.label not in own and end.before.is_true("spec", "paused") and not end.after.is_true("spec", "paused")
    ]


def _time(at: str) -> str:
    """A time of Git, RFC 3339 in UTC, to the minute."""
    return f"{at[:16].replace('T', ' ')} UTC"


def _pair(claim: ClaimMove) -> str:
    return f"{cut(claim.old)} -> {cut(claim.new)}" if claim.new else cut(claim.old)
