"""The way of one commit, step by step."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.planning.state import State
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import (
    NOT_SEEN,
    UNSEEN,
    Arrival,
    GitFacts,
    Rollout,
    Seen,
    is_overruled,
    make_rollout,
)
from tests.support.builders import OPERATION
from tests.support.cluster_views import NOW, SHA

GIT = GitFacts(OPERATION, SHA, "https://x/commit/0d1f", committed_at=NOW - 40)
SERVING = ClusterState(
    NOW, State.BACKUP, Stage.SERVING, "k3s-w2", "sonarr-new-x", NOW - 10, started_at=NOW - 20, ready_at=NOW - 10
)
CAME = Arrival(True, NOW - 30)
WHOLE = Seen(SERVING, CAME, Arrival(True, NOW - 25))


def times(rollout: Rollout) -> dict[str, float | None]:
    return {step.name: None if step.at is None else NOW - step.at for step in rollout.steps}


def test_a_commit_that_serves_is_done() -> None:
    rollout = make_rollout(GIT, WHOLE)
    assert times(rollout) == {"committed": 40, "fetched": 30, "applied": 25, "started": 20, "ready": 10}
    assert (rollout.stage, rollout.done, rollout.blocked) == (Stage.SERVING, True, None)


def test_a_pull_request_is_proposed_and_merged_first() -> None:
    proposed = GitFacts(OPERATION, pull_request="https://x/pull/12", proposed_at=NOW - 60)
    rollout = make_rollout(proposed, WHOLE)
    assert [(step.name, step.has_come) for step in rollout.steps] == [
        ("proposed", True),
        ("merged", False),
        ("committed", False),
    ]
    assert not rollout.done
    merged = make_rollout(replace(proposed, sha=SHA, committed_at=NOW - 40), WHOLE)
    assert list(times(merged).items())[:3] == [("proposed", 60), ("merged", 40), ("committed", 40)]


def test_without_a_cluster_the_rest_is_not_seen() -> None:
    rollout = make_rollout(GIT, Seen())
    assert (rollout.stage, rollout.done) == (Stage.UNKNOWN, False)
    assert [(step.name, step.has_come, step.detail) for step in rollout.steps[1:]] == [
        (name, None, NOT_SEEN) for name in ("fetched", "applied", "started", "ready")
    ]


def test_a_blocked_one_says_why() -> None:
    state = replace(SERVING, stage=Stage.BLOCKED, pod="", node="", ready_at=None, reason="It waits.", cure="Do this.")
    rollout = make_rollout(GIT, replace(WHOLE, state=state))
    assert (rollout.stage, rollout.blocked) == (Stage.BLOCKED, Cause("It waits.", "Do this.", NOW - 10))
    assert times(rollout) == {"committed": 40, "fetched": 30, "applied": 25, "started": None, "ready": None}


def test_verified_is_a_step_where_the_catalog_asks_for_it() -> None:
    assert make_rollout(GIT, replace(WHOLE, verified=Arrival(True, NOW - 5))).steps[-1].name == "verified"
    assert make_rollout(GIT, WHOLE).steps[-1].name == "ready"


def test_what_is_seen_says_nothing_of_a_move_that_another_followed() -> None:
    rollout = make_rollout(replace(GIT, is_newest=False), WHOLE)
    assert (rollout.stage, rollout.done) == (Stage.UNKNOWN, False)
    assert rollout.steps[-1].detail == "a later move followed"
    assert rollout.steps[-1].at is None


def test_where_nothing_can_be_compared_the_revision_has_to_have_come() -> None:
    state = replace(SERVING, side=State.UNKNOWN)
    waiting = make_rollout(GIT, Seen(state, CAME, Arrival(False)))
    assert (waiting.stage, waiting.done) == (Stage.WAITING_FOR_APPLY, False)
    assert make_rollout(GIT, Seen(state, CAME, CAME)).done


# What Git says otherwise


@pytest.mark.parametrize(
    ("head", "where"),
    [
        (State.PRIMARY, "on primary"),
        (State.MIXED, "partly on either side"),
        (State.UNKNOWN, "on neither side"),
    ],
)
def test_one_that_was_changed_in_git_since_is_never_done(head: State, where: str) -> None:
    rollout = make_rollout(replace(GIT, head=head), replace(WHOLE, verified=CAME))
    assert (rollout.stage, rollout.done, rollout.blocked) == (Stage.UNKNOWN, False, None)
    said = f"changed in Git since: the branch has the service {where} now"
    assert [(step.name, step.has_come, step.at, step.detail) for step in rollout.steps[3:]] == [
        (name, None, None, said) for name in ("started", "ready", "verified")
    ]
    assert is_overruled(said)


def test_what_is_blocked_is_not_told_of_one_that_was_changed_since() -> None:
    blocked = replace(SERVING, stage=Stage.BLOCKED, reason="It waits.")
    assert make_rollout(replace(GIT, head=State.PRIMARY), replace(WHOLE, state=blocked)).blocked is None


# Pods that the commit did not bring


def steps_of(rollout: Rollout) -> dict[str, tuple[bool | None, str]]:
    return {step.name: (step.has_come, step.detail) for step in rollout.steps}


OLD = replace(SERVING, started_at=NOW - 9000, ready_at=NOW - 8990)
NOT_ITS = "sonarr-new-x was there before the commit, and whether it is what the commit asks for is not seen from here"
YES, NO, UNSAID = Arrival(True, NOW - 25), Arrival(False), UNSEEN


@pytest.mark.parametrize(
    ("state", "applied", "stage", "detail"),
    [
        (OLD, NO, Stage.WAITING_FOR_APPLY, "sonarr-new-x was there before the commit"),
        (
            OLD,
            UNSAID,
            Stage.WAITING_FOR_APPLY,
            NOT_ITS,
        ),
        (
            replace(OLD, side=State.UNKNOWN),
            YES,
            Stage.ROLLING_OUT,
            NOT_ITS,
        ),
        (
            replace(SERVING, mismatch="sonarr-new-x was made from an earlier template"),
            YES,
            Stage.ROLLING_OUT,
            "sonarr-new-x was made from an earlier template",
        ),
        (
            replace(SERVING, side=State.UNKNOWN, is_behind=True),
            YES,
            Stage.ROLLING_OUT,
            "sonarr-new-x may be of the release before: Flux has not taken up its newest change",
        ),
    ],
)
def test_a_pod_that_the_commit_did_not_bring_is_not_taken_for_its_own(
    state: ClusterState, applied: Arrival, stage: Stage, detail: str
) -> None:
    rollout = make_rollout(GIT, Seen(state, CAME, applied, verified=CAME))
    assert (rollout.stage, rollout.done) == (stage, False)
    steps = steps_of(rollout)
    assert not steps["started"][0]
    assert not steps["ready"][0]
    assert not steps["verified"][0]
    assert detail in {steps["started"][1], steps["ready"][1]}


def test_one_that_was_there_before_is_its_own_once_the_commit_is_applied_and_the_workload_has_it() -> None:
    """As after two moves that Flux saw as one: nothing else is to come."""
    assert make_rollout(GIT, Seen(OLD, CAME, YES)).done


def test_one_that_is_newer_needs_no_word_of_flux() -> None:
    assert make_rollout(GIT, Seen(SERVING, UNSAID, UNSAID)).done
    assert make_rollout(GIT, Seen(SERVING, UNSAID, NO)).done


def test_a_pod_of_the_same_second_is_no_older() -> None:
    assert make_rollout(GIT, Seen(replace(SERVING, started_at=NOW - 40.9), UNSAID, UNSAID)).done


def test_a_clock_that_is_a_little_behind_makes_no_pod_older() -> None:
    state = replace(SERVING, started_at=NOW - 60)
    assert not make_rollout(GIT, Seen(state, UNSAID, UNSAID)).done
    assert make_rollout(GIT, Seen(state, UNSAID, UNSAID, cluster_ahead_s=-25)).done


@pytest.mark.parametrize(("side", "done"), [(State.BACKUP, True), (State.UNKNOWN, False)])
@pytest.mark.parametrize("ahead_s", [-86_400.0, 3600.0])
def test_where_the_clocks_differ_the_workload_alone_tells(side: State, done: bool, ahead_s: float) -> None:
    state = replace(OLD, side=side)
    rollout = make_rollout(GIT, Seen(state, UNSAID, UNSAID, cluster_ahead_s=ahead_s))
    assert rollout.done is done
    if not done:
        assert "the cluster's clock is another" in steps_of(rollout)["started"][1]


def test_a_ready_pod_at_the_wrong_place_is_neither_started_nor_ready() -> None:
    astray = replace(SERVING, stage=Stage.BLOCKED, mismatch="x is on k3s-w1, which is no node of this side")
    assert steps_of(make_rollout(GIT, replace(WHOLE, state=astray)))["started"] == (False, astray.mismatch)
    assert steps_of(make_rollout(GIT, replace(WHOLE, state=astray)))["ready"] == (False, "")


# What is known of a time


LATER = Arrival(True, NOW - 5, is_bound=True)  # that of a later commit


def told(rollout: Rollout) -> dict[str, tuple[float | None, str]]:
    return {step.name: (None if step.at is None else NOW - step.at, step.detail) for step in rollout.steps}


def test_a_later_commit_makes_no_pod_ready_later() -> None:
    found = told(make_rollout(GIT, Seen(SERVING, LATER, LATER)))
    assert found["fetched"] == found["applied"] == (20, "at the latest"), "its pod was made then"
    assert (found["started"], found["ready"]) == ((20, "sonarr-new-x on k3s-w2"), (10, ""))


def test_its_own_times_are_not_called_bounds() -> None:
    found = told(make_rollout(GIT, Seen(SERVING, CAME, replace(CAME, at=NOW - 25))))
    assert (found["fetched"], found["applied"]) == ((30, ""), (25, ""))


def test_one_that_waits_for_what_it_applied_is_told_so_late_that_the_pod_was_there_first() -> None:
    """As with `wait: true`: the Kustomization is ready when its pods are."""
    found = told(make_rollout(GIT, replace(WHOLE, applied=Arrival(True, NOW - 9))))
    assert (found["applied"], found["started"][0], found["ready"][0]) == ((20, "at the latest"), 20, 10)


def test_a_source_is_no_later_than_what_was_applied_of_it() -> None:
    found = told(make_rollout(GIT, replace(WHOLE, fetched=LATER)))
    assert (found["fetched"], found["applied"]) == ((25, "at the latest"), (25, ""))


def test_before_a_pod_is_there_only_the_later_commit_tells() -> None:
    state = replace(SERVING, stage=Stage.ROLLING_OUT, pod="", node="", started_at=None, ready_at=None)
    found = told(make_rollout(GIT, Seen(state, LATER, LATER)))
    assert found["applied"] == (5, "at the latest")


def test_a_pod_from_before_the_commit_says_nothing_of_when_that_was_applied() -> None:
    found = told(make_rollout(GIT, Seen(OLD, CAME, YES)))
    assert (found["fetched"], found["applied"], found["started"][0]) == ((30, ""), (25, ""), 25)
    found = told(make_rollout(GIT, Seen(OLD, LATER, LATER)))
    assert found["applied"] == (5, "at the latest")
    assert found["started"] == (5, "sonarr-new-x on k3s-w2, at the latest")


# A service that nobody moved


def test_a_service_that_nobody_moved_is_done_when_it_serves() -> None:
    rollout = make_rollout(GitFacts(None), Seen(OLD))
    assert (rollout.stage, rollout.done) == (Stage.SERVING, True)
    assert told(rollout) == {"started": (9000, "sonarr-new-x on k3s-w2"), "ready": (8990, "")}


@pytest.mark.parametrize(
    "state", [replace(OLD, mismatch="of an earlier template"), replace(OLD, stage=Stage.BLOCKED, reason="It waits.")]
)
def test_a_service_that_nobody_moved_is_not_done_before(state: ClusterState) -> None:
    assert not make_rollout(GitFacts(None), Seen(state)).done


def test_of_a_service_that_nobody_moved_nothing_is_told_where_nothing_is_seen() -> None:
    rollout = make_rollout(GitFacts(None), Seen())
    assert (rollout.stage, rollout.done, rollout.steps) == (Stage.UNKNOWN, False, ())


TIME = st.none() | st.floats(NOW - 1000, NOW + 1000)


@given(
    committed=TIME,
    fetched=TIME,
    applied=TIME,
    started=TIME,
    ready=TIME,
    verified=TIME,
    bounds=st.tuples(*[st.booleans()] * 2),
)
def test_times_never_run_backwards(
    bounds: tuple[bool, bool],
    committed: float | None,
    fetched: float | None,
    applied: float | None,
    started: float | None,
    ready: float | None,
    verified: float | None,
) -> None:
    state = replace(SERVING, started_at=started, ready_at=ready)
    seen = Seen(
        state,
        Arrival(True, fetched, is_bound=bounds[0]),
        Arrival(True, applied, is_bound=bounds[1]),
        Arrival(True, verified),
    )
    shown = [step.at for step in make_rollout(replace(GIT, committed_at=committed), seen).steps if step.at is not None]
    assert shown == sorted(shown)
