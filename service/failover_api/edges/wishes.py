"""What a caller asks of a move, from query and JSON body. In doubt refused: a typo must not move anything."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from failover_api.core.message import checked_reason
from failover_api.errors import BadRequest, BodyTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024
_BOOLS: dict[object, bool] = {"true": True, "1": True, "false": False, "0": False}
_FLAGS = ("dry_run", "force")


@dataclass(frozen=True, slots=True)
class Asking:
    """A parsed move request."""

    dry_run: bool = False
    force: bool = False
    reason: str = ""


async def read_asking(request: Request) -> Asking:
    """Parses query and body. Raises BadRequest, BodyTooLarge, UnsupportedMediaType."""
    query = _from_query(request.query_params.multi_items())
    body = _from_body(request, await _body(request)) if request.method == "POST" else {}
    for key in query.keys() & body.keys():
        if query[key] != body[key]:
            raise BadRequest(f"{key}: the query says {query[key]!r} and the body {body[key]!r}; nothing was done")
    return Asking(**{**query, **body})


def _from_query(items: Iterable[tuple[str, str]]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for key, text in items:
        name = _name(key, asked, "query")
        if name == "reason":
            asked[name] = checked_reason(text)
        elif text in _BOOLS:
            asked[name] = _BOOLS[text]
        else:
            raise BadRequest(f"{key}: expected true, false, 1 or 0, not {text[:40]!r}")
    return asked


def _from_body(request: Request, body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(f"expected a body of type application/json, not {media_type[:80] or 'none'!r}")
    asked: dict[str, Any] = {}
    for key, value in _parse(body):
        name = _name(key, asked, "body")
        if name == "reason":
            if not isinstance(value, str):
                raise BadRequest("reason: expected text")
            asked[name] = checked_reason(value)
        elif isinstance(value, bool) or (type(value) is int and value in (0, 1)):
            asked[name] = bool(value)
        else:
            raise BadRequest(f"{key}: expected true, false, 1 or 0")
    return asked


def _name(key: str, asked: Mapping[str, Any], where: str) -> str:
    name = "dry_run" if key == "dry-run" else key
    if name not in (*_FLAGS, "reason"):
        raise BadRequest(f"unknown key {key[:40]!r} in the {where}; expected {', '.join((*_FLAGS, 'reason'))}")
    if name in asked:
        raise BadRequest(f"{key}: is in the {where} twice")
    return name


def _parse(body: bytes) -> list[tuple[str, Any]]:
    """The pairs of a JSON object, repeated keys and all."""
    try:
        pairs: Any = json.loads(body, object_pairs_hook=list, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise BadRequest("the body is not JSON") from exc
    if body.lstrip()[:1] != b"{":
        raise BadRequest('expected a JSON object, like {"reason": "..."}')
    return list(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES:,} bytes")
    except ClientDisconnect as exc:
        raise BadRequest("the caller left before the body was complete") from exc
    return body
