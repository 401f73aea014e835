"""What is on a branch of ours, and whether it is ours still.

A branch is ours only while it holds, byte for byte, what is planned for the commit it began at. Everything else is a
person's, and is never replaced.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.catalog import Action
from failover_api.core.trailers import Record, read_records
from failover_api.errors import FailoverError, OperationPending
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
    """What commit `head` has beyond the base: `commit` is the newest of ours there, `records` are what it says."""

    head: str
    comparison: Comparison
    commit: Commit | None
    records: Mapping[str, Record]

    @property
    def strangers(self) -> list[LoggedCommit]:
        """The commits that carry no trailers of ours."""
        return [commit for commit in self.comparison.commits if not read_records(commit.message)]


class Tips:
    """Reads branches of ours."""

    def __init__(self, forge: Forge, observer: Observer, history: History) -> None:
        self._forge, self._observer, self._history = forge, observer, history

    async def read(self, task: Task, head: str, base: Base) -> Tip:
        """What commit `head` has beyond the base."""
        comparison = await self._forge.compare(task.branch, base.head, head)
        for commit in reversed(comparison.commits):
            if records := read_records(commit.message):
                return Tip(head, comparison, commit.commit, {record.service: record for record in records})
        return Tip(head, comparison, None, {})

    async def is_current(self, task: Task, tip: Tip, base: Base, where: str, *, not_before: float) -> bool:
        """Whether the base still has the files that the branch was planned from.

        Raises OperationPending, naming `where` and the commit, when the branch holds anything but our own work.
        """
        seen = await self._seen_at(task, tip.comparison.merge_base, base)
        if seen is None or not await self._is_ours(task, tip, seen, not_before):
            stranger = (tip.strangers or tip.comparison.commits)[-1:]
            named = f"commit {stranger[0].sha[:12]} by {stranger[0].by}" if stranger else "what is on it"
            raise OperationPending(f"{where}: {named} is not ours, and is not overwritten: merge or close it first")
        return versions_of(seen) == base.versions

    async def _seen_at(self, task: Task, commit: str, base: Base) -> Seen | None:
        """The services as they were at a commit; None when they cannot be read there."""
        if commit == base.head:
            return base.seen
        seen: dict[str, Observation | FailoverError] = {}
        for name, found in base.seen.items():
            try:
                if isinstance(found, FailoverError):
                    raise found
                seen[name] = await self._observer.observe_at(found.service, commit)
            except FailoverError as exc:
                if not task.asked.group:
                    return None
                seen[name] = exc
        return seen

    async def _is_ours(self, task: Task, tip: Tip, seen: Seen, not_before: float) -> bool:
        record = next(iter(tip.records.values()), None)
        if record is None or not tip.comparison.is_whole:
            return False
        try:
            then = self._as_then(task, record)
            await then.prepare(seen, tip.comparison.merge_base, not_before=not_before)
            planned = then.think(seen, {}).files
        except (FailoverError, ValueError):
            return False
        return tip.comparison.files == {path: blob_sha(data) for path, data in planned.items()}

    def _as_then(self, task: Task, record: Record) -> Task:
        """The task that the commit was made for."""
        asked = dataclasses.replace(task.asked, force=record.force)
        action = Action(record.action)
        if action is Action.ROLLBACK:
            return RollingBack(task.services, action, asked, history=self._history, observer=self._observer)
        return Task(task.services, action, asked, skip_refused=task.asked.group is not None)
