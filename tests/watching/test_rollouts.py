"""How long a move took, by clocks that may differ."""

import pytest

from failover_api.watching.rollouts import time_taken


@pytest.mark.parametrize(
    ("told_s", "ahead_s", "seen_s", "took_s"),
    [
        (5.0, 0.0, 6.0, 5.0),
        (3605.0, 3600.0, 6.0, 5.0),
        (-3595.0, -3600.0, 6.0, 5.0),
        (3605.0, 3600.0, None, 5.0),
        (-2.0, 0.0, 1.0, 0.0),
    ],
)
def test_a_cluster_whose_clock_is_another_takes_no_longer(
    told_s: float, ahead_s: float, seen_s: float | None, took_s: float
) -> None:
    assert time_taken(told_s, ahead_s, seen_s) == took_s


def test_an_old_difference_of_clocks_that_were_set_together_does_not_count() -> None:
    """As where time is skipped: the cluster has not answered since, and seems to be behind."""
    assert time_taken(3.0, -51.0, 4.0) == 3.0
