"""uvicorn in a thread, with connections that can be cut: on the socket, as a network does it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp
    from uvicorn.config import Config
    from uvicorn.server import ServerState

_START_S = 10.0


class CuttableProtocol(H11Protocol):
    """Gives the application `scope["state"]["cut"]`, which closes the connection without another byte.

    With `flush=True`, what was sent before still goes out.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "cut": self.cut}, _loop)

    def cut(self, *, flush: bool = False) -> None:
        if flush:
            self.transport.close()
        else:
            self.transport.abort()


def _config(app: ASGIApp, certificate: Path | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ssl_certfile=certificate,
        host="127.0.0.1",
        port=0,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the sandbox has a clock of its own
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )


class StoppableServer(uvicorn.Server):
    """Stops at once when told so; uvicorn's own loop looks every 0.1 s, and a test suite starts hundreds."""

    def __init__(self, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Waits for requests under way, as uvicorn does, but not 0.1 s in any case; `sockets` are the caller's."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # idle connections are gone in the next turn of the loop
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wait_tasks_to_complete(), self.config.timeout_graceful_shutdown)
        for task in self.server_state.tasks:
            task.cancel()

    def stop(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
                self._loop.call_soon_threadsafe(self._stop.set)


@contextlib.contextmanager
def serving(app: ASGIApp, port: int = 0, *, certificate: Path | None = None) -> Iterator[str]:
    """Serves `app` on 127.0.0.1; gives the base URL. Gone, with its thread, at the end.

    `certificate` is a PEM file with a key and its certificate: over TLS.
    """
    listener = _listening(port)
    server = StoppableServer(_config(app, certificate))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="sandbox")
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield f"http{'s' if certificate else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        thread.join()
        listener.close()


def _listening(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for a socket that says it is TCP: 40 ms an answer otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _wait_until_started(server: StoppableServer, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the sandbox's server did not start")
        time.sleep(0.005)
