"""Times as text and in seconds: only those that a calendar can show, so that whatever was read can be shown.

A time from outside that is none, has no zone, or lies before 1970 or after the year 9999 is absent, not an error. Go
writes the year 1 where it has no time. https://www.rfc-editor.org/rfc/rfc3339
"""

from datetime import UTC, datetime

LATEST_S = 253_402_300_799.0  # 9999-12-31T23:59:59Z
_MAX_LENGTH = 40


def seconds_of(text: str) -> float | None:
    """Seconds since 1970; None for what is no such time."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return showable(moment.timestamp()) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def showable(at: float) -> float | None:
    """The time (s) itself; None for one that no calendar shows, NaN among them."""
    return at if 0.0 <= at <= LATEST_S else None


def rfc3339(at: float) -> str:
    """A time (s) to the second, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_or_none(at: float | None) -> str | None:
    """None for a time that nobody knows."""
    return None if at is None else rfc3339(at)
