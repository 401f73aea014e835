"""What is on a branch of ours, and whether it is ours still.

A branch is ours only while it holds, byte for byte, what is planned for the commit it began at. Everything else is a
person's, and is never replaced.

Where it began is where it leaves the base; after the base was rewritten (a force-push), where its pull request says
that it was planned: what lies between is no stranger's work, but the base's of then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.request import Provenance
from failover_api.core.text.commit_message import commit_message
from failover_api.core.text.trailers import Record, read_all_records
from failover_api.errors import FailoverError, ForgeError, ManifestNotFound, OperationPending
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, Comparison, LoggedCommit, blob_sha
from failover_api.moves.move import Move, MovePlan
from failover_api.moves.rollback import UndoneByService, read_undone
from failover_api.reading.history import History
from failover_api.reading.services import Observation, Observations, ServiceReader, versions_of


@dataclass(frozen=True, slots=True)
class Base:
    """The services at the head of the branch, what earlier commits did to them, and what is planned for them there."""

    head: str
    seen: Observations
    move_plan: MovePlan
    undone: UndoneByService = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        return self.move_plan.files

    @property
    def versions(self) -> dict[str, str]:
        return versions_of(self.seen)

    def message(self, provenance: Provenance) -> str:
        """The commit message of what is planned, as asked for by whom `provenance` names."""
        return commit_message([(plan, provenance) for plan in self.move_plan.plans])


@dataclass(frozen=True, slots=True)
class BranchContent:
    """What commit `head` has beyond where its branch began: `commit` is the newest of ours there, `records` are what it
    says. `is_on_base`: the base has the commit it began at.

    A commit that quotes the operation of an earlier one is a person's, who took it back, or put it there once more.
    """

    head: str
    comparison: Comparison
    commit: Commit | None
    records: Mapping[str, Record]
    is_on_base: bool = True

    @property
    def began(self) -> str:
        return self.comparison.merge_base

    @property
    def strangers(self) -> list[LoggedCommit]:
        """The commits that carry no trailers of ours, or only quote them."""
        ours = [commit.sha for commit, _ in _ours(self.comparison)]
        return [commit for commit in self.comparison.commits if commit.sha not in ours]

    def gives_way_to(self, move: Move) -> bool:
        """Whether the move may close or replace it: where that is asked for, and never a person's work."""
        return move.request.supersede and not self.strangers


class BranchReader:
    """Reads branches of ours."""

    def __init__(self, forge: Forge, reader: ServiceReader, history: History) -> None:
        self._forge, self._reader, self._history = forge, reader, history

    async def read(self, move: Move, head: str, base: Base, *, planned_at: str | None = None) -> BranchContent:
        """What commit `head` has beyond the base, or beyond `planned_at` where the base has lost that."""
        try:
            comparison = await self._forge.compare(move.branch, base.head, head)
        except ForgeError:  # nothing in common any more
            if planned_at is None:
                raise
            return _tip(head, await self._forge.compare(move.branch, planned_at, head), is_on_base=False)
        # After a force-push that left the two something in common, the commits between are the base's of then: ours is
        # the newest, and its parent is what its pull request says it was planned from.
        newest = comparison.commits[-1:]
        if len(comparison.commits) > 1 and planned_at and newest[0].parents == (planned_at,):
            return _tip(head, await self._forge.compare(move.branch, planned_at, head), is_on_base=False)
        return _tip(head, comparison)

    async def is_current(
        self, move: Move, content: BranchContent, base: Base, where: str, *, not_before: float
    ) -> bool:
        """Whether the base still has the files that the branch was planned from.

        Raises OperationPending, naming `where` and the commit, when the branch holds anything but our own work.
        """
        seen = await self._seen_at(move, content.began, base)
        if seen is None or not await self._is_ours(move, content, seen, not_before):
            stranger = (content.strangers or content.comparison.commits)[-1:]
            named = f"commit {stranger[0].sha[:12]} by {stranger[0].by}" if stranger else "what is on it"
            raise OperationPending(f"{where}: {named} is not ours, and is not overwritten: merge or close it first")
        return content.is_on_base and versions_of(seen) == base.versions

    async def planned(self, move: Move, content: BranchContent, base: Base, *, not_before: float) -> Base | None:
        """What a branch of ours was planned from, and the plans; None when it holds something else."""
        seen = await self._seen_at(move, content.began, base)
        move_plan = None if seen is None else await self._plan_of_then(move, content, seen, not_before)
        if seen is None or move_plan is None or not _holds(content, move_plan):
            return None
        return Base(content.began, seen, move_plan)

    def has_nothing_left(self, move: Move, content: BranchContent, base: Base) -> bool:
        """Whether the base has all that the branch would bring: it was merged, or a person did the same."""
        services = tuple(service for service in move.services if service.name in content.records)
        if (
            content.commit is None
            or len(services) < len(content.records)
            or content.strangers
            or not content.comparison.is_whole
        ):
            return False
        there = {path: file for one in base.seen.values() if isinstance(one, Observation) for path, file in _files(one)}
        if all(there.get(path) == sha for path, sha in content.comparison.files.items()):
            return True
        record = next(iter(content.records.values()))
        if record.action == Action.ROLLBACK.value or record.provenance.step is not None:
            return False
        try:
            then = _as_then(replace(move, services=services), content.records)
            return not then.plan(base.seen, {}).has_changes
        except (FailoverError, ValueError):
            return False

    async def _seen_at(self, move: Move, commit: str, base: Base) -> Observations | None:
        """The services as they were at a commit; None when they cannot be read there."""
        if commit == base.head:
            return base.seen
        seen: dict[str, Observation | FailoverError] = {}
        for name, found in base.seen.items():
            try:
                if isinstance(found, FailoverError):
                    raise found
                seen[name] = await self._observed_at(move, found.service, commit, base.head)
            except FailoverError as exc:
                if not move.provenance.group:
                    return None
                seen[name] = exc
        return seen

    async def _observed_at(self, move: Move, service: Service, commit: str, head: str) -> Observation:
        """A service as it was at a commit; where its files were then, if they have been renamed since."""
        try:
            return await self._reader.observe_at(service, commit)
        except ManifestNotFound as exc:
            renamed = (await self._forge.compare(move.branch, commit, head)).renamed
            if not any(file in renamed for file in service.files):
                raise
            try:
                return await self._reader.observe_at(service.renamed(renamed), commit)
            except ManifestNotFound:
                raise exc from None

    async def _is_ours(self, move: Move, content: BranchContent, seen: Observations, not_before: float) -> bool:
        move_plan = await self._plan_of_then(move, content, seen, not_before)
        return move_plan is not None and _holds(content, move_plan)

    async def _plan_of_then(
        self, move: Move, content: BranchContent, seen: Observations, not_before: float
    ) -> MovePlan | None:
        """What is planned for whoever asked for what the branch holds, where it began; None when nobody can tell."""
        record = next(iter(content.records.values()), None)
        if record is None:
            return None
        try:
            then = _as_then(move, content.records)
            undone = await read_undone(self._history, then, seen, content.began, not_before=not_before)
            return then.plan(seen, {}, undone)
        except (FailoverError, ValueError):
            return None


def _as_then(move: Move, records: Mapping[str, Record]) -> Move:
    """The move that a commit with these records was made for. Raises ValueError for an action that is none of ours."""
    record = next(iter(records.values()))
    has_group, asked = move.provenance.group is not None, record.provenance
    return replace(
        move,
        action=Action(record.action),
        request=replace(move.request, versions=None, skip_refused=has_group, accept=frozenset()),
        provenance=replace(move.provenance, force=asked.force, operation=asked.operation, step=asked.step),
    ).accepting(records.values())


def _tip(head: str, comparison: Comparison, *, is_on_base: bool = True) -> BranchContent:
    for commit, records in _ours(comparison)[-1:]:
        by_service = {record.service: record for record in records}
        return BranchContent(head, comparison, commit.commit, by_service, is_on_base)
    return BranchContent(head, comparison, None, {}, is_on_base)


def _ours(comparison: Comparison) -> list[tuple[LoggedCommit, tuple[Record, ...]]]:
    """The commits that say they carry out an operation that none before them does, oldest first; and what they say."""
    found: list[tuple[LoggedCommit, tuple[Record, ...]]] = []
    known: set[tuple[str, str | None]] = set()
    for commit in comparison.commits:
        records = read_all_records(commit.message)
        parts = {record.provenance.part for record in records}
        if not parts <= known:
            found.append((commit, records))
        known |= parts
    return found


def _holds(content: BranchContent, move_plan: MovePlan) -> bool:
    """Whether the branch holds what was planned, byte for byte, and nothing else."""
    planned: dict[str, str | None] = {path: blob_sha(data) for path, data in move_plan.files.items()}
    return content.comparison.is_whole and bool(planned) and content.comparison.files == planned


def _files(found: Observation) -> Iterator[tuple[str, str]]:
    """The paths and blob shas of what was read."""
    return ((path, found.snapshot.file(path).sha) for path in found.manifests)
