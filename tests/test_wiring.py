"""Which cluster is looked at, and that without one it costs nothing."""

import asyncio
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover_api.cluster import in_cluster
from failover_api.wiring import Components, open_failover
from tests.support.certificates import Authority
from tests.support.clock import eventually
from tests.support.fake_kubernetes import FakeKubernetes, node
from tests.support.stage import Stage

NODES = "/api/v1/nodes"


@pytest.fixture
def server() -> Iterator[FakeKubernetes]:
    fake = FakeKubernetes()
    fake.put(NODES, node("k3s-w1"))
    fake.longest_window_s = 1.5
    with fake.serve():
        yield fake


def kubeconfig(folder: Path, url: str) -> Path:
    file = folder / "kubeconfig"
    file.write_text(
        f"""\
current-context: home
contexts: [{{name: home, context: {{cluster: home}}}}]
clusters: [{{name: home, cluster: {{server: "{url}"}}}}]
""",
        encoding="utf-8",
    )
    return file


def mounted(folder: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """As in a pod with a service account."""
    (folder / "token").write_text("of-the-pod", encoding="ascii")
    (folder / "ca.crt").write_text(authority.pem, encoding="ascii")
    monkeypatch.setattr(in_cluster, "MOUNT", folder)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])


async def sees_nodes(components: Components) -> bool:
    assert components.cluster is not None
    return ("", "k3s-w1") in (await components.cluster.look(frozenset())).nodes.objects


@pytest.mark.parametrize("cluster", ["auto", "none", "None", "AUTO"])
async def test_by_default_a_command_looks_at_no_cluster(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: str
) -> None:
    mounted(tmp_path, Authority(), monkeypatch, "https://127.0.0.1:1")
    async with stage.open(cluster=cluster) as components:
        assert components.cluster is None


async def test_a_kubeconfig_is_looked_at_by_everybody(server: FakeKubernetes, stage: Stage, tmp_path: Path) -> None:
    async with stage.open(cluster=str(kubeconfig(tmp_path, server.url))) as components:
        assert await sees_nodes(components)


async def test_a_service_in_a_pod_looks_at_its_own_cluster(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, fake = Authority(), FakeKubernetes()
    fake.put(NODES, node("k3s-w1"))
    fake.tokens = {"of-the-pod"}
    with fake.serve(tls=authority.server_context(tmp_path, "127.0.0.1")) as url:
        mounted(tmp_path, authority, monkeypatch, url)
        async with open_failover(stage.settings(), in_pod=True) as components:
            assert await sees_nodes(components)
        async with open_failover(stage.settings(cluster="none"), in_pod=True) as components:
            assert components.cluster is None


async def test_a_service_in_a_pod_without_an_account_looks_at_none(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_cluster, "MOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    async with open_failover(stage.settings(), in_pod=True) as components:
        assert components.cluster is None


async def test_a_service_watches_its_cluster_from_start_to_end(
    server: FakeKubernetes, stage: Stage, tmp_path: Path
) -> None:
    app = stage.app(stage.settings(cluster=str(kubeconfig(tmp_path, server.url))))
    async with stage.client(app=app) as client:
        cluster = app.state.components.cluster
        await eventually(lambda: ("", "k3s-w1") in cluster.view().nodes.objects)
        server.put(NODES, node("k3s-w2"))
        await eventually(lambda: ("", "k3s-w2") in cluster.view().nodes.objects)
        assert (await client.get("/readyz")).status_code == 200
    await asyncio.sleep(0.5)  # what was under way has arrived
    asked = len(server.asked)
    await asyncio.sleep(1)
    assert len(server.asked) == asked


async def test_a_service_starts_and_moves_while_its_cluster_hangs(stage: Stage, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = kubeconfig(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        async with stage.client(cluster=str(file)) as client:
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.post("/api/failover/sonarr/promote")).json()["changed"]


async def test_a_kubeconfig_that_is_not_there_ends_nothing(stage: Stage, tmp_path: Path) -> None:
    async with stage.client(cluster=str(tmp_path / "none.yaml")) as client:
        assert (await client.get("/api/failover/sonarr")).status_code == 200


def test_without_a_cluster_no_more_is_loaded_than_it_takes_to_know(stage: Stage) -> None:
    code = textwrap.dedent(
        """
        import asyncio, sys
        from failover_api.edges.app import create_app
        from failover_api.settings import Settings

        async def main():
            app = create_app(Settings.read(), open_to_all=True)
            async with app.router.lifespan_context(app):
                await app.state.components.failover.status("sonarr")

        asyncio.run(main())
        rooms = ("failover_api.cluster", "failover_api.core.safety.observed")
        print(sorted(name for name in sys.modules if name.startswith(rooms)))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=stage.environment(), capture_output=True, text=True, check=True
    )
    loaded = ["failover_api.cluster", "failover_api.cluster.access", "failover_api.cluster.in_cluster"]
    assert done.stdout.strip().splitlines()[-1] == str(loaded)
