"""What may go wrong, on the terminal: before the question, in the dry run and in the answer; beside it, not in it."""

import json

import pytest

from failover_api.edges.cli.execution import open_terminal
from tests.support.shell import Cli
from tests.support.stage import RADARR, SERVICES, SONARR, Stage, deployment, entry

LEFT_BEHIND = "warning: What sonarr wrote on backup"


def test_a_demote_is_warned_of_and_what_it_says_stays_on_standard_output(cli: Cli) -> None:
    promoted = cli("promote", "sonarr")
    assert "data-left-behind" not in promoted.stderr
    assert promoted.stdout.startswith("sonarr moved from primary to backup in Git: 2 values in ")
    assert "when told (kubectl -n media get pods -o wide -w shows it).\n" in promoted.stdout
    for words in (("demote", "sonarr", "--dry-run"), ("demote", "sonarr")):
        told = cli(*words)
        assert (
            f"{LEFT_BEHIND}, since when is not known here, stays behind (claim pvc-sonarr-backup -> pvc-sonarr)"
            in told.stderr
        )
        assert "unless somebody has synced it. [data-left-behind]\n  Sync pvc-sonarr-backup back first" in told.stderr
        assert "stays behind" not in told.stdout


def test_a_status_says_what_the_way_home_would_leave(cli: Cli) -> None:
    cli("promote", "sonarr")
    assert cli("status", "sonarr").stderr.startswith(f"If it were demoted now:\n{LEFT_BEHIND} since 2")
    assert cli("status", "radarr").stderr == ""


def test_a_group_is_told_in_one_line(cli: Cli) -> None:
    cli.stage.declare(SERVICES, top="groups: {media: [sonarr, radarr, plex]}")
    cli("promote", "--group", "media")
    told = cli("demote", "--group", "media", "--dry-run").stderr
    assert told.count("[data-left-behind]") == 1
    assert "Deployment media/sonarr, Deployment media/radarr, HelmRelease media/plex. [data" in told


def test_a_reason_that_stops_several_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A dead node has every service of its side: the same line for each would hide the others."""
    dead = "k3s-w1 has not been heard of (node-not-ready)"
    refused = [{"service": name, "detail": dead} for name in ("sonarr", "radarr")]
    refused.append({"service": "plex", "detail": "another reason"})
    problem = {"title": "The move is not safe", "detail": f"sonarr: {dead}", "refused": refused}
    open_terminal(as_json=False).show_problem({**problem, "outcome": "not-applied"})
    told = capsys.readouterr().err
    assert told == (
        f"3 services are refused, so none of them moves:\n  sonarr, radarr: {dead}\n  plex: another reason\n"
    )
    open_terminal(as_json=False).show_problem({**problem, "outcome": "unknown"})
    assert capsys.readouterr().err.startswith(f"The move is not safe: sonarr: {dead}\n")


def test_it_is_said_before_the_question(stage: Stage, run) -> None:
    asked = run("promote", "sonarr", "--yes", NO_COLOR="1")
    assert asked.end() == 0
    shell = run("demote", "sonarr", NO_COLOR="1")
    shell.wait_for("[y/N] ")
    assert LEFT_BEHIND in shell.left
    shell.type("n\n")
    assert shell.end() == 3
    assert len(stage.moves) == 1
    confirmed = run("demote", "sonarr", NO_COLOR="1")
    confirmed.wait_for("[y/N] ")
    confirmed.type("y\n")
    assert confirmed.end() == 0
    assert confirmed.seen.count(LEFT_BEHIND) == 1  # who was asked has read it


SLUG = "strategy-alone"
SWITCH = "      - {file: %s, kind: Deployment, path: spec.strategy.type, primary: Recreate, backup: RollingUpdate}\n"


@pytest.fixture
def stopped(cli: Cli) -> Cli:
    """sonarr and radarr on backup; the way home is a stop."""
    services = ""
    for name, path in (("sonarr", SONARR), ("radarr", RADARR)):
        moved = deployment(name, role="backup", claim=f"pvc-{name}-backup")
        cli.stage.commit({path: moved.replace("  replicas: 1\n", "  strategy: {type: RollingUpdate}\n")})
        services += f"{entry(name, 'media', f'path: {path}')}    switches:\n{SWITCH % path}"
    cli.stage.declare(services, top="groups: {media: [sonarr, radarr]}")
    return cli


@pytest.mark.parametrize("words", [("--dry-run",), ()])
def test_a_stop_shows_what_it_would_do_and_the_line_to_paste(stopped: Cli, words: tuple[str, ...]) -> None:
    said = stopped("demote", "sonarr", "--reason", "it's back", *words, code=3)
    assert "-  strategy: {type: RollingUpdate}\n+  strategy: {type: Recreate}\n" in said.stdout
    assert "sonarr would move from backup to primary" in said.stdout
    assert "The move is not safe: nothing was written\n" in said.stderr
    assert said.stderr.count("stop: Deployment media/sonarr: the strategy is moved from RollingUpdate") == 1
    assert f"[{SLUG}]\n  Take the switch on the strategy out of the catalog" in said.stderr
    assert "warning: What sonarr wrote on backup" in said.stderr
    line = f"""failover demote sonarr --accept {SLUG} --reason 'it'"'"'s back'"""
    assert f"To move it all the same: {line}\n" in said.stderr
    assert stopped.stage.moves == []


def test_it_is_moved_when_the_stop_is_accepted(stopped: Cli) -> None:
    assert "moved from backup to primary" in stopped("demote", "sonarr", "--accept", SLUG).stdout
    assert f"Failover-Accepted: {SLUG}\n" in stopped.stage.moves[0]


def test_json_is_the_problem(stopped: Cli) -> None:
    said = stopped("demote", "sonarr", "--dry-run", "--json", code=3)
    body = json.loads(said.stdout)
    assert body["type"] == "urn:failover-api:problem:unsafe-move"
    assert [hazard["severity"] for hazard in body["hazards"]] == ["stop", "info", "warn"]
    assert {"changes", "diff", "message"} <= body.keys()


def test_a_group_s_line_accepts_for_all_what_all_of_them_meet(stopped: Cli) -> None:
    said = stopped("demote", "--group", "media", "--dry-run", code=3).stderr
    assert said.count("stop: ") == 1
    assert f"failover demote --group media --accept {SLUG}\n" in said
    stopped.stage.replace(RADARR, "strategy: {type: RollingUpdate}", "strategy: {type: Recreate}")
    said = stopped("demote", "--group", "media", "--accept", "fixed-field", code=3).stderr
    assert f"failover demote --group media --accept fixed-field --accept {SLUG}\n" in said
    stopped("demote", "--group", "media", "--accept", f"sonarr:{SLUG}")


def test_what_is_no_hazard_is_wrong_usage(stopped: Cli) -> None:
    said = stopped("demote", "sonarr", "--accept", "strategy", code=2)
    assert "'strategy' is no hazard; expected one of strategy-alone, fixed-field" in said.stderr


def test_a_running_service_says_the_same(stopped: Cli) -> None:
    with stopped.stage.served() as url:
        said = stopped("demote", "sonarr", "--server", url, code=3)
        assert "-  strategy: {type: RollingUpdate}" in said.stdout
        assert f"To move it all the same: failover demote sonarr --accept {SLUG}\n" in said.stderr
        stopped("demote", "sonarr", "--accept", SLUG, "--server", url)
    assert f"Failover-Accepted: {SLUG}\n" in stopped.stage.moves[0]


def test_a_rollback_accepts_as_well(stopped: Cli) -> None:
    stopped("demote", "sonarr", "--accept", SLUG)
    stopped("promote", "sonarr")
    assert "failover rollback sonarr --accept strategy-alone" in stopped("rollback", "sonarr", code=3).stderr
    stopped("rollback", "sonarr", "--accept", SLUG)


def test_a_person_is_not_asked_but_shown_the_line(stopped: Cli, run) -> None:
    shell = run("demote", "sonarr", NO_COLOR="1")
    assert shell.end() == 3
    assert "To move it all the same: failover demote sonarr --accept strategy-alone" in shell.left
