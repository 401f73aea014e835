"""What keeps a service from ever moving by itself, as lines of `failover check`; and order that nobody keeps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.catalog.replication import DESTINATION, SOURCE, ReplicationKind
from failover_api.core.safety.claim_moves import ClaimMove, claim_moves
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.wording import cut, listed
from failover_api.forge.values import Check
from failover_api.reading.status import Status

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Replication, Seen

MAX_NAMED = 5
_NEVER = "it never moves by itself (gate `data-age`): nobody can tell how old its copy is"
_CURE = "Let VolSync copy it; or, where nothing needs to be copied, write `replication: {kind: none}`"


def check_data_age(status: Status, around: Surroundings, rules: Automatic) -> Iterator[Check]:
    """A line where the age of its data can never be told, so that it never moves to backup by itself."""
    service, way = status.service, status.ways.get(Side.BACKUP)
    if Mode.NONE in (rules.mode, service.automatic) or way is None or service.is_elsewhere:
        return
    kind = service.replication.kind if service.replication is not None else None
    claims = [claim for claim in claim_moves(way, around) if claim.old != claim.new]
    if kind is ReplicationKind.NONE or not claims:
        return
    if kind is ReplicationKind.MANUAL:
        why = "its data is brought by hand (`replication: {kind: manual}`)"
    else:
        missing = sorted({what for claim in claims if (what := _surely_missing(claim, around))})
        why = f"not there: {listed(missing, MAX_NAMED)}" if missing else ""
    if why:
        yield Check(f"automatic {service.name}", ok=True, detail=f"{_NEVER}: {why}. {_CURE}", is_warning=True)


def _surely_missing(claim: ClaimMove, around: Surroundings) -> str:
    """The end of its replication that neither the repository has nor the cluster, where that is seen; "" for none."""
    view = around.cluster.view if around.cluster is not None else None
    sources = view.replication_sources if view is not None else None
    destinations = view.replication_destinations if view is not None else None
    for kind, name, seen in ((SOURCE, claim.old, sources), (DESTINATION, claim.new, destinations)):
        if name and _is_surely_missing(kind, name, claim.namespace, around, seen):
            return f"{kind} of {cut(name)}"
    return ""


def _is_surely_missing(
    kind: str, name: str, namespace: str | None, around: Surroundings, seen: "Seen[Replication] | None"
) -> bool:
    if around.neighbours is None or any(one.it.kind == kind for one in around.neighbours.replications(name, namespace)):
        return False
    if seen is None:
        return True
    if seen.why_unseen(namespace or ""):
        return False
    return not any(one.claim == name and namespace in (None, one.namespace) for one in seen.objects.values())


def check_order(catalog: Catalog, *, is_seen: bool) -> Iterator[Check]:
    """A line where services are after others that nobody sees come up. `is_seen`: by a cluster, or by Flux's events."""
    named = {other for service in catalog.services.values() for other in service.after}
    unseen = sorted(name for name in named if not is_seen or catalog.services[name].is_elsewhere)
    if not unseen:
        return
    why = "its `cluster` is none" if is_seen else "no cluster is configured here, and no events of Flux"
    detail = f"whether {listed(unseen, MAX_NAMED)} serves is not seen ({why}): what is `after` it does not wait for it"
    yield Check("order", ok=True, detail=detail, is_warning=True)
