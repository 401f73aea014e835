"""The head of a branch, and several of its files, all at that commit.

    first read    one GraphQL query gives the head and the files, beside a GET of the branch
    later         GET branch, If-None-Match: a 304 says that nothing moved; else GraphQL again
    many files    when the branch moved, its tree says which of them changed

When GraphQL refuses or is down, REST is used: the tree at that commit, then blob by blob.

GitHub's replicas may lag behind our own last write: a head without it is asked for again, and then refused (`Lag`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cachetools import LRUCache

from failover_api.concurrency import batches, both, together
from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import (
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgeFailure,
    ForgeUnavailable,
    RepositoryNotFound,
    RepositoryTooLarge,
)
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.contents import refuse_mode
from failover_api.forge.github.log import Log
from failover_api.forge.github.objects import BATCH_FILES, FileOrError, Objects, TreeEntry
from failover_api.forge.repository.lag import HEAD, WAITS_S, Lag
from failover_api.forge.values import Entry, File

MAX_BYTES = 16 * 1024 * 1024  # of all branches together; what does not fit is read again
_ENTRY_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Head:
    """Files of a branch, all at commit `oid`, which was its head at `validated_at` (time.monotonic())."""

    oid: str
    files: Mapping[str, FileOrError]
    validated_at: float


class Heads:
    """The branches' heads, as last seen."""

    def __init__(self, client: GitHubClient, objects: Objects, log: Log, lag: Lag) -> None:
        self._client, self._objects, self._log, self._lag = client, objects, log, lag
        self._heads: LRUCache[Branch, Head] = LRUCache(MAX_BYTES, getsizeof=_size)

    async def read(self, branch: Branch, paths: Sequence[str], not_before: float | None) -> Head:
        """`paths` at one commit. Raises RepositoryNotFound when there is no such branch."""
        known = self._heads.get(branch)
        if known is None:
            head = await self._first(branch, paths)
        elif not_before is None or known.validated_at >= not_before:
            head = await self._completed(branch, paths, known)
        else:
            started = time.monotonic()
            oid = await self.oid(branch, not_before)
            files = known.files if oid == known.oid else await self._unchanged(branch, paths, oid, known.files)
            head = await self._completed(branch, paths, Head(oid, files, started))
        self._keep(branch, head)
        return head

    async def current(self, branch: Branch, not_before: float | None) -> str:
        """The commit that the branch is at, as it was last read or written."""
        known = self._heads.get(branch)
        if known is not None and (not_before is None or known.validated_at >= not_before):
            return known.oid
        return await self.oid(branch, not_before)

    async def oid(self, branch: Branch, not_before: float | None, *, is_rewritten: bool = False) -> str:
        """The commit that the branch is at. Raises RepositoryNotFound when there is no such branch, NotShownYet.

        `is_rewritten`: other replicas of ours force the branch, so a head that does not contain our last commit is no
        lag.
        """
        oid = await self._ask_for_oid(branch, not_before)
        for wait_s in WAITS_S:
            if not await self._is_behind(branch, oid, is_rewritten=is_rewritten):
                return oid
            await self._client.sleep(wait_s)
            oid = await self._ask_for_oid(branch, time.monotonic())
        if await self._is_behind(branch, oid, is_rewritten=is_rewritten):
            raise self._lag.behind(branch, f"reading branch {branch}")
        return oid

    async def _is_behind(self, branch: Branch, oid: str, *, is_rewritten: bool = False) -> bool:
        """Whether a commit that GitHub calls the branch's head does not contain our last one."""
        if self._lag.was_replaced(branch, HEAD, oid):
            return True
        newest = self._lag.newest(branch)
        if newest is None or self._lag.is_current(branch, HEAD, oid):
            return False
        try:
            comparison = await self._log.compare(branch, newest, oid)
        except ForgeError:  # the replica that was asked does not know one of the two commits yet
            return True
        # An ancestor of our commit is a stale head. A commit beside it may be stale, or a force-push: as stale it is
        # refused only for the seconds in which a read may lag.
        if comparison.merge_base == oid or (comparison.merge_base != newest and not is_rewritten):
            return True
        self._lag.saw(branch, HEAD, oid)
        return False

    def wrote(self, branch: Branch, commit: str, parents: Sequence[str], files: Mapping[str, File]) -> None:
        """The branch is at `commit` now, and has these files."""
        for parent in parents:
            self._lag.replaced(branch, HEAD, parent)
        self._lag.wrote(branch, HEAD, commit)
        known = self._heads.get(branch)
        if known is not None and known.oid in parents:
            self._put(branch, Head(commit, {**files, **known.files, **files}, time.monotonic()))

    def moving(self, branch: Branch, commit: str) -> None:
        """A move of the branch to `commit` is about to be sent: from now on it may be there."""
        self._lag.writing(branch, HEAD, commit)

    def moved(self, branch: Branch, before: str) -> None:
        """The branch is no longer at `before`; its files are not known."""
        self._lag.replaced(branch, HEAD, before)
        self._heads.pop(branch, None)

    def forget(self, branch: Branch, at: str) -> None:
        """The branch is at commit `at` now: what is known of another head is dropped."""
        known = self._heads.get(branch)
        if known is not None and known.oid != at:
            self._heads.pop(branch)

    async def files_at(self, branch: Branch, paths: Sequence[str], oid: str) -> dict[str, FileOrError]:
        """Files at a commit: by GraphQL, or by REST when that fails."""
        try:
            _, files = await self._query_all(branch, paths, oid)
        except ForgeFailure as exc:
            try:
                files = await self._rest_all(branch, paths, oid, exc)
            except RepositoryNotFound:
                if oid == self._lag.newest(branch):
                    raise self._lag.behind(branch, f"reading commit {oid[:12]}") from None
                raise
        return files

    async def file_of_entry(self, branch: Branch, path: str, entry: Any) -> FileOrError:
        """A file from an entry of a GraphQL answer, or the error when it is no regular file."""
        if entry is None:
            return FileNotFound(f"no such file on {branch}", file=path)
        problem = refuse_mode(path, entry["mode"])
        if problem is not None:
            return problem
        blob = entry["object"]
        return await self._objects.complete_blob(branch, path, blob["oid"], blob)

    async def _first(self, branch: Branch, paths: Sequence[str]) -> Head:
        """The files by GraphQL, and beside them the branch by REST: its ETag makes the next read a 304.

        When one of the two is down, the other is enough.
        """
        started = time.monotonic()
        by_graphql, rest_oid = await both(self._at_ref(branch, paths), self._oid_if_up(branch, started))
        if isinstance(by_graphql, FailoverError):
            if isinstance(rest_oid, FailoverError):
                raise rest_oid
            return Head(rest_oid, await self._rest_all(branch, paths, rest_oid, by_graphql), started)
        oid, files = by_graphql
        if isinstance(rest_oid, FailoverError):
            if await self._is_behind(branch, oid):  # stale, and REST, which could give a newer one, is down
                raise rest_oid
        elif oid != rest_oid:  # the branch moved in between, or GraphQL lags: REST's head was checked for lag
            oid, files = rest_oid, await self.files_at(branch, paths, rest_oid)
        return Head(oid, files, started)

    async def _oid_if_up(self, branch: Branch, not_before: float) -> str | ForgeUnavailable:
        try:
            return await self.oid(branch, not_before)
        except ForgeUnavailable as exc:
            return exc

    async def _completed(self, branch: Branch, paths: Sequence[str], head: Head) -> Head:
        missing = [path for path in paths if path not in head.files]
        if not missing:
            return head
        files = await self.files_at(branch, missing, head.oid)
        return Head(head.oid, {**head.files, **files}, head.validated_at)

    async def _unchanged(
        self, branch: Branch, paths: Sequence[str], oid: str, old: Mapping[str, FileOrError]
    ) -> dict[str, FileOrError]:
        """What is known of `paths` at commit `oid`, by the shas in its tree. For few it costs more."""
        if sum(path in old for path in paths) <= BATCH_FILES:
            return {}
        try:
            nodes = await self._objects.tree(branch, oid, not_before=None, keep=False)
        except (ForgeFailure, RepositoryTooLarge):
            return {}
        files, entries = _by_tree(branch, paths, nodes)
        for entry in entries:
            known = old.get(entry.path)
            if isinstance(known, File) and known.sha == entry.sha:
                files[entry.path] = known
        return files

    def _keep(self, branch: Branch, head: Head) -> None:
        """Keeps a head, unless another read or a write has brought a later one meanwhile."""
        known = self._heads.get(branch)
        if known is not None and known.oid == head.oid:
            validated_at = max(known.validated_at, head.validated_at)
            head = Head(head.oid, {**head.files, **known.files, **head.files}, validated_at)
        if known is None or known.validated_at <= head.validated_at:
            self._put(branch, head)

    def _put(self, branch: Branch, head: Head) -> None:
        """Keeps as many of the files as fit, the first ones first."""
        self._heads.pop(branch, None)
        room, kept = MAX_BYTES - _ENTRY_OVERHEAD_BYTES, {}
        for path, file in head.files.items():
            room -= _size_of(path, file)
            if room < 0:
                break
            kept[path] = file
        is_whole = len(kept) == len(head.files)
        self._heads[branch] = head if is_whole else Head(head.oid, kept, head.validated_at)

    async def _ask_for_oid(self, branch: Branch, not_before: float | None) -> str:
        what = f"reading branch {branch}"
        try:
            body = await self._client.get(branch.repository, _branch_url(branch), what=what, not_before=not_before)
            commit = parse_json(body)["commit"]
            parents = {parent["sha"] for parent in commit.get("parents", ())}
            if self._lag.newest(branch) in parents:  # on top of our last write: no comparison is needed
                self._lag.saw(branch, HEAD, str(commit["sha"]))
            return str(commit["sha"])
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer names no commit") from exc

    async def _at_ref(self, branch: Branch, paths: Sequence[str]) -> tuple[str, dict[str, FileOrError]] | FailoverError:
        """The head and its files by GraphQL, or its error: then REST has the same."""
        try:
            return await self._query_all(branch, paths, None)
        except RepositoryNotFound:
            raise
        except ForgeFailure as exc:
            return exc

    async def _query_all(
        self, branch: Branch, paths: Sequence[str], oid: str | None
    ) -> tuple[str, dict[str, FileOrError]]:
        """Reads files at a commit, or at the head when `oid` is None; a hundred with each request."""
        files: dict[str, FileOrError] = {}
        if oid is None:
            oid, files = await self._query(branch, paths[:BATCH_FILES], None)
        rest = [path for path in paths if path not in files]
        for _, more in await together(self._query(branch, batch, oid) for batch in batches(rest, BATCH_FILES)):
            files |= more
        return oid, files

    async def _query(self, branch: Branch, paths: Sequence[str], oid: str | None) -> tuple[str, dict[str, FileOrError]]:
        query, variables = queries.files_at(paths, head=oid)
        at = {"ref": f"refs/heads/{branch.name}"} if oid is None else {"head": oid}
        what = f"reading {len(paths)} files of {branch}"
        repository = await self._objects.query(branch, query, variables | at, what=what)
        if oid is None and repository.get("ref") is None:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it")
        try:
            target = repository["ref"]["target"] if oid is None else repository["object"]
            files = await together(
                self.file_of_entry(branch, path, target.get(f"f{i}")) for i, path in enumerate(paths)
            )
            return str(target["oid"]), dict(zip(paths, files, strict=True))
        except (AttributeError, KeyError, TypeError) as exc:  # GraphQL may not know a new commit yet
            raise ForgeError(f"{what}: GitHub's answer has no files") from exc

    async def _rest_all(
        self, branch: Branch, paths: Sequence[str], oid: str, refusal: FailoverError
    ) -> dict[str, FileOrError]:
        """The files by REST. Raises `refusal`, GraphQL's error, when the tree is too large for REST."""
        try:
            nodes = await self._objects.tree(branch, oid, not_before=None)
        except RepositoryTooLarge:
            raise refusal from None
        files, entries = _by_tree(branch, paths, nodes)
        return files | await self._objects.read_by_rest(branch, entries)


def _by_tree(
    branch: Branch, paths: Sequence[str], nodes: Sequence[TreeEntry]
) -> tuple[dict[str, FileOrError], list[Entry]]:
    """Which of the paths are no files, and the regular files among them."""
    known = {node.path: node for node in nodes}
    others: dict[str, FileOrError] = {}
    entries: list[Entry] = []
    for path in paths:
        node = known.get(path)
        if node is None:
            others[path] = FileNotFound(f"no such file on {branch}", file=path)
        elif (problem := refuse_mode(path, node.mode)) is not None:
            others[path] = problem
        else:
            entries.append(Entry(path, node.sha, node.size_bytes))
    return others, entries


def _size(head: Head) -> int:
    return _ENTRY_OVERHEAD_BYTES + sum(_size_of(path, file) for path, file in head.files.items())


def _size_of(path: str, file: FileOrError) -> int:
    return _ENTRY_OVERHEAD_BYTES + len(path) + (len(file.data) if isinstance(file, File) else 0)


def _branch_url(branch: Branch) -> str:
    return f"/repos/{branch.repository}/branches/{quote(branch.name, safe='')}"
