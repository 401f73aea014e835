"""Known secrets go into every input; none may come out: not in an answer, not in a log, not in a terminal."""

import logging
import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from failover_api.core.access.model import digest_of
from failover_api.edges.cli.main import app
from failover_api.logs import JsonFormatter
from tests.support.issuer import Issuer, github_claims
from tests.support.shell import Cli
from tests.support.stage import FILES, SERVICES, SONARR, Stage

HIDDEN = (
    b"---\nkind: Secret\nmetadata: {name: sonarr-key}\nstringData:\n  padding: |\n"
    + b"    x\n" * 20
    + b"    MANIFEST\n"
)


class Secrets:
    """Each by what it is; `found_in` names those that a text shows, whole or by a good part."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def __call__(self, what: str, value: str | None = None) -> str:
        self.of[what] = value or f"s3cret{secrets.token_hex(16)}"
        return self.of[what]

    def found_in(self, text: str) -> list[str]:
        return [what for what, value in self.of.items() if value in text or value[8:32] in text]


@pytest.fixture
def hidden() -> Secrets:
    return Secrets()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """Everything that was logged, at any level, as it would be written."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(JsonFormatter().format(record) for record in caplog.records)


def requests(hidden: Secrets, bearers: list[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = [
        ("GET", "/api/failover"),
        ("GET", "/api/failover/sonarr"),
        ("GET", "/api/failover/sonarr/history"),
        ("GET", "/api/failover/nosuch"),
        ("GET", "/api/failover/sonarr/promote?dry-run=true"),
        ("POST", "/api/failover/sonarr/promote"),
        ("POST", "/api/failover/sonarr/rollback"),
        ("POST", "/api/groups/all/promote"),
        ("POST", "/api/groups/all/demote?dry-run=yes"),
        ("DELETE", "/api/failover/sonarr"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/readyz"),
        ("GET", "/nowhere"),
        ("GET", "/"),
    ]
    carried = {"Cookie": f"session={hidden('cookie')}", "X-Api-Key": hidden("api key"), "If-Match": '"x"'}
    for method, path in paths:
        for bearer in bearers:
            yield method, path, {"headers": {"Authorization": bearer}}
        yield method, path, {"headers": carried}
        if method == "POST":
            yield method, path, {"headers": {"Idempotency-Key": hidden("key")}, "json": {"reason": 7}}
            yield method, path, {"content": b'{"reason": "' + hidden("broken body").encode()}


async def test_the_service_shows_none(stage: Stage, hidden: Secrets, log: Any) -> None:
    hidden("token that GitHub does not know")
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr]}")
    stage.commit({SONARR: FILES[SONARR] + HIDDEN.replace(b"MANIFEST", hidden("manifest").encode())})
    static, issuer = hidden("static token"), Issuer()
    entry = f"tokens:\n  - {{name: ops, sha256: {digest_of(static)}, allow: [view, plan, execute]}}\n"
    with issuer.serve() as url:
        rule = "[{match: {repository_id: 123456}, allow: [view, plan]}]"
        stage.access_file.write_text(
            f"{entry}issuers:\n  - {{issuer: '{url}', audience: failover-api, rules: {rule}}}\n"
        )
        signed = issuer.sign(github_claims(aud="failover-api"))
        late = issuer.sign(github_claims(aud="failover-api"), expires_in_s=-100)
        for what, token in (("job's token", signed), ("job's old token", late)):
            hidden(what, token.rpartition(".")[2])
        bearers = [
            f"Bearer {static}",
            f"Bearer {signed}",
            f"Bearer {late}",
            f"Bearer {hidden('guess')}",
            f"Basic {hidden('password')}",
            f"Bearer {hidden('first')} {hidden('second')}",
        ]
        shown = []
        for settings in (stage.settings(), stage.settings(github_token=hidden.of["token that GitHub does not know"])):
            async with stage.client(settings) as client:
                for method, path, how in requests(hidden, bearers):
                    answer = await client.request(method, path, **how)
                    shown.append(f"{method} {path} {answer.status_code} {answer.headers!r} {answer.text}")
    assert len(shown) > 200
    assert {line.split()[2] for line in shown} > {"200", "400", "401", "403", "404", "405"}
    for text in (*shown, *log().splitlines()):
        assert not hidden.found_in(text), text


async def test_an_apps_key_and_tokens_are_not_shown(stage: Stage, hidden: Secrets, log: Any) -> None:
    hidden("App's key", "".join(stage.sandbox.private_key_pem.split("\n")[1:3]))
    shown = []
    for spoil in (None, "suspended", hidden("bad key")):
        settings = stage.app_settings()
        if spoil == "suspended":
            stage.sandbox.suspend()
        elif spoil:
            (stage.folder / "key.pem").write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{spoil}\n", encoding="ascii")
        async with stage.client(settings) as client:
            shown += [(await client.get(path)).text for path in ("/api/failover", "/readyz")]
    assert any(request.authorization == "installation" for request in stage.requests)
    for text in (*shown, log()):
        assert not hidden.found_in(text)
        assert "ghs_" not in text


@pytest.mark.parametrize("words", [("list",), ("status", "sonarr"), ("check",), ("promote", "sonarr", "--dry-run")])
def test_the_command_line_shows_none(
    cli: Cli, stage: Stage, hidden: Secrets, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FAILOVER_TOKEN", hidden("token"))
    monkeypatch.setenv("FAILOVER_GITHUB_TOKEN", hidden("token for GitHub"))
    asked = [(), ("--json",)] if words == ("check",) else [(), ("--json",), ("--server", "http://127.0.0.1:1")]
    for extra in asked:
        result = CliRunner().invoke(app, [*words, *extra])
        assert "Traceback" not in result.output
        assert not hidden.found_in(result.output + result.stderr)


def test_a_password_in_a_url_is_not_shown(cli: Cli, hidden: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_URL", f"https://me:{hidden('password')}@github.example.com/api/v3")
    result = cli("list", code=2)
    assert not hidden.found_in(result.output + result.stderr)


async def test_the_search_finds_what_is_there(hidden: Secrets) -> None:
    """Else the tests above could not fail."""
    value = hidden("anything")
    assert hidden.found_in(f"x{value}y") == ["anything"]
    assert hidden.found_in(httpx2.Headers({"a": value[8:32]})["a"]) == ["anything"]
    assert not hidden.found_in("nothing")
