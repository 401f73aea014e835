"""Making Flux act at once: its Receiver is called after a commit landed, so nobody waits for the next poll.

What lands within a moment, or while a call is under way, is one call. Nobody who moves waits for it: a failure is a
warning in the log, tried again for a minute or so (the controller may be on the node that died), and then Flux polls.

https://fluxcd.io/flux/components/notification/receivers/#generic-hmac
"""

import asyncio
import contextlib
import contextvars
import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from failover_api.core.catalog.model import Branch, Catalog, FluxReceiver
from failover_api.errors import NotReady
from failover_api.events import Merged, MoveEnded
from failover_api.forge.http.connections import Connections
from failover_api.secret_file import read_secret

GATHER_S = 0.1
CALL_S = 5.0
WAITS_S = (1.0, 5.0, 15.0, 60.0)
DRAIN_S = 5.0  # at the end of the process
MAX_WAITING = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Landed:
    """A service that a commit on a branch moved. `commit` is its URL, if known."""

    service: str
    action: str
    before: str
    after: str
    operation: str
    branch: Branch
    commit: str


class Flux:
    """Calls the catalog's `flux_receiver`. `tally` counts calls: sent, failed (each try), dropped."""

    def __init__(
        self, catalog: Callable[[], Catalog], connections: Connections, *, waits_s: Sequence[float] = WAITS_S
    ) -> None:
        self._catalog, self._connections, self._waits_s = catalog, connections, waits_s
        self.tally: Counter[str] = Counter()
        self._waiting: list[Landed] = []
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def move_ended(self, event: MoveEnded) -> None:
        """Calls for what a move wrote to a branch."""
        outcome = event.news
        if outcome is None or outcome.is_pending:
            return
        commit = outcome.commit.url if outcome.commit else ""
        self._add(
            Landed(
                plan.service.name,
                plan.action.value,
                plan.before.state.value,
                plan.after.value,
                outcome.operation or event.operation,
                plan.service.branch,
                commit,
            )
            for plan in outcome.plans
            if plan.changes
        )

    def merged(self, merged: Merged) -> None:
        """Calls for a pull request of ours that was merged."""
        self._add(
            Landed(one.service, one.action, one.before, one.after, one.operation, merged.branch, merged.commit)
            for one in merged.records
        )

    async def idle(self) -> None:
        """Returns when nothing is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def aclose(self, drain_s: float = DRAIN_S) -> None:
        """Gives what waits some time, then ends."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=drain_s)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _add(self, landed: Iterable[Landed]) -> None:
        if self._catalog().flux_receiver is None:
            return
        self._waiting = [*self._waiting, *landed][-MAX_WAITING:]  # any call makes Flux look at everything
        if self._waiting and (self._task is None or self._task.done()):
            # In no request's context: its id would stand in our lines.
            self._task = asyncio.create_task(self._work(), context=contextvars.Context())

    async def _work(self) -> None:
        while self._waiting:
            await self._tell()

    async def _tell(self) -> None:
        """Calls until it is told what waits by then; after the end of the process began, once."""
        landed: list[Landed] = []
        for wait_s in (GATHER_S, *self._waits_s):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait_s)
            landed, self._waiting = [*landed, *self._waiting][-MAX_WAITING:], []
            is_last = self._closing.is_set()
            if await self._call(landed):
                return
            if is_last:
                break
        self.tally["dropped"] += 1
        _log.warning("flux was not told: it will see at its next poll", extra=_facts(landed))

    async def _call(self, landed: Sequence[Landed]) -> bool:
        """One call; False when another may do better. The log has no path of the URL, nor what an exception says."""
        receiver = self._catalog().flux_receiver
        if receiver is None:
            return True
        why, is_final = "", False
        try:
            why = await self._post(receiver, _body(landed))
        except NotReady as exc:  # the secret is not there, as on a machine that has none
            why, is_final = exc.detail, True
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as exc:
            why = type(exc).__name__
        facts = {"host": urlsplit(receiver.url).netloc, **_facts(landed)}
        self.tally["failed" if why else "sent"] += 1
        if why:
            _log.warning("flux could not be told", extra={**facts, "why": why})
        else:
            _log.info("flux was told", extra=facts)
        return is_final or not why

    async def _post(self, receiver: FluxReceiver, body: bytes) -> str:
        """What was wrong with the answer; nothing when it was taken."""
        secret = await asyncio.to_thread(read_secret, Path(receiver.secret_file), "the secret of the Flux receiver")
        if not secret.strip():
            raise NotReady(f"{receiver.secret_file}: expected the secret of the Flux receiver, the file is empty")
        headers = {"Content-Type": "application/json", "X-Signature": signature(secret.strip(), body)}
        async with asyncio.timeout(CALL_S):
            client = self._connections.current
            response = await client.post(receiver.url, content=body, headers=headers, timeout=CALL_S)
        return "" if response.is_success else f"status {response.status_code}"


def signature(secret: str, body: bytes) -> str:
    """As a generic-hmac receiver checks it: the name of the hash, `=`, and the HMAC of the body in hex."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _body(landed: Sequence[Landed]) -> bytes:
    services = [
        {
            "service": one.service,
            "action": one.action,
            "from": one.before,
            "to": one.after,
            "operation": one.operation,
            "repository": one.branch.repository,
            "branch": one.branch.name,
            "commit": one.commit or None,
        }
        for one in landed
    ]
    return json.dumps({"source": "failover-api", "services": services}).encode()


def _facts(landed: Sequence[Landed]) -> dict[str, object]:
    return {"services": list(dict.fromkeys(one.service for one in landed))}
