"""Cursors are signed: what we gave nobody costs GitHub nothing."""

from typing import Any

import pytest

from failover_api.errors import BadRequest
from failover_api.reading.cursors import Cursors
from tests.support.stage import SONARR, Stage

HEAD = "a" * 40


def test_a_cursor_is_read_by_whoever_has_the_secret() -> None:
    cursor = Cursors(lambda: b"key").sign("sonarr", HEAD, 20)
    assert Cursors(lambda: b"key").read("sonarr", cursor) == (HEAD, 20)


@pytest.mark.parametrize("change", ["service", "secret", "head", "position", "cut", "longer", "unsigned"])
def test_a_cursor_for_something_else_is_none(change: str) -> None:
    cursors = Cursors(lambda: b"key")
    cursor = cursors.sign("sonarr", HEAD, 20)
    service, head = "radarr" if change == "service" else "sonarr", "b" * 40
    given = {
        "head": head + cursor[40:],
        "position": cursor.replace(".20.", ".40."),
        "cut": cursor[:-1],
        "longer": cursor + "0",
        "unsigned": f"{HEAD}.20",
    }.get(change, cursor)
    reader = Cursors(lambda: b"other") if change == "secret" else cursors
    with pytest.raises(BadRequest, match="cursor: expected the `next` of an earlier page"):
        reader.read(service, given)


async def test_invented_cursors_cost_no_request(stage: Stage) -> None:
    async with stage.open() as components:
        for at in range(200):
            with pytest.raises(BadRequest):
                await components.failover.history("sonarr", limit=5, cursor=f"{at:040x}.{at}.{at:032x}")
    assert not stage.requests


@pytest.mark.parametrize("kind", ["app", "token"])
async def test_any_replica_reads_a_cursor_after_any_restart(stage: Stage, kind: str) -> None:
    for number in range(4):
        stage.replace(SONARR, "image:", f"image:  # {number}\n          #")
    settings: Any = stage.app_settings() if kind == "app" else stage.settings()
    async with stage.open(settings) as components:
        first = await components.failover.history("sonarr", limit=2)
    assert first.next is not None
    if kind == "app":  # the same key, written otherwise
        key = stage.folder / "key.pem"
        key.write_text(key.read_text().replace("\n", "\\n"))
    async with stage.open(settings) as components:
        second = await components.failover.history("sonarr", limit=2, cursor=first.next)
        with pytest.raises(BadRequest):
            await components.failover.history("radarr", limit=2, cursor=first.next)
    assert {entry.logged.sha for entry in first.entries}.isdisjoint(entry.logged.sha for entry in second.entries)
    assert len(second.entries) == 2
