"""What an operator could have wrong on GitHub's side of one branch, asked in the order one would mend it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from failover_api.core.catalog import Branch
from failover_api.errors import FailoverError, FileNotFound
from failover_api.forge.app_auth import PERMISSIONS, AppCredentials
from failover_api.forge.client import GitHubClient
from failover_api.forge.pace import A_MINUTE, AN_HOUR
from failover_api.forge.port import Check

# Rules under which nobody commits directly. https://docs.github.com/en/rest/repos/rules
_NEEDS_PULL_REQUEST = {"pull_request", "required_status_checks", "update", "merge_queue", "required_deployments"}


Step = Callable[[GitHubClient, Branch, str], Awaitable[Check]]


async def check_branch(client: GitHubClient, branch: Branch, *, pulls: bool = False) -> Sequence[Check]:
    """Credentials, repository, permission, branch, rules. Stops at the first that makes the rest meaningless.

    `pulls`: the work goes through pull requests.
    """
    checks: list[Check] = []
    steps: list[tuple[str, Step]] = [
        ("credentials", _credentials),
        ("repository", _repository),
        ("branch", _branch),
        *([("pull requests", _pull_requests)] if pulls else []),
        ("rules", partial(_rules, pulls=pulls)),
    ]
    for about, step in steps:
        name = f"{about} {branch}"
        try:
            check = await step(client, branch, name)
        except FailoverError as exc:
            check = Check(name, ok=False, detail=exc.detail)
        except (AttributeError, KeyError, TypeError, ValueError):
            check = Check(name, ok=False, detail="GitHub's answer is not understood")
        checks.append(check)
        if not check.ok:
            break
    return checks


def check_client(client: GitHubClient) -> Sequence[Check]:
    """What concerns no one branch. A clock that is wrong is reckoned with: that it is so is a warning."""
    checks = []
    used, unused = client.unused
    if unused:
        checks.append(
            Check("credentials", ok=True, detail=f"{used} is used; {' and '.join(unused)} set too, and not used")
        )
    if client.share < 1:
        of_minute, of_hour = int(client.share * A_MINUTE), int(client.share * AN_HOUR)
        shown = f"{client.share:g} of the installation's writes: {of_minute} a minute, {of_hour} an hour"
        checks.append(Check("share", ok=True, detail=shown))
    if client.clock.is_off:
        then = "requests are signed by GitHub's clock, but set this machine's"
        checks.append(Check("clock", ok=True, detail=f"{client.clock.in_words()}; {then}"))
    return checks


async def _credentials(client: GitHubClient, branch: Branch, name: str) -> Check:
    credentials = client.credentials
    await credentials.token(branch.repository)
    if not isinstance(credentials, AppCredentials):
        return Check(name, ok=True, detail="a ready token")
    reply = await credentials.as_app("GET", "/app", what="the GitHub App")
    slug = reply.data.get("slug") if isinstance(reply.data, dict) else None
    installation = await credentials.installation(branch.repository)
    granted = ", ".join(f"{key}: {value}" for key, value in PERMISSIONS.items())
    return Check(name, ok=True, detail=f"App {slug}, installation {installation}, may {granted}")


async def _repository(client: GitHubClient, branch: Branch, name: str) -> Check:
    try:
        data = await _get(client, branch, "")
    except FileNotFound:
        return Check(name, ok=False, detail="no such repository, or the credentials cannot see it")
    if data.get("archived"):
        return Check(name, ok=False, detail="the repository is archived: nothing can be written")
    if not await _of_an_app(client, branch) and not (data.get("permissions") or {}).get("push", True):
        return Check(name, ok=False, detail="the credentials may read only; they need contents: write")
    return Check(name, ok=True, detail="can be read and written")


async def _of_an_app(client: GitHubClient, branch: Branch) -> bool:
    """Whether the token is an installation's: `permissions` of a repository tells what a person may do."""
    token = await client.credentials.token(branch.repository)
    return token.value.startswith("ghs_")


async def _branch(client: GitHubClient, branch: Branch, name: str) -> Check:
    try:
        data = await _get(client, branch, f"/branches/{quote(branch.name, safe='')}")
    except FileNotFound:
        return Check(name, ok=False, detail="no such branch")
    return Check(name, ok=True, detail=f"at {data['commit']['sha'][:12]}")


async def _pull_requests(client: GitHubClient, branch: Branch, name: str) -> Check:
    """Of an App's token it is known what it may; of a person's only that it can read."""
    try:
        await _get(client, branch, "/pulls?state=open&per_page=1", pulls=True)
    except FileNotFound:
        return Check(name, ok=False, detail="the credentials cannot see the repository's pull requests")
    app = isinstance(client.credentials, AppCredentials)
    return Check(name, ok=True, detail="may pull_requests: write" if app else "can be read")


async def _rules(client: GitHubClient, branch: Branch, name: str, *, pulls: bool) -> Check:
    place = quote(branch.name, safe="")
    try:
        kinds = {str(rule.get("type")) for rule in await _get(client, branch, f"/rules/branches/{place}")}
    except FileNotFound:  # an old GitHub Enterprise Server has none
        kinds = set()
    blocking = sorted(kinds & _NEEDS_PULL_REQUEST)
    if blocking:
        then = "; this policy makes one" if pulls else ": direct commits will be refused"
        return Check(name, ok=pulls, detail=f"rules demand a pull request ({', '.join(blocking)}){then}")
    if (await _get(client, branch, f"/branches/{place}")).get("protected") and not kinds:
        return Check(name, ok=True, detail="classic branch protection is on: a direct commit may be refused")
    return Check(name, ok=True, detail=f"direct commits allowed ({', '.join(sorted(kinds)) or 'no rules'})")


async def _get(client: GitHubClient, branch: Branch, below: str, *, pulls: bool = False) -> Any:
    url = f"/repos/{branch.repository}{below}"
    return json.loads(await client.get(branch.repository, url, what=f"GET {url}", keep=False, pulls=pulls))
