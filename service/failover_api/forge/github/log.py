"""Git's history by REST: the log of a branch or a file, comparisons, and what a commit renamed and removed.

GitHub sends ten times as much as is needed: only that is kept.

https://docs.github.com/en/rest/commits/commits
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import FileNotFound, ForgeError, RepositoryNotFound
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.repository.lag import Lag
from failover_api.forge.values import LOG_PAGE, Comparison, LoggedCommit, RenamesAndRemovals

COMPARED_FILES = 300  # the most that GitHub lists
COMMIT_FILES = 300  # of one commit, a page
COMMIT_PAGES = 10  # GitHub lists no more than 3,000


class Log:
    """Reads logs and comparisons. A log up to a commit, not a branch, never changes: a copy of any age will do."""

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
            raise ForgeError(f"{what}: GitHub's answer is no list of commits") from exc

    async def compare(self, branch: Branch, base: str, head: str) -> Comparison:
        """As Forge.compare(). Raises ForgeError when one of the commits is not there: it may be gone."""
        url = f"/repos/{branch.repository}/compare/{base}...{head}"
        what = f"comparing {base[:12]} with {head[:12]} of {branch.repository}"
        try:
            body = await self._client.get(branch.repository, url, what=what, not_before=None, digest=_digest_comparison)
            fields = parse_json(body)
        except FileNotFound as exc:
            raise ForgeError(exc.detail) from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ForgeError(f"{what}: GitHub's answer is no comparison") from exc
        return Comparison(**{**fields, "commits": tuple(_kept(commit) for commit in fields["commits"])})

    async def renames_and_removals(self, branch: Branch, commit: str) -> RenamesAndRemovals:
        """As Forge.renames_and_removals(). https://docs.github.com/en/rest/commits/commits#get-a-commit"""
        renamed: dict[str, str] = {}
        removed: list[str] = []
        what = f"reading what commit {commit[:12]} of {branch.repository} renamed"
        for page in range(1, COMMIT_PAGES + 1):
            url = f"/repos/{branch.repository}/commits/{commit}?page={page}"
            try:
                body = await self._client.get(branch.repository, url, what=what, not_before=None, digest=_digest_files)
                changes = json.loads(body)
            except FileNotFound as exc:
                raise ForgeError(exc.detail) from exc
            except (AttributeError, KeyError, TypeError, ValueError) as exc:
                raise ForgeError(f"{what}: GitHub's answer is no commit") from exc
            renamed |= changes["renamed"]
            removed += changes["removed"]
            if changes["listed"] < COMMIT_FILES:
                break
        return RenamesAndRemovals(renamed, tuple(removed))


def _digest_files(body: bytes) -> bytes:
    files = parse_json(body)["files"]
    renamed = {file["filename"]: file["previous_filename"] for file in files if file["status"] == "renamed"}
    removed = [file["filename"] for file in files if file["status"] == "removed"]
    return json.dumps({"renamed": renamed, "removed": removed, "listed": len(files)}).encode()


def _digest_log(body: bytes) -> bytes:
    return json.dumps([asdict(_logged(entry)) for entry in parse_json(body)]).encode()


def _digest_comparison(body: bytes) -> bytes:
    given = parse_json(body)
    commits, files = given["commits"], given["files"]
    changed: dict[str, str | None] = {}
    renamed: dict[str, str] = {}
    for file in files:
        if file["status"] == "renamed":
            changed.setdefault(file["previous_filename"], None)
            renamed[file["filename"]] = file["previous_filename"]
        changed[file["filename"]] = None if file["status"] == "removed" else file["sha"]
    fields = {
        "merge_base": given["merge_base_commit"]["sha"],
        "commits": [asdict(_logged(entry)) for entry in commits],
        "files": changed,
        "renamed": renamed,
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
