"""What a fault answers in the place of the endpoint."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from failover_api.sandbox.http.exchange import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.hosting.faults import Fault


def instead(fault: Fault, refuse: Callable[[Fault], Reply]) -> Reply:
    """The body that a fault names; where it names none, the host refuses in its own words."""
    if fault.kind == "bad_json":
        return Reply(200, {"Content-Type": "application/json; charset=utf-8"}, b'{"message": "cut sh')
    if fault.kind not in ("status", "status_after") or fault.body is None:
        return refuse(fault)
    reply = _named(fault.status or 500, fault.body)
    return dataclasses.replace(reply, headers={**reply.headers, **fault.headers})


def _named(status: int, body: object) -> Reply:
    if not isinstance(body, (str, bytes)):
        return Reply.json(status, body)
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, body.encode() if isinstance(body, str) else body)
