"""As a GitHub App."""

import asyncio
import json
from typing import Any

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import ForgePermission
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import REVALIDATE, GitHubClient
from failover_api.sandbox import Fault, Sandbox
from tests.forge.github.against_sandbox.ground import NEW, OLD, OURS, SONARR, propose, read
from tests.support.builders import MAIN, REPO


async def test_an_app_reads_and_writes_with_one_token(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    snapshots = await asyncio.gather(*(github.read(MAIN, [SONARR], not_before=None) for _ in range(5)))
    commit = await github.commit(snapshots[0], {SONARR: NEW}, "m")
    assert commit.verified
    paths = [request.path for request in sandbox.requests]
    assert paths.count("/app/installations/2001/access_tokens") == 1
    assert paths.count("/repos/acme/homelab/installation") == 1


async def test_a_revoked_token_is_replaced(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    await github.read(MAIN, [SONARR], not_before=None)
    sandbox.revoke_tokens()
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    as_app.sleep = note
    assert (await read(github, SONARR)).file(SONARR).data == OLD
    assert waited == [1.0, 2.0]


async def test_a_token_that_is_not_ready_is_given_time(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("token_not_ready", path="/repos/acme/homelab/branches"))
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    as_app.sleep = note
    checks = await GitHub(as_app).check(MAIN)
    assert all(check.ok for check in checks)
    assert waited == [1.0]


async def test_an_app_without_the_permission_is_told_which(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.permissions["contents"] = "read"
    with pytest.raises(ForgePermission, match="not granted"):
        await read(GitHub(as_app), SONARR)


@pytest.mark.parametrize(("act", "said"), [("suspend", "suspended"), ("uninstall", "installed on acme/homelab")])
async def test_an_app_that_is_gone_is_told_so(as_app: GitHubClient, sandbox: Sandbox, act: str, said: str) -> None:
    getattr(sandbox, act)()
    with pytest.raises(ForgePermission, match=said):
        await read(GitHub(as_app), SONARR)


async def test_the_check_of_an_app_names_it(as_app: GitHubClient, sandbox: Sandbox) -> None:
    checks = await GitHub(as_app).check(MAIN)
    assert [check.ok for check in checks] == [True] * 4
    assert checks[0].detail == "App sandbox-app, installation 2001, may contents: write, metadata: read"
    sandbox.protect()
    assert not (await GitHub(as_app).check(MAIN))[-1].ok


async def test_a_token_sees_no_other_repository(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.add_repository("acme/other", {SONARR: OLD})
    github = GitHub(as_app)
    await github.read(MAIN, [SONARR], not_before=None)
    token = await as_app.credentials.token(REPO)
    other = Branch("acme/other", "main")
    await github.read(other, [SONARR], not_before=None)
    assert (await as_app.credentials.token("acme/other")).value != token.value


async def test_an_app_takes_the_token_for_pull_requests_only_for_them(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    opened = await propose(github, sandbox)
    await github.enable_auto_merge(MAIN, opened, None)
    assert sandbox.read(SONARR) == NEW
    minted = [json.loads(one.body)["permissions"] for one in sandbox.requests if one.path.endswith("/access_tokens")]
    assert minted == [
        {"contents": "write", "metadata": "read"},
        {"contents": "write", "metadata": "read", "pull_requests": "write"},
    ]


async def test_an_app_without_pull_requests_commits_all_the_same(as_app: GitHubClient, sandbox: Sandbox) -> None:
    del sandbox.permissions["pull_requests"]
    github = GitHub(as_app)
    await github.commit(await read(github, SONARR), {SONARR: NEW}, "m")
    assert (await github.check(MAIN))[-1].ok
    with pytest.raises(ForgePermission, match="pull_requests: write"):
        await github.open_pull_requests(MAIN, [OURS.name], not_before=REVALIDATE)
    checks = await github.check(MAIN, pulls=True)
    assert (checks[-1].name, checks[-1].ok) == ("pull requests acme/homelab@main", False)
    assert "pull_requests: write" in checks[-1].detail


@pytest.mark.parametrize("kind", ["ruleset", "classic"])
async def test_a_branch_that_demands_pull_requests_is_right_for_them(
    as_app: GitHubClient, sandbox: Sandbox, kind: Any
) -> None:
    sandbox.protect(kind=kind)
    checks = await GitHub(as_app).check(MAIN, pulls=True)
    assert [check.ok for check in checks] == [True] * 5
    assert checks[3].detail == "may pull_requests: write"


async def test_an_app_signs_a_commit_beside_the_branches(as_app: GitHubClient, sandbox: Sandbox) -> None:
    commit = await GitHub(as_app).make_commit(MAIN, sandbox.head(), {SONARR: NEW}, "m")
    assert commit.verified
