"""A claim that several services name, which is most often a line that was copied and not changed."""

from collections.abc import Iterator
from itertools import combinations

from failover_api.core.catalog.model import Catalog, Service, Side, Switch
from failover_api.core.wording import listed

MAX_NAMED = 5
_Place = tuple[str, str | None, str]  # the repository's branch, the namespace, the claim


def shared_claims(catalog: Catalog) -> Iterator[str]:
    """One sentence for all of them; none where each claim is of one service."""
    owners: dict[_Place, list[str]] = {}
    for service in catalog.services.values():
        for place in dict.fromkeys(_claims(service)):
            owners.setdefault(place, []).append(service.name)
    shared: dict[str, list[str]] = {}
    for one, other in [(place, place) for place in owners if len(owners[place]) > 1] + list(_alike(owners)):
        shared.setdefault(one[2], []).extend((*owners[one], *owners[other]))
    if shared:
        told = [f"{claim} of {_names(names)}" for claim, names in shared.items()]
        more = f"; and {len(told) - MAX_NAMED} more" if len(told) > MAX_NAMED else ""
        what = "claim is" if len(told) == 1 else "claims are"
        yield (
            f"{len(told)} {what} named by more than one service: {'; '.join(told[:MAX_NAMED])}{more}. Two apps that "
            "write to one claim destroy its data, unless it is made for that"
        )


def _claims(service: Service) -> Iterator[_Place]:
    claims: list[Switch] = [switch for switch in service.switches if switch.is_claim]
    for switch in claims:
        for name in (switch.value(side) for side in Side):
            if isinstance(name, str) and name and "$" not in name and "{{" not in name:  # each fills in its own
                yield str(service.branch), switch.selector.namespace, name


def _alike(owners: dict[_Place, list[str]]) -> Iterator[tuple[_Place, _Place]]:
    """Places of one name of which one says no namespace, so that it may be the other's."""
    by_name: dict[tuple[str, str], list[_Place]] = {}
    for place in owners:
        by_name.setdefault((place[0], place[2]), []).append(place)
    for places in by_name.values():
        for one, other in combinations(places, 2):
            if None in (one[1], other[1]) and {*owners[one]} != {*owners[other]}:
                yield one, other


def _names(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return " and ".join(distinct) if len(distinct) == 2 else listed(distinct, MAX_NAMED)
