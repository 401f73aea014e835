"""A move in waves on the board: its waves before it is made, after it, and how far it has come."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.edges.app import create_app
from tests.edges.board.ground import Browser, text
from tests.support.stage import Stage, serving
from tests.support.waves import WavesLab, waves_lab


@pytest.fixture
def lab(stage: Stage, tmp_path: Path) -> Iterator[WavesLab]:
    with waves_lab(stage, tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def browsing(stage: Stage, **changes: Any) -> AsyncIterator[Browser]:
    app = create_app(stage.settings(**changes), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        yield Browser(client, app, None)


async def test_the_waves_are_shown_before_the_move_and_followed_after_it(stage: Stage, lab: WavesLab) -> None:
    async with browsing(stage, cluster=str(lab.kubeconfig)) as browser:
        page = await browser.get("/groups/all/promote")
        assert "1 of 3 db, relay waiting 2 of 3 app, mail waiting 3 of 3 web waiting" in text(page.text)
        done = await browser.confirm(page)
        assert done.status_code == 202
        assert ">all: wave 1 of 3 is made</h1>" in done.text
        assert "1 of 3 db, relay running" in text(done.text)
        link = re.search(r'id="follow-waves" href="([^"]+)"', done.text)
        assert link is not None
        followed = await browser.get(link[1])
        assert 'id="timeline" data-goes-on' in followed.text
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in followed.text
        assert "2 of 3 app, mail waiting app: waits for db; mail: waits for relay" in text(followed.text)
        assert stage.sandbox.head(repository=stage.repository)[:10] in followed.text


async def test_an_operation_that_nobody_knows_is_a_page_that_says_so(stage: Stage, lab: WavesLab) -> None:
    async with browsing(stage, cluster=str(lab.kubeconfig)) as browser:
        page = await browser.get("/operations/01JDAAAAAAAAAAAAAAAAAAAAAA")
    assert page.status_code == 404
    assert "is known: of moves in waves and relocations, the newest are" in page.text


def test_the_waves_are_no_wider_than_a_phone(stage: Stage, lab: WavesLab, chromium: Any) -> None:
    with serving(create_app(stage.settings(cluster=str(lab.kubeconfig)), open_to_all=True)) as url:
        page = chromium.new_context(viewport={"width": 360, "height": 740}).new_page()
        page.goto(f"{url}/groups/all/promote")
        wave = page.locator("td", has_text="db, relay")
        assert wave.bounding_box()["height"] < 60, "its names are not broken into letters"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.context.close()
