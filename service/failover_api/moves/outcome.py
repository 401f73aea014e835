"""The outcome of a move, or of its dry run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from failover_api.core.catalog.model import Action, Policy
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import State
from failover_api.core.planning.wave_progress import OperationState, Progress
from failover_api.core.safety.hazard import Hazard
from failover_api.core.text.sentence import Part, message
from failover_api.errors import FailoverError
from failover_api.forge.values import Commit, PullRequest

NOWHERE: Mapping[str, "CommitPlace"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one service, or of those services of a group that are on one branch under one policy.

    `plans` are of all of them, in order, also of those that were there already; `refused` are those that were left
    out, and why. `changed`: this call changed something, or would. `version` is of the manifests that were planned
    from. `operation` is what carries it in Git: an earlier one when the same was asked before. `warnings` are of what
    went wrong beside the move. `hazards` are what may go wrong between the commit and the running app;
    `hazards_complete`: all was looked at that they are found in.
    """

    action: Action
    policy: Policy
    plans: tuple[Plan, ...]
    version: str
    changed: bool
    dry_run: bool = False
    commit: Commit | None = None
    pull_request: PullRequest | None = None
    operation: str | None = None
    refused: Mapping[str, FailoverError] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    is_repeat: bool = False  # the first outcome of a key that came again
    hazards: tuple[Hazard, ...] = ()
    hazards_complete: bool = False

    @property
    def plan(self) -> Plan:
        """Of a single service."""
        (plan,) = self.plans
        return plan

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What the way back will not bring back, too."""
        return (*(warning for plan in self.plans for warning in plan.warnings), *self.warnings)

    def sentence(self, *, group: str | None = None) -> str:
        """What people are told of it; `group` where it is a group's."""
        return told([self], group=group)

    def as_told(self) -> Part:
        """What is said of it, in a sentence of its own or with other parts."""
        pull = self.pull_request
        return Part(
            self.plans,
            dry_run=self.dry_run,
            changed=self.changed,
            pull_request=(pull.number, pull.state) if pull else None,
            refused=list(self.refused),
        )

    @property
    def is_pending(self) -> bool:
        """Whether a person has to merge it first."""
        return self.pull_request is not None and self.pull_request.state == "open"


@dataclass(frozen=True, slots=True)
class CommitPlace:
    """A commit, and where people see it."""

    sha: str
    url: str


@dataclass(frozen=True, slots=True)
class ReportedWave:
    """One wave of an operation. `commits` is empty where there is none (yet)."""

    services: tuple[str, ...]
    state: OperationState
    reason: str
    commits: tuple[CommitPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class WaveReport:
    """How far a move in waves has come. `operation` is None for a dry run."""

    operation: str | None
    state: OperationState
    waves: tuple[ReportedWave, ...]

    @classmethod
    def of(cls, progress: Progress, operation: str | None = None, places: Mapping[str, CommitPlace] = NOWHERE) -> Self:
        """`places` are the commits of services, by name."""
        waves = (
            ReportedWave(
                wave.services,
                wave.state,
                wave.reason,
                tuple(dict.fromkeys(places[name] for name in wave.services if name in places)),
            )
            for wave in progress.waves
        )
        return cls(operation, progress.state, tuple(waves))

    @property
    def is_running(self) -> bool:
        """Whether anything is still to come of it."""
        return self.state is OperationState.RUNNING

    @property
    def sentence(self) -> str:
        """What people are told of it."""
        if self.operation is None:
            return f"It goes in {len(self.waves)} waves, each once what it waits for serves."
        begun = sum(wave.state is not OperationState.WAITING for wave in self.waves)
        match self.state:
            case OperationState.DONE:
                return f"All {len(self.waves)} waves are done."
            case OperationState.STOPPED:
                return f"It has stopped: {'; '.join(wave.reason for wave in self.waves if wave.reason)}."
            case _:
                return f"Wave {max(begun, 1)} of {len(self.waves)}; the others follow once what they wait for serves."


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """Of a group: a part for each branch and policy of its services.

    Of one that goes in `waves` the parts are those of the wave that was written; `later` are those who move afterwards,
    where they are and will be. `warnings` are of the whole.
    """

    group: str
    action: Action
    parts: tuple[Outcome, ...]
    order: tuple[str, ...]  # the services of the group, as the catalog has them
    waves: WaveReport | None = None
    later: Mapping[str, tuple[State, State]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return joined_version([part.version for part in self.parts])


def told(parts: Sequence[Outcome], *, group: str | None = None) -> str:
    """What people are told of all parts of a move."""
    return message([part.as_told() for part in parts], group=group)


def joined_version(versions: list[str]) -> str:
    """One version for several: a single one is itself."""
    if len(versions) == 1:
        return versions[0]
    return hashlib.sha256("\0".join(versions).encode()).hexdigest()[:32]
