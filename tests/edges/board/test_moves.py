"""Moving from the board: what is shown is what is done, and no form moves twice."""

import pytest

from tests.edges.board.ground import browsing, hidden, text
from tests.support.stage import FILES, RADARR, RELEASE, SERVICES, SONARR, VOLSYNC, Stage

PROMOTE = "/services/sonarr/promote"
GROUPS = "groups: {media: [sonarr, radarr, plex]}"


async def test_a_dry_run_is_shown_side_by_side_and_writes_nothing(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(f"{PROMOTE}?reason=k3s-w1+is+down")
    said = text(page.text)
    assert page.status_code == 200
    assert "Promote sonarr to backup sonarr would move from primary to backup: 2 values" in said
    assert "12 removed \N{MINUS SIGN} role: primary # which node 12 added + role: backup # which node" in said
    assert "<del>primary</del>" in page.text
    assert "<ins>pvc-sonarr-backup</ins>" in page.text
    assert 'value="k3s-w1 is down"' in page.text
    assert stage.writes == []


async def test_confirming_moves_and_shows_the_commit(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        done = await browser.confirm(page, reason="k3s-w1 is down")
    head = stage.sandbox.head(repository=stage.repository)
    assert done.status_code == 200
    assert "sonarr is on backup in Git sonarr moved from primary to backup in Git: 2 values" in text(done.text)
    assert f"/commit/{head}" in done.text
    assert b"role: backup" in (stage.read(SONARR) or b"")
    assert "Failover-Idempotency: " in stage.moves[0]


async def test_a_form_that_is_sent_again_gives_the_same_outcome(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        first, again = await browser.confirm(page), await browser.confirm(page)
        back = await browser.confirm(await browser.get("/services/sonarr/demote"))
        late = await browser.confirm(page)
    assert (first.status_code, again.status_code, back.status_code) == (200, 200, 200)
    commit = first.text.partition("/commit/")[2][:40]
    assert f"/commit/{commit}" in again.text
    assert f"/commit/{commit}" in late.text
    assert len(stage.moves) == 2
    assert stage.read(SONARR) == FILES[SONARR]


async def test_what_changed_since_is_shown_anew_and_can_be_confirmed(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        stage.replace(SONARR, "replicas: 1", "replicas: 2")
        refused = await browser.confirm(page, reason="k3s-w1 is down")
        writes = len(stage.writes)
        done = await browser.confirm(refused)
    assert (refused.status_code, writes) == (412, 0)
    assert "The manifests changed since you looked, so nothing was written." in text(refused.text)
    assert 'value="k3s-w1 is down"' in refused.text
    assert hidden(refused.text)["shown"] != hidden(page.text)["shown"]
    assert done.status_code == 200
    assert len(stage.moves) == 1


async def test_a_change_between_check_and_write_is_a_412_as_well(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        stage.before_write(lambda: stage.replace(SONARR, "replicas: 1", "replicas: 2"))
        refused = await browser.confirm(page)
    assert refused.status_code == 412
    assert stage.moves == []


@pytest.mark.parametrize("shown", ["", "garbage", '"5f0c.91ab"'])
async def test_a_form_that_names_no_version_moves_nothing(stage: Stage, shown: str) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        refused = await browser.confirm(page, shown=shown)
    assert refused.status_code == 412
    assert stage.writes == []


@pytest.mark.parametrize(
    "fields",
    [{"dry_run": "false"}, {"force": "yes"}, {"zap": "1"}, {"reason": "x" * 201}, {"reason": "a\nb"}, {"key": ""}],
)
async def test_an_odd_field_moves_nothing(stage: Stage, fields: dict[str, str]) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        refused = await browser.confirm(page, **fields)
    assert refused.status_code == 400
    assert stage.writes == []


async def test_a_version_that_takes_anything_is_not_taken(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get(PROMOTE)
        refused = await browser.confirm(page, shown="*")
    assert refused.status_code == 412
    assert stage.writes == []


async def test_already_there_says_so_and_has_no_button(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/services/sonarr/demote")
    assert "sonarr is already on primary in Git; nothing to do." in text(page.text)
    assert 'id="confirm"' not in page.text


async def test_drift_asks_for_force_and_shows_what_it_would_overwrite(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with browsing(stage) as browser:
        refused = await browser.get(PROMOTE)
        page = await browser.get(f"{PROMOTE}?force=true")
        done = await browser.confirm(page)
    assert refused.status_code == 409
    assert '<input type="checkbox" id="force" name="force" value="true"' in refused.text
    assert 'name="supersede"' not in refused.text
    assert 'id="confirm"' not in refused.text
    assert "<del>maintenance</del>" in page.text
    assert "Move it all the same." in text(page.text)
    assert hidden(page.text)["force"] == "true"
    assert done.status_code == 200
    assert "Failover-Force: true" in stage.moves[0]


async def test_a_pull_request_for_the_other_side_can_be_asked_to_give_way(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with browsing(stage) as browser:
        await browser.confirm(await browser.get(PROMOTE))
        refused = await browser.get("/services/sonarr/demote")
        page = await browser.get("/services/sonarr/demote?supersede=true")
    (pull,) = stage.pulls()
    assert refused.status_code == 409
    assert f'<a href="{pull["html_url"]}" rel="' in refused.text
    assert 'name="supersede"' in refused.text
    assert 'name="force"' not in refused.text
    assert page.status_code == 200


async def test_a_pull_request_is_202_and_waits_for_somebody(reviewed: Stage) -> None:
    async with browsing(reviewed) as browser:
        page = await browser.get(PROMOTE)
        done = await browser.confirm(page, reason="k3s-w1 is down")
    assert "Promote sonarr to backup by pull request" in text(page.text)
    assert done.status_code == 202
    assert "sonarr: a pull request is open" in text(done.text)
    assert "somebody has to merge it, then the move is made" in text(done.text)


async def test_a_group_moves_in_one_commit_from_one_page(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    async with browsing(stage) as browser:
        page = await browser.get("/groups/media/promote")
        done = await browser.confirm(page, reason="k3s-w1 is down")
    assert "Promote group media to backup" in text(page.text)
    for file in (SONARR, RELEASE, VOLSYNC):
        assert f'<summary class="code">{file}</summary>' in page.text
    assert done.status_code == 200
    assert "sonarr primary → to backup radarr primary → to backup plex primary → to backup" in text(done.text)
    assert len(stage.moves) == 1


async def test_a_group_with_one_that_is_refused_can_go_without_it(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with browsing(stage) as browser:
        refused = await browser.get("/groups/media/promote")
        page = await browser.get("/groups/media/promote?skip_refused=true")
        done = await browser.confirm(page)
    assert refused.status_code == 409
    assert 'name="skip_refused"' in refused.text
    assert "1 of the group's services is refused, so none of them moves." in text(refused.text)
    assert "Service Why sonarr A value is on neither side: " in text(refused.text)
    assert "sonarr left out: sonarr: " in text(page.text)
    assert done.status_code == 200
    assert b"role: maintenance" in (stage.read(SONARR) or b"")
    assert len(stage.moves) == 1


async def test_every_service_that_is_refused_is_on_the_page(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    stage.replace(SONARR, "role: primary", "role: maintenance")
    stage.commit({RADARR: None}, "Gone")
    async with browsing(stage) as browser:
        refused = await browser.get("/groups/media/promote")
    assert "Service Why sonarr A value is on neither side: " in text(refused.text)
    assert "radarr Manifest not found: no Deployment" in text(refused.text)
    assert "2 of the group's services are refused, so none of them moves." in text(refused.text)


async def test_a_rollback_puts_the_former_values_back(stage: Stage) -> None:
    async with browsing(stage) as browser:
        await browser.confirm(await browser.get(PROMOTE))
        service = await browser.get("/services/sonarr")
        page = await browser.get("/services/sonarr/rollback")
        done = await browser.confirm(page, reason="too soon")
    assert 'href="/services/sonarr/rollback"' in service.text
    assert "<del>backup</del>" in page.text
    assert "sonarr is rolled back" in text(done.text)
    assert stage.read(SONARR) == FILES[SONARR]


async def test_nothing_to_roll_back_is_said_in_plain_words(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/services/sonarr/rollback")
        service = await browser.get("/services/sonarr")
    assert page.status_code == 409
    assert "Nothing to roll back" in text(page.text)
    assert "/rollback" not in service.text


async def test_an_outcome_that_nobody_knows_says_so_and_can_be_asked_again(stage: Stage) -> None:
    async with browsing(stage, deadline_s=1.0) as browser:
        page = await browser.get(PROMOTE)
        stage.before_write(lambda: stage.fault("slow", method="GET", seconds=3.0, times=20))
        stage.fault("lost_reply", operation="createCommitOnBranch", times=1)
        unknown = await browser.confirm(page)
        stage.sandbox.faults.clear()
        again = await browser.confirm(page)
    assert unknown.status_code == 504
    assert "The change may have been made." in text(unknown.text)
    assert again.status_code == 200
    assert len(stage.moves) == 1
