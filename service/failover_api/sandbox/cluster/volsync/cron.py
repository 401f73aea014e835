"""Cron schedules, in UTC: five fields of numbers, lists, ranges and steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
_AT_MOST_DAYS = 366 * 4


def next_time(schedule: str, after: float) -> float:
    """The first time after `after`, in seconds since the epoch. Raises ValueError for what is no schedule."""
    fields = _NAMED.get(schedule.strip(), schedule).split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"{schedule!r} has {len(fields)} fields, expected 5")
    minutes, hours, days, months, weekdays = (_values(one, *_RANGES[i]) for i, one in enumerate(fields))
    weekdays = {day % 7 for day in weekdays}
    at = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = at + timedelta(days=_AT_MOST_DAYS)
    while at < end:
        if at.month not in months or not _is_day(at, days, weekdays, fields):
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif at.hour not in hours:
            at = at.replace(minute=0) + timedelta(hours=1)
        elif at.minute not in minutes:
            at += timedelta(minutes=1)
        else:
            return at.timestamp()
    raise ValueError(f"{schedule!r} never comes")


def _is_day(at: datetime, days: set[int], weekdays: set[int], fields: list[str]) -> bool:
    """Where both fields are given, one of them is enough."""
    of_month, of_week = at.day in days, at.isoweekday() % 7 in weekdays
    return of_month or of_week if "*" not in (fields[2], fields[4]) else of_month and of_week


def _values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if first == "*" else int(first)
        end = int(last) if dash else high if first == "*" or step else start
        if not low <= start <= end <= high:
            raise ValueError(f"{part!r} is not within {low} to {high}")
        found.update(range(start, end + 1, int(step or 1)))
    return found
