"""Scalars: what a plain one means to every reader, and how a new one is written.

Readers are taken together: YAML 1.1 (PyYAML, kubectl's reader), YAML 1.2 (ruamel) and go-yaml (Flux, kustomize).
Where they differ on a text, it has no type of its own and is never written plain.
"""

import math
import re
from dataclasses import dataclass

Value = str | int | float | bool | None

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORDS = frozenset({"~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="})
_DISPUTED = frozenset({"<<", "="}) | {
    form for word in ("yes", "no", "on", "off", "y", "n") for form in (word, word.title(), word.upper())
}

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+][0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# A number or a date to one of the readers:
# https://yaml.org/type/int.html, https://yaml.org/type/float.html, https://yaml.org/type/timestamp.html,
# https://yaml.org/spec/1.2.2/#1032-tag-resolution, https://github.com/go-yaml/yaml/blob/v3/resolve.go
_SOME_NUMBER = re.compile(
    r"""[-+]?(?: 0[bB][01_]+ | 0[oO]?[0-7_]+ | 0[xX][0-9a-fA-F_]+
              | [0-9][0-9_]* | (?: \.[0-9][0-9_]* | [0-9][0-9_]*(?:\.[0-9_]*)? )(?:[eE][-+]?[0-9]+)?
              | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)? )
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}
        (?: (?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?
            (?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))? )?
    """,
    re.VERBOSE,
)
# More than that, to be safe: an exponent without digits, hours of 99 minutes, commas between digits.
_LIKE_A_NUMBER = re.compile(
    r"""[-+]?[0-9_,]*(?:\.[0-9_]*)?(?:(?<=[0-9._])e[-+0-9_]*)?
      | [-+]?[0-9][0-9_]*(?::[0-9_]*)+(?:\.[0-9_]*)?
      | 0[xob][0-9a-f_]*
      | [-+]?\.?(?:inf|infinity|nan)
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t ].*)?
      | \.+
    """,
    re.IGNORECASE | re.VERBOSE,
)
# `${`: Flux puts a value there before anybody reads it as YAML.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_./]|\$\{)(?:[!-~]|(?<!:) (?!#))*(?<![ :])")
_FLOW_INDICATOR = re.compile(r"[,\[\]{}:?]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scalar means. When readers differ it is `ambiguous`, and `value` is its text."""

    value: Value
    ambiguous: bool = False


def read_plain(text: str) -> Reading:
    """What a plain scalar means to every reader."""
    if text in NULLS:
        return Reading(None)
    if text in _BOOLS:
        return Reading(_BOOLS[text])
    if text[0].isalpha() and text not in _DISPUTED:
        return Reading(text)
    return _read_number(text)


def same(one: object, other: object) -> bool:
    """Equal in type and value: 1 is neither True nor 1.0."""
    return type(one) is type(other) and one == other


def write(value: Value, *, style: str = "", flow: bool = False) -> tuple[str, str, str]:
    """A scalar as (token, text, style); a string keeps the `style` unless it cannot be written so.

    A string stays plain only if every reader takes it as the same string.
    """
    if not isinstance(value, str):
        token = _write_typed(value)
        return token, token, ""
    if style == "" and is_plain(value, flow=flow):
        return value, value, ""
    if style == "'" and _is_printable(value):
        return "'" + value.replace("'", "''") + "'", value, "'"
    return '"' + "".join(map(_escape, value)) + '"', value, '"'


def is_plain(text: str, *, flow: bool = False) -> bool:
    """The text can stand without quotes, and is the same string to every reader."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS
        and _LIKE_A_NUMBER.fullmatch(text) is None
        and not (flow and _FLOW_INDICATOR.search(text))
    )


def _read_number(text: str) -> Reading:
    if _INT.fullmatch(text):
        return Reading(int(text))
    if _HEX.fullmatch(text):
        return Reading(int(text, 16))
    if _FLOAT.fullmatch(text):
        return Reading(float(text))
    if _SPECIAL_FLOAT.fullmatch(text):
        return Reading(float(text.replace(".", "")))
    return Reading(text, ambiguous=text in _DISPUTED or _SOME_NUMBER.fullmatch(text) is not None)


def _write_typed(value: float | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _write_float(value)
        case _:
            return str(value)


def _write_float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, digits = repr(value).partition("e")
    # YAML 1.1 wants the dot: it reads 1e+16 as a string.
    return (mantissa if "." in mantissa else f"{mantissa}.0") + exponent + digits


def _is_printable(text: str) -> bool:
    return text.isprintable()


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
