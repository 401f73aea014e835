"""What may be wrong with an API server, and which of it meets a request.

slow      answers `seconds` later
hang      never answers
status    answers `status` with a Status, or with `body`
html      answers 200 with a page, as a proxy's login does
cut       closes the connection
forbid    403, whatever the account may
garbage   answers 200 with what is no JSON
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.api.request import Request, Target

ApiFaultKind = Literal["slow", "hang", "status", "html", "cut", "forbid", "garbage"]


@dataclass(frozen=True, slots=True)
class ApiFault:
    """Meets the next `times` requests that fit (None: all). No `resources`, such as `pods`, or no `verbs`: any."""

    kind: ApiFaultKind
    resources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    times: int | None = None
    seconds: float = 1.0
    status: int = 500
    body: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(ApiFaultKind):
            raise ValueError(f"fault kind is {self.kind!r}, expected one of {', '.join(get_args(ApiFaultKind))}")

    def meets(self, target: Target | None, request: Request) -> bool:
        if target is None:
            return not self.resources and not self.verbs
        fits_resource = not self.resources or target.kind.plural in self.resources
        return fits_resource and (not self.verbs or request.verb(target) in self.verbs)


class ApiFaults:
    def __init__(self) -> None:
        self._waiting: list[tuple[ApiFault, int | None]] = []
        self._lock = threading.Lock()

    def add(self, fault: ApiFault) -> None:
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, target: Target | None, request: Request) -> ApiFault | None:
        """The first that fits, used up once."""
        with self._lock:
            for index, (fault, times) in enumerate(self._waiting):
                if fault.meets(target, request):
                    if times is not None:
                        self._waiting[index] = (fault, times - 1)
                        if times <= 1:
                            del self._waiting[index]
                    return fault
        return None
