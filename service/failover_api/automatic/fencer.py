"""Sets the taint out-of-service on a node that a person attests to be off, and takes it off when the node is back.

It is asked once a round by the replica that leads, and decides nothing itself: core/safety/fencing does. Before it
sets a taint it writes down that it will, so that whoever leads later takes it off. It takes off no taint of others.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from failover_api.cluster.port import NodeFence
from failover_api.core.automatic.notes import Fenced
from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.state import State
from failover_api.core.safety.fencing import Leaving, leaving, may_clear, why_not_set
from failover_api.core.safety.governance import Situation
from failover_api.core.safety.judgement import NodeVerdict
from failover_api.core.safety.rollout.stage import cluster_state
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.errors import FailoverError, ObjectMissing
from failover_api.reading.status import Status

AGAIN_S = 15.0  # what failed, or may not be done, is not tried again before
FRESH_S = 30.0  # older than that, it is not known what Git says
_log = logging.getLogger(__name__)


class FenceNotes(Protocol):
    """Where it is written down which nodes we have tainted."""

    async def note_fenced(self, node: str, uid: str) -> None:
        """Raises FailoverError when it cannot be."""
        ...

    async def forget_fenced(self, node: str) -> None:
        """Raises FailoverError when it cannot be."""
        ...


class Fencer:
    """`said` is why the taint is not set on each node that is attested to be off; "" where it is. By name."""

    def __init__(self, fence: NodeFence, notes: FenceNotes, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fence, self._notes, self._monotonic = fence, notes, monotonic
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._rest_until: dict[str, float] = {}
        self.said: dict[str, str] = {}

    def round(
        self,
        situation: Situation,
        services: Iterable[Service],
        fenced: Sequence[Fenced],
        is_applied: Callable[[str], bool | None],
    ) -> None:
        """Begins what follows now, and waits for none of it.

        `services` are those of the catalog, `fenced` the nodes that we have tainted. `is_applied` says of a service
        whether its live objects are as Git has them; None: it is not seen.
        """
        nodes = situation.verdicts.nodes
        attested = {name for name, node in nodes.items() if _is_attested(node, situation)}
        for name in self.said.keys() - attested:
            del self.said[name]
        for name in attested:
            if self._may_begin(name):
                waiting = [*_leaving(name, situation, is_applied), *_unknown(name, situation, services)]
                why = why_not_set(nodes[name], waiting, is_attested=True)
                self.said[name] = "" if nodes[name].is_out_of_service else why
                if not why:
                    self._begin(name, self._set(nodes[name]))
        for each in fenced:
            self._undo(each, nodes)

    def _undo(self, fenced: Fenced, nodes: Mapping[str, NodeVerdict]) -> None:
        """Of a node that is made anew, or has no such taint any more while it is well, there is nothing to undo."""
        node = nodes.get(fenced.node)
        if node is None or not self._may_begin(fenced.node):
            return
        if node.uid != fenced.uid or (node.is_ready and node.is_alive and not node.is_out_of_service):
            self._begin(fenced.node, self._notes.forget_fenced(fenced.node))
        elif may_clear(node):
            self._begin(fenced.node, self._clear(fenced))

    async def _set(self, node: NodeVerdict) -> None:
        if why := await self._fence.why_unguarded(node.name):
            self._fails(node.name, why)
            return
        await self._notes.note_fenced(node.name, node.uid)
        if await self._fence.set(node.name, node.uid):
            _log.warning("node tainted out-of-service", extra={"node": node.name})
        self.said[node.name] = ""

    async def _clear(self, fenced: Fenced) -> None:
        try:
            if await self._fence.clear(fenced.node, fenced.uid):
                _log.warning("taint out-of-service taken off: the node is back", extra={"node": fenced.node})
        except ObjectMissing:
            pass
        await self._notes.forget_fenced(fenced.node)

    # What is under way

    def _may_begin(self, node: str) -> bool:
        return node not in self._under_way and self._monotonic() >= self._rest_until.get(node, 0.0)

    def _fails(self, node: str, why: str) -> None:
        """It is told once, for as long as it stays so."""
        said = f"{why[:1].upper()}{why[1:]}."
        if self.said.get(node) != said:
            _log.warning("the taint of a node was not written", extra={"node": node, "detail": why})
        if node in self.said:
            self.said[node] = said
        self._rest(node)

    def _rest(self, node: str) -> None:
        self._rest_until[node] = self._monotonic() + AGAIN_S

    def _begin(self, node: str, work: Awaitable[None]) -> None:
        task = self._under_way[node] = asyncio.create_task(self._guarded(node, work))
        task.add_done_callback(lambda _: self._under_way.pop(node, None))

    async def _guarded(self, node: str, work: Awaitable[None]) -> None:
        """What fails is tried again, by whoever leads then."""
        try:
            await work
        except FailoverError as exc:
            self._fails(node, exc.detail)
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            self._rest(node)
            _log.exception("the taint of a node was not written by a defect", extra={"node": node})

    async def aclose(self) -> None:
        """Waits for what is under way: half of it may be written."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)


def _is_attested(node: NodeVerdict, situation: Situation) -> bool:
    return any(each.holds(node) for each in situation.book.attestations)


def is_applied(status: Status | None, look: ClusterLook) -> bool | None:
    """Whether the live objects of a service are as Git has them; None: it is not seen."""
    if status is None:
        return None
    state = cluster_state(status.service, status.detection, look.view, index=look.index)
    if state is None or state.side is State.UNKNOWN:
        return None
    return state.side is status.detection.state


def _unknown(node: str, situation: Situation, services: Iterable[Service]) -> list[Leaving]:
    """Services that Git could not be read for, and that may be on the node."""
    known = {service.name for service in situation.services}
    missing = (each for each in services if each.name not in known and not each.is_elsewhere)
    return [Leaving(each.name, None, None, False) for each in missing if _may_be_on(node, each)]


def _may_be_on(node: str, service: Service) -> bool:
    sides = [service.nodes(side) for side in Side]
    return not all(sides) or any(node in nodes for nodes in sides)


def _leaving(node: str, situation: Situation, is_applied: Callable[[str], bool | None]) -> Iterator[Leaving]:
    """Whether it is applied is looked up for those alone that have to do with the node."""
    for service in situation.services:
        found = leaving(node, service, is_applied=None)
        if found is not None and situation.verdicts.monotonic - service.read_at <= FRESH_S:
            found = leaving(node, service, is_applied=is_applied(service.name))
        if found is not None:
            yield found
