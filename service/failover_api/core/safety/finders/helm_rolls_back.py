"""helm-rolls-back: Flux waits until the release is ready, and rolls back when it is not in time: to what was left.

https://fluxcd.io/flux/components/helm/helmreleases/#upgrade-remediation
"""

from collections.abc import Iterator

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import RELEASE
from failover_api.core.wording import cut

SLUG = "helm-rolls-back"
_REMEDIATION = ("spec", "upgrade", "remediation")


def helm_rolls_back(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each release that the move upgrades."""
    for document in move.documents:
        if document.kind == RELEASE and document.is_moved_below("spec", "values") and _rolls_back(document):
            after = document.after
            wait = cut(after.text("spec", "upgrade", "timeout") or after.text("spec", "timeout") or "5m")
            yield Hazard(
                SLUG,
                Severity.WARN,
                document.label,
                document.where(*_REMEDIATION, "retries"),
                f"{cut(document.label)}: Flux waits until the new pods are ready, and rolls the release back when they "
                f"are not within {wait}: to the node and the claim that the move has left.",
                "Write `upgrade.disableWait: true`, or `upgrade.strategy.name: RetryOnFailure`.",
            )


def _rolls_back(document: Document) -> bool:
    """Remediation is done between retries, and after the last. Without retries there is none."""
    after = document.after
    if after.is_true("spec", "upgrade", "disableWait"):
        return False
    if after.text("spec", "upgrade", "strategy", "name") == "RetryOnFailure":
        return False
    retries = after.text(*_REMEDIATION, "retries") or "0"
    if retries == "0" and not after.is_true(*_REMEDIATION, "remediateLastFailure"):
        return False
    return (after.text(*_REMEDIATION, "strategy") or "rollback") == "rollback"
