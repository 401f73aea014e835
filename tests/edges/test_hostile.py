"""Hostile requests: each a problem, none a write, none a traceback."""

import json
import logging
from typing import Any
from urllib.parse import quote

import pytest

from tests.stage import SERVICES, Stage

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


CASES = [*_queries(), *_bodies(), *_others(), *_histories(), *_names()]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 800


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
            problem = json.loads(response.text)
            if problem["outcome"] != "not-applied" or len(response.content) > 2000 or "Traceback" in response.text:
                wrong.append(shown)
    assert not wrong, "\n".join(wrong)
    assert not stage.requests, "none of them reached GitHub"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "reason", ["k3s-w1 is down", "Stromausfall: Küche", "停電", "x" * 200, "🧑‍🚒 fire", "-- #1; $(x)", ""]
)
async def test_a_readable_reason_is_taken(stage: Stage, reason: str) -> None:
    async with stage.client() as client:
        by_body = await client.post(PROMOTE, json={"reason": reason, "dry_run": True})
        by_query = await client.post(PROMOTE, params={"reason": reason, "dry-run": "1"})
        done = await client.post(PROMOTE, json={"reason": reason})
    assert (by_body.status_code, by_query.status_code, done.status_code) == (200, 200, 200)
    assert (f"Reason: {reason}\n" in stage.messages[0]) == bool(reason)


async def test_an_empty_body_of_any_type_is_no_body(stage: Stage) -> None:
    async with stage.client() as client:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            response = await client.post(f"{PROMOTE}?dry-run=1", content=b"", headers={"content-type": kind})
            assert response.status_code == 200
