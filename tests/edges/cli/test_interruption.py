"""What a signal does to a command, to the service and to the demo."""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from tests.support.acts import BY_PULL_REQUEST
from tests.support.clock import LIMIT_S
from tests.support.server import serving
from tests.support.shell import Cli
from tests.support.stage import SERVICES, Stage
from tests.support.terminal import OnATerminal

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def _spared() -> Iterator[None]:
    """A signal that comes too late for a command must not end the test run."""
    before = {signum: signal.signal(signum, lambda *_: None) for signum in SIGNALS}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


class Interrupting:
    """Runs `failover ...` in this process, and sends a signal to it at a moment of its work."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.stage = cli, cli.stage

    def __call__(
        self, *words: str, by: signal.Signals = signal.SIGTERM, code: int, when: Callable[[], bool] | None = None
    ) -> Result:
        """`when` is the moment; else once the fault that was set has met its request."""
        faults = self.stage.sandbox.faults
        is_there = when or (lambda: not len(faults))
        is_over = threading.Event()

        def send() -> None:
            while not is_there():
                if is_over.wait(0.005):
                    return
            os.kill(os.getpid(), by)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return self.cli(*words, code=code)
        finally:
            is_over.set()
            sender.join()


@pytest.fixture
def interrupting(cli: Cli) -> Interrupting:
    return Interrupting(cli)


@pytest.mark.parametrize("signum", SIGNALS)
def test_before_the_write_nothing_was_written(interrupting: Interrupting, signum: signal.Signals) -> None:
    stage = interrupting.stage
    stage.fault("slow", method="GET", seconds=5)
    told = interrupting("promote", "sonarr", by=signum, code=SIGNALS[signum])
    assert (told.stdout, told.stderr.splitlines()) == ("", ["interrupted: nothing was written"])
    assert not stage.writes


@pytest.mark.parametrize("signum", SIGNALS)
def test_after_the_write_its_end_is_unknown(interrupting: Interrupting, signum: signal.Signals) -> None:
    interrupting.stage.fault("slow", method="PUT", seconds=5)
    told = interrupting("promote", "sonarr", by=signum, code=4)
    assert "`failover status sonarr` tells where it is" in told.stderr


def test_a_process_of_its_own_ends_the_same_way(stage: Stage) -> None:
    stage.fault("slow", method="GET", seconds=30)
    with subprocess.Popen(
        [sys.executable, "-m", "failover_api", "promote", "sonarr"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **stage.environment()},
    ) as process:
        deadline = time.monotonic() + LIMIT_S
        while len(stage.sandbox.faults):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGHUP)
        told = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, told) == (129, ("", "interrupted: nothing was written\n"))


# By pull request each write is one, whatever step it belongs to


def test_a_pull_request_that_gives_way_is_a_write(interrupting: Interrupting) -> None:
    stage = interrupting.stage
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    interrupting.cli("promote", "plex")
    stage.replace("apps/media/plex/volsync.yaml", "paused: false", "paused: true")  # so there is a way back too
    stage.fault("slow", method="PATCH", seconds=5)
    told = interrupting("demote", "plex", "--supersede", code=4)
    assert "nothing was written" not in told.stderr


def test_a_label_that_is_missing_is_a_write(interrupting: Interrupting) -> None:
    stage = interrupting.stage
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    interrupting.cli("promote", "sonarr")
    stage.declare(SERVICES, top=f"{BY_PULL_REQUEST}\npull_request: {{labels: [failover]}}")
    stage.fault("slow", method="POST", path="*/labels", seconds=5)
    told = interrupting("promote", "sonarr", code=4)
    assert "nothing was written" not in told.stderr


def test_a_look_at_pull_requests_is_no_write(interrupting: Interrupting) -> None:
    stage = interrupting.stage
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    stage.fault("slow", method="GET", path="*/pulls", seconds=5)
    told = interrupting("promote", "sonarr", code=143)
    assert told.stderr.splitlines() == ["interrupted: nothing was written"]
    assert not stage.pulls()


@pytest.mark.parametrize("words", [("list",), ("status", "sonarr"), ("history", "sonarr"), ("check",)])
def test_what_only_looks_ends_too(interrupting: Interrupting, words: tuple[str, ...]) -> None:
    interrupting.stage.fault("slow", seconds=5)
    assert interrupting(*words, by=signal.SIGINT, code=130).stderr.splitlines() == ["interrupted"]


@pytest.mark.parametrize(("word", "code"), [("promote", 4), ("status", 143)])
def test_a_service_that_is_asked_counts_from_when_the_request_was_sent(
    interrupting: Interrupting, word: str, code: int
) -> None:
    with interrupting.stage.served() as url:
        interrupting.stage.fault("slow", method="GET", seconds=3)
        interrupting(word, "sonarr", "--server", url, code=code)


# The standard library leaves a socket behind that is interrupted while it connects; here no process ends with it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_service_that_is_not_reached_was_sent_nothing(interrupting: Interrupting) -> None:
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(64):  # until a connection is not taken any more
            one = opened.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        end = time.monotonic() + 0.7
        told = interrupting("promote", "sonarr", "--server", url, code=143, when=lambda: time.monotonic() > end)
    assert told.stderr.strip() == "interrupted: nothing was written"
    del told
    gc.collect()


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


def test_who_started_it_with_a_signal_ignored_wants_it_so(interrupting: Interrupting) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    interrupting.stage.fault("slow", method="GET", seconds=0.5)
    assert "sonarr is on primary" in interrupting("status", "sonarr", by=signal.SIGHUP, code=0).stdout


def test_a_wait_for_a_merge_that_is_interrupted_says_what_is_open(stage: Stage, run) -> None:
    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    shell: OnATerminal = run("promote", "sonarr", "--yes", "--wait", NO_COLOR="1")
    shell.wait_for("waiting for the merge of")
    time.sleep(0.2)
    shell.type("\x03")
    assert shell.end() == 4
    assert "no longer waiting; the pull request stays open" in shell.seen
    assert "pull request #1 is open" in shell.seen


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])  # SIGTERM ends it in test_serve.py
def test_the_service_ends_in_order(stage: Stage, signum: signal.Signals) -> None:
    with serving(stage) as server:
        assert server.url
        server.process.send_signal(signum)
        assert server.end() == 0
    assert not [line for line in server.lines if "Traceback" in line]


def test_the_demo_that_serves_ends_in_order_at_any_time() -> None:
    """The three signals have one handler."""
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
        demo.send_signal(signal.SIGHUP)
        _, err = demo.communicate(timeout=LIMIT_S)
    assert (demo.returncode, err) == (0, "")
