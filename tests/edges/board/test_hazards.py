"""What may go wrong is on the page that asks and on the one that answers, and neither claims too much."""

import pytest

from tests.edges.board.ground import browsing, text
from tests.support.stage import SERVICES, Stage

LEFT_BEHIND = "What sonarr wrote on backup stays behind (claim pvc-sonarr-backup -> pvc-sonarr)"


async def test_a_demote_is_warned_of_before_and_after(stage: Stage) -> None:
    async with browsing(stage) as browser:
        asked = await browser.get("/services/sonarr/promote")
        done = await browser.confirm(asked)
        back = await browser.get("/services/sonarr/demote")
        home = await browser.confirm(back)
    assert "data-left-behind" not in asked.text + done.text
    assert LEFT_BEHIND in text(back.text)
    assert "Sync pvc-sonarr-backup back first" in text(back.text)
    assert LEFT_BEHIND in text(home.text)


async def test_a_group_is_told_in_one_line(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr, plex]}")
    async with browsing(stage) as browser:
        await browser.confirm(await browser.get("/groups/media/promote"))
        page = await browser.get("/groups/media/demote")
    assert page.text.count("data-left-behind") == 1
    assert "Deployment media/sonarr, Deployment media/radarr, HelmRelease media/plex." in text(page.text)


async def test_the_page_says_that_git_has_it_and_what_to_type(stage: Stage) -> None:
    async with browsing(stage) as browser:
        done = await browser.confirm(await browser.get("/services/sonarr/promote"))
    said = text(done.text)
    assert "sonarr is on backup in Git" in said
    assert "Flux applies it within its interval, or when told (kubectl -n media get pods -o wide -w shows it)." in said
    assert 'class="band good"' not in done.text, "nobody has seen the app yet"


@pytest.mark.parametrize(
    ("action", "example"),
    [("promote", "k3s-w1 is down"), ("demote", "k3s-w1 is back, and its data is synced"), ("rollback", "by mistake")],
)
async def test_the_example_of_a_reason_fits_the_direction(stage: Stage, action: str, example: str) -> None:
    async with browsing(stage) as browser:
        if action != "promote":
            await browser.confirm(await browser.get("/services/sonarr/promote"))
        page = await browser.get(f"/services/sonarr/{action}")
    (placeholder,) = [part.split('"')[1] for part in page.text.split("placeholder=")[1:]]
    assert example in placeholder
