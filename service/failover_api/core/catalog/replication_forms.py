"""A service's `replication`, `quiesce` and `relocate` as values, and what of them cannot be meant."""

from collections.abc import Iterator, Sequence

from failover_api.core.catalog.model import Switch
from failover_api.core.catalog.replication import (
    PAUSED,
    DataReplication,
    Pair,
    Quiesce,
    RelocationLimits,
    ReplicationKind,
    Via,
)
from failover_api.core.catalog.replication_schema import PairSchema
from failover_api.core.catalog.runtime import HELM_RELEASE, WorkloadName
from failover_api.core.catalog.schema import ServiceSchema
from failover_api.core.catalog.short_forms import Error
from failover_api.core.config.duration import seconds_of
from failover_api.core.config.yaml import Location
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import parse_path
from failover_api.errors import BadPath

_REPLICAS = Quiesce(("spec", "replicas"))
_PAIRS = ("to_backup", "to_primary")


class ReplicationForm:
    """What one service says of its data. What is wrong is told to `error`."""

    def __init__(self, entry: ServiceSchema, where: Location, error: Error) -> None:
        self._entry, self._where, self._error = entry, where, error

    def replication(self) -> DataReplication | None:
        named = self._entry.replication
        if named is None:
            return None
        kind = ReplicationKind(named.kind)
        self._check_pairs(kind)
        to_backup, to_primary = self._pair(named.to_backup), self._pair(named.to_primary)
        return DataReplication(kind, Via(named.via), to_backup, to_primary)

    def quiesce(self, workloads: Sequence[WorkloadName | None]) -> Quiesce | None:
        """How it is stopped, on whichever side of these workloads it is."""
        named = self._entry.quiesce
        kinds = {workload.kind for workload in workloads if workload is not None}
        is_known = bool(kinds) and None not in workloads and HELM_RELEASE not in kinds
        if self._has_data_to_bring and (not kinds or (named is None and not is_known)):
            self._refuse_unstoppable(has_workload=bool(kinds))
        if named is not None:
            return self._quiesce(named.path, named.running)
        return _REPLICAS if is_known and self._entry.replication else None

    def limits(self) -> RelocationLimits:
        named = self._entry.relocate
        return RelocationLimits(seconds_of(named.quiesce), seconds_of(named.final_sync), seconds_of(named.cutover))

    def has_switches_on_it(self, located: Sequence[tuple[Location, Switch]]) -> bool:
        """Whether there are switches on what a move pauses by itself, which are errors: told, each once."""
        objects, found = list(self._objects()), False
        for location, switch in located:
            one = next((each for each in objects if switch.path == PAUSED and _may_be(switch, *each)), None)
            if one is not None:
                found, (kind, name, _) = True, one
                text = f"`replication` pauses {kind} {name} by itself: take the switch on its spec.paused out"
                self._error(f"{text} ({switch.file})", location)
        return found

    def paused(self) -> Iterator[tuple[Location, Switch]]:
        """What a move pauses, as if it were switches: two services must not move the same."""
        for kind, name, pair in self._objects():
            selector = Selector(kind=kind, name=name, namespace=pair.namespace)
            yield (*self._where, "replication"), Switch(pair.file, selector, PAUSED, False, True)

    def _objects(self) -> Iterator[tuple[str, str, Pair]]:
        named = self._entry.replication
        for pair in () if named is None else map(self._pair, (named.to_backup, named.to_primary)):
            if pair is not None:
                for kind, name in pair.objects:
                    yield kind, name, pair

    @property
    def _has_data_to_bring(self) -> bool:
        named = self._entry.replication
        return named is not None and named.kind != ReplicationKind.NONE

    def _refuse_unstoppable(self, *, has_workload: bool) -> None:
        if not has_workload:
            text = "is missing; `replication` needs it, since switches alone do not say what is stopped and looked at"
            self._error(text, (*self._where, "workload"))
            return
        text = "is missing; `replication` needs it: name the number of the HelmRelease that stops the app when it is 0"
        self._error(f"{text}, as in `quiesce: {{path: spec.values.replicas, running: 1}}`", (*self._where, "quiesce"))

    def _check_pairs(self, kind: ReplicationKind) -> None:
        named, where = self._entry.replication, (*self._where, "replication")
        assert named is not None, "the caller has one"
        if kind is ReplicationKind.VOLSYNC:
            if named.to_backup is None and named.to_primary is None:
                self._error(
                    "is missing; `kind: volsync` needs it, and `to_primary` to come home", (*where, "to_backup")
                )
            return
        for key in ("via", *_PAIRS):
            if named.has(key):
                self._error(f"is of `kind: volsync`; with `kind: {kind}` nothing is synced by us", (*where, key))

    def _pair(self, named: PairSchema | None) -> Pair | None:
        if named is None:
            return None
        return Pair(named.source, named.destination, named.namespace or self._entry.namespace or None, named.file)

    def _quiesce(self, path: str, running: int) -> Quiesce | None:
        try:
            return Quiesce(parse_path(path), running)
        except BadPath as exc:
            self._error(exc.detail, (*self._where, "quiesce", "path"))
            return None


def _may_be(switch: Switch, kind: str, name: str, pair: Pair) -> bool:
    """Whether a switch is of this object: what one of the two does not say may be what the other says."""
    own = switch.selector
    asked = ((own.kind, kind), (own.name, name), (own.namespace, pair.namespace), (switch.file, pair.file))
    return all(one is None or other is None or one == other for one, other in asked)
