"""Refs: updateRefs, and the same by REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox import Fault
from tests.sandbox.clients import NOWHERE, REPO, connect, mint, update, update_refs
from tests.support.git import git

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox


def heads(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.repository.branches()


def test_refs_are_made_moved_and_deleted_at_once(sandbox: Sandbox, client: httpx2.Client) -> None:
    first = sandbox.head()
    side = sandbox.commit({"a": b"1\n"}, "Side", "side")
    sandbox.set_branch("old", first)
    updates = update("new", NOWHERE, first), update("main", first, side), update("old", None, NOWHERE)
    assert update_refs(client, *updates) is None
    assert heads(sandbox) == {"main": side, "new": first, "side": side}
    assert git("-C", sandbox.git_dir, "for-each-ref", "--format=%(refname:short)").split() == ["main", "new", "side"]


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (update("side", "HEAD", "HEAD"), "STALE_DATA", 'Expected refs/heads/side to point to "HEAD" but it did not.'),
        (update("side", NOWHERE, "HEAD"), "STALE_DATA", f'Expected refs/heads/side to point to "{NOWHERE}"'),
        (update("gone", "HEAD", "SIDE"), "STALE_DATA", 'Expected refs/heads/gone to point to "HEAD"'),
        (update("gone", None, NOWHERE), "UNPROCESSABLE", "Reference refs/heads/gone does not exist"),
        (update("side", "SIDE", "HEAD"), "UNPROCESSABLE", "Update of refs/heads/side is not a fast forward"),
        (update("side", "SIDE", "1" * 40, force=True), "NOT_FOUND", "Could not resolve to a commit"),
        (update("main", "HEAD", NOWHERE), "UNPROCESSABLE", "Cannot delete the default branch"),
        (update("new", None, "HEAD"), "UNPROCESSABLE", "multiple updates for ref 'refs/heads/new' not allowed"),
        ({"name": "side", "afterOid": "HEAD"}, "UNPROCESSABLE", "side is not a valid ref name."),
    ],
)
def test_one_that_cannot_be_leaves_all_as_they_were(
    sandbox: Sandbox, client: httpx2.Client, wrong: dict[str, Any], kind: str, text: str
) -> None:
    known = {"HEAD": sandbox.head(), "SIDE": sandbox.commit({"a": b"1\n"}, "Side", "side")}
    before = heads(sandbox)
    wrong = {name: known.get(value, value) if isinstance(value, str) else value for name, value in wrong.items()}
    error = update_refs(client, update("new", NOWHERE, known["HEAD"]), wrong)
    for name, sha in known.items():
        text = text.replace(name, sha)
    assert (error["type"], text in error["message"]) == (kind, True), error
    assert heads(sandbox) == before


def test_force_moves_a_ref_anywhere(sandbox: Sandbox, client: httpx2.Client) -> None:
    first, side = sandbox.head(), sandbox.commit({"a": b"1\n"}, "Side", "side")
    assert update_refs(client, update("side", side, first, force=True)) is None
    assert heads(sandbox)["side"] == first


def test_without_before_it_does_not_matter_who_was_faster(sandbox: Sandbox, client: httpx2.Client) -> None:
    first, side = sandbox.head(), sandbox.commit({"a": b"1\n"}, "Side", "side")
    sandbox.faults.add(Fault("race", operation="updateRefs", times=2))
    assert update_refs(client, update("side", side, first, force=True))["type"] == "STALE_DATA"
    assert update_refs(client, update("side", None, first, force=True)) is None
    assert heads(sandbox)["side"] == first


@pytest.mark.parametrize(
    ("kind", "error"), [("ruleset", "UNPROCESSABLE"), ("classic", "BRANCH_PROTECTION_RULE_VIOLATION")]
)
def test_rules_hold_for_it(sandbox: Sandbox, client: httpx2.Client, kind: Any, error: str) -> None:
    first, side = sandbox.head(), sandbox.commit({"a": b"1\n"}, "Side", "side")
    sandbox.protect(kind=kind)
    assert update_refs(client, update("main", first, side))["type"] == error
    sandbox.unprotect()
    sandbox.protect("s*", kind)
    assert update_refs(client, update("side", side, first, force=True))["type"] == error
    assert update_refs(client, update("side", side, NOWHERE))["type"] == error
    assert update_refs(client, update("main", first, side)) is None


def test_permission_is_needed(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url, permissions={"contents": "read"})) as reader:
        assert update_refs(reader, update("new", None, sandbox.head()))["type"] == "FORBIDDEN"


def test_github_may_not_say_that_a_ref_was_stale(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.names_stale_refs = False
    error = update_refs(client, update("main", NOWHERE, sandbox.head()))
    assert "type" not in error
    assert error["message"].startswith("Something went wrong while executing your query.")


def test_git_has_no_room_for_a_branch_below_a_branch(sandbox: Sandbox, client: httpx2.Client) -> None:
    def make(name: str) -> str:
        answer = client.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/{name}", "sha": sandbox.head()})
        return str(answer.json().get("message", answer.status_code))

    assert make("a/b/c") == "201"
    assert [make(name) for name in ("a", "a/b", "a/b/c/d")] == ["Reference update failed"] * 3
    assert make("a/b/c") == "Reference already exists"
    git("-C", sandbox.git_dir, "pack-refs", "--all")
    assert [make(name) for name in ("a", "a/b", "a/b/c/d")] == ["Reference update failed"] * 3
    assert client.delete(f"{REPO}/git/refs/heads/a/b/c").status_code == 204
    assert make("a") == "201"
    assert sorted(heads(sandbox)) == ["a", "main"]


def test_packed_refs_move_and_go(sandbox: Sandbox, client: httpx2.Client) -> None:
    first, side = sandbox.head(), sandbox.commit({"a": b"1\n"}, "Side", "side")
    git("-C", sandbox.git_dir, "gc", "-q")
    assert not (sandbox.git_dir / "refs/heads/side").exists()
    assert update_refs(client, update("main", first, side), update("side", side, NOWHERE)) is None
    assert heads(sandbox) == {"main": side}
    assert git("-C", sandbox.git_dir, "log", "--format=%s", "main").split("\n")[0] == "Side"
    assert git("-C", sandbox.git_dir, "fsck", "--strict") == ""


def test_patch_and_delete_take_a_ref_where_it_is(sandbox: Sandbox, client: httpx2.Client) -> None:
    first, side = sandbox.head(), sandbox.commit({"a": b"1\n"}, "Side", "side")
    back = client.patch(f"{REPO}/git/refs/heads/side", json={"sha": first})
    assert (back.status_code, back.json()["message"]) == (422, "Update is not a fast forward")
    sandbox.faults.add(Fault("race", method="PATCH"))
    forced = client.patch(f"{REPO}/git/refs/heads/side", json={"sha": first, "force": True})
    assert (forced.status_code, forced.json()["object"]["sha"]) == (200, first)
    assert client.patch(f"{REPO}/git/refs/heads/side", json={"sha": side}).status_code == 200
    sandbox.faults.add(Fault("race", method="DELETE"))
    assert client.delete(f"{REPO}/git/refs/heads/side").status_code == 204
    assert heads(sandbox) == {"main": first}


def test_making_a_ref_loses_to_who_was_faster(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.faults.add(Fault("race", method="POST", path=f"{REPO}/git/refs"))
    refused = client.post(f"{REPO}/git/refs", json={"ref": "refs/heads/new", "sha": sandbox.head()})
    assert (refused.status_code, refused.json()["message"]) == (422, "Reference already exists")
    assert sandbox.log("new")[0].message == "Someone else was faster"


def test_trees_and_commits_by_the_git_database(sandbox: Sandbox, url: str) -> None:
    base = sandbox.commit_at()
    x = {"mode": "100644", "type": "blob"}
    with connect(url, mint(sandbox, url)) as app:
        tree = app.post(
            f"{REPO}/git/trees",
            json={
                "base_tree": base.tree,
                "tree": [{**x, "path": "a/b", "content": "b\n"}, {**x, "path": "README.md", "sha": None}],
            },
        ).json()
        given = {"message": "By trees", "tree": tree["sha"], "parents": [base.sha]}
        commit = app.post(f"{REPO}/git/commits", json=given).json()
        named = app.post(f"{REPO}/git/commits", json={**given, "author": {"name": "X", "email": "x@y.z"}}).json()
        gone = app.post(
            f"{REPO}/git/trees", json={"base_tree": base.tree, "tree": [{**x, "path": "no", "sha": None}]}
        ).json()
        both = app.post(f"{REPO}/git/trees", json={"tree": [{**x, "path": "a", "sha": "1" * 40, "content": ""}]}).json()
        moved = app.patch(f"{REPO}/git/refs/heads/main", json={"sha": commit["sha"]})
    assert [c["verification"]["verified"] for c in (commit, named)] == [True, False]
    assert (moved.status_code, sandbox.read("a/b"), sandbox.read("README.md")) == (200, b"b\n", None)
    assert gone["message"] == "GitRPC::BadObjectState"
    assert both["message"].startswith("Must supply either tree.sha or tree.content.")
