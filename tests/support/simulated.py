"""A simulated cluster that a service reaches by a kubeconfig."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakValueDictionary

import httpx2
import pytest

from failover_api.cluster import client
from failover_api.cluster.access import Endpoint
from failover_api.cluster.plugin import Identity
from failover_api.cluster.session import Session
from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.cluster import SimulatedCluster

_SERVED: WeakValueDictionary[str, SimulatedCluster] = WeakValueDictionary()  # by URL


@contextlib.contextmanager
def kubeconfig_of(cluster: SimulatedCluster, folder: Path, *, token: str = ADMIN_TOKEN) -> Iterator[Path]:
    """Serves the cluster; gives the file that leads to it, in namespace `operations`."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operations"}})
    file = folder / "kubeconfig"
    with cluster.serve() as url:
        _SERVED[url] = cluster
        file.write_text(
            "current-context: home\n"
            "contexts: [{name: home, context: {cluster: home, user: me, namespace: operations}}]\n"
            f'clusters: [{{name: home, cluster: {{server: "{url}"}}}}]\n'
            f"users: [{{name: me, user: {{token: {token}}}}}]\n",
            encoding="utf-8",
        )
        yield file


@pytest.fixture
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client asks a served cluster's API in its own thread: a look is tens of requests. It can not watch."""

    class InProcess(Session):
        def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
            super().__init__(endpoint, identity)
            self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=_SERVED[endpoint.url].api))

    monkeypatch.setattr(client, "Session", InProcess)
    monkeypatch.setattr("httpx2._transports.asgi.create_event", asyncio.Event)  # it looks for trio each time
