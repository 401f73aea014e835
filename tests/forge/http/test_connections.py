"""Connections that a router forgot: one request waits in vain for them, and no more. Real sockets on loopback."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from failover_api.errors import ForgeUnavailable, NotReady, WriteUnknown
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections, open_connections
from tests.support.builders import REPO
from tests.support.fake_github import Purse, Waits

TIMEOUT_S = 0.3
RENEW_AFTER_S = 0.05


class Relay:
    """Answers {} to everything, and after forget() nothing to the connections it had until then.

    /slow is answered after `release`.
    """

    def __init__(self) -> None:
        self.opened = self.forgotten = self.swallowed = 0
        self.asked, self.release = asyncio.Event(), asyncio.Event()
        self.serving: set[asyncio.Task[None] | None] = set()

    def forget(self) -> None:
        self.forgotten = self.opened

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        self.opened += 1
        number = self.opened
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                path = await _request(reader)
                if number <= self.forgotten:
                    self.swallowed += 1
                    continue
                if path == "/slow":
                    self.asked.set()
                    await self.release.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()


async def _request(reader: asyncio.StreamReader) -> str:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines()
    lengths = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
    await reader.readexactly(sum(lengths))
    return lines[0].split()[1]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    yield (relay := Relay())
    await asyncio.gather(*relay.serving)


@pytest.fixture
async def url(relay: Relay) -> AsyncIterator[str]:
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


class Made(list[httpx2.AsyncClient]):
    """The clients that were made, in order."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    def __call__(self) -> httpx2.AsyncClient:
        self.append(httpx2.AsyncClient(verify=self._tls))
        return self[-1]


@pytest.fixture
def made(tls: ssl.SSLContext) -> Made:
    return Made(tls)


@pytest.fixture
async def connections(made: Made, url: str) -> AsyncIterator[Connections]:
    """Old enough to be renewed after RENEW_AFTER_S. `url`: the relay waits for them to be closed."""
    async with contextlib.aclosing(Connections(made, renew_after_s=RENEW_AFTER_S)) as connections:
        yield connections


def client_on(connections: Connections, url: str, waits: Waits) -> GitHubClient:
    client = GitHubClient(connections, base_url=url, timeout_s=TIMEOUT_S, sleep=waits)
    client.credentials = Purse()
    return client


@pytest.fixture
def client(connections: Connections, url: str, waits: Waits) -> GitHubClient:
    return client_on(connections, url, waits)


async def read(client: GitHubClient) -> bytes:
    return await client.get(REPO, "/file", what="reading")


async def idle_connections(client: GitHubClient, relay: Relay) -> None:
    """Three that idle, are forgotten, and are no longer young."""
    await asyncio.gather(*(read(client) for _ in range(3)))
    assert relay.opened == 3
    relay.forget()
    await asyncio.sleep(RENEW_AFTER_S)


async def test_forgotten_connections_cost_one_wait(client: GitHubClient, relay: Relay, made: Made) -> None:
    await idle_connections(client, relay)
    started = time.monotonic()
    assert await read(client) == b"{}"
    assert TIMEOUT_S <= time.monotonic() - started < 2 * TIMEOUT_S
    assert (relay.swallowed, relay.opened, len(made)) == (1, 4, 2)


async def test_many_who_wait_in_vain_make_one_renewal(client: GitHubClient, relay: Relay, made: Made) -> None:
    await idle_connections(client, relay)
    started = time.monotonic()
    assert await asyncio.gather(*(read(client) for _ in range(3))) == [b"{}"] * 3
    assert time.monotonic() - started < 2 * TIMEOUT_S
    assert (relay.swallowed, len(made)) == (3, 2)


async def test_a_write_is_not_repeated_and_the_next_has_new_connections(client: GitHubClient, relay: Relay) -> None:
    await idle_connections(client, relay)
    with pytest.raises(WriteUnknown):
        await client.write("PUT", REPO, "/file", {"a": 1}, what="writing")
    assert relay.swallowed == 1
    assert (await client.write("PUT", REPO, "/file", {"a": 1}, what="writing")).status == 200
    assert relay.swallowed == 1


async def test_a_deadline_that_ends_a_request_ends_no_connections(
    client: GitHubClient, relay: Relay, made: Made
) -> None:
    await idle_connections(client, relay)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await read(client)
    assert len(made) == 1


async def test_young_connections_are_not_renewed(made: Made, relay: Relay, url: str, waits: Waits) -> None:
    async with contextlib.aclosing(Connections(made)) as connections:
        client = client_on(connections, url, waits)
        await idle_connections(client, relay)
        with pytest.raises(ForgeUnavailable):
            await read(client)
        assert (relay.swallowed, len(made)) == (3, 1)


async def test_a_request_in_flight_ends_well_on_the_old_connections(
    connections: Connections, relay: Relay, url: str
) -> None:
    old = connections.current
    slow = asyncio.create_task(old.get(f"{url}/slow"))
    await relay.asked.wait()
    await asyncio.sleep(RENEW_AFTER_S)
    await connections.failed(old)
    assert connections.current is not old
    relay.release.set()
    assert (await slow).status_code == 200


async def test_what_was_left_behind_is_closed_at_the_next_renewal(made: Made) -> None:
    connections = Connections(made, renew_after_s=0.0)
    await connections.failed(connections.current)
    assert [client.is_closed for client in made] == [False, False]
    await connections.failed(connections.current)
    assert [client.is_closed for client in made] == [True, False, False]
    await connections.aclose()
    assert [client.is_closed for client in made] == [True, True, True]


async def test_what_was_left_behind_brings_no_renewal(made: Made) -> None:
    async with contextlib.aclosing(Connections(made, renew_after_s=0.0)) as connections:
        old = connections.current
        await connections.failed(old)
        await connections.failed(old)
        assert made == [old, connections.current]


async def test_a_connection_is_kept_for_the_next_request(relay: Relay, url: str, waits: Waits) -> None:
    async with contextlib.aclosing(open_connections()) as connections:
        client = client_on(connections, url, waits)
        for _ in range(3):
            await read(client)
    assert relay.opened == 1


@pytest.mark.parametrize("made", ["nothing", "no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: str
) -> None:
    file = tmp_path / "ca.pem"
    if made == "no certificate":
        file.write_text("SECRET")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(NotReady, match=r"SSL_CERT_FILE: .*cannot read the authorities") as error:
        open_connections()
    assert str(file) in error.value.detail
    assert "SECRET" not in error.value.detail


@pytest.mark.parametrize("proxy", ["socks5://user:SECRET@127.0.0.1:1", "ftp://SECRET@127.0.0.1"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: str
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(NotReady, match="HTTPS_PROXY") as error:
        open_connections()
    assert "SECRET" not in error.value.detail
