"""OpenAPI descriptions of what is parsed by hand: the keys of edges/move_request.py, and the headers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path

from failover_api.core.catalog.schema import NAME
from failover_api.edges.move_request import DEFAULT_LIMIT, KEYS, MAX_LIMIT
from failover_api.edges.problems import MEDIA_TYPE, STATUSES

Description = dict[str, Any]
Responses = dict[int | str, Description]

_PROBLEM_BODY = "#/components/schemas/ProblemBody"  # it is there: the list has one for each service that fails
_EVERY = (400, 401, 403, 413, 429, 500, 503)
LOOKING = (*_EVERY, 404, 422, 502)
MOVING = (*LOOKING, 409, 412, 415, 504)


def problems(*statuses: int) -> Responses:
    """The problems of a request, each with the slugs that its status may have; `default` is for what a proxy adds."""
    declared = sorted({*_EVERY, *statuses})
    return {**{status: _problem(_slugs(status)) for status in declared}, "default": _problem("Any other problem")}


def _slugs(status: int) -> str:
    """429 and 401 belong to access control, which comes before any route."""
    slugs = [slug for slug, of in STATUSES.items() if of == status]
    return ", ".join(slugs) or HTTPStatus(status).phrase


def _problem(description: str) -> Description:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM_BODY}}}}


UNCHANGED: Responses = {304: {"description": "It is what If-None-Match names"}}

_NAME: Description = {"pattern": f"^{NAME.pattern}$"}
ServiceName = Annotated[str, Path(json_schema_extra=_NAME)]  # what is none is 404, as any that is not in the catalog
_REASON = {"type": "string", "maxLength": 200}
_FLAG = {"type": "string", "enum": ["true", "false", "1", "0"]}
_HEADERS = {
    "If-Match": "The ETag of a status or of a dry run: the move is refused with 412 when the manifests changed since.",
    "If-None-Match": "The ETag of an earlier answer: 304 when it is still the same.",
    "Idempotency-Key": "A name for this wish, 1 to 255 printable ASCII characters: the first outcome is given again.",
}
_SHAPES: dict[str, Description] = {"Idempotency-Key": {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}


def named(kind: str) -> Description:
    """The service or the group of the path."""
    return {"name": kind, "in": "path", "required": True, "schema": {"type": "string", **_NAME}}


def headers(*names: str) -> list[Description]:
    return [_parameter("header", name, {"type": "string", **_SHAPES.get(name, {})}, _HEADERS[name]) for name in names]


def query(keys: Sequence[str]) -> list[Description]:
    """The keys of a move, as they stand in a query."""
    return [
        _parameter("query", key.replace("dry_run", "dry-run"), _REASON if key == "reason" else _FLAG, KEYS[key])
        for key in keys
    ]


def body(keys: Sequence[str]) -> Description:
    """The keys of a move, as they stand in a body."""
    properties = {
        key: {**(_REASON if key == "reason" else {"type": "boolean"}), "description": KEYS[key]} for key in keys
    }
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"required": False, "content": {"application/json": {"schema": schema}}}


def paging() -> list[Description]:
    return [
        _parameter("query", "limit", _LIMIT, "Entries of a page."),
        _parameter("query", "cursor", {"type": "string"}, "The `next` of an earlier page."),
    ]


def _parameter(place: str, name: str, schema: Description, description: str) -> Description:
    return {"name": name, "in": place, "required": False, "schema": schema, "description": description}
