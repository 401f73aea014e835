"""A request and its answer, as values."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Body:
    """What a client sent, parsed once."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @functools.cached_property
    def value(self) -> Any:
        """As JSON, an object when there is none. Raises ValueError."""
        return json.loads(self.raw) if self.raw else {}

    @property
    def query(self) -> str | None:
        """The text of a GraphQL request."""
        try:
            text = self.value["query"]
        except (ValueError, KeyError, TypeError):
            return None
        return text if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Message:
    """A request, its body read. `path` is decoded and below the API root; header names are lower case."""

    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body
    base: str
    web: str
    faults: frozenset[str] = frozenset()
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def json(cls, status: int, value: object) -> Reply:
        return cls(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode())
