"""GitHub, as the port wants it: REST for one file, GraphQL for several.

    read one file        GET contents, If-None-Match                          blob sha
    read several         GET branch, If-None-Match; GraphQL when it moved     all at one head
    write one file       PUT contents                                         compare-and-swap on the blob sha
    write several        createCommitOnBranch                                 compare-and-swap on the head

No author or committer is ever named: then GitHub signs the commit of an App.
https://docs.github.com/en/rest/repos/contents
https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cachetools import TTLCache

from failover_api.core.catalog import Branch
from failover_api.errors import (
    FailoverError,
    FileNotFound,
    GitHubError,
    GitHubUnavailable,
    ManifestError,
    RepositoryNotFound,
    RepositoryTooLarge,
    WriteUnknown,
)
from failover_api.forge import queries
from failover_api.forge.checks import check_branch
from failover_api.forge.client import GitHubClient
from failover_api.forge.conditional import Copy
from failover_api.forge.contents import decode_blob, decode_contents, encode_contents, refuse_mode
from failover_api.forge.port import Check, Commit, Entry, File, Snapshot, blob_sha

BATCH_FILES = 100  # what one GraphQL query reads
BATCH_BYTES = 4 * 1024 * 1024
BATCHES_AT_ONCE = 4
COMMITS_SEARCHED = 30
LAG_S = 10.0  # how long a read may lag behind a write of ours
LAG_WAITS_S = (0.2, 0.6)

_Found = File | ManifestError


@dataclass(frozen=True, slots=True)
class _Head:
    """Files of a branch, all at commit `oid`."""

    oid: str
    files: Mapping[str, _Found]
    validated_at: float

    def has(self, paths: Sequence[str]) -> bool:
        return all(path in self.files for path in paths)


class GitHub:
    """The Forge of GitHub."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._heads: dict[Branch, _Head] = {}
        self._regular: set[tuple[Branch, str]] = set()
        # What our own last writes replaced: a read that still shows it lags behind.
        self._replaced: TTLCache[tuple[Branch, str], str] = TTLCache(4096, LAG_S, timer=time.monotonic)
        self._batches = asyncio.Semaphore(BATCHES_AT_ONCE)

    # Reading

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        if len(paths) == 1 and not at_head:
            return Snapshot(branch, {paths[0]: await self._read_file(branch, paths[0], not_before)})
        head = await self._read_at_head(branch, paths, not_before)
        return Snapshot(branch, {path: head.files[path] for path in paths}, head.oid)

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        """Keeps a file as GET contents would give it, with the ETag that GitHub gives to a blob.

        Should GitHub ever name ETags otherwise, the next read is a 200 instead of a 304.
        """
        self._regular.add((branch, file.path))
        etag = f'W/"{file.sha}"'
        self._client.cache.put(_contents_url(branch, file.path), Copy(encode_contents(file), etag, validated_at))

    async def _read_file(self, branch: Branch, path: str, not_before: float | None) -> _Found:
        url = _contents_url(branch, path)
        copy = self._client.cache.get(url)
        if copy is not None and not_before is None:
            return self._decoded(url, path, copy.body)
        checked = (branch, path) in self._regular
        found, problem = await asyncio.gather(
            self._ask_for_file(branch, path, not_before), _nothing() if checked else self._odd_mode(branch, path)
        )
        if problem is not None and isinstance(found, File):
            return problem
        for wait_s in LAG_WAITS_S:
            if not isinstance(found, File) or self._replaced.get((branch, path)) != found.sha:
                break
            await asyncio.sleep(wait_s)
            found = await self._ask_for_file(branch, path, time.monotonic())
        return found

    async def _ask_for_file(self, branch: Branch, path: str, not_before: float | None) -> _Found:
        url = _contents_url(branch, path)
        try:
            body = await self._client.get(branch.repository, url, what=f"reading {path}", not_before=not_before)
        except FileNotFound:
            await self._head_oid(branch, time.monotonic())  # raises when it is the branch that is missing
            return FileNotFound(f"no such file on {branch}", file=path)
        return self._decoded(url, path, body)

    def _decoded(self, url: str, path: str, body: bytes) -> _Found:
        found = decode_contents(path, body)
        if isinstance(found, GitHubError):
            self._client.cache.drop(url)
            raise found
        return found

    async def _odd_mode(self, branch: Branch, path: str) -> ManifestError | None:
        """What GET contents hides: a symlink reads like the file it leads to.

        An answer is not needed: a write to a symlink would lose its compare-and-swap.
        """
        owner, _, name = branch.repository.partition("/")
        variables = {"owner": owner, "name": name, "ref": f"refs/heads/{branch.name}", "path": path}
        try:
            data = await self._client.graphql(
                branch.repository, queries.FILE_MODE, variables, what=f"reading the mode of {path}"
            )
            mode = data["repository"]["ref"]["target"]["file"]["mode"]
        except (FailoverError, KeyError, TypeError):
            return None
        problem = refuse_mode(path, mode)
        if problem is None:
            self._regular.add((branch, path))
        return problem

    async def _read_at_head(self, branch: Branch, paths: Sequence[str], not_before: float | None) -> _Head:
        known = self._heads.get(branch)
        if known is not None and known.has(paths) and (not_before is None or known.validated_at >= not_before):
            return known
        started = time.monotonic()
        oid = await self._head_oid(branch, not_before) if known is not None else None
        if known is not None and known.oid == oid:
            missing = [path for path in paths if path not in known.files]
            found = await self._files_at(branch, missing, oid) if missing else known
            head = _Head(known.oid, {**known.files, **found.files}, started)
        else:
            head = await self._files_at(branch, paths, oid)
        self._heads[branch] = head
        return head

    async def _head_oid(self, branch: Branch, not_before: float | None) -> str:
        url = f"/repos/{branch.repository}/branches/{quote(branch.name, safe='')}"
        for wait_s in (*LAG_WAITS_S, 0.0):
            try:
                body = await self._client.get(
                    branch.repository, url, what=f"reading branch {branch}", not_before=not_before
                )
                oid = str(json.loads(body)["commit"]["sha"])
            except FileNotFound as exc:
                raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it") from exc
            except (KeyError, TypeError) as exc:
                raise GitHubError(f"reading branch {branch}: GitHub's answer names no commit") from exc
            if self._replaced.get((branch, "")) != oid or not wait_s:
                return oid
            await asyncio.sleep(wait_s)
            not_before = time.monotonic()
        raise AssertionError("unreachable")

    async def _files_at(self, branch: Branch, paths: Sequence[str], oid: str | None) -> _Head:
        """Reads files at one commit (the head when `oid` is None), a hundred for each request."""
        started = time.monotonic()
        try:
            if oid is None:
                oid, files = await self._query_files(branch, paths[:BATCH_FILES], None)
            else:
                files = {}
            rest = [path for path in paths if path not in files]
            for batch in _chunks(rest):
                files |= (await self._query_files(branch, batch, oid))[1]
        except (GitHubError, GitHubUnavailable):  # GraphQL refused or down: REST has the same, file by file
            oid = oid or await self._head_oid(branch, started)
            files = {path: await self._ask_for_file(Branch(branch.repository, oid), path, None) for path in paths}
        return _Head(oid, files, started)

    async def _query_files(
        self, branch: Branch, paths: Sequence[str], oid: str | None
    ) -> tuple[str, dict[str, _Found]]:
        query, variables = queries.files_at(paths, head=oid)
        at = {"ref": f"refs/heads/{branch.name}"} if oid is None else {"head": oid}
        repository = await self._query(branch, query, variables | at, what=f"reading {len(paths)} files of {branch}")
        target = ((repository.get("ref") or {}).get("target")) if oid is None else repository.get("object")
        if target is None:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it")
        files = {path: await self._found(branch, path, target.get(f"f{i}")) for i, path in enumerate(paths)}
        return str(target["oid"]), files

    async def _query(self, branch: Branch, query: str, variables: Mapping[str, str], *, what: str) -> Any:
        owner, _, name = branch.repository.partition("/")
        variables = {"owner": owner, "name": name, **variables}
        data = await self._client.graphql(branch.repository, query, variables, what=what)
        repository = data.get("repository")
        if not isinstance(repository, dict):
            raise RepositoryNotFound(f"no repository {branch.repository}, or the credentials cannot see it")
        return repository

    async def _found(self, branch: Branch, path: str, entry: Any) -> _Found:
        if entry is None:
            return FileNotFound(f"no such file on {branch}", file=path)
        problem = refuse_mode(path, entry["mode"])
        return problem or await self._blob(branch, path, entry["object"])

    async def _blob(self, branch: Branch, path: str, blob: Any) -> _Found:
        """A blob of a GraphQL answer, or of REST when its text is not the blob, byte for byte."""
        found = decode_blob(path, blob)
        if found is not None:
            return found
        url = f"/repos/{branch.repository}/git/blobs/{blob['oid']}"
        body = await self._client.get(branch.repository, url, what=f"reading {path}")
        self._client.cache.drop(url)  # asked for once; the file is kept elsewhere
        return self._decoded(url, path, body)

    # Searching

    async def list_files(self, branch: Branch, *, not_before: float | None) -> Sequence[Entry]:
        url = f"/repos/{branch.repository}/git/trees/{quote(branch.name, safe='')}?recursive=1"
        what = f"reading the tree of {branch}"
        try:
            tree = json.loads(await self._client.get(branch.repository, url, what=what, not_before=not_before))
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it") from exc
        if tree.get("truncated"):
            raise RepositoryTooLarge(
                f"{branch.repository} has too many files for GitHub to list; name the manifest's `path` in the catalog"
            )
        return [
            Entry(entry["path"], entry["sha"], entry.get("size", 0))
            for entry in tree["tree"]
            if entry["type"] == "blob" and entry["mode"] != "120000"
        ]

    async def read_blobs(self, branch: Branch, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        batches = await asyncio.gather(*(self._read_batch(branch, batch) for batch in _batches(entries)))
        return {path: data for batch in batches for path, data in batch.items()}

    async def _read_batch(self, branch: Branch, entries: Sequence[Entry]) -> dict[str, bytes]:
        async with self._batches:
            try:
                query, variables = queries.blobs([entry.sha for entry in entries])
                answer = await self._query(branch, query, variables, what=f"reading {len(entries)} files of {branch}")
                blobs = [answer.get(f"f{i}") or {"oid": entry.sha} for i, entry in enumerate(entries)]
            except (GitHubError, GitHubUnavailable):
                blobs = [{"oid": entry.sha} for entry in entries]
            found = [await self._blob(branch, e.path, blob) for e, blob in zip(entries, blobs, strict=True)]
        return {file.path: file.data for file in found if isinstance(file, File)}

    # Writing

    async def commit(self, snapshot: Snapshot, files: Mapping[str, bytes], message: str) -> Commit:
        if snapshot.head is None:
            ((path, data),) = files.items()
            return await self._put(snapshot.branch, snapshot.file(path), data, message)
        return await self._create_commit(snapshot.branch, snapshot.head, files, message)

    async def _put(self, branch: Branch, old: File, data: bytes, message: str) -> Commit:
        body = {
            "message": message,
            "content": base64.b64encode(data).decode(),
            "sha": old.sha,
            "branch": branch.name,
        }
        url = f"/repos/{branch.repository}/contents/{quote(old.path, safe='')}"
        self._replaced.pop((branch, old.path), None)  # should the reply get lost, any content may be the newest
        try:
            reply = await self._client.write("PUT", branch.repository, url, body, what=f"writing {old.path}")
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials may not write to it") from exc
        try:
            made = reply.data["commit"]
            commit = Commit(made["sha"], made["html_url"], bool((made.get("verification") or {}).get("verified")))
            parents = [parent["sha"] for parent in made.get("parents", ())]
        except (KeyError, TypeError) as exc:
            raise WriteUnknown(f"writing {old.path}: GitHub's answer names no commit") from exc
        self._wrote(branch, {old.path: data}, commit.sha, parents, replaced={old.path: old.sha})
        return commit

    async def _create_commit(self, branch: Branch, head: str, files: Mapping[str, bytes], message: str) -> Commit:
        headline, _, body = message.partition("\n\n")
        additions = [{"path": path, "contents": base64.b64encode(data).decode()} for path, data in files.items()]
        variables = {
            "input": {
                "branch": {"repositoryNameWithOwner": branch.repository, "branchName": branch.name},
                "expectedHeadOid": head,
                "fileChanges": {"additions": additions},
                "message": {"headline": headline, "body": body},
            }
        }
        what = f"writing {len(files)} files to {branch}"
        self._replaced.pop((branch, ""), None)
        data = await self._client.graphql(branch.repository, queries.CREATE_COMMIT, variables, what=what, writing=True)
        try:
            made = data["createCommitOnBranch"]["commit"]
            commit = Commit(made["oid"], made["url"], bool((made.get("signature") or {}).get("isValid")))
        except (KeyError, TypeError) as exc:
            raise WriteUnknown(f"{what}: GitHub's answer names no commit") from exc
        self._wrote(branch, files, commit.sha, [head], replaced={"": head})
        return commit

    def _wrote(
        self,
        branch: Branch,
        files: Mapping[str, bytes],
        commit: str,
        parents: Sequence[str],
        *,
        replaced: Mapping[str, str],
    ) -> None:
        """Brings the caches to what the branch holds now, by the write's own reply: reads may lag behind it."""
        now = time.monotonic()
        written = {path: File(path, data, blob_sha(data)) for path, data in files.items()}
        for file in written.values():
            self.remember(branch, file, validated_at=now)
        for path, sha in replaced.items():
            self._replaced[branch, path] = sha
        known = self._heads.get(branch)
        if known is not None and known.oid in parents:
            self._heads[branch] = _Head(commit, {**known.files, **written}, now)

    async def find_commit(self, branch: Branch, operation: str, path: str) -> Commit | None:
        url = (
            f"/repos/{branch.repository}/commits?sha={quote(branch.name, safe='')}"
            f"&path={quote(path, safe='')}&per_page={COMMITS_SEARCHED}"
        )
        commits = json.loads(await self._client.get(branch.repository, url, what=f"reading the history of {path}"))
        for entry in commits:
            if f"Failover-Operation: {operation}" in entry["commit"]["message"]:
                verified = bool((entry["commit"].get("verification") or {}).get("verified"))
                return Commit(entry["sha"], entry["html_url"], verified)
        return None

    async def check(self, branch: Branch) -> Sequence[Check]:
        return await check_branch(self._client, branch)


def _contents_url(branch: Branch, path: str) -> str:
    return f"/repos/{branch.repository}/contents/{quote(path, safe='')}?ref={quote(branch.name, safe='')}"


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), BATCH_FILES):
        yield paths[start : start + BATCH_FILES]


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """At most BATCH_FILES and about BATCH_BYTES each."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == BATCH_FILES or size + entry.size_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size_bytes
    if batch:
        yield batch


async def _nothing() -> None:
    return None
