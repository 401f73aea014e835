"""Which commit made a Deployment's strategy wait for no dead node: one of ours, or a person's.

The strategy alone does not say who wrote it. So the newest commit is looked for that made it what it is now; what a
person has made of it since, and undone again, does not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from failover_api.core.catalog.model import Service
from failover_api.core.planning.rollback import Undone
from failover_api.core.planning.strategy import is_unblocked
from failover_api.core.text.trailers import Record
from failover_api.reading.commit_audit import CommitManifests
from failover_api.reading.file_history import ServiceChange


@dataclass(frozen=True, slots=True)
class Unblocking:
    """A commit of ours that unblocked a service: what it says of it, and the manifests before it and with it."""

    record: Record
    undone: Undone


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
