"""Pull requests by REST: list, read, create, edit, close.

https://docs.github.com/en/rest/pulls/pulls
"""

import contextlib
import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import FailoverError, FileNotFound, ForgeError, RepositoryNotFound, WriteUnknown
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.replies import is_draft_refused
from failover_api.forge.github.repository import change
from failover_api.forge.http.reply import Reply
from failover_api.forge.values import PullRequest

PAGE = 100
_KEPT = (
    *("number", "html_url", "node_id", "state", "created_at", "merged", "merged_at", "merge_commit_sha"),
    *("title", "body", "draft", "mergeable"),
)

State = Literal["open", "merged", "closed"]


class Pulls:
    """The pull requests of a repository between branches of its own."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._changed_at: dict[str, float] = {}  # by repository: a copy from before does not show our own change

    async def open(self, base: Branch, heads: Collection[str], not_before: float | None) -> list[PullRequest]:
        """As Forge.open_pull_requests(). For one branch GitHub filters; for several, all open ones are listed."""
        if not heads:
            return []
        if not_before is None:
            not_before = self._changed_at.get(base.repository)
        query = {"state": "open", "base": base.name, "sort": "created", "direction": "asc", "per_page": str(PAGE)}
        if len(heads) == 1:
            query["head"] = _head(base, *heads)
        pulls: dict[int, PullRequest] = {}
        page, full = 1, True
        while full:
            listed = await self._list(base, {**query, "page": str(page)}, not_before)
            pulls |= {pull.number: pull for pull in _between(base, heads, listed)}
            page, full = page + 1, len(listed) >= PAGE
        return [pulls[number] for number in sorted(pulls)]

    async def from_branch(
        self, base: Branch, head: str | None, not_before: float | None, *, any_base: bool = False
    ) -> list[PullRequest]:
        """As Forge.pull_requests()."""
        query = {"state": "all", "per_page": str(PAGE)}
        if head is not None:
            query["head"] = _head(base, head)
        if not any_base:
            query["base"] = base.name
        listed = await self._list(base, query, not_before)
        return sorted(
            _between(base, None if head is None else [head], listed, any_base=any_base), key=lambda pull: -pull.number
        )

    async def read(self, base: Branch, number: int) -> PullRequest:
        """As Forge.pull_request()."""
        url = f"/repos/{base.repository}/pulls/{number}"
        what = f"reading pull request {base.repository}#{number}"
        try:
            body = await self._client.get(base.repository, url, what=what, keep=False, pulls=True)
            return _pull_request(_digested(json.loads(body)))
        except FileNotFound as exc:
            raise RepositoryNotFound(f"{exc.detail}: not there, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is no pull request") from exc

    async def create(self, base: Branch, head: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """As Forge.create_pull_request(). When GitHub refuses a draft, it is created as ready."""
        try:
            return await self._create(base, head, title=title, body=body, draft=draft)
        except ForgeError as exc:
            if not (draft and is_draft_refused(exc)):
                raise
            return await self._create(base, head, title=title, body=body, draft=False)

    async def _create(self, base: Branch, head: str, *, title: str, body: str, draft: bool) -> PullRequest:
        what = f"opening a pull request from {head} into {base}"
        given = {"title": title, "body": body, "head": head, "base": base.name, "draft": draft}
        try:
            reply = await change(self._client, "POST", base, "pulls", given, what=what, pulls=True)
        finally:
            self._changed_at[base.repository] = time.monotonic()
        try:
            return _pull_request(_digested(reply.data))
        except (AttributeError, KeyError, TypeError) as exc:
            raise WriteUnknown(f"{what}: GitHub's answer is no pull request") from exc

    async def edit(self, base: Branch, number: int, *, body: str, title: str | None = None) -> None:
        """As Forge.edit_pull_request()."""
        await self._change(base, number, {"body": body} | ({} if title is None else {"title": title}), "editing")

    async def close(self, base: Branch, number: int, *, comment: str) -> bool:
        """As Forge.close_pull_request(). It is closed without the comment when that is refused or its reply lost."""
        what = f"commenting on pull request {base.repository}#{number}"
        with contextlib.suppress(FailoverError):
            below = f"issues/{number}/comments"
            await change(self._client, "POST", base, below, {"body": comment}, what=what, pulls=True)
        reply = await self._change(base, number, {"state": "closed"}, "closing")
        return not (isinstance(reply.data, dict) and (reply.data.get("merged") or reply.data.get("merged_at")))

    async def _change(self, base: Branch, number: int, body: Mapping[str, str], doing: str) -> Reply:
        what = f"{doing} pull request {base.repository}#{number}"
        try:
            return await change(self._client, "PATCH", base, f"pulls/{number}", body, what=what, pulls=True)
        finally:
            self._changed_at[base.repository] = time.monotonic()

    async def _list(self, base: Branch, query: Mapping[str, str], not_before: float | None) -> list[Any]:
        """One page, as far as _pull_request() needs it."""
        url = f"/repos/{base.repository}/pulls?{urlencode(query)}"
        what = f"listing the pull requests of {base.repository}"
        try:
            body = await self._client.get(
                base.repository, url, what=what, not_before=not_before, pulls=True, digest=_digest
            )
            return list(parse_json(body))
        except FileNotFound as exc:
            raise RepositoryNotFound(f"no repository {base.repository}, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is no list of pull requests") from exc


def _head(base: Branch, head: str) -> str:
    return f"{base.owner}:{head}"


def _digest(body: bytes) -> bytes:
    """A pull request is 20 kB as GitHub lists it, most of it two descriptions of the repository."""
    return json.dumps([_digested(item) for item in parse_json(body)]).encode()


def _digested(item: Mapping[str, Any]) -> dict[str, Any]:
    head, base = item["head"], item["base"]
    repository = (head.get("repo") or {}).get("full_name")  # null when the fork is gone
    return {
        **{key: item.get(key) for key in _KEPT},
        "head": {"ref": head["ref"], "sha": head["sha"], "repo": {"full_name": repository}},
        "base": {"ref": base["ref"], "sha": base.get("sha")},
        "labels": _names(item.get("labels"), "name"),
        "reviewers": _names(item.get("requested_reviewers"), "login"),
        "team_reviewers": _names(item.get("requested_teams"), "slug"),
        "auto_merge": item.get("auto_merge") is not None,
    }


def _names(items: Any, key: str) -> list[str]:
    """The names of labels, people or teams, as far as GitHub gives them."""
    return [str(item[key]) for item in items or () if isinstance(item, dict) and item.get(key)]


def _between(
    base: Branch, heads: Collection[str] | None, listed: Sequence[Any], *, any_base: bool = False
) -> list[PullRequest]:
    """Those from one of `heads` into `base`: GitHub ignores filters that it does not understand."""
    return [
        _pull_request(item)
        for item in listed
        if (any_base or item["base"]["ref"] == base.name)
        and (heads is None or item["head"]["ref"] in heads)
        and (item["head"]["repo"]["full_name"] or "").casefold() == base.repository.casefold()
    ]


def _pull_request(item: Mapping[str, Any]) -> PullRequest:
    """From what _digested() left of it."""
    state = _state(item)
    return PullRequest(
        number=item["number"],
        url=item["html_url"],
        branch=item["head"]["ref"],
        state=state,
        head=item["head"]["sha"],
        body=item.get("body") or "",
        node_id=item["node_id"],
        base=item["base"]["ref"],
        base_head=item["base"].get("sha"),
        merge_commit=item.get("merge_commit_sha") if state == "merged" else None,  # else that of a trial merge
        created_at=item.get("created_at") or "",
        title=item.get("title") or "",
        is_draft=bool(item.get("draft")),
        labels=tuple(item["labels"]),
        reviewers=tuple(item["reviewers"]),
        team_reviewers=tuple(item["team_reviewers"]),
        auto_merge=item["auto_merge"],
        has_conflicts=item.get("mergeable") is False,  # null: GitHub has not found out yet; lists do not say
    )


def _state(item: Mapping[str, Any]) -> State:
    if item.get("merged") or item.get("merged_at"):
        return "merged"
    return "open" if item["state"] == "open" else "closed"
