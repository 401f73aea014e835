"""The JSON of GitHub's REST API: accounts, the App, repositories. https://docs.github.com/en/rest"""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.github.identity import INSTALLATION_ID

if TYPE_CHECKING:
    from failover_api.sandbox.github.call import Call
    from failover_api.sandbox.github.identity import Minted
    from failover_api.sandbox.hosting.repository import Repository

ROOT = {
    "current_user_url": "/user",
    "current_user_authorizations_html_url": "/settings/connections/applications{/client_id}",
    "authorizations_url": "/authorizations",
    "code_search_url": "/search/code?q={query}{&page,per_page,sort,order}",
    "commit_search_url": "/search/commits?q={query}{&page,per_page,sort,order}",
    "emails_url": "/user/emails",
    "emojis_url": "/emojis",
    "events_url": "/events",
    "feeds_url": "/feeds",
    "followers_url": "/user/followers",
    "following_url": "/user/following{/target}",
    "gists_url": "/gists{/gist_id}",
    "issue_search_url": "/search/issues?q={query}{&page,per_page,sort,order}",
    "issues_url": "/issues",
    "keys_url": "/user/keys",
    "label_search_url": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications_url": "/notifications",
    "organization_url": "/orgs/{org}",
    "organization_repositories_url": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams_url": "/orgs/{org}/teams",
    "public_gists_url": "/gists/public",
    "rate_limit_url": "/rate_limit",
    "repository_url": "/repos/{owner}/{repo}",
    "repository_search_url": "/search/repositories?q={query}{&page,per_page,sort,order}",
    "current_user_repositories_url": "/user/repos{?type,page,per_page,sort}",
    "starred_url": "/user/starred{/owner}{/repo}",
    "starred_gists_url": "/gists/starred",
    "user_url": "/users/{user}",
    "user_organizations_url": "/user/orgs",
    "user_repositories_url": "/users/{user}/repos{?type,page,per_page,sort}",
    "user_search_url": "/search/users?q={query}{&page,per_page,sort,order}",
}

_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

_COUNTS = ("forks_count", "stargazers_count", "watchers_count", "open_issues_count", "forks", "open_issues", "watchers")


@functools.lru_cache(maxsize=4096)
def stamp(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(kind: str, name: object) -> str:
    return f"{kind}_" + base64.urlsafe_b64encode(f"sandbox:{name}".encode()).decode().rstrip("=")


@functools.lru_cache(maxsize=256)
def user(login: str, base: str, web: str, *, kind: str | None = None) -> dict[str, Any]:
    """A SimpleUser. The kind is told by the name unless given. Shared by its callers: not to be changed."""
    number = 100 + sum(login.encode())
    kind = kind or ("Bot" if login.endswith("[bot]") else "User")
    url = f"{base}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node("U", login),
        "avatar_url": f"{web}/avatars/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{web}/{login}",
        **{name: url + path for name, path in _USER_LINKS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def owner(repo: Repository, base: str, web: str) -> dict[str, Any]:
    return user(repo.owner, base, web, kind="Organization")


def repository(repo: Repository, call: Call, *, full: bool = False) -> dict[str, Any]:
    """A repository as it stands in lists and pull requests; `full` as GET /repos/{owner}/{repo} has it."""
    url, html_url = f"{call.base}/repos/{repo.full_name}", f"{call.web}/{repo.full_name}"
    shape: dict[str, Any] = {
        "id": repo.id,
        "node_id": repo.node_id,
        "name": repo.name,
        "full_name": repo.full_name,
        "private": True,
        "owner": owner(repo, call.base, call.web),
        "html_url": html_url,
        "description": None,
        "fork": False,
        "url": url,
        **_repository_links(url),
        "git_url": f"git://sandbox/{repo.full_name}.git",
        "ssh_url": f"git@sandbox:{repo.full_name}.git",
        "clone_url": f"{html_url}.git",
        "svn_url": html_url,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "size": 1,
        "default_branch": repo.default_branch,
        **dict.fromkeys(_COUNTS, 0),
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "has_pull_requests": True,
        "archived": repo.archived,
        "disabled": False,
        "visibility": "private",
        "pushed_at": stamp(repo.created_at),
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
    }
    return {**shape, **_settings(repo, call)} if full else shape


@functools.lru_cache(maxsize=64)
def _repository_links(url: str) -> dict[str, str]:
    return {name: url + path for name, path in _REPOSITORY_LINKS.items()}


def _settings(repo: Repository, call: Call) -> dict[str, Any]:
    writes = call.actor.may("contents=write")
    return {
        "permissions": {
            "admin": call.actor.may("administration=write"),
            "maintain": call.actor.may("administration=write"),
            "push": writes,
            "triage": writes,
            "pull": True,
        },
        "allow_merge_commit": repo.allow_merge_commit,
        "allow_squash_merge": repo.allow_squash_merge,
        "allow_rebase_merge": repo.allow_rebase_merge,
        "allow_auto_merge": repo.allow_auto_merge,
        "allow_update_branch": False,
        "delete_branch_on_merge": repo.delete_branch_on_merge,
        "squash_merge_commit_title": repo.squash_title,
        "squash_merge_commit_message": repo.squash_message,
        "merge_commit_title": "MERGE_MESSAGE",
        "merge_commit_message": "PR_TITLE",
        "organization": owner(repo, call.base, call.web),
        "temp_clone_token": None,
        "subscribers_count": 0,
        "network_count": 0,
    }


def app(call: Call) -> dict[str, Any]:
    """GET /app."""
    identities, repo = call.identities, call.world.repository
    return {
        "id": int(identities.app_id),
        "client_id": identities.client_id,
        "slug": identities.slug,
        "node_id": node("A", identities.app_id),
        "owner": owner(repo, call.base, call.web),
        "name": "Sandbox App",
        "description": None,
        "external_url": "https://example.com",
        "html_url": f"{call.web}/apps/{identities.slug}",
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "permissions": dict(identities.permissions),
        "events": [],
        "installations_count": int(identities.installed),
    }


def installation(call: Call) -> dict[str, Any]:
    identities, repo = call.identities, call.world.repository
    account = owner(repo, call.base, call.web)
    suspended = identities.suspended_at
    return {
        "id": INSTALLATION_ID,
        "client_id": identities.client_id,
        "account": account,
        "repository_selection": "selected",
        "access_tokens_url": f"{call.base}/app/installations/{INSTALLATION_ID}/access_tokens",
        "repositories_url": f"{call.base}/installation/repositories",
        "html_url": f"{call.web}/organizations/{repo.owner}/settings/installations/{INSTALLATION_ID}",
        "app_id": int(identities.app_id),
        "app_slug": identities.slug,
        "target_id": account["id"],
        "target_type": "Organization",
        "permissions": dict(identities.permissions),
        "events": [],
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user("maria", call.base, call.web) if suspended else None,
        "suspended_at": stamp(suspended) if suspended else None,
    }


def access_token(minted: Minted, call: Call) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "token": minted.token,
        "expires_at": stamp(minted.expires_at),
        "permissions": dict(minted.permissions),
        "repository_selection": "all" if minted.repositories is None else "selected",
    }
    if minted.repositories is not None:
        repositories = call.world.repositories
        shape["repositories"] = [repository(repositories[name], call) for name in sorted(minted.repositories)]
    return shape
