"""Relocations as Git's history tells them."""

from failover_api.forge.values import LoggedCommit
from failover_api.reading.relocations import _merge_times


def commit(sha: str, at: int, *parents: str) -> LoggedCommit:
    return LoggedCommit(sha, "", True, sha, "maria", f"2026-12-01T10:{at:02}:00Z", parents)


def test_a_commit_counts_from_when_the_branch_got_it() -> None:
    """Also where the branch was merged into it in between ("Update branch"), which says nothing of that."""
    main = commit("merge", 40, "other", "updated"), commit("other", 20, "base"), commit("base", 10)
    step, updated = commit("step", 15, "base"), commit("updated", 30, "step", "other")
    times = _merge_times([main[0], updated, main[1], step, main[2]], "merge")
    assert times == dict.fromkeys(("updated", "step"), "2026-12-01T10:40:00Z")


def test_a_branch_that_was_kept_up_to_date_makes_nothing_later_that_was_there() -> None:
    step, feature = commit("step", 15, "base"), commit("feature", 30, "work", "step")
    times = _merge_times([commit("merge", 40, "step", "feature"), feature, step, commit("base", 10)], "merge")
    assert "step" not in times
