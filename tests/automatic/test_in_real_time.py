"""Two replicas of `serve` that watch a cluster in real time, and a node that dies: minutes, so it runs with -m long."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from failover_api.core.text.trailers import read_records
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.apps import claim
from tests.support.guarded import catalog, file_of, manifest
from tests.support.simulated import kubeconfig_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stage import Stage

NAMES = ("sonarr", "radarr")


@pytest.mark.long
async def test_from_death_to_commit_it_takes_dead_for_and_a_minute(stage: Stage, tmp_path: Path) -> None:
    stage.commit({file_of(name): manifest(name) for name in NAMES})
    services, top = catalog(NAMES)
    stage.declare(services, top=top)
    cluster = SimulatedCluster(start=datetime.now(UTC).timestamp() - 400)
    for name in NAMES:
        for one, node in ((f"pvc-{name}", "k3s-w1"), (f"pvc-{name}-backup", "k3s-w2")):
            for each in claim(one, node):
                cluster.apply(each)
        cluster.apply(manifest(name), "kustomize-controller")
    cluster.advance(400)
    with cluster.running(), kubeconfig_of(cluster, tmp_path) as file:
        async with stage.client(cluster=str(file)) as one, stage.client(cluster=str(file)) as other:

            async def told() -> dict[str, object]:
                body: dict[str, object] = (await one.get("/api/automatic")).json()
                return body

            await _until(told, "watching", 120)
            cluster.kill("k3s-w1")
            began = time.monotonic()
            while not stage.moves and time.monotonic() - began < 200:  # noqa: ASYNC110 - it is Git's side
                await asyncio.sleep(0.5)
            took_s = time.monotonic() - began
            body = (await other.get("/api/automatic")).json()
            assert 104 <= took_s <= 126, (took_s, json.dumps(body))
            await asyncio.sleep(30)
            (message,) = stage.moves
            assert [record.service for record in read_records(message)] == list(NAMES)
            assert {line["service"] for line in (await one.get("/api/automatic")).json()["blocked"]} == set(NAMES)


async def _until(told: object, view: str, within_s: float) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if (await told())["view"] == view:  # type: ignore[operator]  # JSON
            return
        await asyncio.sleep(1)
    raise AssertionError(f"not {view} within {within_s} s")
