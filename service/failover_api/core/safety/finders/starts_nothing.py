"""starts-nothing: the change is applied, and no pod comes of it.

From Git that is a workload that is paused, or has no replicas, and an autoscaler that is held at none.
"""

from collections.abc import Iterator

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import DEPLOYMENT, RELEASE, STATEFULSET, replicas_in_values
from failover_api.core.search.neighbours import PAUSED_AT_ZERO
from failover_api.core.wording import cut

SLUG = "starts-nothing"
WRITE_REPLICAS = "Write `replicas: 1` when the app is meant to run."  # the cure of no other cause
_WORKLOADS = frozenset({DEPLOYMENT, STATEFULSET})


def starts_nothing(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """Paused: one for each. Without replicas: one, and only where no workload of the service has any."""
    for document in move.documents:
        if document.kind == DEPLOYMENT and document.is_moved and document.after.is_true("spec", "paused"):
            yield _hazard(
                document.label,
                document.where("spec", "paused"),
                f"{cut(document.label)} is paused: the change is applied, and the old pod stays as it is.",
                "Write `paused: false`, or take the line out.",
            )
    yield from _without_replicas(move)
    yield from _held(move, surroundings)


def _without_replicas(move: ServiceMove) -> Iterator[Hazard]:
    workloads = [document for document in move.documents if document.kind in {*_WORKLOADS, RELEASE}]
    places = [_none_at(document) for document in workloads]
    if workloads and all(places):
        document, place = workloads[0], places[0]
        yield _hazard(
            document.label,
            place,
            f"{cut(document.label)} has no replicas after the move: nothing is started by it.",
            WRITE_REPLICAS,
        )


def _none_at(document: Document) -> str | None:
    """Where it says that it has no replicas after the move; None when it has some, or does not say."""
    if document.kind in _WORKLOADS:
        is_none = document.after.number("spec", "replicas") == 0
        return document.where("spec", "replicas") if is_none else None
    numbers = list(replicas_in_values(document.after))
    controllers = {way[3] for way, _ in document.after.below("spec", "values", "controllers") if len(way) > 3}
    is_all = all(text == "0" for _, text in numbers) and len(numbers) >= max(1, len(controllers))
    return document.where(*numbers[0][0]) if numbers and is_all else None


def _held(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    for document in move.documents if surroundings.neighbours else ():
        if document.kind in _WORKLOADS and document.is_moved:
            assert surroundings.neighbours is not None
            for scaler in surroundings.neighbours.scalers(document.kind, document.name, document.namespace):
                if scaler.it.holds_at_zero:
                    yield _hazard(
                        scaler.about,
                        scaler.where,
                        f"{cut(scaler.about)} is paused and holds {cut(document.label)} at no replicas: the change is "
                        "applied, and no pod is started.",
                        f"Take the annotation {PAUSED_AT_ZERO} away.",
                    )


def _hazard(about: str, where: str | None, detail: str, cure: str) -> Hazard:
    return Hazard(SLUG, Severity.WARN, about, where, detail, cure)
