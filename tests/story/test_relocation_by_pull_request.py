"""Relocations of policy pull_request: each step is a pull request that merges by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.errors import BranchProtected, NothingToRollBack, RelocationRunning
from failover_api.core.catalog.model import Side
from tests.support.relocating import APP, ASKED, CATALOG, VOLSYNC, Homelab, app, homelab, start, until, until_step, volsync
from tests.support.stage import Stage

BY_ITSELF = "    policy: pull_request\n    pull_request: {auto_merge: squash}\n"


@contextmanager
def proposing(stage: Stage, folder: Path, options: str = BY_ITSELF) -> Iterator[Homelab]:
    with homelab(stage, folder, catalog=CATALOG + options) as lab:
        yield lab


def opened(stage: Stage) -> list[int]:
    """The numbers of all pull requests, oldest first."""
    return sorted(pull.number for pull in stage.pulls)


async def test_every_byte_comes_home_by_five_pull_requests(stage: Stage, tmp_path: Path) -> None:
    with proposing(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig), cluster_timeout_s=10) as components:
            await start(components)
            written = list(lab.cluster.disk("media/b").journal)
            await until(lab, components)
    assert [message for message in lab.messages() if message.startswith("Relocate")] == [
        f"Relocate sonarr to primary: {step.label} (#{number})" for number, step in enumerate(Step, 1)
    ]
    assert lab.cluster.disk("media/a").journal[: len(written)] == written
