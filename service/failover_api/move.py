"""Writing: one move of one service, from the first look to a commit that is known to be there.

    look        optimistic: any copy will do, since a write is a compare-and-swap against it
    plan        pure; a refusal or "nothing to do" counts only when the copy was validated
    commit      lost the race: look again, plan again
                lost the reply: look for our operation in Git's history, then go on as after a lost race

The same operation is carried by every attempt, so that it is found whichever of them landed.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from failover_api.core.catalog import Action, Branch, Service
from failover_api.core.message import Asked, commit_message
from failover_api.core.plan import Plan, plan
from failover_api.errors import (
    Conflict,
    FailoverError,
    GitHubError,
    GitHubUnavailable,
    ManifestDrifted,
    ManifestError,
    OutcomeUnknown,
    PreconditionFailed,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Commit, Forge
from failover_api.observation import Observation, Observer

T = TypeVar("T")
ATTEMPTS = 8
BACKOFF_S = 0.05
MAX_BACKOFF_S = 2.0
READ_BACK_WAITS_S = (0.0, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for. `versions` are those an If-Match takes; None: any."""

    action: Action
    asked: Asked
    force: bool = False
    dry_run: bool = False
    versions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a move, or would come of it (`dry_run`). `version` is of the manifests it was planned from."""

    plan: Plan
    version: str
    dry_run: bool = False
    commit: Commit | None = None
    operation: str | None = None

    @property
    def changed(self) -> bool:
        return bool(self.plan.changes)


class Turns:
    """One writer for each branch in this process: parallel writes to one branch only make conflicts."""

    def __init__(self) -> None:
        self._locks: dict[Branch, asyncio.Lock] = {}

    @asynccontextmanager
    async def of(self, branch: Branch) -> AsyncIterator[None]:
        """Waits in the order of arrival."""
        async with self._locks.setdefault(branch, asyncio.Lock()):
            yield


class Move:
    """One move under way."""

    def __init__(self, service: Service, wish: Wish, *, forge: Forge, observer: Observer) -> None:
        self._service, self._wish = service, wish
        self._forge, self._observer = forge, observer
        self._started = time.monotonic()
        self._unresolved: tuple[Observation, Plan] | None = None  # a write that has no reply (yet)

    async def propose(self) -> Outcome:
        """The dry run: what the move would do, refused exactly where the move would be."""
        observation, proposal = await self._think(not_before=self._started)
        return Outcome(proposal, observation.version, dry_run=True)

    async def run(self) -> Outcome:
        """Moves the service. Raises OutcomeUnknown when a write may have landed and nobody can tell."""
        try:
            return await self._attempt_until_known()
        except OutcomeUnknown:
            raise
        except FailoverError as exc:
            if self._unresolved is None:
                raise
            return await self._resolved(exc)

    async def _resolved(self, error: FailoverError) -> Outcome:
        """An error while a write has no reply: the write may be what caused it (its own change fails an If-Match)."""
        landed = await self._find_if_possible(READ_BACK_WAITS_S)
        if landed is None:
            raise self.unknown(error.detail) from error
        return landed

    def unknown(self, why: str) -> OutcomeUnknown:
        """What to say when a write may or may not have landed."""
        service, operation = self._service, self._wish.asked.operation
        return OutcomeUnknown(
            f"the write of operation {operation} may have landed: {why}; look for it in the history of "
            f"{service.branch}, or ask again: a service that is already there is not moved twice"
        )

    @property
    def is_unresolved(self) -> bool:
        return self._unresolved is not None

    async def _attempt_until_known(self) -> Outcome:
        not_before = None if self._wish.versions is None else self._started
        last: FailoverError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                await _back_off(attempt)
            observation, proposal = await self._think_validated(not_before)
            if not proposal.changes:
                return await self._already_there(observation, proposal)
            if (landed := await self._landed_before(observation)) is not None:
                return landed
            try:
                return await self._write(observation, proposal)
            except WriteConflict as exc:
                last = exc
            except WriteUnknown as exc:
                last = exc
                if (landed := await self._find_if_possible()) is not None:
                    return landed
            not_before = time.monotonic()
        raise Conflict(f"{self._service.name} could not be written in {ATTEMPTS} tries; the last: {last}")

    async def _think_validated(self, not_before: float | None) -> tuple[Observation, Plan]:
        """Only what is current may be refused, or need no write."""
        if not_before is None:
            try:
                observation, proposal = await self._think(not_before=None)
                if proposal.changes:
                    return observation, proposal
            except (ManifestError, ManifestDrifted, RepositoryNotFound):
                pass  # said again, if it is still so
            not_before = self._started
        return await self._think(not_before=not_before)

    async def _think(self, *, not_before: float | None) -> tuple[Observation, Plan]:
        observation = await self._observer.observe(self._service, not_before=not_before)
        versions = self._wish.versions
        if versions is not None and observation.version not in versions:
            raise PreconditionFailed(
                f"the manifests of {self._service.name} are not those of the If-Match; look again and decide anew"
            )
        return observation, plan(observation.service, observation.manifests, self._wish.action, force=self._wish.force)

    async def _write(self, observation: Observation, proposal: Plan) -> Outcome:
        message = commit_message([(proposal, self._wish.asked)])
        before, self._unresolved = self._unresolved, (observation, proposal)
        try:
            commit = await self._forge.commit(observation.snapshot, proposal.new, message)
        except WriteUnknown:
            raise
        except FailoverError:
            self._unresolved = before  # surely not carried out
            raise
        return self._done(observation, proposal, commit)

    def _done(self, observation: Observation, proposal: Plan, commit: Commit) -> Outcome:
        self._unresolved = None
        return Outcome(proposal, observation.version, commit=commit, operation=self._wish.asked.operation)

    async def _already_there(self, observation: Observation, proposal: Plan) -> Outcome:
        landed = await self._find_if_possible(READ_BACK_WAITS_S)
        self._unresolved = None  # it is there; whoever brought it, a late write of ours loses its compare-and-swap
        return landed or Outcome(proposal, observation.version)

    async def _landed_before(self, observation: Observation) -> Outcome | None:
        """Whether the lost write landed and was changed again since; if the files moved on without it, it never can."""
        if self._unresolved is None or observation.version == self._unresolved[0].version:
            return None
        landed = await self._find(READ_BACK_WAITS_S)
        self._unresolved = None
        return landed

    async def _find_if_possible(self, waits_s: Sequence[float] = (0.0,)) -> Outcome | None:
        """As _find(); None too when the history is out of reach: what the files say has to do then."""
        try:
            return await self._find(waits_s)
        except (GitHubError, GitHubUnavailable):
            return None

    async def _find(self, waits_s: Sequence[float]) -> Outcome | None:
        """Looks for the lost write in Git's history, after each wait: the history may lag behind the files."""
        for wait_s in waits_s if self._unresolved else ():
            await asyncio.sleep(wait_s)
            if (landed := await self._look_up()) is not None:
                return landed
        return None

    async def _look_up(self) -> Outcome | None:
        if self._unresolved is None:
            return None
        observation, proposal = self._unresolved
        path = next(iter(proposal.new))
        commit = await self._forge.find_commit(self._service.branch, self._wish.asked.operation, path)
        return None if commit is None else self._done(observation, proposal, commit)


async def within_deadline(work: Awaitable[T], *, deadline_s: float, late: Callable[[], FailoverError]) -> T:
    """Awaits `work` for at most `deadline_s` in total, then raises what `late` makes."""
    try:
        async with asyncio.timeout(deadline_s):
            return await work
    except TimeoutError as exc:
        raise late() from exc


def too_late(deadline_s: float) -> GitHubUnavailable:
    return GitHubUnavailable(f"not done within {deadline_s:g} s; nothing was written", retry_after_s=5.0)


async def _back_off(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0.5, 1.0) * min(MAX_BACKOFF_S, BACKOFF_S * 2**attempt))  # noqa: S311 - jitter
