"""What may go wrong is on the page that asks and on the one that answers, and neither claims too much."""

import re

import pytest

from tests.edges.board.ground import browsing, hidden, text
from tests.support.stage import SERVICES, SONARR, Stage, deployment, entry

LEFT_BEHIND = (
    "What sonarr wrote on backup, since when is not known here, stays behind (claim pvc-sonarr-backup -> pvc-sonarr)"
)


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


HOME, SLUG = "/services/sonarr/demote", "strategy-alone"
SWITCH = "      - {file: %s, kind: Deployment, path: spec.strategy.type, primary: Recreate, backup: RollingUpdate}\n"


@pytest.fixture
def stopped(stage: Stage) -> Stage:
    """sonarr on backup; the way home is a stop."""
    moved = deployment("sonarr", role="backup", claim="pvc-sonarr-backup")
    stage.commit({SONARR: moved.replace("  replicas: 1\n", "  strategy: {type: RollingUpdate}\n  paused: true\n")})
    stage.declare(
        f"{entry('sonarr', 'media', f'path: {SONARR}')}    switches:\n{SWITCH % SONARR}", top="groups: {g: [sonarr]}"
    )
    return stage


async def test_each_stop_has_a_box_of_its_own_and_none_is_ticked(stopped: Stage) -> None:
    async with browsing(stopped) as browser:
        page = await browser.get(HOME)
        group = await browser.get("/groups/g/demote")
    assert page.status_code == 409
    assert re.findall(r'<input type="checkbox"[^>]* name="accept" value="([^"]*)"', page.text) == [SLUG]
    assert re.findall(r'name="accept" value="([^"]*)"', group.text) == [f"sonarr:{SLUG}"]
    assert " checked" not in page.text + group.text
    assert 'id="confirm"' not in page.text + group.text
    assert "Kubernetes refuses (422)" in text(page.text)
    assert "<del>RollingUpdate</del>" in page.text, "what it would change is shown"
    assert "starts-nothing" in page.text, "and so is what does not stop it"


async def test_what_is_ticked_is_accepted_and_nothing_else(stopped: Stage) -> None:
    async with browsing(stopped) as browser:
        other = await browser.get(f"{HOME}?accept=fixed-field&accept=node-missing")
        page = await browser.get(f"{HOME}?accept={SLUG}&accept=node-missing")
        done = await browser.confirm(page)
        history = await browser.get("/services/sonarr")
    assert other.status_code == 409
    assert page.status_code == 200
    assert hidden(page.text)["accept"] == f"node-missing,{SLUG}"
    assert f"Accepted. node-missing, {SLUG}: it moves although" in text(page.text)
    assert done.status_code == 200
    assert f"Failover-Accepted: {SLUG}\n" in stopped.moves[0]
    assert f"Accepted: {SLUG}" in text(history.text)


async def test_a_form_that_accepts_nothing_is_refused(stopped: Stage) -> None:
    async with browsing(stopped) as browser:
        page = await browser.get(f"{HOME}?accept={SLUG}")
        fields = {name: value for name, value in hidden(page.text).items() if name != "accept"}
        refused = await browser.post(HOME, fields)
    assert refused.status_code == 409
    assert stopped.moves == []
