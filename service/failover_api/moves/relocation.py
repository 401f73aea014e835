"""One step of a relocation as a move: planned from what was decided, and written only where that still stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Service
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.request import MoveRequest, Permit, Provenance
from failover_api.core.planning.rollback import Undone
from failover_api.core.planning.state import Detection, State, detect
from failover_api.core.safety.relocation.ladder import StepCommit
from failover_api.core.safety.relocation.manifests import changes, edited, standing
from failover_api.core.safety.relocation.places import Values
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.splice import Manifest, parse
from failover_api.errors import CannotPlan, Conflict
from failover_api.moves.move import Move, MovePlan, Overlay
from failover_api.reading.services import Observations, observed, versions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMove(Move):
    """`values` are what stood at every place when the step was decided; `before` and `after` as its trailers say.

    Its services are the service that is relocated, and the documents that it needs beside. `still` raises Conflict
    where the cluster does not let it go on any more: Git, which the write is compared with, says nothing of that.
    """

    subject: Subject
    commit: StepCommit
    values: Values
    before: State
    after: State
    still: Permit
    accepted: tuple[str, ...] = ()

    @property
    def needs_permit(self) -> bool:
        return True

    async def check_permit(self) -> None:
        await Move.check_permit(self)
        await self.still()

    @property
    def files(self) -> frozenset[str]:
        return frozenset(edit.place.document.file or "" for edit in self.commit.edits)

    @property
    def puts_back(self) -> bool:
        """Never a strategy: its places are those of the relocation alone."""
        return False

    @property
    def advice(self) -> str:
        return ", or ask again: a step that was made is not made twice"

    def plan(self, seen: Observations, overlay: Overlay, undone: Mapping[str, Undone] | None = None) -> MovePlan:
        """Raises Conflict where what stands there is not what the step was decided on: it has to be decided anew."""
        self._check_versions(seen)
        own = [observed(seen[service.name]) for service in self.services]
        manifests = {path: manifest for each in own for path, manifest in each.manifests.items()}
        manifests |= {path: parse(overlay[path], file=path) for path in manifests if path in overlay}
        self._check_unchanged(manifests)
        planned = self._planned(own[0].service, manifests)
        overlay.update(planned.new)
        return MovePlan((planned,), {}, self._version(seen), (), True)

    def _version(self, seen: Observations) -> str:
        """That of the service itself, without the documents beside it."""
        own = self.services[0].name
        return versions_of({own: seen[own]})[own]

    def _check_unchanged(self, manifests: Mapping[str, Manifest]) -> None:
        missing = {edit.place.document.file or "" for edit in self.commit.edits} - manifests.keys()
        if missing or standing(self.subject, manifests) != self.values:
            raise Conflict(f"the manifests of {self.name} have changed since this step was decided on")

    def _planned(self, service: Service, manifests: Mapping[str, Manifest]) -> Plan:
        new = edited(service, self.subject, self.commit, manifests)
        state = detect(service, {**manifests, **new}).state
        if self.before is not self.after and state is not self.after:
            raise CannotPlan(f"after the edit {service.name} would be {state}, expected {self.after}")
        return Plan(
            service=service,
            action=self.subject.target.action,
            before=Detection(self.before, detect(service, manifests).readings),
            after=self.after,
            changes=changes(self.commit, manifests),
            old={path: manifests[path].data for path in new},
            new={path: manifest.data for path, manifest in new.items()},
            accepted=self.accepted,
            step=self.commit.label,
            proof=self.commit.proof,
        )


def step_move(
    services: tuple[Service, ...],
    subject: Subject,
    commit: StepCommit,
    values: Values,
    request: MoveRequest,
    provenance: Provenance,
    *,
    still: Permit,
    is_over: bool,
    accepted: tuple[str, ...] = (),
) -> StepMove:
    """`is_over`: the service is on its target already, so a commit that moves nothing is of that side."""
    origin, target = State(subject.origin.value), State(subject.target.value)
    moves = {edit.place for edit in commit.edits} & {switch.place for switch in subject.switches}
    is_cutover = bool(moves) and not is_over and all(
        edit.new == switch.new for edit in commit.edits for switch in subject.switches if edit.place == switch.place
    )  # fmt: skip
    here = target if is_over else origin
    return StepMove(
        services=services,
        action=subject.target.action,
        request=request,
        provenance=replace(provenance, step=commit.label),
        subject=subject,
        commit=commit,
        values=values,
        before=here,
        after=target if is_cutover else here,
        still=still,
        accepted=accepted,
    )
