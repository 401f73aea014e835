"""The card of services that may go home: the command, or that it is done by itself; only what the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failover_api.core.automatic.report import HoldLine, Report, ReturnLine
from tests.edges.board.ground import People, browsing, person, text
from tests.support.stage import serving

if TYPE_CHECKING:
    from tests.support.stage import Stage

PAUSED = HoldLine("paused", "Paused by ops: <why>.", "Resume.")
REPORT = Report(
    1_795_996_800.0,
    "watching",
    returns=(
        ReturnLine("sonarr", "k3s-w1", False, "failover relocate sonarr --to primary"),
        ReturnLine("radarr", "k3s-w1", True, "failover relocate radarr --to primary", "", (PAUSED,)),
    ),
)
PEOPLE = People({"all": person("ops"), "some": person("one", ["view"], services=["sonarr"])})


def card(html: str) -> str:
    return html.partition('id="home-title"')[2].partition("</section>")[0]


async def test_a_way_home_is_a_card_with_its_command(stage: Stage) -> None:
    async with browsing(stage, PEOPLE, "all") as browser:
        browser.app.state.watches.guarding.judged = lambda: REPORT
        html = card((await browser.get("/")).text)
    assert "sonarr : k3s-w1 is well again. failover relocate sonarr --to primary" in text(html)
    assert "radarr : k3s-w1 is well again. It is relocated home by itself. Paused by ops: <why>." in text(html)
    assert 'href="/services/sonarr"' in html
    assert "<why>" not in html


async def test_what_a_caller_may_not_see_is_not_on_it(stage: Stage) -> None:
    async with browsing(stage, PEOPLE, "some") as browser:
        browser.app.state.watches.guarding.judged = lambda: REPORT
        html = card((await browser.get("/")).text)
    assert "sonarr" in html
    assert "radarr" not in html


async def test_without_any_there_is_no_card(stage: Stage) -> None:
    async with browsing(stage) as browser:
        html = (await browser.get("/")).text
    assert "May go home" not in html


def test_the_script_leaves_the_card_where_it_is(stage: Stage, chromium: Any) -> None:
    """It hides the parts of the list in which nothing is found, and the card is none of these."""
    app = stage.app()
    with serving(app) as url:
        app.state.watches.guarding.judged = lambda: REPORT
        page = chromium.new_context().new_page()
        page.goto(f"{url}/?q=nothing+is+called+so")
        page.locator("section.part.primary").wait_for(state="hidden")
        assert page.locator("section.home").inner_text().startswith("May go home 2\nsonarr: k3s-w1 is well again.")
        page.context.close()
