"""Labels, reviewers, auto-merge and the merge queue of a pull request.

https://docs.github.com/en/rest/issues/labels
https://docs.github.com/en/rest/pulls/review-requests
https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
https://docs.github.com/en/graphql/reference/mutations#enqueuepullrequest
"""

import json
import time
from collections.abc import Sequence
from urllib.parse import quote

from failover_api.core.catalog.model import Branch
from failover_api.errors import FileNotFound, ForgeError
from failover_api.forge.github import queries
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.replies import AlreadyMergeable, MergeQueueRequired
from failover_api.forge.github.repository import about, change
from failover_api.forge.values import PullRequest

# In the order of preference, by the name of the repository's setting.
_METHODS = {"squash": "allow_squash_merge", "merge": "allow_merge_commit", "rebase": "allow_rebase_merge"}


class Review:
    """Prepares pull requests for review and merge."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def add_labels(self, base: Branch, number: int, labels: Sequence[str]) -> None:
        """As Forge.add_labels()."""
        await self._add(base, f"issues/{number}/labels", {"labels": list(labels)}, f"labelling #{number}")

    async def request_reviewers(self, base: Branch, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        """As Forge.request_reviewers()."""
        body = {"reviewers": list(users), "team_reviewers": list(teams)}
        await self._add(base, f"pulls/{number}/requested_reviewers", body, f"requesting reviewers of #{number}")

    async def enable_auto_merge(
        self, base: Branch, pull: PullRequest, method: str | None, *, message: str = ""
    ) -> bool:
        """As Forge.enable_auto_merge(). GitHub refuses it when the head is another one by now."""
        method = method or await self._allowed_method(base)
        message = message if method == "squash" else ""
        try:
            try:
                await self._merge_when_ready(base, pull, method, message)
            except AlreadyMergeable:
                await self._merge(base, pull, method, message)
                return True
        except MergeQueueRequired:
            await self._into_the_queue(base, pull)
        return False

    async def enqueue(self, base: Branch, pull: PullRequest) -> bool:
        """As Forge.enqueue(). A merge queue of classic branch protection is not among the rules: then this is False.

        https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch
        """
        url = f"/repos/{base.repository}/rules/branches/{quote(base.name, safe='')}"
        what = f"reading the rules of {base}"
        try:
            rules = json.loads(await self._client.get(base.repository, url, what=what, keep=False))
            if not any(rule.get("type") == "merge_queue" for rule in rules):
                return False
        except FileNotFound:  # an old GitHub Enterprise Server has none
            return False
        except (AttributeError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is no list of rules") from exc
        await self._into_the_queue(base, pull)
        return True

    async def reviewed_by(self, base: Branch, number: int) -> list[str]:
        """As Forge.reviewed_by(). https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request"""
        url = f"/repos/{base.repository}/pulls/{number}/reviews?per_page=100"
        what = f"reading the reviews of {base.repository}#{number}"
        try:
            reviews = json.loads(await self._client.get(base.repository, url, what=what, keep=False, pulls=True))
            return [str(review["user"]["login"]) for review in reviews if review.get("user")]
        except FileNotFound as exc:
            raise ForgeError(exc.detail) from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is no list of reviews") from exc

    async def _merge_when_ready(self, base: Branch, pull: PullRequest, method: str | None, message: str = "") -> None:
        what = f"enabling auto-merge of {base.repository}#{pull.number}"
        named = {} if method is None else {"mergeMethod": method.upper()}
        said = {"commitBody": message} if message else {}
        given = {"pullRequestId": pull.node_id, **named, **said, "expectedHeadOid": pull.head}
        await self._mutate(base, queries.ENABLE_AUTO_MERGE, given, what)

    async def _merge(self, base: Branch, pull: PullRequest, method: str, message: str) -> None:
        what = f"merging {base.repository}#{pull.number}"
        body = {"sha": pull.head, "merge_method": method, **({"commit_message": message} if message else {})}
        await change(self._client, "PUT", base, f"pulls/{pull.number}/merge", body, what=what, pulls=True)

    async def _into_the_queue(self, base: Branch, pull: PullRequest) -> None:
        """Puts it into the queue now, or lets GitHub do so when it is ready. The queue has its own merge method."""
        if await self._is_queued(base, pull):
            return
        what = f"putting {base.repository}#{pull.number} into the merge queue"
        given = {"pullRequestId": pull.node_id, "expectedHeadOid": pull.head}
        try:
            await self._mutate(base, queries.ENQUEUE_PULL_REQUEST, given, what)
        except ForgeError as refusal:  # not ready to be queued: auto-merge queues it later
            try:
                await self._merge_when_ready(base, pull, None)
            except ForgeError:
                raise refusal from None

    async def _is_queued(self, base: Branch, pull: PullRequest) -> bool:
        what = f"looking for {base.repository}#{pull.number} in the merge queue"
        names = {"owner": base.owner, "name": base.repository.partition("/")[2], "number": pull.number}
        data = await self._client.graphql(base.repository, queries.IS_QUEUED, names, what=what, pulls=True)
        try:
            return bool(data["repository"]["pullRequest"]["isInMergeQueue"])
        except (KeyError, TypeError) as exc:
            raise ForgeError(f"{what}: GitHub's answer does not say") from exc

    async def _mutate(self, base: Branch, query: str, given: object, what: str) -> None:
        await self._client.graphql(base.repository, query, {"input": given}, what=what, writing=True, pulls=True)

    async def _add(self, base: Branch, below: str, body: object, what: str) -> None:
        """A 404 does not mean the repository here, but the label, the team or the person."""
        url = f"/repos/{base.repository}/{below}"
        try:
            await self._client.write("POST", base.repository, url, body, what=what, pulls=True)
        except FileNotFound as exc:
            raise ForgeError(exc.detail) from exc

    async def _allowed_method(self, base: Branch) -> str:
        """The preferred method that the repository allows. Without access to its settings, all count as allowed."""
        described = await about(self._client, base, not_before=time.monotonic())
        for method, setting in _METHODS.items():
            if described.get(setting, True):
                return method
        raise ForgeError(f"{base.repository} allows no way of merging")
