"""A text as Markdown reads it."""

from collections.abc import Iterator

from markdown_it import MarkdownIt  # rich brings it
from markdown_it.token import Token

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens_of(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or []


def texts(text: str, kind: str) -> list[str]:
    """The contents of the tokens of this kind."""
    return [token.content for token in tokens_of(text) if token.type == kind]
