"""The OpenAPI document: what is parsed by hand (keys of a move, headers), who may call, and the routes beside the API.

FastAPI makes the rest of it from the routes and from models/.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Path

from failover_api.core.catalog.schema import NAME
from failover_api.core.planning.request import MAX_ACCEPTED
from failover_api.edges import examples
from failover_api.edges.models.body import Body
from failover_api.edges.move_request import DEFAULT_LIMIT, KEYS, MAX_LIMIT, RELOCATION
from failover_api.edges.problems import MEDIA_TYPE, STATUSES

Description = dict[str, Any]
Responses = dict[int | str, Description]

_PROBLEM_BODY = "#/components/schemas/ProblemBody"  # it is there: the list has one for each service that fails
_ANYBODY = (400, 413, 500, 503)
_EVERY = (*_ANYBODY, 401, 403, 429)
LOOKING = (*_EVERY, 404, 422, 502)
MOVING = (*LOOKING, 409, 412, 415, 504)
_WAITING = (429, 503)

SHA = examples.SHA
BEARER = "bearer"
OPEN: Description = {"security": []}  # asked without a token
TAGS = [
    {"name": "services", "description": "Where services are, and moving them."},
    {"name": "groups", "description": "Services that are moved together."},
    {"name": "nodes", "description": "The nodes under the services, and moving all services away from one."},
    {"name": "automatic", "description": "What moves by itself when a node dies, or would; and what holds it."},
    {"name": "operations", "description": "Moves that go step by step, and how far they are."},
    {"name": "process", "description": "Health, version, metrics and schemas of the files of configuration."},
    {
        "name": "hooks",
        "description": "What others tell the service. Only an alert can move one, where the catalog says so.",
    },
]
_SCHEMES: Description = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A static token of access.yaml (`failover token new NAME`), or one of an OpenID Connect issuer named "
            "there. Where access.yaml lets callers without a token look (`anonymous`), none is needed for that."
        ),
    }
}


class Api(FastAPI):
    """The app, whose OpenAPI document says who may call: a token's holder, where a route does not say otherwise."""

    def openapi(self) -> Description:
        """Made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["securitySchemes"] = _SCHEMES
            _put_examples_back(document["components"]["schemas"])
            for methods in document["paths"].values():
                for operation in methods.values():
                    operation.setdefault("security", [{BEARER: []}])
        assert self.openapi_schema is not None
        return self.openapi_schema


def _put_examples_back(schemas: Description) -> None:
    """FastAPI leaves out of the document what is null, in examples too."""
    for body in _under(Body):
        if body.__name__ in schemas:
            properties = schemas[body.__name__]["properties"]
            for key, field in body.model_fields.items():
                properties[field.alias or key]["examples"] = field.examples


def _under(body: type[Body]) -> Iterator[type[Body]]:
    """All that are made from it."""
    for each in body.__subclasses__():
        yield each
        yield from _under(each)


def problems(*statuses: int, is_open: bool = False) -> Responses:
    """The problems of a request, each with the slugs that its status may have; `default` is for what a proxy adds.

    `is_open`: nobody asks for a token, so none is refused.
    """
    declared = sorted({*(_ANYBODY if is_open else _EVERY), *statuses})
    return {**{status: _problem(_slugs(status), status) for status in declared}, "default": _problem("Another problem")}


def _slugs(status: int) -> str:
    """429 and 401 belong to access control, which comes before any route."""
    slugs = [slug for slug, of in STATUSES.items() if of == status]
    return ", ".join(slugs) or HTTPStatus(status).phrase


def _problem(description: str, status: int = 0) -> Description:
    described: Description = {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM_BODY}}}}
    if status in _WAITING:
        described["headers"] = {"Retry-After": _RETRY_AFTER}
    return described


_RETRY_AFTER: Description = {
    "description": "Seconds until it is worth asking again.",
    "schema": {"type": "integer", "minimum": 1, "examples": [5]},
}
ETAG = '"5f0c1b2a3d4e5f60718293a4b5c6d7e8.91ab2c3d4e5f6071"'
TAGGED: Responses = {
    200: {
        "headers": {
            "ETag": {"description": "Names what was read.", "schema": {"type": "string", "examples": [ETAG]}},
        }
    },
    304: {"description": "It is what If-None-Match names"},
}

_NAME: Description = {"pattern": f"^{NAME.pattern}$"}
ServiceName = Annotated[  # what is none is 404, as any that is not in the catalog
    str, Path(json_schema_extra=_NAME, description="The service's name in the catalog.", examples=["sonarr"])
]
_EXAMPLES = {"service": "sonarr", "group": "k3s-w1"}
_REASON = {"type": "string", "maxLength": 200, "examples": ["k3s-w1 is down"]}
_FLAG = {"type": "boolean", "examples": [True]}
_ACCEPTED = {"type": "string", "pattern": "^([^:]+:)?[a-z-]+$"}
_SCHEMAS: dict[str, Description] = {
    "reason": _REASON,
    "accept": {"type": "array", "items": _ACCEPTED, "maxItems": MAX_ACCEPTED, "examples": [["strategy-alone"]]},
}
_SCHEMAS["to"] = {"type": "string", "enum": ["primary", "backup"], "examples": ["primary"]}
_MEANINGS = {**KEYS, **RELOCATION}
_TEXT_FORMS = " 1 and 0 are taken for true and false."
HEADERS = {
    "If-Match": "The ETag of a status or of a dry run: the move is refused with 412 when the manifests changed since.",
    "If-None-Match": "The ETag of an earlier answer: 304 when it is still the same.",
    "Idempotency-Key": "A name for this request, 1 to 255 printable ASCII characters: asked again, the first outcome.",
}
_SHAPES: dict[str, Description] = {
    "If-Match": {"examples": [ETAG]},
    "If-None-Match": {"examples": [ETAG]},
    "Idempotency-Key": {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "examples": [examples.ULID]},
}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT, "examples": [50]}
_CURSOR = {"type": "string", "examples": ["djE6c29uYXJy"]}


def named(kind: str) -> Description:
    """The service or the group of the path."""
    schema = {"type": "string", **_NAME, "examples": [_EXAMPLES[kind]]}
    described = f"The {kind}'s name in the catalog."
    return {"name": kind, "in": "path", "required": True, "schema": schema, "description": described}


def headers(*names: str) -> list[Description]:
    return [parameter("header", name, {"type": "string", **_SHAPES[name]}, HEADERS[name]) for name in names]


def query(keys: Sequence[str]) -> list[Description]:
    """The keys of a move, as they stand in a query."""
    return [
        {
            **parameter(
                "query", key.replace("dry_run", "dry-run"), _SCHEMAS.get(key, _FLAG), _MEANINGS[key] + _also(key)
            ),
            **({"style": "form", "explode": False} if key == "accept" else {}),
        }
        for key in keys
    ]


def body(keys: Sequence[str]) -> Description:
    """The keys of a move, as they stand in a body."""
    properties = {key: {**_SCHEMAS.get(key, _FLAG), "description": _MEANINGS[key]} for key in keys}
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"required": False, "content": {"application/json": {"schema": schema}}}


def paging() -> list[Description]:
    return [
        parameter("query", "limit", _LIMIT, "Entries of a page."),
        parameter("query", "cursor", _CURSOR, "The `next` of an earlier page."),
    ]


def parameter(place: str, name: str, schema: Description, description: str, *, required: bool = False) -> Description:
    return {"name": name, "in": place, "required": required, "schema": schema, "description": description}


OPERATION = parameter(
    "query",
    "operation",
    {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", "examples": [examples.ULID]},
    "The move that is asked about; without it, the newest.",
)


def content(media_type: str, schema: Mapping[str, Any], description: str) -> Responses:
    """A 200 that is no body of models/."""
    return {200: {"description": description, "content": {media_type: {"schema": dict(schema)}}}}


def _also(key: str) -> str:
    return "" if key in _SCHEMAS else _TEXT_FORMS
