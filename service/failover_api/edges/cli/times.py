"""Times as people read them: to the minute, with their zone."""

from datetime import UTC, datetime

from failover_api.core.wording import cut


def shown_time(time: str, *, utc: bool = False, seconds: bool = False) -> str:
    """A time of the JSON (RFC 3339) in this machine's zone, or in UTC: `2026-11-23 05:00 CET`.

    What is no time, or none that a calendar can show, is shown as it stands.
    """
    try:
        moment = datetime.fromisoformat(time).astimezone(UTC if utc else None)
    except (ValueError, OverflowError):
        return cut(time)
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{moment:%Y-%m-%d %H:%M %Z}"
