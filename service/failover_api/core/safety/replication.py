"""Which of VolSync's objects bring data from one claim to another, and what that says of a service's replication."""

from collections.abc import Iterable, Sequence

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import Pair
from failover_api.core.safety.observed import Replication, Seen, View

CLOCKS_S = 300.0  # VolSync tells its times by the clock of the node where it runs: what is later still was dated wrong
OLD_S = 24 * 3600.0  # without max_data_age: data of yesterday is worth a word


def pairs_of(view: View, namespace: str, old: str, new: str) -> tuple[tuple[Replication, ...], tuple[Replication, ...]]:
    """The sources that read one claim, and the destinations that write the other.

    A claim may have a backup to an object store too: where a destination says which mover it has, only sources with
    that mover count.
    """
    destinations = _of_claim(view.replication_destinations.objects.values(), namespace, new)
    sources = _of_claim(view.replication_sources.objects.values(), namespace, old)
    movers = {one.mover for one in destinations if one.mover}
    of_mover = tuple(one for one in sources if one.mover in movers)
    return of_mover or sources, destinations


def namespaces_of(service: Service, pair: Pair) -> tuple[str, ...]:
    """Where the objects of a pair may be, by what the catalog says; none: anywhere."""
    return (pair.namespace,) if pair.namespace else tuple(sorted(service.namespaces or ()))


def named(seen: Seen[Replication], name: str, namespaces: Sequence[str]) -> list[Replication]:
    """The objects of one kind that have a name, in these namespaces; anywhere where none is said."""
    if namespaces:
        keys = [(namespace, name) for namespace in namespaces]
        return [seen.objects[key] for key in keys if key in seen.objects]
    return [one for (_, its), one in seen.objects.items() if its == name]


def data_as_of(sources: Sequence[Replication]) -> float | None:
    """The time of the oldest data that these brought (s); None where one has brought none, or there is none."""
    times = [source.data_as_of for source in sources]
    return None if None in times else min((at for at in times if at is not None), default=None)


def _of_claim(found: Iterable[Replication], namespace: str, claim: str) -> tuple[Replication, ...]:
    own = [one for one in found if one.namespace == namespace and one.claim == claim]
    return tuple(sorted(own, key=lambda one: one.name))
