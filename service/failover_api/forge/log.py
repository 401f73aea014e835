"""Git's history by REST: the log of a branch or a file, and what one commit has beyond another.

What GitHub sends is ten times of what is needed, so only that is kept of it.

https://docs.github.com/en/rest/commits/commits
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from failover_api.core.catalog import Branch
from failover_api.core.json_text import parse_json
from failover_api.errors import FileNotFound, GitHubError, RepositoryNotFound
from failover_api.forge.client import GitHubClient
from failover_api.forge.lag import Lag
from failover_api.forge.port import LOG_PAGE, Comparison, LoggedCommit

COMPARED_FILES = 300  # GitHub lists no more


class Log:
    """Listings of commits. One up to a commit, not up to a branch, never changes: any copy of it will do."""

    def __init__(self, client: GitHubClient, lag: Lag) -> None:
        self._client, self._lag = client, lag

    async def page(
        self, branch: Branch, path: str | None, at: str | None, page: int, not_before: float | None
    ) -> tuple[LoggedCommit, ...]:
        """As Forge.log()."""
        about = "" if path is None else f"&path={quote(path, safe='')}"
        url = (
            f"/repos/{branch.repository}/commits?sha={quote(at or branch.name, safe='')}{about}"
            f"&per_page={LOG_PAGE}&page={page}"
        )
        what = f"reading the history of {branch if path is None else path}"
        try:
            body = await self._client.get(
                branch.repository, url, what=what, not_before=None if at else not_before, digest=_digest_log
            )
            return tuple(_kept(fields) for fields in parse_json(body))
        except FileNotFound as exc:
            if at is not None and at == self._lag.newest(branch):
                raise self._lag.behind(branch, what) from exc
            place = f"branch {branch}" if at is None else f"commit {at[:12]} in {branch.repository}"
            raise RepositoryNotFound(f"no {place}, or the credentials cannot see it") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise GitHubError(f"{what}: GitHub's answer is no list of commits") from exc

    async def compare(self, branch: Branch, base: str, head: str) -> Comparison:
        """As Forge.compare(). Raises GitHubError when one of the commits is not there: it may be gone."""
        url = f"/repos/{branch.repository}/compare/{base}...{head}"
        what = f"comparing {base[:12]} with {head[:12]} of {branch.repository}"
        try:
            body = await self._client.get(branch.repository, url, what=what, not_before=None, digest=_digest_comparison)
            fields = parse_json(body)
        except FileNotFound as exc:
            raise GitHubError(exc.detail) from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise GitHubError(f"{what}: GitHub's answer is no comparison") from exc
        return Comparison(**{**fields, "commits": tuple(_kept(commit) for commit in fields["commits"])})


def _digest_log(body: bytes) -> bytes:
    return json.dumps([asdict(_logged(entry)) for entry in parse_json(body)]).encode()


def _digest_comparison(body: bytes) -> bytes:
    given = parse_json(body)
    commits, files = given["commits"], given["files"]
    changed: dict[str, str | None] = {}
    for file in files:
        if file["status"] == "renamed":
            changed.setdefault(file["previous_filename"], None)
        changed[file["filename"]] = None if file["status"] == "removed" else file["sha"]
    fields = {
        "merge_base": given["merge_base_commit"]["sha"],
        "commits": [asdict(_logged(entry)) for entry in commits],
        "files": changed,
        "is_whole": len(commits) >= given["total_commits"] and len(files) < COMPARED_FILES,
    }
    return json.dumps(fields).encode()


def _logged(entry: Mapping[str, Any]) -> LoggedCommit:
    """A commit as GitHub lists it. `author` is null where the e-mail belongs to no account."""
    commit = entry["commit"]
    return LoggedCommit(
        sha=entry["sha"],
        url=entry["html_url"],
        verified=bool((commit.get("verification") or {}).get("verified")),
        message=commit["message"],
        by=(entry.get("author") or {}).get("login") or commit["author"]["name"],
        at=commit["committer"]["date"],
        parents=tuple(parent["sha"] for parent in entry["parents"]),
    )


def _kept(fields: Mapping[str, Any]) -> LoggedCommit:
    return LoggedCommit(**{**fields, "parents": tuple(fields["parents"])})
