"""`failover demo`: a failover from end to end, on this machine alone.

A small GitHub with a sample homelab is started (this is the only module that knows the sandbox), then the real service,
and the story is told through its HTTP API. What Git holds is shown by Git itself.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.rule import Rule
from rich.text import Text

from failover_api.edges.desk import MoveOptions, Refused, Remote
from failover_api.edges.terminal import Terminal, printable
from failover_api.settings import Settings

PORT = 8080
START_S = 20.0
SANDBOX = Path(__file__).parent.parent / "sandbox"
SONARR = "apps/media/sonarr/deployment.yaml"


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
            Story(Remote(url, None, timeout_s=60.0), Terminal(), sandbox.git_dir, sandbox.read).tell()
            if keep_serving:
                _serve_until_stopped(Terminal(), url, sandbox.git_dir)
    return 0


@dataclass(frozen=True, slots=True)
class Story:
    """The walk, step by step. An assertion that fails is a defect of ours."""

    desk: Remote
    terminal: Terminal
    git_dir: Path
    read: Callable[[str], bytes | None]

    def tell(self) -> None:
        before = self.read(SONARR)
        self._heading("Where every service is, according to Git")
        self._show("failover list")
        self.terminal.show_list(self.desk.list_all())

        self._heading("Node k3s-w1 dies. What would a promote of sonarr change?")
        self._move("promote", "sonarr", MoveOptions(dry_run=True), with_diff=True)
        self._heading("Nothing but these values. So be it")
        self._move("promote", "sonarr", MoveOptions(reason="k3s-w1 is down"))
        self._heading("What Git says")
        self._git("log", "-1", "-p", "--format=fuller")

        self._heading("Asked again: already there, no commit")
        commits = self._commits()
        self._move("promote", "sonarr", MoveOptions())
        assert self._commits() == commits

        self._heading("Two files (a HelmRelease, and VolSync to be paused): one commit")
        self._move("promote", "plex", MoveOptions(reason="k3s-w1 is down"))
        self._git("log", "-1", "--stat", "--format=%h %s")

        self._heading("gitea was set to maintenance by somebody: that is not ours to overwrite")
        self._refused("promote", "gitea")

        self._heading("The node is back. sonarr goes home")
        self._move("demote", "sonarr", MoveOptions(reason="k3s-w1 is back"))
        after = self.read(SONARR)
        assert after is not None
        assert after == before
        self.terminal.out.print(Text(f"{SONARR} is what it was, byte for byte ({len(after)} bytes).", style="green"))
        self._git("log", "--format=%h %s")

    def _heading(self, text: str) -> None:
        self.terminal.out.print()
        self.terminal.out.print(Rule(Text(text, style="bold"), align="left", style="dim"), soft_wrap=False)

    def _show(self, command: str) -> None:
        self.terminal.out.print(Text(f"$ {command}", style="bold blue"))

    def _move(self, action: str, service: str, options: MoveOptions, *, with_diff: bool = False) -> None:
        reason = f' --reason "{options.reason}"' if options.reason else ""
        self._show(f"failover {action} {service}{' --dry-run' if options.dry_run else ''}{reason}")
        outcome, _ = self.desk.move(service, action, options)
        self.terminal.show_outcome(outcome, with_diff=with_diff)

    def _refused(self, action: str, service: str) -> None:
        self._show(f"failover {action} {service}")
        try:
            self.desk.move(service, action, MoveOptions())
        except Refused as exc:
            problem = exc.problem
        else:
            raise AssertionError("a drifted manifest was moved")
        assert problem["type"].endswith(":manifest-drifted")
        self.terminal.out.print(Text(printable(f"{problem['title']}: {problem['detail']}"), style="red"))

    def _git(self, *arguments: str) -> None:
        self._show(f"git {' '.join(arguments)}")
        if shutil.which("git") is None:
            self.terminal.out.print("(git is not installed here)")
            return
        for line in self._run_git(*arguments).splitlines():
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            self.terminal.out.print(Text(printable(line), style=style))

    def _commits(self) -> int:
        return int(self._run_git("rev-list", "--count", "HEAD")) if shutil.which("git") else 0

    def _run_git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_PAGER": "cat", "GIT_CONFIG_GLOBAL": os.devnull}
        command = ["git", "--git-dir", str(self.git_dir), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout  # noqa: S603 - fixed words


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
    config = uvicorn.Config(create_app(settings), log_config=None, access_log=False, server_header=False)
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


def _serve_until_stopped(terminal: Terminal, url: str, git_dir: Path) -> None:
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    terminal.out.print(Text("\nStill serving; stop with Ctrl-C. To try:", style="bold"))
    for line in (
        f"curl {url}/api/failover",
        f"curl {url}/api/failover/sonarr",
        f"curl '{url}/api/failover/radarr/promote?dry-run=true'",
        f"curl -X POST '{url}/api/failover/radarr/promote?reason=trying'",
        f"curl -X POST {url}/api/failover/radarr/demote",
        f"git clone {git_dir} homelab",
        f"open {url}/docs",
    ):
        terminal.out.print(Text(f"  {line}"))
    sys.stdout.flush()
    stopped.wait()
