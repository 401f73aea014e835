"""The use cases: status, list, move. Each reads, thinks and, for a move, writes.

Every answer without a write (a status, a dry run, "already there", a refusal) is validated with the forge first; a
move is validated by its own compare-and-swap.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from ulid import ULID

from failover_api.core.catalog import Action, Branch, Catalog, Policy, Service
from failover_api.core.message import Asked
from failover_api.core.state import Detection, detect
from failover_api.errors import CannotPlan, FailoverError, UnknownService
from failover_api.forge.port import Forge
from failover_api.move import Move, Outcome, Turns, Wish, too_late, within_deadline
from failover_api.observation import Observation, Observer

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a service is. `version` names the manifests it was read from."""

    service: Service
    detection: Detection
    version: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A service of the list that could not be read, and why."""

    service: Service
    error: FailoverError


class Failover:
    """What operators do. `catalog` gives the catalog in force; `deadline_s` is for a whole operation."""

    def __init__(self, forge: Forge, catalog: Callable[[], Catalog], *, deadline_s: float) -> None:
        self._forge, self._catalog, self._deadline_s = forge, catalog, deadline_s
        self._observer = Observer(forge)
        self._turns = Turns()

    async def status(self, name: str) -> Status:
        """Where one service is."""
        observing = self._observer.observe(self._service(name), not_before=time.monotonic())
        return _status(await self.in_time(observing))

    async def list_all(self) -> list[Status | Unreadable]:
        """Where every service of the catalog is, in its order; all of a branch read at one commit."""
        services = tuple(self._catalog().services.values())
        by_branch: dict[Branch, list[Service]] = {}
        for service in services:
            by_branch.setdefault(service.branch, []).append(service)
        answers = await asyncio.gather(*(self._list(branch, members) for branch, members in by_branch.items()))
        statuses = {name: status for answer in answers for name, status in answer.items()}
        return [statuses[service.name] for service in services]

    async def move(
        self,
        name: str,
        action: Action,
        *,
        by: str,
        reason: str = "",
        force: bool = False,
        dry_run: bool = False,
        versions: frozenset[str] | None = None,
    ) -> Outcome:
        """Moves a service, or says what that would do. `versions` are those that an If-Match takes.

        Raises ManifestDrifted, PreconditionFailed, Conflict, BranchProtected, OutcomeUnknown and whatever reading
        raises; nothing was written then, except where the error's `outcome` says "unknown".
        """
        started = time.monotonic()
        service = self._service(name)
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        asked = Asked(operation=str(ULID()), by=by, at=at, reason=reason)
        wish = Wish(action, asked, force=force, dry_run=dry_run, versions=versions)
        facts: dict[str, object] = {"service": name, "action": action.value, "dry_run": dry_run, "by": by}
        facts["operation"] = asked.operation
        try:
            outcome = await self._decide(service, wish)
        except FailoverError as exc:
            event = "move refused" if exc.outcome == "not-applied" else "move outcome unknown"
            _log.warning(event, extra={**facts, "problem": exc.slug, "detail": exc.detail})
            raise
        except BaseException:  # cancelled, or a defect of ours
            _log.exception("move interrupted", extra=facts)
            raise
        commit = outcome.commit.sha if outcome.commit else None
        facts |= {"from": outcome.plan.before.state.value, "to": outcome.plan.target.value, "changed": outcome.changed}
        facts |= {"commit": commit, "operation": outcome.operation}
        _log.info("move done", extra={**facts, "duration_ms": round((time.monotonic() - started) * 1000)})
        return outcome

    async def _decide(self, service: Service, wish: Wish) -> Outcome:
        move = Move(service, wish, forge=self._forge, observer=self._observer)
        if wish.dry_run:
            return await self.in_time(move.propose())
        if service.policy is not Policy.DIRECT:
            raise CannotPlan(f"{service.name} has policy {service.policy}, which this version does not carry out")

        def late() -> FailoverError:
            passed = f"the deadline of {self._deadline_s:g} s passed"
            return move.unknown(passed) if move.is_unresolved else too_late(self._deadline_s)

        async def in_turn() -> Outcome:
            async with self._turns.of(service.branch):
                return await move.run()

        return await within_deadline(in_turn(), deadline_s=self._deadline_s, late=late)

    async def in_time(self, work: Awaitable[T]) -> T:
        """Awaits what writes nothing. Raises GitHubUnavailable when the deadline passes."""
        return await within_deadline(work, deadline_s=self._deadline_s, late=lambda: too_late(self._deadline_s))

    async def _list(self, branch: Branch, services: list[Service]) -> Mapping[str, Status | Unreadable]:
        try:
            observing = self._observer.observe_all(branch, services, not_before=time.monotonic())
            observed = await self.in_time(observing)
        except FailoverError as exc:
            return {service.name: Unreadable(service, exc) for service in services}
        return {service.name: _status_or_error(service, observed[service.name]) for service in services}

    def _service(self, name: str) -> Service:
        try:
            return self._catalog().services[name]
        except KeyError:
            raise UnknownService(f"no service is named {name[:80]!r} in the catalog") from None


def _status(observation: Observation) -> Status:
    detection = detect(observation.service, observation.manifests)
    return Status(observation.service, detection, observation.version)


def _status_or_error(service: Service, observed: Observation | FailoverError) -> Status | Unreadable:
    if isinstance(observed, FailoverError):
        return Unreadable(service, observed)
    try:
        return _status(observed)
    except FailoverError as exc:
        return Unreadable(service, exc)
