"""Times in sentences: always a moment, never an age, so that a sentence stays the same while nothing happens."""

from datetime import UTC, datetime


def minute(at: float) -> str:
    """A time (s) in UTC, to the minute: "2026-11-29 21:45 UTC"."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def length(seconds: float) -> str:
    """A length of time in its largest whole unit, as the catalog writes it: "2h"."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:.0f}s"


def second(at: float) -> str:
    """A time (s) in UTC, to the second: "2026-11-29 21:45:07 UTC"."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
