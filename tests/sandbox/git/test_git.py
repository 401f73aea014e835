"""Git itself finds a sound repository, at any moment."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox import EXECUTABLE, NewFile, Sandbox
from tests.support.git import git

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2


def test_clone_log_and_fsck(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.commit({"run.sh": NewFile(b"#!/bin/sh\n", EXECUTABLE), "apps/radarr/deployment.yaml": None}, "Second")
    sandbox.add_symlink("link", "README.md")
    git("clone", "-q", sandbox.git_dir, tmp_path / "clone")
    assert (tmp_path / "clone/link").readlink().name == "README.md"
    assert (tmp_path / "clone/run.sh").stat().st_mode & 0o100
    assert not (tmp_path / "clone/apps/radarr").exists()
    assert git("-C", sandbox.git_dir, "fsck", "--strict") == ""
    subjects = git("-C", sandbox.git_dir, "log", "--format=%s%x09%an").splitlines()
    assert subjects == ["Link link to README.md\tMaria Person", "Second\tMaria Person", "Initial commit\tMaria Person"]
    assert [commit.headline for commit in sandbox.log()] == [line.partition("\t")[0] for line in subjects]


def test_clone_while_commits_land(sandbox: Sandbox, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            sandbox.commit({f"apps/a{number % 7}/x.yaml": b"v: %d\n" % number}, f"Commit {number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            git("clone", "-q", "--no-local", sandbox.git_dir, tmp_path / f"clone{number}")
            git("-C", tmp_path / f"clone{number}", "fsck", "--strict")
    finally:
        stop.set()
        writer.join()
    assert git("-C", sandbox.git_dir, "fsck", "--strict") == ""


def test_a_push_is_seen(sandbox: Sandbox, tmp_path: Path, client: httpx2.Client) -> None:
    clone = tmp_path / "clone"
    git("clone", "-q", sandbox.git_dir, clone)
    (clone / "README.md").write_text("pushed\n")
    identity = ("-c", "user.name=Jonas", "-c", "user.email=jonas@example.com")
    git("-C", clone, *identity, "commit", "-qam", "Pushed")
    git("-C", clone, "push", "-q")
    git("-C", sandbox.git_dir, "gc", "-q")
    assert sandbox.read("README.md") == b"pushed\n"
    answer = client.get("/repos/acme/homelab/contents/README.md", headers={"Accept": "application/vnd.github.raw"})
    assert answer.content == b"pushed\n"
    sandbox.commit({"README.md": b"after\n"}, "After gc")
    assert git("-C", sandbox.git_dir, "fsck", "--strict") == ""


def test_twenty_thousand_files_are_a_repository_like_any_other(tmp_path: Path) -> None:
    files = {f"clusters/c{n % 20}/app{n // 20}/file.yaml": b"n: %d\n" % n for n in range(20_000)}
    sandbox = Sandbox.create(tmp_path / "large.git", files=files)
    sandbox.commit({"clusters/c3/app7/file.yaml": b"changed\n"}, "One file")
    assert sandbox.read("clusters/c3/app7/file.yaml") == b"changed\n"
    sandbox.close()


def test_a_push_at_the_same_moment_wins(sandbox: Sandbox, client: httpx2.Client) -> None:
    lock = sandbox.git_dir / "refs/heads/main.lock"
    lock.touch()
    body = {"message": "m", "content": "eAo="}
    assert client.put("/repos/acme/homelab/contents/a", json=body).status_code == 409
    lock.unlink()
    assert client.put("/repos/acme/homelab/contents/a", json=body).status_code == 201


def test_many_commits_leave_few_packs(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(120):
        sandbox.commit({f"a/{number % 5}": b"%d\n" % number}, f"Commit {number}")
    assert len(list((sandbox.git_dir / "objects/pack").glob("*.pack"))) <= 52
    git("clone", "-q", "--no-local", sandbox.git_dir, tmp_path / "clone")
    assert len(git("-C", tmp_path / "clone", "log", "--format=%s").splitlines()) == 121
    assert git("-C", sandbox.git_dir, "fsck", "--strict") == ""
    assert sandbox.read("README.md") == b"# homelab\n"


def test_a_branch_that_cannot_be_is_said_to_be_so(sandbox: Sandbox) -> None:
    sandbox.commit({"a": b"1\n"}, "m", "side/one")
    with pytest.raises(ValueError, match="branch side cannot be moved"):
        sandbox.set_branch("side", sandbox.head())


def test_time_is_the_sandbox_s(sandbox: Sandbox) -> None:
    sandbox.clock = lambda: 1_000_000_000.5
    sandbox.commit({"a": b"1\n"}, "m", "side")
    number = sandbox.open_pull("side")
    assert (sandbox.log("side")[0].committer.time, sandbox.pull(number).created_at) == (1_000_000_000,) * 2
