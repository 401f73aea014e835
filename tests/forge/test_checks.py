"""The check says what an operator has wrong, in the order one would mend it, and stops there."""

from typing import Any

import httpx2
import pytest
import respx

from failover_api.forge.checks import check_branch
from failover_api.forge.client import GitHubClient
from failover_api.forge.port import Check
from tests.forge.stand_in import BRANCH_URL, HEAD, MAIN, ROOT, Purse, Waits, answer, client_with, refused

REPOSITORY_URL = f"{ROOT}/repos/acme/homelab"
PULLS_URL = f"{ROOT}/repos/acme/homelab/pulls"
RULES_URL = f"{ROOT}/repos/acme/homelab/rules/branches/main"
BRANCH = {"name": "main", "commit": {"sha": HEAD}, "protected": False}


async def check(client: GitHubClient, api: respx.Router, *, proposing: bool = False, **replies: Any) -> list[Check]:
    """The checks, with a healthy GitHub but for `replies` (repository, branch, pulls, rules)."""
    healthy = {
        "repository": answer(200, {"permissions": {"push": True}}),
        "branch": answer(200, BRANCH),
        "pulls": answer(200, []),
        "rules": answer(200, []),
    }
    given = {**healthy, **replies}
    api.get(RULES_URL).mock(return_value=given["rules"])
    api.get(BRANCH_URL).mock(return_value=given["branch"])
    api.get(PULLS_URL, params={"state": "open", "per_page": "1"}).mock(return_value=given["pulls"])
    api.get(REPOSITORY_URL).mock(return_value=given["repository"])
    return list(await check_branch(client, MAIN, pulls=proposing))


@pytest.fixture
def person(http: httpx2.AsyncClient, api: respx.Router, waits: Waits) -> GitHubClient:
    return client_with(http, Purse("ghp_person"), waits)


async def test_a_healthy_branch_passes_four_checks(client: GitHubClient, api: respx.Router) -> None:
    assert await check(client, api) == [
        Check("credentials acme/homelab@main", ok=True, detail="a ready token"),
        Check("repository acme/homelab@main", ok=True, detail="can be read and written"),
        Check("branch acme/homelab@main", ok=True, detail=f"at {HEAD[:12]}"),
        Check("rules acme/homelab@main", ok=True, detail="direct commits allowed (no rules)"),
    ]


@pytest.mark.parametrize(
    ("replies", "last", "said"),
    [
        ({"repository": refused(404, "Not Found")}, "repository", "no such repository"),
        ({"repository": refused(401, "Bad credentials")}, "repository", "Bad credentials"),
        ({"repository": answer(200, {"archived": True})}, "repository", "archived"),
        ({"repository": answer(200, {"permissions": {"push": False}})}, "repository", "contents: write"),
        ({"repository": answer(200, [])}, "repository", "not understood"),
        ({"branch": refused(404, "Branch not found")}, "branch", "no such branch"),
        ({"branch": answer(200, {})}, "branch", "not understood"),
        ({"rules": answer(200, [{"type": "pull_request"}])}, "rules", r"demand a pull request \(pull_request\)"),
        ({"rules": answer(200, [{"type": "update"}, {"type": "merge_queue"}])}, "rules", "merge_queue, update"),
        ({"rules": refused(403, "Resource not accessible by integration")}, "rules", "not accessible"),
        ({"rules": answer(200, ["x"])}, "rules", "not understood"),
    ],
)
async def test_the_first_thing_wrong_is_the_last_check(
    person: GitHubClient, api: respx.Router, replies: Any, last: str, said: str
) -> None:
    checks = await check(person, api, **replies)
    assert [one.ok for one in checks] == [True] * (len(checks) - 1) + [False]
    assert checks[-1].name == f"{last} acme/homelab@main"
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(checks[-1].detail)


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ({"rules": answer(200, [{"type": "deletion"}])}, "direct commits allowed (deletion)"),
        ({"rules": refused(404, "Not Found")}, "direct commits allowed (no rules)"),
        ({"branch": answer(200, {**BRANCH, "protected": True})}, "classic branch protection is on"),
    ],
)
async def test_rules_that_allow_a_direct_commit_are_named(
    person: GitHubClient, api: respx.Router, replies: Any, said: str
) -> None:
    checks = await check(person, api, **replies)
    assert all(one.ok for one in checks)
    assert said in checks[-1].detail


async def test_what_a_person_may_do_says_nothing_of_an_app(client: GitHubClient, api: respx.Router) -> None:
    checks = await check(client, api, repository=answer(200, {"permissions": {"push": False}}))
    assert all(one.ok for one in checks)


DEMANDED = answer(200, [{"type": "pull_request"}, {"type": "deletion"}])


async def test_for_pull_requests_their_permission_is_checked_too(client: GitHubClient, api: respx.Router) -> None:
    checks = await check(client, api, proposing=True, rules=DEMANDED)
    assert checks[3:] == [
        Check("pull requests acme/homelab@main", ok=True, detail="can be read"),
        Check(
            "rules acme/homelab@main",
            ok=True,
            detail="rules demand a pull request (pull_request); this policy makes one",
        ),
    ]
    purse = client.credentials
    assert isinstance(purse, Purse)
    assert purse.asked.count(True) == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refused(404, "Not Found"), "cannot see the repository's pull requests"),
        (
            refused(
                403,
                "Resource not accessible by personal access token",
                x_accepted_github_permissions="pull_requests=read",
            ),
            "the permission pull_requests: read",
        ),
    ],
)
async def test_pull_requests_that_cannot_be_read_are_said(
    client: GitHubClient, api: respx.Router, reply: Any, said: str
) -> None:
    checks = await check(client, api, proposing=True, pulls=reply)
    assert (len(checks), checks[-1].ok) == (4, False)
    assert said in checks[-1].detail


async def test_direct_commits_need_nothing_of_pull_requests(client: GitHubClient, api: respx.Router) -> None:
    checks = await check(client, api, pulls=refused(403, "Resource not accessible by integration"))
    assert [one.ok for one in checks] == [True] * 4


async def test_checks_fill_no_cache(client: GitHubClient, api: respx.Router) -> None:
    await check(client, api)
    assert client.cache.get("/repos/acme/homelab") is None
