"""A real Alertmanager sends to a real `failover serve`, which leads over a simulated cluster.

Debian's prometheus-alertmanager brings it, and amtool. Its configuration is the page's (docs/ALERTS.md).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ruamel.yaml import YAML

from failover_api.core.access.model import digest_of
from failover_api.core.text.trailers import read_records
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.apps import claim
from tests.support.guarded import WORKERS, catalog, file_of, manifest
from tests.support.project import ROOT
from tests.support.simulated import kubeconfig_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stage import Stage

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not shutil.which("prometheus-alertmanager") or not shutil.which("amtool"),
        reason="Debian's prometheus-alertmanager is not installed",
    ),
]

NAMES = ("sonarr", "radarr")
W1 = "k3s-w1"
TOKEN = "failover_of_alertmanager"
ALERTS = """\
alerts:
  - {match: {alertname: NodeOff}, node: "{node}", means: node-off}
  - {match: {alertname: NodeGone}, node: "{node}", means: evacuate}
  - {match: {alertname: SonarrDown}, means: promote, service: sonarr}
"""
STARTS_S = 75.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(is_so: Callable[[], object], what: str, *, at_most_s: float = 60.0) -> float:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < at_most_s, f"not within {at_most_s} s: {what}"
        time.sleep(0.2)
    return time.monotonic() - began


class Lab:
    """The cluster, the repository, the service and Alertmanager, all of them running."""

    def __init__(self, stage: Stage, cluster: SimulatedCluster, service: str, alertmanager: str, log: Path) -> None:
        self.stage, self.cluster, self.service, self.alertmanager = stage, cluster, service, alertmanager
        self._log = log

    def view(self) -> str:
        answer = httpx2.get(f"{self.service}/api/automatic", headers={"authorization": f"Bearer {TOKEN}"})
        return str(answer.json().get("view"))

    def fire(self, name: str, *, ago: timedelta = timedelta(), **labels: str) -> None:
        began = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = [f"alertname={name}", *(f"{key}={value}" for key, value in labels.items())]
        self._amtool("alert", "add", *words, f"--start={began}")

    def end(self, name: str, **labels: str) -> None:
        words = [f"alertname={name}", *(f"{key}={value}" for key, value in labels.items())]
        self._amtool("alert", "add", *words, f"--end={datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")

    def _amtool(self, *words: str) -> None:
        subprocess.run(["amtool", f"--alertmanager.url={self.alertmanager}", *words], check=True, timeout=30)

    def taken(self, name: str) -> list[dict[str, Any]]:
        """What the service's log says that alerts of this name came to."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if '"alert taken"' in line]
        return [row for row in rows if row["alert"] == name]

    @property
    def commits(self) -> list[list[str]]:
        return [[record.service for record in read_records(message)] for message in self.stage.moves]

    def apply(self) -> None:
        """As Flux, from the branch."""
        for name in NAMES:
            self.cluster.apply((self.stage.read(file_of(name)) or b"").decode(), "kustomize-controller")


@contextlib.contextmanager
def process(words: list[str], log: Path, **how: Any) -> Iterator[None]:
    with log.open("w", encoding="utf-8") as out:
        running = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, **how)
        try:
            yield
        finally:
            running.terminate()
            running.wait(30)


def configuration(service: str, token_file: Path) -> str:
    """That of the page, with a storm of repeats: a message each second for as long as an alert fires."""
    page = (ROOT / "docs/ALERTS.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n# alertmanager.yml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    whole = YAML(typ="safe").load(text)
    (route,) = whole["route"]["routes"]
    route.update(repeat_interval="1s", group_interval="1s")
    (webhook,) = whole["receivers"][1]["webhook_configs"]
    webhook["url"] = webhook["url"].replace("http://failover-api.operations", service)
    webhook["http_config"]["authorization"]["credentials_file"] = str(token_file)
    out = io.StringIO()
    YAML(typ="safe").dump(whole, out)
    return out.getvalue()


@pytest.fixture
def lab(stage: Stage, tmp_path: Path) -> Iterator[Lab]:
    stage.commit({file_of(name): manifest(name) for name in NAMES})
    services, top = catalog(NAMES, fence="witness")
    stage.declare(services, top=top + ALERTS)
    stage.access_file.write_text(
        f"tokens: [{{name: am, sha256: {digest_of(TOKEN)}, allow: [view, execute], services: ['*']}}]\n"
    )
    (tmp_path / "token").write_text(TOKEN)
    cluster = SimulatedCluster(WORKERS, start=time.time() - 600)
    for name in NAMES:
        for one, node in ((f"pvc-{name}", W1), (f"pvc-{name}-backup", "k3s-w2")):
            for each in claim(one, node):
                cluster.apply(each)
    ports = free_port(), free_port()
    service, alertmanager = (f"http://127.0.0.1:{port}" for port in ports)
    (tmp_path / "alertmanager.yml").write_text(configuration(service, tmp_path / "token"))
    serve = [sys.executable, "-m", "failover_api", "serve", "--port", str(ports[0])]
    am = ["prometheus-alertmanager", f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/am"]
    am += [f"--web.listen-address=127.0.0.1:{ports[1]}", "--cluster.listen-address="]
    with kubeconfig_of(cluster, tmp_path) as kubeconfig:
        made = Lab(stage, cluster, service, alertmanager, tmp_path / "serve.log")
        made.apply()
        cluster.advance(600)
        more = {"FAILOVER_CLUSTER": str(kubeconfig), "FAILOVER_LOG_FORMAT": "json"}
        env = {**os.environ, **stage.environment(**more), "PYTHONPATH": str(ROOT / "service")}
        with (
            cluster.running(),
            process(serve, tmp_path / "serve.log", env=env),
            process(am, tmp_path / "am.log"),
        ):
            until(lambda: answers(f"{alertmanager}/-/ready") and answers(f"{service}/healthz"), "both answer")
            yield made


def answers(url: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(url, timeout=2).is_success
    return False


def test_alerts_move_once_and_old_ones_never(lab: Lab) -> None:
    # While it starts an alert is held, and comes again by itself until it is taken.
    lab.fire("SonarrDown")
    until(lambda: any(row.get("gate") == "starting" for row in lab.taken("SonarrDown")), "held by starting")
    until(lambda: lab.view() == "watching", "it watches", at_most_s=STARTS_S)
    until(lambda: any(row.get("gate") == "still-serving" for row in lab.taken("SonarrDown")), "taken after the start")
    lab.end("SonarrDown")
    assert lab.commits == []

    # An old alert is none.
    lab.fire("NodeGone", ago=timedelta(hours=2), node=W1, note="old")
    until(lambda: any(row.get("gate") == "stale-alert" for row in lab.taken("NodeGone")), "held as stale")
    lab.end("NodeGone", node=W1, note="old")

    # The node dies, and an alert that fires each second says so: one commit of all that was on it.
    lab.cluster.kill(W1)
    until(lambda: lab.cluster.ready_pod("media/sonarr") is None, "Kubernetes has noticed", at_most_s=70)
    lab.fire("NodeGone", node=W1)
    took_s = until(lambda: lab.commits, "the move")
    lab.apply()
    count = len(lab.taken("NodeGone"))
    until(lambda: len(lab.taken("NodeGone")) >= count + 20, "a storm of repeats")
    assert [sorted(services) for services in lab.commits] == [["radarr", "sonarr"]]
    assert "Failover-Trigger: alert" in lab.stage.moves[0]
    assert "alert NodeGone fires since" in lab.stage.moves[0]
    assert {row["result"] for row in lab.taken("NodeGone")[-15:]} == {"nothing-to-do"}
    until(lambda: lab.cluster.ready_pod("media/sonarr", "k3s-w2"), "it serves elsewhere")

    # What is resolved moves nothing back.
    lab.end("NodeGone", node=W1)
    until(lambda: lab.taken("NodeGone")[-1]["result"] == "withdrawn", "the witness is withdrawn")
    lab.cluster.revive(W1)
    time.sleep(10)
    assert len(lab.commits) == 1
    assert took_s < 30
