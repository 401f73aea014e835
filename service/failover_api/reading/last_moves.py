"""The newest move of each service, for status and list: kept by the branch, and brought on by the commits that are new.

status   of one service: looked for in the history of its files
list     of many: looked for among the newest commits of the branch, all proved in one batch
"""

from collections.abc import Iterable, Mapping, Sequence, Set

from cachetools import LRUCache

from failover_api.concurrency import together
from failover_api.core.catalog.model import Branch, Service
from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import Path
from failover_api.core.text.audit import Verdict
from failover_api.core.text.trailers import read_records
from failover_api.errors import ForgeError
from failover_api.forge.port import Forge
from failover_api.forge.values import LoggedCommit
from failover_api.reading.commit_audit import CommitClaim
from failover_api.reading.file_history import ServiceChange
from failover_api.reading.history import Entry, History, entry_of
from failover_api.reading.pull_requests import may_be_proposed, record_for

MAX_BRANCHES, MAX_SERVICES = 256, 16_384  # what old catalogs had is forgotten, sooner or later

# What of a service's entry in the catalog decides about its moves.
_Judge = tuple[tuple[Selector, Path, Value, Value], ...]


class LastMoves:
    """Knows the newest moves of located services."""

    def __init__(self, forge: Forge, history: History) -> None:
        self._forge, self._history = forge, history
        self._last: LRUCache[Branch, tuple[str, dict[str, Entry | None]]] = LRUCache(MAX_BRANCHES)
        self._judged_by: LRUCache[str, _Judge] = LRUCache(MAX_SERVICES)
        self._proposable: set[str] = set()  # the services that were seen to be moved by pull requests, perhaps

    async def of(
        self, branch: Branch, services: Sequence[Service], head: str, *, thorough: bool, not_before: float
    ) -> Mapping[str, Entry]:
        """The newest move of each service as of `head`, the branch's head; without those that have none.

        What is not known yet is looked for among the newest commits of the branch or, when `thorough`, of the
        service's own files.
        """
        self._forget_if_many(branch)
        self._proposable.update(service.name for service in services if may_be_proposed(service))
        known = await self._known(branch, services, head, not_before)
        for service in services:
            if self._judged_by.get(service.name) != (judge := _judge(service)):  # another catalog may see it otherwise
                known.pop(service.name, None)
                self._judged_by[service.name] = judge
        missing = [service for service in services if service.name not in known]
        found: dict[str, Entry | None] = {}
        kept: Set[str] = {service.name for service in missing}
        if thorough:
            found = await self._each(missing, head, not_before)
        elif missing:
            commits = await self._forge.log(branch, at=head, not_before=None)
            found = await self._moves(missing, commits, head, not_before)
            kept -= self._proposable  # those may have been merged
        known |= {name: entry for name, entry in found.items() if name in kept and _is_settled(entry)}
        return {name: entry for name, entry in {**found, **known}.items() if entry is not None}

    def _forget_if_many(self, branch: Branch) -> None:
        """All of it: what is left must not be believed without knowing which may be moved by pull requests."""
        _, known = self._last.get(branch, ("", {}))
        if max(len(known), len(self._proposable)) > MAX_SERVICES:
            self._last.clear()
            self._proposable.clear()

    async def _known(
        self, branch: Branch, services: Sequence[Service], head: str, not_before: float
    ) -> dict[str, Entry | None]:
        """What is known as of `head`; when the branch moved on, by the commits that are new."""
        old_head, old = self._last.get(branch, ("", {}))
        if old_head == head:
            return old
        known: dict[str, Entry | None] = {}
        if old:
            known = await self._brought_on(branch, services, old_head, old, head, not_before)
        self._last[branch] = (head, known)
        return known

    async def _brought_on(
        self,
        branch: Branch,
        services: Sequence[Service],
        old_head: str,
        old: Mapping[str, Entry | None],
        head: str,
        not_before: float,
    ) -> dict[str, Entry | None]:
        try:
            beyond = await self._forge.compare(branch, old_head, head)
        except ForgeError:  # the old head may be gone
            return {}
        if beyond.merge_base != old_head or not beyond.is_whole:
            return {}
        named = {record.service for commit in beyond.commits for record in read_records(commit.message)}
        newest = await self._moves(services, beyond.commits[::-1], head, not_before)
        merged = any(not read_records(commit.message) for commit in beyond.commits)
        in_doubt = self._proposable if merged else self._proposable.intersection(named)
        unsettled = {name for name, entry in newest.items() if not _is_settled(entry)}
        in_doubt = in_doubt | unsettled | (named - {service.name for service in services})
        return {name: entry for name, entry in {**old, **newest}.items() if name not in in_doubt}

    async def _moves(
        self, services: Sequence[Service], commits: Sequence[LoggedCommit], head: str, not_before: float
    ) -> dict[str, Entry | None]:
        """The newest move of each service among these commits, which are newest first; all proved in one batch.

        One that is an edit, or whose files were elsewhere then, is looked for in the history of the service's files.
        """
        claims = [claim for service in services if (claim := _first_claim(service, commits)) is not None]
        findings = await self._history.findings(claims, acting=False)
        moves: dict[str, Entry | None] = {}
        closer: list[Service] = []
        for claim, finding in zip(claims, findings, strict=True):
            if finding.verdict is Verdict.EDIT or finding.are_files_missing:
                closer.append(claim.service)
            else:
                moves[claim.service.name] = entry_of(claim, finding, None)
        return moves | await self._each(closer, head, not_before)

    async def _each(self, services: Sequence[Service], head: str, not_before: float) -> dict[str, Entry | None]:
        found = await together(self._history.newest_move(service, head, not_before=not_before) for service in services)
        return {service.name: move.entry if move else None for service, move in zip(services, found, strict=True)}


def _first_claim(service: Service, commits: Iterable[LoggedCommit]) -> CommitClaim | None:
    """The newest of these commits that says it moved the service, as if its files were where they are today."""
    paths = {file: file for file in service.files}
    for commit in commits:
        if (record := record_for(service.name, commit.message)) is not None:
            return CommitClaim(service, ServiceChange(commit, paths, paths), record, commit.message)
    return None


def _judge(service: Service) -> _Judge:
    return tuple((switch.selector, switch.path, switch.primary, switch.backup) for switch in service.switches)


def _is_settled(entry: Entry | None) -> bool:
    return entry is None or entry.is_settled
