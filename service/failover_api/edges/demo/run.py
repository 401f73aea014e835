"""`failover demo`: a failover from end to end, on this machine alone.

A small GitHub with a sample homelab is started (this is the only module that knows the sandbox), then the real service,
and the story (story.py) is told through its HTTP API.
"""

import contextlib
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.text import Text

import failover_api
from failover_api.edges.cli.remote import RemoteBackend
from failover_api.edges.cli.terminal import Terminal
from failover_api.edges.demo.story import Story
from failover_api.edges.interruption import set_handlers
from failover_api.settings import Settings

PORT = 8080
START_S = 20.0
SANDBOX = Path(failover_api.__file__).parent / "sandbox"


def run_demo(*, keep_serving: bool, port: int = PORT) -> int:
    """Tells the story; returns the exit code: 0 when everything went as told.

    With `keep_serving` it then goes on serving, on `port` if that is free, until it is stopped.
    """
    try:
        from failover_api.sandbox import Sandbox
    except ImportError:
        Terminal().err.print("The demo needs its extra: pip install 'failover-api\\[demo]'")
        return 1
    with tempfile.TemporaryDirectory(prefix="failover-demo-") as scratch:
        home = Path(scratch)
        sandbox = Sandbox.create(home / "homelab.git", files=_homelab())
        key = home / "app.pem"
        key.touch(mode=0o600)
        key.write_text(sandbox.private_key_pem)
        with contextlib.ExitStack() as stack:
            stack.callback(sandbox.close)
            github = stack.enter_context(sandbox.serve())
            settings = Settings(
                config=SANDBOX / "services.yaml",
                github_url=github,
                github_app_id=sandbox.app_id,
                github_private_key_file=key,
                github_installation_id=None,
            )
            url = stack.enter_context(_service(settings, port if keep_serving else 0))
            person = Person(f"{github}/repos/{sandbox.repository.full_name}", sandbox.token)
            backend = RemoteBackend(url, None, timeout_s=60.0)
            Story(backend, Terminal(), sandbox.git_dir, sandbox.read, person.merge).tell()
            if keep_serving:
                _serve_until_stopped(Terminal(), url, sandbox.git_dir, person)
    return 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who looks at pull requests. `url` is the repository's, in GitHub's API."""

    url: str
    token: str

    def merge(self, number: int) -> None:
        import httpx2

        headers = {"authorization": f"Bearer {self.token}", "user-agent": "a person"}
        body = {"merge_method": "squash"}
        httpx2.put(f"{self.url}/pulls/{number}/merge", json=body, headers=headers).raise_for_status()


def _homelab() -> dict[str, bytes]:
    """{path: content} of the sample repository."""
    root = SANDBOX / "homelab"
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@contextlib.contextmanager
def _service(settings: Settings, port: int) -> Iterator[str]:
    """The real service in a thread; gives its URL."""
    import uvicorn

    from failover_api.edges.app import create_app

    listener = _listen(port)
    config = uvicorn.Config(
        create_app(settings, open_to_all=True), log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="service")
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the demo's service did not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listen(port: int) -> socket.socket:
    """A socket on `port`, or on any free one when that is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    return listener


def _serve_until_stopped(terminal: Terminal, url: str, git_dir: Path, person: Person) -> None:
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    set_handlers(stop)
    terminal.out.print(Text("\nStill serving; stop with Ctrl-C. To try:", style="bold"))
    for line in (
        f"curl {url}/api/failover",
        f"curl {url}/api/failover/sonarr",
        f"curl '{url}/api/failover/radarr/promote?dry-run=true'",
        f"curl -X POST '{url}/api/failover/radarr/promote?reason=trying'",
        f"curl -X POST {url}/api/failover/radarr/rollback",
        f"curl -X POST -H 'Idempotency-Key: night-1' '{url}/api/groups/office/promote?reason=trying'",
        f"curl '{url}/api/failover/radarr/history?limit=5'",
        f"curl -X POST {url}/api/failover/photoprism/demote     # a pull request: its number is in the answer",
        f"curl -X PUT -H 'Authorization: Bearer {person.token}' {person.url}/pulls/NUMBER/merge",
        f"git clone {git_dir} homelab",
        f"open {url}/     # the board",
        f"open {url}/docs",
    ):
        terminal.out.print(Text(f"  {line}"))
    sys.stdout.flush()
    stopped.wait()
