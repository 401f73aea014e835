"""`failover notify --test`, and what `failover check` says of the same files."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from failover_api.edges.cli.main import app
from failover_api.notify.delivery import is_installed
from tests.support.receivers import Receiver, http_receiver
from tests.support.shell import Cli
from tests.support.stage import SERVICES, Stage

pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # apprise, up to 3.12
    pytest.mark.skipif(not is_installed(), reason="apprise is not installed"),
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def urls(stage: Stage, receiver: Receiver, tmp_path: Path) -> Path:
    """A file with two targets that work."""
    file = tmp_path / "urls"
    file.write_text(
        f"# us\njson://me:geheim@127.0.0.1:{receiver.port}/a\njson://127.0.0.1:{receiver.port}/b?x=geheim\n"
    )
    stage.declare(SERVICES, top=f"notifications:\n  - {{url_file: {file}, events: [failed]}}\n")
    return file


def test_each_target_gets_one_message(cli: Cli, urls: Path, receiver: Receiver) -> None:
    result = cli("notify", "--test")
    assert result.stdout.splitlines() == [
        f"ok      {urls}:2 (json): took the test message",
        f"ok      {urls}:3 (json): took the test message",
        "2 of 2 took it.",
    ]
    assert sorted(got.path.partition("?")[0] for got in receiver.got) == ["/a", "/b"]
    assert {json.loads(got.body)["title"] for got in receiver.got} == {"failover-api: a test"}
    assert not cli.stage.requests


@pytest.mark.parametrize("words", [("notify", "--test"), ("check",)])
def test_whoever_works_with_a_server_is_told_that_these_look_at_local_files(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FAILOVER_CONFIG", str(tmp_path / "none.yaml"))
    alone = CliRunner().invoke(app, list(words))
    monkeypatch.setenv("FAILOVER_SERVER", "http://127.0.0.1:9")
    told = CliRunner().invoke(app, list(words))
    assert told.exit_code == alone.exit_code != 0
    assert "looks at files of this machine, and not at the server: it ignores FAILOVER_SERVER" in told.stderr
    assert "FAILOVER_CONFIG" in told.stderr
    assert "FAILOVER_SERVER" not in alone.output


def test_one_that_does_not_take_it_is_named_and_no_secret_is_shown(cli: Cli, urls: Path, receiver: Receiver) -> None:
    receiver.answers = [500, 500]
    urls.write_text(urls.read_text() + "geheim-and-no-url\n")
    result = cli("notify", "--test", code=1)
    assert result.stdout.splitlines() == [
        f"FAILED  {urls}:2 (json): it was not taken",
        f"FAILED  {urls}:3 (json): it was not taken",
        f"FAILED  {urls}:4 (not a URL): apprise knows no such URL",
        "0 of 3 took it.",
    ]
    assert "geheim" not in result.output


def test_the_json_has_each_target(cli: Cli, urls: Path) -> None:
    file = str(urls)
    assert cli.json("notify", "--test") == {
        "ok": True,
        "targets": [
            {"file": file, "line": 2, "notifier": "json", "ok": True, "detail": ""},
            {"file": file, "line": 3, "notifier": "json", "ok": True, "detail": ""},
        ],
    }
    urls.unlink()
    detail = "cannot read the URLs of notifications (No such file or directory)"
    target = {"file": file, "line": None, "notifier": None, "ok": False, "detail": detail}
    assert cli.json("notify", "--test", code=1) == {"ok": False, "targets": [target]}


def test_where_nobody_is_named_it_says_what_to_write(cli: Cli) -> None:
    result = cli("notify", "--test", code=2)
    assert result.stdout == ""
    assert "notifications:\n  - url_file: " in result.stderr
    assert cli.json("notify", "--test", code=2) == {"ok": False, "targets": []}


def test_without_the_option_nothing_is_sent(cli: Cli, urls: Path, receiver: Receiver) -> None:
    assert "--test" in cli("notify", code=2).stderr
    assert receiver.got == []


def test_a_catalog_that_cannot_be_used_is_exit_code_2(cli: Cli) -> None:
    cli.stage.catalog_file.write_text("nonsense: [")
    assert cli.json("notify", "--test", code=2)["type"] == "urn:failover-api:problem:not-ready"


# check


def lines(cli: Cli, level: str, code: int = 0) -> list[str]:
    checks = cli.json("check", code=code)["checks"]
    found = [one for one in checks if one["name"].startswith("notifications") and one["level"] == level]
    return [f"{one['name']}: {one['detail']}" for one in found]


def test_check_says_how_many_targets_a_file_has(cli: Cli, urls: Path, receiver: Receiver) -> None:
    assert lines(cli, "ok") == [f"notifications {urls}: 2 targets (json)"]
    urls.write_text("ntfy://ntfy.invalid/geheim\n")
    assert lines(cli, "ok") == [f"notifications {urls}: 1 target (ntfy)"]
    assert receiver.got == []


def test_check_names_the_line_that_is_no_target_and_shows_no_secret(cli: Cli, urls: Path) -> None:
    urls.write_text("json://127.0.0.1/ok\nnonesuch://geheim\n\ngeheim\n")
    assert lines(cli, "ok", code=1) == [f"notifications {urls}: 1 target (json)"]
    assert lines(cli, "failed", code=1) == [
        f"notifications {urls}: line 2 (nonesuch): apprise knows no such URL",
        f"notifications {urls}: line 4 (not a URL): apprise knows no such URL",
    ]
    result = cli("check", code=1)
    assert "geheim" not in result.output
    assert "switch sonarr" in result.stdout, "the other checks are made all the same"


def test_a_file_that_is_not_there_is_a_warning_and_one_without_targets_fails(cli: Cli, urls: Path) -> None:
    urls.write_text("# nobody\n")
    assert lines(cli, "failed", code=1) == [f"notifications {urls}: expected an apprise URL on each line, found none"]
    urls.unlink()
    assert lines(cli, "warn") == [f"notifications {urls}: there is no such file here, so nobody is told from here"]
