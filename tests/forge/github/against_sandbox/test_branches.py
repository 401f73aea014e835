"""Branches of our own, and commits beside them."""

from typing import Any

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.errors import RepositoryNotFound, WriteConflict, WriteUnknown
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import Snapshot
from failover_api.sandbox import EXECUTABLE, Fault, NewFile, Sandbox
from tests.forge.github.against_sandbox.ground import FILES, NEW, OLD, OURS, RADARR, SONARR, read
from tests.support.builders import MAIN


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
