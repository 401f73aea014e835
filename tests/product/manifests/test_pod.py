"""The pod as it would run on a node: its volumes laid out, its environment set, its probes asked."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from failover_api.edges.app import create_app
from failover_api.settings import Settings
from tests.product.manifests.kustomize import deployed, needs_kubectl
from tests.product.manifests.node import Node

pytestmark = needs_kubectl

CONFIG, SECRET = "failover-api-config", "failover-api"


@pytest.fixture(scope="module")
def key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def node(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> Node:
    for name in [name for name in os.environ if name.startswith("FAILOVER_")]:
        monkeypatch.delenv(name)
    files = deployed().one("ConfigMap", CONFIG)["data"]
    node = Node(deployed(), tmp_path, {CONFIG: files, SECRET: {"app-id": "123456", "private-key.pem": key}})
    for name, value in node.environment.items():
        if name.startswith("FAILOVER_"):
            monkeypatch.setenv(name, value)
    return node


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[FastAPI, httpx2.AsyncClient]]:
    app = create_app(Settings.read())
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://10.42.0.7:8080") as client,
    ):
        yield app, client


async def probe(client: httpx2.AsyncClient, name: str) -> int:
    """As the kubelet asks."""
    asked = deployed().container[name]["httpGet"]
    assert asked["port"] == deployed().container["ports"][0]["name"]
    return (await client.get(asked["path"], headers={"User-Agent": "kube-probe/1.30"})).status_code


async def test_a_pod_of_the_manifests_becomes_ready(node: Node) -> None:
    async with running() as (_, client):
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert await probe(client, name) == 200


async def test_a_pod_without_a_usable_key_is_alive_and_not_ready(node: Node) -> None:
    node.update(SECRET, {"app-id": "123456", "private-key.pem": "not a key"})
    async with running() as (_, client):
        assert await probe(client, "startupProbe") == 200
        assert await probe(client, "livenessProbe") == 200
        assert await probe(client, "readinessProbe") == 503


async def test_a_new_config_map_and_a_new_secret_are_read_by_the_running_pod(node: Node, key: str) -> None:
    async with running() as (app, client):
        files = deployed().one("ConfigMap", CONFIG)["data"]
        node.update(CONFIG, {**files, "services.yaml": "repository: acme/homelab\nservices: {}\n"})
        app.state.components.catalog.reload()
        assert not app.state.components.catalog.current().services
        node.update(SECRET, {"app-id": "123456", "private-key.pem": "not a key"})
        assert await probe(client, "readinessProbe") == 503
        node.update(SECRET, {"app-id": "123456", "private-key.pem": key})
        assert await probe(client, "readinessProbe") == 200
