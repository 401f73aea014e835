"""What a signal does to a command, to the service and to the demo."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.edges.test_serve import serving
from tests.edges.test_terminal import OnATerminal, run  # noqa: F401 - a fixture
from tests.stage import SERVICES, Stage

LIMIT_S = 30.0
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def command(stage: Stage, *words: str, **environment: str) -> subprocess.Popen[str]:
    """`failover ...` as a script starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "failover_api", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **stage.environment(), **environment},
    )


def once_met(stage: Stage, process: subprocess.Popen[str]) -> None:
    """Waits until the fault that was set has met its request."""
    deadline = time.monotonic() + LIMIT_S
    while len(stage.sandbox.faults):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("signum", SIGNALS)
def test_before_the_write_nothing_was_written(stage: Stage, signum: signal.Signals) -> None:
    stage.fault("slow", method="GET", seconds=5)
    with command(stage, "promote", "sonarr") as process:
        once_met(stage, process)
        process.send_signal(signum)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (SIGNALS[signum], "")
    assert err.splitlines() == ["interrupted: nothing was written"]
    assert not stage.writes


@pytest.mark.parametrize("signum", SIGNALS)
def test_after_the_write_its_end_is_unknown(stage: Stage, signum: signal.Signals) -> None:
    stage.fault("slow", method="PUT", seconds=5)
    with command(stage, "promote", "sonarr") as process:
        once_met(stage, process)
        process.send_signal(signum)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 4
    assert "`failover status sonarr` tells where it is" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("word", "code"), [("promote", 4), ("status", 143)])
def test_a_service_that_is_asked_counts_from_when_the_request_was_sent(stage: Stage, word: str, code: int) -> None:
    with stage.served() as url:
        stage.fault("slow", method="GET", seconds=5)
        with command(stage, word, "sonarr", "--server", url) as process:
            once_met(stage, process)
            process.terminate()
            _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == code
    assert "Traceback" not in err


def test_a_service_that_is_not_reached_was_sent_nothing(stage: Stage) -> None:
    script = """
import signal, socket, sys, threading
full = socket.create_server(("127.0.0.1", 0), backlog=0)
held = [socket.create_connection(full.getsockname()) for _ in range(1)]
from failover_api.edges.cli import app
threading.Timer(1.0, signal.raise_signal, [signal.SIGTERM]).start()
for _ in range(64):  # until a connection is not taken any more
    one = socket.socket(); one.setblocking(False); one.connect_ex(full.getsockname()); held.append(one)
app(["promote", "sonarr", "--server", "http://127.0.0.1:%d" % full.getsockname()[1]])
"""
    environment = {**os.environ, **stage.environment()}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (143, "interrupted: nothing was written")


SECOND = """
import os, signal, time
from failover_api.edges.interruption import Interrupted, Interruption
interruption = Interruption()
with interruption.caught():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    except Interrupted:
        print("in order", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
print("never")
"""


def test_a_second_signal_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", SECOND], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "in order\n", "")


def test_who_started_it_with_a_signal_ignored_wants_it_so(stage: Stage) -> None:
    stage.fault("slow", method="GET", seconds=1)
    shell = f"trap '' HUP; exec {sys.executable} -m failover_api status sonarr"
    with subprocess.Popen(
        ["bash", "-c", shell], env={**os.environ, **stage.environment()}, stdout=subprocess.PIPE, text=True
    ) as process:
        once_met(stage, process)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, "sonarr is on primary" in out) == (0, True)


def test_a_wait_for_a_merge_that_is_interrupted_says_what_is_open(stage: Stage, run) -> None:  # noqa: F811 - a fixture
    stage.declare(SERVICES, top="policy: pull_request")
    shell: OnATerminal = run("promote", "sonarr", "--yes", "--wait", NO_COLOR="1")
    shell.wait_for("waiting for the merge of")
    time.sleep(0.2)
    shell.type("\x03")
    assert shell.end() == 4
    assert "no longer waiting; the pull request stays open" in shell.seen
    assert "pull request #1 is open" in shell.seen


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_service_ends_in_order(stage: Stage, signum: signal.Signals) -> None:
    with serving(stage) as server:
        assert server.url
        server.process.send_signal(signum)
        assert server.end() == 0
    assert not [line for line in server.lines if "Traceback" in line]


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_demo_that_serves_ends_in_order_at_any_time(signum: signal.Signals) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FAILOVER_")}
    with subprocess.Popen(
        [sys.executable, "-m", "failover_api", "demo", "--serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        demo.stdout.readline()
        demo.send_signal(signum)
        _, err = demo.communicate(timeout=LIMIT_S)
    assert (demo.returncode, err) == (0, "")
