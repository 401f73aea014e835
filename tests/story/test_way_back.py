"""What the way back will not bring back, wherever a move is shown; and a rollback that brings it back."""

import json

import pytest

from tests.edges.board.ground import browsing, text
from tests.support.shell import Cli
from tests.support.stage import FILES, SERVICES, SONARR, Stage

SONARR_URL = "/api/failover/sonarr"
WARNING = f"{SONARR}:20: demote will write `claimName: pvc-sonarr` where `*claim` stood; rollback puts the alias back"


@pytest.fixture
def aliased(stage: Stage) -> Stage:
    stage.replace(SONARR, "metadata:\n", "metadata:\n  labels: {claim: &claim pvc-sonarr}\n")
    stage.replace(SONARR, '"pvc-sonarr"', "*claim")
    return stage


async def test_the_dry_run_and_the_answer_say_it(aliased: Stage) -> None:
    before = aliased.read(SONARR)
    async with aliased.client() as client:
        seen = (await client.get(f"{SONARR_URL}/promote?dry-run=true")).json()
        first = await client.post(f"{SONARR_URL}/promote", headers={"Idempotency-Key": "once"})
        again = await client.post(f"{SONARR_URL}/promote", headers={"Idempotency-Key": "once"})
        there = (await client.post(f"{SONARR_URL}/promote")).json()
        back = (await client.post(f"{SONARR_URL}/rollback")).json()
    assert seen["warnings"] == [WARNING]
    assert first.json()["warnings"] == [WARNING]
    unread = {"hazards_complete": False}  # the branch has moved, and a repeat reads nothing
    assert again.json() == {**first.json(), **unread}
    assert (there["changed"], there["warnings"]) == (False, [])
    assert (back["changed"], back["warnings"]) == (True, [])
    assert aliased.read(SONARR) == before


async def test_the_demote_writes_what_was_said(aliased: Stage) -> None:
    before = aliased.read(SONARR) or b""
    async with aliased.client() as client:
        await client.post(f"{SONARR_URL}/promote")
        await client.post(f"{SONARR_URL}/demote")
    assert aliased.read(SONARR) == before.replace(b"*claim", b"pvc-sonarr")


async def test_a_group_says_it_of_each_of_its_services(aliased: Stage) -> None:
    aliased.declare(f"{SERVICES}groups: {{media: [sonarr, radarr]}}\n")
    async with aliased.client() as client:
        body = (await client.post("/api/groups/media/promote?dry-run=true")).json()
    assert body["warnings"] == [WARNING]


async def test_a_pull_request_says_it_beside_what_went_wrong(aliased: Stage) -> None:
    aliased.declare(SERVICES, top="policy: pull_request\npull_request: {reviewers: [nobody-here]}")
    async with aliased.client() as client:
        body = (await client.post(f"{SONARR_URL}/promote")).json()
        again = (await client.post(f"{SONARR_URL}/promote")).json()
    told, beside = body["warnings"]
    assert told == WARNING
    assert beside.startswith("reviewers: ")
    assert again["warnings"][0] == WARNING
    assert WARNING in aliased.github("GET", f"/pulls/{body['pull_request']['number']}")["body"]


def test_the_command_line_says_it(aliased: Stage, cli: Cli) -> None:
    assert f"warning: {WARNING}" in cli("promote", "sonarr", "--dry-run").stderr
    assert cli.json("promote", "sonarr")["warnings"] == [WARNING]


async def test_the_board_says_it_before_and_after(aliased: Stage) -> None:
    async with browsing(aliased) as browser:
        page = await browser.get("/services/sonarr/promote")
        done = await browser.confirm(page)
    as_shown = WARNING.replace("`", "")  # as code
    assert as_shown in text(page.text)
    assert as_shown in text(done.text)


async def test_the_log_has_no_word_of_it(aliased: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with aliased.client() as client:
        await client.post(f"{SONARR_URL}/promote")
    assert "move done" in caplog.text
    assert "*claim" not in json.dumps([record.__dict__ for record in caplog.records], default=str)


async def test_an_ordinary_manifest_needs_no_warning(stage: Stage) -> None:
    async with stage.client() as client:
        there = (await client.post(f"{SONARR_URL}/promote")).json()
        back = (await client.post(f"{SONARR_URL}/demote")).json()
    assert (there["warnings"], back["warnings"]) == ([], [])
    assert stage.read(SONARR) == FILES[SONARR]


@pytest.mark.parametrize("new", ["role: ${ROLE}", "role: |-\n          maintenance", "role: 3", "role: !x maintenance"])
async def test_force_is_not_advised_for_what_it_cannot_do(stage: Stage, new: str) -> None:
    stage.replace(SONARR, "role: primary", new)
    async with stage.client() as client:
        for query in ("", "?force=true"):
            response = await client.post(f"{SONARR_URL}/promote{query}")
            assert response.status_code == 422
            assert response.json()["type"].endswith(":manifest-invalid")
            assert "force" not in response.json()["detail"]
    assert not stage.moves
