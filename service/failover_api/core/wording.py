"""Text from outside, safe to show: on one line, with control and bidirectional characters escaped, cut when long.

Nothing that comes from a manifest, the catalog or a caller can end a line here, reverse it or hide in it.
"""

import shlex
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 120
_JOINERS = "\u200c\u200d"  # emoji and some scripts are made with them


def is_printable(char: str) -> bool:
    """Any letter, mark, sign, symbol or space; no control, no bidi override, no line or paragraph separator.

    U+FFFD stands for bytes that were no text.
    """
    if char == "\ufffd":
        return False
    category = unicodedata.category(char)
    return char in _JOINERS or not (category.startswith("C") or category in {"Zl", "Zp"})


def one_line(text: str) -> str:
    """The text, with `\\u202e` for what is not printable."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if is_printable(char) else _escape(char) for char in text)


def written(token: str) -> str:
    """A token as it stands in a manifest, in a sentence: `*app`. Long ones are cut."""
    return f"`{cut(token)}`"


def cut(token: str) -> str:
    """The text on one line, and no longer than MAX_LENGTH."""
    text = one_line(token)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"


def listed(names: Sequence[str], most: int) -> str:
    """The first of them as they are, and how many more there are: "sonarr, radarr and 7 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shell_word(token: str) -> str:
    """The text as one word of a command that people paste into a shell: what is no plain name is quoted.

    What would be taken for an option (`--all`) is not written: `NAME` stands there, to be filled in.
    """
    return "NAME" if token.startswith("-") else shlex.quote(cut(token))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
