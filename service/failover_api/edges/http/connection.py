"""uvicorn's HTTP connection with time limits, and problem+json for a malformed request.

uvicorn knows no time limit for a request that is still coming, and says in plain text what it does not understand.
"""

import asyncio
import math
from collections.abc import Iterable
from typing import Any

import h11
from ulid import ULID
from uvicorn.protocols.http.h11_impl import H11Protocol

from failover_api.edges import problems
from failover_api.edges.http.hardening import MAX_HEAD_BYTES, NO_STORE, SECURITY_HEADERS
from failover_api.edges.http.json_response import json_text
from failover_api.errors import BadRequest, FailoverError

MOST = 1000  # connections that are waited for: each may hold a body, so 64 KiB and as much again in buffers
LINGER_S = 1.0  # closed while the peer still sends, a connection is reset, and our answer lost with it


class Connection(H11Protocol):
    """A request, head and body, has `patience_s` to arrive, and what we answer as long to be taken."""

    patience_s = 10.0
    most = MOST
    _clock: asyncio.TimerHandle | None = None
    _writing_clock: asyncio.TimerHandle | None = None
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        super().connection_made(transport)
        self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._stop_writing_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        self._stop_clock()
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing_clock = self.loop.call_later(self.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_writing_clock()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            BadRequest(f"what came is not a request of HTTP/1.1, or its head is larger than {MAX_HEAD_BYTES:,} bytes")
        )

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade may be asked for; it is answered as if it were not, and not worth two lines of the log."""

    def _make_room(self) -> None:
        """Cuts who has been waited for longest: the newest may be a probe, or somebody who moves."""
        waited_for = [one for one in self.connections if isinstance(one, Connection) and one._clock is not None]
        if len(waited_for) >= self.most:
            min(waited_for, key=Connection._ends_at).transport.abort()

    def _ends_at(self) -> float:
        return self._clock.when() if self._clock is not None else math.inf

    def _watch(self) -> None:
        """Lets the clock run while something of a request is to come, or of a closed connection to go."""
        if self._is_refused:
            return
        if self.cycle is not None and _has_two_ends(self.headers):
            self.cycle.keep_alive = False  # https://www.rfc-editor.org/rfc/rfc9112#section-6.1-15
        if not (self.transport.is_closing() or self.conn.their_state in {h11.IDLE, h11.SEND_BODY}):
            self._stop_clock()
        elif self._clock is None:
            self._clock = self.loop.call_later(self.patience_s, self._give_up)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_writing_clock(self) -> None:
        if self._writing_clock is not None:
            self._writing_clock.cancel()
            self._writing_clock = None

    def _give_up(self) -> None:
        has_begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if has_begun and not self.transport.is_closing():
            self._refuse(BadRequest(f"the request was not complete within {self.patience_s:g} s"))
        else:
            self.transport.abort()

    def _refuse(self, error: FailoverError) -> None:
        """Answers and ends the connection, whatever else comes."""
        self._is_refused = True
        self._stop_clock()
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application has no part in it any more
            self.cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return self.transport.close()  # there is an answer already
        for event in _answer(error):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write_eof()
        self._clock = self.loop.call_later(LINGER_S, self.transport.abort)
        return None


def _has_two_ends(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request says in two ways where it ends: it may be an attempt to smuggle another one past a proxy."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}


def patient(seconds: float) -> type[Connection]:
    """The connection that waits for so long."""
    return type("Connection", (Connection,), {"patience_s": seconds})


def _answer(error: FailoverError) -> tuple[h11.Response, h11.Data, h11.EndOfMessage]:
    request_id = str(ULID())
    problem: dict[str, Any] = problems.problem(error, instance=request_id)
    body = json_text(problem).encode()
    headers = {
        "Content-Type": problems.MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": NO_STORE,
        "X-Request-ID": request_id,
        **SECURITY_HEADERS,
    }
    response = h11.Response(status_code=problem["status"], headers=list(headers.items()), reason=b"Bad Request")
    return response, h11.Data(data=body), h11.EndOfMessage()
