"""Time: stepped by a test, or passing by itself."""

from __future__ import annotations

import time

import pytest

from failover_api.sandbox.cluster.clock import Clock


def test_calls_are_made_in_order_and_see_their_time() -> None:
    clock = Clock(1000.0)
    seen: list[tuple[str, float]] = []
    clock.after(2, lambda: seen.append(("second", clock.elapsed)))
    clock.after(1, lambda: seen.append(("first", clock.elapsed)))
    clock.after(1, lambda: seen.append(("also first", clock.elapsed)))
    cancelled = clock.after(1, lambda: seen.append(("never", 0.0)))
    cancelled.cancel()
    clock.advance(1.5)
    assert seen == [("first", 1.0), ("also first", 1.0)]
    clock.advance(1)
    assert seen[-1] == ("second", 2.0)
    assert clock.now == 1002.5


def test_a_call_may_make_the_next() -> None:
    clock = Clock()
    seen: list[float] = []
    clock.every(10, lambda: seen.append(clock.elapsed), first=3)
    clock.advance(35)
    assert seen == [3, 13, 23, 33]


def test_a_jump_moves_the_hands_and_no_timer() -> None:
    clock = Clock(0.0)
    seen: list[float] = []
    clock.after(10, lambda: seen.append(clock.now))
    clock.jump(3600)
    clock.advance(9)
    assert seen == []
    clock.advance(1)
    assert seen == [3610.0]


def test_time_passes_by_itself_and_faster() -> None:
    clock = Clock()
    seen: list[float] = []
    clock.every(1, lambda: seen.append(clock.elapsed))
    with clock.running(100):
        until = time.monotonic() + 5
        while len(seen) < 20 and time.monotonic() < until:
            time.sleep(0.01)
    assert len(seen) >= 20
    stopped = clock.elapsed
    time.sleep(0.05)
    assert clock.elapsed == stopped


def test_a_call_that_comes_while_it_sleeps_is_made_in_time() -> None:
    clock = Clock()
    with clock.running():
        made: list[float] = []
        time.sleep(0.05)
        began = time.monotonic()
        clock.after(0.05, lambda: made.append(time.monotonic() - began))
        until = time.monotonic() + 5
        while not made and time.monotonic() < until:
            time.sleep(0.005)
    assert 0.04 <= made[0] <= 2


def test_what_is_skipped_passes_at_once_and_time_goes_on() -> None:
    clock, seen = Clock(), []
    clock.every(10.0, lambda: seen.append(round(clock.elapsed)))
    with clock.running():
        clock.skip(60.0)
        assert seen == [10, 20, 30, 40, 50, 60]
        assert 60.0 <= clock.elapsed < 70.0
        before = clock.elapsed
        time.sleep(0.05)
        assert clock.elapsed > before
    clock.skip(30.0)
    assert len(seen) == 9


def test_a_call_that_fails_ends_neither_time_nor_its_repetition(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    seen: list[float] = []

    def fails() -> None:
        seen.append(clock.elapsed)
        raise ValueError("a defect")

    clock.every(1, fails)
    with pytest.raises(ValueError, match="a defect"):
        clock.advance(1.5)
    with clock.running(100):
        until = time.monotonic() + 5
        while len(seen) < 4 and time.monotonic() < until:
            time.sleep(0.01)
    assert len(seen) >= 4
    assert "a call of the simulated cluster failed" in caplog.text


def test_a_clock_that_has_too_little_time_is_behind() -> None:
    clock = Clock()
    clock.after(1, lambda: None)
    assert clock.behind_s == 0.0
    with clock.running(1000), clock.lock:
        time.sleep(0.05)
        assert clock.behind_s > 10.0
