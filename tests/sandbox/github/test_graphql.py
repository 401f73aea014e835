"""POST /graphql: one atomic commit, reads, and auto-merge."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import AUTO_MERGE, COMMIT, REPO, commit_input, connect, mint

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox


def commit(client: httpx2.Client, variables: dict[str, Any]) -> Any:
    answer = client.post("/graphql", json={"query": COMMIT, "variables": {"input": variables}})
    assert answer.status_code == 200
    return answer.json()


def test_several_files_in_one_signed_commit(sandbox: Sandbox, client: httpx2.Client) -> None:
    done = commit(client, commit_input(sandbox.head(), a=b"1\n", b=b"2\n", **{"README.md": None}))
    made = done["data"]["createCommitOnBranch"]["commit"]
    assert (made["oid"], made["signature"]) == (sandbox.head(), {"isValid": True})
    assert (sandbox.read("a"), sandbox.read("b"), sandbox.read("README.md")) == (b"1\n", b"2\n", None)
    assert (len(sandbox.log()), sandbox.log()[0].message) == (2, "Two files\n\nBecause.")
    assert len(sandbox.operations("createCommitOnBranch")) == 1


def test_stale_head_changes_nothing(sandbox: Sandbox, client: httpx2.Client) -> None:
    old = sandbox.head()
    new = sandbox.commit({"x": b"x"}, "Faster")
    answer = commit(client, commit_input(old, a=b"1\n"))
    assert answer["data"] == {"createCommitOnBranch": None}
    assert answer["errors"][0]["type"] == "STALE_DATA"
    text = f'Expected branch to point to "{old}" but it did not.  Pull and try again.'
    assert answer["errors"][0]["message"] == text
    assert sandbox.head() == new


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("ruleset", "UNPROCESSABLE", "Repository rule violations found\n\nChanges must be made through"),
        ("classic", "BRANCH_PROTECTION_RULE_VIOLATION", "At least 1 approving review is required"),
    ],
)
def test_protected_branch(sandbox: Sandbox, client: httpx2.Client, kind: Any, error: str, text: str) -> None:
    sandbox.protect(kind=kind)
    refused = commit(client, commit_input(sandbox.head(), a=b"1\n"))["errors"][0]
    assert (refused["type"], text in refused["message"]) == (error, True)


def test_refusals(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    head = sandbox.head()
    assert commit(client, commit_input(head, branch="gone", a=b"1"))["errors"][0]["type"] == "NOT_FOUND"
    assert commit(client, commit_input(head, nothing=None))["errors"][0]["message"].startswith("A path was requested")
    unknown = client.post("/graphql", json={"query": '{repository(owner: "acme", name: "none") {id}}'}).json()
    assert unknown["errors"][0]["message"] == "Could not resolve to a Repository with the name 'acme/none'."
    assert "data" not in client.post("/graphql", json={"query": "{nonsense}"}).json()
    assert client.post("/graphql", json={}).status_code == 400
    with connect(url, mint(sandbox, url, permissions={"contents": "read"})) as reader:
        assert commit(reader, commit_input(head, a=b"1"))["errors"][0]["type"] == "FORBIDDEN"
    with connect(url, "") as nobody:
        assert nobody.post("/graphql", json={"query": "{viewer{login}}"}).status_code == 401


def test_reading_files_at_one_commit(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"large": b"y" * 600_000, "binary": b"\x00\x01"}, "More")
    query = """query($owner: String!) { repository(owner: $owner, name: "homelab") {
      id squashMergeAllowed autoMergeAllowed defaultBranchRef { name }
      ref(qualifiedName: "refs/heads/main") { name target { oid ... on Commit {
        messageHeadline tree { oid entries { name mode type oid } }
        file(path: "README.md") { mode type oid path object { ... on Blob { text byteSize isBinary isTruncated } } }
        history(first: 1) { nodes { oid } pageInfo { hasNextPage endCursor } totalCount } } } }
      large: object(expression: "main:large") { ... on Blob { text byteSize isTruncated } }
      binary: object(expression: "HEAD:binary") { ... on Blob { text isBinary } }
      gone: object(expression: "main:gone") { oid }
    } rateLimit { remaining resetAt limit cost } }"""
    data = client.post("/graphql", json={"query": query, "variables": {"owner": "acme"}}).json()["data"]
    target = data["repository"]["ref"]["target"]
    assert (target["oid"], target["messageHeadline"]) == (sandbox.head(), "More")
    assert target["file"]["object"] == {
        "text": "# homelab\n",
        "byteSize": 10,
        "isBinary": False,
        "isTruncated": False,
    }
    assert (target["file"]["mode"], target["history"]["totalCount"]) == (0o100644, 2)
    assert {"name": "apps", "mode": 0o40000, "type": "tree"}.items() <= target["tree"]["entries"][1].items()
    assert len(data["repository"]["large"]["text"]) < data["repository"]["large"]["byteSize"] == 600_000
    assert data["repository"]["binary"] == {"text": None, "isBinary": True}
    assert data["repository"]["gone"] is None


def test_of_two_at_once_one_wins(sandbox: Sandbox, url: str) -> None:
    sandbox.write_delay_s = 0.2
    head, answers = sandbox.head(), []

    def write(path: str) -> None:
        with connect(url, sandbox.token) as client:
            answers.append(client.put(f"{REPO}/contents/{path}", json={"message": path, "content": "eAo="}))

    threads = [threading.Thread(target=write, args=(path,)) for path in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert lost.json()["message"] == f"is at {sandbox.head()} but expected {head}"
    assert len(sandbox.log()) == 2


def test_auto_merge_waits_for_approval(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.protect(approvals=1, checks=("ci",))
    sandbox.commit({"a": b"1\n"}, "Change", "side")
    pull = client.post(f"{REPO}/pulls", json={"title": "t", "head": "side", "base": "main"}).json()
    assert pull["mergeable_state"] == "blocked"
    refused = client.put(f"{REPO}/pulls/1/merge")
    assert (refused.status_code, "At least 1 approving review" in refused.text) == (405, True)
    asked = client.post("/graphql", json={"query": AUTO_MERGE, "variables": {"id": pull["node_id"]}}).json()
    assert asked["data"]["enablePullRequestAutoMerge"]["pullRequest"] == {"number": 1}
    sandbox.approve(1)
    assert sandbox.read("a") is None
    sandbox.pass_check(1, "ci")
    assert sandbox.read("a") == b"1\n"
    assert client.get(f"{REPO}/pulls/1").json()["merged"]


def test_auto_merge_refusals(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"a": b"1\n"}, "Change", "side")
    pull = client.post(f"{REPO}/pulls", json={"title": "t", "head": "side", "base": "main"}).json()
    asked = {"query": AUTO_MERGE, "variables": {"id": pull["node_id"]}}
    assert "Pull request is in clean status" in client.post("/graphql", json=asked).text
    sandbox.repository.allow_auto_merge = False
    assert "Auto merge is not allowed for this repository" in client.post("/graphql", json=asked).text
