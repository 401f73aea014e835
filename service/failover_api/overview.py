"""Where every service is, as last seen: one look at all of them, shared by whoever wants to know.

    see()     where they are now, or were some seconds ago
    last()    what is known, without asking anybody
    want()    keeps that current, once a minute, until nobody wants it any more

Nobody looks while nobody wants to know, and one look at a time is under way, however many do. Events bring what others
see and do. What cannot be read for the moment is taken to be as it was, and says so.

When nothing moved a look costs one 304 for each branch, and one more for its pull requests where there may be some; a
304 is free of GitHub's rate limit.
"""

import asyncio
import contextvars
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from failover_api.core.planning.state import State
from failover_api.core.rfc3339 import seconds_of
from failover_api.errors import FailoverError, ForgeFailure, InternalError, NotReady, RepositoryNotFound
from failover_api.events import BranchMoved, FluxReported, Looked, MoveEnded, StageChanged
from failover_api.forge.values import PullRequest
from failover_api.reading.status import Status, Unreadable

Look = Callable[[], Awaitable[Sequence[Status | Unreadable]]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often anybody looks.

    fresh_s       what was seen since then is shown again
    apart_s       looks are at least so far apart, however often something moves
    patience_s    how long who has something to see waits for news
    every_s       how old what is known becomes while somebody wants it
    wanted_s      how long it is wanted by who asked for it once
    """

    fresh_s: float = 5.0
    apart_s: float = 1.0
    patience_s: float = 3.0
    every_s: float = 60.0
    wanted_s: float = 600.0


USUAL = Intervals()


@dataclass(frozen=True, slots=True)
class View:
    """What was seen at `at`. `kept` says, by name, why services are shown as they were before."""

    statuses: tuple[Status | Unreadable, ...]
    at: datetime
    kept: Mapping[str, FailoverError]


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of a look: `began_at` is time.monotonic(), `changes` how many had been told of by then."""

    view: View
    began_at: float
    changes: int


@dataclass(frozen=True, slots=True)
class OpenPullRequest:
    """A pull request that waits for a merge. `opened_at` is the wall clock (s)."""

    url: str
    opened_at: float


@dataclass(frozen=True, slots=True)
class LastKnown:
    """One service. `state` is by the last look that the host answered, at `seen_at` (wall clock, s), None: never.

    `is_readable` is by the last look, whatever came of it; `is_drifted`: a value is on neither side. `status` is the
    last that was read; `state` goes on with our moves.
    """

    state: State = State.UNKNOWN
    is_readable: bool = False
    is_drifted: bool = False
    seen_at: float | None = None
    pull_request: OpenPullRequest | None = None
    status: Status | None = None


class Overview:
    """What was seen last. `look` is a look at all services, whose Looked is published; `clock` the wall clock (s).

    `is_needed` says whether somebody waits to be told of looks.
    """

    def __init__(
        self,
        look: Look,
        *,
        is_needed: Callable[[], bool] = lambda: False,
        intervals: Intervals = USUAL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._look, self._is_needed, self.intervals, self._clock = look, is_needed, intervals, clock
        self._known: dict[str, LastKnown] = {}
        self._newest: _Result | None = None
        self._changes = 0
        self._began_at = self._wanted_until = -math.inf  # the last look, and those once a minute; time.monotonic()
        self._looking: asyncio.Task[_Result] | None = None
        self._keeping_current: asyncio.Task[None] | None = None

    async def see(self) -> View:
        """Where everything is. Raises what the look raises when nothing was ever seen."""
        changes = self._changes
        while not self._is_fresh(changes):
            low_priority = self._start_looking()
            await asyncio.wait({low_priority}, timeout=self.intervals.patience_s if self._newest else None)
            if not low_priority.done():
                break
            if low_priority.result().changes >= changes:
                break
        assert self._newest is not None
        return self._newest.view

    def last(self, services: Iterable[str]) -> Mapping[str, LastKnown]:
        """What is known of these, nothing of one that was never seen. What the catalog has no more is forgotten."""
        last = {name: self._known.get(name, LastKnown()) for name in services}
        self._known = {name: known for name, known in self._known.items() if name in last}
        return last

    def want(self) -> None:
        """Somebody reads what is known: keeps it current for some minutes, from now on."""
        now = time.monotonic()
        self._wanted_until = now + self.intervals.wanted_s
        self._keep_current(now)

    async def aclose(self) -> None:
        """Ends what is under way."""
        tasks = [task for task in (self._keeping_current, self._looking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Events

    def branch_moved(self, event: BranchMoved) -> None:
        """What was seen is not believed any more."""
        self._changes += 1

    def flux_reported(self, event: FluxReported) -> None:
        """What was seen of the cluster is not believed any more."""
        self._changes += 1

    def stage_changed(self, event: StageChanged) -> None:
        """What was seen of the cluster is not believed any more."""
        self._changes += 1

    def looked(self, event: Looked) -> None:
        """Somebody looked, at all services or at some."""
        for status in event.statuses:
            known = self._known.get(status.service.name, LastKnown())
            if isinstance(status, Unreadable):
                self._known[status.service.name] = self._after_error(known, status.error)
            else:
                pull_request = self._open_pull_request(known, status.pull_request)
                seen = self._as_read(status.detection.state, pull_request, status)
                self._known[status.service.name] = seen

    def move_ended(self, event: MoveEnded) -> None:
        """A move says where its services were, and where they are now: it changed something, or may have."""
        is_refused = event.error is not None and event.error.outcome == "not-applied"
        if not event.dry_run and not is_refused:
            self._changes += 1
        outcome = event.outcome
        if outcome is not None and not outcome.is_repeat:  # what came of a key the first time is history
            is_done = outcome.changed and not outcome.dry_run and not outcome.is_pending
            proposed = None if outcome.dry_run else outcome.pull_request
            for plan in outcome.plans:
                known = self._known.get(plan.service.name, LastKnown())
                pull_request = self._open_pull_request(known, proposed) if proposed else known.pull_request
                state = plan.after if is_done else plan.before.state
                self._known[plan.service.name] = self._as_read(state, pull_request, known.status)
        if self._is_needed():
            self._keep_current(time.monotonic() + self.intervals.every_s)

    def _as_read(self, state: State, pull_request: OpenPullRequest | None, status: Status | None) -> LastKnown:
        return LastKnown(state, True, state is State.UNKNOWN, self._clock(), pull_request, status)

    def _after_error(self, known: LastKnown, error: FailoverError) -> LastKnown:
        if _is_passing(error) or isinstance(error, (InternalError, NotReady)):  # neither says anything of the service
            return replace(known, is_readable=False)
        return LastKnown(seen_at=self._clock(), pull_request=known.pull_request)

    def _open_pull_request(self, known: LastKnown, pull: PullRequest | None) -> OpenPullRequest | None:
        if pull is None or pull.state != "open":
            return None
        if known.pull_request is not None and known.pull_request.url == pull.url:
            return known.pull_request
        return OpenPullRequest(pull.url, self._opened_at(pull))

    def _opened_at(self, pull: PullRequest) -> float:
        opened_at = seconds_of(pull.created_at)
        return self._clock() if opened_at is None else opened_at

    # Looking

    def _is_fresh(self, changes: int) -> bool:
        newest = self._newest
        if newest is None or newest.changes < changes:
            return False
        return time.monotonic() - newest.began_at < self.intervals.fresh_s

    def _start_looking(self) -> "asyncio.Task[_Result]":
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_at_all())
        return self._looking

    async def _look_at_all(self) -> _Result:
        if self._newest is not None:
            await asyncio.sleep(self._began_at + self.intervals.apart_s - time.monotonic())
        changes, self._began_at, at = self._changes, time.monotonic(), datetime.fromtimestamp(self._clock(), UTC)
        self._newest = _Result(self._joined(await self._look(), at), self._began_at, changes)
        return self._newest

    def _joined(self, statuses: Sequence[Status | Unreadable], at: datetime) -> View:
        """What was seen; for what the host would not say just now, what was seen before."""
        shown, kept = list(statuses), dict[str, FailoverError]()
        for i, status in enumerate(statuses):
            before = self._known.get(status.service.name, LastKnown()).status
            if isinstance(status, Unreadable) and _is_passing(status.error) and before is not None:
                shown[i], kept[status.service.name] = before, status.error
        if self._newest is not None and kept and len(kept) == len(statuses):
            at = self._newest.view.at
        return View(tuple(shown), at, kept)

    def _keep_current(self, due_at: float) -> None:
        """Begins, unless it is under way, with a look at `due_at` (time.monotonic())."""
        if self._keeping_current is None or self._keeping_current.done():
            # In no request's context: its id would stand in our lines.
            self._keeping_current = asyncio.create_task(self._look_often(due_at), context=contextvars.Context())

    async def _look_often(self, due_at: float) -> None:
        """Until nobody wants it any more; others' looks will do."""
        while self._is_needed() or time.monotonic() < self._wanted_until:
            due_at = max(due_at, self._began_at + self.intervals.every_s)
            wait_s = due_at - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                await self._look_once()

    async def _look_once(self) -> None:
        low_priority = self._start_looking()
        await asyncio.wait({low_priority})
        try:
            low_priority.result()
        except FailoverError as exc:  # there never was a good catalog
            _log.debug("nothing to look at", extra={"problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - a defect of ours must not end the looking
            _log.exception("a round failed")


def _is_passing(error: FailoverError) -> bool:
    """Whether the host would not say just now what stands there."""
    return isinstance(error, ForgeFailure) and not isinstance(error, RepositoryNotFound)
