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


def _skip_without_namespaces() -> None:
    if not shutil.which("unshare") or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a namespace of processes cannot be made here: it needs unshare and root")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        yield listener


def test_a_command_that_waits_ends_at_sigterm(silent: socket.socket) -> None:
    _skip_without_namespaces()
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
    assert (outside.returncode, printed) == (128 + signal.SIGTERM, "interrupted\n")


SWALLOWING = """
import signal
from failover_api.edges.cli import main as cli

class Swallows:
    def __del__(self):  # what is raised here is lost
        signal.raise_signal(signal.SIGTERM)

def app():
    Swallows()
    print("still here", flush=True)

cli.app = app
cli.main()
"""


def test_sigterm_is_heard_where_an_exception_would_be_lost() -> None:
    _skip_without_namespaces()
    done = subprocess.run([*APART, sys.executable, "-c", SWALLOWING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")
