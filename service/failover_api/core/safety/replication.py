"""Which of VolSync's objects bring data from one claim to another, and what that says of a service's replication."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import MOVERS, Pair, Via
from failover_api.core.safety.observed import Replication, Seen, View
from failover_api.core.safety.times import minute
from failover_api.core.wording import cut

CLOCKS_S = 300.0  # VolSync tells its times by the clock of the node where it runs: what is later still was dated wrong
OLD_S = 24 * 3600.0  # without max_data_age: data of yesterday is worth a word


@dataclass(frozen=True, slots=True)
class DataCopy:
    """What brings data from the claim that is left to the one that is moved to; `now` is the API server's time (s)."""

    old: str
    new: str
    sources: tuple[Replication, ...]
    destinations: tuple[Replication, ...]
    now: float

    @property
    def restores(self) -> tuple[Replication, ...]:
        """The destinations that restore from a repository, each at its own time."""
        return tuple(one for one in self.destinations if one.mover in MOVERS[Via.REPOSITORY])

    @property
    def undated(self) -> Replication | None:
        """An end that has never synced, or says that it will have: by a clock that is wrong."""
        ends = (*self.sources, *self.restores)
        return next((one for one in ends if one.data_as_of is None or self._is_to_come(one.data_as_of)), None)

    def _is_to_come(self, at: float) -> bool:
        return at > self.now + CLOCKS_S

    @property
    def is_made(self) -> bool:
        """Whether anything brings the data: a source alone is a backup to somewhere else."""
        return bool(self.sources and self.destinations)

    @property
    def why_undated(self) -> str:
        """Why nobody can tell how old the data is, "" when it can be told."""
        if not self.sources:
            return f"no ReplicationSource of {cut(self.old)} that feeds it is in the cluster"
        if not self.destinations:
            return f"no ReplicationDestination of {cut(self.new)} is in the cluster"
        if (end := self.undated) is None:
            return ""
        if end.data_as_of is None:
            return f"{end.kind} {cut(end.name)} has never synced it"
        return f"{end.kind} {cut(end.name)} says {minute(end.data_as_of)}, which is still to come: a clock is wrong"

    @property
    def oldest(self) -> Replication | None:
        """The source whose data is oldest; None where nobody can tell, or there is none."""
        as_of = data_as_of(self.sources) if self.is_made and self.undated is None else None
        return next((source for source in self.sources if as_of is not None and source.data_as_of == as_of), None)

    @property
    def youngest(self) -> tuple[float, Replication] | None:
        """The time that the data is of at best, and the end that says so; None where nobody can tell."""
        source = self.oldest
        ends = [] if source is None else [source, *self.restores]
        known = [(end.data_as_of, end) for end in ends if end.data_as_of is not None]
        return min(known, key=lambda one: one[0], default=None)

    @property
    def is_newest_restored(self) -> bool:
        """Whether what was restored is the newest backup: of the one before nobody keeps the age."""
        made = [source.last_sync_at for source in self.sources if source.last_sync_at is not None]
        return all(end.data_as_of is not None and at <= end.data_as_of for at in made for end in self.restores)


def copy_of(view: View, namespace: str, old: str, new: str, now: float) -> DataCopy:
    return DataCopy(old, new, *pairs_of(view, namespace, old, new), now)


def pairs_of(view: View, namespace: str, old: str, new: str) -> tuple[tuple[Replication, ...], tuple[Replication, ...]]:
    """The sources that read one claim, and the destinations that write the other.

    A claim may have a backup to an object store too: where a destination says which mover it has, only sources with
    that mover count.
    """
    destinations = _of_claim(view.replication_destinations.objects.values(), namespace, new)
    sources = _of_claim(view.replication_sources.objects.values(), namespace, old)
    movers = {one.mover for one in destinations if one.mover}
    return tuple(one for one in sources if not movers or not one.mover or one.mover in movers), destinations


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
