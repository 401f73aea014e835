"""A client that we did not write: kubectl, over TLS, against a cluster whose time runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.api.access import kubeconfig, make_certificate
from tests.sandbox.cluster.apps import APP, ROLLING, W1, W2, apply, cluster_with_claims, deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from failover_api.sandbox.cluster.cluster import SimulatedCluster

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = cluster_with_claims()
    apply(made, deployment(strategy=ROLLING))
    made.wait_for(lambda: made.ready_pod(APP, W1), 10)
    return made


@pytest.fixture
def kubectl(cluster: SimulatedCluster, tmp_path: Path) -> Iterator[Callable[..., str]]:
    certificate = make_certificate(tmp_path / "server.pem")
    config = tmp_path / "config"

    def run(*arguments: str, given: Any = None, code: int = 0) -> str:
        environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path)}
        text = None if given is None else json.dumps(given)
        command = ["kubectl", *arguments]
        done = subprocess.run(
            command, env=environment, input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    with cluster.running(), cluster.serve(certificate=certificate) as url:
        config.write_text(kubeconfig(url, certificate=certificate))
        yield run


def until(is_so: Callable[[], object]) -> None:
    """In real time, for the cluster's passes by itself."""
    end = time.monotonic() + 20
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    assert is_so()


def test_it_reads(kubectl: Callable[..., str]) -> None:
    assert "k3s-w2" in kubectl("get", "nodes")
    found = json.loads(kubectl("get", "deployment", "app", "--namespace", "media", "--output", "json"))
    assert found["status"]["readyReplicas"] == 1
    assert "Taints:             node-role.kubernetes.io/control-plane:NoSchedule" in kubectl(
        "describe", "node", "k3s-cp"
    )
    assert 'deployments.apps "nope" not found' in kubectl("get", "deployment", "nope", "--namespace", "media", code=1)


def test_it_applies_server_side_and_waits(kubectl: Callable[..., str], cluster: SimulatedCluster) -> None:
    there = ("--namespace", "media")
    moved = deployment("backup", ROLLING)
    applied = kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", given=moved)
    assert applied == "deployment.apps/app serverside-applied\n"
    kubectl("rollout", "status", "deployment/app", *there, "--timeout", "20s")
    ready = ("--for", "condition=Ready", "pod", "--selector", "app=app")
    kubectl("wait", *ready, *there, "--timeout", "20s")
    assert cluster.ready_pod(APP, W2)
    refused = kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename", "-",
        given=deployment("backup", {"type": "Recreate"}), code=1,
    )  # fmt: skip
    assert "may not be specified when strategy `type` is 'Recreate'" in refused


def test_it_marks_nodes(kubectl: Callable[..., str], cluster: SimulatedCluster) -> None:
    taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    assert kubectl("taint", "node", W1, taint) == "node/k3s-w1 tainted\n"
    assert kubectl("taint", "node", W1, "node.kubernetes.io/out-of-service-") == "node/k3s-w1 untainted\n"
    assert kubectl("label", "node", W1, "rack=1") == "node/k3s-w1 labeled\n"
    assert kubectl("cordon", W1) == "node/k3s-w1 cordoned\n"
    node = cluster.get("Node", W1)
    assert node is not None
    assert (node["metadata"]["labels"]["rack"], node["spec"]["unschedulable"]) == ("1", True)
    kubectl("uncordon", W1)


def test_it_deletes_and_drains(kubectl: Callable[..., str], cluster: SimulatedCluster) -> None:
    there = ("--namespace", "media")
    name = cluster.pods(APP)[0]["metadata"]["name"]
    force = ("--force", "--grace-period", "0")
    assert f'pod "{name}" force deleted' in kubectl("delete", "pod", name, *there, *force)
    until(lambda: cluster.ready_pod(APP, W1))
    (replacement,) = (pod["metadata"]["name"] for pod in cluster.pods(APP))
    drained = kubectl("drain", W1, "--timeout", "20s")
    assert f"evicting pod media/{replacement}" in drained
    assert "node/k3s-w1 drained" in drained
    assert cluster.ready_pod(APP) is None
    assert kubectl("delete", "deployment", "app", *there) == 'deployment.apps "app" deleted\n'


def test_it_scales(kubectl: Callable[..., str], cluster: SimulatedCluster) -> None:
    there = ("--namespace", "media")
    assert kubectl("scale", "deployment/app", *there, "--replicas", "0") == "deployment.apps/app scaled\n"
    kubectl("wait", "--for", "delete", "pod", "--selector", "app=app", *there, "--timeout", "20s")
    assert cluster.pods(APP) == []


def test_it_asks_what_it_may(kubectl: Callable[..., str]) -> None:
    assert "yes" in kubectl("auth", "can-i", "list", "pods")


def test_it_tests_before_it_patches(kubectl: Callable[..., str]) -> None:
    test = json.dumps([{"op": "test", "path": "/spec/unschedulable", "value": True}])
    assert "test failed" in kubectl("patch", "node", W1, "--type", "json", "--patch", test, code=1)
