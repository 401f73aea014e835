"""What is asked of one branch, and how it is planned: which services, which edits, what refuses it.

A move is a value, and planning it is pure: it is repeated on newer manifests when a write lost its race. What a
rollback undoes is read before (rollback.py) and given to the plan.
"""

import copy
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from failover_api.core.catalog.model import Action, Branch, Policy, Service
from failover_api.core.planning.plan import Plan, plan, plan_tidy
from failover_api.core.planning.request import TIDY, MoveRequest, Provenance
from failover_api.core.planning.rollback import Undone, plan_rollback
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.hazards import once_for_a_group
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.core.safety.switch_moves import planned_move
from failover_api.core.splice import Manifest, parse
from failover_api.core.text.sentence import names_of
from failover_api.core.text.trailers import Record
from failover_api.errors import FailoverError, PreconditionFailed, UnsafeMove
from failover_api.forge.values import Commit
from failover_api.moves.outcome import Outcome, joined_version
from failover_api.moves.progress import OnStep, ignore
from failover_api.reading.pull_requests import branch_of
from failover_api.reading.services import Observation, Observations, versions_of
from failover_api.reading.surroundings import find_hazards

# {path: bytes} as the plans before this one leave it.
Overlay = MutableMapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MovePlan:
    """The plans of a move's services, in order; and those that are left out, by name.

    `hazards` are what may go wrong with the plans, as far as is known; `hazards_complete` as in Outcome.
    """

    plans: tuple[Plan, ...]
    refused: Mapping[str, FailoverError]
    version: str
    hazards: tuple[Hazard, ...] = ()
    hazards_complete: bool = False

    @property
    def files(self) -> dict[str, bytes]:
        """{path: bytes} as the last plan leaves them."""
        return {path: data for plan in self.plans for path, data in plan.new.items()}

    @property
    def has_changes(self) -> bool:
        return any(plan.changes for plan in self.plans)

    @property
    def is_all_change(self) -> bool:
        """Whether the write itself, being a compare-and-swap, shows that all of it is true."""
        return not self.refused and all(plan.changes for plan in self.plans)


@dataclass(frozen=True, slots=True)
class Move:
    """What one caller asks of one branch: of one service, or of a group's services there under one policy.

    `request` is as the caller made it, `provenance` what a commit of it says. `on_step` is told what is being done.
    `surroundings` are what was known around the services when it was asked for. `siblings` are the services that the
    same request moves beside these, by moves of their own.
    """

    services: tuple[Service, ...]
    action: Action
    request: MoveRequest
    provenance: Provenance
    on_step: OnStep = ignore
    surroundings: Surroundings = NOT_LOOKED_AT
    siblings: frozenset[str] = frozenset()

    @property
    def branch(self) -> Branch:
        return self.services[0].branch

    @property
    def policy(self) -> Policy:
        return self.services[0].policy

    @property
    def name(self) -> str:
        """The service or the group, for people."""
        return self.provenance.group or self.services[0].name

    @property
    def head_branch(self) -> Branch:
        """Where its pull request comes from."""
        return Branch(self.branch.repository, branch_of(service=self.services[0].name, group=self.provenance.group))

    @property
    def files(self) -> frozenset[str]:
        """The files it may change; a service that has to be found first counts as one, by its name."""
        found = {path for service in self.services for path in service.files}
        return frozenset(found | {service.name for service in self.services if service.wanted is not None})

    @property
    def needs_history(self) -> bool:
        """Whether it is read at the branch's head, with the history up to there."""
        return self.action is Action.ROLLBACK or self.provenance.key is not None or self.puts_back

    @property
    def is_tidy(self) -> bool:
        """Whether it is the second commit of a move, which only puts a strategy back."""
        return self.provenance.step == TIDY

    @property
    def puts_back(self) -> bool:
        """Whether it puts strategies back that a promote of ours has changed."""
        is_home = self.action is Action.DEMOTE or self.is_tidy
        return is_home and any(service.unblocked is not None for service in self.services)

    @property
    def needs_permit(self) -> bool:
        """Whether check_permit() has something to ask."""
        return self.request.permit is not None

    async def check_permit(self) -> None:
        """To be awaited right before a write. Raises what says that it may not be made any more."""
        if self.request.permit is not None:
            await self.request.permit()

    @property
    def advice(self) -> str:
        """What to do besides looking, when nobody knows what became of it."""
        if self.action is Action.ROLLBACK:
            return " before asking again: a second rollback would undo the first"
        return ", or ask again: a service that is already there is not moved twice"

    def plan(self, seen: Observations, overlay: Overlay, undone: Mapping[str, Undone] | None = None) -> MovePlan:
        """Plans each service on what was read, as the plans before leave it; its own changes go into `overlay`.

        `undone` is what read_undone() gives. Raises PreconditionFailed, or what refuses a service unless it is to be
        skipped: UnsafeMove for hazards that stop it. Of a group's services it names all that are refused.
        """
        self._check_versions(seen)
        around = self._surroundings((undone or {}).get(self.services[0].name))
        plans: list[Plan] = []
        found: list[Hazard] = []
        is_complete = around.is_complete
        refused: dict[str, FailoverError] = {}
        edited = dict(overlay)
        for service in self.services:
            try:
                planned, manifests = self._plan(seen[service.name], edited, (undone or {}).get(service.name))
            except FailoverError as exc:
                if self.provenance.group is None:
                    raise
                refused[service.name] = exc
            else:
                own, is_sure = self._hazards(planned, manifests, around)
                is_complete = is_complete and is_sure
                if unsafe := self._unsafe(service, own):
                    refused[service.name] = unsafe
                    if self.request.skip_refused:
                        continue
                plans.append(self._accepting(planned, own))
                found += own
                edited.update(planned.new)
        told = tuple(once_for_a_group(found)) if self.provenance.group else tuple(found)
        move_plan = MovePlan(tuple(plans), {}, self._version(seen), told, is_complete)
        if refused and not self.request.skip_refused:
            raise self._refusal(refused, move_plan)
        overlay.update(edited)
        return replace(move_plan, refused={name: _named(name, error) for name, error in refused.items()})

    def outcome(
        self, move_plan: MovePlan, *, changed: bool, dry_run: bool = False, commit: Commit | None = None
    ) -> Outcome:
        """The outcome of a plan: to be written, written as `commit`, or there already."""
        return Outcome(
            action=self.action,
            policy=self.policy,
            plans=move_plan.plans,
            version=move_plan.version,
            changed=changed,
            dry_run=dry_run,
            commit=commit,
            operation=self.provenance.operation if commit else None,
            refused=move_plan.refused,
            hazards=move_plan.hazards if changed else (),
            hazards_complete=move_plan.hazards_complete,
        )

    def accepting(self, records: Iterable[Record]) -> "Move":
        """The same move, which accepts what those have accepted who have made these records."""
        accepted = {f"{record.service}:{slug}" for record in records for slug in record.accepted}
        return replace(self, request=replace(self.request, accept=self.request.accept | accepted))

    def _hazards(
        self, planned: Plan, manifests: Mapping[str, Manifest], around: Surroundings
    ) -> tuple[tuple[Hazard, ...], bool]:
        """What may go wrong with a plan, and whether none of it was missed: unseen, or by a defect."""
        if self.is_tidy:
            return (), True
        found = find_hazards(partial(planned_move, planned, manifests), around)
        return found.hazards, not found.failed and around.is_complete_for(planned.service)

    def _unsafe(self, service: Service, found: Sequence[Hazard]) -> UnsafeMove | None:
        """What refuses the service, when hazards stop it that are not accepted."""
        stops = [
            hazard
            for hazard in found
            if hazard.severity is Severity.STOP and not self.request.accepts(service.name, hazard.slug)
        ]
        if not stops:
            return None
        unsafe = UnsafeMove(" ".join(f"{hazard.detail} ({hazard.slug})" for hazard in stops))
        unsafe.hazards = tuple(found)
        return unsafe

    def _accepting(self, planned: Plan, found: Sequence[Hazard]) -> Plan:
        name = planned.service.name
        slugs = dict.fromkeys(hazard.slug for hazard in found)
        return replace(planned, accepted=tuple(slug for slug in slugs if self.request.accepts(name, slug)))

    def _refusal(self, refused: Mapping[str, FailoverError], move_plan: MovePlan) -> FailoverError:
        """What refuses the move. With an unsafe one goes what it would come to."""
        error = refusal_of(refused) if self.provenance.group else next(iter(refused.values()))
        if isinstance(error, UnsafeMove):
            error.outcomes = (self.outcome(move_plan, changed=True, dry_run=True),)
            error.version, error.group = move_plan.version, self.provenance.group
        return error

    def _surroundings(self, undone: Undone | None) -> Surroundings:
        """What a rollback undoes is the service's newest move, so it has been where it is since then."""
        if self.action is not Action.ROLLBACK or undone is None or not undone.at:
            return self.surroundings
        return replace(self.surroundings, there_since={self.services[0].name: undone.at})

    def _plan(
        self, observed: Observation | FailoverError, edited: Mapping[str, bytes], undone: Undone | None
    ) -> tuple[Plan, Mapping[str, Manifest]]:
        """The plan, and the manifests that it is made from."""
        if isinstance(observed, FailoverError):
            raise copy.copy(observed)
        latest = {path: parse(edited[path], file=path) for path in observed.manifests if path in edited}
        manifests = {**observed.manifests, **latest}
        former = undone.before if undone is not None else None
        if self.is_tidy:
            is_ours = undone is not None and undone.operation == self.provenance.operation
            return plan_tidy(observed.service, manifests, self.action, former=former if is_ours else None), manifests
        if self.action is not Action.ROLLBACK:
            planned = plan(observed.service, manifests, self.action, force=self.provenance.force, former=former)
            return planned, manifests
        assert undone is not None, "it was read together with the service"
        undoing = plan_rollback(observed.service, manifests, undone.before, undone.after, reverts=undone.operation)
        return undoing, manifests

    def _check_versions(self, seen: Observations) -> None:
        versions = self.request.versions
        if versions is not None and self._version(seen) not in versions:
            raise changed_meanwhile(self.name)

    def _version(self, seen: Observations) -> str:
        own = {service.name: seen[service.name] for service in self.services}  # in a batch many others were seen too
        return joined_version(list(versions_of(own).values()))


def changed_meanwhile(name: str) -> PreconditionFailed:
    """The error for an If-Match that names another version of what a service or a group has."""
    return PreconditionFailed(f"the manifests of {name} are not those of the If-Match; look again and decide anew")


def refusal_of(refused: Mapping[str, FailoverError]) -> FailoverError:
    """What refuses a group: of the kind of its first service that is refused; it names them all."""
    (first, error), *others = refused.items()
    told = _named(first, error)
    if others:
        told = _saying(told, f"{told.detail} (and refused as well: {names_of(name for name, _ in others)})")
    told.refused = dict(refused)
    return told


def _named(service: str, error: FailoverError) -> FailoverError:
    return _saying(error, f"{service}: {error.detail}")


def _saying(error: FailoverError, detail: str) -> FailoverError:
    """The same error in other words."""
    other = copy.copy(error)
    other.detail, other.args = detail, (detail,)
    return other
