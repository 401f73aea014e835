"""What a pull request is given besides its text: labels, reviewers, and leave to be merged.

https://docs.github.com/en/rest/issues/labels
https://docs.github.com/en/rest/pulls/review-requests
https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
"""

import time
from collections.abc import Sequence

from failover_api.core.catalog import Branch
from failover_api.errors import FileNotFound, GitHubError
from failover_api.forge import queries
from failover_api.forge.client import GitHubClient
from failover_api.forge.port import PullRequest
from failover_api.forge.replies import NothingToWaitFor
from failover_api.forge.repository import about, change

# In the order of preference, by the name of the repository's setting.
_METHODS = {"squash": "allow_squash_merge", "merge": "allow_merge_commit", "rebase": "allow_rebase_merge"}


class Review:
    """Prepares pull requests for those who look at them."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None:
        """As Forge.add_labels()."""
        await self._add(base, f"issues/{number}/labels", {"labels": list(labels)}, f"labelling #{number}")

    async def request_reviewers(self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        """As Forge.request_reviewers()."""
        body = {"reviewers": list(users), "team_reviewers": list(teams)}
        await self._add(base, f"pulls/{number}/requested_reviewers", body, f"requesting reviewers of #{number}")

    async def enable_auto_merge(self, base: Branch, pull: PullRequest, method: str | None) -> bool:
        """As Forge.enable_auto_merge(). Neither is done to a head that is another one by now."""
        method = method or await self._allowed_method(base)
        what = f"enabling auto-merge of {base.repository}#{pull.number}"
        given = {"pullRequestId": pull.node_id, "mergeMethod": method.upper(), "expectedHeadOid": pull.head}
        try:
            await self._client.graphql(
                base.repository, queries.ENABLE_AUTO_MERGE, {"input": given}, what=what, writing=True, pulls=True
            )
        except NothingToWaitFor:
            what = f"merging {base.repository}#{pull.number}"
            body = {"sha": pull.head, "merge_method": method}
            await change(self._client, "PUT", base, f"pulls/{pull.number}/merge", body, what=what, pulls=True)
            return True
        return False

    async def _add(self, base: Branch, below: str, body: object, what: str) -> None:
        """A 404 is not one of the repository here: GitHub means the label, the team or the person."""
        url = f"/repos/{base.repository}/{below}"
        try:
            await self._client.write("POST", base.repository, url, body, what=what, pulls=True)
        except FileNotFound as exc:
            raise GitHubError(exc.detail) from exc

    async def _allowed_method(self, base: Branch) -> str:
        """Who may not see the settings is not told of them: then anything may be tried."""
        described = await about(self._client, base, not_before=time.monotonic())
        for method, setting in _METHODS.items():
            if described.get(setting, True):
                return method
        raise GitHubError(f"{base.repository} allows no way of merging")
