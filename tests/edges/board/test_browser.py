"""The board in a real browser, as people use it: by mouse, by keyboard alone, on a phone, without script."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from failover_api.overview import Intervals
from tests.edges.board.ground import People, person
from tests.support.stage import FILES, RADARR, SERVICES, SONARR, Stage, serving

GROUPS = "groups: {media: [sonarr, radarr], films: [plex]}"
Visit = Callable[..., Any]


@pytest.fixture(autouse=True)
def grouped(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)


def listed(page: Any, name: str) -> list[str]:
    """The names that are to be seen in a part of the board."""
    names: list[str] = page.locator(f"section.part.{name} .row:visible .name").all_inner_texts()
    return names


def test_promote_from_the_board_to_the_commit(stage: Stage, visit: Visit) -> None:
    page = visit()
    assert listed(page, "primary") == ["sonarr", "radarr", "plex"]
    page.get_by_role("link", name="Promote sonarr").click()
    page.get_by_role("heading", name="Promote sonarr to backup").wait_for()
    assert page.locator(".diff.two ins").all_inner_texts() == ["backup", "pvc-sonarr-backup"]
    page.get_by_label("Reason").fill("k3s-w1 is down")
    page.get_by_role("button", name="Promote sonarr to backup").dblclick()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.title() == "sonarr is on backup in Git · Failover"
    head = stage.sandbox.head(repository=stage.repository)
    assert page.get_by_role("link", name=head[:10]).get_attribute("href").endswith(f"/commit/{head}")
    page.get_by_role("link", name="Back to the board").click()
    page.locator("#headline").wait_for()
    assert listed(page, "backup") == ["sonarr"]
    assert len(stage.moves) == 1
    assert "Reason: k3s-w1 is down" in stage.moves[0]


def test_a_conflict_shows_the_new_diff_in_the_same_page(stage: Stage, visit: Visit) -> None:
    page = visit("/services/sonarr/promote")
    stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1")
    page.get_by_label("Reason").fill("k3s-w1 is down")
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_text("The manifests changed since you looked, so nothing was written.").wait_for()
    assert page.locator(".diff.two").get_by_text("sonarr:1.1").count() == 2
    assert page.get_by_label("Reason").input_value() == "k3s-w1 is down"
    assert stage.moves == []
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    assert len(stage.moves) == 1


def test_a_pull_request_is_offered_and_told_from_a_commit(reviewed: Stage, visit: Visit) -> None:
    page = visit("/services/sonarr/promote")
    page.get_by_role("button", name="Promote sonarr to backup by pull request").click()
    page.get_by_role("heading", name="sonarr: a pull request is open").wait_for()
    (pull,) = reviewed.pulls()
    assert page.get_by_role("link", name="Pull request #").get_attribute("href") == pull["html_url"]
    assert reviewed.read(SONARR) == FILES[SONARR]


def test_a_lost_connection_says_so_and_the_same_move_can_be_sent_again(stage: Stage, visit: Visit) -> None:
    page = visit("/services/sonarr/promote")
    page.context.set_offline(True)
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_text("The connection broke off").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    assert len(stage.moves) == 1


def test_by_keyboard_alone_from_the_skip_link_to_the_outcome(stage: Stage, visit: Visit) -> None:
    page = visit()
    press(page, "Tab")
    assert focused(page) == "Skip to content"
    press(page, "Enter")
    until(page, "promote-sonarr")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(page, "Enter")
    page.get_by_role("heading", name="Promote sonarr to backup").wait_for()
    until(page, "reason")
    page.keyboard.type("k3s-w1 is down")
    press(page, "Enter")
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    until(page, "home")
    press(page, "Enter")
    page.locator("#headline").wait_for()
    assert "Reason: k3s-w1 is down" in stage.moves[0]


def press(page: Any, key: str) -> None:
    page.keyboard.press(key)


def focused(page: Any) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


def until(page: Any, name: str) -> None:
    """Tabs on until the element of that id has the focus."""
    for _ in range(60):
        press(page, "Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def test_the_filter_works_as_one_types_and_stays_in_the_address(visit: Visit) -> None:
    page = visit()
    page.get_by_label("Find").fill("Pvc-sonarr")
    assert listed(page, "primary") == ["sonarr"]
    assert page.locator(".part.primary .count").inner_text() == "1"
    assert page.url.endswith("/?q=Pvc-sonarr")
    page.reload()
    assert listed(page, "primary") == ["sonarr"]
    page.get_by_label("Find").fill("nonesuch")
    assert page.get_by_text("No service matches the filter.").is_visible()
    page.get_by_label("Find").fill("")
    page.get_by_label("Group", exact=True).select_option("films")
    assert listed(page, "primary") == ["plex"]


def test_places_can_be_seen_alone_and_are_counted(stage: Stage, visit: Visit) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    page = visit()
    assert [label.split() for label in page.locator(".places label").all_inner_texts()] == [
        ["All", "3"],
        ["Needs", "a", "look", "1"],
        ["Moved", "0"],
        ["At", "home", "2"],
    ]
    page.get_by_text("At home", exact=False).nth(1).click()
    assert (listed(page, "look"), listed(page, "primary")) == ([], ["radarr", "plex"])
    assert page.url.endswith("/?state=home")
    assert not page.locator(".look").is_visible(), "a part with nothing to show is away"


def test_a_slash_finds(visit: Visit) -> None:
    page = visit("/?q=son")
    press(page, "/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("a/b")
    assert page.get_by_label("Find").input_value() == "a/b", "within a field it is a slash"


def test_the_title_goes_with_the_headline_and_the_time(stage: Stage, visit: Visit) -> None:
    page = visit()
    assert page.title() == "3 of 3 at home · Failover"
    with stage.served() as url:
        httpx2.post(f"{url}/api/failover/sonarr/promote").raise_for_status()
    page.clock.run_for(11_000)
    page.locator("section.part.backup #row-sonarr").wait_for()
    assert page.title() == "2 of 3 at home, 1 moved just now · Failover"
    page.context.set_offline(True)
    page.clock.run_for((3 * 3600 + 60) * 1000)
    assert page.title() == "2 of 3 at home, 1 moved 3 h ago · Failover"
    assert page.locator("#row-sonarr time").get_attribute("title").endswith(" UTC")


def border(page: Any, name: str) -> str:
    color: str = page.evaluate(f"getComputedStyle(document.getElementById('{name}')).borderTopColor")
    return color


def test_buttons_are_quiet_until_a_row_is_pointed_at_or_has_the_focus(visit: Visit) -> None:
    page = visit()
    assert border(page, "promote-sonarr") == "rgba(0, 0, 0, 0)"
    page.locator("#row-sonarr").hover()
    assert border(page, "promote-sonarr") != "rgba(0, 0, 0, 0)"
    page.locator("#open-radarr").focus()
    assert border(page, "promote-radarr") != "rgba(0, 0, 0, 0)"
    touched = visit(has_touch=True)
    assert border(touched, "promote-sonarr") != "rgba(0, 0, 0, 0)"


def test_two_hundred_services_are_below_ten_thousand_pixels(crowd: Stage, visit: Visit) -> None:
    page = visit(viewport={"width": 1440, "height": 900})
    assert len(listed(page, "primary")) == 200
    assert page.evaluate("document.documentElement.scrollHeight") < 10_000


def test_a_group_is_confirmed_without_scrolling(crowd: Stage, visit: Visit) -> None:
    page = visit("/groups/all/promote", viewport={"width": 1440, "height": 900})
    go = page.get_by_role("button", name="Promote group all to backup")
    assert go.bounding_box()["y"] < 900
    assert page.evaluate("document.documentElement.scrollHeight") > 9000
    page.locator(".file summary").last.click()
    assert page.locator(".diff.two:visible ins").all_inner_texts() == ["backup", "pvc-media-service-199-backup"]
    low = visit("/groups/all/promote", viewport={"width": 720, "height": 450})
    assert low.get_by_role("button", name="Promote group all").bounding_box()["y"] > 900, (
        "it would hide what it is about"
    )


def test_print_is_the_list_alone_on_white(visit: Visit) -> None:
    page = visit(color_scheme="dark")
    page.emulate_media(media="print")
    assert listed(page, "primary") == ["sonarr", "radarr", "plex"]
    for away in ("#filter", ".groups", ".acts", ".skip"):
        assert not page.locator(away).first.is_visible(), away
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_below_a_path_the_board_moves_and_brings_news(stage: Stage, chromium: Any) -> None:
    app = stage.app(stage.settings(root_path="/ops/failover"))
    with serving(app) as url:
        app.state.components.overview.intervals = Intervals(fresh_s=0, apart_s=0)
        page = chromium.new_context().new_page()
        page.clock.install()
        page.goto(f"{url}/ops/failover/")
        page.get_by_label("Find").fill("son")
        page.wait_for_url(f"{url}/ops/failover/?q=son")
        page.get_by_role("link", name="Promote sonarr").click()
        page.get_by_role("button", name="Promote sonarr").click()
        page.get_by_role("heading", name="sonarr is on backup").wait_for()
        page.get_by_role("link", name="Back to the board").click()
        page.locator("section.part.backup #row-sonarr").wait_for()
        stage.replace(RADARR, "role: primary", "role: maintenance")
        page.clock.run_for(11_000)
        page.locator("section.part.look #row-radarr").wait_for()
        page.context.close()


def test_news_come_by_themselves_and_the_focus_stays(stage: Stage, visit: Visit) -> None:
    page = visit()
    page.locator("#open-radarr").focus()
    stage.replace(SONARR, "role: primary", "role: backup")
    stage.replace(SONARR, 'claimName: "pvc-sonarr"', 'claimName: "pvc-sonarr-backup"')
    page.clock.run_for(11_000)
    page.locator("section.part.backup #row-sonarr").wait_for()
    assert page.evaluate("document.activeElement.id") == "open-radarr"
    assert page.locator("#news").inner_text() == "sonarr is on backup now."


def test_lost_contact_is_said_and_taken_back(visit: Visit) -> None:
    page = visit()
    page.locator("#row-sonarr").wait_for()
    page.context.set_offline(True)
    page.clock.run_for(40_000)
    said = page.get_by_role("alert").inner_text()
    assert re.fullmatch(r"Not connected: the last update was \d\d s ago\. What is shown may have changed since\.", said)
    page.context.set_offline(False)
    page.clock.run_for(11_000)
    page.get_by_role("alert").wait_for(state="hidden")


def test_without_script_everything_can_be_done(stage: Stage, visit: Visit) -> None:
    page = visit("/", java_script_enabled=False)
    page.get_by_label("Find").fill("sonarr")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?q=*")
    assert listed(page, "primary") == ["sonarr"]
    page.get_by_role("link", name="Promote sonarr").click()
    page.get_by_role("heading", name="Promote sonarr to backup").wait_for()
    stage.replace(SONARR, "replicas: 1", "replicas: 2")
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_text("so nothing was written").wait_for()
    page.get_by_label("Reason").fill("k3s-w1 is down")
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    page.reload()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    assert len(stage.moves) == 1
    page.get_by_role("link", name="History of sonarr").click()
    page.get_by_role("link", name="Roll back").click()
    page.get_by_role("button", name="Roll back sonarr").click()
    page.get_by_role("heading", name="sonarr is rolled back").wait_for()


def test_signing_in_and_out(stage: Stage, chromium: Any) -> None:
    app = stage.app()
    with serving(app) as url:
        app.state.authenticator = People({"secret-token": person("ops-laptop")})
        context = chromium.new_context(base_url=url)
        page = context.new_page()
        page.goto("/services/sonarr")
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        assert page.get_by_role("alert").inner_text().startswith("Unauthenticated.")
        page.get_by_label("Token").fill("secret-token")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="sonarr").wait_for()
        (cookie,) = context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-failover", True, True)
        assert (cookie["sameSite"], cookie["expires"]) == ("Strict", -1)
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        assert context.cookies() == []
        context.close()


PAGES = [
    "/",
    "/?q=nonesuch",
    "/services/plex",
    "/services/radarr",
    "/services/plex/promote",
    "/services/radarr/promote",
    "/services/radarr/promote?force=true",
    "/services/plex/demote",
    "/groups/media/promote?skip_refused=true",
    "/signin",
    "/nowhere",
]


LIGHT = {"color_scheme": "light"}
ONE_LINE = 70  # px, of the bar on top
DARK_PHONE = {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}


@pytest.mark.parametrize(
    ("look", "rules"), [(LIGHT, None), (DARK_PHONE, "color-contrast")], ids=["light", "dark-phone"]
)
def test_every_page_can_be_used_by_everybody(
    stage: Stage, visit: Visit, look: dict[str, Any], rules: str | None
) -> None:
    """axe-core finds nothing, and nothing is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"runOnly": [rules]} if rules else None

    def check(what: str) -> None:
        found = axe.run(page, options=options)
        assert found.violations_count == 0, (what, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
        assert page.locator("header.top").bounding_box()["height"] < ONE_LINE, what

    stage.replace(RADARR, "role: primary", "role: maintenance")
    page = visit("/services/sonarr/promote", **look)
    page.get_by_role("button", name="Promote sonarr").click()
    page.get_by_role("heading", name="sonarr is on backup").wait_for()
    check("outcome")
    for path in PAGES:
        page.goto(path)
        check(path)
