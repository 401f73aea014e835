"""Signed cursors of history pages, valid on any replica and after any restart.

A cursor names a commit, and reading a page of it costs requests to GitHub; an invented one must cost none. So each is
signed, for one service, with a key derived from the credentials, which all replicas share and nobody else has.
"""

import hashlib
import hmac
import re
from collections.abc import Callable

from failover_api.errors import BadRequest

_PURPOSE = b"failover-api: cursors of history\0"
_CURSOR = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\.([0-9]{1,4})\.([0-9a-f]{32})")
LAST_POSITION = 9_999  # what is further back is left to Git itself


class Cursors:
    """Signs and reads cursors. `secret` gives what only our replicas know."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def sign(self, service: str, head: str, position: int) -> str:
        """A cursor for the entries after the first `position`, as of the commit `head`."""
        return f"{head}.{position}.{self._signature(service, head, position)}"

    def read(self, service: str, cursor: str) -> tuple[str, int]:
        """The commit and the position. Raises BadRequest for a cursor that was not signed for this service."""
        match = _CURSOR.fullmatch(cursor)
        if match is None or not hmac.compare_digest(self._signature(service, match[1], int(match[2])), match[3]):
            raise BadRequest(f"cursor: expected the `next` of an earlier page of {service}, not {cursor[:60]!r}")
        return match[1], int(match[2])

    def _signature(self, service: str, head: str, position: int) -> str:
        key = hashlib.sha256(_PURPOSE + self._secret()).digest()
        return hmac.new(key, f"{service}\0{head}\0{position}".encode(), hashlib.sha256).hexdigest()[:32]
