"""`failover guard` and the guard in `serve`: begun and ended as the catalog says, and loaded only then."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.clock import eventually
from tests.support.stage import SERVICES, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = "nodes: {{primary: k3s-w1, backup: k3s-w2}}\nautomatic: {{mode: {mode}}}"
PLACE = "operations/failover-api-guard"


@pytest.fixture
def cluster() -> Iterator[SimulatedCluster]:
    made = SimulatedCluster(start=datetime.now(UTC).timestamp() - 200)
    made.advance(200)
    with made.running():
        yield made


def declare(stage: Stage, mode: str) -> None:
    stage.declare(SERVICES, top=TOP.format(mode=mode))


def holder(cluster: SimulatedCluster) -> str:
    lease = cluster.get("Lease", PLACE)
    return str(lease["spec"]["holderIdentity"]) if lease is not None else ""


async def test_serve_guards_while_the_mode_is_not_none(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    declare(stage, "observe")
    async with stage.client(cluster=kubeconfig) as client:
        await eventually(lambda: holder(cluster) != "")

        async def told() -> Any:
            return (await client.get("/api/automatic")).json()

        end = time.monotonic() + 20
        while time.monotonic() < end:
            body = await told()
            if body["as_of"] is not None:
                break
            await asyncio.sleep(0.25)  # looks are counted
        assert (body["mode"], body["view"], body["leader"]) == ("observe", "starting", holder(cluster))
        assert {node["name"]: node["state"] for node in body["nodes"]} == {
            "k3s-cp": "ready",
            "k3s-w1": "ready",
            "k3s-w2": "ready",
        }
        scraped = (await client.get("/metrics")).text
        for line in (
            'failover_automatic_mode{mode="observe"} 1.0',
            "failover_automatic_leads 1.0",
            "failover_automatic_led 1.0",
            'failover_automatic_view{view="starting"} 1.0',
            'failover_automatic_nodes{state="ready"} 3.0',
            'failover_automatic_moves_total{outcome="moved",trigger="automatic"} 0.0',
        ):
            assert line in scraped
        declare(stage, "none")
        stage_catalog = (await client.get("/api/failover")).status_code
        assert stage_catalog == 200
        await eventually(lambda: holder(cluster) == "")
        assert (await told())["view"] == "off"


async def test_two_that_serve_have_one_leader_and_tell_the_same(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str
) -> None:
    declare(stage, "observe")
    async with stage.client(cluster=kubeconfig) as one, stage.client(cluster=kubeconfig) as other:
        await eventually(lambda: holder(cluster) != "")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            bodies = [(await client.get("/api/automatic")).json() for client in (one, other)]
            if all(body["as_of"] for body in bodies):
                break
            await asyncio.sleep(0.25)
        assert {body["leader"] for body in bodies} == {holder(cluster)}
        assert [len(body["nodes"]) for body in bodies] == [3, 3]
        leads = [(await client.get("/metrics")).text for client in (one, other)]
        assert sorted("failover_automatic_leads 1.0" in text for text in leads) == [False, True]
        assert all("failover_automatic_led 1.0" in text for text in leads)


def guard(stage: Stage, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "failover_api", "guard"],
        env={**os.environ, **stage.environment(**changes)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_the_guard_alone_leads_and_leaves_the_lease_with_0(
    stage: Stage, cluster: SimulatedCluster, kubeconfig: str, signum: signal.Signals
) -> None:
    declare(stage, "act")
    process = guard(stage, FAILOVER_CLUSTER=kubeconfig)
    try:
        await eventually(lambda: holder(cluster) != "" or process.poll() is not None)
        assert f"_{process.pid}_" in holder(cluster)
        process.send_signal(signum)
        output, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, (output, errors)
    assert holder(cluster) == ""
    assert "this replica leaves the Lease" in output + errors


def test_the_guard_without_a_cluster_says_what_it_needs(stage: Stage) -> None:
    declare(stage, "act")
    process = guard(stage, FAILOVER_CLUSTER="none")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "set FAILOVER_CLUSTER to a kubeconfig" in errors


def test_nothing_of_it_is_loaded_while_the_mode_is_none(stage: Stage) -> None:
    stage.declare(SERVICES)
    code = (
        "import asyncio, sys\n"
        "from failover_api.edges.app import create_app\n"
        "from failover_api.settings import Settings\n"
        "app = create_app(Settings.read(), open_to_all=True)\n"
        "async def main():\n"
        "    async with app.router.lifespan_context(app):\n"
        "        await asyncio.sleep(1.5)\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith(('failover_api.automatic', "
        "'failover_api.core.safety.judgement', 'failover_api.core.safety.governance', "
        "'failover_api.core.automatic.'))])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **stage.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.splitlines()[-1:] == ["[]"], result.stdout + result.stderr
