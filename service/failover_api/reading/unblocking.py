"""Which commit made a Deployment's strategy wait for no dead node: one of ours, or a person's.

The strategy alone does not say who wrote it. Where the file is to the byte as the service's newest move left it, that
move did. Else the newest commit is looked for that made the strategy what it is now.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from failover_api.concurrency import together
from failover_api.core.catalog.model import Service
from failover_api.core.planning.rollback import Undone
from failover_api.core.planning.strategy import is_unblocked
from failover_api.core.text.trailers import Record
from failover_api.forge.port import Forge
from failover_api.forge.values import LOG_PAGE, LoggedCommit, PullRequest
from failover_api.reading.commit_audit import CommitAudit, CommitManifests
from failover_api.reading.file_history import FileHistory, ServiceChange
from failover_api.reading.pull_requests import looks_merged, record_for
from failover_api.reading.services import Observation

LOOKED_AT_FIRST = 10  # commits of a service's files


@dataclass(frozen=True, slots=True)
class Unblocking:
    """A commit of ours that unblocked a service: what it says of it, and the manifests before it and with it."""

    record: Record
    undone: Undone


@dataclass(frozen=True, slots=True)
class _SaidMove:
    """A commit that says it moved a service, and what it says."""

    change: ServiceChange
    record: Record

    def unblocking(self, around: CommitManifests) -> Unblocking:
        undone = Undone(self.record.operation, around.before, around.after, at=self.change.logged.at)
        return Unblocking(self.record, undone)


class UnblockingReader:
    """Reads it from Git's history. `pull_requests` are those about a service, not older than time.monotonic()."""

    def __init__(
        self,
        forge: Forge,
        file_history: FileHistory,
        audit: CommitAudit,
        pull_requests: Callable[[Service, float], Awaitable[Sequence[PullRequest]]],
    ) -> None:
        self._forge, self._file_history, self._audit = forge, file_history, audit
        self._pull_requests = pull_requests

    async def of(self, observed: Sequence[Observation], head: str, *, not_before: float) -> dict[str, Unblocking]:
        """Of services of one branch as of `head`, by name; without those that a person has unblocked, and those whose
        newest hundred commits do not tell.
        """
        found = await self._unblocked_last(observed, head)
        others = [each.service for each in observed if each.service.name not in found]
        looked = await together(self._of(service, head, not_before) for service in others)
        return found | {service.name: each for service, each in zip(others, looked, strict=True) if each is not None}

    async def _unblocked_last(self, observed: Sequence[Observation], head: str) -> dict[str, Unblocking]:
        """Of those whose file is as their newest move left it: one look at the branch's newest commits."""
        branch = observed[0].service.branch
        commits = await self._forge.log(branch, at=head, not_before=None)
        moves = [(each, move) for each in observed if (move := _newest_said(each.service, commits)) is not None]
        pairs = [(each.service, move.change) for each, move in moves]
        around = await self._audit.manifests_around_each(branch, pairs)
        return {
            each.service.name: move.unblocking(manifests)
            for (each, move), manifests in zip(moves, around, strict=True)
            if _is_unblocked_between(each.service, manifests) and _is_as_left(each, manifests)
        }

    async def _of(self, service: Service, head: str, not_before: float) -> Unblocking | None:
        for count in (LOOKED_AT_FIRST, LOG_PAGE):
            changes = (await self._file_history.of(service, head, count)).commits
            around = await self._audit.manifests_around_each(service.branch, [(service, each) for each in changes])
            for change, manifests in zip(changes, around, strict=True):
                is_merge = len(change.logged.parents) > 1  # what it brought is among the commits too
                if not is_merge and _is_unblocked_between(service, manifests):
                    record = await self._record_of(service, change.logged, not_before)
                    return None if record is None else _SaidMove(change, record).unblocking(manifests)
            if len(changes) < count:
                return None
        return None

    async def _record_of(self, service: Service, commit: LoggedCommit, not_before: float) -> Record | None:
        """What a commit says of a move, or the pull request that was merged as it."""
        if not looks_merged(commit):
            return record_for(service.name, commit.message)
        pulls = await self._pull_requests(service, not_before)
        bodies = (pull.body for pull in pulls if pull.merge_commit == commit.sha and pull.state == "merged")
        return next((record for body in bodies if (record := record_for(service.name, body))), None)


def _newest_said(service: Service, commits: Iterable[LoggedCommit]) -> _SaidMove | None:
    """The newest of these commits that says it moved the service, as if its files were where they are today."""
    paths = {file: file for file in service.files}
    for commit in commits:
        if (record := record_for(service.name, commit.message)) is not None:
            return _SaidMove(ServiceChange(commit, paths, paths), record)
    return None


def _is_unblocked_between(service: Service, around: CommitManifests) -> bool:
    return is_unblocked(service, around.after) and not is_unblocked(service, around.before)


def _is_as_left(now: Observation, around: CommitManifests) -> bool:
    """The Deployment's file is to the byte as the commit left it."""
    file = (now.service.unblocked and now.service.unblocked.file) or ""
    then = around.after.get(file)
    return then is not None and then.data == now.manifests[file].data
