"""Writes keep a pace: no window ever holds more than GitHub allows, and who waits as long as told is not refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.errors import ForgeRateLimited
from failover_api.forge.http.pace import A_MINUTE, AT_ONCE, HOUR, MINUTE, SMALLEST, RateLimit, limit_of
from tests.support.clock import Clock
from tests.support.pace import KEY, take_all


def most_within(times: list[float], window_s: float) -> int:
    """The most that any window of this length holds, its ends included."""
    return max((sum(start <= at <= start + window_s for at in times) for start in times), default=0)


def test_a_minute_takes_a_storm_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    pace = RateLimit(clock=clock)
    size, refill_s = MINUTE
    assert pace.wait_s(KEY) == 0.0
    assert take_all(pace) == size
    assert pace.wait_s(KEY) == pytest.approx(refill_s)
    clock.now += refill_s
    assert take_all(pace) == 1
    clock.now += 10 * refill_s
    assert take_all(pace) == 10


def test_the_emptier_bucket_decides() -> None:
    clock = Clock()
    pace = RateLimit(clock=clock)
    taken = 0
    while pace.wait_s(KEY) <= MINUTE[1] + 0.01:
        clock.now += pace.wait_s(KEY)
        pace.take(KEY)
        taken += 1
    assert taken >= HOUR[0]


def test_room_for_several_writes_is_waited_for() -> None:
    clock = Clock()
    pace = RateLimit(((3, 10.0),), clock=clock)
    assert [pace.wait_s(KEY, calls) for calls in (1, 3, 99)] == [0.0, 0.0, 0.0]
    take_all(pace)
    assert [pace.wait_s(KEY, calls) for calls in (1, 2, 3, 99)] == [pytest.approx(s) for s in (10, 20, 30, 30)]


def test_a_refusal_says_how_long_and_counts_nothing() -> None:
    clock = Clock()
    pace = RateLimit(clock=clock)
    take_all(pace)
    for _ in range(3):
        with pytest.raises(ForgeRateLimited, match=r"the next may be sent in 2\.2 s") as error:
            pace.take(KEY)
        assert error.value.retry_after_s == pytest.approx(MINUTE[1])
        assert error.value.secondary


def test_each_key_has_buckets_of_its_own() -> None:
    clock = Clock()
    pace = RateLimit(clock=clock)
    assert take_all(pace) == take_all(pace, "other") == MINUTE[0]
    assert pace.wait_s("third") == 0.0


def test_without_limits_nothing_waits() -> None:
    pace = RateLimit(())
    for _ in range(1000):
        pace.take(KEY)
    assert pace.wait_s(KEY) == 0.0


STARTS = st.floats(0, 1e7)
STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 400)), max_size=60)


@given(start=STARTS, steps=STEPS)
def test_no_window_ever_holds_more_than_github_allows(start: float, steps: list[float]) -> None:
    clock, times = Clock(start), []
    pace = RateLimit(clock=clock)
    for step in steps:
        clock.now += step
        times += [clock.now] * take_all(pace)
    assert most_within(times, 60.0) <= MINUTE[0] + 60 / MINUTE[1] + 1 < 80
    assert most_within(times, 3600.0) <= HOUR[0] + 3600 / HOUR[1] + 1 < 500


@given(start=STARTS, steps=STEPS)
def test_who_waits_as_long_as_told_is_not_refused(start: float, steps: list[float]) -> None:
    clock = Clock(start)
    pace = RateLimit(clock=clock)
    for step in steps:
        clock.now += step
        take_all(pace)
        wait_s = pace.wait_s(KEY)
        assert wait_s > 0
        clock.now += wait_s
        assert pace.wait_s(KEY) == 0.0
        pace.take(KEY)


# Several processes that work as one installation


class Process:
    """One of several; what it sent is forgotten when it is started anew."""

    def __init__(self, share: float, clock: Clock) -> None:
        self.share, self.clock, self.times, self.starts = share, clock, list[float](), list[float]()
        self.start()

    def start(self) -> None:
        self.pace = RateLimit.of_share(self.share, clock=self.clock)
        self.starts.append(self.clock.now)

    def may_start(self) -> bool:
        """Once in an hour."""
        return self.clock.now - self.starts[-1] > 3600

    def send(self, most: int) -> None:
        for _ in range(most):
            if self.pace.wait_s(KEY):
                break
            self.pace.take(KEY)
            self.times.append(self.clock.now)


def parts(weights: list[int], smallest: float) -> list[float]:
    """Shares of together 1, none smaller."""
    left = 1 - smallest * len(weights)
    return [smallest + left * weight / sum(weights) for weight in weights]


TURNS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 70), st.floats(0, 1500)),
        st.integers(0, 11),
        st.sampled_from([1, 6, 500]),
        st.booleans(),
    ),
    max_size=80,
)


@given(weights=st.lists(st.integers(1, 20), min_size=2, max_size=5), turns=TURNS)
def test_shares_of_one_installation_never_exceed_its_limits_together(
    weights: list[int], turns: list[tuple[float, int, int, bool]]
) -> None:
    clock = Clock()
    processes = [Process(min(share, 0.5), clock) for share in parts(weights, 2.2 * SMALLEST)]
    for pause_s, which, most, anew in turns:
        clock.now += pause_s
        for process in processes if which > 5 else [processes[which % len(processes)]]:
            if anew and process.may_start():
                process.start()
            process.send(most)
    times = sorted(at for process in processes for at in process.times)
    assert most_within(times, 60.0) < 80
    assert most_within(times, 3600.0) < 500


@given(weights=st.lists(st.integers(1, 20), min_size=7, max_size=12), turns=TURNS)
def test_small_shares_hold_as_long_as_nothing_is_started_anew(
    weights: list[int], turns: list[tuple[float, int, int, bool]]
) -> None:
    clock = Clock()
    processes = [Process(share, clock) for share in parts(weights, SMALLEST)]
    for pause_s, which, most, _ in turns:
        clock.now += pause_s
        for process in processes if which > 5 else [processes[which % len(processes)]]:
            process.send(most)
    times = sorted(at for process in processes for at in process.times)
    assert most_within(times, 60.0) < 80
    assert most_within(times, 3600.0) < 500


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2, 0.4, 0.5, 1.0])
def test_any_share_has_room_for_one_pull_request_and_says_when_for_the_next(share: float) -> None:
    clock = Clock()
    pace = RateLimit.of_share(share, clock=clock)
    for _ in range(AT_ONCE):
        pace.take(KEY)
    for _ in range(3):
        wait_s = pace.wait_s(KEY, AT_ONCE)
        assert 0 <= wait_s < 5000
        clock.now += wait_s
        for _ in range(AT_ONCE):
            pace.take(KEY)


def test_a_share_counts_a_start_and_a_storm() -> None:
    """0.4 is 31 a minute: 12 at once, one in 8.6 s, and 12 more should the process be started anew."""
    assert limit_of(0.4, A_MINUTE, 60.0) == (12, 60 / 7)
    assert take_all(RateLimit.of_share(0.4, clock=Clock())) == 12
    assert take_all(RateLimit.of_share(1.0, clock=Clock())) == MINUTE[0]


def test_a_refusal_by_github_ends_the_storm() -> None:
    clock = Clock()
    pace = RateLimit(((10, 6.0), (100, 60.0)), clock=clock)
    pace.drain(KEY, 60.0)
    assert pace.wait_s(KEY) == pytest.approx(60.0)
    clock.now += 60.0
    assert take_all(pace) == 1
    clock.now += 6.0
    assert take_all(pace) == 1
    RateLimit(()).drain(KEY, 60.0)
