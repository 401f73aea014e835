"""A cluster whose objects are called what no object is called: shown as text everywhere, acted on nowhere."""

import asyncio
import copy
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from failover_api.edges.app import create_app
from failover_api.edges.cli.main import app
from tests.support.homelab_cluster import KUSTOMIZATIONS, NODES, PODS, HomelabCluster, homelab_cluster
from tests.support.shell import Cli
from tests.support.stage import Stage

# Control sequences, markup of terminals and of pages, templates, commands, what reverses a line, and half a character.
NASTY = (
    "\x1b]0;x\x07\x1b[31m[bold red]x[/][/nope]<script>alert(1)</script>{0}{{7*7}}`$(id)`'\"\u202e\u2028\r\n|\ud800 @all"
)
SAFE = "k3s-w1"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made.kubeconfig))
        yield made


def befoul(cluster: HomelabCluster) -> None:
    """The pod waits for a reason, on a node, with claims and owners of that name."""
    cluster.strategy = "Recreate"
    cluster.deployment("primary", updated=False, terminating=1)
    cluster.server.put(NODES, {"metadata": {"name": NASTY, "labels": {"role": "backup", NASTY: NASTY}}})
    cluster.pod("primary", is_ready=False)
    pod = copy.deepcopy(cluster.server._objects[PODS]["media", "sonarr-primary-x"])
    pod["metadata"] |= {"name": NASTY, "labels": {"app": NASTY}}
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NASTY}
    pod["spec"] = {"nodeName": "", "volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": NASTY}}]}
    pod["status"] = {"phase": "Pending", "reason": NASTY, "message": NASTY, "conditions": [condition]}
    cluster.server.put(PODS, pod)
    cluster.server.remove(PODS, "sonarr-primary-x", "media")
    ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": NASTY}
    cluster.server.put(
        KUSTOMIZATIONS,
        {
            "metadata": {"name": "apps", "namespace": "flux-system"},
            "spec": {"path": NASTY, "sourceRef": {"kind": NASTY, "name": NASTY}},
            "status": {"lastAppliedRevision": NASTY, "conditions": [ready], "inventory": {"entries": [{"id": NASTY}]}},
        },
    )


def check_text(text: str, where: str) -> None:
    """On a terminal nothing of it is a control, nothing reverses a line, and no line is ended by it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    bad = {char for char in plain if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} and char not in "\n\t"}
    assert not bad, (where, bad)
    assert "\u202e" not in plain, where
    assert "\x1b[31m[bold" not in text, where


def shown(cli: Cli, *words: str) -> str:
    """All that a command prints, however it ends."""
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), words
    assert "Traceback" not in result.output, words
    return result.output


def test_the_command_line_shows_it_as_text(cli: Cli, cluster: HomelabCluster) -> None:
    befoul(cluster)
    shown(cli, "promote", "sonarr", "--accept", "claim-missing", "--yes")
    for words in (
        ("list",),
        ("list", "-o", "wide"),
        ("status", "sonarr"),
        ("rollout", "sonarr"),
        ("nodes",),
        ("demote", "sonarr", "--dry-run"),
        ("promote", "radarr", "--until", "serving", "--timeout", "1s"),
        ("evacuate", SAFE, "--dry-run"),
        ("evacuate", NASTY.replace("\ud800", ""), "--dry-run"),
        ("check",),
    ):
        check_text(shown(cli, *words), " ".join(words))
    for words in (
        ("list", "--json"),
        ("status", "sonarr", "--json"),
        ("nodes", "--json"),
        ("rollout", "sonarr", "--json"),
    ):
        body = cli(*words).stdout
        check_text(body, " ".join(words))
        assert json.loads(body)
    operation = cli.json("rollout", "sonarr")["operation"]
    if operation:
        check_text(cli("report", operation).stdout, "report")


async def test_pages_and_metrics_show_it_as_text(stage: Stage, cluster: HomelabCluster) -> None:
    befoul(cluster)
    served = create_app(stage.settings(cluster=str(cluster.kubeconfig)), open_to_all=True)
    async with (
        served.router.lifespan_context(served),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=served), base_url="http://failover.test") as client,
    ):
        for _ in range(40):
            found = (await client.get("/api/failover/sonarr")).json()
            if found["cluster"] and "script" in str(found["cluster"]):
                break
            await asyncio.sleep(0.25)
        else:
            raise AssertionError(found["cluster"])
        for path in (
            "/",
            "/services/sonarr",
            "/services/sonarr/promote",
            "/services/sonarr/rollout",
            "/nodes",
            "/metrics",
            "/api/nodes",
            "/api/failover",
            "/api/failover/sonarr",
            "/api/failover/sonarr/rollout",
            "/api/failover/sonarr/promote?dry-run=true",
        ):
            answer = await client.get(path)
            assert answer.status_code in {200, 404, 409}, (path, answer.text)
            if "html" in answer.headers["content-type"]:
                assert "<script>alert" not in answer.text, path
                assert "49" not in re.findall(r"\{\{.*?\}\}", answer.text), path
            check_text(answer.text, path)
            for value in answer.headers.values():
                assert value.isascii(), (path, value)
