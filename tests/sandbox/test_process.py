"""The sandbox as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.sandbox.clients import REPO, connect


def test_serves_until_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "files/apps").mkdir(parents=True)
    (tmp_path / "files/apps/a.yaml").write_text("a: 1\n")
    command = [sys.executable, "-m", "failover_api.sandbox", "--files", str(tmp_path / "files")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            known = json.loads(process.stdout.readline())
            with connect(known["url"], known["token"]) as client:
                assert client.get(f"{REPO}/contents/apps/a.yaml").status_code == 200
            assert Path(known["key_file"]).read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
            assert Path(known["key_file"]).stat().st_mode & 0o077 == 0
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    assert not Path(known["git_dir"]).exists()
