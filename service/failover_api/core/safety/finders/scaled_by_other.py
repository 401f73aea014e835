"""scaled-by-other: an autoscaler sets the replicas that the move switches, and undoes it."""

from collections.abc import Iterator

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import DEPLOYMENT, RELEASE, REPLICAS, STATEFULSET, VALUES
from failover_api.core.wording import cut

SLUG = "scaled-by-other"
_REPLICAS = ("spec", "replicas")


def scaled_by_other(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each autoscaler."""
    known = surroundings.neighbours
    for document in move.documents if known is not None else ():
        assert known is not None
        for kind in _targets(document):
            for scaler in known.scalers(kind, document.name, document.namespace):
                yield Hazard(
                    SLUG,
                    Severity.WARN,
                    scaler.about,
                    scaler.where,
                    f"{cut(scaler.about)} sets the replicas of {cut(document.label)}, which this move switches as "
                    "well: whichever writes last wins, each time Flux applies.",
                    "Take the autoscaler away, or switch something else than the replicas.",
                )


def _targets(document: Document) -> tuple[str, ...]:
    """The kinds of workload, of its name, whose replicas it moves."""
    if document.kind in {DEPLOYMENT, STATEFULSET}:
        return (document.kind,) if _REPLICAS in document.moved else ()
    if document.kind == RELEASE and any(path[:2] == VALUES and path[-1] in REPLICAS for path in document.moved):
        return DEPLOYMENT, STATEFULSET
    return ()
