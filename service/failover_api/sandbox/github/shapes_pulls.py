"""The JSON of pull requests, labels and comments. https://docs.github.com/en/rest/pulls/pulls"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.sandbox.github import nodes, shapes, shapes_git
from failover_api.sandbox.hosting import merging

if TYPE_CHECKING:
    from failover_api.sandbox.github.call import Call
    from failover_api.sandbox.hosting.repository import Comment, PullRequest


def pull(item: PullRequest, call: Call) -> dict[str, Any]:
    """A pull request as it stands in lists."""
    url, html_url = f"{call.url}/pulls/{item.number}", f"{call.html_url}/pull/{item.number}"
    issue_url = f"{call.url}/issues/{item.number}"
    links = {
        "self": url,
        "html": html_url,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{call.url}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{call.url}/statuses/{item.head_sha}",
    }
    return {
        "url": url,
        "id": 5000 + item.number,
        "node_id": nodes.pull_id(call, item),
        "html_url": html_url,
        "diff_url": f"{html_url}.diff",
        "patch_url": f"{html_url}.patch",
        "issue_url": issue_url,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": item.number,
        "state": item.state,
        "locked": False,
        "active_lock_reason": None,
        "title": item.title,
        "user": shapes.user(item.author, call.base, call.web),
        "body": item.body,
        "labels": [label(name, call) for name in item.labels],
        "milestone": None,
        "created_at": shapes.stamp(item.created_at),
        "updated_at": shapes.stamp(item.updated_at),
        "closed_at": shapes.stamp(item.closed_at) if item.closed_at else None,
        "merged_at": shapes.stamp(item.merged_at) if item.merged_at else None,
        "merge_commit_sha": _merge_commit(item, call),
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [shapes.user(login, call.base, call.web) for login in item.reviewers],
        "requested_teams": [team(slug, call) for slug in item.teams],
        "head": side(item.head, item.head_sha, call),
        "base": side(item.base, item.base_sha, call),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": "CONTRIBUTOR",
        "auto_merge": auto_merge(item, call),
        "draft": item.draft,
    }


def full(item: PullRequest, call: Call) -> dict[str, Any]:
    """As GET /pulls/{number} has it."""
    state = merging.state(call.repo, item)
    files = shapes_git.files(merging.changes(call.repo, item), call, item.head_sha)
    mergeable = None if state == "unknown" else state != "dirty"
    return {
        **pull(item, call),
        "merged": item.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": state,
        "merged_by": shapes.user(item.merged_by, call.base, call.web) if item.merged_by else None,
        "comments": len(item.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(merging.commits(call.repo, item)),
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }


def _merge_commit(item: PullRequest, call: Call) -> str | None:
    """What it was merged as; before that, GitHub's trial of it, which stays when it is closed."""
    if item.is_open:
        return merging.trial(call.repo, item)
    return item.merge_sha or (item.trial and item.trial[2])


def side(branch: str, sha: str, call: Call) -> dict[str, Any]:
    return {
        "label": f"{call.repo.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": shapes.owner(call.repo, call.base, call.web),
        "repo": shapes.repository(call.repo, call),
    }


def auto_merge(item: PullRequest, call: Call) -> dict[str, Any] | None:
    auto = item.auto_merge
    if auto is None:
        return None
    by = shapes.user(auto.by, call.base, call.web)
    words = {"commit_title": auto.title or item.title, "commit_message": auto.message or ""}
    return {"enabled_by": by, "merge_method": auto.method, **words}


def review(login: str, item: PullRequest, call: Call) -> dict[str, Any]:
    return {
        "id": 9000 + 100 * item.number + sum(login.encode()) % 100,
        "user": shapes.user(login, call.base, call.web),
        "body": "",
        "state": "APPROVED",
        "html_url": f"{call.html_url}/pull/{item.number}",
        "submitted_at": shapes.stamp(item.updated_at),
        "commit_id": item.head_sha,
    }


def label(name: str, call: Call) -> dict[str, Any]:
    return {
        "id": 6000 + sum(name.encode()),
        "node_id": shapes.node("LA", name),
        "url": f"{call.url}/labels/{name}",
        "name": name,
        "description": None,
        "color": "ededed",
        "default": False,
        "archived_at": None,
        "archived_by": None,
    }


def team(slug: str, call: Call) -> dict[str, Any]:
    url = f"{call.base}/organizations/1/team/{slug}"
    return {
        "id": 7000 + sum(slug.encode()),
        "node_id": shapes.node("T", slug),
        "name": slug,
        "slug": slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "url": url,
        "html_url": f"{call.web}/orgs/{call.repo.owner}/teams/{slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "permission": "push",
        "parent": None,
        "type": "organization",
        "organization_id": 1,
    }


def comment(item: Comment, number: int, call: Call) -> dict[str, Any]:
    url = f"{call.url}/issues/comments/{item.id}"
    return {
        "id": item.id,
        "node_id": shapes.node("IC", item.id),
        "url": url,
        "html_url": f"{call.html_url}/pull/{number}#issuecomment-{item.id}",
        "issue_url": f"{call.url}/issues/{number}",
        "user": shapes.user(item.author, call.base, call.web),
        "body": item.body,
        "created_at": shapes.stamp(item.at),
        "updated_at": shapes.stamp(item.at),
        "author_association": "CONTRIBUTOR",
    }
