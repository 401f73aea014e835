"""Making commits: on a branch, by compare-and-swap, or detached, for a branch that is moved there later.

    one file        PUT contents                      compare-and-swap on the blob sha
    several         createCommitOnBranch              compare-and-swap on the head
    detached        POST git/trees, git/commits       moving the branch is the compare-and-swap

No author or committer is ever named: then GitHub signs the commits of an App ("Verified").
https://docs.github.com/en/rest/repos/contents
https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
https://docs.github.com/en/rest/git
"""

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from failover_api.concurrency import batches, together
from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import (
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgeFailure,
    RepositoryNotFound,
    WriteUnknown,
)
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.files import Files
from failover_api.forge.github.heads import Heads
from failover_api.forge.github.historical_files import HistoricalFiles
from failover_api.forge.github.objects import BATCH_FILES, Objects
from failover_api.forge.github.repository import change
from failover_api.forge.github.trees import Trees
from failover_api.forge.repository.lag import HEAD, Lag
from failover_api.forge.repository.unconfirmed_writes import UnconfirmedWrites
from failover_api.forge.values import Commit, File, Snapshot, blob_sha

FILE, EXECUTABLE = "100644", "100755"
_EXECUTES = 0o111


class Commits:
    """Makes commits, and updates what is known of the branch by them."""

    def __init__(
        self,
        client: GitHubClient,
        objects: Objects,
        heads: Heads,
        files: Files,
        history: HistoricalFiles,
        trees: Trees,
        lag: Lag,
    ) -> None:
        self._client, self._objects, self._heads = client, objects, heads
        self._files, self._history, self._trees, self._lag = files, history, trees, lag
        self.unconfirmed = UnconfirmedWrites()

    async def on_branch(
        self, snapshot: Snapshot, files: Mapping[str, bytes], message: str, *, send_by: float | None = None
    ) -> Commit:
        """As Forge.commit()."""
        # Noted before it is sent: a read may show the write before its reply comes, or after that is lost.
        for path, data in files.items():
            self._lag.writing(snapshot.branch, path, blob_sha(data))
        try:
            commit, parents = await self._write(snapshot, files, message, send_by)
        except WriteUnknown:
            self.unconfirmed.lost(snapshot)
            raise
        except FailoverError:  # surely not carried out
            for path, data in files.items():
                self._lag.not_written(snapshot.branch, path, blob_sha(data))
            raise
        except BaseException:  # cancelled by the deadline while waiting for the reply: it may still be carried out
            self.unconfirmed.lost(snapshot)
            raise
        self._wrote(snapshot, files, commit, parents)
        return commit

    def landed(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: str) -> None:
        """As Forge.landed()."""
        self.unconfirmed.landed(snapshot)
        for path, data in files.items():
            old = snapshot.files.get(path)
            if isinstance(old, File):
                self._lag.replaced(snapshot.branch, path, old.sha)
            self._lag.wrote(snapshot.branch, path, blob_sha(data))
        self._lag.wrote(snapshot.branch, HEAD, commit)

    def told_of_head(self, branch: Branch, head: str) -> None:
        """As Forge.told_of_head()."""
        self._lag.told_of(branch, HEAD, head)

    def answered_with(self, snapshot: Snapshot) -> None:
        """As Forge.answered_with()."""
        for path, file in snapshot.files.items():
            if isinstance(file, File):
                self._lag.answered_with(snapshot.branch, path, file.sha)
        if snapshot.head is not None:
            self._lag.answered_with(snapshot.branch, HEAD, snapshot.head)

    async def create_detached(self, branch: Branch, parent: str, files: Mapping[str, bytes], message: str) -> Commit:
        """As Forge.make_commit(); `files` are UTF-8.

        No branch has it yet, so it does no harm if it is made twice: after a lost reply the request is repeated.
        """
        tree = await self._tree_of(branch, parent)
        modes = await self._modes(branch, parent, list(files))
        entries = [
            {"path": path, "mode": modes[path], "type": "blob", "content": data.decode()}
            for path, data in files.items()
        ]
        what = f"preparing {len(files)} files for {branch}"
        body: dict[str, object] = {"base_tree": tree, "tree": entries}
        reply = await change(self._client, "POST", branch, "git/trees", body, what=what, repeatable=True)
        try:
            body = {"message": message, "tree": reply.data["sha"], "parents": [parent]}
            reply = await change(self._client, "POST", branch, "git/commits", body, what=what, repeatable=True)
            return _commit(reply.data)
        except (AttributeError, KeyError, TypeError) as exc:
            raise ForgeError(f"{what}: GitHub's answer names no tree or commit") from exc

    async def _write(
        self, snapshot: Snapshot, files: Mapping[str, bytes], message: str, send_by: float | None
    ) -> tuple[Commit, Sequence[str]]:
        """The commit and its parents."""
        if snapshot.head is None:
            ((path, data),) = files.items()
            return await self._put(snapshot.branch, snapshot.file(path), data, message, send_by)
        return await self._create_commit(snapshot.branch, snapshot.head, files, message, send_by), [snapshot.head]

    async def _put(
        self, branch: Branch, old: File, data: bytes, message: str, send_by: float | None
    ) -> tuple[Commit, list[str]]:
        """The commit and its parents."""
        body = {
            "message": message,
            "content": base64.b64encode(data).decode(),
            "sha": old.sha,
            "branch": branch.name,
        }
        url = f"/repos/{branch.repository}/contents/{quote(old.path, safe='')}"
        try:
            what = f"writing {old.path}"
            reply = await self._client.write("PUT", branch.repository, url, body, what=what, send_by=send_by)
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no branch {branch}, or the credentials may not write to it") from exc
        try:
            commit = _commit(reply.data["commit"])
            return commit, list(commit.parents)
        except (AttributeError, KeyError, TypeError) as exc:
            raise WriteUnknown(f"writing {old.path}: GitHub's answer names no commit") from exc

    async def _create_commit(
        self, branch: Branch, head: str, files: Mapping[str, bytes], message: str, send_by: float | None
    ) -> Commit:
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
        data = await self._client.graphql(
            branch.repository, queries.CREATE_COMMIT, variables, what=what, writing=True, send_by=send_by
        )
        try:
            fields = data["createCommitOnBranch"]["commit"]
            return Commit(fields["oid"], fields["url"], bool((fields.get("signature") or {}).get("isValid")))
        except (AttributeError, KeyError, TypeError) as exc:
            raise WriteUnknown(f"{what}: GitHub's answer names no commit") from exc

    def _wrote(self, snapshot: Snapshot, files: Mapping[str, bytes], commit: Commit, parents: Sequence[str]) -> None:
        """Updates the caches from the write's own reply, since a read may lag behind it."""
        now = time.monotonic()
        written = {path: File(path, data, blob_sha(data)) for path, data in files.items()}
        for file in written.values():
            self._files.remember(snapshot.branch, file, validated_at=now)
            old = snapshot.files.get(file.path)
            if isinstance(old, File):
                self._lag.replaced(snapshot.branch, file.path, old.sha)
            self._lag.wrote(snapshot.branch, file.path, file.sha)
        self._heads.wrote(snapshot.branch, commit.sha, parents, written)
        if len(parents) == 1:  # the compare-and-swap has proved which files the parent had
            old_files = {path: old for path in written if isinstance(old := snapshot.files.get(path), File)}
            self._history.wrote(snapshot.branch, parents[0], old_files, commit.sha, written)
        self._trees.wrote(snapshot.branch, commit.sha, parents, list(written))

    async def _tree_of(self, branch: Branch, commit: str) -> str:
        url, what = f"/repos/{branch.repository}/git/commits/{commit}", f"reading commit {commit[:12]}"
        try:
            return str(parse_json(await self._client.get(branch.repository, url, what=what, keep=False))["tree"]["sha"])
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no commit {commit[:12]} in {branch.repository}, or it cannot be seen") from exc
        except (KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer names no tree") from exc

    async def _modes(self, branch: Branch, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """The modes of files at a commit, as a tree entry has them; a new file is not executable."""
        try:
            modes_by_batch = await together(
                self._query_modes(branch, commit, batch) for batch in batches(paths, BATCH_FILES)
            )
            modes = {path: mode for batch in modes_by_batch for path, mode in batch.items()}
        except ForgeFailure:  # REST has the same
            tree = await self._objects.tree(branch, commit, not_before=None, keep=False)
            modes = {entry.path: entry.mode for entry in tree}
        return {path: EXECUTABLE if modes.get(path, 0) & _EXECUTES else FILE for path in paths}

    async def _query_modes(self, branch: Branch, commit: str, paths: Sequence[str]) -> dict[str, int]:
        query, variables = queries.modes_at(paths)
        what = f"reading the modes of {len(paths)} files of {branch}"
        repository = await self._objects.query(branch, query, {**variables, "head": commit}, what=what)
        try:
            entries: list[Any] = [repository["object"][f"f{i}"] for i in range(len(paths))]
            return {path: int(entry["mode"]) for path, entry in zip(paths, entries, strict=True) if entry}
        except (KeyError, TypeError, ValueError) as exc:  # GraphQL may not know a new commit yet
            raise ForgeError(f"{what}: GitHub's answer has no files") from exc


def _commit(fields: Any) -> Commit:
    verified = bool((fields.get("verification") or {}).get("verified"))
    parents = tuple(parent["sha"] for parent in fields.get("parents", ()))
    return Commit(fields["sha"], fields["html_url"], verified, parents)
