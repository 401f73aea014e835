"""What may go wrong, on the terminal: before the question, in the dry run and in the answer; beside it, not in it."""

from tests.support.shell import Cli
from tests.support.stage import SERVICES, Stage

LEFT_BEHIND = "warning: What sonarr wrote on backup"


def test_a_demote_is_warned_of_and_what_it_says_stays_on_standard_output(cli: Cli) -> None:
    promoted = cli("promote", "sonarr")
    assert "data-left-behind" not in promoted.stderr
    assert promoted.stdout.startswith("sonarr moved from primary to backup in Git: 2 values in ")
    assert "when told (kubectl -n media get pods -o wide -w shows it).\n" in promoted.stdout
    for words in (("demote", "sonarr", "--dry-run"), ("demote", "sonarr")):
        told = cli(*words)
        assert f"{LEFT_BEHIND} stays behind (claim pvc-sonarr-backup -> pvc-sonarr)" in told.stderr
        assert "unless somebody has synced it. [data-left-behind]\n  Sync pvc-sonarr-backup back first" in told.stderr
        assert "stays behind" not in told.stdout


def test_a_status_says_what_the_way_home_would_leave(cli: Cli) -> None:
    cli("promote", "sonarr")
    assert f"{LEFT_BEHIND} since 2" in cli("status", "sonarr").stderr
    assert cli("status", "radarr").stderr == ""


def test_a_group_is_told_in_one_line(cli: Cli) -> None:
    cli.stage.declare(SERVICES, top="groups: {media: [sonarr, radarr, plex]}")
    cli("promote", "--group", "media")
    told = cli("demote", "--group", "media", "--dry-run").stderr
    assert told.count("[data-left-behind]") == 1
    assert "Deployment media/sonarr, Deployment media/radarr, HelmRelease media/plex. [data" in told


def test_it_is_said_before_the_question(stage: Stage, run) -> None:
    asked = run("promote", "sonarr", "--yes", NO_COLOR="1")
    assert asked.end() == 0
    shell = run("demote", "sonarr", NO_COLOR="1")
    shell.wait_for("[y/N] ")
    assert LEFT_BEHIND in shell.left
    shell.type("n\n")
    assert shell.end() == 3
    assert len(stage.moves) == 1
