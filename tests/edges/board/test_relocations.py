"""A relocation on the board: its steps before it begins, how far it has come, its abort."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from failover_api.core.safety.relocation import sync
from failover_api.edges.app import create_app
from tests.edges.board.ground import Browser, text
from tests.support.relocating import MANUAL, Homelab, homelab
from tests.support.stage import Stage

# The app of these tests was born on backup: nobody knows what it has left on primary.
ACCEPT = "unsynced-overwritten"
LOOK = f"/services/sonarr/relocate?to=primary&accept={ACCEPT}"


@pytest.fixture(autouse=True)
def fast_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated clock runs ahead of what its newest reply has told."""
    monkeypatch.setattr(sync, "_AHEAD_S", 1e6)


@pytest.fixture
def lab(stage: Stage, tmp_path: Path) -> Iterator[Homelab]:
    with homelab(stage, tmp_path) as made:
        yield made


@asynccontextmanager
async def browsing(stage: Stage, lab: Homelab) -> AsyncIterator[Browser]:
    app = create_app(stage.settings(cluster=str(lab.kubeconfig)), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        yield Browser(client, app, None)


async def followed(browser: Browser, lab: Homelab, link: str, words: str) -> str:
    """The page, once it says so."""
    for _ in range(80):
        html = (await browser.get(link)).text
        if words in text(html):
            return html
        lab.pass_by(5)
        await lab.looked()
    raise AssertionError(f"it never says {words!r}: {text(html)}")


async def test_all_steps_are_shown_then_begun_and_followed_to_the_end(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        service = await browser.get("/services/sonarr")
        assert 'id="relocate-primary"' in service.text
        page = await browser.get(LOOK)
        assert re.findall(r"<h2>(\d/5 [a-z-]+)</h2>", page.text) == [
            *("1/5 reverse", "2/5 quiesce", "3/5 final-sync", "4/5 cutover", "5/5 protect"),
        ]
        begun = await browser.confirm(page, accept=ACCEPT)
        assert begun.status_code == 202
        link = re.search(r'id="operation" href="([^"]+)" data-follow', begun.text)
        assert link is not None
        assert 'id="timeline" data-goes-on' in begun.text
        again = await browser.get(LOOK)
        assert link[1] in again.text
        await lab.looked()
        board = await browser.get("/")
        assert f'<a href="{link[1]}">Relocating to primary</a>, step 1/5 reverse' in board.text
        assert "Relocating to primary" in (await browser.get("/services/sonarr")).text
        done = await followed(browser, lab, link[1], "sonarr serves on primary with all its data, and its copy on")
        assert "data-goes-on" not in done
        assert done.count('<li class="come">') == 5
        assert "quiet at " in done
        await followed(browser, lab, "/", "On primary 1")
        page = await browser.get("/services/sonarr")
        assert 'id="rollback"' not in page.text  # it would be refused: what was written since is on one side alone
        assert "5 commits, step by step" in page.text
        over = await browser.get(LOOK)
        assert "sonarr is on primary already" in text(over.text)


async def test_an_abort_shows_what_it_puts_back_and_does_it(stage: Stage, lab: Homelab) -> None:
    before = {file: stage.read(file) for file in lab.files}
    async with browsing(stage, lab) as browser:
        begun = await browser.confirm(await browser.get(LOOK), accept=ACCEPT)
        assert 'id="abort"' in begun.text
        link = re.search(r'id="operation" href="([^"]+)"', begun.text)
        assert link is not None
        page = await browser.get("/services/sonarr/relocate/abort")
        assert "Abort the relocation of sonarr" in page.text
        assert 'class="diff two"' in page.text
        done = await browser.confirm(page)
        assert done.status_code == 200
        assert "sonarr is as it was before the relocation" in done.text
        none = await browser.get("/services/sonarr/relocate/abort")
        assert none.status_code == 409
        over = text((await browser.get(link[1])).text)
        assert ("stopped" in over, over.count("not made"), "to come" in over) == (True, 4, False)
    assert {file: stage.read(file) for file in lab.files} == before


async def test_an_abort_undoes_no_other_move(stage: Stage, lab: Homelab) -> None:
    """Whoever looked while it ran, and confirms when it is over."""
    async with browsing(stage, lab) as browser:
        await browser.confirm(await browser.get(LOOK), accept=ACCEPT)
        page = await browser.get("/services/sonarr/relocate/abort")
        await browser.confirm(await browser.get("/services/sonarr/relocate/abort"))
        count = len(lab.messages())
        late = await browser.confirm(page)
        assert late.status_code == 409
        assert len(lab.messages()) == count


async def test_what_changed_since_it_was_shown_is_shown_anew(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        page = await browser.get(LOOK)
        stage.replace("apps/sonarr/deployment.yaml", "sonarr:1", "sonarr:2")
        stale = await browser.confirm(page, accept=ACCEPT)
        assert stale.status_code == 412
        assert "nothing was written" in stale.text
        assert not [message for message in lab.messages() if message.startswith("Relocate")]


async def test_a_dead_node_is_said_and_cannot_be_accepted(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        lab.cluster.kill("k3s-w1")
        lab.cluster.advance(90)
        await lab.looked()
        page = await browser.get(LOOK)
        assert page.status_code == 409
        assert "k3s-w1 is not ready" in page.text
        assert 'name="accept"' not in page.text


async def test_a_person_says_on_the_page_that_the_data_is_there(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, catalog=MANUAL) as lab:
        async with browsing(stage, lab) as browser:
            begun = await browser.confirm(await browser.get(LOOK))
            link = re.search(r'id="operation" href="([^"]+)"', begun.text)
            assert link is not None
            page = await followed(browser, lab, link[1], "All data is on primary: go on")
            assert 'name="to" value="primary"' in page
            other = await browser.post("/services/sonarr/relocate/synced", {"to": "backup"})
            assert other.status_code == 409  # it is not on its way there
            sent = await browser.post("/services/sonarr/relocate/synced", {"to": "primary"})
            assert sent.status_code == 303
            done = await followed(browser, lab, link[1], "sonarr serves on primary")
            assert "its copy on the other side" not in text(done)  # a person has made it


async def test_the_side_has_to_be_named(stage: Stage, lab: Homelab) -> None:
    async with browsing(stage, lab) as browser:
        page = await browser.get("/services/sonarr/relocate")
        assert page.status_code == 400
        assert "expected primary or backup" in page.text
