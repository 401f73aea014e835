"""What keeps a service from ever moving by itself, as lines of `failover check`; and order that nobody keeps."""

from collections.abc import Iterator

from failover_api.core.catalog.automatic import Automatic, Mode
from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.catalog.replication import SOURCE, ReplicationKind
from failover_api.core.safety.claim_moves import ClaimMove, claim_moves
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.wording import cut, listed
from failover_api.forge.values import Check
from failover_api.reading.status import Status

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
        uncopied = sorted({claim.old for claim in claims if _is_surely_not_copied(claim, around)})
        why = f"no {SOURCE} of {listed([*map(cut, uncopied)], MAX_NAMED)} is there" if uncopied else ""
    if why:
        yield Check(f"automatic {service.name}", ok=True, detail=f"{_NEVER}: {why}. {_CURE}", is_warning=True)


def _is_surely_not_copied(claim: ClaimMove, around: Surroundings) -> bool:
    """Neither the repository has a source of it, nor does the cluster where that is seen."""
    if not claim.old or around.neighbours is None:
        return False
    found = around.neighbours.replications(claim.old, claim.namespace)
    if any(one.it.kind == SOURCE for one in found):
        return False
    if around.cluster is None:
        return True
    seen = around.cluster.view.replication_sources
    if seen.why_unseen(claim.namespace or ""):
        return False
    return not any(one.claim == claim.old and claim.namespace in (None, one.namespace) for one in seen.objects.values())


def check_order(catalog: Catalog, *, is_seen: bool) -> Iterator[Check]:
    """A line where services are after others that nobody sees come up. `is_seen`: by a cluster, or by Flux's events."""
    named = {other for service in catalog.services.values() for other in service.after}
    unseen = sorted(name for name in named if not is_seen or catalog.services[name].is_elsewhere)
    if not unseen:
        return
    why = "its `cluster` is none" if is_seen else "no cluster is configured here, and no events of Flux"
    detail = f"whether {listed(unseen, MAX_NAMED)} serves is not seen ({why}): what is `after` it does not wait for it"
    yield Check("order", ok=True, detail=detail, is_warning=True)
