"""The second axis beside Git's on the board, and the timeline of a move: with script, and without."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.edges.app import create_app
from failover_api.overview import Intervals
from tests.edges.board.ground import Browser, text
from tests.support.browser import chromium
from tests.support.clock import LIMIT_S
from tests.support.homelab_cluster import HomelabCluster, homelab_cluster
from tests.support.stage import Stage, serving

__all__ = ["chromium"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def browsing(stage: Stage, **changes: Any) -> Any:
    app = create_app(stage.settings(**changes), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        app.state.components.overview.intervals = Intervals(fresh_s=0, apart_s=0)
        yield Browser(client, app, None)


async def shown(browser: Browser, url: str, words: str) -> str:
    """The page, once it says so: what is watched comes a moment later."""
    end = time.monotonic() + LIMIT_S
    while words not in (html := (await browser.get(url)).text):
        assert time.monotonic() < end, html
    return html


async def test_a_row_shows_the_stage_and_the_pods_node(stage: Stage, cluster: HomelabCluster) -> None:
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        html = (await browser.get("/")).text
    sonarr = html[html.index('id="row-sonarr"') : html.index('id="row-radarr"')]
    assert '<span class="stage serving">serving</span>' in sonarr
    assert '<span class="node">k3s-w1</span>' in sonarr
    assert html.count('class="stage') == 1, "the others are not in the cluster"


async def test_what_is_blocked_needs_a_look_and_says_what_to_do(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        done = await browser.confirm(await browser.get("/services/sonarr/promote"))
        assert done.status_code == 200
        cluster.node("k3s-w1", ready="Unknown")
        cluster.pod("primary", is_ready=False, deleted_ago_s=60)
        cluster.applied("backup", stage.sandbox.head(repository=stage.repository), pod="none", terminating=1)
        html = await shown(browser, "/", "The old pod sonarr-primary-x is on k3s-w1, which is not ready")
    assert "stage blocked" in html
    assert html.index('data-place="look"') < html.index('id="row-sonarr"') < html.index('data-place="home"')
    assert "--force" in html


async def test_how_many_could_move_stands_in_the_headline(stage: Stage) -> None:
    async with browsing(stage) as browser:
        assert "could move now" not in (await browser.get("/")).text
        await browser.app.state.watches.readiness.look()
        assert "3 of 3 at home, 3 could move now, checked just now" in text((await browser.get("/")).text)


# The timeline


async def test_a_confirmed_move_can_be_followed_without_script(stage: Stage, cluster: HomelabCluster) -> None:
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        done = await browser.confirm(await browser.get("/services/sonarr/promote"))
        (href,) = re.findall(r'href="(/services/sonarr/rollout\?operation=[0-9A-Z]{26})" data-follow', done.text)
        first = (await browser.get(href)).text
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in first
        head = stage.sandbox.head(repository=stage.repository)
        assert re.search(rf'class="come"><strong>committed</strong>.*href="[^"]*/commit/{head}"', first)
        assert re.search(r'class="to-come"><strong>ready</strong>', first)
        cluster.applied("backup", stage.sandbox.head(repository=stage.repository))
        last = await shown(browser, href, "It serves.")
    assert re.search(r'class="come"><strong>ready</strong>', last)
    assert "http-equiv" not in last, "nothing more comes"


async def test_where_nothing_can_be_seen_there_is_nothing_to_follow(stage: Stage) -> None:
    async with browsing(stage) as browser:
        done = await browser.confirm(await browser.get("/services/sonarr/promote"))
        assert "data-follow" not in done.text
        page = (await browser.get("/services/sonarr/rollout")).text
    assert "How far it has come in the cluster is not seen from here." in page
    assert "http-equiv" not in page


async def test_a_wrong_operation_is_a_page(stage: Stage) -> None:
    async with browsing(stage) as browser:
        assert (await browser.get("/services/sonarr/rollout?operation=x")).status_code == 400
        assert (await browser.get("/services/nobody/rollout")).status_code == 404


async def test_what_blocks_is_said_once_and_apart_from_the_step(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        await browser.confirm(await browser.get("/services/sonarr/promote"))
        waiting = text((await browser.get("/services/sonarr/rollout")).text)
        assert "not yet · " in waiting, "what it waits for"
        cluster.node("k3s-w1", ready="Unknown")
        cluster.pod("primary", is_ready=False, deleted_ago_s=60)
        cluster.applied("backup", stage.sandbox.head(repository=stage.repository), pod="none", terminating=1)
        blocked = text(await shown(browser, "/services/sonarr/rollout", "The old pod sonarr-primary-x is on k3s-w1"))
    assert "Blocked." in blocked
    assert blocked.count("The old pod sonarr-primary-x is on k3s-w1") == 1


def test_with_script_the_timeline_goes_on_by_itself(stage: Stage, cluster: HomelabCluster, chromium: Any) -> None:
    app = stage.app(stage.settings(cluster=str(cluster.kubeconfig)))
    with serving(app) as url:
        context = chromium.new_context(base_url=url)
        context.set_default_timeout(20_000)
        complaints: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/services/sonarr/promote")
        page.get_by_role("button", name="Promote sonarr to backup").click()
        page.locator("#timeline .come").first.wait_for()
        assert page.locator("#timeline .to-come").count() == 4
        cluster.applied("backup", stage.sandbox.head(repository=stage.repository))
        page.get_by_text("It serves.").wait_for()
        assert page.locator("#timeline .to-come").count() == 0
        context.close()
    assert not complaints
