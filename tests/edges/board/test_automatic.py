"""The page of automatic failover: the answer first, and a button that stops it at once."""

from __future__ import annotations

import re
from typing import Any

from failover_api.automatic.control import Standing
from failover_api.core.automatic.notes import Notes
from failover_api.core.automatic.report import HoldLine, NodeLine, PendingLine, Report
from failover_api.core.catalog.automatic import Mode
from tests.edges.board.ground import People, browsing, person, text
from tests.support.stage import SERVICES, Stage, serving
from tests.support.tokens import bearer

TOP = "nodes: {primary: k3s-w1, backup: k3s-w2}\nautomatic: {mode: observe}"
PEOPLE = People({"all": person("ops"), "some": person("one", services=["sonarr"]), "look": person("eyes", ["view"])})
NOW = 1_795_996_800.0  # 2026-11-30 00:00 UTC
REPORT = Report(
    NOW,
    "watching",
    nodes=(
        NodeLine("k3s-w1", "dead", NOW - 60, "It is silent.", NOW - 30),
        NodeLine("k3s-w2", "suspect", NOW, "", NOW + 60),
    ),
    pending=(
        PendingLine("sonarr", "k3s-w1", "backup", holds=(HoldLine("paused", "Paused until noon: work", "", NOW + 60),)),
        PendingLine("radarr", "k3s-w1", holds=(HoldLine("opt-in", "radarr takes no part.", "Write it."),)),
        PendingLine("plex", "k3s-w1", holds=(HoldLine("opt-in", "plex takes no part.", "Write it."),)),
    ),
)


def answer(page: str) -> str:
    found = re.search(r'<p class="band[^"]*" id="answer">(.*?)</p>', page)
    assert found is not None
    return found[1]


async def test_off_is_said_and_nothing_is_offered(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/automatic")
        board = await browser.get("/")
    assert page.status_code == 200
    assert answer(page.text) == "Off: nothing moves by itself."
    assert "Pause everything" not in page.text
    assert 'href="/automatic"' in board.text


async def test_where_a_cluster_is_missing_the_page_says_what_to_do(stage: Stage) -> None:
    stage.declare(SERVICES, top=TOP)
    async with browsing(stage) as browser:
        page = await browser.get("/automatic")
    assert page.status_code == 409
    assert "no cluster is configured here" in page.text


async def standing() -> Standing:
    """As a replica that leads would tell it."""
    return Standing(Mode.OBSERVE, "a", NOW, Notes(), REPORT)


async def test_what_holds_a_service_is_told_and_who_takes_no_part_in_one_line(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    async with browsing(stage, PEOPLE, "all", cluster=kubeconfig) as browser:
        browser.app.state.components.automatic.control().standing = standing
        shown = text((await browser.get("/automatic")).text)
    assert "sonarr on k3s-w1, to backup paused Paused until noon: work. Taking no part radarr, plex. Write it." in shown
    assert "k3s-w1 dead 29 Nov 2026, 23:59 UTC It is silent. k3s-w2 suspect" in shown  # what is due already is no news
    assert "Something would follow at 30 Nov 2026, 00:01 UTC" in shown


async def test_everything_is_paused_and_goes_on_again_by_a_button(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    async with browsing(stage, PEOPLE, "all", cluster=kubeconfig) as browser:
        assert "Pause everything" in (await browser.get("/automatic")).text
        done = await browser.post("/automatic/pause", {"reason": "something is <wrong>", "until": "8h"})
        assert (done.status_code, done.headers["location"]) == (303, "/automatic")
        page = (await browser.get("/automatic")).text
        assert "Everything, by ops, until" in page
        assert "<q>something is &lt;wrong&gt;</q>" in page
        (id_,) = re.findall(r'name="id" value="([^"]*)"', page)
        assert (await browser.post("/automatic/resume", {"id": id_})).status_code == 303
        assert "Everything, by ops" not in (await browser.get("/automatic")).text
        assert (await browser.post("/automatic/resume", {"id": id_})).status_code == 404
        assert (await browser.post("/automatic/ack", {"service": "sonarr"})).status_code == 303


async def test_a_pause_of_a_hidden_service_names_it_to_nobody(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    async with browsing(stage, PEOPLE, "all", cluster=kubeconfig) as browser:
        services = {"services": ["sonarr", "radarr"], "reason": "new kernel"}
        made = await browser.client.post("/api/automatic/pauses", json=services, headers=bearer("all"))
        assert made.status_code == 201
        browser.bearer = "some"
        page = await browser.get("/automatic")
        assert "<li>sonarr, by ops, until" in page.text
        refused = await browser.post("/automatic/resume", {"id": made.json()["id"]})
        none = await browser.post("/automatic/resume", {"id": "01JDQ3Z5Y8V6T4R2P0N9M7K5H3"})
        assert (refused.status_code, none.status_code) == (404, 404)
        assert "radarr" not in page.text + refused.text
        assert "is in force" in refused.text


async def test_whoever_may_not_is_offered_nothing_and_refused(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    for name in ("some", "look"):
        async with browsing(stage, PEOPLE, name, cluster=kubeconfig) as browser:
            assert "Pause everything" not in (await browser.get("/automatic")).text
            assert (await browser.post("/automatic/pause", {"reason": "", "until": "8h"})).status_code == 403
            refused = await browser.post("/automatic/ack", {"service": "radarr"})
            assert refused.status_code in {403, 404}


async def test_a_form_of_another_session_or_site_does_nothing(stage: Stage, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    fields = {"reason": "", "until": "8h"}
    async with browsing(stage, PEOPLE, "all", cluster=kubeconfig) as browser:
        for path, more in (("pause", fields), ("resume", {"id": "x"}), ("ack", {"service": "sonarr"})):
            foreign = await browser.post(f"/automatic/{path}", {**more, "token": "0" * 64})
            assert foreign.status_code == 403
            crossed = await browser.post(f"/automatic/{path}", more, **{"sec-fetch-site": "cross-site"})
            assert crossed.status_code == 403
        for bad in ({"reason": "", "until": "8h"}, {"reason": "new kernel", "until": "x"}):
            assert (await browser.post("/automatic/pause", bad)).status_code == 400
        assert "Everything, by" not in (await browser.get("/automatic")).text


def test_what_is_to_come_is_no_age(stage: Stage, chromium: Any, kubeconfig: str) -> None:
    stage.declare(SERVICES, top=TOP)
    with serving(stage.app(stage.settings(cluster=kubeconfig))) as url:
        page = chromium.new_context().new_page()
        page.goto(f"{url}/automatic")
        page.get_by_label("Why").fill("new kernel")
        page.get_by_label("For").select_option("8h")
        page.get_by_role("button", name="Pause everything").click()
        until = page.get_by_role("listitem").filter(has_text="Everything, by").locator("time")
        assert re.fullmatch(r"\d{1,2} \w{3} \d{4}, \d\d:\d\d UTC", until.inner_text())
        page.context.close()
