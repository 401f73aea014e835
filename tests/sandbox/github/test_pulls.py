"""Pull requests: opening, conflicts, the three ways to merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import REPO

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox

PULL = {"title": "A pull", "head": "side", "base": "main"}


@pytest.fixture
def opened(sandbox: Sandbox, client: httpx2.Client) -> dict[str, Any]:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    sandbox.commit({"b": b"2\n"}, "Two", "side")
    sandbox.commit({"README.md": b"meanwhile\n"}, "Meanwhile")
    answer = client.post(f"{REPO}/pulls", json=PULL)
    assert answer.status_code == 201
    return dict(answer.json())


def test_opening_is_refused(sandbox: Sandbox, client: httpx2.Client, opened: dict[str, Any]) -> None:
    again = client.post(f"{REPO}/pulls", json=PULL).json()
    assert again["errors"][0]["message"] == "A pull request already exists for acme:side."
    client.post(f"{REPO}/git/refs", json={"ref": "refs/heads/same", "sha": sandbox.head()})
    nothing = client.post(f"{REPO}/pulls", json={**PULL, "head": "same"})
    assert nothing.status_code == 422
    assert nothing.json()["errors"][0]["message"] == "No commits between main and same"
    assert client.post(f"{REPO}/pulls", json={**PULL, "head": "gone"}).json()["errors"][0]["field"] == "head"


@pytest.mark.parametrize(
    ("method", "log"),
    [
        ("merge", ["Merge pull request #1 from acme/side", "Meanwhile", "Two", "One", "Initial commit"]),
        ("squash", ["A pull (#1)", "Meanwhile", "Initial commit"]),
        ("rebase", ["Two", "One", "Meanwhile", "Initial commit"]),
    ],
)
def test_merge(sandbox: Sandbox, client: httpx2.Client, opened: dict[str, Any], method: str, log: list[str]) -> None:
    merged = client.put(f"{REPO}/pulls/1/merge", json={"merge_method": method, "sha": opened["head"]["sha"]})
    assert (merged.status_code, merged.json()["sha"]) == (200, sandbox.head())
    assert sorted(commit.headline for commit in sandbox.log()) == sorted(log)
    assert (sandbox.read("a"), sandbox.read("README.md")) == (b"1\n", b"meanwhile\n")
    assert client.get(f"{REPO}/pulls/1").json()["state"] == "closed"
    assert client.get(f"{REPO}/pulls/1/merge").status_code == 204
    assert client.put(f"{REPO}/pulls/1/merge").status_code == 405


def test_merge_is_a_compare_and_swap(sandbox: Sandbox, client: httpx2.Client, opened: dict[str, Any]) -> None:
    sandbox.commit({"c": b"3\n"}, "Three", "side")
    refused = client.put(f"{REPO}/pulls/1/merge", json={"sha": opened["head"]["sha"]})
    text = "Head branch was modified. Review and try the merge again."
    assert (refused.status_code, refused.json()["message"]) == (409, text)


@pytest.mark.usefixtures("opened")
def test_conflict(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"a": b"other\n"}, "Other")
    shown = client.get(f"{REPO}/pulls/1").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    refused = client.put(f"{REPO}/pulls/1/merge")
    assert (refused.status_code, refused.json()["message"]) == (405, "Pull Request is not mergeable")


@pytest.mark.usefixtures("opened")
def test_find_close_label_and_reviewers(sandbox: Sandbox, client: httpx2.Client) -> None:
    asked = client.post(f"{REPO}/pulls/1/requested_reviewers", json={"reviewers": ["nobody"]})
    assert asked.status_code == 422
    assert asked.json()["message"].startswith("Reviews may only be requested from collaborators.")
    assert len(client.get(f"{REPO}/pulls?state=open&head=acme:side&base=main").json()) == 1
    assert client.get(f"{REPO}/pulls?head=acme:other").json() == []
    client.patch(f"{REPO}/pulls/1", json={"state": "closed", "body": "new"})
    assert client.get(f"{REPO}/pulls").json() == []
    assert client.get(f"{REPO}/pulls?state=closed").json()[0]["body"] == "new"
    assert client.delete(f"{REPO}/git/refs/heads/side").status_code == 204
    assert client.get(f"{REPO}/pulls/1").json()["head"]["ref"] == "side"
