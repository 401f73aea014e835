"""Writes keep a pace: no window ever holds more than GitHub allows, and who waits as long as told is not refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.errors import GitHubRateLimited
from failover_api.forge.pace import HOUR, MINUTE, Pace

KEY = "acme"


class Clock:
    """Seconds, moved by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def take_all(pace: Pace, key: str = KEY) -> int:
    """How many writes are let through now."""
    for taken in itertools.count():
        try:
            pace.take(key)
        except GitHubRateLimited:
            return taken
    raise AssertionError("never refused")


def most_within(times: list[float], window_s: float) -> int:
    """The most that any window of this length holds, its ends included."""
    return max((sum(start <= at <= start + window_s for at in times) for start in times), default=0)


def test_a_full_bucket_gives_39_writes_and_then_one_every_60_39ths_of_a_second() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    assert pace.wait_s(KEY) == 0.0
    assert take_all(pace) == 39
    assert pace.wait_s(KEY) == pytest.approx(60 / 39)
    clock.now += 60 / 39
    assert take_all(pace) == 1
    clock.now += 10 * 60 / 39
    assert take_all(pace) == 10


def test_an_hour_gives_249_writes_and_then_one_every_3600_249ths_of_a_second() -> None:
    clock = Clock()
    pace = Pace((HOUR,), clock=clock)
    assert take_all(pace) == 249
    assert pace.wait_s(KEY) == pytest.approx(3600 / 249)
    clock.now += 3600
    assert take_all(pace) == 249


def test_the_emptier_bucket_decides() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    taken = 0
    while pace.wait_s(KEY) < 10:  # the minute alone never asks for more than 2 s
        clock.now += pace.wait_s(KEY)
        pace.take(KEY)
        taken += 1
    assert taken > 249


def test_a_refusal_says_how_long_and_counts_nothing() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    take_all(pace)
    for _ in range(3):
        with pytest.raises(GitHubRateLimited, match=r"the next may be sent in 1\.5 s") as error:
            pace.take(KEY)
        assert error.value.retry_after_s == pytest.approx(60 / 39)
        assert error.value.secondary


def test_each_key_has_buckets_of_its_own() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    assert take_all(pace) == take_all(pace, "other") == 39
    clock.now += 30
    assert take_all(pace, "third") == 39
    assert pace.wait_s("other") == 0.0
    assert take_all(pace) == 19


def test_a_key_that_was_idle_is_forgotten_and_full() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    take_all(pace)
    clock.now += 3601
    pace.take("other")
    assert set(pace._full_at) == {"other"}
    assert take_all(pace) == 39


def test_without_limits_nothing_waits() -> None:
    pace = Pace(())
    for _ in range(1000):
        pace.take(KEY)
    assert pace.wait_s(KEY) == 0.0


STARTS = st.floats(0, 1e7)
STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 400)), max_size=60)


@given(start=STARTS, steps=STEPS)
def test_no_window_ever_holds_more_than_github_allows(start: float, steps: list[float]) -> None:
    clock, times = Clock(start), []
    pace = Pace(clock=clock)
    for step in steps:
        clock.now += step
        times += [clock.now] * take_all(pace)
    assert most_within(times, 60.0) <= 2 * MINUTE[0] < 80
    assert most_within(times, 3600.0) <= 2 * HOUR[0] < 500


@given(start=STARTS, steps=STEPS)
def test_who_waits_as_long_as_told_is_not_refused(start: float, steps: list[float]) -> None:
    clock = Clock(start)
    pace = Pace(clock=clock)
    for step in steps:
        clock.now += step
        take_all(pace)
        wait_s = pace.wait_s(KEY)
        assert wait_s > 0
        clock.now += wait_s
        assert pace.wait_s(KEY) == 0.0
        pace.take(KEY)
