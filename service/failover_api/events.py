"""What happens, told to whoever listens.

A listener is called in the event loop and returns at once: what takes time it does elsewhere. What it raises is logged,
and neither fails nor delays a move.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from failover_api.core.catalog.model import Action, Policy
from failover_api.errors import (
    CannotPlan,
    ConfigInvalid,
    Conflict,
    FailoverError,
    ForgeError,
    ForgeRateLimited,
    ForgeUnavailable,
    NotReady,
    RepositoryNotFound,
)
from failover_api.moves.outcome import Outcome

E = TypeVar("E")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MoveEnded:
    """A move came to its end: with an `outcome`, or with the `error` that refused it or broke it off.

    `services` are those that were asked for, in order. A group on several branches or under both policies ends part by
    part. `operation` is this call's own.
    """

    action: Action
    policy: Policy
    services: tuple[str, ...]
    group: str | None
    by: str
    reason: str
    dry_run: bool
    operation: str
    duration_s: float
    outcome: Outcome | None = None
    error: FailoverError | None = None

    @property
    def news(self) -> Outcome | None:
        """What this call changed; None for a dry run, a repeat, and what was there already."""
        outcome = self.outcome
        if outcome is None or self.dry_run or outcome.dry_run or outcome.is_repeat or not outcome.changed:
            return None
        return outcome


# Not a refusal, which is the answer to a wish: the wish was good, and could not be carried out.
_FAILURES = (
    CannotPlan,
    ConfigInvalid,
    Conflict,
    ForgeError,
    ForgeRateLimited,
    ForgeUnavailable,
    NotReady,
    RepositoryNotFound,
)
Verdict = Literal["refused", "failed", "unknown"]


def verdict(error: FailoverError) -> Verdict:
    """What a move came to that met this error. `unknown`: it may have been carried out."""
    if error.outcome == "unknown":
        return "unknown"
    return "failed" if isinstance(error, _FAILURES) else "refused"


Listener = Callable[[MoveEnded], None]


def tell(listeners: Iterable[Callable[[E], None]], event: E) -> None:
    """Calls each listener."""
    for listener in listeners:
        try:
            listener(event)
        except Exception:  # noqa: BLE001 - a listener's defect is not the mover's
            _log.exception("a listener failed")
