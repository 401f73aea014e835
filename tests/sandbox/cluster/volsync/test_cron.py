"""Schedules: when the next time is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from failover_api.sandbox.cluster.volsync.cron import next_time

MONDAY = datetime(2026, 11, 30, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", "2026-11-30T10:21"),
        ("15 * * * *", "2026-11-30T11:15"),
        ("*/30 * * * *", "2026-11-30T10:30"),
        ("20 10 * * *", "2026-12-01T10:20"),
        ("0 3 * * 0", "2026-12-06T03:00"),
        ("0 3 * * 7", "2026-12-06T03:00"),
        ("0 0 1 * *", "2026-12-01T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("5,45 8-10 * * *", "2026-11-30T10:45"),
        ("0 0 13 * 5", "2026-12-04T00:00"),
        ("10-50/20 * * * *", "2026-11-30T10:30"),
        ("@daily", "2026-12-01T00:00"),
    ],
)
def test_the_next_time(schedule: str, expected: str) -> None:
    found = datetime.fromtimestamp(next_time(schedule, MONDAY.timestamp()), UTC)
    assert found.strftime("%Y-%m-%dT%H:%M") == expected


@pytest.mark.parametrize("schedule", ["", "* * * *", "61 * * * *", "a * * * *", "0 0 31 2 *", "5-1 * * * *"])
def test_what_is_no_schedule(schedule: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        next_time(schedule, MONDAY.timestamp())
