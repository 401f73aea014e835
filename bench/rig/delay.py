"""A delay: a TCP proxy that makes 127.0.0.1 as far away as a server elsewhere.

Each chunk is handed on half a round trip after it came, in order, however many are under way: nothing is slowed but the
light. A new connection costs a whole round trip before its first byte leaves, as TCP's handshake does.

    python -m bench.rig.delay PORT ROUND_TRIP_S      prints its own port, then a line for each connection
"""

import asyncio
import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

_CHUNK_BYTES = 256 * 1024


@dataclass
class Delay:
    """A running delay. `port` stands for the port behind it."""

    port: int
    round_trip_s: float
    _said: int
    _connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connections(self) -> int:
        """How many connections were made until now."""
        with contextlib.suppress(BlockingIOError):
            while said := os.read(self._said, 4096):
                self._connections += said.count(b"\n")
        return self._connections


@contextlib.contextmanager
def delaying(port: int, round_trip_s: float) -> Iterator[Delay]:
    """Puts `port` of this machine behind a round trip, until the end."""
    command = [sys.executable, "-m", "bench.rig.delay", str(port), str(round_trip_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            assert process.stdout
            own = int(process.stdout.readline())
            os.set_blocking(process.stdout.fileno(), False)
            yield Delay(own, round_trip_s, process.stdout.fileno())
        finally:
            process.terminate()


class _Proxy:
    def __init__(self, port: int, round_trip_s: float) -> None:
        self._port, self._round_trip_s = port, round_trip_s

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_CHUNK_BYTES)
        _say(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _say("connected")
        clock = asyncio.get_running_loop()
        established = clock.time() + self._round_trip_s
        arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        collecting = asyncio.create_task(self._collect(reader, arrived, not_before=established))
        await _sleep_until(
            established + self._round_trip_s / 2
        )  # the server hears of it with the last of the handshake
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_CHUNK_BYTES)
            back: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            await asyncio.gather(
                collecting,
                self._deliver(arrived, far_writer),
                self._collect(far_reader, back),
                self._deliver(back, writer),
            )
        except OSError:
            collecting.cancel()
            writer.close()

    async def _collect(
        self, reader: asyncio.StreamReader, queue: "asyncio.Queue[tuple[float, bytes]]", *, not_before: float = 0.0
    ) -> None:
        """Notes when each chunk is due at the other end; an empty chunk is the end of the stream."""
        clock, chunk = asyncio.get_running_loop(), b"."
        while chunk:
            try:
                chunk = await reader.read(_CHUNK_BYTES)
            except ConnectionError:
                chunk = b""
            queue.put_nowait((max(clock.time(), not_before) + self._round_trip_s / 2, chunk))

    async def _deliver(self, queue: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                due, chunk = await queue.get()
                await _sleep_until(due)
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()


async def _sleep_until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _main() -> None:
    port, round_trip_s = int(sys.argv[1]), float(sys.argv[2])
    # select() waits to the microsecond, where epoll rounds up to a whole millisecond: twice in each round trip.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with contextlib.suppress(KeyboardInterrupt):
        loop.run_until_complete(_Proxy(port, round_trip_s).serve())


if __name__ == "__main__":
    _main()
