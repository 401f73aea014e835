"""The Markdown of pull requests and comments as HTML. HTML in it is shown as text, and links lead to the web only."""

from __future__ import annotations

import functools

from markdown_it import MarkdownIt
from markupsafe import Markup

_DIFF_CLASSES = {"+": "added", "-": "removed", "@": "gap"}


def to_html(text: str) -> Markup:
    return Markup(_renderer().render(text))  # noqa: S704 - its own option `html` is off, and _code escapes


@functools.cache
def _renderer() -> MarkdownIt:
    """https://markdown-it-py.readthedocs.io/en/latest/security.html"""
    return MarkdownIt("commonmark", {"html": False, "highlight": _code}).enable("table")


def _code(code: str, language: str, _attributes: str) -> str:
    """Lines of a diff in its colours; "": as it is."""
    if language != "diff":
        return ""
    lines = code.split("\n")
    return "\n".join(Markup('<span class="{}">{}</span>').format(_line_class(line), line) for line in lines)


def _line_class(line: str) -> str:
    return "" if line.startswith(("+++", "---")) else _DIFF_CLASSES.get(line[:1], "")
