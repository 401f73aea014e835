"""The way of one commit, step by step."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.planning.state import State
from failover_api.core.safety.rollout.causes import Cause
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import NOT_SEEN, Arrival, GitFacts, Rollout, Seen, make_rollout
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


TIME = st.none() | st.floats(NOW - 1000, NOW + 1000)


@given(committed=TIME, fetched=TIME, applied=TIME, started=TIME, ready=TIME, verified=TIME)
def test_times_never_run_backwards(
    committed: float | None,
    fetched: float | None,
    applied: float | None,
    started: float | None,
    ready: float | None,
    verified: float | None,
) -> None:
    state = replace(SERVING, started_at=started, ready_at=ready)
    seen = Seen(state, Arrival(True, fetched), Arrival(True, applied), Arrival(True, verified))
    shown = [step.at for step in make_rollout(replace(GIT, committed_at=committed), seen).steps if step.at is not None]
    assert shown == sorted(shown)
