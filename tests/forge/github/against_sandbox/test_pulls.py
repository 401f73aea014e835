"""Pull requests, from their opening to their merge."""

import time
from typing import Any

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import Conflict, ForgeError, RepositoryNotFound, WriteConflict, WriteUnknown
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import REVALIDATE
from failover_api.sandbox import Fault, Sandbox
from tests.forge.github.against_sandbox.ground import NEW, OLD, OURS, RADARR, SONARR, asked, propose
from tests.support.builders import MAIN, REPO


async def test_a_pull_request_is_opened_once_and_found(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    assert opened.branch == OURS.name
    assert opened.state == "open"
    assert (opened.head, opened.base_head) == (sandbox.head(OURS.name), sandbox.head())
    assert opened.body == "Why"
    with pytest.raises(WriteConflict, match="A pull request already exists for acme:failover/sonarr"):
        await github.create_pull_request(MAIN, OURS.name, title="t", body="b", draft=False)
    asked(sandbox)
    for _ in range(2):
        assert await github.open_pull_requests(MAIN, [OURS.name], not_before=REVALIDATE) == [opened]
        both = [OURS.name, "failover/group-media"]
        assert await github.open_pull_requests(MAIN, both, not_before=REVALIDATE) == [opened]
        assert await github.pull_requests(MAIN, OURS.name, not_before=time.monotonic()) == [opened]
    assert asked(sandbox) == [*["GET ['pulls']"] * 3, *["GET ['pulls'] 304"] * 3]
    assert await github.open_pull_requests(MAIN, ["failover/sonar"], not_before=REVALIDATE) == []
    assert await github.open_pull_requests(Branch(REPO, "next"), [OURS.name], not_before=REVALIDATE) == []


async def test_what_is_not_to_be_merged_is_not_proposed(github: GitHub, sandbox: Sandbox) -> None:
    await github.create_branch(OURS, sandbox.head())
    with pytest.raises(WriteConflict, match="No commits between main and failover/sonarr"):
        await github.create_pull_request(MAIN, OURS.name, title="t", body="b", draft=False)
    with pytest.raises(WriteConflict, match="head invalid"):
        await github.create_pull_request(MAIN, "failover/gone", title="t", body="b", draft=False)
    with pytest.raises(ForgeError, match="base invalid"):
        await github.create_pull_request(Branch(REPO, "gone"), OURS.name, title="t", body="b", draft=False)
    with pytest.raises(RepositoryNotFound):
        await github.create_pull_request(Branch("acme/gone", "main"), OURS.name, title="t", body="b", draft=False)


async def test_many_open_ones_are_listed_to_the_end(github: GitHub, sandbox: Sandbox) -> None:
    first = await propose(github, sandbox)
    for number in range(120):
        sandbox.commit({RADARR: b"n: %d\n" % number}, "By hand", f"theirs/{number}")
        sandbox.open_pull(f"theirs/{number}")
    second = await propose(github, sandbox, Branch(REPO, "failover/group-media"))
    asked(sandbox)
    assert await github.open_pull_requests(MAIN, ["failover/group-media", OURS.name], not_before=REVALIDATE) == [
        first,
        second,
    ]
    assert asked(sandbox) == ["GET ['pulls']"] * 2


async def test_a_pull_request_is_edited_and_closed(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox, draft=True)
    assert sandbox.pull(opened.number).draft
    await github.edit_pull_request(MAIN, opened.number, body="Because")
    assert (sandbox.pull(opened.number).title, sandbox.pull(opened.number).body) == ("Fail over sonarr", "Because")
    await github.close_pull_request(MAIN, opened.number, comment="Superseded")
    assert [comment.body for comment in sandbox.pull(opened.number).comments] == ["Superseded"]
    assert await github.open_pull_requests(MAIN, [OURS.name], not_before=REVALIDATE) == []
    (closed,) = await github.pull_requests(MAIN, OURS.name, not_before=time.monotonic())
    assert (closed.state, closed.head, closed.merge_commit) == ("closed", opened.head, None)
    with pytest.raises(RepositoryNotFound):
        await github.close_pull_request(MAIN, 99, comment="Superseded")


async def test_a_merged_one_says_as_what(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    merged = sandbox.merge(opened.number, "squash")
    (found,) = await github.pull_requests(MAIN, OURS.name, not_before=time.monotonic())
    assert (found.state, found.head, found.merge_commit) == ("merged", opened.head, merged)


async def test_labels_and_reviewers_are_given(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    await github.add_labels(MAIN, opened.number, ["failover", "urgent"])
    await github.request_reviewers(MAIN, opened.number, ["maria"], ["operators"])
    pull = sandbox.pull(opened.number)
    assert (pull.labels, pull.reviewers, pull.teams) == (["failover", "urgent"], ["maria"], ["operators"])
    with pytest.raises(ForgeError, match="may only be requested from collaborators"):
        await github.request_reviewers(MAIN, opened.number, ["nobody"], [])
    with pytest.raises(ForgeError, match="Not Found"):
        await github.add_labels(MAIN, 99, ["failover"])


@pytest.mark.parametrize(("method", "enabled"), [("rebase", "rebase"), (None, "squash")])
async def test_auto_merge_waits_for_the_review(
    github: GitHub, sandbox: Sandbox, method: str | None, enabled: str
) -> None:
    opened = await propose(github, sandbox)
    sandbox.protect()
    await github.enable_auto_merge(MAIN, opened, method)
    auto_merge = sandbox.pull(opened.number).auto_merge
    assert auto_merge is not None
    assert auto_merge.method == enabled
    assert sandbox.read(SONARR) == OLD
    sandbox.approve(opened.number)
    assert sandbox.read(SONARR) == NEW


async def test_what_has_nothing_to_wait_for_is_merged_at_once(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    sandbox.repository.allow_squash_merge = False
    await github.enable_auto_merge(MAIN, opened, None)
    assert sandbox.read(SONARR) == NEW
    assert len(sandbox.commit_at().parents) == 2  # by a merge commit, the next that is allowed


async def test_a_head_that_is_another_one_is_not_merged(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    sandbox.commit({SONARR: b"role: theirs\n"}, "By hand", OURS.name)
    with pytest.raises((Conflict, ForgeError)):
        await github.enable_auto_merge(MAIN, opened, "merge")
    assert sandbox.read(SONARR) == OLD


async def test_a_repository_without_auto_merge_is_said(github: GitHub, sandbox: Sandbox) -> None:
    opened = await propose(github, sandbox)
    sandbox.repository.allow_auto_merge = False
    with pytest.raises(ForgeError, match="Auto merge is not allowed"):
        await github.enable_auto_merge(MAIN, opened, None)


@pytest.mark.parametrize("kind", ["lost_reply", "lost_request"])
async def test_a_pull_request_whose_reply_was_lost_is_never_opened_again(
    github: GitHub, sandbox: Sandbox, kind: Any
) -> None:
    sandbox.faults.add(Fault(kind, method="POST", path="/repos/acme/homelab/pulls"))
    with pytest.raises(WriteUnknown):
        await propose(github, sandbox)
    assert len(await github.open_pull_requests(MAIN, [OURS.name], not_before=REVALIDATE)) == (kind == "lost_reply")
