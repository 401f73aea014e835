"""Paths in a document: `spec.template.spec.volumes[name=data].persistentVolumeClaim.claimName`.

path     = steps [ "|" path ]   behind "|": in the YAML that a text block there holds
steps    = step { step }
step     = [ "." ] key          the dot is left out at the start
         | "[" quoted "]"       a key with dots or slashes: ["kubernetes.io/hostname"]
         | "[" key "=" value "]"   the one list item whose key has this value
         | "[" index "]"        the list item at this place, from 0
key      = quoted | characters other than . [ ] " |
value    = quoted | characters other than ] "
quoted   = a JSON string
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import cast

from failover_api.errors import BadPath


@dataclass(frozen=True, slots=True)
class Where:
    """The one list item whose `key` has `value`."""

    key: str
    value: str


class Inside(Enum):
    """The step from a text block into the YAML that it holds."""

    INSIDE = "|"


INSIDE = Inside.INSIDE
Step = str | int | Where | Inside
Path = tuple[Step, ...]

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_KEY = re.compile(rf'(?P<quoted>{_QUOTED})|(?P<plain>[^.\[\]"|]+)', re.DOTALL)
_BRACKET = re.compile(
    rf"""\[(?:
        (?P<index>0|[1-9][0-9]{{0,8}})
      | (?P<key>{_QUOTED}|[^\[\]"=]+)=(?P<value>{_QUOTED}|[^\]"]+)
      | (?P<quoted>{_QUOTED})
    )\]""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:-]+")


def parse_path(text: str) -> Path:
    """Read a path. Raises BadPath."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        if text[at] == INSIDE.value and steps and steps[-1] is not INSIDE:
            steps.append(INSIDE)
            at += 1
            continue
        bracket = text[at] == "["
        if not bracket and steps and steps[-1] is not INSIDE:
            at = _skip_dot(text, at)
        step_match = (_BRACKET if bracket else _KEY).match(text, at)
        if step_match is None:
            raise BadPath(f"path {text!r}: expected {_wanted(bracket)} at character {at + 1}")
        steps.append(_step(step_match, text))
        at = step_match.end()
    if not steps:
        raise BadPath("path '' is empty: expected keys joined by dots, such as spec.replicas")
    if steps[-1] is INSIDE:
        raise BadPath(f"path {text!r}: expected a key behind '|'")
    return tuple(steps)


def format_path(path: Path) -> str:
    """Write a path in its canonical form, the inverse of `parse_path`."""
    return "".join(_format(step, first=at == 0 or path[at - 1] is INSIDE) for at, step in enumerate(path))


def split_path(path: Path) -> tuple[Path, Path]:
    """The way to a text block, and the way inside it; no second where the path has no `|`."""
    at = path.index(INSIDE) if INSIDE in path else len(path)
    return path[:at], path[at + 1 :]


def _skip_dot(text: str, at: int) -> int:
    if text[at] != ".":
        raise BadPath(f"path {text!r}: expected '.' or '[' at character {at + 1}")
    return at + 1


def _wanted(bracket: bool) -> str:
    return '["key"], [name=value] or [0]' if bracket else "a key"


def _step(step_match: re.Match[str], text: str) -> Step:
    match step_match.groupdict():
        case {"index": str(index)}:
            return int(index)
        case {"key": str(key), "value": str(value)}:
            return Where(_unquote(key, text), _unquote(value, text))
        case {"quoted": str(key)} | {"plain": str(key)}:
            return _unquote(key, text)
    raise BadPath(f"path {text!r} is not a path")  # pragma: no cover - every alternative has its group


def _unquote(token: str, text: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return cast("str", json.loads(token, strict=False))
    except ValueError as exc:
        raise BadPath(f"path {text!r}: {token} is not a quoted string") from exc


def _format(step: Step, *, first: bool) -> str:
    match step:
        case Where(key, value):
            return f"[{_quote(key, _PLAIN_KEY)}={_quote(value, _PLAIN_VALUE)}]"
        case Inside():
            return step.value
        case int():
            return f"[{step}]"
        case _ if _PLAIN_KEY.fullmatch(step):
            return step if first else f".{step}"
        case _:
            return f"[{_quote(step, _PLAIN_KEY)}]"


def _quote(text: str, plain: re.Pattern[str]) -> str:
    return text if plain.fullmatch(text) else json.dumps(text, ensure_ascii=False)
