"""recreate-blocks, statefulset-blocks: the new pod waits for the old one, which a dead node can never end.

Both are of no concern while the node is well; from Git nobody knows that. A second workload of the service that wakes
up with the move waits for nothing.
"""

from collections.abc import Iterator

from failover_api.core.safety.documents import Document, Keys
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import (
    DEPLOYMENT,
    RECREATE,
    RELEASE,
    STATEFULSET,
    is_switched_on,
    moves_pod,
    statefulsets_in_values,
    strategies_in_values,
    strategy_of,
)
from failover_api.core.splice.paths import format_path
from failover_api.core.wording import cut

TAINT = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
ONCE_BLOCKED = f"Once it is blocked: taint the node, when it is surely off, with {TAINT}."


def recreate_blocks(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each workload whose strategy is Recreate after the move."""
    is_put_back = move.service.unblocked is not None and move.is_to_come  # told once there is something to put back
    for document in () if is_switched_on(move) or is_put_back else filter(moves_pod, move.documents):
        way, base = _recreate(document), _recreate_below(document, surroundings)
        if way is not None or base is not None:
            said = f" ({cut(format_path(way))})" if way is not None and document.kind == RELEASE else ""
            yield Hazard(
                "recreate-blocks",
                Severity.INFO,
                document.label,
                document.where(*way) if way is not None else base,
                f"{cut(document.label)} has the strategy Recreate{said}, which waits for the old pod. On a dead node "
                "that one never ends: no new pod is made, and the conditions of the workload say that all is well.",
                f"{_remedy(document, move, base)} {ONCE_BLOCKED}",
            )


def statefulset_blocks(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each StatefulSet that gets another place or claim."""
    for document in () if is_switched_on(move) else filter(moves_pod, move.documents):
        place = _statefulset(document)
        if place is not None:
            yield Hazard(
                "statefulset-blocks",
                Severity.INFO,
                document.label,
                place,
                f"{cut(document.label)} is a StatefulSet, which never has two pods of one name. If the old one is on a "
                "dead node it never ends, and the new one waits for it.",
                f"Move first, then taint the node, when it is surely off, with {TAINT}; the other way round it clings "
                "to a pod of before the move. Or keep a second StatefulSet for the other side, and switch the "
                "`replicas` of both.",
            )


def _recreate(document: Document) -> Keys | None:
    """The way to the strategy; None when it is another."""
    if document.kind == DEPLOYMENT:
        return ("spec", "strategy", "type") if strategy_of(document.after).type == RECREATE else None
    if document.kind == RELEASE:
        return next((way for way, text in strategies_in_values(document.after) if text == RECREATE), None)
    return None


def _recreate_below(document: Document, surroundings: Surroundings) -> str | None:
    """Where a patch that says nothing of the strategy is laid over a manifest that says Recreate."""
    known = surroundings.neighbours
    if document.kind != DEPLOYMENT or known is None or document.after.has("spec", "strategy", "type"):
        return None
    base = known.strategy_below(document.file, document.name, document.namespace)
    return base.where if base is not None and base.it.type == RECREATE else None


def _statefulset(document: Document) -> str | None:
    if document.kind == STATEFULSET:
        return f"{document.file}:{document.line}"
    if document.kind == RELEASE:
        return next((document.where(*way) for way in statefulsets_in_values(document.after)), None)
    return None


def _remedy(document: Document, move: ServiceMove, base: str | None) -> str:
    """`base` is where the strategy stands, when that is not the document of the move."""
    if document.kind == RELEASE:
        return "Write the strategy RollingUpdate into its values."
    if base is not None:
        return "Write RollingUpdate with maxSurge 0 and maxUnavailable 1 there, or into the patch."
    manifest = "Write RollingUpdate with maxSurge 0 and maxUnavailable 1 into the manifest"
    return f"{manifest}." if move.service.unblocked else f"{manifest}, or `unblock: rolling` into the catalog."
