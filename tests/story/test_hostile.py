"""Hostile requests: each a problem, none a write, none a traceback."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from failover_api.core.text.escaping import unescape_for_git
from tests.support.raw_http import Reply, exchange
from tests.support.server import serving
from tests.support.stage import SERVICES, Stage

PROMOTE = "/api/failover/sonarr/promote"
ROLLBACK = "/api/failover/sonarr/rollback"
GROUP = "/api/groups/media/promote"
HISTORY = "/api/failover/sonarr/history"
WRITING = (PROMOTE, "/api/failover/sonarr/demote", ROLLBACK, GROUP, "/api/groups/media/demote")
JSON = {"content-type": "application/json"}
Case = tuple[str, str, Any, dict[str, str], int]


def _queries() -> list[Case]:
    bad = [
        "dry-run=", "dry-run", "dry-run=True", "dry-run=TRUE", "dry-run=yes", "dry-run=no", "dry-run=on", "dry-run=2",
        "dry-run=-1", "dry-run=01", "dry-run=+1", "dry-run=1.0", "dry-run=%20true", "dry-run=true%20",
        "dry-run=true%00",
        "dry-run=null", "dry-run=None", "dry-run=[]", "dry-run=%EF%BC%91", "dry-run=t", "dry-run=truetrue",
        "dry-run=true&dry-run=true", "dry-run=true&dry-run=false", "dry-run=true&dry_run=true", "dry_run=", "dry_run",
        "dryrun=true", "dry%2Drun=x", "DRY-RUN=true", "dry-run[]=true", "dry-run%00=true", "dry-run=true&x=1",
        "force=", "force", "force=yes", "force=true&force=true", "force=2", "Force=true", "forced=true",
        "reason=a&reason=b", "reason=" + "x" * 201, "reason=%0A", "reason=a%0AFailover-Operation:%20forged",
        "reason=a%0DFailover-To:%20x", "reason=%ff", "reason=a%FFb", "reason=%EF%BF%BD",
        "reason=%00", "reason=%1B[31m", "reason=%7F", "reason=%C2%85",
        "reason=%E2%80%A8",
        "reason=%E2%80%A9", "reason=%E2%80%AE", "reason=%EF%BB%BF", "reason=%C2%A0" * 201, "reason=%09tab",
        "supersed=true", "supersede=", "supersede=yes", "supersede=true&supersede=true", "skip_refused=maybe",
        "skip_refused=1&skip_refused=0", "skip-refused=true", "limit=5", "cursor=x", "key=alert-1",
        "version=1", "=true", "&&x", "a" * 5000 + "=1", "dry-run=" + "1" * 5000, "%00=1",
        "__proto__=1",
    ]  # fmt: skip
    return [("POST", f"{url}?{query}", b"", {}, 400) for url in WRITING for query in bad]


def _bodies() -> list[Case]:
    bad: list[bytes] = [
        b"{", b"}", b"[]", b"[1]", b"null", b"true", b"1", b'"x"', b'"dry_run"', b"{}{}", b"{} x", b"dry_run=true",
        b"'{}'", b"\xff\xfe", b"\x00", b'{"dry_run": }', b'{"dry_run": NaN}', b'{"dry_run": Infinity}', b"NaN",
        b'{"reason": -Infinity}', b'{"dry_run": "true"}', b'{"dry_run": "yes"}', b'{"dry_run": null}',
        b'{"dry_run": 2}',
        b'{"dry_run": -1}', b'{"dry_run": 1.0}', b'{"dry_run": 1e400}', b'{"dry_run": ' + b"9" * 5000 + b"}",
        b'{"dry_run": []}', b'{"dry_run": {}}', b'{"dry_run": [true]}', b'{"dry_run": true, "dry_run": true}',
        b'{"dry_run": true, "dry-run": true}', b'{"dry_run": true, "dry_run": false}', b'{"Dry_Run": true}',
        b'{"dryRun": true}', b'{"unknown": 1}', b'{"": 1}', b'{"reason": 1}', b'{"reason": null}', b'{"reason": []}',
        b'{"reason": {"a": "b"}}', b'{"reason": true}', b'{"reason": "a\\nFailover-Service: forged"}',
        b'{"reason": "\\u0000"}', b'{"reason": "\\u001b[2J"}', b'{"reason": "\\ud800"}', b'{"reason": "\\u2028"}',
        b'{"reason": "\\u202e"}', b'{"reason": "\\ufffd"}',
        b'{"reason": "' + b"x" * 201 + b'"}', b'{"reason": "a", "reason": "b"}',
        b'{"force": "true"}', b'{"force": null}', b'{"__class__": 1}', b'{"reason": "\n"}',
        b'[["dry_run", true]]', b"[" * 30000, b'{"a":' * 10000, b'{"reason":' + b"[" * 20000 + b"]" * 20000 + b"}",
        '{"dry_run": true}'.encode("utf-16"), b"\xef\xbb\xbf{", b"// c\n{}", b"{'dry_run': true}",
        b'{"dry_run": true,}', b'{"supersede": "true"}', b'{"supersede": null}', b'{"skip_refused": 2}',
        b'{"skip-refused": true}', b'{"idempotency_key": "a"}', b'{"service": "plex"}', b'{"services": ["plex"]}',
    ]  # fmt: skip
    return [("POST", url, body, JSON, 400) for url in WRITING for body in bad]


def _others() -> list[Case]:
    deep = b'{"reason": "' + b"x" * 70_000 + b'"}'
    cases: list[Case] = [
        ("POST", f"{PROMOTE}?dry-run=true", b'{"dry_run": false}', JSON, 400),
        ("POST", f"{PROMOTE}?dry-run=false", b'{"dry_run": true}', JSON, 400),
        ("POST", f"{PROMOTE}?reason=a", b'{"reason": "b"}', JSON, 400),
        ("POST", f"{PROMOTE}?force=true", b'{"force": false}', JSON, 400),
        ("POST", PROMOTE, deep, JSON, 413),
        ("POST", PROMOTE, b" " * 65_537, JSON, 413),
        ("POST", PROMOTE, b"\0" * 1_000_000, {"content-type": "application/octet-stream"}, 413),
        ("GET", f"{PROMOTE}?dry-run=", b"", {}, 400),
        ("GET", f"{PROMOTE}?dry-run", b"", {}, 400),
        ("GET", f"{PROMOTE}?dry-run=true&dry-run=true", b"", {}, 400),
        ("GET", f"{PROMOTE}?dry-run=yes", b"", {}, 400),
        ("GET", f"{PROMOTE}?dry-run=true&reason=%0A", b"", {}, 400),
    ]
    kinds = [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "", "*/*",
        "application/problem+json", "application/jsonp", "application/json/", "application/xml",
    ]  # fmt: skip
    cases += [("POST", PROMOTE, b'{"dry_run": true}', {"content-type": kind}, 415) for kind in kinds]
    for url, strange in ((PROMOTE, "skip_refused"), (ROLLBACK, "force"), (ROLLBACK, "skip_refused")):
        cases.append(("POST", f"{url}?{strange}=false", b"", {}, 400))
        cases.append(("POST", url, b'{"%s": false}' % strange.encode(), JSON, 400))
    for url in WRITING:
        cases.append(("POST", f"{url}?supersede=true", b'{"supersede": false}', JSON, 400))
        cases.append(("POST", url, deep, JSON, 413))
        cases.append(("POST", url, b'{"reason": "x"}', {"content-type": "text/plain"}, 415))
        cases.append(("GET", f"{url}?dry-run=true&supersede=", b"", {}, 400))
        cases.append(("GET", url, b"", {}, 405))
        cases += [("POST", url, b"", {"idempotency-key": key}, 400) for key in ("", " ", "k" * 256, "k" * 9000, "a\tb")]
        cases += [("POST", url, b"", {"sec-fetch-site": site}, 403) for site in ("cross-site", "same-site")]
    return cases


def _histories() -> list[Case]:
    bad = [
        "limit=", "limit", "limit=0", "limit=-0", "limit=101", "limit=1.0", "limit=0x10", "limit=1_0", "limit=%201",
        "limit=1%00", "limit=%D9%A1", "limit=1&limit=1", "limit=" + "9" * 5000, "limit[]=1", "LIMIT=1", "dry-run=true",
        "reason=x", "cursor=a&cursor=a", "page=1", "=1", "__proto__=1", "%00=1",
        "cursor=", "cursor", "cursor=x", "cursor=-1", "cursor=%00", "cursor=../..", "cursor=" + "f" * 5000,
        "cursor=HEAD",
        "cursor=main", "cursor=%F0%9F%92%A3", "cursor=%7B%7D", "cursor=" + "0" * 40, "cursor=" + "0" * 40 + ".-1",
    ]  # fmt: skip
    return [("GET", f"{HISTORY}?{query}", b"", {}, 400) for query in bad]


def _names() -> list[Case]:
    names = [
        "..%2f..%2fetc%2fpasswd", "%2e%2e%2fsonarr", "sonarr%00", "%00", "sonarr%0a", "sonarr%20",
        "Sonarr", "SONARR", "sonarr%2f", "sonarr%5c", "%ff", "%c0%ae%c0%ae", "s%C3%B6narr", "%E2%80%AEsonarr",
        "sonarr;x",
        "sonarr,plex", "sonarr%3Fdry-run=true", "%25", "%2525", "*", "sonarr*", "'%20or%201=1--",
        "%24%7Bjndi:ldap:x%7D",
        "{{7*7}}", "<script>", "a" * 10_000, quote("é" * 3000), "__init__", "null", "-", "group-x", "sonarr:promote",
        "~",
    ]  # fmt: skip
    routes = [("POST", "failover/{}/promote"), ("POST", "failover/{}/rollback"), ("POST", "groups/{}/promote"),
              ("GET", "failover/{}/history"), ("GET", "groups/{}/demote?dry-run=1")]  # fmt: skip
    return [(method, "/api/" + path.format(name), b"", {}, 404) for method, path in routes for name in names]


def _methods() -> list[Case]:
    odd = [
        "PUT",
        "PATCH",
        "DELETE",
        "LOCK",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "M-SEARCH",
        "A" * 500,
    ]
    urls = [PROMOTE, ROLLBACK, GROUP, HISTORY, "/api/failover", "/api/failover/sonarr"]
    cases: list[Case] = [(method, url, b"", {}, 405) for url in urls for method in odd]
    cases += [("HEAD", url, b"", {}, 405) for url in (PROMOTE, ROLLBACK, GROUP)]  # as GET: only of a dry run
    cases += [("POST", url, b"", {}, 405) for url in (*urls[3:], "/healthz", "/readyz", "/docs", "/openapi.json")]
    hints = ("x-http-method-override", "x-http-method", "x-method-override")
    cases += [("GET", PROMOTE, b"", {hint: "POST"}, 405) for hint in hints]
    return cases


def _addresses() -> list[Case]:
    urls = [
        "/api", "/api/", "/api/failover/", "//api/failover", "/api//failover", "/API/failover", "/api/failover/sonarr/",
        f"{PROMOTE}/", f"{PROMOTE}%00", f"{PROMOTE}%20", f"{PROMOTE}%0d%0aX:%20y", f"{PROMOTE};a=b", f"{PROMOTE}.json",
        "/api/failover/sonarr/promot", "/api/failover/sonarr/delete", "/api/failover/sonarr/promote/force",
        "/api/groupes",
        "/api/groups/media", "/api/groups/media/rollback", "/api/groups/media/history", "/.env", "/.git/config",
        "/config/services.yaml", "/config/access.yaml", "/secrets/key.pem", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/docs/../openapi.json%00", "/docs/oauth2-redirect", "/redoc", "/openapi.yaml", "/wp-login.php", "/cgi-bin/x",
        "/%c0%ae%c0%ae/x", "/%ff", "/\u0000".replace("\u0000", "%00"), "/" + "a" * 20_000, "/" + "a/" * 5_000, "/*",
        "/%E2%80%AE",
        "/http://169.254.169.254/latest", "/actuator/env", "/debug", "/console", "/server-status", "/graphql",
        "/v1/promote",
    ]  # fmt: skip
    return [(method, url, b"", {}, 404) for url in urls for method in ("GET", "POST")]


def _headers() -> list[Case]:
    whole = f'"{"0" * 32}.{"0" * 16}"'
    tags = [
        "x", "", '""', '"x"', f"w/{whole}", whole[:-1], whole[1:], whole.upper().replace("0", "A"), f"{whole};",
        f"{whole} {whole}",
        f"{whole},", f"{whole}, *", "*, *", "null", '"' + "0" * 32 + '"', "'" + whole[1:-1] + "'", '"' * 3000, "\\",
        "<script>",
    ]  # fmt: skip
    cases: list[Case] = [("POST", url, b"", {"if-match": tag}, 412) for url in WRITING for tag in tags]
    cases += [("GET", f"{PROMOTE}?dry-run=1", b"", {"if-match": tag}, 412) for tag in tags]
    cases += [("POST", url, b"", {"x": "a" * 40_000}, 400) for url in (*WRITING, "/healthz", "/nowhere")]
    both = {"content-length": "2", "transfer-encoding": "chunked"}
    cases += [("POST", url, b"{}", both, 400) for url in (*WRITING, "/healthz", "/nowhere")]
    large = {"content-length": "65537"}
    cases += [
        (method, url, b"", large, 413) for url in ("/healthz", "/docs", "/nowhere", GROUP) for method in ("GET", "PUT")
    ]
    cases += [("GET", HISTORY, b"x" * 65_537, {}, 413), ("DELETE", "/nowhere", b"x" * 70_000, {}, 413)]
    return cases


CASES = [*_queries(), *_bodies(), *_others(), *_histories(), *_names(), *_methods(), *_addresses(), *_headers()]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 1200


async def test_every_hostile_request_is_a_problem_and_writes_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = []
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    async with stage.client() as client:
        for method, url, body, headers, expected in CASES:
            response = await client.request(method, url, content=body, headers=headers)
            shown = f"{method} {url[:90]} {body[:60]!r} {headers}: {response.status_code} {response.text[:200]}"
            media_type = response.headers.get("content-type")
            if (response.status_code, media_type) != (expected, "application/problem+json"):
                wrong.append(shown)
                continue
            if method == "HEAD":
                continue
            problem = json.loads(response.text)
            if problem["outcome"] != "not-applied" or len(response.content) > 2000 or "Traceback" in response.text:
                wrong.append(shown)
    assert not wrong, "\n".join(wrong)
    assert not stage.requests, "none of them reached GitHub"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


# As bytes: what no client library would send

HOST = b"Host: failover.test\r\n"
POST = b"POST %s HTTP/1.1\r\n%s" % (PROMOTE.encode(), HOST)
SENT_JSON = POST + b"Content-Type: application/json\r\n"
CHUNKED = SENT_JSON + b"Transfer-Encoding: chunked\r\n"
KIB = b"x" * 1024


def _starts() -> list[bytes]:
    """First lines; what is no HTTP at all."""
    lines = [
        b"", b"X", b"GET", b"GET /healthz", b"GET  /healthz HTTP/1.1", b"GET /healthz  HTTP/1.1",
        b"GET /healthz HTTP/1.1 x",
        b" GET /healthz HTTP/1.1", b"GET\t/healthz\tHTTP/1.1", b"GET /healthz HTTP/1", b"GET /healthz HTTP/x.y",
        b"GET /healthz HTTP/11.1", b"GET /healthz http/1.1", b"GET /healthz HTTPS/1.1", b"GET /healthz SIP/2.0",
        b"G\xe9T /healthz HTTP/1.1", b"GE(T /healthz HTTP/1.1", b"G\x00T /healthz HTTP/1.1", b"GET /\x00 HTTP/1.1",
        b"GET /h\xc3\xa9 HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /\x7f HTTP/1.1",
        b"GET /\x1b[2J HTTP/1.1", b"GET \xe2\x80\xae HTTP/1.1", b"HTTP/1.1 200 OK", b"{}", b"\r\r\n",
    ]  # fmt: skip
    junk = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", b"\x05\x01\x00\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"\x00" * 1000 + b"\r\n\r\n", b"\xff\xfe" * 500 + b"\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n".encode("utf-16") + b"\r\n\r\n",
        b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"A" * 100_000,
    ]  # fmt: skip
    return [line + b"\r\n" + HOST + b"\r\n" for line in lines] + junk


def _heads() -> list[bytes]:
    """Header fields, of a request that is fine otherwise."""
    fields = [
        b"No colon", b"Bad Name: x", b"Name : x", b": x", b"X\x00: x", b"X: a\x00b", b"X\xe9: x", b"X: a\rb", b"(x): y",
        b"X: \x0b", b"Content-Length: -1", b"Content-Length: +1", b"Content-Length: 0x10", b"Content-Length: 1e3",
        b"Content-Length: ", b"Content-Length: 1 2", b"Content-Length: 1,2", b"Content-Length: 2\r\nContent-Length: 3",
        b"Content-Length: " + b"9" * 21, b"Content-Length: " + b"9" * 5000, b"Content-Length: \xb2",
        b"Content-Length: 1.0",
        b"Content-Length: 65537", b"Content-Length: 9999999999", b"Content-Length: abc", b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: ",
        b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"Host: other", b"Host: failover.test",
        b"X: " + b"a" * 40_000,
        b"X: 1\r\n" * 8_000 + b"X: 1", b"X" * 40_000 + b": 1", b"If-Match: \xff", b"Idempotency-Key: \xe9",
        b"Idempotency-Key: a\tb",
        b"Idempotency-Key: a\r\nIdempotency-Key: b", b'If-Match: "', b"Sec-Fetch-Site: cross-site",
        b"Sec-Fetch-Site: same-site",
        b"Sec-Fetch-Site: same-site\r\nOrigin: null", b"Expect: 100-continue\r\nContent-Length: 70000",
    ]  # fmt: skip
    posts = [POST + field + b"\r\n\r\n{}" for field in fields]
    hostless = [b"POST %s HTTP/1.1\r\n\r\n" % PROMOTE.encode(), b"GET /healthz HTTP/1.1\r\nhOsT:a\r\nHOST:b\r\n\r\n"]
    return posts + hostless


def _chunks() -> list[bytes]:
    """Bodies that are chunked badly, too long, of the wrong kind, or never end."""
    bad = [
        b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"+2\r\n{}\r\n", b"0x2\r\n{}\r\n", b"2 \x00\r\n{}\r\n",
        b"\r\n{}\r\n",
        b"2\r\n{}XX0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"f" * 30 + b"\r\n", b"1_0\r\n{}\r\n",
        b"2;" + b"a" * 40_000 + b"\r\n{}\r\n",
        b"\xd9\xa2\r\n{}\r\n", b"2\r\n{}\r\n0\r\nX\x00: y\r\n\r\n", b"2\r\n{}\r\n0\r\nno colon\r\n\r\n", b"2\n\n{}\r\n",
        b"2\r\n{}\r\n0\r\nX: " + b"a" * 40_000, b"400\r\n%s\r\n" % KIB * 65, b"20000\r\n" + KIB * 128,
        b"1\r\n{\r\n" + b"1\r\nx\r\n" * 2_000 + b"0\r\n\r\n", b"1\r\n{\r\n0\r\n\r\n", b"400\r\n{", b"2\r\n{}\r\n",
    ]  # fmt: skip
    lengths = [
        (500, b"{"),
        (1, b"{"),
        (3, b"\xff\xfe\xfd"),
        (2, b"[]"),
        (4, b"null"),
        (65_537, KIB * 65),
        (100_000, KIB * 98),
    ]
    sized = [SENT_JSON + b"Content-Length: %d\r\n\r\n" % size + body for size, body in lengths]
    untyped = [POST + b"Content-Length: 2\r\n\r\n{}", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
    return [CHUNKED + b"\r\n" + body for body in bad] + sized + untyped


def _targets() -> list[bytes]:
    """Methods and targets; upgrades; a request within a request."""
    lines = [
        b"OPTIONS * HTTP/1.1", b"OPTIONS /api/nonesuch HTTP/1.1", b"TRACE %s HTTP/1.1" % PROMOTE.encode(),
        b"CONNECT failover.test:443 HTTP/1.1", b"HEAD %s HTTP/1.1" % PROMOTE.encode(),
        b"GET %s HTTP/1.1" % PROMOTE.encode(),
        b"PATCH %s HTTP/1.1" % PROMOTE.encode(), b"DELETE /api/failover/sonarr HTTP/1.1",
        b"post %s HTTP/1.1" % PROMOTE.encode(),
        b"GET http://169.254.169.254/latest HTTP/1.1", b"POST http://failover.test%s HTTP/1.1" % PROMOTE.encode(),
        b"GET file:///etc/passwd HTTP/1.1", b"GET //etc/passwd HTTP/1.1", b"GET /../../etc/passwd HTTP/1.1",
        b"GET .. HTTP/1.1",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", b"GET /api/failover/../../etc/passwd HTTP/1.1", b"GET ? HTTP/1.1",
        b"GET /%00 HTTP/1.1", b"GET /%zz HTTP/1.1", b"GET /% HTTP/1.1", b"GET /\\x HTTP/1.1", b"GET # HTTP/1.1",
        b"POST %s?reason=%%0d%%0aX:%%20y HTTP/1.1" % PROMOTE.encode(),
        b"POST %s?reason=%%zz%%ff HTTP/1.1" % PROMOTE.encode(),
        b"POST %s? HTTP/3.0 HTTP/1.1" % PROMOTE.encode(), b"POST %s#x HTTP/1.1" % PROMOTE.encode(),
    ]  # fmt: skip
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    hops = b"Connection: close, Host, Content-Length\r\nKeep-Alive: x\r\nTE: trailers\r\nProxy-Authorization: x\r\n"
    plain = b"GET %s HTTP/1.1\r\n%s" % (PROMOTE.encode(), HOST)
    h2c = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"
    within = SENT_JSON + b"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + POST + b"\r\n"
    odd = [
        plain + upgrade + b"\r\n",
        plain + h2c + b"\r\n",
        plain + hops + b"\r\n",
        POST + upgrade + b"Content-Length: x\r\n\r\n",
    ]
    return [line + b"\r\n" + HOST + b"\r\n" for line in lines] + [*odd, within]


WIRE = [*_starts(), *_heads(), *_chunks(), *_targets()]


def test_bytes_that_are_no_request_are_a_problem_and_write_nothing(stage: Stage) -> None:
    wrong = []
    assert len(set(WIRE)) >= 140
    with (
        serving(stage, "--insecure-no-auth", FAILOVER_RECEIVE_TIMEOUT_S="0.5") as server,
        ThreadPoolExecutor(16) as pool,
    ):
        address = server.address
        for sent, reply in zip(WIRE, pool.map(partial(exchange, address), WIRE), strict=True):
            if fault := _fault_of(reply, has_body=not sent.startswith(b"HEAD")):
                wrong.append(f"{sent[:120]!r}: {fault}: {reply}")
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
    assert not wrong, "\n".join(wrong)
    assert not stage.requests, "none of them reached GitHub"
    assert not [line for line in server.lines if "Traceback" in line or '"error"' in line]


def _fault_of(reply: Reply | None, *, has_body: bool) -> str | None:
    """What is wrong with the answer to something hostile."""
    if reply is None:
        return "no answer"
    if not 400 <= reply.status < 500 or reply.headers["content-type"] != "application/problem+json":
        return "not a problem of the caller's"
    if "server" in reply.headers or reply.headers["cache-control"] != "no-store":
        return "headers"
    if has_body and (reply.problem["status"], reply.problem["outcome"]) != (reply.status, "not-applied"):
        return "not true"
    return None


@pytest.mark.parametrize(
    "reason", ["k3s-w1 is down", "Stromausfall: Küche", "停電", "x" * 200, "🧑‍🚒 fire", "-- #1; $(x)", ""]
)
async def test_a_readable_reason_is_taken(stage: Stage, reason: str) -> None:
    async with stage.client() as client:
        by_body = await client.post(PROMOTE, json={"reason": reason, "dry_run": True})
        by_query = await client.post(PROMOTE, params={"reason": reason, "dry-run": "1"})
        done = await client.post(PROMOTE, json={"reason": reason})
    assert (by_body.status_code, by_query.status_code, done.status_code) == (200, 200, 200)
    assert (f"Reason: {reason}\n" in unescape_for_git(stage.messages[0])) == bool(reason)


async def test_an_empty_body_of_any_type_is_no_body(stage: Stage) -> None:
    async with stage.client() as client:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            response = await client.post(f"{PROMOTE}?dry-run=1", content=b"", headers={"content-type": kind})
            assert response.status_code == 200
