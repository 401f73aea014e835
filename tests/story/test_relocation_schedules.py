"""Relocations over the simulated cluster, with what befalls them drawn from a seed; the bytes are on its disks.

pytest -m long tests/story/test_relocation_schedules.py      500 schedules, ten minutes of one processor
"""

import contextlib
import os
from pathlib import Path
from random import Random

import pytest

from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.table import Position
from failover_api.errors import FailoverError
from failover_api.operations.relocation_runner import RelocationReport
from failover_api.sandbox.cluster.objects.times import epoch
from failover_api.wiring import Components
from tests.sandbox.cluster.apps import W1, W2
from tests.support.relocating import ASKED, VOLSYNC, Homelab, homelab, later, start
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")

FIRST = int(os.environ.get("SCHEDULES_FROM", "0"))
ROUNDS = 140
LOOK_S = 20.0  # by which a look, a commit and Flux may lag
FATES = ("kill", "cut", "lost", "refused", "flux", "scaler", "restart", "abort")


class Run:
    """One schedule: two replicas, a cluster, and what is wrong."""

    def __init__(self, lab: Homelab, seed: int) -> None:
        self.lab, self.random = lab, Random(seed)  # noqa: S311 - a schedule is to be the same again
        self.fates = set(self.random.sample(FATES, self.random.choice((0, 1, 2, 3))))
        self.exits = contextlib.AsyncExitStack()
        self.replicas: list[Components] = []
        self.told: RelocationReport | None = None
        self.cut_over_at: float | None = None
        self.wrongs: list[str] = []
        self.past_s = 0.0

    async def open(self) -> Components:
        return await self.exits.enter_async_context(self.lab.open())

    async def go(self) -> None:
        self.replicas = [await self.open(), await self.open()]
        await start(self.replicas[0])
        for _ in range(ROUNDS):
            await self.befall()
            await self.advance()
            self.pass_by()
            if self.told is not None and self.told.state in {State.DONE, State.STOPPED}:
                break
        self.revive()
        self.judge()

    async def befall(self) -> None:
        random, cluster, stage = self.random, self.lab.cluster, self.lab.stage
        for fate in sorted(self.fates):
            if random.random() > 0.06:
                continue
            if fate == "kill":
                cluster.kill(random.choice((W1, W2)))
            elif fate == "cut":
                cluster.cut(random.choice((W1, W2)))
            elif fate == "lost":
                stage.fault("lost_reply", method="PUT")
            elif fate == "refused":
                stage.fault("status", method="PUT", status=502)
            elif fate == "scaler":
                cluster.scale("Deployment", "media/sonarr", 1)
            elif fate == "restart":
                self.replicas[random.randrange(2)] = await self.open()
            elif fate == "abort" and random.random() < 0.3:
                with contextlib.suppress(FailoverError):
                    self.told = await random.choice(self.replicas).failover.relocations.abort("sonarr", ASKED)
        if random.random() < 0.15:
            self.revive()

    async def advance(self) -> None:
        components = self.random.choice(self.replicas)
        with contextlib.suppress(FailoverError), later(components, self.past_s):
            self.told = await components.failover.relocations.advance("sonarr") or self.told
        labels = [step.label for step in self.told.steps] if self.told is not None else []
        if self.cut_over_at is None and "4/5 cutover" in labels:
            self.cut_over_at = self.lab.cluster.clock.now

    def pass_by(self) -> None:
        seconds = self.random.choice((2, 5, 8))
        if "flux" in self.fates and self.random.random() < 0.4:
            self.lab.cluster.advance(seconds)
        else:
            self.lab.pass_by(seconds)
        self.past_s += seconds
        running = self.lab.cluster.containers("media/sonarr")
        if len(running) > 1:
            self.wrongs.append(f"two pods of the app run: {running}")

    def revive(self) -> None:
        for node in (W1, W2):
            self.lab.cluster.revive(node)

    def judge(self) -> None:
        told = self.told
        assert told is not None
        if told.state is State.DONE and told.position is Position.DONE:
            until = (self.cut_over_at or 0.0) - LOOK_S
            home = set(self.lab.cluster.disk("media/a").journal)
            written = [line for line in self.lab.cluster.disk("media/b").acknowledged if _at(line) <= until]
            lost = [line for line in written if line not in home]
            if lost:
                self.wrongs.append(f"{len(lost)} lines are lost that the app had written")
        if told.state in {State.DONE, State.STOPPED} and b"failover-" in (self.lab.stage.read(VOLSYNC) or b""):
            self.wrongs.append("a tag is left behind")
        if told.state is State.STOPPED:
            self.lab.pass_by(5)
            self.lab.cluster.advance(400)
            if not self.lab.cluster.ready_pod("media/sonarr"):
                self.wrongs.append(f"it has stopped, and the app is nowhere: {told.reason}")


def _at(line: bytes) -> float:
    return epoch(line.decode().partition(" ")[0])


async def walk(stage: Stage, folder: Path, seed: int) -> Run:
    with homelab(stage, folder) as lab:
        run = Run(lab, seed)
        try:
            await run.go()
        finally:
            await run.exits.aclose()
    told = run.told
    assert told is not None
    assert not run.wrongs, f"seed {seed}, {sorted(run.fates)}, {[step.label for step in told.steps]}: {run.wrongs}"
    if not run.fates:
        assert told.state is State.DONE, f"seed {seed}: nothing befell it, and it is {told.state}: {told.reason}"
    return run


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 2))
async def test_a_schedule_loses_nothing(stage: Stage, tmp_path: Path, seed: int) -> None:
    await walk(stage, tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(FIRST + 1000, FIRST + 1500))
async def test_of_very_many_schedules_none_loses_anything(stage: Stage, tmp_path: Path, seed: int) -> None:
    await walk(stage, tmp_path, seed)
