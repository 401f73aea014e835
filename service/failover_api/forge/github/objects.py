"""Git objects by their shas: trees and blobs.

One GraphQL query reads a hundred blobs; what GraphQL cannot give byte for byte, or not at all, is read by REST.

https://docs.github.com/en/rest/git/trees
https://docs.github.com/en/graphql/reference/objects#blob
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from failover_api.concurrency import batches, together
from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import (
    FileNotFound,
    ForgeError,
    ForgeFailure,
    ManifestError,
    RepositoryNotFound,
    RepositoryTooLarge,
)
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.contents import decode_blob, decode_contents
from failover_api.forge.values import Entry, File

BATCH_FILES = 100  # what one GraphQL query reads
BATCH_BYTES = 4 * 1024 * 1024
REQUESTS_AT_ONCE = 6
GRAPHQL_ATTEMPTS = 2  # REST has the same
_KIND, _FOLDER = 0o170000, 0o040000

FileOrError = File | ManifestError


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a Git tree: a file, a symlink or a submodule. `mode` is Git's."""

    path: str
    mode: int
    sha: str
    size_bytes: int


class Objects:
    """Reads trees and blobs of any repository the credentials can see."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def query(
        self, branch: Branch, query: str, variables: Mapping[str, str], *, what: str, attempts: int = GRAPHQL_ATTEMPTS
    ) -> Any:
        """The `repository` of a GraphQL answer."""
        owner, _, name = branch.repository.partition("/")
        variables = {"owner": owner, "name": name, **variables}
        async with self._slots:
            data = await self._client.graphql(branch.repository, query, variables, what=what, attempts=attempts)
        repository = data.get("repository")
        if not isinstance(repository, dict):
            raise RepositoryNotFound(f"no repository {branch.repository}, or the credentials cannot see it")
        return repository

    async def tree(self, branch: Branch, ref: str, *, not_before: float | None, keep: bool = True) -> list[TreeEntry]:
        """All entries below the root of `ref`, the branch or a commit. Raises RepositoryTooLarge.

        They may be megabytes: `keep` them only when they will be needed again.
        """
        return _tree_entries(await self._tree(branch, ref, not_before=not_before, keep=keep))

    async def listing(
        self, branch: Branch, *, not_before: float | None
    ) -> tuple[bytes, str, Callable[[], list[TreeEntry]]]:
        """The branch's tree as (body, commit, parser of the entries). While unchanged, `body` is the same object."""
        body = await self._tree(branch, branch.name, not_before=not_before, keep=True)
        return body, body[: body.index(b"\n")].decode(), partial(_tree_entries, body)

    async def _tree(self, branch: Branch, ref: str, *, not_before: float | None, keep: bool) -> bytes:
        url = f"/repos/{branch.repository}/git/trees/{quote(ref, safe='')}?recursive=1"
        what = f"reading the tree of {branch}"
        try:
            body = await self._client.get(
                branch.repository, url, what=what, not_before=not_before, keep=keep, digest=_digest_tree
            )
        except FileNotFound as exc:
            place = f"branch {branch}" if ref == branch.name else f"commit {ref[:12]} in {branch.repository}"
            raise RepositoryNotFound(f"no {place}, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is not a tree") from exc
        if not body:
            raise RepositoryTooLarge(
                f"{branch.repository} has too many files for GitHub to list; name the manifest's `path` in the catalog"
            )
        return body

    async def read(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> dict[str, FileOrError]:
        """The files of a tree's entries, by path; those of `spare` too where they cost no further request."""
        wanted = {entry.path for entry in entries}
        parts = batches(
            [*entries, *spare], BATCH_FILES, size_bytes=lambda entry: entry.size_bytes, max_bytes=BATCH_BYTES
        )
        files_by_batch = await together(
            self._read_batch(branch, batch, wanted)
            for batch in parts
            if wanted.intersection(entry.path for entry in batch)
        )
        return {path: file for files in files_by_batch for path, file in files.items()}

    async def read_by_rest(self, branch: Branch, entries: Sequence[Entry]) -> dict[str, FileOrError]:
        """As read(), with a REST request for each file."""
        files = await together(self._get(branch, entry.path, entry.sha) for entry in entries)
        return {entry.path: file for entry, file in zip(entries, files, strict=True)}

    async def complete_blob(self, branch: Branch, path: str, sha: str, blob: Mapping[str, Any]) -> FileOrError:
        """The file of a blob in a GraphQL answer; read by REST when its text is not the blob byte for byte."""
        file = decode_blob(path, sha, blob)
        return file if file is not None else await self._get(branch, path, sha)

    async def _read_batch(self, branch: Branch, entries: Sequence[Entry], wanted: set[str]) -> dict[str, FileOrError]:
        query, variables = queries.blobs([entry.sha for entry in entries])
        try:
            answer = await self.query(branch, query, variables, what=f"reading {len(entries)} files of {branch}")
        except RepositoryNotFound:
            raise
        except ForgeFailure:  # GraphQL refused or down
            return await self.read_by_rest(branch, [entry for entry in entries if entry.path in wanted])
        decoded = {
            entry.path: decode_blob(entry.path, entry.sha, answer.get(f"f{i}") or {}) for i, entry in enumerate(entries)
        }
        files = {path: file for path, file in decoded.items() if file is not None}
        missing = [entry for entry in entries if entry.path in wanted and entry.path not in files]
        return files | await self.read_by_rest(branch, missing)

    async def _get(self, branch: Branch, path: str, sha: str) -> FileOrError:
        url = f"/repos/{branch.repository}/git/blobs/{sha}"
        try:
            async with self._slots:
                body = await self._client.get(branch.repository, url, what=f"reading {path}", keep=False)
        except FileNotFound:
            return FileNotFound(f"no such file on {branch}", file=path)
        file = decode_contents(path, body)
        if isinstance(file, ForgeError):
            raise file
        return file


def _digest_tree(body: bytes) -> bytes:
    """What is needed of a tree, in a third of the bytes: the commit, then a line for each entry; b"" for a cut tree."""
    tree = parse_json(body)
    if tree["truncated"]:
        return b""
    lines = [str(tree.get("sha", ""))]
    for node in tree["tree"]:
        mode = int(node["mode"], 8)
        if mode & _KIND != _FOLDER:
            lines.append(json.dumps([node["path"], mode, node["sha"], node.get("size", 0)], ensure_ascii=False))
    return "\n".join(lines).encode(errors="surrogatepass") + b"\n"


def _tree_entries(body: bytes) -> list[TreeEntry]:
    return [TreeEntry(*json.loads(line)) for line in body.decode(errors="surrogatepass").split("\n")[1:-1]]
