"""The demo ends by itself, tells the story, and goes on serving only when asked to."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

from failover_api.edges.demo import SANDBOX

COMMAND = [sys.executable, "-m", "failover_api", "demo"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("FAILOVER_")} | {"COLUMNS": "120"}


def test_the_demo_tells_the_story_and_ends_with_0() -> None:
    told = subprocess.run(COMMAND, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert (told.returncode, told.stderr) == (0, "")
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
        "already on backup; nothing to do",
        "2 files changed",
        "'maintenance', expected 'primary' (primary) or 'backup' (backup)",
        "$ failover demote sonarr",
        "byte for byte",
        "Fail back sonarr to primary",
    ]
    rest = told.stdout
    for words in story:
        assert words in rest, f"{words!r} is not told, or too early"
        rest = rest.split(words, 1)[1]


def test_the_demo_goes_on_serving_until_it_is_stopped() -> None:
    with subprocess.Popen([*COMMAND, "--serve"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        late = threading.Timer(120, demo.kill)
        late.start()
        try:
            url = next(line.split()[1] for line in demo.stdout if line.startswith("  curl http"))
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - a loopback address, from our own demo
                assert len(json.load(answer)["services"]) == 13
            demo.send_signal(signal.SIGTERM)
            demo.stdout.read()
            assert demo.wait(timeout=30) == 0
        finally:
            late.cancel()


def test_the_demo_uses_the_example_catalog_of_the_repository() -> None:
    assert (SANDBOX / "services.yaml").read_bytes() == (SANDBOX.parents[2] / "config/services.yaml").read_bytes()
