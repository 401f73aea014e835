"""Comparisons, lists of commits, and the pull requests of a commit."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.sandbox import Sandbox
from failover_api.sandbox.git import history
from failover_api.sandbox.git.bare import Bare
from failover_api.sandbox.git.objects import Person
from tests.sandbox.clients import REPO, open_pull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2


def test_compare_says_what_the_head_has_beyond_the_base(sandbox: Sandbox, client: httpx2.Client) -> None:
    first = sandbox.head()
    one = sandbox.commit({"a": b"1\n"}, "One", "side")
    two = sandbox.commit({"README.md": b"new\n", "apps/sonarr/deployment.yaml": None}, "Two", "side")
    sandbox.commit({"b": b"2\n"}, "Meanwhile")
    shown = client.get(f"{REPO}/compare/main...acme:side").json()
    assert (shown["status"], shown["ahead_by"], shown["behind_by"], shown["total_commits"]) == ("diverged", 2, 1, 2)
    assert shown["merge_base_commit"]["sha"] == first
    assert [(c["sha"], c["parents"][0]["sha"], c["author"]["login"]) for c in shown["commits"]] == [
        (one, first, "maria"),
        (two, one, "maria"),
    ]
    blob = sandbox.repository.bare.entry(sandbox.commit_at("side").tree, "a")
    assert blob
    assert [(f["filename"], f["status"], f["sha"] == blob.sha) for f in shown["files"]] == [
        ("README.md", "modified", False),
        ("a", "added", True),
        ("apps/sonarr/deployment.yaml", "removed", False),
    ]


def test_compare_comes_whole_or_in_pages(sandbox: Sandbox, client: httpx2.Client) -> None:
    first = sandbox.head()
    shas = [sandbox.commit({"a": b"%d\n" % number}, str(number)) for number in range(5)]
    assert [c["sha"] for c in client.get(f"{REPO}/compare/{first}...main").json()["commits"]] == shas
    page = client.get(f"{REPO}/compare/{first}...main?per_page=3")
    assert ([c["sha"] for c in page.json()["commits"]], len(page.json()["files"])) == (shas[:3], 1)
    rest = client.get(page.links["next"]["url"]).json()
    assert ([c["sha"] for c in rest["commits"]], rest["files"], rest["total_commits"]) == (shas[3:], [], 5)


def test_a_file_that_was_moved_is_renamed(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.commit({"README.md": None, "docs/README.md": b"# homelab\n", "b": b"1\n"}, "Move")
    files = client.get(f"{REPO}/commits/main").json()["files"]
    assert [(f["filename"], f["status"], f.get("previous_filename")) for f in files] == [
        ("b", "added", None),
        ("docs/README.md", "renamed", "README.md"),
    ]


@pytest.mark.parametrize("start", ["side", "SHA"])
def test_commits_start_at_a_branch_or_a_commit(sandbox: Sandbox, client: httpx2.Client, start: str) -> None:
    shas = [sandbox.commit({"a": b"%d\n" % number, "b": b""}, str(number), "side") for number in range(3)]
    start = shas[1] if start == "SHA" else start
    listed = client.get(f"{REPO}/commits?sha={start}&path=a&per_page=2&page=1").json()
    newest = [shas[1], shas[0]] if start in shas else [shas[2], shas[1]]
    assert [commit["sha"] for commit in listed] == newest
    assert client.get(f"{REPO}/commits?sha={start}&path=b").json()[0]["sha"] == shas[0]
    assert client.get(f"{REPO}/commits?sha={'1' * 40}").status_code == 404


def test_pulls_of_a_commit(sandbox: Sandbox, client: httpx2.Client) -> None:
    one, two = (sandbox.commit({name: b"1\n"}, name, "side") for name in ("a", "b"))
    open_pull(client)

    def numbers(sha: str) -> list[int]:
        return [pull["number"] for pull in client.get(f"{REPO}/commits/{sha}/pulls").json()]

    assert [numbers(sha) for sha in (one, two, sandbox.head(), "side")] == [[1], [1], [], [1]]
    squashed = sandbox.merge(1, "squash")
    assert [numbers(sha) for sha in (one, two, squashed, "main")] == [[1], [1], [1], [1]]
    sandbox.commit({"c": b"1\n"}, "c", "other")
    sandbox.close_pull(sandbox.open_pull("other"))
    assert numbers("other") == []
    assert client.get(f"{REPO}/commits/{'1' * 40}/pulls").status_code == 422


def test_pull_requests_are_filtered_and_sorted(sandbox: Sandbox, client: httpx2.Client) -> None:
    for name in ("a", "b", "c"):
        sandbox.commit({name: b"1\n"}, name, name)
        sandbox.open_pull(name)
    sandbox.merge(2)
    sandbox.clock = lambda: sandbox.repository.created_at + 60
    client.post(f"{REPO}/issues/1/comments", json={"body": "hello"})

    def numbers(query: str) -> list[int]:
        return [pull["number"] for pull in client.get(f"{REPO}/pulls?{query}").json()]

    assert numbers("") == [3, 1]
    assert numbers("state=all") == [3, 2, 1]
    assert numbers("state=closed") == [2]
    assert numbers("state=all&direction=asc&per_page=2") == [1, 2]
    assert numbers("state=all&per_page=2&page=2") == [1]
    assert numbers("sort=updated&direction=desc") == [1, 3]
    assert numbers("sort=updated") == [3, 1]
    assert numbers("head=ACME:a") == [1]
    assert numbers("head=acme:A") == []
    assert numbers("base=main&head=acme:c") == [3]
    assert numbers("base=other") == []
    assert numbers("head=a") == [3, 1], "GitHub takes no notice of a head without its owner"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    made = Bare.create(tmp_path_factory.mktemp("history") / "x.git", "main")
    yield made
    made.close()


COUNT = itertools.count()


@given(st.lists(st.tuples(st.sets(st.integers(1, 5), max_size=2), st.integers(0, 2)), min_size=2, max_size=12))
def test_histories_of_any_shape_and_with_any_clock(bare: Bare, shape: list[tuple[set[int], int]]) -> None:
    """Each commit names its parents by how far back they are."""
    tree = bare.put_tree({})
    shas: list[str] = []
    behind: dict[str, set[str]] = {}
    for back, time in shape:
        parents = tuple(shas[-far] for far in sorted(back) if far <= len(shas))
        sha = bare.put_commit(tree, parents, f"{next(COUNT)}", Person("p", "p@p", time))
        behind[sha] = {sha}.union(*(behind[parent] for parent in parents))
        shas.append(sha)
    ours, theirs = shas[-1], shas[-2]
    found = history.diverge(bare, ours, theirs)
    assert {commit.sha for commit in found.ahead} == behind[theirs] - behind[ours]
    assert {commit.sha for commit in found.behind} == behind[ours] - behind[theirs]
    common = behind[ours] & behind[theirs]
    best = {sha for sha in common if not any(sha in behind[other] - {other} for other in common)}
    assert found.meeting in best if common else found.meeting is None
    for old in shas:
        assert history.is_ancestor(bare, old, ours) == (old in behind[ours])
    order = [commit.sha for commit in history.log(bare, ours)]
    assert set(order) == behind[ours]
    assert all(order.index(sha) < order.index(other) for sha in order for other in behind[sha] - {sha})


def test_what_is_written_is_what_git_reads(tmp_path: Path) -> None:
    sandbox = Sandbox.create(tmp_path / "a.git", files={"ä/ö": b"1\n", "big": b"x" * 70_000, "empty": b""})
    sandbox.commit({"ä/ö": b"2\n"}, "Ümlaut\n\nBody")
    again = Sandbox(tmp_path / "a.git")
    repo = again.add_repository("acme/other", {})
    assert repo.branches().keys() == {"main"}
    read = Bare(tmp_path / "a.git")
    commit = read.commit(read.head("main") or "")
    assert (commit.headline, commit.body, commit.author.name) == ("Ümlaut", "Body", "Maria Person")
    assert {path: read.blob(e.sha) for path, e in read.walk(commit.tree) if e.type == "blob"} == {
        "big": b"x" * 70_000,
        "empty": b"",
        "ä/ö": b"2\n",
    }
    for one in (sandbox, again):
        one.close()
    read.close()
