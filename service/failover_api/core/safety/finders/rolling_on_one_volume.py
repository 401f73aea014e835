"""rolling-on-one-volume: `unblock: rolling` has a Deployment roll until the strategy is put back.

A rolling update starts the new pod before the old one has ended, also with maxSurge 0: two pods on one volume, for as
long as the old one takes to stop. Only a claim that is ReadWriteOncePod keeps them apart.
"""

from collections.abc import Iterator

from failover_api.core.safety.claim_moves import claim_moves
from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import DEPLOYMENT, RECREATE, ROLLING, strategy_of
from failover_api.core.wording import cut

SLUG = "rolling-on-one-volume"
_BLOCK = ("spec", "strategy", "rollingUpdate")


def rolling_on_one_volume(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """Of a move that leaves it so; and of a service that stands so, until its strategy is put back."""
    unblocked = move.service.unblocked
    for document in move.documents if unblocked is not None else ():
        assert unblocked is not None
        is_it = (document.file, document.kind) == (unblocked.file, DEPLOYMENT)
        if is_it and _stays_rolling(document, move) and not _are_for_one_pod(document, move, surroundings):
            yield Hazard(
                SLUG,
                Severity.WARN,
                document.label,
                document.where("spec", "strategy", "type"),
                f"{cut(document.label)} rolls until its strategy is put back: each update until then, an image's too, "
                "starts the new pod while the old one still stops, and both write to one volume.",
                "It is put back once it is seen serving, or else when it is moved home: change nothing else of it "
                "before that, or make its claims ReadWriteOncePod.",
            )


def _stays_rolling(document: Document, move: ServiceMove) -> bool:
    before, after = strategy_of(document.before), strategy_of(document.after)
    if after.type != ROLLING:
        return False
    stands = move.is_thought and (move.is_made or not move.is_to_come) and _is_ours(document)
    return before.type == RECREATE or stands


def _is_ours(document: Document) -> bool:
    """Whether it stands as a promote makes it."""
    surge, unavailable = (document.before.text(*_BLOCK, key) for key in ("maxSurge", "maxUnavailable"))
    return (surge, unavailable) == ("0", "1")


def _are_for_one_pod(document: Document, move: ServiceMove, surroundings: Surroundings) -> bool:
    """Whether all claims that it has after the move are known to be; one without claims has no volume to share."""
    moved = {claim.old: claim.new for claim in claim_moves(move, surroundings)}
    claims = [moved.get(name, name) for name in document.claims]
    known = surroundings.neighbours
    return all(known is not None and known.is_for_one_pod(claim, document.namespace) for claim in claims)
