"""`/docs`: the OpenAPI document as a page to read, without script or another host; and the schemas of our files."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse

from failover_api.core.access.json_schema import access_schema
from failover_api.core.access.model import Verb
from failover_api.core.catalog.json_schema import services_schema
from failover_api.edges.http.root_path import root_of
from failover_api.edges.http.session import Reader

Schema = dict[str, Any]
_TEMPLATES = Path(__file__).parent / "templates"


def page(request: Request, who: Reader) -> HTMLResponse:
    """A page made of what the app says of itself; in a thread, since it reads its template."""
    from jinja2 import Environment, FileSystemLoader

    who.needs_any(Verb.VIEW, "docs")
    style = (_TEMPLATES / "docs.css").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    environment.filters["type"] = type_text
    html = environment.get_template("docs.html").render(api=request.app.openapi(), style=style, root=root_of(request))
    return HTMLResponse(html, headers={"Content-Security-Policy": _policy(style)})


def schema(request: Request, who: Reader) -> JSONResponse:
    """The document itself; below a root path it says where we are."""
    who.needs_any(Verb.VIEW, "openapi")
    servers = {"servers": [{"url": root}]} if (root := root_of(request)) else {}
    return JSONResponse(request.app.openapi() | servers)


def services_yaml() -> JSONResponse:
    """The schema of services.yaml; for everybody, since editors ask without a token."""
    return JSONResponse(services_schema())


def access_yaml() -> JSONResponse:
    """The schema of access.yaml."""
    return JSONResponse(access_schema())


def type_text(schema: Schema) -> str:
    """A schema in a few words: "text or null", "list of SwitchBody"."""
    match schema:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"anyOf": list(choices)}:
            return " or ".join(map(type_text, choices))
        case {"enum": list(values)}:
            return ", ".join(map(str, values))
        case {"type": "array", "items": dict(items)}:
            return f"list of {type_text(items)}"
        case {"type": str(name)}:
            return {"string": "text", "integer": "number", "boolean": "true or false"}.get(name, name)
        case _:
            return "anything"


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
