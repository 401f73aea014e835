"""`/docs`: the OpenAPI document as a page to read, without a script, and what to do about each problem."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from failover_api.core.access.model import Verb
from failover_api.edges import problems
from failover_api.edges.http.json_response import json_response
from failover_api.edges.http.root_path import root_of
from failover_api.edges.http.session import Reader

Schema = dict[str, Any]
MAX_EXAMPLE = 100  # characters
_TEMPLATES = Path(__file__).parent / "templates"


def page(request: Request, who: Reader) -> HTMLResponse:
    """A page made of what the app says of itself; in a thread, since it reads its template."""
    from jinja2 import Environment, FileSystemLoader

    who.needs_any(Verb.VIEW, "docs")
    style = (_TEMPLATES / "docs.css").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    environment.filters.update(type=type_text, example=example_text)
    html = environment.get_template("docs.html").render(
        api=request.app.openapi(),
        style=style,
        problems=problems.kinds(),
        slugs=problems.STATUSES,
        prefix=problems.TYPE_PREFIX,
        root=root_of(request),
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": _policy(style)})


def schema(request: Request, who: Reader) -> Response:
    """The document itself; below a root path it says where we are."""
    who.needs_any(Verb.VIEW, "openapi")
    servers = {"servers": [{"url": root}]} if (root := root_of(request)) else {}
    return json_response(request.app.openapi() | servers)


def type_text(schema: Schema) -> str:
    """A schema in a few words: "text or null", "list of SwitchBody"."""
    match schema:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"anyOf": list(choices)}:
            return " or ".join(map(type_text, choices))
        case {"enum": list(values)}:
            return ", ".join(map(str, values))
        case {"const": value}:
            return str(value)
        case {"type": "array", "items": dict(items)}:
            return f"list of {type_text(items)}"
        case {"type": str(name)}:
            return {"string": "text", "integer": "number", "boolean": "true or false"}.get(name, name)
        case _:
            return "anything"


def example_text(schema: Schema) -> str:
    """The first example: a text as it is, else JSON. The rest of a long one is left out.

    All of it where it says nothing, as a bool, or names another host, since the page names none.
    """
    (first, *_) = schema.get("examples", [None])
    text = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False)
    if first is None or isinstance(first, bool) or "://" in text:
        return ""
    return text if len(text) <= MAX_EXAMPLE else f"{text[:MAX_EXAMPLE]} ..."


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
