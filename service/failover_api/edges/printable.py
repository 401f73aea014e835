"""Text made safe to print: no control sequences, nothing that reverses a line's direction.

Line feeds and tabs stay: a diff has them.
"""

_CONTROLS = (*range(32), 127, *range(128, 160))
# Marks that reorder what is read, and separators that some terminals break a line at. https://trojansource.codes
_HIDDEN = (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
_SHOWN = {code: f"\\x{code:02x}" for code in _CONTROLS if code not in (9, 10)}
_SHOWN |= {code: f"\\u{code:04x}" for code in _HIDDEN}


def printable(text: str) -> str:
    """The text, with `\\x1b` for what is not to be acted on."""
    return text.translate(_SHOWN)


def one_line(text: object) -> str:
    """The same, of what has to stay on its line."""
    return printable(str(text)).replace("\n", "\\n").replace("\t", " ")
