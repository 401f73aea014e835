"""What becomes of pull requests when their branches move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import NOWHERE, REPO, open_pull, update, update_refs
from tests.support.git import git

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from failover_api.sandbox import Sandbox


@pytest.fixture(autouse=True)
def opened(sandbox: Sandbox, client: httpx2.Client) -> dict[str, Any]:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    return open_pull(client)


def shown(client: httpx2.Client, number: int = 1) -> dict[str, Any]:
    return dict(client.get(f"{REPO}/pulls/{number}").json())


def test_a_new_commit_is_the_new_head(sandbox: Sandbox, client: httpx2.Client, opened: dict[str, Any]) -> None:
    two = sandbox.commit({"b": b"2\n"}, "Two", "side")
    pull = shown(client)
    assert (pull["state"], pull["head"]["sha"], pull["commits"]) == ("open", two, 2)
    assert pull["head"]["sha"] != opened["head"]["sha"]
    assert git("-C", sandbox.git_dir, "rev-parse", "refs/pull/1/head").strip() == two


def test_a_forced_move_that_keeps_commits_is_the_new_head(sandbox: Sandbox, client: httpx2.Client) -> None:
    other = sandbox.commit({"other": b"1\n"}, "Another", "other")
    assert update_refs(client, update("side", None, other, force=True)) is None
    assert (shown(client)["state"], shown(client)["head"]["sha"]) == ("open", other)


def test_a_head_without_commits_of_its_own_closes_it_for_good(sandbox: Sandbox, client: httpx2.Client) -> None:
    side = sandbox.head("side")
    assert update_refs(client, update("side", side, sandbox.head(), force=True)) is None
    pull = shown(client)
    assert (pull["state"], pull["merged"], pull["closed_at"] is not None) == ("closed", False, True)
    sandbox.set_branch("side", side)
    refused = client.patch(f"{REPO}/pulls/1", json={"state": "open"})
    text = "state cannot be changed. There are no new commits between main and side."
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, text)


@pytest.mark.parametrize("branch", ["side", "base"])
def test_a_branch_that_is_deleted_closes_it(sandbox: Sandbox, client: httpx2.Client, branch: str) -> None:
    sandbox.set_branch("base", sandbox.head())
    client.patch(f"{REPO}/pulls/1", json={"base": "base"})
    head, base = sandbox.head("side"), sandbox.head("base")
    assert update_refs(client, update(branch, None, NOWHERE)) is None
    pull = shown(client)
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    assert (pull["head"]["sha"], pull["base"]["sha"]) == (head, base)
    refused = client.patch(f"{REPO}/pulls/1", json={"state": "open"}).json()
    assert refused["errors"][0]["message"] == f"state cannot be changed. The {branch} branch has been deleted."


def test_a_base_that_takes_the_head_in_has_merged_it(sandbox: Sandbox, client: httpx2.Client) -> None:
    before, side = sandbox.head(), sandbox.head("side")
    assert update_refs(client, update("main", before, side), update("side", side, NOWHERE)) is None
    pull = shown(client)
    assert (pull["state"], pull["merged"], pull["merged_by"]["login"]) == ("closed", True, "sandbox-user")
    assert (pull["merge_commit_sha"], pull["base"]["sha"]) == (side, before)
    assert [commit["sha"] for commit in client.get(f"{REPO}/pulls/1/commits").json()] == [side]


def test_a_push_by_git_is_followed(sandbox: Sandbox, client: httpx2.Client, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "-q", sandbox.git_dir, clone)
    identity = ("-c", "user.name=Jonas", "-c", "user.email=jonas@example.com")
    git("-C", clone, *identity, "merge", "-q", "--no-ff", "-m", "By hand", "origin/side")
    git("-C", clone, "push", "-q")
    pull = shown(client)
    assert (pull["merged"], pull["merge_commit_sha"]) == (True, sandbox.head())
    assert sandbox.log()[0].message.strip() == "By hand"


def test_the_base_goes_on(sandbox: Sandbox, client: httpx2.Client) -> None:
    on = sandbox.commit({"README.md": b"on\n"}, "On")
    pull = shown(client)
    assert (pull["state"], pull["base"]["sha"], pull["mergeable_state"]) == ("open", on, "clean")
    sandbox.commit({"a": b"other\n"}, "Other")
    assert shown(client)["mergeable_state"] == "dirty"
    sandbox.close_pull(1)
    closed_at = shown(client)["base"]["sha"]
    sandbox.commit({"README.md": b"further\n"}, "Further")
    assert shown(client)["base"]["sha"] == closed_at != sandbox.head()


def test_checks_are_a_commit_s_and_approvals_are_not(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.protect(approvals=1, checks=("ci",))
    sandbox.approve(1)
    sandbox.pass_check(1, "ci")
    assert shown(client)["mergeable_state"] == "clean"
    sandbox.commit({"b": b"2\n"}, "Two", "side")
    assert shown(client)["mergeable_state"] == "blocked"
    sandbox.pass_check(1, "ci")
    assert shown(client)["mergeable_state"] == "clean"


def test_a_closed_one_opens_again_where_it_was_or_further_on(sandbox: Sandbox, client: httpx2.Client) -> None:
    def reopen() -> dict[str, Any]:
        sandbox.close_pull(1)
        return dict(client.patch(f"{REPO}/pulls/1", json={"state": "open"}).json())

    side = sandbox.head("side")
    assert reopen()["state"] == "open"
    sandbox.close_pull(1)
    on = sandbox.commit({"b": b"2\n"}, "Two", "side")
    assert reopen()["head"]["sha"] == on
    sandbox.close_pull(1)
    sandbox.set_branch("side", side)
    refused = reopen()
    assert refused["errors"][0]["message"] == "state cannot be changed. The side branch was force-pushed or recreated."


def test_a_closed_one_s_branch_may_have_another(sandbox: Sandbox, client: httpx2.Client) -> None:
    twice = client.post(f"{REPO}/pulls", json={"title": "t", "head": "acme:side", "base": "main"})
    assert (twice.status_code, twice.json()["errors"][0]["message"]) == (
        422,
        "A pull request already exists for acme:side.",
    )
    sandbox.close_pull(1)
    assert open_pull(client)["number"] == 2
    again = client.patch(f"{REPO}/pulls/1", json={"state": "open"}).json()
    assert again["errors"][0]["message"] == "A pull request already exists for acme:side."
