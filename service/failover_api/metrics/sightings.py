"""Where each service was when it was last looked at, by whoever looked: a list, a status, a move, a round of ours."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from failover_api.core.planning.state import State
from failover_api.errors import (
    FailoverError,
    ForgeError,
    ForgeRateLimited,
    ForgeUnavailable,
    InternalError,
    NotReady,
)
from failover_api.events import MoveEnded
from failover_api.forge.port import PullRequest
from failover_api.moves.outcome import Outcome
from failover_api.reading.status import Status, Unreadable

# These say nothing of the service: it is taken to be where it was.
_NOT_SEEN = (ForgeError, ForgeRateLimited, ForgeUnavailable, InternalError, NotReady)


@dataclass(frozen=True, slots=True)
class Proposed:
    """An open pull request. `opened_at` is the wall clock (s)."""

    url: str
    opened_at: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """One service. `state` is by the last look that GitHub answered, at `seen_at` (wall clock, s), None: never.

    `is_readable` is by the last look, whatever came of it; `is_drifted`: a value is on neither side.
    """

    state: State = State.UNKNOWN
    is_readable: bool = False
    is_drifted: bool = False
    seen_at: float | None = None
    proposed: Proposed | None = None


class Sightings:
    """By the name of the service. `clock` is the wall clock (s)."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[str, Sighting] = {}

    def of(self, service: str) -> Sighting:
        """What is known of a service; of one that was never seen, nothing."""
        return self._known.get(service, Sighting())

    def forget_others(self, services: Sequence[str]) -> None:
        """Keeps what is known of these."""
        self._known = {name: self._known[name] for name in services if name in self._known}

    def looked(self, statuses: Sequence[Status | Unreadable]) -> None:
        """Somebody looked."""
        for status in statuses:
            name = status.service.name
            if isinstance(status, Unreadable):
                self._known[name] = self._unreadable(self.of(name), status.error)
            else:
                proposed = self._proposed(self.of(name), status.pull_request)
                self._known[name] = self._seen(status.detection.state, proposed)

    def ended(self, event: MoveEnded) -> None:
        """A move tells where its services were, and where they are now."""
        outcome = event.outcome
        if outcome is None or outcome.is_repeat:  # what came of a key the first time is history
            return
        is_done = outcome.changed and not outcome.dry_run and not outcome.is_pending
        for plan in outcome.plans:
            known = self.of(plan.service.name)
            proposed = known.proposed if outcome.dry_run else self._proposed_by(outcome, known)
            self._known[plan.service.name] = self._seen(plan.after if is_done else plan.before.state, proposed)

    def _seen(self, state: State, proposed: Proposed | None) -> Sighting:
        return Sighting(state, True, state is State.UNKNOWN, self._clock(), proposed)

    def _unreadable(self, known: Sighting, error: FailoverError) -> Sighting:
        if isinstance(error, _NOT_SEEN):
            return replace(known, is_readable=False)
        return Sighting(seen_at=self._clock(), proposed=known.proposed)

    def _proposed_by(self, outcome: Outcome, known: Sighting) -> Proposed | None:
        if outcome.pull_request is None:
            return known.proposed
        return self._proposed(known, outcome.pull_request)

    def _proposed(self, known: Sighting, pull: PullRequest | None) -> Proposed | None:
        if pull is None or pull.state != "open":
            return None
        if known.proposed is not None and known.proposed.url == pull.url:
            return known.proposed
        return Proposed(pull.url, self._opened_at(pull))

    def _opened_at(self, pull: PullRequest) -> float:
        try:
            return datetime.fromisoformat(pull.created_at).timestamp()
        except ValueError:
            return self._clock()
