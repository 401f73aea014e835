"""What is kept is bounded in bytes, and all of it together has room in the pod."""

import asyncio
import random
import re
from collections import deque

from markupsafe import Markup

from failover_api.core.catalog.model import Branch
from failover_api.edges.board import shelf
from failover_api.edges.board.shelf import Shelf, Shown
from failover_api.edges.http.access import Failures
from failover_api.forge.github import heads, historical_files, trees
from failover_api.forge.github.heads import Head, Heads
from failover_api.forge.http import conditional
from failover_api.forge.http.conditional import CachedReply, ConditionalCache
from failover_api.forge.values import File, blob_sha
from failover_api.moves.direct.writer import Writer
from failover_api.moves.pull_request.proposer import Proposer
from failover_api.reading import branch_knowledge, folder_index, services
from failover_api.reading.last_moves import MAX_BRANCHES, MAX_SERVICES, LastMoves
from failover_api.reading.services import ServiceReader
from tests.support.builders import MAIN
from tests.support.project import ROOT

MIB = 1024 * 1024
AT_WORK = 110 * MIB  # with an App's token and a notification sent, as deployment.yaml says
LISTED_BYTES, HELD_BYTES = 300, 200  # an entry of a tree, a document of a picture


class NoForge:
    def watch_trees(self, told: object) -> None: ...


def test_all_caches_together_have_room_in_the_pod() -> None:
    text = (ROOT / "manifests" / "base" / "deployment.yaml").read_text(encoding="utf-8")
    (limit,) = re.findall(r"limits:\n\s+memory: (\d+)Mi", text)
    kept = [
        services.MANIFESTS_BYTES,
        conditional.MAX_BYTES,
        heads.MAX_BYTES,
        historical_files.MAX_BYTES,
        folder_index.SUMMARIES_BYTES,
        folder_index.TEXTS_BYTES,
        folder_index.MAX_DOCUMENTS * HELD_BYTES,
        branch_knowledge.FACTS_BYTES,
        branch_knowledge.MAX_KEPT * HELD_BYTES,
        trees.MAX_ENTRIES * LISTED_BYTES,
        shelf.KEPT_BYTES,
    ]
    assert sum(kept) <= int(limit) * MIB - AT_WORK


def test_versions_of_a_manifest_are_kept_by_what_they_take() -> None:
    observer = ServiceReader(NoForge())  # type: ignore[arg-type]  # nothing is read
    data = b"kind: Deployment\nspec:\n" + b"- {name: a, value: b}\n" * 5000
    for number in range(20):
        version = data + b"# %d\n" % number
        observer.manifest(File("a.yaml", version, blob_sha(version)))
    kept = observer._manifests
    assert 2 <= len(kept) < 20
    one = kept.currsize / len(kept)
    assert one > 20 * len(data), "a parsed file takes many times its text"
    assert kept.currsize <= services.MANIFESTS_BYTES


def test_a_manifest_that_leaves_no_room_for_others_is_not_kept() -> None:
    observer = ServiceReader(NoForge())  # type: ignore[arg-type]  # nothing is read
    small = File("small.yaml", b"a: 1\n", "1")
    kept = observer.manifest(small)
    observer.manifest(File("large.yaml", b"- a\n" * 90_000, "2"))
    assert observer.manifest(small) is kept


def test_the_names_of_copies_count_too() -> None:
    cache = ConditionalCache(max_bytes=100_000)
    for number in range(1000):
        cache.put(f"/{number}" + "x" * 1000, CachedReply(b"", '"' + "e" * 500 + '"', 0.0))
    assert sum(cache.get(f"/{number}" + "x" * 1000) is not None for number in range(1000)) < 60


def test_files_read_at_a_head_are_kept_as_far_as_there_is_room() -> None:
    kept = Heads(None, None, None, None)  # type: ignore[arg-type]  # nothing is read
    for number in range(30):
        files = {f"{number}-{i}": File(f"{i}", b"x" * MIB, "") for i in range(4)}
        kept._keep(MAIN, Head("oid", files, float(number)))
    head = kept._heads[MAIN]
    assert sum(len(file.data) for file in head.files.values() if isinstance(file, File)) <= heads.MAX_BYTES
    assert {"29-0", "29-1", "29-2", "29-3"} <= head.files.keys(), "what was read last has room first"
    kept._keep(Branch("acme/other", "main"), Head("oid", {"a": File("a", b"x" * MIB, "")}, 0.0))
    assert kept._heads.currsize <= heads.MAX_BYTES


def of_size(size_bytes: int) -> Shown:
    html = Markup("x" * size_bytes)  # noqa: S704 - no markup, and shown to nobody
    return Shown(None, html, "")  # type: ignore[arg-type]  # the size of its HTML is what counts


def test_boards_are_kept_by_their_size() -> None:
    kept = Shelf()
    shown = of_size(MIB)
    for number in range(20):
        kept.get(None, None, number, lambda: shown)  # type: ignore[arg-type]  # of no view
    assert 1 <= len(kept._shown) <= shelf.KEPT_BYTES // MIB
    huge = of_size(shelf.KEPT_BYTES)
    assert kept.get(None, None, "huge", lambda: huge) is huge  # type: ignore[arg-type]  # of no view


def test_an_address_that_is_none_is_kept_short() -> None:
    failures = Failures()
    failures.note("x" * 60_000)
    (address,) = failures._counts
    assert len(address) == 64


def test_what_a_search_keeps_is_bounded() -> None:
    kept = folder_index.FolderIndexes(NoForge())  # type: ignore[arg-type]  # nothing is read
    chance = random.Random(1)  # noqa: S311 - bytes that nothing compresses
    for number in range(40):
        kept._keep_text(f"{number}", chance.randbytes(MIB // 2))
    assert 1 <= len(kept._texts) < 40
    assert kept._texts.currsize <= folder_index.TEXTS_BYTES
    kept._keep_text("huge", chance.randbytes(folder_index.TEXTS_BYTES))
    assert "huge" not in kept._texts


async def test_what_old_catalogs_had_is_forgotten() -> None:
    waiting = Proposer(NoForge(), None, None, None)  # type: ignore[arg-type]  # nothing is asked
    for number in range(100):
        turn = waiting._turns.setdefault((MAIN, f"s{number}"), asyncio.Lock())
        async with turn:
            assert len(waiting._turns) <= 2
    del turn
    assert not waiting._turns
    moves = LastMoves(NoForge(), None)  # type: ignore[arg-type]  # nothing is asked
    moves._last[MAIN] = ("head", dict.fromkeys(map(str, range(MAX_SERVICES + 1))))
    moves._proposable = {"web"}
    moves._forget_if_many(MAIN)
    assert (len(moves._last), moves._proposable) == (0, set())
    for number in range(MAX_BRANCHES + 9):
        moves._last[Branch("acme/homelab", f"b{number}")] = ("head", {})
    assert len(moves._last) == MAX_BRANCHES


async def test_a_branch_that_nobody_waits_for_is_not_kept() -> None:
    writer = Writer(NoForge(), None, None, None)  # type: ignore[arg-type]  # nobody waits
    for number in range(3):
        branch = Branch("acme/homelab", f"b{number}")
        writer._waiting[branch] = deque()
        writer._workers[branch] = asyncio.create_task(writer._work(branch))
        await writer._workers[branch]
    assert (writer._waiting, writer._workers) == ({}, {})
