"""Parsing of a move request: query, JSON body, form and headers. In doubt refused: a typo must not move anything.

KEYS is the one table of what can be asked for. Whatever may not load a server can import it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import MoveRequest, checked_accept, checked_key, checked_reason
from failover_api.edges.http.etags import versions_of
from failover_api.errors import BadRequest, MethodNotAllowed, UnsupportedMediaType

if TYPE_CHECKING:  # the command line has this table too, and no server
    from starlette.requests import Request

# What can be asked for: a field of MoveRequest, and what it means. All but `reason` and `accept` are true or false.
KEYS = {
    "dry_run": "Say what the move would do; write nothing.",
    "reason": "Why; it goes into the commit.",
    "force": "Move even a value that is on neither side.",
    "supersede": "Close an open pull request for the other side.",
    "skip_refused": "Move the others when a service of the group is refused.",
    "accept": "Hazards that do not stop it: SLUG, or SERVICE:SLUG for one service of a group.",
}
GROUP_KEYS = tuple(KEYS)
SERVICE_KEYS = tuple(key for key in KEYS if key != "skip_refused")
ROLLBACK_KEYS = tuple(key for key in SERVICE_KEYS if key != "force")

# What only a relocation is asked for with.
RELOCATION = {
    "to": "The side to relocate to: primary or backup.",
    "synced": "The data is there: only with `replication: {kind: manual}`, once the app has stopped.",
    "home": "Bring home what belongs on the node; without it everything that is active there leaves.",
}
RELOCATE_KEYS = ("to", "dry_run", "reason", "accept", "synced")
RELOCATE_GROUP_KEYS = ("to", "dry_run", "reason", "accept", "skip_refused")
RELOCATE_NODE_KEYS = ("home", "dry_run", "reason", "accept", "skip_refused")
ABORT_KEYS = ("reason",)

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_BOOLS: dict[object, bool] = {"true": True, "1": True, "false": False, "0": False}
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


async def read_move_request(request: "Request", keys: Sequence[str], *, by: str) -> MoveRequest:
    """Parses what may have the given keys.

    Raises BadRequest, UnsupportedMediaType, MethodNotAllowed for a GET of what would write, and PreconditionFailed for
    a malformed If-Match.
    """
    return _request(request, await _asked(request, keys), by)


async def read_relocation(request: "Request", *, by: str) -> tuple[MoveRequest, Side, bool]:
    """Where to, and whether whoever asks says that the data is there. Raises as read_move_request()."""
    asked = await _asked(request, RELOCATE_KEYS)
    to, is_synced = _target(asked), asked.pop("synced", False)
    return _request(request, asked, by), to, is_synced


async def read_group_relocation(request: "Request", *, by: str) -> tuple[MoveRequest, Side]:
    """Where a group goes. Raises as read_move_request()."""
    asked = await _asked(request, RELOCATE_GROUP_KEYS)
    to = _target(asked)
    return _request(request, asked, by), to


async def read_node_relocation(request: "Request", *, by: str) -> tuple[MoveRequest, bool]:
    """Whether what belongs on a node comes home. Raises as read_move_request()."""
    asked = await _asked(request, RELOCATE_NODE_KEYS)
    is_home = asked.pop("home", False)
    return _request(request, asked, by), is_home


def _target(asked: dict[str, Any]) -> Side:
    to: Side | None = asked.pop("to", None)
    if to is None:
        raise BadRequest("to: is missing; expected primary or backup")
    return to


async def _asked(request: "Request", keys: Sequence[str]) -> dict[str, Any]:
    query = read_pairs(request.query_params.multi_items(), keys)
    if request.method == "GET" and not query.get("dry_run"):
        action = request.url.path.rpartition("/")[2]
        raise MethodNotAllowed(f"GET only shows what {action} would do: add dry-run=true, or use POST to do it")
    body = _from_body(request, await request.body(), keys) if request.method == "POST" else {}
    for key in query.keys() & body.keys():
        if query[key] != body[key]:
            raise BadRequest(
                f"{key}: the query says {_said(query[key])} and the body {_said(body[key])}; nothing was done"
            )
    return {**query, **body}


def _request(request: "Request", asked: Mapping[str, Any], by: str) -> MoveRequest:
    named = request.headers.getlist("if-match")
    return MoveRequest(
        by=by,
        versions=versions_of(", ".join(named) if named else None),
        key=checked_key(request.headers.getlist("idempotency-key")),
        **asked,
    )


def _said(value: object) -> str:
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else repr(value)


def read_paging(items: Iterable[tuple[str, str]]) -> tuple[int, str | None]:
    """`limit` and `cursor` of a history. Raises BadRequest."""
    asked: dict[str, str] = {}
    for key, text in items:
        asked[_name(key, asked, "query", ("limit", "cursor"))] = text
    limit = asked.get("limit", str(DEFAULT_LIMIT))
    if not _NUMBER.fullmatch(limit) or int(limit) > MAX_LIMIT:
        raise BadRequest(f"limit: expected a number from 1 to {MAX_LIMIT}, not {limit[:40]!r}")
    return int(limit), asked.get("cursor")


def read_operation(items: Iterable[tuple[str, str]]) -> str | None:
    """The `operation` of a query; None: none is named. Raises BadRequest."""
    asked = dict[str, str]()
    for key, text in items:
        asked[_name(key, asked, "query", ("operation",))] = text
    operation = asked.get("operation")
    if operation is not None and not _ULID.fullmatch(operation):
        raise BadRequest(f"operation: expected a ULID like 01JDQ3Z5Y8V6T4R2P0N9M7K5H3, not {operation[:40]!r}")
    return operation


def read_pairs(items: Iterable[tuple[str, str]], keys: Sequence[str]) -> dict[str, Any]:
    """What a query or a form asks for, as keywords of a MoveRequest. Raises BadRequest."""
    asked: dict[str, Any] = {}
    for key, text in items:
        name = _name(key, asked, "query", keys)
        if name == "reason":
            asked[name] = checked_reason(text)
        elif name == "accept":
            asked[name] = checked_accept([word.strip() for word in text.split(",") if word.strip()])
        elif name == "to":
            asked[name] = _side(text)
        elif text in _BOOLS:
            asked[name] = _BOOLS[text]
        else:
            raise BadRequest(f"{key}: expected true, false, 1 or 0, not {text[:40]!r}")
    return asked


async def read_object(request: "Request", keys: Sequence[str]) -> dict[str, Any]:
    """The values of a JSON object that may have these keys, each once; nothing is a body without any.

    Raises BadRequest, UnsupportedMediaType.
    """
    read_pairs(request.query_params.multi_items(), ())
    given: dict[str, Any] = {}
    for key, value in _pairs_of(request, await request.body()):
        if key not in keys:
            raise BadRequest(f"unknown key {key[:40]!r} in the body; expected {', '.join(keys)}")
        if key in given:
            raise BadRequest(f"{key}: is in the body twice")
        given[key] = value
    return given


def _pairs_of(request: "Request", body: bytes) -> list[tuple[str, Any]]:
    if not body.strip():
        return []
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(f"expected a body of type application/json, not {media_type[:80] or 'none'!r}")
    return _parse(body)


def _from_body(request: "Request", body: bytes, keys: Sequence[str]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for key, value in _pairs_of(request, body):
        name = _name(key, asked, "body", keys)
        if name == "reason":
            if not isinstance(value, str):
                raise BadRequest("reason: expected text")
            asked[name] = checked_reason(value)
        elif name == "accept":
            if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
                raise BadRequest('accept: expected a list of texts, like ["strategy-alone"]')
            asked[name] = checked_accept(value)
        elif name == "to":
            asked[name] = _side(value)
        elif isinstance(value, bool) or (type(value) is int and value in (0, 1)):
            asked[name] = bool(value)
        else:
            raise BadRequest(f"{key}: expected true, false, 1 or 0")
    return asked


def _side(value: object) -> Side:
    if isinstance(value, str) and value in set(Side):
        return Side(value)
    raise BadRequest(f"to: expected primary or backup, not {str(value)[:40]!r}")


def _name(key: str, asked: Mapping[str, Any], where: str, keys: Sequence[str]) -> str:
    name = "dry_run" if key == "dry-run" else key
    if name not in keys:
        expected = ", ".join(keys) or "none"
        raise BadRequest(f"unknown key {key[:40]!r} in the {where}; expected {expected}")
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
