"""Which commit made a Deployment's strategy wait for no dead node: one of ours, or a person's.

The strategy alone does not say who wrote it. Where the file is to the byte as the service's newest move left it, that
move did. Else the newest commit is looked for that made the strategy what it is now.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from failover_api.core.catalog.model import Service
from failover_api.core.planning.rollback import Undone
from failover_api.core.planning.strategy import is_unblocked
from failover_api.core.text.trailers import Record
from failover_api.forge.values import LoggedCommit
from failover_api.reading.commit_audit import CommitManifests
from failover_api.reading.file_history import ServiceChange
from failover_api.reading.pull_requests import record_for
from failover_api.reading.services import Observation


@dataclass(frozen=True, slots=True)
class Unblocking:
    """A commit of ours that unblocked a service: what it says of it, and the manifests before it and with it."""

    record: Record
    undone: Undone


@dataclass(frozen=True, slots=True)
class SaidMove:
    """A commit that says it moved a service, and what it says."""

    change: ServiceChange
    record: Record

    def unblocking(self, around: CommitManifests) -> Unblocking:
        """That it unblocked the service."""
        return Unblocking(
            self.record, Undone(self.record.operation, around.before, around.after, at=self.change.logged.at)
        )

    def has_unblocked(self, now: Observation, around: CommitManifests) -> bool:
        """Whether it has, and the file is to the byte as it left it: then nobody has made anything else of it since."""
        service = now.service
        file = service.unblocked.file if service.unblocked is not None else None
        is_newest = newest_unblocking(service, [(self.change, around)]) is not None
        return is_newest and file is not None and around.after[file].data == now.manifests[file].data


def newest_said(service: Service, commits: Iterable[LoggedCommit]) -> SaidMove | None:
    """The newest of these commits that says it moved the service, as if its files were where they are today."""
    paths = {file: file for file in service.files}
    for commit in commits:
        if (record := record_for(service.name, commit.message)) is not None:
            return SaidMove(ServiceChange(commit, paths, paths), record)
    return None


def newest_unblocking(
    service: Service, commits: Iterable[tuple[ServiceChange, CommitManifests]]
) -> tuple[ServiceChange, CommitManifests] | None:
    """Of commits, newest first, the one that made the strategy rolling; None when it is not among them.

    A merge is passed over: what it brought is among the commits too.
    """
    for change, around in commits:
        is_merge = len(change.logged.parents) > 1
        if not is_merge and is_unblocked(service, around.after) and not is_unblocked(service, around.before):
            return change, around
    return None
