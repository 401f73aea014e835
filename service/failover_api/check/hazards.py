"""The hazards of every service, both ways, as lines of `failover check`: they are mended best before a move.

What blocks a pod is a warning here, since a node may die at any time; what stops a move has failed. That an app is well
is nothing to mend, and is told where it is moved.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

from failover_api.check.automatic import check_data_age
from failover_api.check.relocations import check_relocation
from failover_api.core.catalog.automatic import OFF, Automatic
from failover_api.core.catalog.model import Branch, Service, Side
from failover_api.core.safety.cluster_finders import pods
from failover_api.core.safety.finders import claim_unknown
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.errors import FailoverError
from failover_api.forge.values import Check
from failover_api.reading.status import Status, Unreadable
from failover_api.reading.surroundings import find_hazards

_NO_CLAIMS = (
    "no manifest of the repository makes a claim, so nobody can tell whether the catalog names them rightly; where "
    "they are made elsewhere, write `claims: external` at its top"
)
_ACTIONS = {Side.BACKUP: "promote", Side.PRIMARY: "demote"}


async def check_hazards(
    statuses: Sequence[Status | Unreadable],
    look_around: Callable[[Branch], Awaitable[Surroundings]],
    on_step: Callable[[str], None],
    rules: Automatic = OFF,
) -> list[Check]:
    """A line for each hazard, for what a relocation needs and has not, and for what never moves by itself.

    The other manifests of a branch are read once; where they cannot be, that is a line.
    """
    checks: list[Check] = []
    by_branch: dict[Branch, list[Status]] = {}
    for status in statuses:
        if isinstance(status, Status):
            by_branch.setdefault(status.service.branch, []).append(status)
    for branch, of_branch in by_branch.items():
        on_step(f"looking for hazards in {branch}")
        around = NOT_LOOKED_AT
        try:
            around = await look_around(branch)
        except FailoverError as exc:
            detail = f"could not be looked for: {exc.detail}"
            checks.append(Check(f"claims {branch}", ok=True, detail=detail, is_warning=True))
        has_no_claims = around.claims is not None and not around.claims.places
        if has_no_claims and any(_has_claims(status.service) for status in of_branch):
            checks.append(Check(f"claims {branch}", ok=True, detail=_NO_CLAIMS, is_warning=True))
        checks += [check for status in of_branch for check in _of_service(status, around)]
        checks += [check for status in of_branch for check in check_relocation(status, around)]
        checks += [check for status in of_branch for check in check_data_age(status, around, rules)]
    return checks


def _has_claims(service: Service) -> bool:
    return not service.has_external_claims and any(switch.is_claim for switch in service.switches)


def _of_service(status: Status, around: Surroundings) -> Iterator[Check]:
    """One line for what is said of both ways; of one thing that stops one way and warns of the other the stop."""
    name = status.service.name
    sides: dict[Hazard, list[Side]] = {}
    failed = {_ACTIONS[side]: None for side in _ACTIONS if side not in status.ways}
    for side in status.ways:
        found = find_hazards(partial(status.ways.__getitem__, side), around)
        failed |= dict.fromkeys(found.failed)
        for hazard in found.hazards:
            if hazard.slug == pods.OLD_POD_RUNNING:
                continue
            sides.setdefault(hazard, []).append(side)
    if failed:
        detail = f"could not be looked for, by a defect of failover-api that the log tells: {', '.join(failed)}"
        yield Check(f"hazards {name}", ok=True, detail=detail, is_warning=True)
    stops = {(hazard.slug, hazard.about) for hazard in sides if hazard.severity is Severity.STOP}
    for hazard, ways in sides.items():
        is_stop = hazard.severity is Severity.STOP
        if not is_stop and (hazard.slug, hazard.about) in stops:
            continue
        if hazard.slug == claim_unknown.SLUG:
            detail = f"{ways[0]}: {hazard.detail} {hazard.cure}"
            yield Check(f"claim {name}", ok=True, detail=detail, is_warning=True)
        else:
            actions = " and ".join(_ACTIONS[side] for side in ways)
            detail = f"{hazard.where or hazard.about}: {actions}: {hazard.detail} {hazard.cure} ({hazard.slug})"
            yield Check(f"hazard {name}", ok=not is_stop, detail=detail, is_warning=True)
