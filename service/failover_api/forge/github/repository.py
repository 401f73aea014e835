"""A repository by REST: its description, and writes below it."""

from typing import Any

from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import FileNotFound, ForgeError, RepositoryNotFound
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.reply import Reply


async def about(client: GitHubClient, branch: Branch, *, not_before: float | None) -> dict[str, Any]:
    """GitHub's description of the repository: its `node_id`, `allow_squash_merge` and so on.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    what = f"reading repository {branch.repository}"
    try:
        body = await client.get(branch.repository, f"/repos/{branch.repository}", what=what, not_before=not_before)
    except FileNotFound as exc:
        raise RepositoryNotFound(f"no repository {branch.repository}, or the credentials cannot see it") from exc
    described = parse_json(body or b"null")
    if not isinstance(described, dict):
        raise ForgeError(f"{what}: GitHub's answer is no repository")
    return described


async def change(
    client: GitHubClient,
    method: str,
    branch: Branch,
    below: str,
    body: object,
    *,
    what: str,
    pulls: bool = False,
    repeatable: bool = False,
) -> Reply:
    """GitHubClient.write() of what is `below` the repository. Raises RepositoryNotFound for a 404, WriteUnknown."""
    url = f"/repos/{branch.repository}/{below}"
    try:
        return await client.write(method, branch.repository, url, body, what=what, pulls=pulls, repeatable=repeatable)
    except FileNotFound as exc:
        raise RepositoryNotFound(f"{exc.detail}: not there, or the credentials may not change it") from exc
