"""What was reached instead of GitHub is said by its kind, in plain words; so is why nothing was reached."""

import errno
import re
import socket
import ssl
from typing import Any

import httpx2
import pytest
import respx

from failover_api.connection_errors import explain_connection_error
from failover_api.errors import FailoverError, ForgeError, ForgeUnavailable, RepositoryNotFound, WriteUnknown
from failover_api.forge.github.client import GitHubClient
from tests.support.builders import REPO
from tests.support.fake_github import ROOT, Purse, Waits, answer, client_with, refused

PAGE = "<!DOCTYPE html><html><head><title>Sign in &middot;\n GitHub</title></head><body>token=SECRET</body></html>"
GHES = "https://ghe.example.org"


def page(status: int, text: str = PAGE, **headers: str) -> respx.MockResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return respx.MockResponse(status, content=text.encode(), headers={"content-type": "text/html", **named})


async def said_of(http: httpx2.AsyncClient, api: respx.Router, base_url: str, reply: Any) -> FailoverError:
    api.get(url__startswith=base_url).mock(return_value=reply)
    with pytest.raises(FailoverError) as error:
        await client_with(http, Purse(), Waits(), base_url).get(REPO, "/repos/acme/homelab", what="reading")
    assert "SECRET" not in error.value.detail
    return error.value


REDIRECTS = [
    page(302, location=f"{GHES}/login?return_to=SECRET"),
    page(301, location="https://sso.example.org/saml?SAMLRequest=SECRET"),
    page(303, "", location="/login?SECRET"),
    page(307, "", location="http://captive.example.net/"),
    page(302, ""),
]


@pytest.mark.parametrize("reply", [page(404), page(200), page(401), page(403), page(406), *REDIRECTS])
async def test_a_base_without_its_api_is_told_so(http: httpx2.AsyncClient, api: respx.Router, reply: Any) -> None:
    error = await said_of(http, api, GHES, reply)
    assert "what answered at ghe.example.org is not GitHub's API" in error.detail
    assert "expected FAILOVER_GITHUB_URL=https://ghe.example.org/api/v3" in error.detail
    assert "renamed" not in error.detail
    assert isinstance(error, ForgeUnavailable if reply.status_code == 200 else ForgeError)


async def test_a_page_is_named_by_its_title(http: httpx2.AsyncClient, api: respx.Router) -> None:
    error = await said_of(http, api, GHES, page(404))
    assert "(404, a web page titled 'Sign in &middot; GitHub')" in error.detail


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://github.com", "expected FAILOVER_GITHUB_URL=https://api.github.com"),
        ("https://www.github.com", "expected FAILOVER_GITHUB_URL=https://api.github.com"),
        ("https://acme.ghe.com", "expected FAILOVER_GITHUB_URL=https://api.acme.ghe.com"),
        ("https://ghe.example.org:8443/v3", "expected FAILOVER_GITHUB_URL=https://ghe.example.org:8443/api/v3"),
        ("https://api.github.com", "something in between answers for GitHub"),
        ("https://ghe.example.org/api/v3", "something in between answers for GitHub"),
    ],
)
async def test_what_is_expected_depends_on_what_was_asked(
    http: httpx2.AsyncClient, api: respx.Router, base_url: str, expected: str
) -> None:
    assert expected in (await said_of(http, api, base_url, page(404))).detail


async def test_http_that_leads_to_https_is_told_so(http: httpx2.AsyncClient, api: respx.Router) -> None:
    moved = page(301, "", location="https://ghe.example.org/api/v3/repos/acme/homelab")
    error = await said_of(http, api, "http://ghe.example.org/api/v3", moved)
    assert "expected FAILOVER_GITHUB_URL=https://ghe.example.org/api/v3" in error.detail


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (respx.MockResponse(404, text="404 page not found\n"), "404, no JSON"),
        (respx.MockResponse(404, text="default backend - 404"), "404, no JSON"),
        (answer(404, {"error": "404 Not Found"}), "404, JSON of another service"),
        (answer(401, {"errorCode": 7}), "401, JSON of another service"),
        (respx.MockResponse(404), "404, and nothing with it"),
        (respx.MockResponse(403, headers={"server": "squid"}), "403, and nothing with it"),
        (respx.MockResponse(407), "407, a proxy that wants a name and a password"),
        (page(511), "511, a network that wants you to sign in"),
        (page(407), "407, a proxy that wants a name and a password"),
        (page(302, location="https://sso.example.org/?x=SECRET"), "302, a redirect to https://sso.example.org"),
    ],
)
async def test_another_service_is_not_taken_for_github(
    http: httpx2.AsyncClient, api: respx.Router, reply: Any, kind: str
) -> None:
    error = await said_of(http, api, GHES, reply)
    assert type(error) is ForgeError
    assert f"is not GitHub's API ({kind})" in error.detail


RENAMED = {"message": "Moved Permanently", "url": f"{ROOT}/repositories/1", "documentation_url": "https://docs"}


@pytest.mark.parametrize(
    "reply",
    [
        answer(301, RENAMED, location=f"{ROOT}/repositories/1"),
        refused(307, "Temporary Redirect"),
        respx.MockResponse(301, headers={"location": f"{ROOT}/repositories/1/contents/a"}),
    ],
)
async def test_a_renamed_repository_is_still_told(http: httpx2.AsyncClient, api: respx.Router, reply: Any) -> None:
    error = await said_of(http, api, ROOT, reply)
    assert isinstance(error, RepositoryNotFound)
    assert "renamed or moved" in error.detail


async def test_a_page_where_a_write_should_be_answered_leaves_it_unknown(
    client: GitHubClient, api: respx.Router
) -> None:
    api.put(f"{ROOT}/x").mock(return_value=page(200))
    with pytest.raises(WriteUnknown, match="is not GitHub's API") as error:
        await client.write("PUT", REPO, "/x", {}, what="writing")
    assert "SECRET" not in error.value.detail


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_githubs_own_error_page_is_githubs_trouble(client: GitHubClient, api: respx.Router, status: int) -> None:
    api.get(f"{ROOT}/x").mock(return_value=page(status))
    with pytest.raises(ForgeUnavailable, match=f"GitHub answered {status}"):
        await client.get(REPO, "/x", what="reading")


# Nothing was reached


def caused(error: Exception, *causes: BaseException) -> Exception:
    at: BaseException = error
    for cause in causes:
        at.__cause__ = cause
        at = cause
    return error


def connect(*causes: BaseException) -> Exception:
    return caused(httpx2.ConnectError("All connection attempts failed"), *causes)


def certificate(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {message}")
    error.verify_code, error.verify_message = code, message
    return error


def handshake(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


CAUSES = [
    (
        connect(certificate(18, "self-signed certificate")),
        r"not trusted here \(self-signed certificate\); SSL_CERT_FILE",
    ),
    (connect(certificate(20, "unable to get local issuer certificate")), r"not trusted here .*SSL_CERT_FILE"),
    (
        connect(certificate(10, "certificate has expired")),
        r"does not hold now \(certificate has expired\): is the clock",
    ),
    (connect(certificate(62, "Hostname mismatch")), r"for another name \(Hostname mismatch\)"),
    (connect(handshake("WRONG_VERSION_NUMBER")), "does not speak TLS"),
    (connect(handshake("TLSV1_ALERT_INTERNAL_ERROR")), r"no TLS connection .*tlsv1 alert internal error"),
    (connect(socket.gaierror(socket.EAI_NONAME, "Name or service not known")), r"its name is not found \(DNS\)"),
    (connect(socket.gaierror(socket.EAI_AGAIN, "Temporary failure")), "DNS does not answer"),
    (connect(OSError("all failed"), ConnectionRefusedError(errno.ECONNREFUSED, "x")), "the connection was refused"),
    (connect(OSError("all failed"), OSError(errno.EHOSTUNREACH, "x")), "no route"),
    (connect(ExceptionGroup("many", [OSError(errno.ENETUNREACH, "x")])), "no route"),
    (connect(), "something went wrong"),
    (caused(httpx2.ConnectTimeout("x"), TimeoutError()), "no connection in time"),
    (caused(httpx2.ReadTimeout("x"), TimeoutError()), "no answer in time"),
    (httpx2.PoolTimeout("x"), "connections are busy"),
    (httpx2.ReadError("x"), "was cut"),
    (httpx2.RemoteProtocolError("x"), "closed before the answer was complete"),
    (httpx2.ProxyError("407 Proxy Authentication Required"), r"the proxy made no connection \(407 Proxy Auth"),
]


@pytest.mark.parametrize(("error", "said"), CAUSES, ids=str)
def test_why_there_is_no_reply_is_said_in_words(error: Exception, said: str) -> None:
    words = explain_connection_error(error, f"{ROOT}/x")
    assert re.match(rf"api\.github\.com: .*{said}", words)
    assert "Error" not in words
    assert "Timeout" not in words


async def test_no_name_of_an_exception_is_in_an_answer(client: GitHubClient, api: respx.Router) -> None:
    api.get(f"{ROOT}/x").mock(side_effect=httpx2.ReadTimeout("x"))
    with pytest.raises(ForgeUnavailable, match=r"GitHub \(api\.github\.com: no answer in time\)$"):
        await client.get(REPO, "/x", what="reading")


def test_a_proxy_is_named_by_its_variable_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:SECRET@proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "ghe.example.org")
    refusal = connect(ConnectionRefusedError(errno.ECONNREFUSED, "x"))
    said = explain_connection_error(refusal, "https://api.github.com/x?SECRET")
    assert said == "api.github.com, through the proxy of HTTPS_PROXY: the connection was refused"
    assert explain_connection_error(refusal, GHES) == "ghe.example.org: the connection was refused"


async def test_a_port_where_nobody_listens_refuses(waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        client = client_with(http, Purse(), waits, f"http://127.0.0.1:{port}")
        with pytest.raises(ForgeUnavailable, match=r"\(127\.0\.0\.1: the connection was refused\)"):
            await client.get(REPO, "/x", what="reading")
