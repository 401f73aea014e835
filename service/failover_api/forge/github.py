"""GitHub, as the port wants it: REST for one file, GraphQL for several.

    read one file        GET contents, If-None-Match                          blob sha            files.py
    read several         GET branch, If-None-Match; GraphQL when it moved     all at one head     heads.py
    write one file       PUT contents                                         compare-and-swap on the blob sha
    write several        createCommitOnBranch                                 compare-and-swap on the head

No author or committer is ever named: then GitHub signs the commit of an App.
https://docs.github.com/en/rest/repos/contents
https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
"""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from failover_api.core.catalog import Branch
from failover_api.errors import FileNotFound, GitHubError, RepositoryNotFound, WriteUnknown
from failover_api.forge import queries
from failover_api.forge.checks import check_branch
from failover_api.forge.client import GitHubClient
from failover_api.forge.files import Files
from failover_api.forge.heads import Heads
from failover_api.forge.lag import Lag
from failover_api.forge.objects import Objects
from failover_api.forge.port import Check, Commit, Entry, File, Snapshot, blob_sha

COMMITS_SEARCHED = 30
_REGULAR = {0o100644, 0o100755, 0o100664}


class GitHub:
    """The Forge of GitHub."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._lag = Lag()
        self._objects = Objects(client)
        self._heads = Heads(client, self._objects, self._lag)
        self._files = Files(client, self._objects, self._heads, self._lag)

    # Reading

    async def read(
        self, branch: Branch, paths: Sequence[str], *, not_before: float | None, at_head: bool = False
    ) -> Snapshot:
        if len(paths) == 1 and not at_head:
            return Snapshot(branch, {paths[0]: await self._files.read(branch, paths[0], not_before)})
        head = await self._heads.read(branch, paths, not_before)
        return Snapshot(branch, {path: head.files[path] for path in paths}, head.oid)

    def remember(self, branch: Branch, file: File, *, validated_at: float) -> None:
        self._files.remember(branch, file, validated_at=validated_at)

    async def list_files(self, branch: Branch, *, not_before: float | None) -> Sequence[Entry]:
        tree = await self._objects.tree(branch, branch.name, not_before=not_before)
        return [Entry(node.path, node.sha, node.size_bytes) for node in tree if node.mode in _REGULAR]

    async def read_blobs(
        self, branch: Branch, entries: Sequence[Entry], spare: Sequence[Entry] = ()
    ) -> Mapping[str, bytes]:
        found = await self._objects.read(branch, entries, spare)
        return {path: file.data for path, file in found.items() if isinstance(file, File)}

    # Writing

    async def commit(self, snapshot: Snapshot, files: Mapping[str, bytes], message: str) -> Commit:
        for path, data in files.items():
            self._lag.writing(snapshot.branch, path, blob_sha(data))
        if snapshot.head is None:
            ((path, data),) = files.items()
            commit, parents = await self._put(snapshot.branch, snapshot.file(path), data, message)
        else:
            commit = await self._create_commit(snapshot.branch, snapshot.head, files, message)
            parents = [snapshot.head]
        self._wrote(snapshot, files, commit, parents)
        return commit

    async def _put(self, branch: Branch, old: File, data: bytes, message: str) -> tuple[Commit, list[str]]:
        """Gives the commit and its parents."""
        body = {
            "message": message,
            "content": base64.b64encode(data).decode(),
            "sha": old.sha,
            "branch": branch.name,
        }
        url = f"/repos/{branch.repository}/contents/{quote(old.path, safe='')}"
        try:
            reply = await self._client.write("PUT", branch.repository, url, body, what=f"writing {old.path}")
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials may not write to it") from exc
        try:
            made = reply.data["commit"]
            commit = Commit(made["sha"], made["html_url"], bool((made.get("verification") or {}).get("verified")))
            return commit, [parent["sha"] for parent in made.get("parents", ())]
        except (AttributeError, KeyError, TypeError) as exc:
            raise WriteUnknown(f"writing {old.path}: GitHub's answer names no commit") from exc

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
        data = await self._client.graphql(branch.repository, queries.CREATE_COMMIT, variables, what=what, writing=True)
        try:
            made = data["createCommitOnBranch"]["commit"]
            return Commit(made["oid"], made["url"], bool((made.get("signature") or {}).get("isValid")))
        except (AttributeError, KeyError, TypeError) as exc:
            raise WriteUnknown(f"{what}: GitHub's answer names no commit") from exc

    def _wrote(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: Commit, parents: Sequence[str]) -> None:
        """Brings the caches to what the branch holds now, by the write's own reply: reads may lag behind it."""
        now = time.monotonic()
        written = {path: File(path, data, blob_sha(data)) for path, data in files.items()}
        for file in written.values():
            self.remember(snapshot.branch, file, validated_at=now)
            old = snapshot.files.get(file.path)
            if isinstance(old, File) and old.sha != file.sha:
                self._lag.replaced(snapshot.branch, file.path, old.sha)
        self._heads.wrote(snapshot.branch, commit.sha, parents, written)

    async def find_commit(self, branch: Branch, operation: str, path: str) -> Commit | None:
        url = (
            f"/repos/{branch.repository}/commits?sha={quote(branch.name, safe='')}"
            f"&path={quote(path, safe='')}&per_page={COMMITS_SEARCHED}"
        )
        what = f"reading the history of {path}"
        try:
            for entry in json.loads(await self._client.get(branch.repository, url, what=what, keep=False)):
                if f"Failover-Operation: {operation}" in entry["commit"]["message"].splitlines():
                    verified = bool((entry["commit"].get("verification") or {}).get("verified"))
                    return Commit(entry["sha"], entry["html_url"], verified)
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError) as exc:
            raise GitHubError(f"{what}: GitHub's answer is no list of commits") from exc
        return None

    async def check(self, branch: Branch) -> Sequence[Check]:
        return await check_branch(self._client, branch)
