"""A relocation beside a promote and a demote by hand: for how long the app serves nowhere, and what is left behind.

One app in the simulated world of the demo goes to its other side and back in both ways. Its rollouts run one pod at a
time, and VolSync copies once a minute. All times are real ones, nothing is skipped. How long Flux, a copy and a start
take is what the simulation takes: the rows compare, and promise nothing for a real cluster.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.rig.report import Row, no_more, spread
from bench.rig.worlds import in_worlds
from failover_api.core.catalog.model import Action, Side
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.edges.demo.world import World
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.http.traffic import RequestCompleted
from failover_api.sandbox.cluster.objects.json_values import at
from failover_api.watching.relocations import EVERY_S
from failover_api.wiring import Components, open_failover

WORLDS = 3
REQUESTS_OF_A_STEP = 2  # its commit, and what Git says after it
_APP, _PLACE = "jellyfin", "media/jellyfin"
_PLACES = {Side.PRIMARY: ("k3s-w1", "media/jellyfin-w1"), Side.BACKUP: ("k3s-w2", "media/jellyfin-w2")}
_REPLICAS = b"    replicas: 1\n"
_ONE_POD = b"    strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n"
_CHANGES = {
    "apps/media/jellyfin/app.yaml": (_REPLICAS, _REPLICAS + _ONE_POD),
    "apps/media/jellyfin/volsync.yaml": (b"*/5 * * * *", b"* * * * *"),
}
_LOOK_S, _GIVE_UP_S = 0.05, 120.0
_WRITE = "graphql: createCommitOnBranch"


@dataclass(frozen=True, slots=True)
class _Moved:
    """`left` are the lines that were written on the side that it came from, and are not on the other."""

    down_s: float
    serving_s: float
    left: int


@dataclass(frozen=True, slots=True)
class _Relocated:
    """`first` is how many requests the first step took, `steps` each other; `waits` are those while it waits."""

    moved: _Moved
    whole_s: float
    told_down_s: float | None
    final_syncs: int
    first: int
    steps: list[int] = field(default_factory=list)
    waits: list[RequestCompleted] = field(default_factory=list)


def measure(*, quick: bool = False) -> Iterator[Row]:
    """There and back, by relocation and by hand; several worlds at once."""
    seen = in_worlds([_there_and_back] * (1 if quick else WORLDS))
    relocated = [each for one, _ in seen for each in one]
    by_hand = list(zip(*(moves for _, moves in seen), strict=True))
    where = "simulated cluster, real time"
    yield _down(f"a relocation, {where}: the app serves nowhere", [one.moved for one in relocated])
    told = [one.told_down_s for one in relocated if one.told_down_s is not None]
    yield Row("the same by `failover_relocation_downtime_seconds`", f"{statistics.median(told):.0f} s")
    syncs = [one.final_syncs for one in relocated]
    what = "final syncs of a relocation: the last one surely began when the app had stopped"
    yield Row(what, f"{statistics.median(syncs):g} (of {len(syncs)}; most {max(syncs)})")
    for action, moves in zip(("promote", "demote"), by_hand, strict=True):
        yield _down(f"a {action} by hand, {where}: the app serves nowhere", moves)
    yield _serving("a relocation", [one.moved for one in relocated])
    whole = [one.whole_s for one in relocated]
    yield Row("a relocation: from the call until it is copied from there again, once a minute", spread(whole))
    yield _serving("a promote by hand", by_hand[0])
    yield from _requests(relocated)


def _down(what: str, moves: Sequence[_Moved]) -> Row:
    left = max(one.left for one in moves)
    lost = f"; {left} lines left behind" if left else "; no line left behind"
    return Row(what, spread([one.down_s for one in moves]) + lost)


def _serving(what: str, moves: Sequence[_Moved]) -> Row:
    return Row(f"{what}: from the call until it serves there", spread([one.serving_s for one in moves]))


def _requests(relocated: Sequence[_Relocated]) -> Iterator[Row]:
    most = max(count for one in relocated for count in one.steps)
    yield no_more(
        "requests: a step of a relocation, warm: its commit, and what Git says after it", most, REQUESTS_OF_A_STEP
    )
    yield Row("requests: the first step, with all that is looked at before", f"{max(one.first for one in relocated)}")
    waits = [each for one in relocated for each in one.waits]
    unchanged = sum(each.status == 304 for each in waits)
    yield Row(
        "requests: while a step is waited for, a look at Git each 10 s",
        f"{len(waits)} in {len(relocated)} relocations, {unchanged} of them a 304",
    )


# There and back


def _there_and_back(world: World) -> tuple[list[_Relocated], list[_Moved]]:
    files = {path: world.sandbox.read(path) or b"" for path in _CHANGES}
    world.sandbox.commit(one_pod_at_a_time(files), "One pod at a time")
    return asyncio.run(_moves(world))


def one_pod_at_a_time(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """{path: content} of what changes in the sample homelab before it is measured; Flux applies it with the rest."""
    for path, (old, _) in _CHANGES.items():
        assert files[path].count(old) > 0, path
    return {path: files[path].replace(old, new) for path, (old, new) in _CHANGES.items()}


async def _moves(world: World) -> tuple[list[_Relocated], list[_Moved]]:
    asked: list[RequestCompleted] = []

    def traffic(event: object) -> None:
        if isinstance(event, RequestCompleted):
            asked.append(event)

    async with open_failover(world.settings(), traffic=traffic, rate_limit=RateLimit(())) as components:
        namespaces = components.catalog.current().namespaces
        assert components.cluster is not None
        components.cluster.watch(lambda: namespaces)
        await components.failover.status(_APP)
        meter = _Meter(world)
        relocated = [await _relocate(components, meter, target, asked) for target in (Side.BACKUP, Side.PRIMARY)]
        by_hand = [
            await _by_hand(components, meter, Action.PROMOTE, Side.BACKUP),
            await _by_hand(components, meter, Action.DEMOTE, Side.PRIMARY),
        ]
    return relocated, by_hand


async def _by_hand(components: Components, meter: "_Meter", action: Action, target: Side) -> _Moved:
    """A demote leaves behind what was written on backup, which has to be accepted."""
    moved = asyncio.create_task(meter.until_on(target))
    await components.failover.move(_APP, action, MoveRequest(by="bench", accept=frozenset({"data-left-behind"})))
    return await moved


async def _relocate(components: Components, meter: "_Meter", target: Side, asked: list[RequestCompleted]) -> _Relocated:
    """As `serve` goes on with it, until its last step has ended."""
    relocations, steps, waits = components.failover.relocations, [], []
    began = time.perf_counter()
    moved = asyncio.create_task(meter.until_on(target))
    asked.clear()
    report = await relocations.start(_APP, target, MoveRequest(by="bench"))
    first = len(asked)
    while report.is_under_way:
        await asyncio.sleep(EVERY_S)
        asked.clear()
        made = len(report.steps)
        told = await relocations.advance(_APP)
        assert told is not None
        report = told
        of_step = list(itertools.dropwhile(lambda one: one.endpoint != _WRITE, asked))
        waits += asked[: len(asked) - len(of_step)]
        if len(report.steps) > made:
            steps.append(len(of_step))
    assert report.state is State.DONE, report
    whole_s = time.perf_counter() - began
    final_syncs = sum(each.step is Step.FINAL_SYNC for each in report.steps)
    return _Relocated(await moved, whole_s, report.downtime_s, final_syncs, first, steps, waits)


class _Meter:
    """On which node the app is ready, looked at by the cluster's own clock, however busy this machine is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes = [(world.elapsed_s, self._node())]
        world.cluster.clock.every(_LOOK_S, self._look)

    def _look(self) -> None:
        if (node := self._node()) != self._changes[-1][1]:
            self._changes.append((self._world.elapsed_s, node))

    def _node(self) -> str | None:
        pod = self._world.cluster.ready_pod(_PLACE)
        return str(at(pod, "spec", "nodeName")) if pod is not None else None

    async def until_on(self, target: Side) -> _Moved:
        """From now on, until the app has come to that side."""
        (node, claim), (_, origin) = _PLACES[target], _PLACES[target.other]
        began, known = self._world.elapsed_s, len(self._changes)
        while len(self._changes) == known or self._changes[-1][1] != node:
            assert self._world.elapsed_s - began < _GIVE_UP_S, f"{_APP} does not serve on {node}"
            await asyncio.sleep(0.05)
        changes = self._changes[known:]
        down_s = sum(end - start for (start, where), (end, _) in itertools.pairwise(changes) if where is None)
        left = set(self._world.written(origin)) - set(self._world.written(claim))
        return _Moved(down_s, changes[-1][0] - began, len(left))
