"""Times as Kubernetes writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")


def rfc3339(epoch_s: float) -> str:
    """Whole seconds, as `metadata.creationTimestamp` has them."""
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro(epoch_s: float) -> str:
    """Six fraction digits, as a Lease has them."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_micro(text: str) -> bool:
    return _MICRO.fullmatch(text) is not None


def epoch(text: str) -> float:
    """Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


def go_duration(seconds: float) -> str:
    """As Go prints one: `1m3.5s`."""
    minutes, rest = divmod(round(seconds, 9), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(duration: str) -> float:
    """Of a Go duration such as `1h30m`. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
