"""Times from outside: whatever was read can be shown, and what no calendar shows is absent."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.rfc3339 import LATEST_S, rfc3339, rfc3339_or_none, seconds_of, showable

UNSHOWABLE = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",  # what Go writes of no time
    "0001-01-01T00:00:00+23:59",  # before the year 1
    "9999-12-31T23:59:59-23:59",  # after the year 9999
    "9999-12-31T23:59:59.999999Z",  # rounded up, it is after it
    "10000-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2026-11-30T20:00:00+99:99",
    "2026-11-30T20:00:00",
    "2026-02-30T20:00:00Z",
    "NaN",
    "Infinity",
    "",
    "2026-11-30T20:00:00Z" + "0" * 40,
]


@pytest.mark.parametrize("text", UNSHOWABLE)
def test_a_time_that_no_calendar_shows_is_absent(text: str) -> None:
    assert seconds_of(text) is None


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, -1.0, LATEST_S + 1, 1e300])
def test_seconds_that_no_calendar_shows_are_absent(at: float) -> None:
    assert showable(at) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-30T20:00:00Z", 1_796_068_800.0),
        ("2026-11-30T20:00:00+23:59", 1_796_068_800.0 - 86_340),
        ("1970-01-01T00:00:00Z", 0.0),
        ("9999-12-31T23:59:59Z", LATEST_S),
    ],
)
def test_any_other_is_its_seconds(text: str, expected: float) -> None:
    assert seconds_of(text) == expected


@given(st.text(alphabet="0123456789-+:.TZWt ", max_size=45) | st.datetimes(timezones=st.timezones()).map(str))
def test_whatever_is_read_can_be_shown(text: str) -> None:
    at = seconds_of(text)
    if at is not None:
        assert seconds_of(rfc3339(at)) == math.floor(at)


def test_a_time_that_nobody_knows_is_none() -> None:
    assert (rfc3339_or_none(None), rfc3339_or_none(0.0)) == (None, "1970-01-01T00:00:00Z")
