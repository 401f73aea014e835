"""What is on a branch of ours, and whether it is ours still.

A branch is ours only while it holds, byte for byte, what is planned for the commit it began at. Everything else is a
person's, and is never replaced.

Where it began is where it leaves the base; after the base was rewritten (a force-push), where its pull request says
that it was planned: what lies between is no stranger's work, but the base's of then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from failover_api.core.catalog import Action, Service
from failover_api.core.trailers import Record, read_records
from failover_api.errors import FailoverError, GitHubError, ManifestNotFound, OperationPending
from failover_api.forge.port import Commit, Comparison, Forge, LoggedCommit, blob_sha
from failover_api.history import History
from failover_api.moves.task import RollingBack, Task, Thought
from failover_api.observation import Observation, Observer, Seen, versions_of


@dataclass(frozen=True, slots=True)
class Base:
    """The services at the head of the branch, and what is planned for them there."""

    head: str
    seen: Seen
    thought: Thought

    @property
    def files(self) -> dict[str, bytes]:
        return self.thought.files

    @property
    def versions(self) -> dict[str, str]:
        return versions_of(self.seen)


@dataclass(frozen=True, slots=True)
class Tip:
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


class Tips:
    """Reads branches of ours."""

    def __init__(self, forge: Forge, observer: Observer, history: History) -> None:
        self._forge, self._observer, self._history = forge, observer, history

    async def read(self, task: Task, head: str, base: Base, *, planned_at: str | None = None) -> Tip:
        """What commit `head` has beyond the base, or beyond `planned_at` where the base has lost that."""
        try:
            comparison = await self._forge.compare(task.branch, base.head, head)
        except GitHubError:  # nothing in common any more
            if planned_at is None:
                raise
            return _tip(head, await self._forge.compare(task.branch, planned_at, head), is_on_base=False)
        newest = comparison.commits[-1:]
        if len(comparison.commits) > 1 and planned_at and newest[0].parents == (planned_at,):
            return _tip(head, await self._forge.compare(task.branch, planned_at, head), is_on_base=False)
        return _tip(head, comparison)

    async def is_current(self, task: Task, tip: Tip, base: Base, where: str, *, not_before: float) -> bool:
        """Whether the base still has the files that the branch was planned from.

        Raises OperationPending, naming `where` and the commit, when the branch holds anything but our own work.
        """
        seen = await self._seen_at(task, tip.began, base)
        if seen is None or not await self._is_ours(task, tip, seen, not_before):
            stranger = (tip.strangers or tip.comparison.commits)[-1:]
            named = f"commit {stranger[0].sha[:12]} by {stranger[0].by}" if stranger else "what is on it"
            raise OperationPending(f"{where}: {named} is not ours, and is not overwritten: merge or close it first")
        return tip.is_on_base and versions_of(seen) == base.versions

    async def planned(self, task: Task, tip: Tip, base: Base, *, not_before: float) -> Base | None:
        """What a branch of ours was planned from, and the plans; None when it holds something else."""
        seen = await self._seen_at(task, tip.began, base)
        thought = None if seen is None else await self._thought_then(task, tip, seen, not_before)
        if seen is None or thought is None or not _holds(tip, thought):
            return None
        return Base(tip.began, seen, thought)

    def has_nothing_left(self, task: Task, tip: Tip, base: Base) -> bool:
        """Whether the base has all that the branch would bring: it was merged, or a person did the same."""
        services = tuple(service for service in task.services if service.name in tip.records)
        if tip.commit is None or len(services) < len(tip.records) or tip.strangers or not tip.comparison.is_whole:
            return False
        there = {path: file for one in base.seen.values() if isinstance(one, Observation) for path, file in _files(one)}
        if all(there.get(path) == sha for path, sha in tip.comparison.files.items()):
            return True
        record = next(iter(tip.records.values()))
        if record.action == Action.ROLLBACK.value:
            return False
        try:
            narrowed = replace(task, services=services, versions=None)
            return not self._as_then(narrowed, record).think(base.seen, {}).has_changes
        except (FailoverError, ValueError):
            return False

    async def _seen_at(self, task: Task, commit: str, base: Base) -> Seen | None:
        """The services as they were at a commit; None when they cannot be read there."""
        if commit == base.head:
            return base.seen
        seen: dict[str, Observation | FailoverError] = {}
        for name, found in base.seen.items():
            try:
                if isinstance(found, FailoverError):
                    raise found
                seen[name] = await self._observed_at(task, found.service, commit, base.head)
            except FailoverError as exc:
                if not task.asked.group:
                    return None
                seen[name] = exc
        return seen

    async def _observed_at(self, task: Task, service: Service, commit: str, head: str) -> Observation:
        """A service as it was at a commit; where its files were then, if they have been renamed since."""
        try:
            return await self._observer.observe_at(service, commit)
        except ManifestNotFound as exc:
            renamed = (await self._forge.compare(task.branch, commit, head)).renamed
            if not any(file in renamed for file in service.files):
                raise
            switches = tuple(replace(s, file=renamed.get(s.file or "", s.file)) for s in service.switches)
            try:
                return await self._observer.observe_at(replace(service, switches=switches), commit)
            except ManifestNotFound:
                raise exc from None

    async def _is_ours(self, task: Task, tip: Tip, seen: Seen, not_before: float) -> bool:
        thought = await self._thought_then(task, tip, seen, not_before)
        return thought is not None and _holds(tip, thought)

    async def _thought_then(self, task: Task, tip: Tip, seen: Seen, not_before: float) -> Thought | None:
        """What is planned for whoever asked for what the branch holds, where it began; None when nobody can tell."""
        record = next(iter(tip.records.values()), None)
        if record is None:
            return None
        try:
            then = self._as_then(task, record)
            await then.prepare(seen, tip.began, not_before=not_before)
            return then.think(seen, {})
        except (FailoverError, ValueError):
            return None

    def _as_then(self, task: Task, record: Record) -> Task:
        """The task that the commit was made for."""
        asked = replace(task.asked, force=record.force)
        action = Action(record.action)
        if action is Action.ROLLBACK:
            return RollingBack(task.services, action, asked, history=self._history)
        return Task(task.services, action, asked, skip_refused=task.asked.group is not None)


def _tip(head: str, comparison: Comparison, *, is_on_base: bool = True) -> Tip:
    for commit, records in _ours(comparison)[-1:]:
        by_service = {record.service: record for record in records}
        return Tip(head, comparison, commit.commit, by_service, is_on_base)
    return Tip(head, comparison, None, {}, is_on_base)


def _ours(comparison: Comparison) -> list[tuple[LoggedCommit, tuple[Record, ...]]]:
    """The commits that say they carry out an operation that none before them does, oldest first; and what they say."""
    found: list[tuple[LoggedCommit, tuple[Record, ...]]] = []
    known: set[str] = set()
    for commit in comparison.commits:
        records = read_records(commit.message)
        operations = {record.operation for record in records}
        if not operations <= known:
            found.append((commit, records))
        known |= operations
    return found


def _holds(tip: Tip, thought: Thought) -> bool:
    """Whether the branch holds what was planned, byte for byte, and nothing else."""
    planned: dict[str, str | None] = {path: blob_sha(data) for path, data in thought.files.items()}
    return tip.comparison.is_whole and bool(planned) and tip.comparison.files == planned


def _files(found: Observation) -> Iterator[tuple[str, str]]:
    """The paths and blob shas of what was read."""
    return ((path, found.snapshot.file(path).sha) for path in found.manifests)
