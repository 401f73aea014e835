"""What Git says of a service: moves, edits, merges, pages."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.errors import BadRequest, UnknownService
from failover_api.forge.values import LoggedCommit
from failover_api.reading.file_history import merged_listings
from failover_api.reading.history import Entry
from tests.support.acts import move
from tests.support.stage import FILES, RADARR, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, deployment, entry


def shown(entries: tuple[Entry, ...]) -> list[tuple[str, ...]]:
    return [
        (one.record.action, one.record.before, one.record.after) if one.record else ("edit", one.subject)
        for one in entries
    ]


async def test_moves_and_edits_newest_first(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components, reason="k3s-w1 is down", by="ops-laptop")
        stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", "Update the image")
        stage.commit({"README.md": "unrelated\n"}, "Unrelated")
        await move(components, action=Action.DEMOTE)
        page = await components.failover.history("sonarr", limit=20)
    assert shown(page.entries)[:3] == [
        ("demote", "backup", "primary"),
        ("edit", "Update the image"),
        ("promote", "primary", "backup"),
    ]
    assert page.entries[3].record is None, "the commit that brought the file"
    first = page.entries[2]
    assert first.record is not None
    assert (first.record.provenance.by, first.record.provenance.reason) == ("ops-laptop", "k3s-w1 is down")
    assert first.logged.sha in {c.sha for c in stage.sandbox.log(repository=stage.repository)}
    assert page.next is None


async def test_another_service_in_the_same_file_is_not_its_history(stage: Stage) -> None:
    stage.declare(entry("one", "media", "path: apps/both.yaml") + entry("two", "media", "path: apps/both.yaml"))
    stage.commit({"apps/both.yaml": deployment("one") + "---\n" + deployment("two")}, "Both")
    async with stage.open() as components:
        await move(components, "one")
        await move(components, "two")
        page = await components.failover.history("two", limit=20)
    assert shown(page.entries) == [("promote", "primary", "backup"), ("edit", "Both")]


async def test_several_files_have_one_history(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components, "plex")
        stage.commit({VOLSYNC: FILES[VOLSYNC].replace(b"false", b"true") + b"# 1\n"}, "Sync")
        stage.commit({RELEASE: (stage.read(RELEASE) or b"") + b"# 2\n"}, "Release")
        await move(components, "plex", Action.DEMOTE)
        page = await components.failover.history("plex", limit=20)
    assert shown(page.entries)[:4] == [
        ("demote", "backup", "primary"),
        ("edit", "Release"),
        ("edit", "Sync"),
        ("promote", "primary", "backup"),
    ]


async def test_pages_lead_through_all_of_it_once(stage: Stage) -> None:
    for i in range(230):
        stage.commit({SONARR: FILES[SONARR] + b"# %d\n" % i}, f"Edit {i}")
    async with stage.open() as components:
        found: list[str] = []
        cursor = None
        while True:
            page = await components.failover.history("sonarr", limit=60, cursor=cursor)
            found += [one.subject for one in page.entries]
            cursor = page.next
            if cursor is None:
                break
            stage.commit({SONARR: FILES[SONARR] + b"# meanwhile\n"}, "Meanwhile")  # pages do not shift
    assert found[:230] == [f"Edit {i}" for i in range(229, -1, -1)]
    assert len(found) == 231


async def test_pages_lead_through_merges_as_one_page_does(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        for number, method in enumerate(["merge", "squash", "rebase", "merge"]):
            outcome = await move(components, "plex", Action.DEMOTE if number % 2 else Action.PROMOTE)
            stage.commit({RELEASE: b"# an edit\n" + (stage.read(RELEASE) or b"")}, f"Edit {number}")
            stage.merge(outcome.pull_request.number, method)
        whole = await components.failover.history("plex", limit=100)
        page = await components.failover.history("plex", limit=1)
        entries = page.entries
        while page.next is not None:
            page = await components.failover.history("plex", limit=1, cursor=page.next)
            entries += page.entries
    assert shown(entries) == shown(whole.entries)


async def test_a_warm_history_is_one_304(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        await components.failover.history("sonarr", limit=20)
        stage.requests.clear()
        await components.failover.history("sonarr", limit=20)
    assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]


@pytest.mark.parametrize("cursor", ["", "2", "main.20", "0" * 39 + ".20", "../../etc.1", "0" * 40 + ".-1"])
async def test_a_cursor_that_is_none_is_refused(stage: Stage, cursor: str) -> None:
    async with stage.open() as components:
        with pytest.raises(BadRequest, match="cursor"):
            await components.failover.history("sonarr", limit=20, cursor=cursor)
        with pytest.raises(UnknownService):
            await components.failover.history("nosuch", limit=20)


@pytest.mark.parametrize(
    "how", [{}, {"commit_title": "Fail over (#1)", "commit_message": "by hand"}], ids=["plain", "bare"]
)
async def test_a_squash_merge_is_recognised_with_its_pull_request(stage: Stage, how: dict[str, str]) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        outcome = await move(components, reason="k3s-w1 is down")
        assert outcome.pull_request is not None
        number = outcome.pull_request.number
        merge = stage.merge(number, "squash", **{key: text.replace("#1", f"#{number}") for key, text in how.items()})
        page = await components.failover.history("sonarr", limit=20)
        status = await components.failover.status("sonarr")
    first = page.entries[0]
    assert first.logged.sha == merge
    assert first.record is not None
    assert (first.record.operation, first.record.provenance.reason) == (outcome.operation, "k3s-w1 is down")
    assert first.pull_request is not None
    assert (first.pull_request.number, first.pull_request.state) == (number, "merged")
    assert status.last_move is not None
    assert status.last_move.record == first.record


@pytest.mark.parametrize("method", ["merge", "rebase"])
async def test_other_merges_name_their_pull_request_too(stage: Stage, method: str) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        outcome = await move(components, "plex")
        stage.merge(outcome.pull_request.number, method)
        page = await components.failover.history("plex", limit=20)
    moves = [one for one in page.entries if one.record]
    assert len(moves) == 1, "each operation once"
    assert moves[0].pull_request is not None
    assert moves[0].pull_request.number == outcome.pull_request.number


# The last move, in status and list


async def test_the_last_move_follows_other_replicas_and_people(stage: Stage) -> None:
    async with stage.open() as one, stage.open() as other:
        assert (await one.failover.status("sonarr")).last_move is None
        await move(other)
        await move(other, action=Action.DEMOTE)
        last = (await one.failover.status("sonarr")).last_move
        assert last is not None
        assert last.record is not None
        assert last.record.action == "demote", "the file is what it was, its history is not"
        stage.commit({"README.md": "other work\n"})
        assert (await one.failover.status("sonarr")).last_move == last
        listed = {status.service.name: status for status in await one.failover.list_all()}
        assert getattr(listed["sonarr"], "last_move", None) == last
        assert getattr(listed["radarr"], "last_move", None) is None
        stage.requests.clear()
        await one.failover.status("sonarr")
        await one.failover.list_all()
    assert [(r.method, r.status) for r in stage.requests] == [("GET", 304), ("GET", 304)]


@pytest.mark.parametrize("title", [None, "sonarr is back home"])
async def test_the_last_move_is_seen_through_a_merge_without_trailers(stage: Stage, title: str | None) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    how = {} if title is None else {"commit_title": title}
    async with stage.open() as components:
        stage.merge((await move(components)).pull_request.number)
        for name in ("sonarr", "radarr", "plex"):
            await components.failover.status(name)
        back = await move(components, action=Action.DEMOTE)
        stage.merge(back.pull_request.number, commit_message=" ", **how)
        await components.failover.status("radarr")  # brings what is known on to the new head
        last = (await components.failover.status("sonarr")).last_move
    assert last is not None
    assert last.record is not None
    assert last.record.operation == back.operation


async def test_a_history_that_cannot_be_read_leaves_the_status(stage: Stage) -> None:
    stage.fault("status", method="GET", path=f"/repos/{stage.repository}/commits", status=502, times=None)
    async with stage.open() as components:
        status = await components.failover.status("sonarr")
    assert status.last_move is None
    assert status.detection.state == "primary"


def test_listings_of_one_second_keep_their_order() -> None:
    def logged(sha: str, at: str) -> LoggedCommit:
        return LoggedCommit(sha, "", False, sha, "maria", at, ())

    now, then = "2026-11-23T04:00:01Z", "2026-11-23T04:00:00Z"
    a, b, c, d = (logged(sha, at) for sha, at in (("a", now), ("b", now), ("c", now), ("d", then)))
    assert merged_listings([[c, d], [a, b, c, d]]) == [a, b, c, d]
    assert merged_listings([[a, d], [b, d], [c]]) in (
        [a, b, c, d],
        [a, c, b, d],
        [b, a, c, d],
        [c, a, b, d],
        [b, c, a, d],
        [c, b, a, d],
    )
    assert merged_listings([[a, b], [b, a]]) in ([a, b], [b, a]), "listings that disagree lose nothing"
    assert RADARR
