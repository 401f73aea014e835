"""The demo ends by itself, tells the story, and goes on serving only when asked to."""

import itertools
import os
import shlex
import signal
import subprocess
import sys
import threading

import httpx2

from failover_api.edges.demo.run import SANDBOX

COMMAND = [sys.executable, "-m", "failover_api", "demo"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("FAILOVER_")} | {"COLUMNS": "120"}


def test_the_demo_tells_the_story_and_ends_with_0() -> None:
    told = subprocess.run(COMMAND, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 0
    drifted, *hazards = told.stderr.splitlines()
    assert drifted == "gitea: apps/dev/gitea/deployment.yaml:21: maintenance is on neither side"
    assert told.stderr.count("[data-left-behind]") == 2, "of radarr's rollback, and of sonarr's way home"
    assert all(line.startswith(("warning: ", "  Sync ")) for line in hazards)
    story = [
        "$ failover list",
        "unknown",
        "$ failover promote sonarr --dry-run",
        "+        role: backup",
        "Nothing was written.",
        "$ failover promote sonarr --reason",
        "(verified)",
        "Fail over sonarr to backup",
        "Failover-Service: sonarr",
        "already on backup in Git; nothing to do",
        "2 files changed",
        "'maintenance', expected 'primary' (primary) or 'backup' (backup)",
        "$ failover promote --group media",
        "Fail over 2 services to backup",
        "$ failover rollback radarr",
        "$ failover history radarr",
        "rollback  backup   primary",
        "promote   primary  backup",
        "$ failover promote photoprism",
        "pull request #1 is open: http",
        "photoprism is on primary",
        "pull request #1 is open: http",
        "merges it",
        "photoprism is on backup",
        "last move: ",
        "$ failover history photoprism",
        "#1",
        "$ failover demote sonarr",
        "byte for byte",
        "Fail back sonarr to primary",
    ]
    rest = told.stdout
    for words in story:
        assert words in rest, f"{words!r} is not told, or too early"
        rest = rest.split(words, 1)[1]


def curl(line: str) -> httpx2.Response:
    """Does what a printed line would do."""
    words = shlex.split(line, comments=True)
    options = [(words[at], words[at + 1]) for at in range(len(words)) if words[at] in {"-X", "-H"}]
    method = next((value for option, value in options if option == "-X"), "GET")
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    url = next(word for word in words if word.startswith("http"))
    return httpx2.request(method, url, headers=headers, timeout=30)


def test_the_demo_goes_on_serving_and_every_line_it_prints_works() -> None:
    with subprocess.Popen([*COMMAND, "--serve"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        late = threading.Timer(120, demo.kill)
        late.start()
        try:
            printed = iter(demo.stdout.readline, "")
            assert any("To try:" in line for line in printed)
            lines = list(itertools.takewhile(lambda line: not line.startswith("  open "), printed))
            number = ""
            for line in [line for line in lines if line.startswith("  curl ")]:
                answer = curl(line.replace("NUMBER", number))
                assert answer.is_success, (line, answer.text)
                if answer.status_code == 202:
                    number = str(answer.json()["pull_request"]["number"])
            assert answer.json()["merged"] is True
            assert len(curl(lines[0]).json()["services"]) == 13
            demo.send_signal(signal.SIGTERM)
            demo.stdout.read()
            assert demo.wait(timeout=30) == 0
        finally:
            late.cancel()


def test_the_demo_uses_the_example_catalog_of_the_repository() -> None:
    assert (SANDBOX / "services.yaml").read_bytes() == (SANDBOX.parents[2] / "config/services.yaml").read_bytes()
