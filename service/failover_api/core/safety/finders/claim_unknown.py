"""claim-unknown: the claim that a move leads to is nowhere in the repository, so it may be a slip of the pen."""

import re
from collections.abc import Iterator

from failover_api.core.safety.claim_moves import claim_moves
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.wording import cut

SLUG = "claim-unknown"
_FILLED_IN = re.compile(r"\$\{|\{\{")  # Flux or Helm makes the name


def claim_unknown(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each claim. None while the repository's other manifests are not known."""
    known = surroundings.claims
    if known is None or move.service.has_external_claims:
        return
    for claim in claim_moves(move, surroundings):
        name = claim.new
        if not name or _FILLED_IN.search(name) or known.has(name):
            continue
        nearest = known.nearest(name, without=claim.names)
        hint = f"; the nearest is {nearest}" if nearest else ""
        yield Hazard(
            SLUG,
            Severity.WARN,
            claim.taken_by.reading.document,
            claim.taken_by.where,
            f"No manifest in the repository makes the claim {cut(name)}{hint}. Without it the pod cannot start.",
            "Correct the name in the catalog, or add the claim to the repository. Where claims are made elsewhere, "
            "write `claims: external` in the catalog.",
        )
