"""Ctrl-C in the middle of a relocation leaves it under way."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.project import ROOT
from tests.support.relocating import homelab
from tests.support.stage import Stage


def test_who_leaves_leaves_it_to_the_next_call(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        environment = stage.environment(
            FAILOVER_CLUSTER=str(lab.kubeconfig), FAILOVER_CLUSTER_TIMEOUT_S="10", PYTHONPATH=str(ROOT / "service")
        )
        command = [sys.executable, "-m", "failover_api", "relocate", "sonarr", "--to", "primary"]
        command += ["--accept", "unsynced-overwritten"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 90
        while "1/5 reverse" not in lab.messages()[-1] and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 4, told
    assert "interrupted in reverse: the relocation of sonarr to primary (operation 01" in told
    assert "goes on where a service runs" in told
    assert "`failover relocate sonarr --to primary` shows how far it is and goes on" in told
    assert "not known" not in told
    assert lab.messages()[-1] == "Relocate sonarr to primary: 1/5 reverse"
