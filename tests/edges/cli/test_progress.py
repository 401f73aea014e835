"""The steps of a move on a terminal, and the wait for a merge."""

import contextlib
import io
import threading
import time
from typing import Any

import pytest
from rich.console import Console

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.cli.backend import Refused
from failover_api.edges.cli.local import LocalBackend
from failover_api.edges.cli.progress import is_closed, pending_of, steps, wait_for_merge
from failover_api.moves.progress import Step
from tests.support.shell import Cli
from tests.support.stage import FILES, SONARR, Stage

# Steps


async def told(stage: Stage, name: str = "sonarr", **how: Any) -> list[Step]:
    seen: list[Step] = []
    async with stage.open() as components:
        await components.failover.move(name, Action.PROMOTE, MoveRequest("maria", **how), on_step=seen.append)
    return seen


async def test_the_steps_of_a_commit(stage: Stage) -> None:
    assert await told(stage) == [Step.READING, Step.PLANNING, Step.WRITING]


async def test_a_dry_run_does_not_write(stage: Stage) -> None:
    assert await told(stage, dry_run=True) == [Step.READING, Step.PLANNING]


async def test_a_lost_race_begins_anew(stage: Stage) -> None:
    stage.before_write(lambda: stage.commit({SONARR: FILES[SONARR] + b"# a person\n"}))
    again = [Step.READING, Step.PLANNING, Step.WRITING]
    assert await told(stage) == [*again, Step.RETRYING, *again]


async def test_the_steps_of_a_pull_request(reviewed: Stage) -> None:
    assert await told(reviewed) == [Step.READING, Step.PLANNING, Step.PROPOSING]


def shown(*words: str) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with steps(console) as tell:
        for word in words:
            tell(word)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_steps_are_one_line_that_goes_away() -> None:
    assert "reading, planning ..." in shown("reading", "reading", "planning")
    assert "\n  reading" not in shown("reading", "planning")


def test_what_begins_anew_leaves_a_line() -> None:
    assert "  reading, writing, again\x1b" in shown("reading", "writing", "again", "reading")


def test_nothing_is_shown_where_nobody_looks() -> None:
    console = Console(file=io.StringIO(), width=200)
    with steps(console) as tell:
        tell("reading")
    assert isinstance(console.file, io.StringIO)
    assert not console.file.getvalue()


# The wait


class AtDesk:
    """A desk where each look at the list finds what comes next."""

    def __init__(self, *lists: Any) -> None:
        self.lists = list(lists)

    def list_all(self) -> Any:
        found = self.lists.pop(0)
        if isinstance(found, Exception):
            raise found
        return {"services": found}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


PULL = {"number": 7, "url": "https://github.com/acme/homelab/pull/7", "branch": "failover/sonarr", "state": "open"}
OUTCOME = {"service": "sonarr", "to": "backup", "operation": "01A", "pull_request": PULL}


def sonarr(side: str = "primary", *, pull: Any = None, operation: str | None = None, error: Any = None) -> list[Any]:
    move = {"operation": operation} if operation else None
    return [{"service": "sonarr", "side": side, "pull_request": pull, "last_move": move, "error": error}]


def waited(*lists: Any, outcome: Any = None) -> tuple[Any, list[str]]:
    told: list[str] = []
    desk = AtDesk(*lists)
    after = wait_for_merge(desk, outcome or OUTCOME, told=told.append, sleep=lambda _: None)
    assert not desk.lists
    return after, told


def test_a_merge_ends_the_wait() -> None:
    after, told = waited(sonarr(pull=PULL), sonarr(pull=PULL), sonarr("backup", operation="01A"))
    assert after["pull_request"]["state"] == "merged"
    assert not is_closed(after)
    assert not pending_of(after)
    assert told == [f"waiting for the merge of {PULL['url']}"]


def test_one_that_is_closed_is_told_from_one_that_is_merged() -> None:
    after, _ = waited(sonarr(pull=PULL), sonarr(operation="009"))
    assert is_closed(after)


def test_a_rollback_is_known_by_its_operation() -> None:
    outcome = {**OUTCOME, "to": "mixed"}
    assert waited(sonarr("primary", operation="01A"), outcome=outcome)[0]["pull_request"]["state"] == "merged"


def test_a_squash_whose_trailers_are_lost_is_known_by_the_side() -> None:
    assert waited(sonarr("backup"))[0]["pull_request"]["state"] == "merged"


def test_another_pull_request_is_not_waited_for() -> None:
    assert is_closed(waited(sonarr(pull={**PULL, "number": 8, "url": "https://github.com/acme/homelab/pull/8"}))[0])


def test_what_passes_is_waited_for_too() -> None:
    away = Refused({"status": 503, "detail": "GitHub is away"})
    unread = sonarr("unknown", error={"status": 503})
    after, told = waited(away, unread, sonarr(pull=PULL), sonarr("backup"))
    assert after["pull_request"]["state"] == "merged"
    assert told[1:] == ["still waiting: GitHub is away"]


def test_what_does_not_pass_is_raised() -> None:
    with pytest.raises(Refused):
        waited(Refused({"status": 401, "detail": "expired"}))


def test_each_pull_request_of_a_group_is_waited_for() -> None:
    other = {**PULL, "number": 7, "url": "https://github.com/acme/other/pull/7"}
    outcome = {
        "group": "g", "services": [{"service": "sonarr"}, {"service": "radarr"}], "to": "backup", "operation": "01A",
        "pull_request": None, "pull_requests": [PULL, other],
    }  # fmt: skip
    radarr = [{**sonarr("backup")[0], "service": "radarr"}]
    one_left = [*sonarr(pull=PULL), *radarr]
    after, _ = waited(
        [*sonarr(pull=PULL), {**radarr[0], "pull_request": other}],
        one_left,
        [*sonarr("backup"), *radarr],
        outcome=outcome,
    )
    assert [pull["state"] for pull in after["pull_requests"]] == ["merged", "merged"]


@pytest.mark.parametrize(("act", "state"), [("merge", "merged"), ("close", "closed")])
def test_what_a_person_does_is_seen(reviewed: Stage, act: str, state: str) -> None:
    with contextlib.closing(LocalBackend(reviewed.settings())) as desk:
        outcome, _ = desk.move("sonarr", "promote", MoveRequest("maria"))
        do = getattr(reviewed, act)
        after = wait_for_merge(
            desk, outcome, told=lambda _: None, sleep=lambda _: do(outcome["pull_request"]["number"])
        )
    assert after["pull_request"]["state"] == state


def test_the_command_says_that_nothing_moved(reviewed: Stage, cli: Cli) -> None:
    def close_it() -> None:
        while not (pulls := reviewed.pulls()):
            time.sleep(0.05)
        reviewed.close(pulls[0]["number"])

    person = threading.Thread(target=close_it)
    person.start()
    result = cli("promote", "sonarr", "--wait", code=3)
    person.join()
    assert "closed; nothing moved" in result.stderr


def test_what_is_no_pull_request_is_not_waited_for(cli: Cli) -> None:
    assert cli.json("promote", "sonarr", "--wait")["commit"]
