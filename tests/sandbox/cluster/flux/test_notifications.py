"""Receivers that make Flux look, and events that tell what it did."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.sandbox.cluster.apps import APP, RECREATE, W2, deployment
from tests.sandbox.cluster.flux.lab import DEPLOYMENT, kustomization, lab, ready, status, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox import Sandbox
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

KEY = "s3cret"
SETUP = """
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: flux-system}
stringData: {token: s3cret}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: failover, namespace: flux-system}
spec:
  type: generic-hmac
  secretRef: {name: token}
  resources: [{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, name: lab}]
"""
ALERT = """
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: failover, namespace: flux-system}}
spec: {{type: generic-hmac, address: "{url}", secretRef: {{name: token}}}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: failover, namespace: flux-system}}
spec:
  providerRef: {{name: failover}}
  eventSeverity: {severity}
  eventSources: [{{kind: Kustomization, name: "*"}}, {{kind: GitRepository, name: lab}}]
"""


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    return {"X-Signature": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"}


@pytest.fixture
def cluster(sandbox: Sandbox) -> SimulatedCluster:
    made = lab(sandbox)
    made.apply(SETUP)
    made.advance(2)
    return made


def hook_of(cluster: SimulatedCluster) -> str:
    return str(status(cluster, "failover", "Receiver")["webhookPath"])


def test_a_signed_call_makes_flux_look(cluster: SimulatedCluster, sandbox: Sandbox) -> None:
    digest = hashlib.sha256(b"s3cretfailoverflux-system").hexdigest()
    assert hook_of(cluster) == f"/hook/{digest}"
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    body = b'{"source": "failover-api"}'
    with cluster.serve() as url:
        answer = httpx2.post(url + hook_of(cluster), content=body, headers=signed(body), trust_env=False)
        assert answer.status_code == 200
    assert cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 10) < 6.0


def test_a_call_that_is_not_signed_is_refused(cluster: SimulatedCluster) -> None:
    assert cluster.flux is not None
    hook, path = cluster.flux.notifications.hook, hook_of(cluster)
    for headers in ({}, {"x-signature": "sha256=00"}, {"x-signature": "nonsense"}):
        assert hook(path, headers, b"{}") == 400
    wrong = {"x-signature": signed(b"{}", "other")["X-Signature"]}
    assert hook(path, wrong, b"{}") == 400
    assert hook("/hook/nope", {}, b"{}") == 404
    found = cluster.get("GitRepository", "flux-system/lab")
    assert found is not None
    assert "annotations" not in found["metadata"]


def test_nobody_listens_while_its_node_is_dead(cluster: SimulatedCluster) -> None:
    assert cluster.flux is not None
    path = hook_of(cluster)
    cluster.kill("k3s-cp")
    assert cluster.flux.notifications.hook(path, {}, b"{}") == 503


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that keeps what it is sent."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks/flux", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_events_are_signed_and_say_the_revision(
    cluster: SimulatedCluster, sandbox: Sandbox, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, got = receiver
    cluster.apply(ALERT.format(url=url, severity="info"))
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    cluster.advance(320)
    assert cluster.flux is not None
    cluster.flux.notifications.drain()
    bodies = [json.loads(body) for _, body in got]
    assert [one["reason"] for one in bodies] == ["NewArtifact", "Progressing", "ReconciliationSucceeded"]
    revision = f"main@sha1:{sandbox.head()}"
    assert bodies[0]["metadata"] == {"source.toolkit.fluxcd.io/revision": revision}
    last = bodies[-1]
    assert last["metadata"] == {"kustomize.toolkit.fluxcd.io/revision": revision}
    assert last["involvedObject"]["name"] == "apps"
    assert last["severity"] == "info"
    assert bodies[1]["message"] == "Deployment/media/app configured"
    for headers, body in got:
        assert headers["x-signature"] == signed(body)["X-Signature"]
    assert got[-1][0]["gotk-component"] == "kustomize-controller"


def test_only_errors_are_sent_when_only_they_are_asked_for(
    cluster: SimulatedCluster, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, got = receiver
    cluster.apply(ALERT.format(url=url, severity="error"))
    cluster.apply(kustomization(path="./nope"), "flux")
    cluster.advance(250)
    assert ready(cluster)[1] == "BuildFailed"
    assert cluster.flux is not None
    cluster.flux.notifications.drain()
    assert [json.loads(body)["reason"] for _, body in got] == ["BuildFailed"]  # the same again within 5 minutes is not
    cluster.advance(120)
    cluster.flux.notifications.drain()
    assert len(got) == 2
