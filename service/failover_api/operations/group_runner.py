"""Moves of several services: a group, or what is on a node. At once; in waves, where some come after others."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from failover_api.core.catalog.model import Action, Catalog, Service
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.planning.wave_progress import planned
from failover_api.core.planning.waves import Order
from failover_api.moves.evacuation import NodeOutcome, group_of, parts_of_node
from failover_api.moves.group import check_branches, parts_of
from failover_api.moves.outcome import GroupOutcome, WaveReport
from failover_api.moves.progress import OnStep, ignore
from failover_api.operations.move_runner import MoveRunner
from failover_api.operations.wave_operation import ANYWHERE
from failover_api.operations.wave_runner import Around, WaveRunner
from failover_api.operations.wave_sight import WaveSight
from failover_api.reading.status import Status, Unreadable


class GroupRunner:
    """`around` tells what is known around services."""

    def __init__(
        self,
        runner: MoveRunner,
        waves: WaveRunner,
        sight: WaveSight,
        catalog: Callable[[], Catalog],
        *,
        around: Around,
    ) -> None:
        self._runner, self._waves, self._sight = runner, waves, sight
        self._catalog, self._around = catalog, around

    async def move_group(
        self, name: str, action: Action, request: MoveRequest, provenance: Provenance, on_step: OnStep
    ) -> GroupOutcome:
        """As Failover.move_group()."""
        names = self._catalog().group(name)
        members, actions = [self._catalog().service(member) for member in names], dict.fromkeys(names, action)
        order, statuses = await self._sight.order(members, actions)
        if order.is_needed and not request.dry_run:
            operation = self._waves.made_up(name, actions, order, request, provenance)
            begun = await self._waves.start(operation, request, statuses, on_step=on_step)
            return GroupOutcome(name, action, begun.parts, names, begun.report, begun.later, order.warnings)
        moves = parts_of(members, action, request, provenance, on_step, await self._around(members, request))
        check_branches(name, moves)
        parts = tuple(await self._runner.run_parts(name, moves, request, names))
        return GroupOutcome(name, action, parts, names, _waves_of(order), warnings=order.warnings)

    async def move_over(
        self,
        node: str,
        members: Sequence[tuple[Service, Action]],
        statuses: Sequence[Status | Unreadable],
        request: MoveRequest,
        provenance: Provenance,
        unplaced: tuple[str, ...] = (),
        on_step: OnStep = ignore,
    ) -> NodeOutcome:
        """What is on a node, or on what stands for one, each service by its own action. `statuses` are those seen now.

        Raises as move_group().
        """
        label = provenance.group or node
        names, actions = tuple(service.name for service, _ in members), {one.name: action for one, action in members}
        if request.trigger is not None and not request.dry_run:
            begun_before = self._waves.of_event(provenance.key, names, statuses)
            if begun_before is not None:
                report = await self._waves.resume(begun_before, request.permit_for)
                return NodeOutcome(node, (), names, unplaced, False, report)
        order = self._sight.order_seen(actions, [status for status in statuses if status.service.name in actions])
        if order.is_needed and not request.dry_run:
            place = node if label == group_of(node) else ANYWHERE
            operation = self._waves.made_up(label, actions, order, request, provenance, node=place)
            begun = await self._waves.start(operation, request, statuses, on_step=on_step)
            return NodeOutcome(node, begun.parts, names, unplaced, False, begun.report, begun.later, order.warnings)
        around = await self._around([service for service, _ in members], request)
        alone = replace(provenance, group=None)
        moves = parts_of_node(members, request, provenance, alone, on_step, around)
        parts = tuple(await self._runner.run_parts(label, moves, request, names))
        waves, warnings = _waves_of(order), order.warnings
        return NodeOutcome(node, parts, names, unplaced, request.dry_run, waves, warnings=warnings)


def _waves_of(order: Order) -> WaveReport | None:
    """The waves of a dry run; None where there is one."""
    return WaveReport.of(planned(order)) if order.is_needed else None
