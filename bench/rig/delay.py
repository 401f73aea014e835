"""A delay: a TCP proxy that makes 127.0.0.1 as far away, and as slow, as a server elsewhere.

round trip     each chunk is handed on half a round trip after it came, in order, however many are under way; a new
               connection costs a whole one before its first byte leaves, as TCP's handshake does
bandwidth      all connections share the line: each way, bytes wait for those before them
server time    an answer leaves no sooner after its request; what the server works meanwhile is within it

python -m bench.rig.delay PORT ROUND_TRIP_S SERVER_S DOWN_MBIT_S UP_MBIT_S
               prints its own port, then a line for each connection
"""

import asyncio
import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

_CHUNK_BYTES = 64 * 1024


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
def delaying(
    port: int, round_trip_s: float, *, server_s: float = 0.0, down_mbit_s: float = inf, up_mbit_s: float = inf
) -> Iterator[Delay]:
    """Puts `port` of this machine behind a round trip, until the end. Down is from the server to the client."""
    conditions = [str(value) for value in (round_trip_s, server_s, down_mbit_s, up_mbit_s)]
    command = [sys.executable, "-m", "bench.rig.delay", str(port), *conditions]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            assert process.stdout
            own = int(process.stdout.readline())
            os.set_blocking(process.stdout.fileno(), False)
            yield Delay(own, round_trip_s, process.stdout.fileno())
        finally:
            process.terminate()


class Line:
    """One way of the line between the two ends, for all connections."""

    def __init__(self, one_way_s: float, mbit_s: float = inf) -> None:
        self._one_way_s, self._bytes_per_s = one_way_s, mbit_s * 1e6 / 8
        self._free_at = 0.0

    def arrival(self, size_bytes: int, now: float) -> float:
        """When bytes that are sent now are at the other end."""
        self._free_at = max(self._free_at, now) + size_bytes / self._bytes_per_s
        return self._free_at + self._one_way_s


class _Pipe:
    """One way of one connection. What is taken is sent when `may_leave_at` says; an empty chunk is the end."""

    def __init__(self, line: Line, may_leave_at: Callable[[], float] = lambda: 0.0) -> None:
        self._line, self._may_leave_at = line, may_leave_at
        self._under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self.given_at = 0.0  # the last chunk, until now

    async def take(self, reader: asyncio.StreamReader) -> None:
        clock, chunk = asyncio.get_running_loop(), b"."
        while chunk:
            try:
                chunk = await reader.read(_CHUNK_BYTES)
            except ConnectionError:
                chunk = b""
            await _sleep_until(self._may_leave_at())
            self._under_way.put_nowait((self._line.arrival(len(chunk), clock.time()), chunk))

    async def give(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                due, chunk = await self._under_way.get()
                await _sleep_until(due)
                if not chunk:
                    break
                writer.write(chunk)
                self.given_at = asyncio.get_running_loop().time()
                await writer.drain()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()


class _Proxy:
    def __init__(self, port: int, round_trip_s: float, server_s: float, down_mbit_s: float, up_mbit_s: float) -> None:
        self._port, self._round_trip_s, self._server_s = port, round_trip_s, server_s
        self._down, self._up = Line(round_trip_s / 2, down_mbit_s), Line(round_trip_s / 2, up_mbit_s)

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_CHUNK_BYTES)
        _say(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _say("connected")
        request = _Pipe(self._up)
        answer = _Pipe(self._down, lambda: request.given_at + self._server_s)
        await asyncio.sleep(self._round_trip_s)
        taking = asyncio.create_task(request.take(reader))
        await asyncio.sleep(self._round_trip_s / 2)  # the server hears of it with the last of the handshake
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_CHUNK_BYTES)
            await asyncio.gather(taking, request.give(far_writer), answer.take(far_reader), answer.give(writer))
        except OSError:
            taking.cancel()
            writer.close()


async def _sleep_until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _main() -> None:
    port, *conditions = sys.argv[1:]
    # select() waits to the microsecond, where epoll rounds up to a whole millisecond: twice in each round trip.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with contextlib.suppress(KeyboardInterrupt):
        loop.run_until_complete(_Proxy(int(port), *(float(value) for value in conditions)).serve())


if __name__ == "__main__":
    _main()
