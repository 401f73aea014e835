"""The same adapter against the sandbox: real HTTP, a real repository, and how many requests each thing costs."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ManifestInvalid,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import ALWAYS, GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import StaticToken
from failover_api.forge.http.pace import MINUTE
from failover_api.forge.port import PullRequest, Snapshot, blob_sha
from failover_api.sandbox import EXECUTABLE, Fault, NewFile, Sandbox

REPO = "acme/homelab"
MAIN = Branch(REPO, "main")
SONARR, RADARR = "apps/sonarr.yaml", "apps/radarr.yaml"
OLD, NEW = b"role: primary  # \xc3\xa4\r\n", b"role: backup  # \xc3\xa4\r\n"
FILES: dict[str, bytes] = {
    SONARR: OLD,
    RADARR: OLD + b"# radarr\n",
    "latin.yaml": b"a: \xe4\n",
    "binary.yaml": bytes(range(256)),
    "empty.yaml": b"",
    "big.yaml": b"#" * (1024 * 1024 + 1),
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tmp_path / "homelab.git", repository=REPO, files=FILES)
    yield sandbox
    sandbox.close()


@pytest.fixture
def url(sandbox: Sandbox) -> Iterator[str]:
    with sandbox.serve() as url:
        yield url


@pytest.fixture
async def client(sandbox: Sandbox, url: str, tls: ssl.SSLContext) -> AsyncIterator[GitHubClient]:
    """With a person's token."""
    async with httpx2.AsyncClient(verify=tls) as http:
        client = GitHubClient(Connections(lambda: http), base_url=url, timeout_s=5.0)
        client.credentials = StaticToken(value=sandbox.token)
        yield client


@pytest.fixture
async def as_app(sandbox: Sandbox, url: str, tls: ssl.SSLContext, tmp_path: Path) -> AsyncIterator[GitHubClient]:
    """With the GitHub App, as on GitHub Enterprise Server."""
    key_file = tmp_path / "key.pem"
    key_file.write_text(sandbox.private_key_pem, encoding="ascii")
    async with httpx2.AsyncClient(verify=tls) as http:
        client = GitHubClient(Connections(lambda: http), base_url=f"{url}/api/v3", timeout_s=5.0)
        client.credentials = AppCredentials(app_id=sandbox.app_id, key_file=key_file, ask=client.as_app)
        yield client
        await client.credentials.aclose()


@pytest.fixture
def github(client: GitHubClient) -> GitHub:
    return GitHub(client)


async def read(github: GitHub, *paths: str, **how: Any) -> Snapshot:
    return await github.read(MAIN, paths, **{"not_before": time.monotonic(), **how})


def asked(sandbox: Sandbox) -> list[str]:
    """What was asked since the last time, one word each."""
    words = [request.operation or f"{request.method} {request.path.split('/')[4:5]}" for request in sandbox.requests]
    statuses = [f" {request.status}" if request.status in (304, 409) else "" for request in sandbox.requests]
    sandbox.requests.clear()
    return [word + status for word, status in zip(words, statuses, strict=True)]


# One file


async def test_a_cold_read_is_two_requests_and_a_warm_one_a_304(github: GitHub, sandbox: Sandbox) -> None:
    assert (await read(github, SONARR)).file(SONARR).data == OLD
    assert sorted(asked(sandbox)) == ["GET ['contents']", "repository"]
    assert (await read(github, SONARR)).file(SONARR).data == OLD
    assert asked(sandbox) == ["GET ['contents'] 304"]
    await read(github, SONARR, not_before=None)
    assert asked(sandbox) == []


async def test_a_warm_write_is_one_request_and_so_is_each_after_it(github: GitHub, sandbox: Sandbox) -> None:
    await read(github, SONARR)
    asked(sandbox)
    for data in (NEW, OLD, NEW):
        snapshot = await read(github, SONARR, not_before=None)
        commit = await github.commit(snapshot, {SONARR: data}, "Fail over\n\nA: b\n")
        assert asked(sandbox) == ["PUT ['contents']"]
        assert commit.sha == sandbox.head()
        assert sandbox.read(SONARR) == data
    await read(github, SONARR)
    assert asked(sandbox) == ["GET ['contents'] 304"]


@pytest.mark.parametrize("path", ["latin.yaml", "binary.yaml", "empty.yaml"])
async def test_every_byte_arrives(github: GitHub, path: str) -> None:
    assert (await read(github, path)).file(path).data == FILES[path]
    assert (await read(github, path, SONARR)).file(path).data == FILES[path]


async def test_odd_paths_are_read_and_written(github: GitHub, sandbox: Sandbox) -> None:
    path = "apps/ä b/#?%2F&+.yaml"
    sandbox.commit({path: OLD}, "Odd")
    snapshot = await read(github, path)
    await github.commit(snapshot, {path: NEW}, "m")
    assert sandbox.read(path) == NEW
    assert (await read(github, path, SONARR)).file(path).data == NEW


async def test_an_executable_stays_one(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.commit({"run.yaml": NewFile(OLD, EXECUTABLE)}, "Run")
    await github.commit(await read(github, "run.yaml"), {"run.yaml": NEW}, "m")
    await github.commit(await read(github, "run.yaml", at_head=True), {"run.yaml": OLD}, "m")
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, "run.yaml")
    assert entry is not None
    assert entry.mode == 0o100755


@pytest.mark.parametrize("at_head", [False, True])
async def test_what_is_no_regular_file_is_refused(github: GitHub, sandbox: Sandbox, at_head: bool) -> None:
    sandbox.add_symlink("link.yaml", SONARR)
    sandbox.add_submodule("module")
    kinds = {"link.yaml": "symlink", "module": "submodule", "apps": "directory", "big.yaml": "bytes"}
    for path, said in kinds.items():
        with pytest.raises(ManifestInvalid, match=said):
            (await read(github, path, at_head=at_head)).file(path)


@pytest.mark.parametrize("at_head", [False, True])
async def test_what_is_missing_is_named(github: GitHub, at_head: bool) -> None:
    with pytest.raises(FileNotFound, match=r"gone\.yaml: no such file on acme/homelab@main"):
        (await read(github, "gone.yaml", at_head=at_head)).file("gone.yaml")
    for branch in (Branch(REPO, "gone"), Branch("acme/gone", "main")):
        with pytest.raises(RepositoryNotFound):
            await github.read(branch, [SONARR], not_before=None, at_head=at_head)


LISTING = "/repos/acme/homelab/contents/[a]pps"  # a glob: the folder, and not what is in it


@pytest.mark.parametrize("path", ["link.yaml", "apps/link.yaml"])
async def test_a_symlink_is_refused_when_graphql_is_down(github: GitHub, sandbox: Sandbox, path: str) -> None:
    sandbox.add_symlink(path, "apps/sonarr.yaml" if path == "link.yaml" else "sonarr.yaml")
    sandbox.faults.add(Fault("status", path="/graphql", status=502))
    with pytest.raises(ManifestInvalid, match="is a symlink"):
        (await read(github, path)).file(path)
    assert sorted(asked(sandbox)) == ["GET ['contents']", "GET ['contents']", "repository"]


async def test_a_file_is_known_by_its_folder_when_graphql_is_down(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", path="/graphql", status=502, times=None))
    for _ in range(2):
        assert (await read(github, SONARR)).file(SONARR).data == OLD
    assert len(sandbox.requests) == 4
    assert asked(sandbox)[-1] == "GET ['contents'] 304"


async def test_a_symlink_whose_mode_is_unknown_loses_its_compare_and_swap(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.add_symlink("apps/link.yaml", "sonarr.yaml")
    sandbox.faults.add(Fault("status", path="/graphql", status=502))
    sandbox.faults.add(Fault("status", path=LISTING, status=403))
    snapshot = await read(github, "apps/link.yaml")
    assert len(sandbox.faults) == 0
    with pytest.raises(WriteConflict):
        await github.commit(snapshot, {"apps/link.yaml": NEW}, "m")


# Several files


async def test_several_files_are_two_requests_and_then_a_304(github: GitHub, sandbox: Sandbox) -> None:
    snapshot = await read(github, SONARR, RADARR)
    assert sorted(asked(sandbox)) == ["GET ['branches']", "repository"]
    assert snapshot.head == sandbox.head()
    for _ in range(2):
        assert await read(github, SONARR, RADARR) == snapshot
        assert asked(sandbox) == ["GET ['branches'] 304"]


async def test_several_files_are_one_verified_commit(github: GitHub, sandbox: Sandbox) -> None:
    snapshot = await read(github, SONARR, RADARR)
    asked(sandbox)
    commit = await github.commit(snapshot, {SONARR: NEW, RADARR: NEW}, "Fail over\n\nWhy\n\nA: b\n")
    assert asked(sandbox) == ["createCommitOnBranch"]
    assert commit.verified
    assert commit.sha == sandbox.head()
    assert sandbox.log()[0].message.strip() == "Fail over\n\nWhy\n\nA: b"
    assert (sandbox.read(SONARR), sandbox.read(RADARR)) == (NEW, NEW)
    snapshot = await read(github, SONARR, RADARR, not_before=None)
    assert asked(sandbox) == []
    assert snapshot.head == commit.sha
    assert snapshot.file(RADARR).data == NEW


async def test_250_files_are_three_queries(github: GitHub, sandbox: Sandbox) -> None:
    present = {f"many/{i}.yaml": f"n: {i}\n".encode() for i in range(240)}
    sandbox.commit(present, "Many")
    paths = [*present, *(f"many/gone-{i}.yaml" for i in range(10))]
    snapshot = await read(github, *paths, at_head=True)
    assert sorted(asked(sandbox)) == ["GET ['branches']", *["repository"] * 3]
    assert {path: snapshot.file(path).data for path in present} == present
    assert all(isinstance(snapshot.files[path], FileNotFound) for path in paths[240:])


async def test_a_person_who_was_faster_is_never_overwritten(github: GitHub, sandbox: Sandbox) -> None:
    one, two = await read(github, SONARR), await read(github, SONARR, RADARR)
    theirs = sandbox.commit({SONARR: b"role: theirs\n"}, "By hand")
    for snapshot in (one, two):
        with pytest.raises(WriteConflict):
            await github.commit(snapshot, {SONARR: NEW}, "m")
    assert sandbox.head() == theirs


async def test_a_race_within_the_write_is_a_conflict(github: GitHub, sandbox: Sandbox) -> None:
    snapshot = await read(github, SONARR, RADARR)
    sandbox.faults.add(Fault("race", operation="createCommitOnBranch"))
    with pytest.raises(WriteConflict):
        await github.commit(snapshot, {SONARR: NEW, RADARR: NEW}, "m")
    assert sandbox.read(SONARR) == OLD


async def test_another_files_commit_does_not_stop_a_put(github: GitHub, sandbox: Sandbox) -> None:
    snapshot = await read(github, SONARR)
    sandbox.commit({RADARR: NEW}, "By hand")
    await github.commit(snapshot, {SONARR: NEW}, "m")
    assert (sandbox.read(SONARR), sandbox.read(RADARR)) == (NEW, NEW)


async def test_rest_has_the_same_when_graphql_is_down(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.add_symlink("link.yaml", SONARR)
    sandbox.faults.add(Fault("status", path="/graphql", status=502, times=None))
    snapshot = await read(github, SONARR, "latin.yaml", "gone.yaml", "link.yaml")
    assert snapshot.head == sandbox.head()
    assert snapshot.file("latin.yaml").data == FILES["latin.yaml"]
    assert isinstance(snapshot.files["gone.yaml"], FileNotFound)
    assert isinstance(snapshot.files["link.yaml"], ManifestInvalid)


# Lag


async def test_one_file_is_not_read_from_before_our_write(github: GitHub, sandbox: Sandbox) -> None:
    await github.commit(await read(github, SONARR), {SONARR: NEW}, "m")
    sandbox.faults.add(Fault("stale", path="/repos/acme/homelab/contents", times=2))
    assert (await read(github, SONARR)).file(SONARR).data == NEW


@pytest.mark.parametrize("seen_before", [False, True])
@pytest.mark.parametrize("several", [False, True])
async def test_a_head_is_not_read_from_before_our_write(
    github: GitHub, sandbox: Sandbox, seen_before: bool, several: bool
) -> None:
    snapshot = await read(github, SONARR, at_head=several)
    if seen_before:
        await read(github, SONARR, RADARR)
    commit = await github.commit(snapshot, {SONARR: NEW}, "m")
    sandbox.faults.add(Fault("stale", path="/repos/acme/homelab/branches"))
    sandbox.faults.add(Fault("stale", path="/graphql"))
    seen = await read(github, SONARR, RADARR)
    assert seen.head == commit.sha
    assert seen.file(SONARR).data == NEW


# Faults


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


# Searching


async def test_files_are_listed_and_read_a_hundred_at_a_time(github: GitHub, sandbox: Sandbox) -> None:
    texts = {f"many/{i}.yaml": f"n: {i}\n".encode() for i in range(130)}
    sandbox.commit(texts, "Many")
    sandbox.add_symlink("link.yaml", SONARR)
    sandbox.add_submodule("module")
    entries = await github.list_files(MAIN, not_before=None)
    assert {entry.path for entry in entries} == {*FILES, *texts, ".gitmodules"}
    asked(sandbox)
    wanted = [entry for entry in entries if entry.path in texts]
    assert await github.read_blobs(MAIN, wanted) == texts
    assert asked(sandbox) == ["repository"] * 2
    odd = [entry for entry in entries if entry.path in ("latin.yaml", "binary.yaml", "empty.yaml")]
    assert await github.read_blobs(MAIN, odd) == {entry.path: FILES[entry.path] for entry in odd}


async def test_a_listing_is_asked_for_again_with_its_etag(github: GitHub, sandbox: Sandbox) -> None:
    await github.list_files(MAIN, not_before=time.monotonic())
    await github.list_files(MAIN, not_before=time.monotonic())
    assert asked(sandbox) == ["GET ['git']", "GET ['git'] 304"]


# History


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


# Many files


async def test_when_many_files_are_known_a_tree_says_what_changed(github: GitHub, sandbox: Sandbox) -> None:
    present = {f"many/{i}.yaml": f"n: {i}\n".encode() for i in range(250)}
    sandbox.commit(present, "Many")
    await read(github, *present)
    asked(sandbox)
    sandbox.commit({"many/7.yaml": NEW, "many/8.yaml": None, "other.yaml": OLD}, "By hand")
    sandbox.add_symlink("many/9.yaml", "7.yaml")
    snapshot = await read(github, *present)
    assert asked(sandbox) == ["GET ['branches']", "GET ['git']", "repository"]
    assert snapshot.head == sandbox.head()
    assert snapshot.file("many/7.yaml").data == NEW
    assert isinstance(snapshot.files["many/8.yaml"], FileNotFound)
    assert isinstance(snapshot.files["many/9.yaml"], ManifestInvalid)
    assert snapshot.file("many/10.yaml").data == present["many/10.yaml"]
    sandbox.commit({"other.yaml": NEW}, "By hand")
    await read(github, *present)
    assert asked(sandbox) == ["GET ['branches']", "GET ['git']"]


async def test_without_a_whole_tree_all_files_are_read(github: GitHub, sandbox: Sandbox) -> None:
    present = {f"many/{i}.yaml": f"n: {i}\n".encode() for i in range(150)}
    sandbox.commit(present, "Many")
    await read(github, *present)
    sandbox.tree_limit = 100
    sandbox.commit({"many/149.yaml": NEW}, "By hand")
    asked(sandbox)
    assert (await read(github, *present)).file("many/149.yaml").data == NEW
    assert sorted(asked(sandbox)) == ["GET ['branches']", "GET ['git']", "repository", "repository"]


# Branches of our own

OURS = Branch(REPO, "failover/sonarr")


async def test_a_branch_is_made_once(github: GitHub, sandbox: Sandbox) -> None:
    assert await github.branch_head(OURS) is None
    await github.create_branch(OURS, sandbox.head())
    assert await github.branch_head(OURS) == sandbox.head()
    with pytest.raises(WriteConflict, match="Reference already exists"):
        await github.create_branch(OURS, sandbox.head())
    for branch in (Branch("acme/gone", "x"), Branch("acme/gone", "main")):
        with pytest.raises(RepositoryNotFound):
            await github.create_branch(branch, sandbox.head())
        with pytest.raises(RepositoryNotFound):
            await github.branch_head(branch)


async def test_a_branch_of_our_own_is_committed_to(github: GitHub, sandbox: Sandbox) -> None:
    snapshot = await read(github, SONARR)
    await github.create_branch(OURS, sandbox.head())
    commit = await github.commit(Snapshot(OURS, snapshot.files), {SONARR: NEW}, "m")
    assert await github.branch_head(OURS) == commit.sha == sandbox.head(OURS.name)
    assert (sandbox.read(SONARR), sandbox.read(SONARR, OURS.name)) == (OLD, NEW)


@pytest.mark.parametrize("graphql", ["up", "down"])
async def test_a_commit_beside_the_branches_is_whole(github: GitHub, sandbox: Sandbox, graphql: str) -> None:
    parent = sandbox.commit({"run.yaml": NewFile(OLD, EXECUTABLE)}, "Run")
    if graphql == "down":
        sandbox.faults.add(Fault("status", path="/graphql", status=502, times=None))
    files = {SONARR: NEW, "run.yaml": b"\xef\xbb\xbfa: 1\r\n", "new.yaml": NEW}
    commit = await github.make_commit(MAIN, parent, files, "Headline\n\nBody\n")
    assert sandbox.head() == parent
    sandbox.set_branch("shown", commit.sha)
    assert {path: sandbox.read(path, "shown") for path in files} == files
    assert sandbox.read(RADARR, "shown") == FILES[RADARR]
    made = sandbox.commit_at("shown")
    assert (made.parents, made.message.strip()) == ((parent,), "Headline\n\nBody")
    modes = {path: sandbox.repository.bare.entry(made.tree, path) for path in files}
    assert {path: entry.mode for path, entry in modes.items() if entry} == {
        SONARR: 0o100644,
        "run.yaml": 0o100755,
        "new.yaml": 0o100644,
    }


async def test_a_commit_that_nobody_sees_is_asked_for_again(github: GitHub, sandbox: Sandbox) -> None:
    for path in ("/repos/acme/homelab/git/trees", "/repos/acme/homelab/git/commits"):
        sandbox.faults.add(Fault("lost_reply", method="POST", path=path))
    commit = await github.make_commit(MAIN, sandbox.head(), {SONARR: NEW}, "m")
    assert len(sandbox.faults) == 0
    sandbox.set_branch("shown", commit.sha)
    assert sandbox.read(SONARR, "shown") == NEW


async def test_a_branch_is_moved_back_and_forth(github: GitHub, sandbox: Sandbox) -> None:
    before = sandbox.head()
    await github.create_branch(OURS, before)
    after = (await github.make_commit(MAIN, before, {SONARR: NEW}, "m")).sha
    for start, end in ((before, after), (after, before)):
        await github.move_branch(OURS, start, end)
        assert await github.branch_head(OURS) == sandbox.head(OURS.name) == end


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("theirs", ["pushed", "deleted"])
async def test_what_a_person_pushed_is_never_moved_away(
    github: GitHub, sandbox: Sandbox, named: bool, theirs: str
) -> None:
    before = sandbox.head()
    await github.create_branch(OURS, before)
    after = (await github.make_commit(MAIN, before, {SONARR: NEW}, "m")).sha
    pushed = sandbox.commit({SONARR: b"role: theirs\n"}, "By hand", OURS.name) if theirs == "pushed" else None
    sandbox.set_branch(OURS.name, pushed)
    sandbox.names_stale_refs = named
    with pytest.raises(WriteConflict):
        await github.move_branch(OURS, before, after)
    assert await github.branch_head(OURS) == pushed


@pytest.mark.parametrize(
    ("kind", "expected"), [("lost_reply", None), ("truncated", None), ("lost_request", WriteUnknown)]
)
async def test_a_move_whose_reply_was_lost_is_read_back(
    github: GitHub, sandbox: Sandbox, kind: Any, expected: type[Exception] | None
) -> None:
    before = sandbox.head()
    await github.create_branch(OURS, before)
    after = (await github.make_commit(MAIN, before, {SONARR: NEW}, "m")).sha
    sandbox.faults.add(Fault(kind, operation="updateRefs"))
    if expected is None:
        await github.move_branch(OURS, before, after)
    else:
        with pytest.raises(expected):
            await github.move_branch(OURS, before, after)
    assert len(sandbox.operations("updateRefs")) == 1
    assert sandbox.head(OURS.name) == (after if expected is None else before)


async def test_where_updaterefs_is_not_known_a_branch_is_moved_all_the_same(github: GitHub, sandbox: Sandbox) -> None:
    before = sandbox.head()
    await github.create_branch(OURS, before)
    after = (await github.make_commit(MAIN, before, {SONARR: NEW}, "m")).sha
    message = "Field 'updateRefs' doesn't exist on type 'Mutation'"
    body = {"errors": [{"message": message, "locations": [{"line": 2, "column": 3}]}]}
    sandbox.faults.add(Fault("status", operation="updateRefs", status=200, body=body, times=None))
    await github.move_branch(OURS, before, after)
    assert sandbox.head(OURS.name) == after
    with pytest.raises(WriteConflict):
        await github.move_branch(OURS, before, after)


# Pull requests


async def propose(github: GitHub, sandbox: Sandbox, branch: Branch = OURS, **how: Any) -> PullRequest:
    """Opens a pull request for SONARR."""
    await github.create_branch(branch, sandbox.head())
    snapshot = Snapshot(branch, (await read(github, SONARR)).files)
    await github.commit(snapshot, {SONARR: NEW}, "Fail over sonarr")
    wish = {"title": "Fail over sonarr", "body": "Why", "draft": False, **how}
    return await github.create_pull_request(MAIN, branch.name, **wish)


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
        assert await github.open_pull_requests(MAIN, [OURS.name], not_before=ALWAYS) == [opened]
        assert await github.open_pull_requests(MAIN, [OURS.name, "failover/group-media"], not_before=ALWAYS) == [opened]
        assert await github.pull_requests(MAIN, OURS.name, not_before=time.monotonic()) == [opened]
    assert asked(sandbox) == [*["GET ['pulls']"] * 3, *["GET ['pulls'] 304"] * 3]
    assert await github.open_pull_requests(MAIN, ["failover/sonar"], not_before=ALWAYS) == []
    assert await github.open_pull_requests(Branch(REPO, "next"), [OURS.name], not_before=ALWAYS) == []


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
    assert await github.open_pull_requests(MAIN, ["failover/group-media", OURS.name], not_before=ALWAYS) == [
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
    assert await github.open_pull_requests(MAIN, [OURS.name], not_before=ALWAYS) == []
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
    assert len(await github.open_pull_requests(MAIN, [OURS.name], not_before=ALWAYS)) == (kind == "lost_reply")


# The pace of writes


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


# As an App


async def test_an_app_reads_and_writes_with_one_token(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    snapshots = await asyncio.gather(*(github.read(MAIN, [SONARR], not_before=None) for _ in range(5)))
    commit = await github.commit(snapshots[0], {SONARR: NEW}, "m")
    assert commit.verified
    paths = [request.path for request in sandbox.requests]
    assert paths.count("/app/installations/2001/access_tokens") == 1
    assert paths.count("/repos/acme/homelab/installation") == 1


async def test_a_revoked_token_is_replaced(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    await github.read(MAIN, [SONARR], not_before=None)
    sandbox.revoke_tokens()
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    as_app.sleep = note
    assert (await read(github, SONARR)).file(SONARR).data == OLD
    assert waited == [1.0, 2.0]


async def test_a_token_that_is_not_ready_is_given_time(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("token_not_ready", path="/repos/acme/homelab/branches"))
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    as_app.sleep = note
    checks = await GitHub(as_app).check(MAIN)
    assert all(check.ok for check in checks)
    assert waited == [1.0]


async def test_an_app_without_the_permission_is_told_which(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.permissions["contents"] = "read"
    with pytest.raises(ForgePermission, match="not granted"):
        await read(GitHub(as_app), SONARR)


@pytest.mark.parametrize(("act", "said"), [("suspend", "suspended"), ("uninstall", "installed on acme/homelab")])
async def test_an_app_that_is_gone_is_told_so(as_app: GitHubClient, sandbox: Sandbox, act: str, said: str) -> None:
    getattr(sandbox, act)()
    with pytest.raises(ForgePermission, match=said):
        await read(GitHub(as_app), SONARR)


async def test_the_check_of_an_app_names_it(as_app: GitHubClient, sandbox: Sandbox) -> None:
    checks = await GitHub(as_app).check(MAIN)
    assert [check.ok for check in checks] == [True] * 4
    assert checks[0].detail == "App sandbox-app, installation 2001, may contents: write, metadata: read"
    sandbox.protect()
    assert not (await GitHub(as_app).check(MAIN))[-1].ok


async def test_a_token_sees_no_other_repository(as_app: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.add_repository("acme/other", {SONARR: OLD})
    github = GitHub(as_app)
    await github.read(MAIN, [SONARR], not_before=None)
    token = await as_app.credentials.token(REPO)
    other = Branch("acme/other", "main")
    await github.read(other, [SONARR], not_before=None)
    assert (await as_app.credentials.token("acme/other")).value != token.value


async def test_an_app_takes_the_token_for_pull_requests_only_for_them(as_app: GitHubClient, sandbox: Sandbox) -> None:
    github = GitHub(as_app)
    opened = await propose(github, sandbox)
    await github.enable_auto_merge(MAIN, opened, None)
    assert sandbox.read(SONARR) == NEW
    minted = [json.loads(one.body)["permissions"] for one in sandbox.requests if one.path.endswith("/access_tokens")]
    assert minted == [
        {"contents": "write", "metadata": "read"},
        {"contents": "write", "metadata": "read", "pull_requests": "write"},
    ]


async def test_an_app_without_pull_requests_commits_all_the_same(as_app: GitHubClient, sandbox: Sandbox) -> None:
    del sandbox.permissions["pull_requests"]
    github = GitHub(as_app)
    await github.commit(await read(github, SONARR), {SONARR: NEW}, "m")
    assert (await github.check(MAIN))[-1].ok
    with pytest.raises(ForgePermission, match="pull_requests: write"):
        await github.open_pull_requests(MAIN, [OURS.name], not_before=ALWAYS)
    checks = await github.check(MAIN, pulls=True)
    assert (checks[-1].name, checks[-1].ok) == ("pull requests acme/homelab@main", False)
    assert "pull_requests: write" in checks[-1].detail


@pytest.mark.parametrize("kind", ["ruleset", "classic"])
async def test_a_branch_that_demands_pull_requests_is_right_for_them(
    as_app: GitHubClient, sandbox: Sandbox, kind: Any
) -> None:
    sandbox.protect(kind=kind)
    checks = await GitHub(as_app).check(MAIN, pulls=True)
    assert [check.ok for check in checks] == [True] * 5
    assert checks[3].detail == "may pull_requests: write"


async def test_an_app_signs_a_commit_beside_the_branches(as_app: GitHubClient, sandbox: Sandbox) -> None:
    commit = await GitHub(as_app).make_commit(MAIN, sandbox.head(), {SONARR: NEW}, "m")
    assert commit.verified


def test_a_blob_is_named_as_git_names_it(sandbox: Sandbox) -> None:
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, SONARR)
    assert entry is not None
    assert entry.sha == blob_sha(OLD)
