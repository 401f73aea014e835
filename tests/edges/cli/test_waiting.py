"""Waiting for the cluster, look by look: what is told, what is tried again, what is given up."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from failover_api.edges.cli.backend import Backend, Refused
from failover_api.edges.cli.options import Milestone
from failover_api.edges.cli.waiting import Patience, tells_applied, wait_for_cluster

Body = dict[str, Any]
DONE: Body = {"done": True, "blocked": None, "stage": "serving", "steps": []}
OUTCOME: Body = {"service": "sonarr", "operation": "OP", "changed": True, "pull_request": None}


def rollout(detail: str) -> Body:
    return {**DONE, "done": False, "stage": "unknown", "steps": [{"name": "started", "at": None, "detail": detail}]}


def refusal(status: int) -> Refused:
    return Refused({"type": "x", "status": status, "detail": "not now"})


class Answers:
    """What a backend answers, one after the other; the last for ever."""

    def __init__(self, rollouts: Sequence[Body | Refused], tidied: Sequence[Refused | None] = ()) -> None:
        self.rollouts, self.tidied = list(rollouts), list(tidied)

    def rollout(self, service: str, *, operation: str | None = None) -> Body:
        found = self.rollouts.pop(0) if len(self.rollouts) > 1 else self.rollouts[0]
        if isinstance(found, Refused):
            raise found
        return found

    def tidy(self, service: str, operation: str) -> None:
        if self.tidied and (found := self.tidied.pop(0)) is not None:
            raise found


def wait(answers: Answers, *, left_s: float | None = None) -> tuple[dict[str, str], list[str]]:
    told: list[str] = []
    times = iter(range(100))
    missing = wait_for_cluster(
        cast("Backend", answers),
        OUTCOME,
        Patience(Milestone.SERVING, left_s),
        told=told.append,
        left_s=left_s,
        sleep=lambda _: None,
        clock=lambda: float(next(times)),
    )
    return missing, told[1:]


def test_what_serves_at_once_is_told() -> None:
    assert wait(Answers([DONE])) == ({}, ["sonarr is serving"])


def test_how_far_it_is_is_told_when_that_changes() -> None:
    answers = Answers([rollout("a"), rollout("a"), rollout("b"), DONE])
    assert wait(answers)[1] == [
        "sonarr: unknown, not started yet (a)",
        "sonarr: unknown, not started yet (b)",
        "sonarr is serving",
    ]


@pytest.mark.parametrize(
    "detail", ["a later move followed", "changed in Git since: the branch has the service on primary now"]
)
def test_what_git_says_otherwise_of_is_given_up_at_once(detail: str) -> None:
    assert wait(Answers([rollout(detail)])) == ({"sonarr": detail}, [f"sonarr: {detail}"])


def test_a_strategy_that_could_not_be_put_back_is_tried_again() -> None:
    missing, told = wait(Answers([DONE], [refusal(503), refusal(503), None]))
    assert missing == {}
    assert told == ["sonarr: it serves, and its strategy is not put back: not now", "sonarr is serving"]


def test_one_that_is_refused_for_good_ends_the_wait() -> None:
    missing, _ = wait(Answers([DONE], [refusal(409)]))
    assert missing == {"sonarr": "it serves, and its strategy is not put back: not now"}


def test_a_fault_that_passes_is_waited_out_and_any_other_is_raised() -> None:
    assert wait(Answers([refusal(503), DONE]))[0] == {}
    with pytest.raises(Refused):
        wait(Answers([refusal(403)]))


def test_when_the_time_is_up_it_says_how_far_it_is() -> None:
    assert wait(Answers([rollout("a")]), left_s=3.0)[0] == {"sonarr": "unknown, not started yet (a)"}


@pytest.mark.parametrize(
    ("at", "detail", "is_told"),
    [
        ("2026-11-23T04:00:21Z", "", True),
        (None, "at 0d1f5a2b6c3e", True),
        (None, "not seen from here", False),
        (None, "not known: the revision of Bucket is no commit", False),
    ],
)
def test_what_is_told_of_an_earlier_move_can_be_waited_for(at: str | None, detail: str, is_told: bool) -> None:
    steps = [{"name": "committed", "at": at, "detail": ""}, {"name": "applied", "at": at, "detail": detail}]
    assert tells_applied(cast("Backend", Answers([{**DONE, "steps": steps}])), "sonarr") is is_told


def test_of_what_was_never_moved_or_is_not_answered_nothing_is_told() -> None:
    assert not tells_applied(cast("Backend", Answers([DONE])), "sonarr")
    assert not tells_applied(cast("Backend", Answers([refusal(503)])), "sonarr")
