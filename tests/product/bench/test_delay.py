"""The delay: bytes come whole, in order, a round trip later; connections are counted. No time has an upper bound."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from bench.rig.delay import delaying

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
