"""`failover check` on GitHub: credentials, repository, branch, pull requests, rules, in the order to fix them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from failover_api.core.catalog.model import Branch
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import FailoverError, FileNotFound
from failover_api.forge.github.app_auth import PERMISSIONS, AppCredentials
from failover_api.forge.github.branches import branches_under
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.github.replies import BadCredentials
from failover_api.forge.github.rules import NEEDS_PULL_REQUEST, broken_rules, unchecked_rules
from failover_api.forge.http.rate_limit import A_MINUTE, AN_HOUR
from failover_api.forge.values import Check, is_name_conflict

_NOT_FATAL = {"rules", "own branches"}  # a failure there does not make the rest meaningless
Step = Callable[[GitHubClient, Branch, str], Awaitable[Check]]


async def check_branch(
    client: GitHubClient, branch: Branch, *, pulls: bool = False, own: Collection[str] = ()
) -> Sequence[Check]:
    """Credentials, repository, permission, branch, rules. Stops at the first that makes the rest meaningless.

    `pulls`: the work goes through pull requests, from branches named `own`.
    """
    checks: list[Check] = []
    steps: list[tuple[str, Step]] = [
        ("credentials", _credentials),
        ("repository", _repository),
        ("branch", _branch),
        *([("pull requests", _pull_requests)] if pulls else []),
        ("rules", partial(_rules, pulls=pulls)),
        *([("own branches", partial(_own_branches, own=own))] if own else []),
    ]
    for about, step in steps:
        name = f"{about} {branch}"
        try:
            check = await step(client, branch, name)
        except BadCredentials as exc:  # a ready token is first tried here
            return [Check(f"credentials {branch}", ok=False, detail=f"GitHub refuses them: {exc.detail}"), *checks[1:]]
        except FailoverError as exc:
            check = Check(name, ok=False, detail=exc.detail)
        except (AttributeError, KeyError, TypeError, ValueError):
            check = Check(name, ok=False, detail="GitHub's answer is not understood")
        checks.append(check)
        if not check.ok and about not in _NOT_FATAL:
            break
    return checks


def check_client(client: GitHubClient) -> Sequence[Check]:
    """Checks that concern no single branch. A wrong clock is corrected for, so it is no failure."""
    checks = []
    used, unused = client.unused
    if unused:
        checks.append(
            Check(
                "credentials",
                ok=True,
                detail=f"{used} is used; {' and '.join(unused)} set too, and not used",
                is_warning=True,
            )
        )
    if client.share < 1:
        of_minute, of_hour = int(client.share * A_MINUTE), int(client.share * AN_HOUR)
        shown = f"{client.share:g} of the installation's writes: {of_minute} a minute, {of_hour} an hour"
        checks.append(Check("share", ok=True, detail=shown))
    if client.clock.is_off:
        then = "requests are signed by GitHub's clock, but set this machine's"
        checks.append(Check("clock", ok=True, detail=f"{client.clock.in_words()}; {then}", is_warning=True))
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
    """Whether the token is an installation's. Then `permissions` of a repository, which is about a person, is void."""
    token = await client.credentials.token(branch.repository)
    return token.value.startswith("ghs_")


async def _branch(client: GitHubClient, branch: Branch, name: str) -> Check:
    try:
        data = await _get(client, branch, f"/branches/{quote(branch.name, safe='')}")
    except FileNotFound:
        return Check(name, ok=False, detail="no such branch")
    return Check(name, ok=True, detail=f"at {data['commit']['sha'][:12]}")


async def _pull_requests(client: GitHubClient, branch: Branch, name: str) -> Check:
    """An App's token has the permission, or would not have been minted; of a person's we only know that it can read."""
    try:
        await _get(client, branch, "/pulls?state=open&per_page=1", pulls=True)
    except FileNotFound:
        return Check(name, ok=False, detail="the credentials cannot see the repository's pull requests")
    app = isinstance(client.credentials, AppCredentials)
    return Check(name, ok=True, detail="may pull_requests: write" if app else "can be read")


async def _rules(client: GitHubClient, branch: Branch, name: str, *, pulls: bool) -> Check:
    place = quote(branch.name, safe="")
    rules = await _rules_of(client, branch, branch.name)
    kinds = {str(rule.get("type")) for rule in rules}
    against = broken_rules(rules, signs=await _of_an_app(client, branch))
    if against:
        return Check(name, ok=False, detail=f"rules refuse our commits, by pull request too ({'; '.join(against)})")
    blocking = sorted(kinds & NEEDS_PULL_REQUEST)
    unknown = _unknown(unchecked_rules(rules))
    if blocking:
        then = f"; this policy makes one{unknown}" if pulls else ": direct commits will be refused"
        return Check(name, ok=pulls, detail=f"rules demand a pull request ({', '.join(blocking)}){then}")
    if (await _get(client, branch, f"/branches/{place}")).get("protected") and not kinds:
        detail = "classic branch protection is on: a direct commit may be refused"
        return Check(name, ok=True, detail=detail, is_warning=True)
    return Check(name, ok=True, detail=f"direct commits allowed ({', '.join(sorted(kinds)) or 'no rules'}){unknown}")


def _unknown(rules: Sequence[str]) -> str:
    """The rules whose effect nobody knows before a commit is made, in words."""
    return f"; not tried here, so see whether our commits fit it: {'; '.join(rules)}" if rules else ""


async def _own_branches(client: GitHubClient, branch: Branch, name: str, *, own: Collection[str]) -> Check:
    """Whether the head branches of pull requests can be created, and accept our commits."""
    there = await branches_under(client, Branch(branch.repository, next(iter(own))))
    for other in there:
        blocked = sorted(mine for mine in own if is_name_conflict(mine, other))
        if blocked:
            detail = f"branch {other} leaves no room for {', '.join(blocked[:5])}: rename or delete it"
            return Check(name, ok=False, detail=detail)
    for mine in own:
        if mine == branch.name:
            return Check(name, ok=False, detail=f"{mine} is the branch that pull requests would go to: rename it")
    example = next(iter(own))
    rules = await _rules_of(client, branch, example)
    against = broken_rules(rules, signs=await _of_an_app(client, branch), own=example)
    if against:
        detail = f"rules refuse branch {example} ({'; '.join(against)}): leave `failover/**` out of them"
        return Check(name, ok=False, detail=detail)
    return Check(name, ok=True, detail=f"{example} can be made{_unknown(unchecked_rules(rules, own=example))}")


async def _rules_of(client: GitHubClient, branch: Branch, name: str) -> list[Any]:
    """The rules for a branch of that name, whether it exists or not."""
    try:
        return list(await _get(client, branch, f"/rules/branches/{quote(name, safe='')}"))
    except FileNotFound:  # an old GitHub Enterprise Server has none
        return []


async def _get(client: GitHubClient, branch: Branch, below: str, *, pulls: bool = False) -> Any:
    url = f"/repos/{branch.repository}{below}"
    return parse_json(await client.get(branch.repository, url, what=f"GET {url}", keep=False, pulls=pulls))
