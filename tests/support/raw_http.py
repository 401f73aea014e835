"""HTTP as bytes: what no client library would send."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.clock import LIMIT_S

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body


@contextlib.contextmanager
def connected(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=LIMIT_S) as connection:
        yield connection


def reply_on(connection: socket.socket, method: str = "GET") -> Reply | None:
    """The next answer, or None when the connection was closed without one."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


def exchange(address: Address, data: bytes) -> Reply | None:
    """Sends bytes and takes the first answer."""
    with connected(address) as connection:
        with contextlib.suppress(OSError):  # it may be refused before all is sent
            connection.sendall(data)
        return reply_on(connection, data[:4].decode("latin-1"))


def is_closed(connection: socket.socket) -> bool:
    """Waits for the other side to close."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
