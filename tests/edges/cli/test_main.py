"""The command line: output, exit codes, and the same over HTTP."""

import inspect
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import failover_api
import failover_api.errors
from failover_api.edges.cli.execution import exit_code
from failover_api.edges.cli.main import app
from failover_api.edges.problems import STATUSES, problem
from failover_api.errors import FailoverError
from tests.support.shell import Cli, answering
from tests.support.stage import FILES, RADARR, RELEASE, SONARR, Stage, entry

EXIT_CODES = {
    "bad-request": 2,
    "unauthenticated": 2,
    "forbidden": 3,
    "unknown-service": 2,
    "unknown-group": 2,
    "unknown-node": 2,
    "not-found": 2,
    "repository-not-found": 2,
    "method-not-allowed": 1,
    "body-too-large": 2,
    "unsupported-media-type": 2,
    "manifest-drifted": 3,
    "conflict": 3,
    "operation-pending": 3,
    "unsafe-move": 3,
    "relocation-running": 3,
    "cluster-needed": 3,
    "node-alive": 3,
    "branch-protected": 3,
    "nothing-to-roll-back": 3,
    "changed-since": 3,
    "precondition-failed": 3,
    "manifest-not-found": 2,
    "manifest-ambiguous": 2,
    "manifest-invalid": 2,
    "switch-not-found": 2,
    "idempotency-key-reused": 3,
    "repository-too-large": 2,
    "cannot-plan": 2,
    "too-many-requests": 1,
    "github-error": 1,
    "github-permission": 1,
    "internal-error": 1,
    "not-ready": 1,
    "github-rate-limited": 1,
    "github-unavailable": 1,
    "outcome-unknown": 4,
}
# What later issues bring, and a newer service may answer already.
LATER = {"unauthenticated": 401, "too-many-requests": 429}


def family() -> list[type[FailoverError]]:
    """Every class of errors.py, and of any other module that adds one."""
    found: list[type[FailoverError]] = []
    for cls in (FailoverError, *FailoverError.__subclasses__()):
        found.append(cls)
        found += [below for child in cls.__subclasses__() for below in (child, *child.__subclasses__())]
    return list(dict.fromkeys(found))


def test_every_error_has_a_status_and_an_exit_code() -> None:
    here = {
        cls for _, cls in inspect.getmembers(failover_api.errors, inspect.isclass) if issubclass(cls, FailoverError)
    }
    assert here <= set(family())
    for cls in family():
        shown = problem(cls("what, where"), instance=None)
        assert STATUSES[cls.slug] == shown["status"]
        assert exit_code(shown) == EXIT_CODES[cls.slug], cls


@pytest.mark.parametrize("slug", EXIT_CODES)
def test_each_slug_has_the_exit_code_of_the_contract(slug: str) -> None:
    status = STATUSES.get(slug) or LATER[slug]
    assert exit_code({"type": f"urn:failover-api:problem:{slug}", "status": status}) == EXIT_CODES[slug]


def test_no_status_is_without_an_error() -> None:
    assert STATUSES.keys() == {cls.slug for cls in family()}


# In this process


def test_list_shows_where_every_service_is(cli: Cli) -> None:
    cli.stage.replace("apps/media/radarr/app.yaml", "role: primary", "role: maintenance")
    result = cli("list")
    lines = result.stdout.splitlines()
    assert "radarr: apps/media/radarr/app.yaml:19: maintenance is on neither side\n" in result.stderr
    assert [line.split("\t")[:2] for line in lines] == [
        ["NAME", "SIDE"],
        ["sonarr", "primary"],
        ["radarr", "unknown"],
        ["plex", "primary"],
    ]


def test_status_of_a_value_on_neither_side_says_where_and_what_was_expected(cli: Cli) -> None:
    cli.stage.replace("apps/media/radarr/app.yaml", "role: primary", "role: maintenance")
    first, switch, *_ = cli("status", "radarr").stdout.splitlines()
    assert first.startswith("radarr is on neither side   ")
    assert switch == (
        "  unknown  apps/media/radarr/app.yaml:19  spec.template.spec.nodeSelector.role = maintenance, "
        "expected primary (primary) or backup (backup)"
    )


def test_status_shows_every_switch(cli: Cli) -> None:
    out = cli("status", "sonarr").stdout
    assert out.startswith("sonarr is on primary")
    assert f"{SONARR}:12" in out
    assert "spec.template.spec.nodeSelector.role = primary" in out


def test_promote_and_demote_without_a_terminal_do_not_ask(cli: Cli) -> None:
    out = cli("promote", "sonarr", "--reason", "k3s-w1 is down").stdout
    assert "sonarr moved from primary to backup" in out
    assert cli.stage.sandbox.head(repository=cli.stage.repository) in out
    assert "Reason: k3s-w1 is down" in cli.stage.messages[0]
    assert "nothing to do" in cli("promote", "sonarr", "--yes").stdout
    cli("demote", "sonarr")
    assert cli.stage.read(SONARR) == FILES[SONARR]
    assert len(cli.stage.moves) == 2


def test_a_dry_run_shows_the_diff_and_writes_nothing(cli: Cli) -> None:
    out = cli("promote", "sonarr", "--dry-run").stdout
    assert "-        role: primary   # which node\n+        role: backup   # which node\n" in out
    assert "Nothing was written" in out
    assert not cli.stage.writes


def test_who_asked_is_in_the_commit(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    cli("promote", "sonarr")
    assert "Failover-Requested-By: octocat\n" in cli.stage.messages[0]


def test_json_has_the_shapes_of_the_http_api(cli: Cli) -> None:
    assert cli.json("list").keys() == {"services", "config_error"}
    assert cli.json("status", "sonarr")["side"] == "primary"
    planned = cli.json("promote", "sonarr", "--dry-run")
    assert (planned["dry_run"], planned["from"], planned["to"]) == (True, "primary", "backup")
    assert cli.json("promote", "sonarr")["commit"]["sha"] == cli.stage.sandbox.head(repository=cli.stage.repository)
    checked = cli.json("check")
    assert checked["ok"] is True
    assert {tuple(check) for check in checked["checks"]} == {("name", "ok", "level", "detail")}


def test_an_error_is_its_problem_on_stdout_with_json_else_a_line_on_stderr(cli: Cli) -> None:
    body = cli.json("status", "nosuch", code=2)
    assert body["type"] == "urn:failover-api:problem:unknown-service"
    assert body["outcome"] == "not-applied"
    result = cli("status", "nosuch", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("Unknown service: ")
    assert len(result.stderr.splitlines()) == 1


def test_exit_codes_of_what_really_happens(cli: Cli) -> None:
    stage = cli.stage
    stage.declare(
        entry("sonarr")
        + entry("gone", "media", "path: apps/gone.yaml")
        + entry("radarr", "media", "policy: pull_request")
    )
    cli("promote", "nosuch", code=2)
    cli("promote", "gone", code=2)
    cli("promote", "radarr")
    cli("demote", "radarr", code=3)
    cli("promote", "sonarr", "--reason", "a\nb", code=2)
    cli("promote", code=2)
    cli("explode", code=2)
    cli("serve", "--port", "99999", code=2)
    stage.replace(SONARR, "role: primary", "role: maintenance")
    cli("promote", "sonarr", code=3)
    cli("promote", "sonarr", "--force")
    stage.sandbox.protect(repository=stage.repository)
    cli("demote", "sonarr", code=3)
    stage.sandbox.unprotect(repository=stage.repository)
    stage.fault("rate_limit_secondary", method="PUT", retry_after=60)
    cli("demote", "sonarr", code=1)
    stage.fault("lost_reply", method="PUT")
    stage.fault("status", method="GET", path=f"/repos/{stage.repository}/commits", status=502, times=None)
    cli("demote", "sonarr")


def test_a_move_that_nobody_can_tell_of_is_exit_4(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_DEADLINE_S", "1")
    cli.stage.fault("status", method="PUT", status=502, times=None)
    assert "may have been made" in cli("promote", "sonarr", code=4).stderr
    assert cli.json("promote", "sonarr", code=4)["outcome"] == "unknown"


@pytest.mark.parametrize(
    ("changes", "words", "code"),
    [
        ({"FAILOVER_CONFIG": "/nonexistent/services.yaml"}, "/nonexistent/services.yaml", 2),
        ({"FAILOVER_GITHUB_TOKEN": ""}, "FAILOVER_GITHUB_TOKEN", 1),
        ({"FAILOVER_DEADLINE_S": "soon"}, "FAILOVER_DEADLINE_S", 2),
        ({"FAILOVER_GITHUB_URL": "github.com"}, "FAILOVER_GITHUB_URL", 2),
        ({"FAILOVER_GITHUB_APP_ID": "7"}, "FAILOVER_GITHUB_PRIVATE_KEY_FILE", 2),
        ({"FAILOVER_GITHUB_URL": "http://127.0.0.1:9"}, "no reply from GitHub", 1),
        ({"FAILOVER_GITHUB_TOKEN": "wrong"}, "401", 1),
    ],
)
def test_what_is_set_up_wrong_is_said_in_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], words: str, code: int
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    result = cli("status", "sonarr", code=code)
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_service_whose_settings_are_wrong_does_not_start(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_APP_ID", "7")
    assert "FAILOVER_GITHUB_PRIVATE_KEY_FILE" in cli("serve", code=2).stderr


def test_a_catalog_that_is_wrong_is_exit_2_and_names_line_and_key(cli: Cli) -> None:
    cli.stage.declare(entry("sonarr").replace("deployment:", "deploiment:"))
    for command in (("list",), ("status", "sonarr"), ("promote", "sonarr")):
        result = cli(*command, code=2)
        assert "services.yaml:7" in result.stderr
        assert "deploiment" in result.stderr


def test_check_prints_a_line_for_each_and_fails_when_something_is_wrong(cli: Cli) -> None:
    lines = cli("check").stdout.splitlines()
    assert all(line.startswith(("ok ", "warn ")) for line in lines[:-1])
    assert lines[-1] == "All is well. 3 warnings."
    cli.stage.replace(SONARR, "role: primary", "role: maintenance")
    lines = cli("check", code=1).stdout.splitlines()
    (failed,) = [line for line in lines if line.startswith("FAILED")]
    assert f"{SONARR}:12" in failed
    assert lines[-2] == failed
    assert lines[-1] == f"1 of {len(lines) - 1} checks failed. 2 warnings."
    assert cli.json("check", code=1)["ok"] is False


def test_of_several_errors_the_first_is_said_and_the_rest_are_counted(cli: Cli) -> None:
    cli.stage.declare(entry("sonarr").replace("deployment:", "deploiment:") + entry("radarr", "media", "x: 1", "y: 2"))
    first, rest = cli("list", code=2).stderr.splitlines()
    assert first.startswith(f"The configuration is invalid: {cli.stage.catalog_file}:")
    count = sum(line.startswith("FAILED  catalog: ") for line in cli("check", code=1).stdout.splitlines())
    assert rest == f"{count - 1} more like it: failover check"


def test_check_says_all_that_is_wrong_with_the_catalog(cli: Cli) -> None:
    cli.stage.declare(entry("sonarr").replace("deployment:", "deploiment:"))
    assert "deploiment" in cli("check", code=1).stdout


# Over HTTP


def test_the_same_commands_over_http_say_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[tuple[str, ...], int]] = [
        (("list",), 0),
        (("status", "plex"), 0),
        (("promote", "sonarr", "--dry-run"), 0),
        (("demote", "sonarr"), 0),
        (("status", "nosuch"), 2),
        (("promote", "radarr"), 3),
        (("promote", "plex", "--reason", "x" * 201), 2),
        (("status", "../../healthz"), 2),
        (("status", "a?b#c"), 2),
    ]
    cli.stage.replace("apps/media/radarr/app.yaml", "role: primary", "role: maintenance")
    with cli.stage.served() as url:
        for words, code in commands:
            direct = cli(*words, code=code)
            remote = cli(*words, "--server", url, code=code)
            if "../" not in words[1:2] and words[-1] != "../../healthz":
                assert (remote.stdout, remote.stderr) == (direct.stdout, direct.stderr)
            assert cli.json(*words, "--server", url, code=code).keys() == cli.json(*words, code=code).keys()
        monkeypatch.setenv("FAILOVER_SERVER", url + "/")
        monkeypatch.setenv("FAILOVER_GITHUB_TOKEN", "not needed here")
        assert "moved from primary to backup" in cli("promote", "plex", "--reason", "by HTTP").stdout
    assert "Reason: by HTTP" in cli.stage.messages[0]


@pytest.mark.parametrize(
    ("status", "body", "media_type"),
    [
        (200, b"<html>hello</html>", "text/html"),
        (200, b"{}", "application/json"),
        (200, b"[]", "application/json"),
        (200, b"null", "application/json"),
        (200, b'{"services": 1', "application/json"),
        (404, b"not here", "text/plain"),
        (404, b'{"message": "Not Found"}', "application/json"),
        (302, b"{}", "application/json"),
        (401, b"", "text/plain"),
        (502, b"<html>bad gateway</html>", "text/html"),
    ],
)
def test_a_server_that_is_no_failover_api_is_named_as_such(cli: Cli, status: int, body: bytes, media_type: str) -> None:
    with answering(status, body, media_type) as url:
        for words in (("list",), ("status", "sonarr"), ("promote", "sonarr", "--dry-run")):
            result = cli(*words, "--server", url, code=1)
            assert url in result.stderr
            assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "body", [b'{"service": "sonarr", "changes": [', b'{"service": "sonarr"}', b"", b"<html>hello</html>"]
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_success_that_cannot_be_read_leaves_a_move_unknown(cli: Cli, status: int, body: bytes) -> None:
    with answering(status, body) as url:
        assert cli.json("promote", "sonarr", "--server", url, code=4)["outcome"] == "unknown"
        assert cli.json("promote", "sonarr", "--dry-run", "--server", url, code=1)["outcome"] == "not-applied"


@pytest.mark.parametrize("status", [302, 401, 404])
def test_a_foreign_refusal_of_a_move_is_not_applied(cli: Cli, status: int) -> None:
    with answering(status, b"no", "text/plain") as url:
        assert cli.json("promote", "sonarr", "--server", url, code=1)["outcome"] == "not-applied"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_that_answers_for_the_service_leaves_a_move_unknown(cli: Cli, status: int) -> None:
    with answering(status, b"<html>bad gateway</html>", "text/html") as url:
        assert cli.json("promote", "sonarr", "--server", url, code=4)["outcome"] == "unknown"
        assert cli.json("promote", "sonarr", "--dry-run", "--server", url, code=1)["outcome"] == "not-applied"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://x", "non sense", "http://", "http://[::1"])
def test_a_server_that_cannot_be_reached_is_exit_1(cli: Cli, url: str) -> None:
    body = cli.json("promote", "sonarr", "--server", url, code=1)
    assert body["outcome"] == "not-applied"


# Where not every letter can be shown


@pytest.fixture
def umlauts(stage: Stage) -> Stage:
    """Sonarr's manifest has a name that neither ASCII nor Latin-1 can show."""
    stage.commit({SONARR: None, "apps/Küche/時計.yaml": FILES[SONARR]})
    stage.declare(entry("sonarr"))
    return stage


def run_in(stage: Stage, encoding: str, *words: str) -> str:
    """Where standard output has this encoding: Click's runner makes it one, as Python does."""
    told = CliRunner(charset=encoding, env=stage.environment()).invoke(app, list(words))
    assert told.exit_code == 0, told.stderr_bytes
    return told.stdout_bytes.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_escaped_where_the_output_is_not_utf_8(umlauts: Stage, encoding: str) -> None:
    out = run_in(umlauts, encoding, "status", "sonarr", "--json")
    assert out.isascii()
    assert json.loads(out)["switches"][0]["file"] == "apps/Küche/時計.yaml"


def test_json_is_readable_where_the_output_is_utf_8(umlauts: Stage) -> None:
    assert '"apps/Küche/時計.yaml"' in run_in(umlauts, "utf-8", "status", "sonarr", "--json")


@pytest.mark.parametrize(
    "words", [("list", "-o", "wide"), ("status", "sonarr"), ("promote", "sonarr", "--dry-run"), ("check",)]
)
def test_text_shows_what_it_can(umlauts: Stage, words: tuple[str, ...]) -> None:
    assert "K\\xfcche/\\u6642\\u8a08.yaml" in run_in(umlauts, "ascii", *words)
    assert "Küche/\\u6642\\u8a08.yaml" in run_in(umlauts, "latin-1", *words)


# Light on its feet


def test_the_command_line_imports_nothing_of_the_server() -> None:
    code = (
        "import sys, failover_api.edges.cli.main; "
        "print([m for m in ('fastapi', 'starlette', 'uvicorn', 'github', 'httpx2', 'dulwich', 'ruamel.yaml', "
        "'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version").stdout == f"failover-api {failover_api.__version__}\n"


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    for command in ("list", "status", "history", "promote", "demote", "rollback", "check", "serve", "demo"):
        assert f" {command} " in result.output
    assert "--insecure-no-auth" in CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output


def test_a_list_in_which_nothing_could_be_read_is_exit_1(cli: Cli) -> None:
    names = [service["service"] for service in cli.json("list")["services"]]
    assert len(names) > 1
    cli.stage.commit({SONARR: "a: [", RADARR: "a: [", RELEASE: "a: ["})
    assert all(service["error"] for service in cli.json("list", code=1)["services"])
    cli.stage.commit({SONARR: FILES[SONARR]})
    assert not all(service["error"] for service in cli.json("list")["services"])
