"""How far an operation in waves is: what Git and the cluster show of each of its services, joined.

Without rights in a cluster Flux's events have to do: what Flux has applied counts.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from failover_api.concurrency import together
from failover_api.core.catalog.model import Action, Branch, Catalog, Service
from failover_api.core.planning.state import State
from failover_api.core.planning.wave_progress import Clocking, Progress, Sighting, progress
from failover_api.core.planning.waves import Order, order_of
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import Rollout
from failover_api.core.wording import one_line
from failover_api.errors import FailoverError
from failover_api.forge.port import Forge
from failover_api.forge.values import LoggedCommit
from failover_api.operations.wave_operation import Serves, WaveOperation
from failover_api.reading.status import Status, Unreadable

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.rollout.stage import ClusterState

FRESH_S = 10.0  # how old what Git says may be while nothing is due
RESUME_S = 3600.0  # what nobody has gone on with for so long is over

Read = Callable[[Sequence[Service]], Awaitable[Sequence[Status | Unreadable]]]
See = Callable[[Sequence[Status | Unreadable]], Awaitable[Sequence[Status | Unreadable]]]
RolloutOf = Callable[[Status], Awaitable[Rollout]]


class WaveSight:
    """`read` gives the statuses of services, `see` joins them with what is seen of the cluster now, `rollout` says how
    far the newest move of one of them is. `is_told_of` whether Flux's events tell of one. `now` is the Git host's clock
    (s), `cluster_ahead_s` how far the cluster's is ahead of it.
    """

    def __init__(
        self,
        forge: Forge,
        catalog: Callable[[], Catalog],
        *,
        read: Read,
        see: See,
        rollout: RolloutOf,
        now: Callable[[], float],
        is_told_of: Callable[[Status], bool],
        cluster_ahead_s: Callable[[], float],
    ) -> None:
        self._forge, self._catalog, self._now, self._cluster_ahead_s = forge, catalog, now, cluster_ahead_s
        self.read, self._see, self._rollout, self._is_told_of = read, see, rollout, is_told_of

    async def order(
        self, members: Sequence[Service], actions: Mapping[str, Action]
    ) -> tuple[Order, Sequence[Status | Unreadable]]:
        """In which order these services move; and where they are, if that was needed to know it."""
        order = order_of(actions, self._after)
        if not order.is_needed:
            return order, ()
        statuses = await self.read(members)
        return self.order_seen(actions, statuses), statuses

    def order_seen(self, actions: Mapping[str, Action], statuses: Sequence[Status | Unreadable]) -> Order:
        """The same of services that were looked at. Where nobody here sees one come up, nobody waits for it."""
        members = [status for status in statuses if status.service.name in actions]
        seen = {status.service.name for status in members if self._will_be_seen(status, actions[status.service.name])}
        return order_of(actions, self._after, unseen=actions.keys() - seen)

    @property
    def _after(self) -> Mapping[str, Sequence[str]]:
        return {name: service.after for name, service in self._catalog().services.items()}

    def _will_be_seen(self, status: Status | Unreadable, action: Action) -> bool:
        """In the cluster; or Flux tells of it. That tells of commits, so not of one that was there without any."""
        if isinstance(status, Unreadable):
            return False
        if status.cluster is not None and status.cluster.stage is not Stage.UNKNOWN:
            return True
        is_there = status.detection.state.value == action.target.value
        return self._is_told_of(status) and not (is_there and status.last_move is None)

    async def newest_commits(self) -> list[LoggedCommit]:
        """Those of each branch of the catalog, newest first."""

        async def log(branch: Branch) -> Sequence[LoggedCommit]:
            head = await self._forge.head(branch, not_before=time.monotonic())
            return await self._forge.log(branch, at=head, not_before=None)

        return [commit for log in await together(map(log, self._catalog().branches)) for commit in log]

    async def look(self, operation: WaveOperation, *, oldest_s: float = FRESH_S) -> Progress:
        """How far it is: what Git says is at most `oldest_s` old, what the cluster shows is as of now.

        What has come to its end stays as it was then.
        """
        if operation.progress is not None and not operation.progress.is_running:
            return operation.progress
        catalog = self._catalog()
        services = [catalog.services[name] for name in operation.members if name in catalog.services]
        if time.monotonic() - operation.read_at > oldest_s or not oldest_s:
            read = await self.read(services)
            operation.statuses, operation.read_at = {one.service.name: one for one in read}, time.monotonic()
            for one in read:
                operation.saw(one)
        self._give_up_old(operation)
        statuses = {one.service.name: one for one in await self._see(list(operation.statuses.values()))}
        sightings: dict[str, Sighting] = {}
        for name in operation.members:
            status = statuses.get(name) if name in catalog.services else None
            serves = await self._serves(status) if isinstance(status, Status) else Serves(None)
            sightings[name] = operation.sighting(status, serves)
        clocking = Clocking(self._now(), operation.began_at, catalog.wave_timeout_s)
        operation.decided(found := progress(operation.order, sightings, clocking, operation.ended))
        return found

    def _give_up_old(self, operation: WaveOperation) -> None:
        """What nobody has gone on with for an hour is no longer what people expect to happen."""
        if not self.is_old(operation):
            return
        for name in operation.members:
            if name not in operation.written and name not in operation.ended:
                operation.troubles.setdefault(name, "nobody has gone on with it in time")

    def is_old(self, operation: WaveOperation) -> bool:
        return not operation.proposed and self._now() >= self.old_at(operation)

    def old_at(self, operation: WaveOperation) -> float:
        """When it is, but for proposals (Git host's clock, s)."""
        newest = max(operation.written.values(), default=operation.began_at)
        return newest + RESUME_S + self._catalog().wave_timeout_s

    async def _serves(self, status: Status) -> Serves:
        state = status.cluster
        if state is None or state.stage is Stage.UNKNOWN:
            return await self._applied(status)
        why = f"{state.reason} {state.cure}" if state.stage is Stage.BLOCKED else state.reason
        detail = one_line(f"{state.stage}: {why}".strip(": "))
        serves = state.stage is Stage.SERVING and await self._is_its(status, state)
        since = None if state.ready_at is None else state.ready_at - self._cluster_ahead_s()
        return Serves(serves, since, detail)

    async def _is_its(self, status: Status, state: "ClusterState") -> bool:
        """Whether what serves is what Git has; where that cannot be compared, the revision of its newest move tells."""
        if state.side is not State.UNKNOWN or status.last_move is None:
            return state.side in (State.UNKNOWN, status.detection.state)
        try:
            return (await self._rollout(status)).done
        except FailoverError:
            return False

    async def _applied(self, status: Status) -> Serves:
        """What Flux's events say, where nothing is seen of the cluster."""
        if status.last_move is None:
            return Serves(None)
        try:
            rollout = await self._rollout(status)
        except FailoverError as exc:
            return Serves(None, detail=one_line(exc.detail))
        step = next((step for step in rollout.steps if step.name == "applied"), None)
        if step is None:
            return Serves(None)
        return Serves(
            step.has_come, step.at, "" if step.has_come is None else one_line(step.detail or "not applied yet")
        )
