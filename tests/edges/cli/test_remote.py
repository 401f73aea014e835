"""The command line and a running service: what stands between them, and what is never sent."""

import contextlib
import gzip
import hashlib
import http.server
from collections.abc import Iterator

import httpx2
import pytest

from failover_api.core.planning.request import MoveRequest
from failover_api.edges.cli.backend import Refused
from failover_api.edges.cli.execution import exit_code
from failover_api.edges.cli.remote import RemoteBackend
from tests.support.shell import Cli, listening
from tests.support.stage import Stage


@contextlib.contextmanager
def compressing(url: str, *, weakens: bool) -> Iterator[str]:
    """A proxy that compresses what it may, and makes the ETag weak or drops it then."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            answer = httpx2.request(self.command, url + self.path, headers=headers, content=sent, timeout=30)
            may_compress = "gzip" in self.headers.get("accept-encoding", "")
            body = gzip.compress(answer.content) if may_compress else answer.content
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            if may_compress:
                self.send_header("content-encoding", "gzip")
            etag = answer.headers.get("etag")
            if etag and weakens:
                self.send_header("etag", f"W/{etag}")
            elif etag and not may_compress:
                self.send_header("etag", etag)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = pass_on  # noqa: N815 - named by the library

        def log_message(self, *args: object) -> None:
            pass

    with listening(Handler) as proxy:
        yield proxy


@pytest.mark.parametrize("weakens", [False, True])
def test_a_confirmed_move_works_behind_a_proxy_that_compresses(stage: Stage, weakens: bool) -> None:
    with stage.served() as url, compressing(url, weakens=weakens) as proxy:
        remote = RemoteBackend(proxy, None, timeout_s=30.0)
        shown, versions = remote.move("sonarr", "promote", MoveRequest("maria", dry_run=True))
        assert shown["changed"]
        moved, _ = remote.move("sonarr", "promote", MoveRequest("maria", versions=versions))
        assert moved["changed"]
        with pytest.raises(Refused) as refusal:
            remote.move("sonarr", "demote", MoveRequest("maria", versions=versions))
    assert refusal.value.problem["status"] == 412
    assert len(stage.moves) == 1


def test_without_an_etag_a_confirmed_move_is_not_made(stage: Stage) -> None:
    with stage.served() as url, pytest.raises(Refused) as refusal:
        RemoteBackend(url, None, timeout_s=30.0).move("sonarr", "promote", MoveRequest("maria", versions=frozenset()))
    assert refusal.value.problem["status"] == 412
    assert "--yes" in refusal.value.problem["detail"]
    assert not stage.moves


@pytest.mark.parametrize("token", ["secret\nword", "secret\x00", "secr\u00e4t", "s\u20accret", "two words", "s\x7f"])
def test_a_token_that_no_header_takes_is_not_sent(token: str) -> None:
    with pytest.raises(Refused) as refusal:
        RemoteBackend("http://127.0.0.1:9", token, timeout_s=5.0).move("sonarr", "promote", MoveRequest("maria"))
    assert (refusal.value.problem["status"], exit_code(refusal.value.problem)) == (400, 2)
    assert "nothing was sent" in refusal.value.problem["detail"]
    assert token not in refusal.value.problem["detail"]


def test_a_token_that_no_header_takes_is_said_in_a_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_TOKEN", "secr\u00e4t")
    told = cli("promote", "sonarr", "--server", "http://127.0.0.1:9", code=2)
    assert "nothing was sent" in told.stderr
    assert "secr" not in told.stderr


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".com"])
def test_a_host_that_is_no_name_is_not_reached(cli: Cli, host: str) -> None:
    assert cli.json("promote", "sonarr", "--server", f"http://{host}", code=1)["outcome"] == "not-applied"


def test_a_line_end_behind_a_token_is_no_part_of_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_TOKEN", "word\r\n")
    digest = hashlib.sha256(b"word").hexdigest()
    cli.stage.access_file.write_text(f"tokens: [{{name: maria, sha256: {digest}, allow: [view], services: ['*']}}]\n")
    with cli.stage.served() as url:
        assert cli.json("list", "--server", url)["services"]


@pytest.mark.parametrize(
    "url",
    [
        "f oo",
        "ftp://x",
        "http://",
        "http://u:geheim@h",
        "http://h:99999",
        "http://[::1",
        "http://h/?t=geheim",
        "http://a b",
    ],
)
def test_a_url_that_is_no_base_is_not_shown(cli: Cli, url: str) -> None:
    problem = cli.json("status", "sonarr", "--server", url, code=1)
    assert problem["detail"] == "--server: expected a URL like https://failover.example.org"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE: /nowhere/ca.pem: cannot read the authorities to trust"),
        ("SSL_CERT_FILE", __file__, "(no certificate in PEM form)"),
        ("HTTP_PROXY", "socks5://h:1", "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY: expected a URL like http://HOST:PORT"),
        ("HTTP_PROXY", "foo://u:geheim@h", "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY: expected a URL like http://HOST:PORT"),
        ("ALL_PROXY", "http://[::1", "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY: expected a URL like http://HOST:PORT"),
        ("ALL_PROXY", "http://u:geheim@127.0.0.1:9", "127.0.0.2, through the proxy of ALL_PROXY: the connection was"),
        ("FAILOVER_DEADLINE_S", "5", "http://127.0.0.2:9 cannot be reached (127.0.0.2: the connection was refused)"),
    ],
)
def test_why_a_service_is_not_reached_is_said_in_words(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    told = cli("promote", "sonarr", "--server", "http://127.0.0.2:9", code=1)
    assert said in told.stderr
    assert "geheim" not in told.stderr
