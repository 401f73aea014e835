"""The same adapter against the sandbox: real HTTP, a real repository, and how many requests each thing costs."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.core.catalog import Branch
from failover_api.errors import (
    BranchProtected,
    FileNotFound,
    GitHubPermission,
    GitHubRateLimited,
    ManifestInvalid,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.app_auth import AppCredentials, StaticToken
from failover_api.forge.client import GitHubClient
from failover_api.forge.connections import Connections
from failover_api.forge.github import GitHub
from failover_api.forge.port import Snapshot, blob_sha
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
    with pytest.raises(GitHubRateLimited) as error:
        await read(github, SONARR)
    assert error.value.retry_after_s == 7.0
    before = len(sandbox.requests)
    with pytest.raises(GitHubRateLimited):
        await read(github, SONARR)
    assert len(sandbox.requests) == before
    assert time.monotonic() - started < 1.0


async def test_the_graphql_quota_leaves_rest(github: GitHub, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("rate_limit_primary", path="/graphql", seconds=60))
    assert (await read(github, SONARR, RADARR)).file(RADARR).data == FILES[RADARR]
    asked(sandbox)
    await github.commit(await read(github, SONARR), {SONARR: NEW}, "m")
    assert (await read(github, SONARR, RADARR)).file(SONARR).data == NEW
    assert "repository" not in asked(sandbox)
    with pytest.raises(GitHubRateLimited):
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


async def test_a_commit_is_found_by_its_operation(github: GitHub, sandbox: Sandbox) -> None:
    message = "Fail over\n\nFailover-Service: sonarr\nFailover-Operation: 01JDAAAA\n"
    commit = await github.commit(await read(github, SONARR), {SONARR: NEW}, message)
    sandbox.commit({SONARR: OLD}, "By hand")
    found = await github.find_commit(MAIN, "01JDAAAA", SONARR)
    assert found is not None
    assert found.sha == commit.sha
    assert await github.find_commit(MAIN, "01JDAAA", SONARR) is None
    assert await github.find_commit(MAIN, "01JDAAAA", RADARR) is None


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
    with pytest.raises(GitHubPermission, match="not granted"):
        await read(GitHub(as_app), SONARR)


@pytest.mark.parametrize(("act", "said"), [("suspend", "suspended"), ("uninstall", "installed on acme/homelab")])
async def test_an_app_that_is_gone_is_told_so(as_app: GitHubClient, sandbox: Sandbox, act: str, said: str) -> None:
    getattr(sandbox, act)()
    with pytest.raises(GitHubPermission, match=said):
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


def test_a_blob_is_named_as_git_names_it(sandbox: Sandbox) -> None:
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, SONARR)
    assert entry is not None
    assert entry.sha == blob_sha(OLD)
