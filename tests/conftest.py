"""What every test stands on: async tests run on asyncio, and no test reaches the network."""

import ipaddress
import itertools
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("tests", deadline=None)  # a busy machine is not a failing test
hypothesis.settings.load_profile("tests")

NUMBERS = itertools.count(1)  # of the tests' repositories
# A shell's background job has it ignored, and so would have everything that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

REFUSED: list[str] = []  # refusals since the running test began: code under test may have swallowed the exception


class NetworkRefusedError(RuntimeError):
    """A test tried to leave the machine. Not an OSError, which clients take for a network failure and retry."""


def is_local(host: object) -> bool:
    """A loopback address, "localhost", or where a server listens on every address."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_network(event: str, args: tuple[object, ...]) -> None:
    """An audit hook: it sees every thread, every event loop, and sockets that bypass `socket`.

    https://docs.python.org/3/library/audit_events.html
    """
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        if not isinstance(args[1], tuple):  # a Unix socket, or sendmsg on a connected one
            return
        host = args[1][0]
    else:
        return
    if not is_local(host):
        REFUSED.append(f"{event} to {host!r}: a test may only reach this machine (127.0.0.1, ::1, localhost)")
        raise NetworkRefusedError(REFUSED[-1])


sys.addaudithook(refuse_network)


def pytest_configure(config: pytest.Config) -> None:
    """Running demos are looked for in an empty folder: one that somebody runs on this machine is none of the tests'."""
    folder = tempfile.TemporaryDirectory(prefix="failover-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["XDG_RUNTIME_DIR"] = folder.name
    # There is no TLS to anybody but the tests' own: reading the machine's certificates costs each app and client 30 ms.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = folder.name


@pytest.fixture(autouse=True)
def no_network() -> Iterator[list[str]]:
    """Fail a test that tried the network, even when the code under test swallowed the refusal."""
    REFUSED.clear()
    yield REFUSED
    assert not REFUSED, "\n".join(REFUSED)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def served_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """One sandbox for the whole run, and its URL."""
    from failover_api.sandbox import Sandbox
    from tests.support.stage import FaultsAndActs

    sandbox = Sandbox.create(tmp_path_factory.mktemp("sandbox") / "homelab.git", files={"README.md": b"# Homelab\n"})
    sandbox.faults = FaultsAndActs()
    with sandbox.serve() as url:
        yield sandbox, url
    sandbox.close()


@pytest.fixture
def stage(served_sandbox: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A repository of the test's own in the sandbox: see tests/support/stage.py."""
    from tests.support.stage import FILES, Requests, Stage, at_rest

    for name in [name for name in os.environ if name.startswith(("FAILOVER_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    sandbox, url = served_sandbox
    repository = f"acme/lab-{next(NUMBERS)}"
    sandbox.add_repository(repository, FILES)
    with at_rest(sandbox):
        sandbox.requests = Requests(repository)
        yield Stage(sandbox, url, repository, tmp_path)
    sandbox.remove_repository(repository)


@pytest.fixture
def reviewed(stage: Any) -> Any:
    """The stage with every service moved by pull request."""
    from tests.support.acts import BY_PULL_REQUEST
    from tests.support.stage import SERVICES

    stage.declare(SERVICES, top=BY_PULL_REQUEST)
    return stage


@pytest.fixture
def cli(stage: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the stage."""
    from tests.support.shell import Cli

    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(stage)


@pytest.fixture
def issuer() -> Iterator[Any]:
    """An issuer of OpenID Connect tokens: see tests/support/issuer.py."""
    from tests.support.issuer import Issuer

    issuer = Issuer()
    with issuer.serve():
        yield issuer
