"""Times as people read them: to the minute, with their zone."""

from datetime import UTC, datetime


def shown_time(time: str, *, utc: bool = False, seconds: bool = False) -> str:
    """A time of the JSON (RFC 3339) in this machine's zone, or in UTC: `2026-11-23 05:00 CET`."""
    moment = datetime.fromisoformat(time).astimezone(UTC if utc else None)
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{moment:%Y-%m-%d %H:%M %Z}"
