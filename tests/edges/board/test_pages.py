"""The board's pages without a browser: what they show, to whom, and with which headers."""

import asyncio
import re

import httpx2
import pytest

from failover_api.core.access.model import Caller
from failover_api.core.catalog.model import Branch
from failover_api.edges.board.pages import POLICY, with_breaks
from failover_api.events import BranchMoved
from failover_api.overview import Intervals
from tests.edges.board.ground import ALL, Browser, People, browsing, headline, part, person, text
from tests.support.answers import problem
from tests.support.stage import PLEX, RADARR, SERVICES, SONARR, VOLSYNC, Stage, entry

GROUPS = "groups: {media: [sonarr, radarr], films: [plex]}"
PAGES = [
    "/",
    "/cards",
    "/services/sonarr",
    "/services/sonarr/promote",
    "/services/sonarr/rollback",
    "/groups/media/promote",
    "/signin",
    "/nowhere",
    "/services/nobody",
]


@pytest.fixture
def grouped(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=GROUPS)
    return stage


async def promoted(browser: Browser, service: str = "sonarr", **fields: str) -> httpx2.Response:
    """Moves a service as a person would."""
    return await browser.confirm(await browser.get(f"/services/{service}/promote"), **fields)


# What is shown


async def test_each_service_is_in_the_part_where_git_has_it(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        await promoted(browser)
        page = await browser.get("/")
    assert part(page.text, "primary") == ["radarr", "plex"]
    assert part(page.text, "backup") == ["sonarr"]
    assert part(page.text, "look") == []


async def test_a_row_says_side_node_since_by_whom_and_why(stage: Stage) -> None:
    stage.declare(
        entry("sonarr", "media", "nodes: {primary: k3s-w1, backup: [k3s-w2, k3s-w3]}") + entry("radarr") + PLEX
    )
    async with browsing(stage) as browser:
        await promoted(browser, reason="k3s-w1 is down")
        page = text((await browser.get("/")).text)
    assert "sonarr backup k3s-w2, k3s-w3 just now Promoted by anonymous: k3s-w1 is down Demote sonarr" in page
    assert "radarr primary Promote radarr" in page, "a label's value is no node"
    assert "plex primary k3s-w1 Promote plex" in page


async def test_what_a_person_moved_has_no_reason_that_is_not_theirs(stage: Stage) -> None:
    async with browsing(stage) as browser:
        await promoted(browser, reason="k3s-w1 is down")
        await browser.confirm(await browser.get("/services/sonarr/demote"), reason="k3s-w1 is back")
        stage.replace(SONARR, "role: primary", "role: backup")
        stage.replace(SONARR, 'claimName: "pvc-sonarr"', 'claimName: "pvc-sonarr-backup"')
        browser.app.state.components.events.publish(BranchMoved(Branch(stage.repository, "main")))
        page = text((await browser.get("/")).text)
    assert "2 of 3 at home, 1 moved" in page.replace(" ,", ",")
    assert "sonarr backup No move is known that led here. Demote sonarr" in page


async def test_the_headline_answers_and_is_the_title(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        at_home = await browser.get("/")
        await promoted(browser)
        moved = await browser.get("/")
        await promoted(browser, "plex")
        grouped.replace(RADARR, "role: primary", "role: maintenance")
        odd = await browser.get("/")
    said = [headline(page.text) for page in (at_home, moved, odd)]
    assert said == [
        "3 of 3 at home",
        "2 of 3 at home, 1 moved just now",
        "0 of 3 at home, 2 moved, the last just now, 1 needs a look",
    ]
    for page, line in zip((at_home, moved, odd), said, strict=True):
        assert f"<title>{line} · Failover</title>" in page.text


async def test_the_panel_of_what_needs_a_look_is_away_when_nothing_does(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        page = (await browser.get("/")).text
    assert 'id="look-title"' not in page
    assert 'id="backup-title"' not in page


async def test_drift_needs_a_look_and_is_told_in_plain_words(grouped: Stage) -> None:
    grouped.replace(SONARR, "role: primary", "role: maintenance")
    grouped.replace(VOLSYNC, "paused: false", "paused: true")
    grouped.commit({RADARR: "a: [b"})
    async with browsing(grouped) as browser:
        page = await browser.get("/")
    assert part(page.text, "look") == ["sonarr", "radarr", "plex"]
    said = text(page.text)
    assert 'data-standing="look"' in page.text
    assert "The node is “maintenance”: neither “primary” (on primary) nor “backup” (on backup)." in said
    assert f"{SONARR}:12" in said
    assert "It is half moved: of its 3 values, 2 on primary and 1 on backup." in said
    assert "Cannot be read. Manifest not found: " in said


async def test_an_open_pull_request_needs_a_look_on_the_board_and_is_on_the_page(reviewed: Stage) -> None:
    async with browsing(reviewed) as browser:
        answer = await promoted(browser, reason="k3s-w1 is down")
        board, page = await browser.get("/"), await browser.get("/services/sonarr")
    (pull,) = reviewed.pulls()
    link = f'<a href="{pull["html_url"]}" rel="noreferrer">Pull request #{pull["number"]}</a>'
    assert answer.status_code == 202
    for shown in (answer, board, page):
        assert link in shown.text
        assert "is open" in text(shown.text)
    for shown in (board, page):
        assert "to backup is open and waits for a merge. Asked for by anonymous: k3s-w1 is down" in text(shown.text)
    assert 'data-standing="wait"' in board.text
    assert part(board.text, "look") == ["sonarr"]
    assert part(board.text, "primary") == ["radarr", "plex"]
    assert headline(board.text) == "2 of 3 at home, 1 needs a look"


async def test_the_filter_works_by_the_address_alone(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        by_words, by_group = await browser.get("/?q=SONARR+pvc"), await browser.get("/?group=films")
        nothing = await browser.get("/?q=nonesuch")
        await promoted(browser)
        moved, unknown = await browser.get("/?state=moved"), await browser.get("/?state=%3Cb%3E&q=arr")
    assert visible(moved) == ["sonarr"]
    assert re.search(r'<section class="part primary"[^>]* hidden>', moved.text)
    assert re.search(r'<section class="part backup"[^>]*-title">', moved.text)
    assert visible(unknown) == ["sonarr", "radarr"]
    assert "All 2 Needs a look 0 Moved 1 At home 1" in text(unknown.text)
    assert visible(by_words) == ["sonarr"]
    assert visible(by_group) == ["plex"]
    assert visible(nothing) == []
    assert re.search(r'id="none">No service matches', nothing.text)
    assert re.search(r'id="none" hidden>', by_words.text)


def visible(page: httpx2.Response) -> list[str]:
    rows = re.findall(r'<li [^>]*id="row-([^"]+)"[^>]*?( hidden)?>', page.text)
    return [name for name, is_hidden in rows if not is_hidden]


async def test_groups_say_how_many_are_where_and_what_can_be_done(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        await promoted(browser)
        page = (await browser.get("/")).text
    assert (
        "media 1 of 2 at home Promote group media Demote group media films 1 of 1 at home Promote group films"
        in text(page)
    )


async def test_a_service_shows_its_switches_with_links_to_their_lines(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/services/sonarr")
    url = f"{stage.url}/{stage.repository}/blob/main/{SONARR}"
    assert f'href="{url}#L12"' in page.text
    assert f'href="{url}#L19"' in page.text
    assert "spec.template.spec.nodeSelector.role Deployment media/sonarr primary primary" in text(page.text)


async def test_what_cannot_be_believed_is_said(stage: Stage) -> None:
    async with browsing(stage) as browser:
        await promoted(browser)
        stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", f"Update\n\n{stage.moves[0].rpartition(chr(10) * 2)[2]}")
    stage.declare(entry("sonarr").replace("pvc-sonarr-backup", "pvc-sonarr-copy"))
    async with browsing(stage) as browser:
        page, board = text((await browser.get("/services/sonarr")).text), text((await browser.get("/")).text)
    assert "Edited by maria (says it was a failover)" in page
    assert "by anonymous (not provable)" in page
    assert "(not provable)" in board


async def test_history_is_a_timeline_with_pages(stage: Stage) -> None:
    for number in range(25):
        stage.replace(SONARR, "replicas: 1", "replicas: 1 ", f"Edit {number:02}")
    async with browsing(stage) as browser:
        await promoted(browser, reason="k3s-w1 is down")
        newest = await browser.get("/services/sonarr")
        older = await browser.get(re.findall(r'id="older" href="([^"#]+)', newest.text)[0])
    assert "Promoted primary → to backup by anonymous k3s-w1 is down" in text(newest.text)
    assert len(re.findall(r"<li class=", newest.text)) == 20
    assert "Edit 03" not in newest.text
    assert "Edit 03" in older.text
    assert 'id="newest"' in older.text
    assert 'id="older"' not in older.text


async def test_the_newest_bad_catalog_is_said_while_the_last_good_one_is_shown(stage: Stage) -> None:
    async with browsing(stage) as browser:
        stage.catalog_file.write_text("services: {}\nzap: 1\n", encoding="utf-8")
        browser.app.state.components.catalog.reload()
        page = await browser.get("/")
    assert "The catalog's newest version is invalid" in text(page.text)
    assert part(page.text, "primary") == ["sonarr", "radarr", "plex"]


async def test_what_was_seen_stays_while_github_is_down_and_says_so(stage: Stage) -> None:
    async with browsing(stage) as browser:
        await browser.get("/")
        browser.app.state.components.events.publish(BranchMoved(Branch(stage.repository, "main")))
        stage.fault("status", status=502, times=50)
        page = await browser.get("/")
    assert page.status_code == 200
    assert part(page.text, "primary") == ["sonarr", "radarr", "plex"]
    assert "GitHub does not answer just now. 3 of 3 services are shown as they were before." in text(page.text)
    assert headline(page.text) == "3 of 3 at home, 3 not seen just now"


# Headers, and what is no page


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_keeps_a_strict_policy_that_its_html_obeys(grouped: Stage, path: str) -> None:
    async with browsing(grouped) as browser:
        page = await browser.get(path)
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=|javascript:", page.text)


async def test_the_pages_are_no_part_of_the_api_description(stage: Stage) -> None:
    async with browsing(stage) as browser:
        described = (await browser.client.get("/openapi.json")).json()["paths"]
    assert not [path for path in described if path.startswith(("/services", "/groups", "/cards", "/sign", "/static"))]
    assert "/" not in described


async def test_a_browser_gets_an_error_as_a_page_and_a_script_as_a_problem(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/nowhere")
        problem(await browser.client.get("/nowhere"), "not-found", 404)
        problem(await browser.client.get("/api/nowhere", headers={"accept": "text/html"}), "not-found", 404)
    assert page.status_code == 404
    assert "Not found nothing is at '/nowhere'" in text(page.text)
    assert page.headers["x-request-id"] in page.text


async def test_an_unknown_service_group_or_action_is_404(grouped: Stage) -> None:
    async with browsing(grouped) as browser:
        for path in (
            "/services/nobody",
            "/services/nobody/promote",
            "/services/sonarr/zap",
            "/groups/nobody/promote",
            "/groups/media/rollback",
            "/static/nothing.css",
        ):
            assert (await browser.get(path)).status_code == 404, path


async def test_another_method_is_405_and_says_which(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/signout")
    assert (page.status_code, page.headers["allow"]) == (405, "OPTIONS, POST")
    assert "Method not allowed" in page.text


async def test_a_defect_is_a_page_that_tells_nothing_of_it(stage: Stage) -> None:
    class Broken:
        async def identify(self, bearer: str | None, address: str) -> Caller:
            raise ZeroDivisionError("secret")

    async with browsing(stage, Broken()) as browser:
        page = await browser.get("/")
    assert page.status_code == 500
    assert "secret" not in page.text
    assert "The change may have been made." in text(page.text)


async def test_news_are_304_while_nothing_moves(stage: Stage) -> None:
    async with browsing(stage) as browser:
        browser.app.state.components.overview.intervals = Intervals(fresh_s=0, apart_s=0)
        first = await browser.get("/cards")
        await asyncio.sleep(1.1)  # to another second, which is shown
        again = await browser.get("/cards", **{"if-none-match": first.headers["etag"]})
        await promoted(browser)
        moved = await browser.get("/cards", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["failover-seen"].endswith("+00:00")
    assert again.headers["failover-seen"] > first.headers["failover-seen"]
    assert moved.status_code == 200
    assert part(moved.text, "backup") == ["sonarr"]


async def test_static_files_are_named_after_their_content_and_kept_for_ever(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = (await browser.get("/")).text
        for url in set(re.findall(r'"(/static/[^"]+)"', page)):
            plain = await browser.client.get(url, headers={"accept-encoding": "identity"})
            packed = await browser.client.get(url, headers={"accept-encoding": "gzip"})
            again = await browser.client.get(url, headers={"if-none-match": plain.headers["etag"]})
            assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert plain.headers["etag"].strip('"') in url
            assert packed.headers["content-encoding"] == "gzip"
            assert packed.content == plain.content
            assert again.status_code == 304
        assert (await browser.get("/static/board.0000000000000000.css")).status_code == 404


async def test_the_board_of_twenty_is_small(stage: Stage) -> None:
    names = [f"app-{number:02}" for number in range(20)]
    stage.commit(
        {f"apps/{name}/deployment.yaml": (stage.read(SONARR) or b"").decode().replace("sonarr", name) for name in names}
    )
    stage.declare("".join(entry(name) for name in names))
    async with browsing(stage) as browser:
        page = await browser.get("/")
        urls = set(re.findall(r'"(/static/[^"]+)"', page.text))
        files = [await browser.client.get(url, headers={"accept-encoding": "gzip"}) for url in urls]
        sizes = [len(page.content), *(int(file.headers["content-length"]) for file in files)]
    assert len(part(page.text, "primary")) == 20
    assert sum(sizes) < 50_000, sizes


async def test_the_board_of_two_hundred_is_below_150_kb_wherever_they_are(crowd: Stage) -> None:
    async with browsing(crowd) as browser:
        browser.app.state.components.overview.intervals = Intervals(fresh_s=0, apart_s=0, patience_s=60)
        at_home = await browser.get("/")
        moved = await browser.confirm(await browser.get("/groups/all/promote"), reason="k3s-w1 is down")
        away = await browser.get("/")
    assert moved.status_code == 200
    assert (len(part(at_home.text, "primary")), len(part(away.text, "backup"))) == (200, 200)
    assert max(len(at_home.content), len(away.content)) < 150_000, (len(at_home.content), len(away.content))


# What comes from outside


HOSTILE = "<img src=x onerror=alert(1)>"


async def test_hostile_values_and_reasons_are_only_text(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", f"role: '{HOSTILE}'", f"{HOSTILE} \u202egnp.exe")
    async with browsing(stage) as browser:
        await promoted(browser, "radarr", reason=f"</script>{HOSTILE}\"'")
        pages = [await browser.get(path) for path in ("/", "/services/sonarr", "/services/radarr")]
        pages += [
            await browser.get("/services/sonarr/promote"),
            await browser.get("/services/sonarr/promote?force=true"),
        ]
        pages += [
            await browser.get(f"/?q={HOSTILE}"),
            await browser.get(f"/{HOSTILE}"),
            await browser.get(f"/signin?next=/{HOSTILE}"),
        ]
    for page in pages:
        assert "<img src=x" not in page.text
        assert "</script><" not in page.text.replace("defer></script>\n<", "")
        assert "\u202e" not in page.text
    assert HOSTILE in text(pages[1].text)
    assert "\\u202egnp.exe" in pages[1].text


# Who may see and do what

TEAM = People(
    {
        "op": person("ops-laptop"),
        "looker": person("maria", ("view",)),
        "planner": person("alice", ("view", "plan")),
        "sonarrs": person("sonarr-only", ALL, ["sonarr"]),
        "nobody": person("nobody", ()),
    }
)


async def test_who_may_only_look_is_offered_nothing(grouped: Stage) -> None:
    async with browsing(grouped, TEAM, "looker") as browser:
        board, page = await browser.get("/"), await browser.get("/services/sonarr")
        refused = [await browser.get(path) for path in ("/services/sonarr/promote", "/groups/media/promote")]
        forced = await browser.post("/services/sonarr/promote", {"shown": "*", "key": "k"})
    for shown in (board, page):
        assert not re.search(r"Promote|Demote|Roll back|Try ", text(shown.text))
    assert [answer.status_code for answer in (*refused, forced)] == [403, 403, 403]
    assert grouped.writes == []


async def test_who_may_plan_sees_the_dry_run_and_no_button(grouped: Stage) -> None:
    async with browsing(grouped, TEAM, "planner") as browser:
        board, page = await browser.get("/"), await browser.get("/services/sonarr/promote")
        forced = await browser.post("/services/sonarr/promote", {"shown": "*", "key": "k"})
        whole = await browser.post("/groups/media/promote", {"shown": "*", "key": "k"})
    assert "Try promote sonarr" in text(board.text)
    assert "Promote sonarr" not in text(board.text)
    assert "What changes 2" in text(page.text)
    assert 'id="confirm"' not in page.text
    assert (forced.status_code, whole.status_code) == (403, 403)
    assert grouped.writes == []


async def test_what_a_caller_may_not_see_is_not_there(grouped: Stage) -> None:
    async with browsing(grouped, TEAM, "sonarrs") as browser:
        board = await browser.get("/")
        hidden = [
            await browser.get(path)
            for path in ("/services/radarr", "/services/radarr/promote", "/groups/media/promote", "/?group=media")
        ]
    assert part(board.text, "primary") == ["sonarr"]
    assert not re.search("radarr|plex|media", text(board.text).replace("Find name, node, claim…", ""))
    assert [answer.status_code for answer in hidden] == [404, 404, 404, 200]


async def test_the_mover_has_the_name_that_the_gate_gave(stage: Stage) -> None:
    async with browsing(stage, TEAM, "op") as browser:
        page = await promoted(browser, reason="k3s-w1 is down")
    assert page.status_code == 200
    assert "Failover-Requested-By: ops-laptop" in stage.moves[0]
    assert "Reason: k3s-w1 is down" in stage.moves[0]


async def test_whom_nobody_knows_is_asked_to_sign_in_and_comes_back(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        page = await browser.get("/services/sonarr?cursor=x")
    assert page.status_code == 401
    assert page.headers["www-authenticate"].startswith("Bearer ")
    assert '<input type="hidden" name="next" value="/services/sonarr?cursor=x">' in page.text


async def test_who_is_known_and_may_nothing_is_told_so(stage: Stage) -> None:
    async with browsing(stage, TEAM, "nobody") as browser:
        page = await browser.get("/")
    assert page.status_code == 403


async def test_an_open_page_does_not_fill_the_audit_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "failover_api.audit")
    async with browsing(stage, TEAM, "looker") as browser:
        for path in ("/", "/cards", "/cards"):
            assert (await browser.get(path)).status_code == 200
        await browser.get("/services/sonarr/promote")
    told = [(record.msg, getattr(record, "caller", None)) for record in caplog.records if record.name.endswith("audit")]
    allowed, denied = ("access allowed", "maria"), ("access denied", "maria")
    assert told == [allowed, allowed, denied]


async def test_whoever_sees_the_same_gets_what_was_made_once(stage: Stage) -> None:
    async with browsing(stage, TEAM, "op") as browser:
        first = await browser.get("/cards")
        browser.bearer = "looker"
        other = await browser.get("/cards")
        browser.bearer = "op"
        again = await browser.get("/cards")
    assert "Promote" in text(first.text)
    assert "Promote" not in text(other.text)
    assert again.text == first.text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("spec.replicas", "spec<wbr>.replicas"),
        ("spec.volumes[name=a].claimName", "spec<wbr>.volumes<wbr>[name=a]<wbr>.claimName"),
        ("apps/<b>.yaml:21", "apps/<wbr>&lt;b&gt;<wbr>.yaml<wbr>:21"),
        ("spec.values|a", "spec<wbr>.values<wbr>|a"),
    ],
)
def test_a_path_is_broken_between_its_parts(path: str, shown: str) -> None:
    assert with_breaks(path) == shown
