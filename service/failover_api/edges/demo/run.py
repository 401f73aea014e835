"""`failover demo`: a failover from end to end, on this machine alone.

A small GitHub with a sample homelab is started and a cluster that obeys it (world.py), then the real service, and the
story (story.py) is told through its HTTP API.
"""

import contextlib
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from failover_api.edges.cli.backend import refused
from failover_api.edges.cli.execution import DONE, FAILED, USAGE
from failover_api.edges.cli.remote import RemoteBackend
from failover_api.edges.cli.terminal import Terminal
from failover_api.edges.demo.announcement import announced
from failover_api.edges.demo.guide import Guide
from failover_api.edges.demo.narrator import Narrator
from failover_api.edges.demo.screen import Screen
from failover_api.edges.demo.story import OPENING, SONARR, Story
from failover_api.edges.interruption import set_handlers
from failover_api.errors import FailoverError
from failover_api.settings import Settings

if TYPE_CHECKING:
    from failover_api.edges.demo.world import World

PORT = 8080
WATCH_EVERY_S = 0.25  # simulated time is skipped meanwhile
START_S = 20.0


def run_demo(*, keep_serving: bool, step: bool = False, port: int = PORT) -> int:
    """Tells the story; returns the exit code: 0 when everything went as told, or somebody had seen enough.

    With `step` it waits for Enter before each step. With `keep_serving` it then goes on serving until it is stopped.
    The service is on `port` if that is free.
    """
    try:
        import failover_api.edges.demo.world  # noqa: F401 - tells whether what it needs is installed
    except ImportError:
        Terminal().err.print("The demo needs its extra: pip install 'failover-api\\[demo]'")
        return FAILED
    try:
        root = Settings.read({"FAILOVER_ROOT_PATH": os.environ.get("FAILOVER_ROOT_PATH", "")}).root_path
    except FailoverError as exc:
        Terminal().show_problem(refused(exc).problem)
        return USAGE
    screen = Screen()
    screen.heading("failover demo")
    screen.say(OPENING)
    with _running(port, root) as running:
        screen.say(addresses(running.url, running.world.repository, running.world.kubernetes, port))
        if not running.story(screen).tell(screen.goes_on if step else lambda: True):
            return DONE
        world = running.world
        guide = Guide(screen, running.url, world.repository, world.sandbox.git_dir, world.kubectl, world.catalog)
        if not keep_serving:
            guide.show_what_is_next(is_running=False)
            return DONE
        with announced(world.kubernetes):  # the story has machines of its own to kill, and to bring back
            guide.show_what_to_try()
            guide.show_what_is_next(is_running=True)
            _wait_until_stopped()
    return DONE


@dataclass(frozen=True, slots=True)
class Running:
    """`url` is the service's."""

    world: "World"
    url: str

    def story(self, screen: Screen) -> Story:
        sandbox = self.world.sandbox
        person = Person(f"{self.world.github}/repos/{sandbox.repository.full_name}", sandbox.token)
        backend = RemoteBackend(self.url, None, timeout_s=60.0)
        narrator = Narrator(backend, screen, sandbox.git_dir, sandbox.read, person.merge, lambda: self.world.elapsed_s)
        return Story(narrator, self.world, sandbox.read(SONARR))


@contextlib.contextmanager
def _running(port: int, root: str) -> Iterator[Running]:
    """The world and the service, with all they have on disk in a folder that goes away."""
    from failover_api.edges.demo.world import small_world

    with (
        tempfile.TemporaryDirectory(prefix="failover-demo-") as scratch,
        small_world(Path(scratch)) as world,
        _service(world, port, root) as url,
    ):
        yield Running(world, url)


def addresses(url: str, repository: str, cluster: str, port: int) -> str:
    """What to open in a browser; it says so where `port` could not be had."""
    taken = "" if urlsplit(url).port == port else f"\n  (port {port} is taken, so the board has another one)"
    return f"\n  board       {url}/\n  repository  {repository}{taken}\n  cluster     {cluster} (simulated)"


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


@contextlib.contextmanager
def _service(world: "World", port: int, root: str) -> Iterator[str]:
    """The real service in a thread; gives its URL."""
    import uvicorn

    from failover_api.edges.app import create_app
    from failover_api.edges.demo.machines import add_machines

    listener = listen(port)
    app = create_app(world.settings(root), open_to_all=True)
    add_machines(app, world)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="service")
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the demo's service did not start")
        time.sleep(0.01)
    app.state.watches.relocating.every_s = WATCH_EVERY_S
    world.clocks.append(app.state.components.cluster.clock)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{root}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def listen(port: int) -> socket.socket:
    """A socket that listens on `port`, or on any free one when that is taken."""
    try:
        return _listening(port)
    except OSError:
        return _listening(0)


def _listening(port: int) -> socket.socket:
    """It listens at once: until then another process can have the same port, and the second to listen fails."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _wait_until_stopped() -> None:
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    set_handlers(stop)
    sys.stdout.flush()
    stopped.wait()
