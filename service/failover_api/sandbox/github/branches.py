"""Repositories, branches, commits, comparisons and rules. https://docs.github.com/en/rest/branches"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git import history
from failover_api.sandbox.github import shapes, shapes_git
from failover_api.sandbox.github.answer import Answer, Refused
from failover_api.sandbox.github.call import Call, paged

if TYPE_CHECKING:
    from failover_api.sandbox.git.objects import Commit
    from failover_api.sandbox.hosting.repository import Rule

_COMPARE_LIMIT = 250
_FILES_LIMIT = 300


def get_repository(call: Call) -> Answer:
    return Answer(shapes.repository(call.repo, call, full=True))


def get_branches(call: Call) -> Answer:
    items, links = paged(call, sorted(call.repo.branches().items()))
    return Answer([_short(call, name, sha) for name, sha in items], headers=links)


def get_branch(call: Call) -> Answer:
    name = call.params["branch"]
    sha = call.head(name)
    if sha is None:
        raise Refused(404, "Branch not found", url="https://docs.github.com/rest/branches/branches#get-a-branch")
    url = f"{call.url}/branches/{name}"
    short = _short(call, name, sha)
    short["commit"] = shapes_git.commit(call.repo.bare.commit(sha), call)
    return Answer({**short, "_links": {"self": url, "html": f"{call.html_url}/tree/{name}"}})


def get_protection(call: Call) -> Answer:
    """Classic protection only: rulesets do not show here."""
    url = "https://docs.github.com/rest/branches/branch-protection#get-branch-protection"
    name = call.params["branch"]
    if call.repo.bare.head(name) is None:
        raise Refused(404, "Branch not found", url=url)
    rule = call.repo.rule(name)
    if rule is None or rule.kind != "classic":
        raise Refused(404, "Branch not protected", url=url)
    return Answer(_protection(call, name, rule))


def get_rules(call: Call) -> Answer:
    """Rulesets only: classic protection does not show here."""
    rule = call.repo.rule(call.params["branch"])
    if rule is None or rule.kind != "ruleset":
        return Answer([])
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repo.full_name, "ruleset_id": 1}
    reviews = {
        "required_approving_review_count": rule.approvals,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
        "allowed_merge_methods": ["merge", "squash", "rebase"],
    }
    rules: list[dict[str, Any]] = [{"type": "pull_request", "parameters": reviews, **source}]
    if rule.queue:
        rules.append({"type": "merge_queue", "parameters": {"merge_method": "SQUASH"}, **source})
    if rule.checks:
        checks = [{"context": check} for check in rule.checks]
        parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": False}
        rules.append({"type": "required_status_checks", "parameters": parameters, **source})
    return Answer(rules)


def get_commits(call: Call) -> Answer:
    start = call.resolve(call.query.get("sha"))
    if start is None:
        raise Refused(404, "Not Found", url="https://docs.github.com/rest/commits/commits#list-commits")
    enough = call.number("per_page", 30) * call.number("page", 1, 1_000_000) + 1
    commits = list(itertools.islice(_selected(call, start), enough))
    items, links = paged(call, commits, more=len(commits) == enough)
    return Answer([shapes_git.commit(item, call) for item in items], headers=links)


def get_commit(call: Call) -> Answer:
    name = call.params["ref"]
    sha = call.resolve(name)
    if sha is None:
        url = "https://docs.github.com/rest/commits/commits#get-a-commit"
        raise Refused(422, f"No commit found for SHA: {name}", url=url)
    if "application/vnd.github.sha" in call.accept or "v3.sha" in call.accept:
        return Answer(sha.encode(), headers={"Content-Type": "application/vnd.github.sha; charset=utf-8"})
    return Answer(_with_files(call, call.repo.bare.commit(sha)))


def compare(call: Call) -> Answer:
    """Without paging the newest 250 commits; with it from the oldest on, and files on the first page only."""
    base_name, dots, head_name = call.params["basehead"].partition("...")
    base, head = (call.resolve(name.removeprefix(f"{call.repo.owner}:")) for name in (base_name, head_name))
    divergence = history.diverge(call.repo.bare, base, head) if base and head else None
    if not dots or base is None or head is None or divergence is None or divergence.meeting is None:
        raise Refused(404, "Not Found", url="https://docs.github.com/rest/commits/commits#compare-two-commits")
    by_pages = "page" in call.query or "per_page" in call.query
    commits, links = paged(call, divergence.ahead) if by_pages else (divergence.ahead[-_COMPARE_LIMIT:], {})
    trees = call.repo.bare.commit(divergence.meeting).tree, call.repo.bare.commit(head).tree
    first = call.number("page", 1, 1_000_000) == 1
    shape = {
        **_compare_links(call, f"{base_name}...{head_name}"),
        "base_commit": shapes_git.commit(call.repo.bare.commit(base), call),
        "merge_base_commit": shapes_git.commit(call.repo.bare.commit(divergence.meeting), call),
        "status": _status(len(divergence.ahead), len(divergence.behind)),
        "ahead_by": len(divergence.ahead),
        "behind_by": len(divergence.behind),
        "total_commits": len(divergence.ahead),
        "commits": [shapes_git.commit(item, call) for item in commits],
        "files": shapes_git.files(history.diff(call.repo.bare, *trees), call, head, _FILES_LIMIT) if first else [],
    }
    return Answer(shape, headers=links)


def _compare_links(call: Call, basehead: str) -> dict[str, str]:
    html_url = f"{call.html_url}/compare/{basehead}"
    return {
        "url": f"{call.url}/compare/{basehead}",
        "html_url": html_url,
        "permalink_url": html_url,
        "diff_url": f"{html_url}.diff",
        "patch_url": f"{html_url}.patch",
    }


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    if ahead or behind:
        return "ahead" if ahead else "behind"
    return "identical"


def _selected(call: Call, start: str) -> Any:
    since, until = call.query.get("since", ""), call.query.get("until", "9")
    author = call.query.get("author")
    for commit in history.log(call.repo.bare, start, call.query.get("path", "").strip("/")):
        account = shapes_git.account(commit.author, call) or {}
        by = author in (None, commit.author.email, account.get("login"))
        if by and since <= shapes.stamp(commit.committer.time) <= until:
            yield commit


def _with_files(call: Call, commit: Commit) -> dict[str, Any]:
    parent = call.repo.bare.commit(commit.parents[0]).tree if commit.parents else None
    page = call.number("page", 1, 1_000_000)
    changes = history.diff(call.repo.bare, parent, commit.tree)
    files = shapes_git.files(changes, call, commit.sha, page * _FILES_LIMIT)[(page - 1) * _FILES_LIMIT :]
    added, removed = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    stats = {"total": added + removed, "additions": added, "deletions": removed}
    return {**shapes_git.commit(commit, call), "stats": stats, "files": files}


def _short(call: Call, name: str, sha: str) -> dict[str, Any]:
    rule = call.repo.rule(name)
    classic = rule if rule and rule.kind == "classic" else None
    level = "everyone" if classic and classic.checks else "off"
    checks = list(classic.checks) if classic else []
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{call.url}/commits/{sha}"},
        "protected": rule is not None,
        "protection": {
            "enabled": classic is not None,
            "required_status_checks": {
                "enforcement_level": level,
                "contexts": checks,
                "checks": [{"context": check, "app_id": None} for check in checks],
            },
        },
        "protection_url": f"{call.url}/branches/{name}/protection",
    }


def _protection(call: Call, name: str, rule: Rule) -> dict[str, Any]:
    url = f"{call.url}/branches/{name}/protection"
    off = {
        key: {"enabled": False}
        for key in (
            "required_linear_history",
            "allow_force_pushes",
            "allow_deletions",
            "block_creations",
            "required_conversation_resolution",
            "lock_branch",
            "allow_fork_syncing",
        )
    }
    return {
        "url": url,
        "required_status_checks": {
            "url": f"{url}/required_status_checks",
            "strict": False,
            "contexts": list(rule.checks),
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": [{"context": check, "app_id": None} for check in rule.checks],
        },
        "required_pull_request_reviews": {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": False,
            "require_code_owner_reviews": False,
            "require_last_push_approval": False,
            "required_approving_review_count": rule.approvals,
        },
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": True},
        **off,
    }
