"""Faults, limits and refusals: what is repeated, what is told, and what is never sent again."""

import time
from typing import Any

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import BranchProtected, ForgeRateLimited, WriteUnknown
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.http.rate_limit import MINUTE
from failover_api.sandbox import Fault, Sandbox
from tests.forge.github.against_sandbox.ground import FILES, NEW, OLD, OURS, RADARR, SONARR, asked, read
from tests.support.builders import MAIN, REPO


@pytest.mark.parametrize("kind", ["lost_request", "lost_reply", "truncated", "bad_json"])
@pytest.mark.parametrize("several", [False, True])
async def test_a_lost_reply_is_never_sent_again(github: GitHub, sandbox: Sandbox, kind: Any, several: bool) -> None:
    snapshot = await read(github, SONARR, at_head=several)
    before = len(sandbox.log())
    asked(sandbox)
    where = {"operation": "createCommitOnBranch"} if several else {"method": "PUT"}
    sandbox.faults.add(Fault(kind, **where))
    with pytest.raises(WriteUnknown):
        await github.commit(snapshot, {SONARR: NEW}, "m")
    assert len(sandbox.requests) == 1
    assert len(sandbox.log()) - before == (kind in ("lost_reply", "truncated"))


@pytest.mark.parametrize("kind", ["lost_request", "lost_reply", "truncated", "bad_json", "status"])
async def test_a_read_passes_over_two_faults(github: GitHub, sandbox: Sandbox, kind: Any) -> None:
    sandbox.faults.add(Fault(kind, path="/repos/acme/homelab/contents", times=2, status=502))
    assert (await read(github, SONARR)).file(SONARR).data == OLD


async def test_a_rate_limit_is_told_and_not_waited_for(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("rate_limit_secondary", path="/repos/acme/homelab/contents", retry_after=7))
    started = time.monotonic()
    with pytest.raises(ForgeRateLimited) as error:
        await read(github, SONARR)
    assert error.value.retry_after_s == 7.0
    before = len(sandbox.requests)
    with pytest.raises(ForgeRateLimited):
        await read(github, SONARR)
    assert len(sandbox.requests) == before
    assert time.monotonic() - started < 3.5


async def test_the_graphql_quota_leaves_rest(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("rate_limit_primary", path="/graphql", seconds=60))
    assert (await read(github, SONARR, RADARR)).file(RADARR).data == FILES[RADARR]
    asked(sandbox)
    await github.commit(await read(github, SONARR), {SONARR: NEW}, "m")
    assert (await read(github, SONARR, RADARR)).file(SONARR).data == NEW
    assert "repository" not in asked(sandbox)
    with pytest.raises(ForgeRateLimited):
        await github.commit(await read(github, SONARR, RADARR), {SONARR: OLD, RADARR: NEW}, "m")
    assert sandbox.read(SONARR) == NEW


@pytest.mark.parametrize("kind", ["ruleset", "classic"])
@pytest.mark.parametrize("several", [False, True])
async def test_a_protected_branch_is_said_to_be(github: GitHub, sandbox: Sandbox, kind: Any, several: bool) -> None:
    snapshot = await read(github, SONARR, at_head=several)
    sandbox.protect(kind=kind)
    with pytest.raises(BranchProtected):
        await github.commit(snapshot, {SONARR: NEW}, "m")


async def test_a_write_that_github_refuses_holds_the_others_up(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.limits.writes_per_minute = 2
    snapshot = await read(github, SONARR)
    for data in (NEW, OLD):
        await github.commit(snapshot, {SONARR: data}, "m")
        snapshot = await read(github, SONARR, not_before=None)
    assert github.write_wait_s(MAIN) == 0.0
    with pytest.raises(ForgeRateLimited) as error:
        await github.commit(snapshot, {SONARR: NEW}, "m")
    assert error.value.secondary
    assert (error.value.retry_after_s or 0) > 5
    assert github.write_wait_s(MAIN) == 0.0, "too long to be waited for"


async def test_our_own_pace_keeps_githubs(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.limits.writes_per_minute = 80
    number = 0
    while github.write_wait_s(MAIN) == 0:
        number += 1
        await github.create_branch(Branch(REPO, f"many/{number}"), sandbox.head())
    with pytest.raises(ForgeRateLimited):
        await github.create_branch(OURS, sandbox.head())
    assert number == len(sandbox.requests) == MINUTE[0]
    assert all(request.status == 201 for request in sandbox.requests)
