"""Groups: a move for each branch and policy of its services, all of them planned before one is written."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from failover_api.core.catalog.model import Action, Branch, Policy, Service
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.errors import CannotPlan, FailoverError, OutcomeUnknown, PreconditionFailed
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome, joined_version
from failover_api.moves.progress import OnStep


def parts_of(
    services: Sequence[Service],
    action: Action,
    request: MoveRequest,
    provenance: Provenance,
    on_step: OnStep,
    surroundings: Callable[[Sequence[Service]], Surroundings] = lambda _: NOT_LOOKED_AT,
) -> list[Move]:
    """A move for each branch and policy, in the order of the group; `surroundings` tells what is known around each."""
    members: dict[tuple[Branch, Policy], list[Service]] = {}
    for service in services:
        members.setdefault((service.branch, service.policy), []).append(service)
    return [Move(tuple(part), action, request, provenance, on_step, surroundings(part)) for part in members.values()]


def bound_to(move: Move, versions: frozenset[str] | None) -> Move:
    """The same move, on manifests of these versions only; None: any."""
    return replace(move, request=replace(move.request, versions=versions))


def check_branches(group: str, moves: Sequence[Move]) -> None:
    """A group has one branch for its pull request in a repository, and that leads to one branch."""
    bases: dict[str, str] = {}
    for move in moves:
        if move.policy is Policy.PULL_REQUEST:
            other = bases.setdefault(move.branch.repository, move.branch.name)
            if other != move.branch.name:
                raise CannotPlan(
                    f"{group} has services on {other} and on {move.branch.name} of {move.branch.repository}, both by "
                    "pull request; make it two groups"
                )


def check_versions(name: str, parts: Sequence[Outcome], versions: frozenset[str] | None) -> None:
    """Raises PreconditionFailed when a rehearsed group is not of one of the versions. A repeat was planned long ago."""
    is_repeat = any(part.is_repeat for part in parts)
    if versions is not None and joined_version([part.version for part in parts]) not in versions and not is_repeat:
        raise PreconditionFailed(f"the manifests of {name} are not those of the If-Match; look again")


def half_done(group: str, done: Sequence[Outcome], failed: Move, error: FailoverError) -> OutcomeUnknown:
    """Several repositories or branches cannot be written at once: what was done, and what was not."""
    places = "; ".join(f"{outcome.plans[0].service.branch}: {_where(outcome)}" for outcome in done if outcome.changed)
    return OutcomeUnknown(
        f"{group} was moved in part. Done: {places}. Not done: {failed.branch} ({error.slug}: {error.detail}). "
        "Ask again: what is done is left as it is"
    )


def _where(outcome: Outcome) -> str:
    if outcome.pull_request is not None:
        return outcome.pull_request.url
    return f"commit {outcome.commit.sha[:12]}" if outcome.commit else "nothing to do"
