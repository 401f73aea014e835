"""Requests to an API server over real connections: whom we trust, what we show, and what ends in our own errors."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover_api.cluster import client as client_module
from failover_api.cluster.access import Access, Endpoint, Login, Pem
from failover_api.cluster.client import Client
from failover_api.errors import (
    ClusterFailure,
    ClusterForbidden,
    ClusterUnauthenticated,
    ClusterUnavailable,
    KindNotInstalled,
    VersionExpired,
    WatchCut,
)
from tests.support.certificates import Authority
from tests.support.fake_kubernetes import FakeKubernetes, Handler, node

NODES = "/api/v1/nodes"


@contextlib.asynccontextmanager
async def opened(endpoint: Endpoint, login: Login | None = None) -> AsyncIterator[Client]:
    client = Client(Access("the test's cluster", endpoint, login or Login()))
    try:
        yield client
    finally:
        await client.aclose()


async def names(client: Client) -> list[str]:
    answer = await client.get(NODES, {}, timeout_s=5)
    return [item["metadata"]["name"] for item in answer["items"]]


def filled() -> FakeKubernetes:
    fake = FakeKubernetes()
    fake.put(NODES, node("k3s-w1"))
    return fake


# Whom we trust


async def test_a_server_is_trusted_by_the_clusters_own_authority(tmp_path: Path) -> None:
    authority, fake = Authority(), filled()
    with fake.serve(tls=authority.server_context(tmp_path, "127.0.0.1")) as url:
        async with opened(Endpoint(url, Pem(authority.pem))) as client:
            assert await names(client) == ["k3s-w1"]


async def test_a_server_of_another_authority_is_not_asked(tmp_path: Path) -> None:
    fake = filled()
    with fake.serve(tls=Authority().server_context(tmp_path, "127.0.0.1")) as url:
        for authorities in (Pem(Authority("another").pem), None):
            async with opened(Endpoint(url, authorities)) as client:
                with pytest.raises(ClusterUnavailable, match="its certificate is not trusted here"):
                    await names(client)
    assert fake.asked == []


async def test_a_server_of_another_name_is_not_asked_unless_it_is_named(tmp_path: Path) -> None:
    authority, fake = Authority(), filled()
    with fake.serve(tls=authority.server_context(tmp_path, "kubernetes.default.svc")) as url:
        async with opened(Endpoint(url, Pem(authority.pem))) as client:
            with pytest.raises(ClusterUnavailable, match="its certificate is for another name"):
                await names(client)
        async with opened(Endpoint(url, Pem(authority.pem), server_name="kubernetes.default.svc")) as client:
            assert await names(client) == ["k3s-w1"]


async def test_whoever_says_so_asks_a_server_that_nobody_vouches_for(tmp_path: Path) -> None:
    fake = filled()
    with fake.serve(tls=Authority().server_context(tmp_path, "elsewhere")) as url:
        async with opened(Endpoint(url, is_verified=False)) as client:
            assert await names(client) == ["k3s-w1"]


@pytest.mark.parametrize("authorities", [Pem("no certificate"), Pem(" ")])
async def test_authorities_that_are_none_are_an_error_and_not_those_of_the_machine(authorities: Pem) -> None:
    async with opened(Endpoint("https://127.0.0.1:1", authorities)) as client:
        with pytest.raises(ClusterUnavailable, match="certificate-authority holds no certificate in PEM form"):
            await names(client)


async def test_an_authority_that_was_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_RENEW_AFTER_S", 0.0)
    old, new, file = Authority("old"), Authority("new"), tmp_path / "ca.crt"
    file.write_text(old.pem, encoding="ascii")
    fake = filled()
    with fake.serve(tls=new.server_context(tmp_path, "127.0.0.1")) as url:
        async with opened(Endpoint(url, Pem(file=file))) as client:
            with pytest.raises(ClusterUnavailable):
                await names(client)
            file.write_text(new.pem, encoding="ascii")
            assert await names(client) == ["k3s-w1"]


async def test_a_server_at_an_ipv6_address_is_asked(tmp_path: Path) -> None:
    authority, fake = Authority(), filled()
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with fake.serve(host="::1", tls=authority.server_context(tmp_path, "::1")) as url:
        assert url.startswith("https://[::1]:")
        async with opened(Endpoint(url, Pem(authority.pem)), Login(token="t")) as client:
            assert await names(client) == ["k3s-w1"]


# What we show


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    authority, fake = Authority(), filled()
    certificate, key = authority.sign("failover-api")
    with fake.serve(tls=authority.server_context(tmp_path, "127.0.0.1", asks_clients=True)) as url:
        endpoint = Endpoint(url, Pem(authority.pem))
        async with opened(endpoint, Login(certificate=Pem(certificate), key=Pem(key))) as client:
            assert await names(client) == ["k3s-w1"]
        async with opened(endpoint) as client:
            with pytest.raises(ClusterUnavailable):
                await names(client)


async def test_a_client_certificate_and_a_key_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    authority = Authority()
    certificate, _ = authority.sign("one")
    _, key = authority.sign("other")
    login = Login(certificate=Pem(certificate), key=Pem(key))
    async with opened(Endpoint("https://127.0.0.1:1", Pem(authority.pem)), login) as client:
        with pytest.raises(ClusterUnavailable, match="not in PEM form, or no pair"):
            await names(client)


async def test_a_token_is_shown_to_this_machine_and_over_https_alone() -> None:
    fake = filled()
    fake.tokens = {"hunter2"}
    with fake.serve() as url:
        async with opened(Endpoint(url), Login(token="hunter2")) as client:
            assert await names(client) == ["k3s-w1"]
    async with opened(Endpoint("http://192.0.2.1:6443"), Login(token="hunter2")) as client:
        with pytest.raises(ClusterUnauthenticated, match="a token is sent over https only") as caught:
            await names(client)
    assert "hunter2" not in caught.value.detail


async def test_no_proxy_sees_a_token_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    fake = filled()
    with fake.serve() as url:
        async with opened(Endpoint(url, uses_environment_proxy=True), Login(token="hunter2")) as client:
            assert await names(client) == ["k3s-w1"]
        async with opened(Endpoint(url, proxy="http://127.0.0.1:1"), Login(token="hunter2")) as client:
            with pytest.raises(ClusterUnauthenticated, match="a token is sent over https only"):
                await names(client)


@contextlib.asynccontextmanager
async def proxying(targets: list[str]) -> AsyncIterator[str]:
    """A proxy that tunnels; `targets` are told where to."""
    tunnels: list[asyncio.Task[None]] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        targets.append(head.split()[1])
        _, _, port = targets[-1].rpartition(":")
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tunnels.extend([asyncio.create_task(pipe(reader, to_writer)), asyncio.create_task(pipe(to_reader, writer))])

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*tunnels, return_exceptions=True)


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_proxy_tunnels_to_a_server_that_is_still_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    authority, fake = Authority(), filled()
    targets: list[str] = []
    async with proxying(targets) as proxy:
        with fake.serve(tls=authority.server_context(tmp_path, "kubernetes.default.svc")) as url:
            named = Endpoint(url, Pem(authority.pem), server_name="kubernetes.default.svc", proxy=proxy)
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            from_environment = replace(named, proxy=None, uses_environment_proxy=True)
            async with opened(named if is_named else from_environment, Login(token="t")) as client:
                assert await names(client) == ["k3s-w1"]
            async with opened(replace(named, server_name="")) as client:
                with pytest.raises(ClusterUnavailable, match="its certificate is for another name"):
                    await names(client)
    assert targets[0] == url.removeprefix("https://")


async def test_a_token_file_is_read_again_when_the_token_is_refused(tmp_path: Path) -> None:
    fake, file = filled(), tmp_path / "token"
    file.write_text("first\n", encoding="ascii")
    fake.tokens = {"first"}
    with fake.serve() as url:
        async with opened(Endpoint(url), Login(token_file=file)) as client:
            assert await names(client) == ["k3s-w1"]
            file.write_text("second\n", encoding="ascii")
            fake.tokens = {"second"}
            assert await names(client) == ["k3s-w1"]
    assert [asked.authorization for asked in fake.asked] == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_that_stays_refused_is_shown_once(tmp_path: Path) -> None:
    fake, file = filled(), tmp_path / "token"
    file.write_text("stale", encoding="ascii")
    fake.tokens = {"other"}
    with fake.serve() as url:
        async with opened(Endpoint(url), Login(token_file=file)) as client:
            with pytest.raises(ClusterUnauthenticated, match="does not accept our credentials"):
                await names(client)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("content", ["two words", "", "tokén"])
async def test_a_token_file_that_holds_none_is_an_error_without_its_content(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    async with opened(Endpoint("http://127.0.0.1:1"), Login(token_file=file)) as client:
        with pytest.raises(ClusterUnauthenticated, match="expected a token, one word of ASCII") as caught:
            await names(client)
    assert not content or content not in caught.value.detail


async def test_nothing_is_shown_where_a_redirect_leads(server: FakeKubernetes, client: Client) -> None:
    server.next("list", NODES, lambda handler: handler.raw(302, b"", location="https://evil.example.org/"))
    with pytest.raises(ClusterUnavailable, match=r"sends us to evil\.example\.org"):
        await names(client)


# What ends in our own errors


def page(handler: Handler) -> None:
    handler.raw(200, b"<!doctype html><title>Sign in</title>", "text/html")


def half(handler: Handler) -> None:
    handler.raw(200, b'{"kind": "NodeList", "items": [{"meta')


def cut(handler: Handler) -> None:
    handler.head(200, "application/json", {"content-length": "1000"})
    handler.wfile.write(b'{"kind": "NodeList"')
    handler.wfile.flush()
    handler.cut()


def packed(handler: Handler) -> None:
    handler.raw(200, b"\x1f\x8b", content_encoding="gzip")


def deep(handler: Handler) -> None:
    handler.raw(200, b"[" * 500_000)


def a_list(handler: Handler) -> None:
    handler.raw(200, b"[]")


def refuses(code: int, reason: str, message: str, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.status(code, reason, message, **headers)


FORBIDDEN = (
    'nodes is forbidden: User "system:serviceaccount:operations:failover-api" cannot list resource "nodes" in API '
    'group "" at the cluster scope'
)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (page, ClusterUnavailable, r"a page of HTML \(status 200\): is it an API server\?"),
        (half, ClusterUnavailable, "half an answer"),
        (cut, ClusterUnavailable, "the connection was closed before the answer was complete"),
        (packed, ClusterUnavailable, "packed, which was not asked for"),
        (deep, ClusterUnavailable, "half an answer"),
        (a_list, ClusterUnavailable, "none of Kubernetes"),
        (lambda handler: handler.raw(502, b"<html>Bad Gateway"), ClusterUnavailable, "a page of HTML .status 502"),
        (lambda handler: handler.raw(404, b"<html>not here"), ClusterUnavailable, "a page of HTML .status 404"),
        (lambda handler: handler.raw(404, b"404 page not found\n"), KindNotInstalled, "does not know this kind"),
        (lambda handler: handler.raw(500, b""), ClusterUnavailable, "nothing .status 500"),
        (lambda handler: handler.raw(500, b'{"kind": 7}'), ClusterUnavailable, "none of Kubernetes"),
        (refuses(403, "Forbidden", FORBIDDEN), ClusterForbidden, "nodes is forbidden: User"),
        (refuses(410, "Expired", "The resourceVersion for the provided list is too old."), VersionExpired, "too old"),
        (
            refuses(504, "Timeout", "Timeout: Too large resource version: 99999999, current: 7634"),
            VersionExpired,
            "Too large resource version",
        ),
        (refuses(500, "InternalError", 'strconv.ParseUint: parsing "abc"'), ClusterUnavailable, "strconv.ParseUint"),
        (refuses(403, "Forbidden", "a\nb\u202ec"), ClusterForbidden, r"a\\u000ab\\u202ec"),
    ],
)
async def test_what_is_no_answer_is_an_error_of_ours(
    server: FakeKubernetes, client: Client, answer: Any, error: type[ClusterFailure], text: str
) -> None:
    server.next("list", NODES, answer)
    with pytest.raises(error, match=text):
        await names(client)


async def test_how_long_to_wait_is_what_the_server_says(server: FakeKubernetes, client: Client) -> None:
    for said, expected in (("7", 7.0), ("100000", 60.0), ("soon", None)):
        server.next("list", NODES, refuses(429, "TooManyRequests", "storage is (re)initializing", retry_after=said))
        with pytest.raises(ClusterUnavailable) as caught:
            await names(client)
        assert caught.value.retry_after_s == expected


async def test_an_answer_without_end_is_read_to_its_bound(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 2**20)

    def endless(handler: Handler) -> None:
        handler.begin()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.chunk(b" " * 65536)

    server.next("list", NODES, endless)
    with pytest.raises(ClusterUnavailable, match="the answer is larger than 1 MiB"):
        await names(client)


async def test_a_server_that_says_nothing_is_given_up_in_time(server: FakeKubernetes, client: Client) -> None:
    server.next("list", NODES, lambda handler: handler.hang(10))
    began = time.monotonic()
    with pytest.raises(ClusterUnavailable, match=r"no answer within 0\.3 s"):
        await client.get(NODES, {}, timeout_s=0.3)
    assert time.monotonic() - began < 8


async def test_a_server_that_drips_is_given_up_in_time(server: FakeKubernetes, client: Client) -> None:
    def drip(handler: Handler) -> None:
        handler.begin()
        with contextlib.suppress(OSError):
            for _ in range(200):
                handler.chunk(b" ")
                time.sleep(0.05)

    server.next("list", NODES, drip)
    with pytest.raises(ClusterUnavailable, match=r"no answer within 0\.3 s"):
        await client.get(NODES, {}, timeout_s=0.3)


async def test_a_server_that_is_down_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with opened(Endpoint(f"http://127.0.0.1:{port}")) as client:
        with pytest.raises(ClusterUnavailable, match="the connection was refused"):
            await names(client)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://u:hunter2@127.0.0.1:1"])
async def test_a_proxy_that_cannot_be_used_is_told_without_its_password(proxy: str) -> None:
    async with opened(Endpoint("http://127.0.0.1:1", proxy=proxy)) as client:
        with pytest.raises(ClusterUnavailable, match="expected a URL like http://HOST:PORT") as caught:
            await names(client)
    assert "hunter2" not in caught.value.detail


async def test_the_clock_is_that_of_the_api_server(server: FakeKubernetes, client: Client) -> None:
    assert not client.clock.is_known
    server.ahead_s = 120.0
    await names(client)
    assert client.clock.is_off
    assert client.clock.in_words() == "120 s behind the API server"
    assert abs(client.clock.now() - time.time() - 120) < 3


# Watches


async def watched(client: Client, *, window_s: float = 2.0) -> list[Any]:
    events: list[Any] = []
    await client.watch(NODES, {"resourceVersion": "1"}, events.append, window_s=window_s)
    return events


def sends(*chunks: bytes, end: bool = True) -> Callable[[Handler], None]:
    def act(handler: Handler) -> None:
        handler.begin()
        for chunk in chunks:
            handler.chunk(chunk)
            time.sleep(0.02)
        handler.end() if end else handler.cut()

    return act


async def test_a_watch_gives_an_event_a_line_however_it_is_cut_up(server: FakeKubernetes, client: Client) -> None:
    server.next("watch", NODES, sends(b'{"type":"A', b'DDED"}\n{"type":"MODIFIED"}\n\n{"type":', b'"DELETED"}\n'))
    events = await watched(client)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert server.asked[-1].params == {"resourceVersion": "1", "watch": "1", "timeoutSeconds": "2"}


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (sends(b'{"type":"ADDED"}\n', b'{"type":"MOD'), WatchCut, "in the middle of an event"),
        (sends(b'{"type":"ADDED"}\n', b'{"type":"MOD', end=False), WatchCut, "closed before the answer was complete"),
        (sends(b"<html>Sign in</html>\n"), ClusterUnavailable, "a page of HTML"),
        (sends(b"[]\n"), ClusterUnavailable, "none of Kubernetes"),
        (refuses(410, "Expired", "too old resource version: 2 (2028)"), VersionExpired, "too old resource version"),
        (lambda handler: handler.cut(), ClusterUnavailable, "closed before the answer was complete"),
    ],
)
async def test_a_watch_that_does_not_end_well_is_an_error_of_ours(
    server: FakeKubernetes, client: Client, act: Any, error: type[ClusterFailure], text: str
) -> None:
    server.next("watch", NODES, act)
    with pytest.raises(error, match=text) as caught:
        await watched(client)
    assert type(caught.value) is error


async def test_an_event_without_end_is_read_to_its_bound(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_LINE_BYTES", 1000)
    server.next("watch", NODES, sends(b"x" * 2000, end=False))
    with pytest.raises(ClusterUnavailable, match="an event is larger than"):
        await watched(client)


async def test_a_watch_that_hangs_is_given_up(
    server: FakeKubernetes, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SLACK_S", 0.2)

    def silent(handler: Handler) -> None:
        handler.begin()
        handler.chunk(b'{"type":"ADDED"}\n')
        handler.hang(10)

    began = time.monotonic()
    server.next("watch", NODES, silent)
    with pytest.raises(ClusterUnavailable) as caught:
        await watched(client, window_s=0.3)
    assert not isinstance(caught.value, WatchCut)
    assert time.monotonic() - began < 8


async def test_a_server_that_floods_leaves_others_their_turn(server: FakeKubernetes, client: Client) -> None:
    server.next("watch", NODES, sends(*[b'{"type":"ADDED"}\n' * 2000] * 20))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    assert len(await watched(client)) == 40_000
    other.cancel()
    assert turns > 20
