"""A client that we did not write: kr8s, from PyPI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from failover_api.sandbox.cluster.api.access import kubeconfig, make_certificate
from tests.sandbox.cluster.apps import APP, W1, W2, apply, cluster_with_claims, deployment

PERSON = Path(__file__).with_name("kr8s_person.py")


def test_it_reads_writes_and_watches(tmp_path: Path) -> None:
    cluster = cluster_with_claims()
    apply(cluster, deployment())
    cluster.wait_for(lambda: cluster.ready_pod(APP, W1), 10)
    certificate, config = make_certificate(tmp_path / "server.pem"), tmp_path / "config"
    with cluster.running(), cluster.serve(certificate=certificate) as url:
        config.write_text(kubeconfig(url, certificate=certificate))
        command = [sys.executable, str(PERSON), str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    watched = told.pop("watched")
    expected = {"nodes": ["k3s-cp", W1, W2], "primary": [W1], "ready": [True], "missing": True, "replicas": 1}
    assert told == expected
    assert watched[:3] == [f"ADDED {node}" for node in ("k3s-cp", W1, W2)]
    assert watched[-1] == f"MODIFIED {W2}"
    made = cluster.get("ConfigMap", "media/made")
    assert made is not None
    assert made["data"] == {"a": "b"}
