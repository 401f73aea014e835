"""Branches of our own: created, read, and moved or deleted by compare-and-swap.

https://docs.github.com/en/rest/git/refs
https://docs.github.com/en/graphql/reference/mutations#updaterefs
"""

import json
import time
from urllib.parse import quote

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    FailoverError,
    FileNotFound,
    ForgeError,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.heads import Heads
from failover_api.forge.github.replies import UnsupportedQuery
from failover_api.forge.github.repository import about, change
from failover_api.forge.values import is_name_conflict

NOWHERE = "0" * 40  # what updateRefs takes for "deleted"


class Branches:
    """Branches, by their heads."""

    def __init__(self, client: GitHubClient, heads: Heads) -> None:
        self._client, self._heads = client, heads

    async def head(self, branch: Branch) -> str | None:
        """As Forge.branch_head()."""
        try:
            return await self._heads.oid(branch, time.monotonic(), is_rewritten=True)
        except RepositoryNotFound:
            await about(self._client, branch, not_before=None)  # raises when it is the repository that is missing
            return None

    async def conflicting(self, branch: Branch) -> dict[str, str]:
        """As Forge.conflicting_branches()."""
        heads = await branches_under(self._client, branch)
        return {name: at for name, at in heads.items() if name == branch.name or is_name_conflict(branch.name, name)}

    async def create(self, branch: Branch, commit: str) -> None:
        """As Forge.create_branch()."""
        self._heads.moving(branch, commit)
        body = {"ref": f"refs/heads/{branch.name}", "sha": commit}
        await change(self._client, "POST", branch, "git/refs", body, what=f"making branch {branch}")

    async def move(self, branch: Branch, before: str, after: str) -> None:
        """As Forge.move_branch().

        An old GitHub Enterprise Server has no updateRefs: there the branch is read and then forced, and what somebody
        pushes within that one round trip would be lost.
        """
        self._heads.moving(branch, after)
        try:
            await self._swap(branch, before, after)
        except UnsupportedQuery:
            await self._force(branch, before, after)
        except WriteUnknown as exc:
            await self._settle(branch, before, after, exc)
        self._heads.moved(branch, before)

    async def delete(self, branch: Branch, at: str) -> None:
        """As Forge.delete_branch(). On an old Enterprise Server with the same risk as move()."""
        if (await about(self._client, branch, not_before=None)).get("delete_branch_on_merge"):
            return
        try:
            await self._swap(branch, at, NOWHERE)
        except UnsupportedQuery:
            now = await self.head(branch)
            if now != at:
                raise _conflict(branch, now, at) from None
            below = f"git/refs/heads/{quote(branch.name)}"
            await change(self._client, "DELETE", branch, below, None, what=f"deleting branch {branch}")
        self._heads.moved(branch, at)

    async def _swap(self, branch: Branch, before: str, after: str) -> None:
        what = f"moving branch {branch}"
        described = await about(self._client, branch, not_before=None)
        update = {"name": f"refs/heads/{branch.name}", "beforeOid": before, "afterOid": after, "force": True}
        variables = {"input": {"repositoryId": described.get("node_id"), "refUpdates": [update]}}
        data = await self._client.graphql(branch.repository, queries.UPDATE_REFS, variables, what=what, writing=True)
        if not data.get("updateRefs"):
            raise WriteUnknown(f"{what}: GitHub's answer does not say that it was")

    async def _force(self, branch: Branch, before: str, after: str) -> None:
        now = await self.head(branch)
        if now != before:
            raise _conflict(branch, now, before)
        below = f"git/refs/heads/{quote(branch.name)}"
        body = {"sha": after, "force": True}
        await change(self._client, "PATCH", branch, below, body, what=f"moving branch {branch}")

    async def _settle(self, branch: Branch, before: str, after: str, lost: WriteUnknown) -> None:
        """Reads the branch after a write without a clear reply. Raises WriteConflict when it is elsewhere.

        Raises `lost` while it is still at `before`: the write may yet be carried out. Also a lost race ends here: when
        `before` does not hold, GitHub only says that something went wrong.
        https://github.com/orgs/community/discussions/213655
        """
        try:
            now = await self.head(branch)
        except FailoverError:
            raise lost from None
        if now == before:
            raise lost
        if now != after:
            raise _conflict(branch, now, before) from lost


async def branches_under(client: GitHubClient, branch: Branch) -> dict[str, str]:
    """{name: head} of the branches whose names begin with the first part of this one's ("failover" of "failover/web").

    https://docs.github.com/en/rest/git/refs#list-matching-references
    """
    top = branch.name.partition("/")[0]
    url = f"/repos/{branch.repository}/git/matching-refs/heads/{quote(top)}"
    what = f"looking for branches {top} of {branch.repository}"
    try:
        heads: dict[str, str] = json.loads(await client.get(branch.repository, url, what=what, digest=_digest_refs))
    except FileNotFound:
        return {}
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ForgeError(f"{what}: GitHub's answer is no list of branches") from exc
    return heads


def _digest_refs(body: bytes) -> bytes:
    refs = {str(ref["ref"]).removeprefix("refs/heads/"): str(ref["object"]["sha"]) for ref in json.loads(body)}
    return json.dumps(refs).encode()


def _conflict(branch: Branch, now: str | None, before: str) -> WriteConflict:
    where = "gone" if now is None else f"at {now[:12]}"
    return WriteConflict(f"branch {branch} is {where}, expected it at {before[:12]}")
