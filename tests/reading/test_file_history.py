"""`git mv`: history, last move and rollback follow a file through its renames."""

import itertools

import pytest

from failover_api.core.catalog.model import Action
from failover_api.errors import NothingToRollBack
from failover_api.reading.file_history import RENAMES_FOLLOWED
from failover_api.reading.history import Entry
from failover_api.wiring import Components
from tests.support.acts import move, number
from tests.support.stage import FILES, PLEX, RADARR, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, deployment, entry

NEW = "apps/tv/sonarr.yaml"


def rename(stage: Stage, old: str, new: str, message: str = "git mv", **edits: str) -> str:
    """As `git mv` and a commit; `edits` are made in the same commit."""
    text = (stage.read(old) or b"").decode()
    for before, after in edits.items():
        assert before in text
        text = text.replace(before, after)
    return stage.commit({old: None, new: text}, message)


async def shown(components: Components, name: str = "sonarr") -> list[str]:
    def one(entry: Entry) -> str:
        return f"{entry.record.action} {entry.verified}" if entry.record else entry.subject

    return [one(entry) for entry in (await components.failover.history(name, limit=20)).entries]


async def last(components: Components, name: str = "sonarr") -> set[str | None]:
    """The operation of the last move, by status and by list."""
    alone = (await components.failover.status(name)).last_move
    listed = {one.service.name: getattr(one, "last_move", None) for one in await components.failover.list_all()}[name]
    return {one.record.operation if one and one.record else None for one in (alone, listed)}


@pytest.mark.parametrize("how", ["found", "path"])
async def test_history_last_move_and_rollback_follow_a_rename(stage: Stage, how: str) -> None:
    async with stage.open() as warm:
        first = await move(warm)
        rename(stage, SONARR, NEW)
        if how == "path":
            stage.declare(entry("sonarr", "media", f"path: {NEW}"))
        async with stage.open() as cold:
            for components in (cold, warm) if how == "found" else (cold,):
                assert await shown(components) == ["git mv", "promote True", "Initial commit"]
                assert await last(components) == {first.operation}
            rehearsed = await move(cold, action=Action.ROLLBACK, dry_run=True)
            outcome = await move(cold, action=Action.ROLLBACK)
    assert rehearsed.changed
    assert outcome.plan.reverts == first.operation
    assert (stage.read(NEW), stage.read(SONARR)) == (FILES[SONARR], None)


async def test_a_file_that_was_edited_while_it_was_moved(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        rename(stage, SONARR, NEW, **{"sonarr:1.0": "sonarr:1.1"})
        assert await shown(components) == ["git mv", "promote True", "Initial commit"]
        outcome = await move(components, action=Action.ROLLBACK)
    assert outcome.plan.reverts == first.operation
    assert stage.read(NEW) == FILES[SONARR].replace(b"sonarr:1.0", b"sonarr:1.1")


async def test_a_file_that_was_rewritten_while_it_was_moved_is_known_by_its_document(stage: Stage) -> None:
    """GitHub calls it removed and added: too little of it is the same."""
    async with stage.open() as components:
        first = await move(components)
        text = deployment("sonarr", role="backup", claim="pvc-sonarr-backup").replace(
            "spec:", "spec:\n" + "  # note\n" * 60, 1
        )
        stage.commit({SONARR: None, NEW: text}, "Rewritten")
        changed = stage.github("GET", f"/commits/{stage.sandbox.head(repository=stage.repository)}")["files"]
        assert {file["status"] for file in changed} == {"added", "removed"}
        assert await shown(components) == ["Rewritten", "promote True", "Initial commit"]
        assert (await move(components, action=Action.ROLLBACK)).plan.reverts == first.operation


async def test_there_and_back(stage: Stage) -> None:
    async with stage.open() as components, stage.open() as cold:
        await move(components)
        rename(stage, SONARR, NEW, "There")
        second = await move(components, action=Action.DEMOTE)
        rename(stage, NEW, SONARR, "And back")
        assert await shown(cold) == ["And back", "demote True", "There", "promote True", "Initial commit"]
        assert await last(cold) == {second.operation}
        outcome = await move(cold, action=Action.ROLLBACK)
    assert outcome.plan.reverts == second.operation
    assert b"role: backup" in (stage.read(SONARR) or b"")


async def test_a_folder_that_was_renamed_takes_all_files_of_a_service_along(stage: Stage) -> None:
    new = {path: path.replace("apps/media/plex", "apps/tv/plex") for path in (RELEASE, VOLSYNC)}
    async with stage.open() as components:
        first = await move(components, "plex")
    stage.commit({**dict.fromkeys(new), **{now: stage.read(path) for path, now in new.items()}}, "git mv")
    stage.declare(PLEX.replace("apps/media/plex", "apps/tv/plex"))
    async with stage.open() as components:
        assert await shown(components, "plex") == ["git mv", "promote True", "Initial commit"]
        assert await last(components, "plex") == {first.operation}
        await move(components, "plex", Action.ROLLBACK)
    assert {path: stage.read(now) for path, now in new.items()} == {path: FILES[path] for path in new}


async def test_of_two_files_one_was_renamed_between_two_moves(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components, "plex")
        rename(stage, VOLSYNC, "apps/sync.yaml")
    stage.declare(PLEX.replace(VOLSYNC, "apps/sync.yaml"))
    async with stage.open() as components:
        second = await move(components, "plex", Action.DEMOTE)
        assert await shown(components, "plex") == ["demote True", "git mv", "promote True", "Initial commit"]
        assert (await move(components, "plex", Action.ROLLBACK)).plan.reverts == second.operation
        assert (await shown(components, "plex"))[:2] == ["rollback True", "demote True"]


async def test_a_rename_chain_is_followed_and_paged_through(stage: Stage) -> None:
    names = [SONARR, *(f"apps/step-{step}.yaml" for step in range(4))]
    async with stage.open() as components:
        for old, new in itertools.pairwise(names):
            await move(components, action=Action.DEMOTE if len(stage.moves) % 2 else Action.PROMOTE)
            rename(stage, old, new)
        whole = await shown(components)
        found, page = [], await components.failover.history("sonarr", limit=2)
        found += page.entries
        while page.next:
            page = await components.failover.history("sonarr", limit=2, cursor=page.next)
            found += page.entries
    assert len(whole) == 9
    assert [one.record.action if one.record else one.subject for one in found] == [
        text.removesuffix(" True") for text in whole
    ]


async def test_so_many_renames_are_followed_and_no_more(stage: Stage) -> None:
    names = [SONARR, *(f"apps/step-{step}.yaml" for step in range(RENAMES_FOLLOWED))]
    async with stage.open() as components:
        await move(components)
    for old, new in itertools.pairwise(names):
        rename(stage, old, new)
    stage.declare(entry("sonarr", "media", f"path: {names[-1]}"))
    async with stage.open() as components:
        with pytest.raises(NothingToRollBack, match=f"{RENAMES_FOLLOWED} renames of {names[-1]} were followed"):
            await move(components, action=Action.ROLLBACK)


async def test_a_copy_is_no_rename(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
    stage.commit({NEW: stage.read(SONARR)}, "Copy")
    stage.declare(entry("sonarr", "media", f"path: {NEW}"))
    async with stage.open() as components:
        assert await shown(components) == ["Copy"]
        assert await last(components) == {None}


async def test_another_manifest_that_went_at_the_same_time_is_not_what_came(stage: Stage) -> None:
    """GitHub would call it renamed: manifests are much alike."""
    stage.commit({"apps/lidarr.yaml": deployment("lidarr")}, "lidarr")
    stage.commit({"apps/lidarr.yaml": None, "apps/bazarr.yaml": deployment("bazarr")}, "bazarr for lidarr")
    changed = stage.github("GET", f"/commits/{stage.sandbox.head(repository=stage.repository)}")["files"]
    assert {file["status"] for file in changed} == {"renamed"}
    stage.declare(entry("bazarr"))
    async with stage.open() as components:
        assert await shown(components, "bazarr") == ["bazarr for lidarr"]


async def test_where_a_history_ends_is_said(stage: Stage) -> None:
    """A document that was taken into another file: Git does not know where it was."""
    async with stage.open() as components:
        await move(components)
        text = (stage.read(SONARR) or b"").decode()
        sha = stage.commit({SONARR: "# empty\n", NEW: text}, "Split")
    stage.declare(entry("sonarr", "media", f"path: {NEW}"))
    async with stage.open() as components:
        with pytest.raises(NothingToRollBack, match=f"{NEW} begins with commit {sha[:12]}"):
            await move(components, action=Action.ROLLBACK)


@pytest.mark.parametrize("edits", [0, 5])
async def test_a_document_that_was_put_into_another_file_is_said_to_have_come_there(stage: Stage, edits: int) -> None:
    async with stage.open() as components:
        await move(components)
    stage.replace(RADARR, "radarr:1.0", "radarr:1")
    both = (stage.read(RADARR) or b"") + b"---\n" + (stage.read(SONARR) or b"")
    sha = stage.commit({SONARR: None, RADARR: both}, "One file for all")
    for edit in range(edits):
        stage.replace(RADARR, f"radarr:{edit + 1}", f"radarr:{edit + 2}")
    async with stage.open() as components:
        with pytest.raises(NothingToRollBack, match=f"{RADARR} has its document since commit {sha[:12]}; "):
            await move(components, action=Action.ROLLBACK)


async def test_a_rename_that_says_it_was_a_move_is_an_edit_and_followed(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        quoted = stage.moves[0].partition("\n")[2]
        rename(stage, SONARR, NEW, f"git mv\n{quoted}")
        assert await shown(components) == ["git mv", "promote True", "Initial commit"]
        assert await last(components) == {first.operation}


async def test_a_key_is_found_behind_a_rename(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components, key="alert-1")
        rename(stage, SONARR, NEW)
        await move(components, action=Action.DEMOTE)
        again = await move(components, key="alert-1")
    assert again.operation == first.operation
    assert [change.new for change in again.plan.changes] == [change.new for change in first.plan.changes]


async def test_without_graphql_a_rename_is_followed_too(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        rename(stage, SONARR, NEW)
    stage.fault("status", operation="repository", status=502, times=None)
    async with stage.open() as components:
        outcome = await move(components, action=Action.ROLLBACK)
    assert outcome.plan.reverts == first.operation
    assert stage.read(NEW) == FILES[SONARR]


# Pull requests


@pytest.mark.parametrize("action", [Action.PROMOTE, Action.ROLLBACK])
async def test_an_open_pull_request_is_planned_anew_after_a_rename(stage: Stage, action: Action) -> None:
    if action is Action.ROLLBACK:
        async with stage.open() as components:
            await move(components)
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        first = await move(components, action=action)
        rename(stage, SONARR, NEW)
        again = await move(components, action=action)
        assert (number(again), again.operation) == (number(first), first.operation)
        branch = "failover/sonarr"
        assert stage.read(SONARR, branch) is None
        expected = b"role: backup" if action is Action.PROMOTE else b"role: primary"
        assert expected in (stage.read(NEW, branch) or b"")
        body = stage.pulls()[0]["body"]
        assert NEW in body
        assert SONARR not in body
        stage.merge(number(again))
        assert expected in (stage.read(NEW) or b"")
        assert (await shown(components))[0] == f"{action} True"


async def test_a_key_of_an_open_pull_request_is_found_after_a_rename(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        first = await move(components, key="alert-1")
        rename(stage, SONARR, NEW)
        again = await move(components, key="alert-1")
    assert (number(again), again.operation) == (number(first), first.operation)


async def test_a_persons_push_stays_though_the_base_was_renamed(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        await move(components)
        stage.commit({"pushed.txt": "mine\n"}, "Pushed", "failover/sonarr")
        rename(stage, SONARR, NEW)
        with pytest.raises(Exception, match="is not ours"):
            await move(components)
    assert stage.read("pushed.txt", "failover/sonarr") == b"mine\n"
