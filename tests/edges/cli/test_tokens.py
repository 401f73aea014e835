"""`failover token new`, and a service that does not start open by mistake."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from failover_api.core.access.load import parse_access
from failover_api.core.access.model import Verb, digest_of
from tests.support.server import Server, serving
from tests.support.shell import Cli
from tests.support.stage import Stage


def test_a_new_token_fits_its_entry(cli: Cli) -> None:
    made = cli.json("token", "new", "ops-laptop")
    assert set(made) == {"token", "entry"}
    (token,) = parse_access(f"tokens:\n{made['entry']}", file="access.yaml").tokens
    assert (token.name, token.sha256) == ("ops-laptop", digest_of(made["token"]))
    assert token.grant.verbs == set(Verb)
    assert token.grant.services == ("*",)
    assert token.expires is not None
    assert timedelta(days=363) < token.expires - datetime.now(UTC) <= timedelta(days=366)
    assert made["token"] not in made["entry"]
    assert cli.json("token", "new", "ops-laptop")["token"] != made["token"]


def test_what_it_may_is_said_with_options(cli: Cli) -> None:
    words = (
        "--allow",
        "view",
        "--allow",
        "plan",
        "--service",
        "media-*",
        "--service",
        "sonarr",
        "--expires",
        "2030-01-02",
    )
    made = cli.json("token", "new", "board", *words)
    (token,) = parse_access(f"tokens:\n{made['entry']}", file="access.yaml").tokens
    assert token.grant.verbs == {Verb.VIEW, Verb.PLAN}
    assert token.grant.services == ("media-*", "sonarr")
    assert token.expires == datetime(2030, 1, 2, tzinfo=UTC)


def test_the_token_is_on_standard_output_with_the_entry(cli: Cli) -> None:
    result = cli("token", "new", "ops-laptop")
    token, entry = result.stdout.split("\n", 1)
    assert token.startswith("failover_")
    assert digest_of(token) in entry
    assert "not shown again" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a name",), "tokens[0].name: expected a name like 'ops-laptop'"),
        (("x\n  - y",), "tokens[0].name: expected a name"),
        (("x", "--allow", "all"), "expected 'view', 'plan' or 'execute', not 'all'"),
        (("x", "--service", 'a", "b'), "services[0]: expected a name of a service"),
        (("x", "--expires", "tomorrow"), "expected a day like 2027-01-01"),
        (("x", "--expires", "2020-01-01"), "--expires 2020-01-01: expected a day to come"),
        (("x", "--expires", datetime.now(UTC).date().isoformat()), "expected a day to come"),
    ],
)
def test_an_entry_that_would_be_refused_is_not_made(cli: Cli, words: tuple[str, ...], said: str) -> None:
    result = cli("token", "new", *words, code=2)
    assert said in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "access.yaml:1: (file): cannot be read: No such file or directory"),
        ("anonymous: everybody\n", "access.yaml:1: anonymous: expected 'none', 'view' or 'plan'"),
    ],
)
def test_without_a_good_access_file_the_service_does_not_start(stage: Stage, text: str | None, said: str) -> None:
    if text is not None:
        stage.access_file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "failover_api", "serve", "--port", "0"],
        capture_output=True,
        text=True,
        env=stage.environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "--insecure-no-auth" in done.stderr


def test_the_command_line_calls_a_guarded_service_with_its_token(cli: Cli, stage: Stage) -> None:
    made = cli.json("token", "new", "ops-laptop")
    stage.access_file.write_text(f"tokens:\n{made['entry']}")
    with serving(stage) as server:
        assert isinstance(server, Server)
        refused = cli.json("status", "sonarr", "--server", server.url, code=2)
        assert refused["type"].endswith(":unauthenticated")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FAILOVER_TOKEN", made["token"])
            moved = cli.json("promote", "sonarr", "--server", server.url)
    assert moved["changed"]
    assert "Failover-Requested-By: ops-laptop" in stage.moves[0]
