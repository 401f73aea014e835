"""Merges: their words, what they bring, and who may be waiting for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.git.three_way import merged_text
from tests.sandbox.clients import AUTO_MERGE, REPO, connect, mint, open_pull

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox

X = "eAo="
BOT = "sandbox-app[bot] <4001+sandbox-app[bot]@users.noreply.github.com>"
MARIA = "Maria Person <maria@example.com>"


def write(client: httpx2.Client, path: str, message: str, branch: str = "side") -> None:
    body = {"message": message, "content": X, "branch": branch}
    assert client.put(f"{REPO}/contents/{path}", json=body).status_code == 201


def squash(sandbox: Sandbox, client: httpx2.Client, **words: str) -> str:
    """The message that the commit got."""
    answer = client.put(f"{REPO}/pulls/1/merge", json={"merge_method": "squash", **words})
    assert answer.status_code == 200, answer.text
    return sandbox.log()[0].message


def test_a_single_commit_keeps_its_words(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.set_branch("side", sandbox.head())
    write(client, "a", "Headline\n\nBody.\n\nKey: value")
    open_pull(client, title="Another title")
    assert squash(sandbox, client) == "Headline (#1)\n\nBody.\n\nKey: value"
    assert (sandbox.log()[0].author.name, sandbox.log()[0].committer.name) == ("sandbox-user", "GitHub")


def test_several_commits_are_listed(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.set_branch("side", sandbox.head())
    write(client, "a", "One\n\nKey: 1")
    write(client, "b", "Two")
    open_pull(client, title="Both")
    assert squash(sandbox, client) == "Both (#1)\n\n* One\n\nKey: 1\n\n* Two"


def test_words_that_are_given_win(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    open_pull(client)
    assert squash(sandbox, client, commit_title="Mine", commit_message="Whole.") == "Mine\n\nWhole."


@pytest.mark.parametrize(
    ("title", "message", "text"),
    [
        ("COMMIT_OR_PR_TITLE", "BLANK", "One (#1)"),
        ("PR_TITLE", "BLANK", "A pull (#1)"),
        ("PR_TITLE", "PR_BODY", "A pull (#1)\n\nWhat it is for."),
    ],
)
def test_settings_say_which_words(sandbox: Sandbox, client: httpx2.Client, title: Any, message: Any, text: str) -> None:
    sandbox.repository.squash_title, sandbox.repository.squash_message = title, message
    sandbox.set_branch("side", sandbox.head())
    write(client, "a", "One\n\nKey: value")
    open_pull(client, body="What it is for.")
    assert squash(sandbox, client) == text


def test_other_authors_are_named_and_an_app_always(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    sandbox.set_branch("side", sandbox.head())
    with connect(url, mint(sandbox, url)) as app:
        write(app, "a", "Headline\n\nBody.\n\nKey: value")
        open_pull(app)
    assert squash(sandbox, client) == f"Headline (#1)\n\nBody.\n\nKey: value\nCo-authored-by: {BOT}"


def test_a_person_s_commit_on_an_app_s_branch(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    sandbox.set_branch("side", sandbox.head())
    with connect(url, mint(sandbox, url)) as app:
        write(app, "a", "Headline\n\nKey: value")
        open_pull(app)
    sandbox.commit({"b": b"2\n"}, "By hand", "side")
    listed = "* Headline\n\nKey: value\n\n* By hand\n\n---------"
    assert squash(sandbox, client) == f"A pull (#1)\n\n{listed}\n\nCo-authored-by: {BOT}\nCo-authored-by: {MARIA}"


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_person_merges_past_the_rules(sandbox: Sandbox, client: httpx2.Client, method: Any) -> None:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    sandbox.protect()
    number = sandbox.open_pull("side", title="By hand")
    sandbox.commit({"README.md": b"on\n"}, "On")
    before = sandbox.head()
    sha = sandbox.merge(number, method, title=None if method == "rebase" else "Mine", message="Whole.")
    pull = client.get(f"{REPO}/pulls/{number}").json()
    assert (pull["merged"], pull["merge_commit_sha"], pull["base"]["sha"]) == (True, sha, before)
    assert (sandbox.head(), sandbox.read("a"), pull["user"]["login"]) == (sha, b"1\n", "maria")
    assert sandbox.log()[0].message == ("One" if method == "rebase" else "Mine\n\nWhole.")
    assert client.get(f"{REPO}/commits/{sha}").json()["parents"][0]["sha"] == before
    assert client.get(f"{REPO}/commits/{sha}/pulls").json()[0]["number"] == number


def test_the_branch_goes_when_the_repository_says_so(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.repository.delete_branch_on_merge = True
    sandbox.commit({"a": b"1\n"}, "One", "side")
    sandbox.set_branch("upon", sandbox.head("side"))
    sandbox.commit({"b": b"2\n"}, "Upon it", "upon")
    open_pull(client)
    open_pull(client, "upon", "side")
    sandbox.merge(1)
    assert sorted(sandbox.repository.branches()) == ["main", "upon"]
    upon = client.get(f"{REPO}/pulls/2").json()
    assert (upon["state"], upon["base"]["ref"], upon["base"]["sha"]) == ("open", "main", sandbox.head())
    assert client.get(REPO).json()["delete_branch_on_merge"]


def test_until_it_is_merged_there_is_a_merge_on_trial(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    trial = open_pull(client)["merge_commit_sha"]
    assert sandbox.repository.bare.commit(trial).parents == (sandbox.head(), sandbox.head("side"))
    sandbox.commit({"a": b"other\n"}, "Conflict")
    assert client.get(f"{REPO}/pulls").json()[0]["merge_commit_sha"] is None


def test_auto_merge_uses_its_words_and_ends_when_it_is_closed(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.protect()
    sandbox.commit({"a": b"1\n"}, "One", "side")
    pull = open_pull(client)
    asked = {"query": AUTO_MERGE, "variables": {"id": pull["node_id"]}}
    assert "errors" not in client.post("/graphql", json=asked).json()
    shown = client.get(f"{REPO}/pulls/1").json()["auto_merge"]
    assert (shown["merge_method"], shown["enabled_by"]["login"]) == ("squash", "sandbox-user")
    sandbox.close_pull(1)
    client.patch(f"{REPO}/pulls/1", json={"state": "open"})
    sandbox.approve(1)
    assert sandbox.read("a") is None
    assert client.get(f"{REPO}/pulls/1").json()["auto_merge"] is None
    worded = AUTO_MERGE.replace("SQUASH", 'SQUASH, commitHeadline: "Mine", commitBody: "Whole."')
    sandbox.repository.pulls[1].approvals.clear()
    assert "errors" not in client.post("/graphql", json={**asked, "query": worded}).json()
    sandbox.approve(1)
    assert sandbox.log()[0].message == "Mine\n\nWhole."


def test_auto_merge_of_another_head_is_refused(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.protect()
    sandbox.commit({"a": b"1\n"}, "One", "side")
    pull = open_pull(client)
    elsewhere = AUTO_MERGE.replace("SQUASH", f'SQUASH, expectedHeadOid: "{sandbox.head()}"')
    answer = client.post("/graphql", json={"query": elsewhere, "variables": {"id": pull["node_id"]}}).json()
    assert answer["errors"][0]["message"].startswith("Expected head oid")


def test_changes_in_one_file_are_merged_by_lines(sandbox: Sandbox, client: httpx2.Client) -> None:
    lines = [b"%d\n" % number for number in range(9)]
    sandbox.commit({"f": b"".join(lines)}, "Nine lines")
    sandbox.commit({"f": b"".join([b"side\n", *lines[1:]])}, "Side", "side")
    sandbox.commit({"f": b"".join([*lines[:8], b"main\n"])}, "Main")
    assert open_pull(client)["mergeable_state"] == "clean"
    sandbox.merge(1)
    assert sandbox.read("f") == b"".join([b"side\n", *lines[1:8], b"main\n"])


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("1\n2\n3\n", "1\n2\n3\n", "1\n2\n3\n", "1\n2\n3\n"),
        ("1\n2\n3\n", "x\n2\n3\n", "1\n2\ny\n", "x\n2\ny\n"),
        ("1\n2\n3\n", "2\n3\n", "1\n2\n3\n4\n", "2\n3\n4\n"),
        ("1\n2\n3\n", "1\nx\n3\n", "1\nx\n3\n", "1\nx\n3\n"),
        ("1\n2\n3\n", "x\n2\n3\n", "1\ny\n3\n", None),
        ("1\n2\n3\n", "1\nx\n3\n", "1\ny\n3\n", None),
        ("1\n2\n3\n", "1\n3\n", "1\ny\n3\n", None),
        ("1\n2\n3", "x\n2\n3", "1\n2\n3\n", "x\n2\n3\n"),
        ("1\n\0\n3\n", "x\n\0\n3\n", "1\n\0\ny\n", None),
    ],
)
def test_merged_text(base: str, ours: str, theirs: str, merged: str | None) -> None:
    expected = merged.encode() if merged is not None else None
    assert merged_text(base.encode(), ours.encode(), theirs.encode()) == expected
    assert merged_text(base.encode(), theirs.encode(), ours.encode()) == expected
