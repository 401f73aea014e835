"""`failover promote --group` where services come after others: the command follows the waves to their end."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover_api.edges.cli import waves
from failover_api.edges.cli.backend import Body, Refused
from tests.support.shell import Cli
from tests.support.waves import AFTER, WavesLab, declare, file_of, manifest, waves_lab


@pytest.fixture
def lab(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WavesLab]:
    monkeypatch.setattr(waves, "POLL_S", 0.2)
    with waves_lab(cli.stage, tmp_path, top="wave_timeout: 20s") as made:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made.kubeconfig))
        yield made


def test_the_command_follows_the_waves_to_their_end(cli: Cli, lab: WavesLab) -> None:
    with lab.obeyed():
        result = cli("promote", "--group", "all")
    assert [number for number, _ in lab.waves] == ["1/3", "2/3", "3/3"]
    assert {lab.side(name) for name in AFTER} == {"backup"}
    assert "wave 2/3 waiting (app, mail): app: waits for db; mail: waits for relay" in result.stderr
    assert "wave 3/3 done (web)" in result.stdout
    assert result.stdout.startswith("all: all 3 waves are done.\n")


def test_no_wait_leaves_once_the_first_wave_is_written(cli: Cli, lab: WavesLab) -> None:
    result = cli("promote", "--group", "all", "--no-wait")
    assert [number for number, _ in lab.waves] == ["1/3"]
    assert "Wave 1 of 3; the others follow once what they wait for serves." in result.stdout
    [operation] = re.findall(r"^operation (\S+)$", result.stdout, re.MULTILINE)
    assert f"Failover-Operation: {operation}" in cli.stage.moves[0]


def test_one_that_does_not_come_up_is_exit_5(cli: Cli, lab: WavesLab) -> None:
    declare(cli.stage, top="wave_timeout: 4s")
    with lab.obeyed(but=["db"]):
        result = cli("promote", "--group", "all", code=5)
    assert "all: it has stopped, and not all of it serves. Mend what its waves name" in result.stdout
    assert [number for number, _ in lab.waves] == ["1/3", "2/3"]
    assert "wave 1/3 stopped (db, relay): db: did not serve within 4 s: waiting-for-apply" in result.stdout
    assert "wave 3/3 stopped (web): web: waits for app, db" in result.stdout
    rows = {line.split()[0]: line.split()[1:3] for line in result.stdout.splitlines() if " primary " in line}
    assert (rows["db"], rows["web"]) == (["primary", "backup"], ["primary", "primary"]), "what was not begun stays"


def test_until_serving_is_what_following_waits_for(cli: Cli, lab: WavesLab) -> None:
    cli("promote", "db", "--yes")
    lab.apply("db")
    with lab.obeyed():
        result = cli("promote", "--group", "all", "--until", "serving", "--timeout", "60s")
    assert result.stdout.startswith("all: all 3 waves are done.\n")
    assert {lab.side(name) for name in AFTER} == {"backup"}


def test_what_takes_longer_than_somebody_waits_is_exit_5(cli: Cli, lab: WavesLab) -> None:
    result = cli("promote", "--group", "all", "--until", "serving", "--timeout", "1s", code=5)
    assert result.stdout.startswith("all: it is under way.\n")


def test_json_has_the_waves_as_they_came_out(cli: Cli, lab: WavesLab) -> None:
    with lab.obeyed():
        outcome = json.loads(cli("promote", "--group", "all", "--json").stdout)
    assert [wave["state"] for wave in outcome["waves"]] == ["done"] * 3
    assert [wave["services"] for wave in outcome["waves"]] == [["db", "relay"], ["app", "mail"], ["web"]]
    commits = [wave["commit"]["sha"] for wave in outcome["waves"]]
    assert len(set(commits)) == 3
    assert outcome["commit"]["sha"] == commits[0]
    assert all(member["changed"] for member in outcome["services"])
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", outcome["operation"])


def test_a_dry_run_shows_the_waves(cli: Cli, lab: WavesLab) -> None:
    result = cli("promote", "--group", "all", "--dry-run")
    assert "wave 1/3 waiting (db, relay)\nwave 2/3 waiting (app, mail)\nwave 3/3 waiting (web)\n" in result.stdout
    assert "It goes in 3 waves, each once what it waits for serves." in result.stdout
    assert not cli.stage.writes


def test_without_a_cluster_it_is_one_commit_and_a_warning(cli: Cli) -> None:
    cli.stage.commit({file_of(name): manifest(name) for name in AFTER})
    declare(cli.stage)
    result = cli("promote", "--group", "all")
    assert "warning: whether db, relay, app serves is not seen from here" in result.stderr
    assert len(cli.stage.moves) == 1


def test_it_is_followed_or_waited_for_and_not_both(cli: Cli, lab: WavesLab) -> None:
    assert "--no-wait goes without --wait and --until" in cli("promote", "sonarr", "--no-wait", "--wait", code=2).stderr


class Scripted:
    """A service that answers one after the other."""

    def __init__(self, *answers: Body | Refused) -> None:
        self.answers, self.tidied = list(answers), list[str]()

    def operation(self, _: str) -> Body:
        answer = self.answers.pop(0)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def tidy(self, service: str, _: str) -> None:
        self.tidied.append(service)


def wave(state: str, *services: str, reason: str = "") -> Body:
    return {"services": list(services), "state": state, "commit": None, "reason": reason}


def test_what_passes_is_waited_for_and_each_line_is_said_once() -> None:
    away = Refused({"status": 503, "detail": "GitHub is away"})
    running = {"state": "running", "waves": [wave("done", "db"), wave("running", "app")]}
    done = {"state": "done", "waves": [wave("done", "db"), wave("done", "app")]}
    service, said = Scripted(away, running, running, done), list[str]()
    outcome = {"operation": "01JD", "waves": [wave("running", "db"), wave("waiting", "app")]}
    found = waves.follow(service, outcome, told=said.append, sleep=lambda _: None)  # type: ignore[arg-type]  # as far as it goes
    assert found == done
    assert said == [
        "wave 1/2 running (db)",
        "wave 2/2 waiting (app)",
        "still waiting: GitHub is away",
        "wave 1/2 done (db)",
        "wave 2/2 running (app)",
        "wave 2/2 done (app)",
    ]
    assert service.tidied == ["db", "app"]


def test_what_does_not_pass_ends_it() -> None:
    service = Scripted(Refused({"status": 404, "detail": "no such operation"}))
    outcome = {"operation": "01JD", "waves": [wave("running", "db")]}
    with pytest.raises(Refused):
        waves.follow(service, outcome, told=lambda _: None, sleep=lambda _: None)  # type: ignore[arg-type]  # as above


def test_a_report_has_the_waves_and_writes_none(cli: Cli, lab: WavesLab) -> None:
    moved = json.loads(cli("promote", "--group", "all", "--no-wait", "--json").stdout)
    lab.apply("db", "relay")
    page = cli("report", moved["operation"], "--utc").stdout
    assert page.startswith("# Failover of db, relay, app, mail, web\n")
    assert f"| 1/3 | db, relay | done | `{moved['commit']['sha'][:12]}` |  |" in page
    assert "| 2/3 | app, mail | waiting |  |" in page
    assert "It is under way: each wave goes on by itself" in page
    assert "## db: primary to backup" in page
    assert [number for number, _ in lab.waves] == ["1/3"], "to look is not to go on"


def test_a_report_of_one_that_has_stopped_says_who_stays(cli: Cli, lab: WavesLab) -> None:
    declare(cli.stage, top="wave_timeout: 4s")
    with lab.obeyed(but=["db"]):
        moved = json.loads(cli("promote", "--group", "all", "--json", code=5).stdout)
    page = cli("report", moved["operation"], "--utc").stdout
    assert "| 1/3 | db, relay | stopped |" in page
    assert "db: did not serve within 4 s" in page
    assert "Not moved: app, web. Each stays where it is until somebody moves it by hand." in page
    body = cli.json("report", moved["operation"])
    assert (body["state"], body["waves"][0]["state"]) == ("stopped", "stopped")
