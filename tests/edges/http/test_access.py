"""Who may call: the real app with an access file, over HTTP."""

import json
import logging
from typing import Any

import httpx2
import pytest

from failover_api.config_file import access_file
from failover_api.core.access.model import Issuer as Configured
from failover_api.core.access.model import Verb, digest_of
from failover_api.edges.http import access
from failover_api.edges.http.access import FAILURES, Authenticator
from failover_api.errors import TooManyRequests, Unauthenticated
from tests.support.answers import problem
from tests.support.issuer import Issuer, github_claims
from tests.support.stage import SERVICES, Stage

FULL, LOOK, DRY, MOVE, PART, OLD = ("full-token", "look-token", "dry-token", "move-token", "part-token", "old-token")
GROUPS = "groups: {all: [sonarr, radarr], media: [sonarr]}"


def token(name: str, secret: str, allow: str, services: str = '"*"', expires: str = "2999-01-01") -> str:
    digest = digest_of(secret)
    return f"  - {{name: {name}, sha256: {digest}, allow: [{allow}], services: [{services}], expires: {expires}}}\n"


TOKENS = "tokens:\n" + "".join(
    (
        token("full", FULL, "view, plan, execute"),
        token("look", LOOK, "view"),
        token("dry", DRY, "plan"),
        token("move", MOVE, "execute"),
        token("part", PART, "view, plan, execute", "sonarr"),
        token("old", OLD, "view, plan, execute", expires="2020-01-01"),
    )
)


@pytest.fixture
def guarded(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=GROUPS)
    stage.access_file.write_text(f"anonymous: none\n{TOKENS}")
    return stage


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_nobody_comes_in_without_a_token(guarded: Stage) -> None:
    async with guarded.client() as client:
        for method, path in (
            ("GET", "/api/failover"),
            ("GET", "/api/failover/sonarr"),
            ("GET", "/api/failover/nosuch"),
            ("GET", "/api/failover/sonarr/history"),
            ("GET", "/api/failover/sonarr/promote?dry-run=true"),
            ("POST", "/api/failover/sonarr/promote"),
            ("POST", "/api/failover/sonarr/demote"),
            ("POST", "/api/failover/sonarr/rollback"),
            ("POST", "/api/groups/all/promote"),
            ("POST", "/api/groups/nosuch/demote"),
            ("GET", "/docs"),
            ("GET", "/openapi.json"),
        ):
            answer = await client.request(method, path)
            problem(answer, "unauthenticated", 401)
            assert answer.headers["www-authenticate"] == 'Bearer realm="failover-api"'
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200
    assert not guarded.requests


async def test_who_asked_is_written_into_the_commit(guarded: Stage) -> None:
    async with guarded.client() as client:
        moved = await client.post("/api/failover/sonarr/promote", headers=bearer(FULL))
    assert moved.status_code == 200
    (move,) = guarded.moves
    assert "Failover-Requested-By: full" in move


@pytest.mark.parametrize(
    ("secret", "path", "method", "status", "slug"),
    [
        (LOOK, "/api/failover/sonarr", "GET", 200, ""),
        (LOOK, "/api/failover/sonarr/promote?dry-run=true", "GET", 403, "forbidden"),
        (LOOK, "/api/failover/sonarr/promote?dry-run=true", "POST", 403, "forbidden"),
        (LOOK, "/api/failover/sonarr/promote", "POST", 403, "forbidden"),
        (LOOK, "/api/failover/sonarr/rollback", "POST", 403, "forbidden"),
        (LOOK, "/api/groups/all/promote", "POST", 403, "forbidden"),
        (DRY, "/api/failover/sonarr", "GET", 200, ""),
        (DRY, "/api/failover/sonarr/promote?dry-run=true", "GET", 200, ""),
        (DRY, "/api/groups/all/promote?dry-run=true", "POST", 200, ""),
        (DRY, "/api/failover/sonarr/promote", "POST", 403, "forbidden"),
        (MOVE, "/api/failover/sonarr", "GET", 403, "forbidden"),
        (MOVE, "/api/failover/sonarr/promote?dry-run=true", "GET", 403, "forbidden"),
        (MOVE, "/api/failover/sonarr/promote", "POST", 200, ""),
        (PART, "/api/failover/sonarr", "GET", 200, ""),
        (PART, "/api/failover/radarr", "GET", 404, "unknown-service"),
        (PART, "/api/failover/radarr/history", "GET", 404, "unknown-service"),
        (PART, "/api/failover/radarr/promote", "POST", 404, "unknown-service"),
        (PART, "/api/failover/radarr/promote?dry-run=true", "GET", 404, "unknown-service"),
        (PART, "/api/failover/radarr/rollback", "POST", 404, "unknown-service"),
        (PART, "/api/groups/all/promote", "POST", 404, "unknown-group"),
        (PART, "/api/groups/media/promote", "POST", 200, ""),
        (OLD, "/api/failover/sonarr", "GET", 401, "unauthenticated"),
        ("guess", "/api/failover/sonarr", "GET", 401, "unauthenticated"),
        (digest_of(FULL), "/api/failover/sonarr", "GET", 401, "unauthenticated"),
    ],
)
async def test_a_token_may_what_its_entry_says(
    guarded: Stage, secret: str, path: str, method: str, status: int, slug: str
) -> None:
    async with guarded.client() as client:
        answer = await client.request(method, path, headers=bearer(secret))
    if slug:
        problem(answer, slug, status)
        assert not guarded.moves
    else:
        assert answer.status_code == status, answer.text


async def test_what_is_hidden_looks_like_what_is_not_there(guarded: Stage) -> None:
    async with guarded.client() as client:
        for hidden, missing in (
            ("/api/failover/radarr", "/api/failover/lidarr"),
            ("/api/groups/all/promote?dry-run=true", "/api/groups/alp/promote?dry-run=true"),
        ):
            method = "POST" if "groups" in hidden else "GET"
            one = (await client.request(method, hidden, headers=bearer(PART))).json()
            other = (await client.request(method, missing, headers=bearer(PART))).json()
            for name in ("radarr", "lidarr", "all", "alp"):
                for body in (one, other):
                    body["detail"] = body["detail"].replace(f"'{name}'", "NAME")
            assert {**one, "instance": ""} == {**other, "instance": ""}
    assert not guarded.requests


async def test_the_list_leaves_out_what_is_hidden(guarded: Stage) -> None:
    app = guarded.app()
    async with guarded.client(app=app) as client:
        seen = (await client.get("/api/failover", headers=bearer(PART))).json()
        whole = (await client.get("/api/failover", headers=bearer(LOOK))).json()
        guarded.declare(SERVICES.replace("deployment: radarr", "deploiment: radarr"))
        app.state.components.catalog.reload()
        part = (await client.get("/api/failover", headers=bearer(PART))).json()["config_error"]
        told = (await client.get("/api/failover", headers=bearer(LOOK))).json()["config_error"]
    assert [service["service"] for service in seen["services"]] == ["sonarr"]
    assert seen["services"][0]["groups"] == ["media"]
    assert [service["service"] for service in whole["services"]] == ["sonarr", "radarr", "plex"]
    assert whole["services"][0]["groups"] == ["all", "media"]
    assert "radarr" in told
    assert part
    assert "radarr" not in part


async def test_anonymous_may_what_the_file_says(guarded: Stage) -> None:
    guarded.access_file.write_text(f"anonymous: plan\n{TOKENS}")
    async with guarded.client() as client:
        assert (await client.get("/api/failover/sonarr")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/api/failover/sonarr/promote?dry-run=true")).status_code == 200
        problem(await client.post("/api/failover/sonarr/promote"), "forbidden", 403)
        problem(await client.get("/api/failover/sonarr", headers=bearer("guess")), "unauthenticated", 401)
        moved = await client.post("/api/failover/sonarr/promote", headers=bearer(FULL))
    assert moved.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", FULL)],
        [("Authorization", f"Basic {FULL}")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Bearer {FULL} {FULL}")],
        [("Authorization", f"Bearer {FULL}"), ("Authorization", f"Bearer {FULL}")],
        [("Authorization", f"Bearer {'x' * 20_000}")],
        [("X-Api-Key", FULL)],
        [("Cookie", f"token={FULL}")],
    ],
)
async def test_only_one_plain_bearer_token_counts(guarded: Stage, headers: list[tuple[str, str]]) -> None:
    async with guarded.client() as client:
        problem(await client.get("/api/failover", headers=httpx2.Headers(headers)), "unauthenticated", 401)


async def test_the_schemes_name_is_read_in_any_case(guarded: Stage) -> None:
    async with guarded.client() as client:
        assert (await client.get("/api/failover", headers={"Authorization": f"bearer {FULL}"})).status_code == 200


# OpenID Connect


@pytest.fixture
def issuer(guarded: Stage) -> Any:
    made = Issuer()
    with made.serve() as url:
        guarded.access_file.write_text(
            f"{TOKENS}issuers:\n  - issuer: {url}\n    audience: failover-api\n    rules:\n"
            '      - match: {repository_id: "123456", ref: refs/heads/main, event_name: workflow_dispatch}\n'
            "        allow: [view, plan, execute]\n        services: [sonarr]\n"
        )
        yield made


async def test_a_jobs_token_moves_what_its_rule_says(guarded: Stage, issuer: Issuer) -> None:
    signed = issuer.sign(github_claims(aud="failover-api"))
    async with guarded.client() as client:
        moved = await client.post("/api/failover/sonarr/promote", headers=bearer(signed))
        problem(await client.post("/api/failover/radarr/promote", headers=bearer(signed)), "unknown-service", 404)
    assert moved.status_code == 200
    (move,) = guarded.moves
    assert "Failover-Requested-By: maria@acme/homelab" in move


async def test_a_token_that_no_rule_knows_is_forbidden_everything(guarded: Stage, issuer: Issuer) -> None:
    signed = issuer.sign(github_claims(aud="failover-api", ref="refs/heads/other"))
    async with guarded.client() as client:
        for path in ("/api/failover", "/api/failover/sonarr"):
            problem(await client.get(path, headers=bearer(signed)), "forbidden", 403)
        problem(await client.post("/api/failover/sonarr/promote", headers=bearer(signed)), "forbidden", 403)
    assert not guarded.moves


async def test_static_tokens_work_while_every_issuer_is_down(guarded: Stage, issuer: Issuer) -> None:
    issuer.down = True
    async with guarded.client() as client:
        answer = await client.get(
            "/api/failover/sonarr", headers=bearer(issuer.sign(github_claims(aud="failover-api")))
        )
        problem(answer, "not-ready", 503)
        assert (await client.post("/api/failover/sonarr/promote", headers=bearer(FULL))).status_code == 200
        problem(await client.get("/api/failover", headers=bearer("guess")), "unauthenticated", 401)


@pytest.mark.parametrize(
    ("url", "claims", "name"),
    [
        (
            "https://token.actions.githubusercontent.com",
            {"actor": "maria", "repository": "acme/homelab"},
            "maria@acme/homelab",
        ),
        ("https://github.acme.example/_services/token", {"actor": "maria", "repository": "a/b"}, "maria@a/b"),
        ("https://id.example", {"sub": "ci", "actor": "maria", "repository": "acme/homelab"}, "ci@id.example"),
        (
            "https://kubernetes.default.svc",
            {"sub": "system:serviceaccount:a:b"},
            "system:serviceaccount:a:b@kubernetes.default.svc",
        ),
        ("https://id.example", {"sub": "a\nFailover-Service: b"}, "a\\u000aFailover-Service: b@id.example"),
    ],
)
def test_a_caller_is_called_by_who_vouches_for_him(url: str, claims: dict[str, Any], name: str) -> None:
    assert access.name_of(Configured(url, "x", ()), claims) == name


# Throttling


async def test_failures_of_an_address_are_throttled_and_a_valid_token_is_not(guarded: Stage) -> None:
    async with guarded.client() as client:
        for _ in range(FAILURES):
            problem(await client.get("/api/failover", headers=bearer("guess")), "unauthenticated", 401)
        answer = await client.get("/api/failover", headers=bearer("guess"))
        problem(answer, "too-many-requests", 429)
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/api/failover", headers=bearer(FULL))).status_code == 200
        problem(await client.get("/api/failover"), "unauthenticated", 401)


async def test_one_host_of_ipv6_has_one_address(guarded: Stage) -> None:
    file = access_file(guarded.access_file)
    file.reload()
    gate = Authenticator(file.current)
    for number in range(FAILURES):
        with pytest.raises(Unauthenticated):
            await gate.identify("guess", f"2001:db8::{number:x}")
    with pytest.raises(TooManyRequests):
        await gate.identify("guess", "2001:db8::ffff")
    with pytest.raises(Unauthenticated):
        await gate.identify("guess", "2001:db8:0:1::1")


# The file


async def test_the_file_is_reloaded_and_a_bad_version_replaces_nothing(guarded: Stage) -> None:
    file = access_file(guarded.access_file)
    file.reload()
    gate = Authenticator(file.current)
    assert (await gate.identify(FULL, "192.0.2.1")).name == "full"
    guarded.access_file.write_text(TOKENS.replace("name: full", "name: renamed"))
    file.reload()
    assert (await gate.identify(FULL, "192.0.2.1")).name == "renamed"
    guarded.access_file.write_text("anonymous: execute\n")
    file.reload()
    assert (await gate.identify(FULL, "192.0.2.1")).name == "renamed"
    guarded.access_file.write_text(TOKENS.replace(digest_of(FULL), digest_of("another")))
    file.reload()
    with pytest.raises(Unauthenticated):
        await gate.identify(FULL, "192.0.2.1")


# The audit log


async def test_every_decision_is_one_line(guarded: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="failover_api.audit")
    async with guarded.client() as client:
        for path, secret in (
            ("/api/failover/sonarr", FULL),
            ("/api/failover/radarr", PART),
            ("/api/failover", "guess"),
            ("/api/failover", LOOK),
        ):
            await client.get(path, headers=bearer(secret))
        await client.post("/api/failover/sonarr/promote", headers=bearer(LOOK))
        await client.post("/api/groups/all/promote", headers=bearer(FULL))
    lines = [record for record in caplog.records if record.name == "failover_api.audit"]
    told = [
        (record.getMessage(), *(getattr(record, key, None) for key in ("caller", "verb", "service", "group", "why")))
        for record in lines
    ]
    assert told == [
        ("access allowed", "full", "view", "sonarr", None, None),
        ("access denied", "part", "view", "radarr", None, None),
        ("access denied", None, None, None, None, "unauthenticated"),
        ("access allowed", "look", "view", None, None, None),
        ("access denied", "look", "execute", "sonarr", None, None),
        ("access allowed", "full", "execute", None, "all", None),
    ]
    assert all(record.address == "127.0.0.1" for record in lines)  # type: ignore[attr-defined] - a field of ours
    assert FULL not in json.dumps([str(vars(record)) for record in caplog.records])


def test_open_to_all_is_what_it_says() -> None:
    anonymous_caller = access.OPEN.anonymous_caller
    assert anonymous_caller.name == "anonymous"
    assert all(anonymous_caller.may(verb, "sonarr") for verb in Verb)
