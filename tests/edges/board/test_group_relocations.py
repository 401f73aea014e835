"""Relocations of a group or a node on the board: all steps before they begin, how far they have come, their abort."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from failover_api.edges.app import create_app
from tests.edges.board.ground import Browser, text
from tests.support.relocating import Homelab
from tests.support.relocating_groups import QUICK, declare, group_lab, made
from tests.support.stage import Stage

LOOK = "/groups/all/relocate?to=primary"


@pytest.fixture
def lab(stage: Stage, tmp_path: Path) -> Iterator[Homelab]:
    with group_lab(stage, tmp_path, kind="none") as made_up:
        yield made_up


@asynccontextmanager
async def browsing(stage: Stage, lab: Homelab) -> AsyncIterator[Browser]:
    app = create_app(stage.settings(cluster=str(lab.kubeconfig), cluster_timeout_s=10), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        yield Browser(client, app, None)


def link_of(html: str) -> str:
    found = re.search(r'id="operation" href="([^"]+)"', html)
    assert found is not None
    return found[1]


async def test_a_group_is_shown_then_begun_and_followed_to_the_end(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        front = await browser.get("/")
        assert 'href="/groups/all/relocate?to=primary"' in front.text
        page = await browser.get(LOOK)
        assert page.status_code == 200
        assert "app to primary, then db to primary" in re.sub(r"\s+", " ", text(page.text))
        assert "nothing that was written is lost" in text(page.text)
        accepting = await browser.get(f"{LOOK}&accept=unsynced-overwritten")
        assert "nothing that was written is lost" not in text(accepting.text)
        assert re.findall(r"<h2>(.*?)</h2>", page.text)[:2] == ["1. app", "2. db"]
        assert re.findall(r"<h3>(\d/5 [a-z-]+)</h3>", page.text) == ["2/5 quiesce", "4/5 cutover"] * 2
        begun = await browser.confirm(page)
        assert begun.status_code == 202
        assert "Relocate group all, one service after the other" in begun.text
        assert "It waits for app." in text(begun.text)
        link = link_of(begun.text)
        assert link_of((await browser.get(LOOK)).text) == link
        for _ in range(60):
            html = (await browser.get(link)).text
            if "All of them serve where they were brought" in html:
                break
            lab.pass_by(5)
            await lab.looked()
        else:
            raise AssertionError(text(html))
        assert "data-goes-on" not in html
        assert 'id="abort"' not in html
        over = await browser.get(LOOK)
        assert "All of them are there already" in text(over.text)
    assert made(lab) == QUICK


async def test_a_node_is_left_and_an_abort_puts_back_what_was(stage: Stage, lab: Homelab) -> None:
    before = {file: stage.read(file) for file in lab.files}
    async with browsing(stage, lab) as browser:
        for _ in range(30):
            if 'id="relocate-k3s-w2"' in (front := (await browser.get("/")).text):
                break
            await lab.looked()
        assert 'href="/nodes/k3s-w2/relocate"' in front
        assert 'href="/nodes/k3s-w1/relocate?home=true"' in front
        assert front.count("Bring home") == 1
        page = await browser.get("/nodes/k3s-w2/relocate")
        assert 'href="/nodes/k3s-w2/relocate?home=true"' in page.text
        begun = await browser.confirm(page)
        assert 'id="abort"' in begun.text
        sent = await browser.post("/nodes/k3s-w2/relocate/abort", {})
        assert sent.status_code == 303
        over = await browser.get(sent.headers["location"])
        assert "Stopped. app: It was aborted." in re.sub(r"\s+", " ", text(over.text))
        home = await browser.get("/nodes/k3s-w1/relocate?home=true")
        assert "Relocate node k3s-w1: bring home what belongs there" in home.text
        none = await browser.get("/nodes/k3s-w1/relocate")
        assert "Nothing is to be relocated" in none.text
    assert {file: stage.read(file) for file in lab.files} == before


async def test_who_is_refused_is_said_and_can_be_left_out(stage: Stage, lab: Homelab) -> None:
    declare(stage, without=("db",), kind="none")
    async with browsing(stage, lab) as browser:
        assert "relocate-group-all" not in (await browser.get("/")).text
        page = await browser.get(LOOK)
        assert page.status_code == 422
        assert 'name="skip_refused"' in page.text
        assert "no <code>replication</code> in the catalog says" in page.text
        assert "`" not in text(page.text), "what is code is shown as code"
        shown = await browser.get(f"{LOOK}&skip_refused=true")
        assert "db is left out" in re.sub(r"\s+", " ", text(shown.text))
        begun = await browser.confirm(shown)
        assert begun.status_code == 202
    assert made(lab) == QUICK[:1]


async def test_what_changed_since_it_was_shown_is_shown_anew(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        page = await browser.get(LOOK)
        stage.replace("apps/db/deployment.yaml", "db:1", "db:2")
        stale = await browser.confirm(page)
        assert stale.status_code == 412
        assert "nothing was written" in stale.text
        side = await browser.get("/groups/all/relocate")
        assert (side.status_code, "expected primary or backup" in side.text) == (400, True)
    assert made(lab) == []
