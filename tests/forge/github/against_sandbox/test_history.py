"""The log, the past and what lies between two commits."""

import time

import pytest

from failover_api.errors import FileNotFound, ForgeError
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import blob_sha
from failover_api.sandbox import Fault, Sandbox
from tests.forge.github.against_sandbox.ground import FILES, NEW, OLD, RADARR, SONARR, asked, read
from tests.support.builders import MAIN


async def test_the_log_of_a_file_is_asked_for_once_up_to_a_commit(github: GitHub, sandbox: Sandbox) -> None:
    ours = await github.commit(await read(github, SONARR), {SONARR: NEW}, "Fail over\n\nFailover-Operation: 01JD\n")
    theirs = sandbox.commit({SONARR: OLD}, "By hand")
    sandbox.commit({RADARR: NEW}, "Another file")
    head = await github.head(MAIN, not_before=time.monotonic())
    assert head == sandbox.head()
    asked(sandbox)
    for _ in range(2):
        commits = await github.log(MAIN, SONARR, at=head, not_before=time.monotonic())
    assert asked(sandbox) == ["GET ['commits']"]
    assert [commit.sha for commit in commits[:2]] == [theirs, ours.sha]
    assert [commit.message.partition("\n")[0] for commit in commits] == ["By hand", "Fail over", "Initial commit"]
    assert commits[1].commit == ours
    assert commits[1].by == "sandbox-user"
    assert commits[0].parents == (ours.sha,)
    assert commits[-1].parents == ()
    assert all(commit.at.endswith("Z") for commit in commits)


async def test_the_log_of_a_branch_is_a_304_while_it_stands(github: GitHub, sandbox: Sandbox) -> None:
    for _ in range(2):
        assert len(await github.log(MAIN, not_before=time.monotonic())) == 1
    assert asked(sandbox) == ["GET ['commits']", "GET ['commits'] 304"]
    sandbox.commit({SONARR: NEW}, "By hand")
    assert len(await github.log(MAIN, not_before=time.monotonic())) == 2


async def test_a_long_log_has_pages(github: GitHub, sandbox: Sandbox) -> None:
    for number in range(104):
        sandbox.commit({SONARR: b"n: %d\n" % number}, f"Commit {number}")
    head = sandbox.head()
    pages = [await github.log(MAIN, SONARR, at=head, page=page, not_before=None) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [100, 5, 0]
    assert pages[1][0].message == "Commit 3"


async def test_the_past_is_read_once(github: GitHub, sandbox: Sandbox) -> None:
    before = sandbox.head()
    sandbox.commit({SONARR: NEW, RADARR: None}, "By hand")
    asked(sandbox)
    for _ in range(2):
        snapshot = await github.read_at(MAIN, before, [SONARR, RADARR])
    assert asked(sandbox) == ["repository"]
    assert snapshot.head == before
    assert snapshot.file(SONARR).data == OLD
    assert snapshot.file(RADARR).data == FILES[RADARR]
    now = await github.read_at(MAIN, sandbox.head(), [SONARR, RADARR])
    assert now.file(SONARR).data == NEW
    assert isinstance(now.files[RADARR], FileNotFound)


async def test_the_past_comes_by_rest_when_graphql_is_down(github: GitHub, sandbox: Sandbox) -> None:
    before = sandbox.head()
    sandbox.commit({SONARR: NEW}, "By hand")
    sandbox.faults.add(Fault("status", path="/graphql", status=502, times=None))
    assert (await github.read_at(MAIN, before, [SONARR])).file(SONARR).data == OLD


async def test_two_commits_are_compared(github: GitHub, sandbox: Sandbox) -> None:
    base = sandbox.head()
    sandbox.set_branch("ours", base)
    one = sandbox.commit({SONARR: NEW}, "One", "ours")
    two = sandbox.commit({RADARR: None, "new.yaml": OLD}, "Two", "ours")
    moved = sandbox.commit({"latin.yaml": b"x: 1\n"}, "On main")
    asked(sandbox)
    for _ in range(2):
        beyond = await github.compare(MAIN, moved, two)
    assert asked(sandbox) == ["GET ['compare']"]
    assert beyond.merge_base == base
    assert [commit.sha for commit in beyond.commits] == [one, two]
    assert beyond.files == {SONARR: blob_sha(NEW), RADARR: None, "new.yaml": blob_sha(OLD)}
    assert beyond.is_whole
    same = await github.compare(MAIN, two, two)
    assert (same.merge_base, same.commits, same.files, same.is_whole) == (two, (), {}, True)
    with pytest.raises(ForgeError):
        await github.compare(MAIN, "1" * 40, two)


async def test_more_files_than_github_lists_are_not_whole(github: GitHub, sandbox: Sandbox) -> None:
    base = sandbox.head()
    head = sandbox.commit({f"many/{i}.yaml": OLD for i in range(301)}, "Many")
    beyond = await github.compare(MAIN, base, head)
    assert len(beyond.files) == 300
    assert not beyond.is_whole
