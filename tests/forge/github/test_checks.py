"""The check says what an operator has wrong, in the order one would mend it, and stops there."""

from collections.abc import Collection
from typing import Any

import httpx2
import pytest
import respx

from failover_api.forge.github.checks import check_branch
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.values import Check
from tests.support.builders import MAIN
from tests.support.fake_github import (
    BRANCH_URL,
    HEAD,
    PULLS_URL,
    REPOSITORY_URL,
    RULES_URL,
    Purse,
    Waits,
    answer,
    client_with,
    refused,
)

BRANCH = {"name": "main", "commit": {"sha": HEAD}, "protected": False}


async def check(
    client: GitHubClient, api: respx.Router, *, proposing: bool = False, own: Collection[str] = (), **replies: Any
) -> list[Check]:
    """The checks, with a healthy GitHub but for `replies` (repository, branch, pulls, rules, refs, own_rules)."""
    healthy = {
        "repository": answer(200, {"permissions": {"push": True}}),
        "branch": answer(200, BRANCH),
        "pulls": answer(200, []),
        "rules": answer(200, []),
        "refs": answer(200, []),
        "own_rules": answer(200, []),
    }
    given = {**healthy, **replies}
    api.get(RULES_URL).mock(return_value=given["rules"])
    api.get(BRANCH_URL).mock(return_value=given["branch"])
    api.get(PULLS_URL, params={"state": "open", "per_page": "1"}).mock(return_value=given["pulls"])
    api.get(REPOSITORY_URL).mock(return_value=given["repository"])
    api.get(f"{REPOSITORY_URL}/git/matching-refs/heads/failover").mock(return_value=given["refs"])
    api.get(f"{REPOSITORY_URL}/rules/branches/failover%2Ftea").mock(return_value=given["own_rules"])
    return list(await check_branch(client, MAIN, pulls=proposing, own=own))


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
        ({"repository": refused(401, "Bad credentials")}, "credentials", "GitHub refuses them: .*Bad credentials"),
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


def pattern(kind: str, operator: str, text: str, *, negate: bool = False) -> dict[str, Any]:
    return {"type": kind, "parameters": {"operator": operator, "pattern": text, "negate": negate}}


MESSAGE = "commit_message_pattern"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (pattern(MESSAGE, "regex", "^JIRA-[0-9]+"), "commit_message_pattern must match '^JIRA-[0-9]+'"),
        (pattern(MESSAGE, "starts_with", "fix"), "must start with 'fix'"),
        (pattern(MESSAGE, "contains", "Failover-", negate=True), "must not contain 'Failover-'"),
        (pattern("committer_email_pattern", "ends_with", "@acme.com"), "committer_email_pattern"),
        ({"type": "required_signatures"}, "required_signatures"),
        ({"type": "lock_branch"}, "lock_branch"),
        (
            {"type": "file_extension_restriction", "parameters": {"restricted_file_extensions": ["*.yaml"]}},
            "file_extension_restriction",
        ),
    ],
)
async def test_rules_that_no_pull_request_cures_are_told_beforehand(
    person: GitHubClient, api: respx.Router, rule: Any, said: str
) -> None:
    rules = answer(200, [{"type": "pull_request"}, rule])
    last = (await check(person, api, proposing=True, rules=rules))[-1]
    assert not last.ok
    assert "rules refuse our commits, by pull request too" in last.detail
    assert said in last.detail


@pytest.mark.parametrize(
    "rule",
    [
        pattern(MESSAGE, "regex", "^Fail (over|back)"),
        pattern(MESSAGE, "regex", "(?<unclosed"),
        pattern(MESSAGE, "regex", "F{99999999999999999999}"),
        pattern(MESSAGE, "starts_with", "Fail"),
        pattern(MESSAGE, "contains", "WIP", negate=True),
        pattern("branch_name_pattern", "starts_with", "feature/"),
        {"type": "creation"},
        {"type": "a rule of later years"},
        {"type": "file_extension_restriction", "parameters": {"restricted_file_extensions": ["exe"]}},
    ],
)
async def test_rules_that_our_commits_keep_are_no_obstacle(person: GitHubClient, api: respx.Router, rule: Any) -> None:
    assert (await check(person, api, rules=answer(200, [rule])))[-1].ok


@pytest.mark.parametrize("text", ["(.*a){25}$", "^((F|a|i|l| )+)+x$", ".*.*.*.*.*.*.*.*.*.*.*.*x", "(\\\\w+\\\\s?)*!$"])
async def test_an_expression_that_could_take_for_ever_is_told_and_not_tried(
    client: GitHubClient, api: respx.Router, text: str
) -> None:
    rule = pattern(MESSAGE, "regex", text)
    last = (await check(client, api, rules=answer(200, [rule])))[-1]
    assert last.ok
    assert f"not tried here, so see whether our commits fit it: {MESSAGE} must match {text!r}" in last.detail
    own = pattern("branch_name_pattern", "regex", text)
    last = (await check(client, api, proposing=True, own=OWN, own_rules=answer(200, [own])))[-1]
    assert last.ok
    assert "failover/tea can be made; not tried here" in last.detail


async def test_github_signs_what_an_app_commits(client: GitHubClient, api: respx.Router) -> None:
    assert (await check(client, api, rules=answer(200, [{"type": "required_signatures"}])))[-1].ok


def refs(*names: str) -> Any:
    return answer(200, [{"ref": f"refs/heads/{name}", "object": {"sha": "0" * 40}} for name in names])


OWN = ("failover/tea", "failover/group-all")


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ({"refs": refs("failover")}, "branch failover leaves no room for failover/group-all, failover/tea"),
        ({"refs": refs("failover-notes", "failover/tea/x")}, "branch failover/tea/x leaves no room for failover/tea:"),
        ({"own_rules": answer(200, [{"type": "creation"}])}, "rules refuse branch failover/tea (creation)"),
        ({"own_rules": DEMANDED}, "rules refuse branch failover/tea (pull_request)"),
        (
            {"own_rules": answer(200, [pattern("branch_name_pattern", "regex", "^feature/")])},
            "branch_name_pattern must match '^feature/'",
        ),
    ],
)
async def test_what_keeps_our_own_branches_from_being_made_is_told_beforehand(
    client: GitHubClient, api: respx.Router, replies: Any, said: str
) -> None:
    last = (await check(client, api, proposing=True, own=OWN, **replies))[-1]
    assert (last.name, last.ok) == ("own branches acme/homelab@main", False)
    assert said in last.detail


async def test_branches_of_ours_that_are_there_are_in_nobodys_way(client: GitHubClient, api: respx.Router) -> None:
    checks = await check(client, api, proposing=True, own=OWN, refs=refs("failover/tea", "failover-x", "failover/y/z"))
    assert checks[-1] == Check("own branches acme/homelab@main", ok=True, detail="failover/tea can be made")


async def test_a_rule_that_fails_does_not_keep_the_rest_from_being_looked_at(
    client: GitHubClient, api: respx.Router
) -> None:
    checks = await check(client, api, own=OWN, rules=DEMANDED, refs=refs("failover"))
    assert [one.ok for one in checks[-2:]] == [False, False]
