"""From a template to a reply: escaping, the style sheet, and headers that let a page do nothing but be read."""

from __future__ import annotations

import base64
import functools
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from failover_api.sandbox.http.exchange import Reply
from failover_api.sandbox.pages.markdown import to_html

if TYPE_CHECKING:
    from failover_api.sandbox.pages.visit import Visit

_TEMPLATES = Path(__file__).parent / "templates"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a form would come from the origin "null"
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(visit: Visit, template: str, status: int = 200, /, **shown: Any) -> Reply:
    """`shown` must have `title`."""
    style, policy = _style()
    text = _environment().get_template(template).render(visit=visit, repo=visit.repo, style=style, **shown)
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, **SECURITY_HEADERS}
    return Reply(status, headers, text.encode("utf-8", "replace"))


def redirect(to: str) -> Reply:
    """After a form: the browser gets this page with GET."""
    return Reply(303, {"Location": to, **SECURITY_HEADERS}, b"")


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"when": _when, "markdown": to_html}
    return made


@functools.cache
def _style() -> tuple[Markup, str]:
    """The style sheet, which stands in each page, and a policy that allows it and nothing else."""
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return Markup(style), policy  # noqa: S704 - a file of ours


def _when(at: int) -> Markup:
    """A time in seconds since the epoch."""
    moment = datetime.fromtimestamp(at, UTC)
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), f"{moment:%Y-%m-%d %H:%M} UTC")
