"""Asks apps whether they answer: a GET without credentials, redirects or patience."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from failover_api.connection_errors import explain_connection_error
from failover_api.core.catalog.runtime import Verify
from failover_api.core.safety.rollout.verification import Verification

if TYPE_CHECKING:
    from failover_api.core.safety.rollout.stage import ClusterState

TIMEOUT_S = 2.0
MAX_BYTES = 4096  # more of an answer is not read
AGAIN_S, WELL_AGAIN_S = 5.0, 30.0  # between two questions: while it does not answer, and once it does
AT_ONCE = 8


@dataclass(slots=True)
class _Asked:
    verify: Verify
    found: Verification
    asked_at: float


class Verifier:
    """What came of asking, by service. `now` is the API server's clock (s)."""

    def __init__(self, now: Callable[[], float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._now, self._clock = now, clock
        self._asked: dict[str, _Asked] = {}
        self._client: httpx2.AsyncClient | None = None
        self._limit = asyncio.Semaphore(AT_ONCE)

    def found(self, service: str) -> Verification | None:
        """None: nobody asked it yet."""
        asked = self._asked.get(service)
        return asked.found if asked is not None else None

    async def ask(self, service: str, verify: Verify, state: "ClusterState", operation: str | None = None) -> None:
        """Asks the app of a ready pod, unless it was asked a moment ago. Returns within some seconds.

        `operation` is the newest move of the service: what was answered before it says nothing of it.
        """
        known = self._asked.get(service)
        if known is not None and not (known.verify == verify and known.found.is_of(state, operation)):
            known = None
        if known is not None:
            wait_s = AGAIN_S if known.found.answer else WELL_AGAIN_S
            if self._clock() - known.asked_at < wait_s:
                return
        asked_at = self._clock()
        async with self._limit:
            answer = await self._get(verify)
        first = known.found.answered_at if known is not None else None
        operation = operation if operation is not None or known is None else known.found.operation
        answered_at = (first or self._now()) if not answer else first
        found = Verification(state.pod, answer, answered_at, state.pod_uid, operation)
        self._asked[service] = _Asked(verify, found, asked_at)

    def keep(self, services: frozenset[str]) -> None:
        """What the catalog has no more is forgotten."""
        self._asked = {name: asked for name, asked in self._asked.items() if name in services}

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _get(self, verify: Verify) -> str:
        """What was wrong; "" when the answer was good."""
        if self._client is None:
            # The environment may hold proxies and passwords, which are none of the app's.
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        try:
            async with asyncio.timeout(TIMEOUT_S), self._client.stream("GET", verify.url) as response:
                await _read_some(response)
                status = response.status_code
        except TimeoutError:
            return f"no answer within {TIMEOUT_S:g} s"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as exc:
            return explain_connection_error(exc, verify.url)
        finally:
            self._client.cookies.clear()
        return "" if status == verify.status else f"it answered {status}, expected {verify.status}"


async def _read_some(response: httpx2.Response) -> None:
    """The beginning of the body, which shows that one comes."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size >= MAX_BYTES:
            return
