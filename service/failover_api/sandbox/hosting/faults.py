"""Faults that can be asked for, and which of them meets a request.

status                answers `status`, `body`, `headers` without acting
status_after          acts, then answers `status`, `body`, `headers`
lost_request          closes the connection without acting
lost_reply            acts, then closes the connection without answering
late                  closes the connection now, acts `seconds` later
slow                  waits `seconds`, then acts and answers
truncated             acts, then sends half of the body and closes the connection
bad_json              answers 200 with a body that is no JSON
stale                 reads answer as of the commit before
lag                   reads answer as the branch was `seconds` ago
race                  another commit lands on the branch just before this write does
rate_limit_primary    403, nothing left until `seconds` from now
rate_limit_secondary  403, with Retry-After if `retry_after` is given
token_not_ready       `status` (401 unless given) for a request with an installation token
"""

from __future__ import annotations

import dataclasses
import fnmatch
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal[
    "status",
    "status_after",
    "lost_request",
    "lost_reply",
    "late",
    "slow",
    "truncated",
    "bad_json",
    "stale",
    "lag",
    "race",
    "rate_limit_primary",
    "rate_limit_secondary",
    "token_not_ready",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Meets the next `times` requests that fit (None: all of them), after letting `after` of those pass.

    `path` is a prefix, or a glob when it has a wildcard, of the decoded path below the API root;
    `operation` is a GraphQL field, such as createCommitOnBranch.
    """

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    operation: str | None = None
    times: int | None = 1
    after: int = 0
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 1.0
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"fault kind is {self.kind!r}, expected one of {', '.join(get_args(FaultKind))}")

    def meets(self, method: str, path: str, authorization: str, operation: str | None) -> bool:
        if self.kind == "token_not_ready" and authorization != "installation":
            return False
        fits_method = self.method is None or self.method.upper() == method
        fits_operation = self.operation is None or self.operation == operation
        return fits_method and fits_operation and (self.path is None or _fits(path, self.path))


def _fits(path: str, pattern: str) -> bool:
    if any(c in pattern for c in "*?["):
        return fnmatch.fnmatchcase(path, pattern)
    return path.startswith(pattern)


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    after: int
    times: int | None


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(_Waiting(fault, fault.after, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, method: str, path: str, authorization: str = "none", operation: str | None = None) -> Fault | None:
        """The first fault that fits, used up once. One that is still letting requests pass counts this one."""
        with self._lock:
            for waiting in self._waiting:
                if not waiting.fault.meets(method, path, authorization, operation):
                    continue
                if waiting.after > 0:
                    waiting.after -= 1
                    continue
                self._use(waiting)
                return waiting.fault
        return None

    def _use(self, waiting: _Waiting) -> None:
        if waiting.times is not None:
            waiting.times -= 1
            if waiting.times <= 0:
                self._waiting.remove(waiting)
