"""The Idempotency-Key of a caller: a name for a wish, so that asking again does not make it another one.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from collections.abc import Sequence

from failover_api.errors import BadRequest

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


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
