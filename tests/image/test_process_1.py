"""failover as process 1 of a container: the kernel drops a signal that it has no handler for."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT_S = 20.0
APART = ("unshare", "--pid", "--fork", "--kill-child")  # the child is process 1 of a namespace of its own


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        yield listener


def test_a_command_that_waits_ends_at_sigterm(silent: socket.socket) -> None:
    if not shutil.which("unshare") or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a namespace of processes cannot be made here: it needs unshare and root")
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    command = [*APART, sys.executable, "-m", "failover_api", "status", "sonarr", "--server", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as outside:
        try:
            connection, _ = silent.accept()
            (child,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGTERM)
            printed, _ = outside.communicate(timeout=LIMIT_S)
            connection.close()
        finally:
            outside.kill()
    assert (outside.returncode, printed) == (128 + signal.SIGTERM, "")
