"""A request and its answer, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.github.call import Body


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


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `status` is what the endpoint answered, even if a fault kept it back; None: it never ran."""

    method: str
    path: str
    query: str
    status: int | None
    authorization: str
    if_none_match: str | None
    operation: str | None
    fault: str | None
    body: bytes
