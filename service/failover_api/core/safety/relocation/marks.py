"""The tags of a relocation in the cluster: who sees them knows that one is under way, without asking Git."""

from collections.abc import Iterator

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.replication import Pair
from failover_api.core.safety.observed import Replication, View
from failover_api.core.safety.relocation.tags import parse_tag
from failover_api.core.safety.replication import named, namespaces_of


def is_filled(one: Replication | None) -> bool:
    """Whether a relocation has set its tag, and it is not paused: what it brings is no copy to fall back on yet."""
    return one is not None and not one.is_paused and parse_tag(one.manual) is not None


def operation_on(service: Service, view: View | None) -> str:
    """The operation of the relocation whose tag stands in a replication of a service; "" where none does.

    Until its fifth step: what serves on the target by then is copied again.
    """
    tags = (parse_tag(one.manual) for one in _replications(service, view))
    return next((tag.operation for tag in tags if tag is not None), "")


def ends_towards(service: Service, side: Side, view: View) -> Iterator[Replication]:
    """The ends of the replication that brings data to a side, as far as they are seen."""
    pair = service.pair_towards(side)
    yield from _ends(service, pair, view) if pair is not None else ()


def _replications(service: Service, view: View | None) -> Iterator[Replication]:
    if service.replication is None or view is None:
        return
    for pair in service.replication.pairs:
        yield from _ends(service, pair, view)


def _ends(service: Service, pair: Pair, view: View) -> Iterator[Replication]:
    namespaces = namespaces_of(service, pair)
    yield from named(view.replication_sources, pair.source, namespaces)
    yield from named(view.replication_destinations, pair.destination, namespaces)
