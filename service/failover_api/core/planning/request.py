"""What is asked for, by whom and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from failover_api.core.wording import is_printable
from failover_api.errors import BadRequest

MAX_REASON_LENGTH = 200
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who wants a move and why. `at` is RFC 3339 in UTC; `operation` a ULID; `key` an Idempotency-Key's digest."""

    operation: str
    by: str
    at: str
    reason: str = ""
    group: str | None = None
    force: bool = False
    key: str | None = None


def checked_reason(text: str) -> str:
    """A reason as it may stand in a commit. Raises BadRequest for one that is long or would not stay on its line."""
    if len(text) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason: {len(text)} characters, expected at most {MAX_REASON_LENGTH}")
    stray = next((char for char in text if not is_printable(char)), None)
    if stray is not None:
        raise BadRequest(f"reason: expected printable text on one line; it holds U+{ord(stray):04X}")
    return text.strip()


def checked_key(given: Sequence[str]) -> str | None:
    """The key, or None when none is given. Raises BadRequest for several, and for one that is not printable ASCII."""
    if not given:
        return None
    if len(given) > 1:
        raise BadRequest("Idempotency-Key: is there twice")
    key = given[0].strip(" \t")
    if not _KEY.fullmatch(key):
        raise BadRequest(f"Idempotency-Key: expected 1 to 255 printable ASCII characters, not {key[:40]!r}")
    return key
