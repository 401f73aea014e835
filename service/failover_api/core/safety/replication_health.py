"""How well a service's data is copied to the side where it is not: from both ends of its pair, and nothing else.

The order counts: what it is about, what is missing, what is paused, what a relocation does, what fails, how old the
copy is. In doubt it is not protected.

paused          stops nothing but the mover's job: a pair is parked when both ends are, and with one end it is broken
a manual tag    switches the schedule off for as long as it stands, also after its sync
the age         lastSyncTime - lastSyncDuration of the source: data is as old as the beginning of the sync
a sync          is under way while lastSyncStartTime is set; a destination without a trigger always waits for one
via repository  the copy is what was restored: of the newest backup that had ended when the restore began
https://volsync.readthedocs.io
"""

from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind, Via
from failover_api.core.planning.state import State
from failover_api.core.safety.observed import Replication, Seen, View
from failover_api.core.safety.relocation.marks import is_filled
from failover_api.core.safety.replication import CLOCKS_S, OLD_S, named, namespaces_of
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus
from failover_api.core.safety.times import length, minute
from failover_api.core.wording import cut, shell_word

FAILED, ERROR = "Failed", "Error"


def replication_status(
    service: Service, side: State, view: View | None, now: float, *, is_relocated: bool = False
) -> ReplicationStatus | None:
    """Of the copy away from where a service is; None where its catalog has no replication, or nothing to bring.

    `side` is where Git has it, `now` the API server's time (s). `is_relocated`: its last move is a relocation, which
    fills the other side for as long as its tag stands in the source. `view` is None where no cluster is seen.
    """
    replication = service.replication
    if replication is None or replication.kind is ReplicationKind.NONE:
        return None
    unknown = ReplicationStatus(replication.kind)
    if replication.kind is ReplicationKind.MANUAL:
        return replace(unknown, reason="The data is brought by hand: nobody here can see how old it is.")
    if side not in (State.PRIMARY, State.BACKUP):
        return replace(unknown, reason="It is on no one side, so there is no other one to copy to.")
    other = Side(side.value).other
    pair = service.pair_towards(other)
    if pair is None:
        return replace(unknown, reason=f"The catalog names no pair away from {side.value} (`replication.to_{other}`).")
    ends = _ends(pair, view, service)
    if isinstance(ends, str):
        return replace(unknown, reason=ends)
    if wrong := _why_no_pair(service, Side(side.value), *ends):
        return replace(unknown, state=ReplicationState.FAILING, reason=wrong)
    return _Judgement(service.name, side, replication, *ends).status(now, _limit_s(service), is_relocated=is_relocated)


def _limit_s(service: Service) -> float:
    return OLD_S if service.max_data_age_s is None else service.max_data_age_s


def _ends(pair: Pair, view: View | None, service: Service) -> "tuple[_End, _End] | str":
    """Both ends; or why they are not seen."""
    if view is None or service.is_elsewhere:
        return "The cluster is not seen."
    namespaces = namespaces_of(service, pair)
    kinds = (view.replication_sources, view.replication_destinations)
    for kind in kinds:
        if why := _why_unseen(kind, namespaces):
            return f"VolSync's objects are not seen: {cut(why)}."
    ends: list[_End] = []
    for seen, (kind_name, name) in zip(kinds, pair.objects, strict=True):
        found = named(seen, name, namespaces)
        if len(found) > 1:
            return f"Several are named {kind_name} {cut(name)}: name its `namespace` in the catalog."
        ends.append(_End(kind_name, name, next(iter(found), None)))
    source, destination = ends
    return source, destination


def _why_no_pair(service: Service, side: Side, source: "_End", destination: "_End") -> str:
    """Why the two do not copy what the service has, however well they are; "" when they do."""
    for end, of in ((source, side), (destination, side.other)):
        claims = {str(switch.value(of)) for switch in service.switches if switch.is_claim}
        if end.it is not None and end.it.claim and claims and end.it.claim not in claims:
            return f"{end.label} is about {cut(end.it.claim)}, which is no claim of {of}: what is there is not copied."
    movers = [end.it.mover for end in (source, destination) if end.it is not None and end.it.mover]
    if len(set(movers)) > 1:
        return f"{source.label} has the mover {movers[0]}, and {destination.label} {movers[1]}: nothing is copied."
    return ""


def _why_unseen(kind: Seen[Replication], namespaces: tuple[str, ...]) -> str:
    if not namespaces:
        return kind.why_unseen()
    return next((why for namespace in namespaces if (why := kind.why_unseen(namespace))), "")


@dataclass(frozen=True, slots=True)
class _End:
    """A ReplicationSource or ReplicationDestination; `it` is None where the cluster has none of that name."""

    kind: str
    name: str
    it: Replication | None

    @property
    def label(self) -> str:
        return f"{self.kind} {cut(self.name)}"

    @property
    def is_paused(self) -> bool:
        return self.it is not None and self.it.is_paused

    @property
    def has_failed(self) -> bool:
        """By its last mover, or by what it says itself."""
        if self.it is None:
            return False
        is_in_error = self.it.synchronizing is not None and self.it.synchronizing.reason == ERROR
        return self.it.result == FAILED or is_in_error

    @property
    def is_off(self) -> bool:
        """A tag that has been answered stands beside its schedule, which is off for as long as it does."""
        return bool(self.it and self.it.schedule and self.it.manual and self.it.manual == self.it.last_manual)

    @property
    def has_trigger(self) -> bool:
        return self.it is not None and bool(self.it.schedule or self.it.manual)

    @property
    def is_syncing(self) -> bool:
        return self.it is not None and self.it.sync_started_at is not None


@dataclass(frozen=True, slots=True)
class _Judgement:
    service: str
    side: State
    replication: DataReplication
    source: _End
    destination: _End

    def status(self, now: float, limit_s: float, *, is_relocated: bool) -> ReplicationStatus:
        state, reason = self._state(now, limit_s, is_relocated=is_relocated)
        kind, as_of = self.replication.kind, self._data_as_of
        in_flight = self._in_flight and state is not ReplicationState.PARKED  # of one that is paused the start stays
        return ReplicationStatus(kind, state, as_of, self._last_sync_at, in_flight, reason)

    @property
    def _is_restored(self) -> bool:
        return self.replication.via is Via.REPOSITORY

    @property
    def _last_sync_at(self) -> float | None:
        """When the copy was finished."""
        end = self.destination if self._is_restored else self.source
        return end.it.last_sync_at if end.it is not None else None

    @property
    def _data_as_of(self) -> float | None:
        source, destination = self.source.it, self.destination.it
        if source is None or not self._is_restored:
            return source.data_as_of if source is not None else None
        restored_at = destination.data_as_of if destination is not None else None
        if restored_at is None or source.last_sync_at is None or source.last_sync_at > restored_at:
            return None
        return source.data_as_of

    @property
    def _in_flight(self) -> bool:
        restores = self._is_restored and self.destination.has_trigger and self.destination.is_syncing
        return self.source.is_syncing or restores

    def _state(self, now: float, limit_s: float, *, is_relocated: bool) -> tuple[ReplicationState, str]:
        ends = (self.source, self.destination)
        if gone := next((end for end in ends if end.it is None), None):
            return ReplicationState.FAILING, f"{gone.label} is not in the cluster: nothing is copied."
        if all(end.is_paused for end in ends):
            paused = f"{self.source.label} and {self.destination.label} are paused."
            return ReplicationState.PARKED, f"{paused} {self._way_out}"
        if is_filled(self.source.it) or (is_relocated and self.source.it is not None and self.source.it.manual):
            return (
                ReplicationState.SEEDING,
                "A relocation fills it: until that has ended it is no copy to fall back on.",
            )
        return self._broken() or self._age(now, limit_s)

    @property
    def _way_out(self) -> str:
        """Nothing unpauses by itself what a move has paused: what is on the other side may be there alone."""
        if self.side is State.PRIMARY:
            return "Once nothing that was written on backup is needed any more, set spec.paused of both to false."
        name = shell_word(self.service)
        return f"`failover relocate {name} --to primary` brings the data home; nothing copies it until then."

    def _broken(self) -> tuple[ReplicationState, str] | None:
        for end, other in ((self.source, self.destination), (self.destination, self.source)):
            if end.is_paused:
                text = f"{end.label} is paused and {other.label} is not: nothing is copied."
                return ReplicationState.FAILING, text
            if end.has_failed:
                return ReplicationState.FAILING, f"The last sync of {end.label} failed."
            if end.is_off:
                text = f"A manual tag stands in {end.label}: for as long as it does, VolSync ignores the schedule."
                return ReplicationState.FAILING, text
        return None

    def _age(self, now: float, limit_s: float) -> tuple[ReplicationState, str]:
        as_of = self._data_as_of
        if as_of is None:
            return self._of_no_known_age(now, limit_s)
        if as_of - now > CLOCKS_S:
            return ReplicationState.UNKNOWN, f"Its data is dated {minute(as_of)}, which is to come: a clock is wrong."
        if now - as_of > limit_s:
            return ReplicationState.STALE, f"Its data is of {minute(as_of)}, older than {length(limit_s)}."
        return ReplicationState.PROTECTED, ""

    def _of_no_known_age(self, now: float, limit_s: float) -> tuple[ReplicationState, str]:
        for end in (self.source, self.destination) if self._is_restored else (self.source,):
            if end.it is None or end.it.data_as_of is None:
                return ReplicationState.UNKNOWN, f"{end.label} has never synced."
        restored_at = self.destination.it.data_as_of if self.destination.it is not None else None
        if restored_at is not None and now - restored_at > limit_s:
            return (
                ReplicationState.STALE,
                f"It was restored at {minute(restored_at)}, longer ago than {length(limit_s)}.",
            )
        return (
            ReplicationState.UNKNOWN,
            "The newest backup is not restored yet, and the age of the one before is not kept.",
        )
