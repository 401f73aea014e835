"""Files: read one by one and together, written by compare-and-swap, searched; and what that costs in requests."""

import time

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    FileNotFound,
    ManifestInvalid,
    RepositoryNotFound,
    WriteConflict,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import blob_sha
from failover_api.sandbox import EXECUTABLE, Fault, NewFile, Sandbox
from tests.forge.github.against_sandbox.ground import FILES, NEW, OLD, RADARR, SONARR, asked, read
from tests.support.builders import MAIN, REPO

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


def test_a_blob_is_named_as_git_names_it(sandbox: Sandbox) -> None:
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, SONARR)
    assert entry is not None
    assert entry.sha == blob_sha(OLD)
