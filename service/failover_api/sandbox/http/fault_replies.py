"""What a fault answers in the place of the endpoint."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from failover_api.sandbox.github.call import DOCS
from failover_api.sandbox.hosting.limits import PRIMARY_URL, SECONDARY_TEXT, SECONDARY_URL, primary_text
from failover_api.sandbox.http.exchange import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.hosting.faults import Fault


def instead(fault: Fault, now: float) -> Reply:
    """What is answered without asking the endpoint."""
    match fault.kind:
        case "bad_json":
            return Reply(200, {"Content-Type": "application/json; charset=utf-8"}, b'{"message": "cut sh')
        case "rate_limit_primary":
            reset = str(int(now + fault.seconds))
            headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000"}
            headers |= {"X-RateLimit-Reset": reset, "X-RateLimit-Resource": "core"}
            return _refusal(fault.status or 403, primary_text("installation ID 2001"), PRIMARY_URL, headers)
        case "rate_limit_secondary":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            headers |= {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Resource": "core"}
            return _refusal(fault.status or 403, SECONDARY_TEXT, SECONDARY_URL, headers)
        case "token_not_ready":
            return _refusal(fault.status or 401, "Bad credentials", DOCS, {})
    return status(fault)


def status(fault: Fault) -> Reply:
    """The status, body and headers that it names."""
    code = fault.status or 500
    if fault.body is None:
        return _refusal(code, "Server Error", DOCS, fault.headers)
    if isinstance(fault.body, (str, bytes)):
        body = fault.body.encode() if isinstance(fault.body, str) else fault.body
        return Reply(code, {"Content-Type": "text/html; charset=utf-8", **fault.headers}, body)
    reply = as_json(code, fault.body)
    return dataclasses.replace(reply, headers={**reply.headers, **fault.headers})


def _refusal(status: int, message: str, url: str, headers: Mapping[str, str]) -> Reply:
    text = message.replace("{request_id}", "0" * 32)
    reply = as_json(status, {"message": text, "documentation_url": url, "status": str(status)})
    return dataclasses.replace(reply, headers={**reply.headers, "X-GitHub-Request-Id": "0" * 32, **headers})


def as_json(status: int, body: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(body).encode())
