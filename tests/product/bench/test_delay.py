"""The delay: bytes come whole, in order, a round trip later, no faster than the line; connections are counted.

No time has an upper bound.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from bench.rig.delay import Line, delaying

ROUND_TRIP_S = 0.05


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes, until the other side is done."""

    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_new_connection_costs_two_round_trips_and_a_kept_one_one(port: int) -> None:
    with delaying(port, ROUND_TRIP_S) as delay, socket.create_connection(("127.0.0.1", delay.port)) as line:
        taken = []
        for _ in range(2):
            started = time.monotonic()
            line.sendall(b"ping")
            assert line.recv(16) == b"ping"
            taken.append(time.monotonic() - started)
        assert delay.connections() == 1
    assert taken[0] >= 2 * ROUND_TRIP_S * 0.95
    assert taken[1] >= ROUND_TRIP_S * 0.95


def test_a_stream_comes_whole_and_in_order(port: int) -> None:
    sent = bytes(range(256)) * 4096
    with delaying(port, 0.01) as delay, socket.create_connection(("127.0.0.1", delay.port)) as line:
        writing = threading.Thread(target=lambda: (line.sendall(sent), line.shutdown(socket.SHUT_WR)))
        writing.start()
        received = b"".join(iter(lambda: line.recv(65536), b""))
        writing.join()
    assert received == sent


def test_bytes_wait_for_those_before_them_and_an_idle_line_makes_nothing_up() -> None:
    line = Line(one_way_s=0.5, mbit_s=8)  # a byte each microsecond
    assert line.arrival(1_000_000, now=10.0) == 11.5
    assert line.arrival(500_000, now=10.25) == 12.0
    assert line.arrival(500_000, now=20.0) == 21.0


def test_a_line_without_a_bandwidth_has_only_its_length() -> None:
    assert Line(one_way_s=0.5).arrival(1_000_000, now=10.0) == 10.5


@pytest.mark.parametrize("way", ["down_mbit_s", "up_mbit_s"])
def test_each_way_has_its_own_bandwidth(port: int, way: str) -> None:
    sent = bytes(200_000)
    with delaying(port, 0.0, **{way: 8}) as delay, socket.create_connection(("127.0.0.1", delay.port)) as line:
        started = time.monotonic()
        writing = threading.Thread(target=line.sendall, args=(sent,))
        writing.start()
        received = line.recv(len(sent), socket.MSG_WAITALL)
        writing.join()
    assert received == sent
    assert time.monotonic() - started >= 0.2 * 0.95


def test_an_answer_takes_the_server_its_time(port: int) -> None:
    with (
        delaying(port, ROUND_TRIP_S, server_s=0.1) as delay,
        socket.create_connection(("127.0.0.1", delay.port)) as line,
    ):
        for _ in range(2):
            started = time.monotonic()
            line.sendall(b"ping")
            assert line.recv(16) == b"ping"
            assert time.monotonic() - started >= (ROUND_TRIP_S + 0.1) * 0.95
