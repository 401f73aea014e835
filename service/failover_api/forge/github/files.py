"""One file of a branch, by the contents API, with a copy that is validated by its ETag.

GET contents does not tell that a path is a symlink (it gives the target's content) nor, by its 404, whether the file or
the branch is missing: both are found out by further requests.

https://docs.github.com/en/rest/repos/contents#get-repository-content
"""

import asyncio
import time
from dataclasses import replace
from urllib.parse import quote

from cachetools import LRUCache

from failover_api.concurrency import both
from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import FailoverError, FileNotFound, ForgeError, ManifestError
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.contents import decode_contents, encode_contents, refuse_kind, refuse_mode
from failover_api.forge.github.heads import Heads
from failover_api.forge.github.objects import FileOrError, Objects
from failover_api.forge.http.conditional import CachedReply
from failover_api.forge.repository.lag import WAITS_S, Lag
from failover_api.forge.values import Entry, File

MODE_WAIT_S = 2.0  # after that a file is returned without knowing its mode
MODES_KEPT = 4096


class Files:
    """Single files, as last seen."""

    def __init__(self, client: GitHubClient, objects: Objects, heads: Heads, lag: Lag) -> None:
        self._client, self._objects, self._heads, self._lag = client, objects, heads, lag
        self._regular: LRUCache[tuple[Branch, str], bool] = LRUCache(MODES_KEPT)

    async def read(self, branch: Branch, path: str, not_before: float | None) -> FileOrError:
        """The file, or what stands in its place. Raises RepositoryNotFound when there is no such branch."""
        copy = self._client.cache.get(_url(branch, path))
        if copy is not None and not_before is None:
            return self._decoded(branch, path, copy.body)
        file, problem = await both(self._ask(branch, path, not_before), self._mode_problem(branch, path))
        if problem is not None and isinstance(file, File):
            return problem
        for wait_s in WAITS_S:
            if not self._lag.was_replaced(branch, path, _version(file)):
                break
            await self._client.sleep(wait_s)  # the replica that answered lags behind our own write
            file = await self._ask(branch, path, time.monotonic())
        # Another content may be newer than ours or older: only a head that contains our commit tells.
        return file if self._lag.is_current(branch, path, _version(file)) else await self._at_head(branch, path)

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        """Keeps a file as GET contents would give it, with the ETag that GitHub makes of a blob sha.

        Should GitHub ever make its ETags otherwise, the next read is a 200 instead of a 304.
        """
        self._regular[branch, file.path] = True
        copy = CachedReply(encode_contents(file), f'W/"{file.sha}"', validated_at)
        self._client.cache.put(_url(branch, file.path), copy)

    async def _at_head(self, branch: Branch, path: str) -> FileOrError:
        """The file at a head that has our last write, whoever changed it since. Raises NotShownYet."""
        started = time.monotonic()
        file = (await self._heads.read(branch, [path], started)).files[path]
        self._lag.saw(branch, path, _version(file))
        if isinstance(file, File):
            self.remember(branch, file, validated_at=started)
        return file

    def copy_of(self, branch: Branch, entry: Entry) -> File | None:
        """The kept copy, when it has the content that the entry names."""
        copy = self._same(branch, entry)
        file = None if copy is None else decode_contents(entry.path, copy.body)
        return file if isinstance(file, File) and file.sha == entry.sha else None

    def confirm(self, branch: Branch, entry: Entry, *, validated_at: float) -> None:
        """As Forge.confirm()."""
        copy = self._same(branch, entry)
        if copy is not None:
            self._regular[branch, entry.path] = True
            self._client.cache.put(_url(branch, entry.path), replace(copy, validated_at=validated_at))

    def _same(self, branch: Branch, entry: Entry) -> CachedReply | None:
        """The copy of a file whose ETag names this content."""
        copy = self._client.cache.get(_url(branch, entry.path))
        is_same = copy is not None and copy.etag in {f'W/"{entry.sha}"', f'"{entry.sha}"'}
        return copy if is_same else None

    async def _ask(self, branch: Branch, path: str, not_before: float | None) -> FileOrError:
        url = _url(branch, path)
        try:
            body = await self._client.get(branch.repository, url, what=f"reading {path}", not_before=not_before)
        except FileNotFound:
            await self._heads.oid(branch, time.monotonic())  # raises when it is the branch that is missing
            return FileNotFound(f"no such file on {branch}", file=path)
        return self._decoded(branch, path, body)

    def _decoded(self, branch: Branch, path: str, body: bytes) -> FileOrError:
        file = decode_contents(path, body)
        if isinstance(file, ForgeError):
            self._client.cache.drop(_url(branch, path))
            raise file
        return file

    async def _mode_problem(self, branch: Branch, path: str) -> ManifestError | None:
        """The error when the path is a symlink, which GET contents hides. Asked once a file, and not waited for long.

        By GraphQL, else by the folder's listing. Without an answer nothing can go wrong: a write to a symlink would
        lose its compare-and-swap.
        """
        if (branch, path) in self._regular:
            return None
        variables = {"ref": f"refs/heads/{branch.name}", "path": path}
        what = f"reading the mode of {path}"
        try:
            async with asyncio.timeout(MODE_WAIT_S):
                try:
                    async with asyncio.timeout(MODE_WAIT_S / 2):
                        repository = await self._objects.query(
                            branch, queries.FILE_MODE, variables, what=what, attempts=1
                        )
                    problem = refuse_mode(path, repository["ref"]["target"]["file"]["mode"])
                except (FailoverError, TimeoutError, KeyError, TypeError):
                    problem = refuse_kind(path, await self._listed_kind(branch, path, what))
        except (FailoverError, TimeoutError, KeyError, TypeError, ValueError):
            return None
        if problem is None:
            self._regular[branch, path] = True
        return problem

    async def _listed_kind(self, branch: Branch, path: str, what: str) -> str:
        """The type that the listing of its folder gives the file. Raises KeyError when it is not listed."""
        listing = parse_json(
            await self._client.get(branch.repository, _url(branch, path.rpartition("/")[0]), what=what, keep=False)
        )
        return str({entry["path"]: entry["type"] for entry in listing}[path])


def _version(file: FileOrError) -> str:
    """The blob sha of a file; "" where there is none."""
    return file.sha if isinstance(file, File) else ""


def _url(branch: Branch, path: str) -> str:
    return f"/repos/{branch.repository}/contents/{quote(path, safe='')}?ref={quote(branch.name, safe='')}"
