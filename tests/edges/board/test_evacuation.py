"""Evacuating a node from the board: what would move is shown, and exactly that is confirmed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edges.board.ground import People, browsing, hidden, person, text
from tests.support.homelab_cluster import CLAIMS, HomelabCluster, homelab_cluster
from tests.support.stage import PLEX, RADARR, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, entry

PAGE = "/nodes/k3s-w1/evacuate"
NODES = "nodes: {primary: k3s-w1, backup: k3s-w2}"


@pytest.fixture
def home(stage: Stage) -> Stage:
    """sonarr, radarr and plex on k3s-w1."""
    stage.declare(SERVICES, top=NODES)
    return stage


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


async def test_the_page_shows_what_would_move_and_writes_nothing(home: Stage) -> None:
    async with browsing(home) as browser:
        page = await browser.get(PAGE)
    said = text(page.text)
    assert page.status_code == 200
    assert "Evacuate node k3s-w1 node k3s-w1: 3 services would move to backup (sonarr, radarr, plex)." in said
    assert "sonarr primary → to backup radarr primary → to backup plex primary → to backup" in said
    for file in (SONARR, RADARR, RELEASE, VOLSYNC):
        assert f'<summary class="code">{file}</summary>' in page.text
    assert '<button class="primary" id="go">Evacuate node k3s-w1</button>' in page.text
    assert "nobody knows" not in said
    assert home.writes == []


async def test_confirming_moves_all_of_it_in_one_commit(home: Stage) -> None:
    async with browsing(home) as browser:
        page = await browser.get(PAGE)
        done = await browser.confirm(page, reason="k3s-w1 gets a new disk")
        again = await browser.confirm(page)
        after = await browser.get(PAGE)
    said = text(done.text)
    assert done.status_code == 200
    assert "k3s-w1 is evacuated in Git node k3s-w1" in said
    head = home.sandbox.head(repository=home.repository)
    assert f"/commit/{head}" in done.text
    assert f"/commit/{head}" in again.text, "the same form is the same move"
    assert len(home.moves) == 1
    assert "Failover-Group: node k3s-w1" in home.moves[0]
    assert "Reason: k3s-w1 gets a new disk" in home.moves[0]
    assert "no service is active there; nothing to do." in text(after.text)
    assert 'id="confirm"' not in after.text


async def test_what_changed_since_is_shown_anew(home: Stage) -> None:
    async with browsing(home) as browser:
        page = await browser.get(PAGE)
        home.replace(RADARR, "replicas: 1", "replicas: 2")
        refused = await browser.confirm(page, reason="new disk")
        writes = len(home.writes)
        done = await browser.confirm(refused)
    assert (refused.status_code, writes) == (412, 0)
    assert "The manifests changed since you looked, so nothing was written." in text(refused.text)
    assert 'value="new disk"' in refused.text
    assert done.status_code == 200
    assert len(home.moves) == 1


async def test_one_that_has_moved_there_meanwhile_is_shown_before_it_moves(home: Stage) -> None:
    """The services of the node are part of what was shown."""
    async with browsing(home) as browser:
        await browser.confirm(await browser.get("/services/plex/promote"))
        page = await browser.get(PAGE)
        await browser.confirm(await browser.get("/services/plex/demote"))
        refused = await browser.confirm(page)
    assert refused.status_code == 412
    assert "plex primary → to backup" in text(refused.text)
    assert len(home.moves) == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"token": "made-up"}, 403), ({"shown": "*"}, 412), ({"shown": ""}, 412), ({"key": ""}, 400), ({"zap": "1"}, 400)],
)
async def test_a_form_that_is_not_the_pages_moves_nothing(home: Stage, fields: dict[str, str], status: int) -> None:
    async with browsing(home) as browser:
        page = await browser.get(PAGE)
        refused = await browser.confirm(page, **fields)
    assert refused.status_code == status
    assert home.writes == []


async def test_a_form_of_another_site_moves_nothing(home: Stage) -> None:
    async with browsing(home) as browser:
        page = await browser.get(PAGE)
        refused = await browser.post(PAGE, hidden(page.text), **{"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert home.writes == []


async def test_what_nobody_can_place_is_told_before_and_after(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", NODES) + PLEX)
    async with browsing(stage) as browser:
        page = await browser.get(PAGE)
        done = await browser.confirm(page)
    left = "Left where they are, since nobody knows their node: sonarr . Look at each; where nothing is wrong"
    assert left in text(page.text)
    assert left in text(done.text)
    assert "k3s-w1 is evacuated in part in Git" in text(done.text)


async def test_by_pull_request_each_service_waits_for_its_own(stage: Stage) -> None:
    stage.declare(SERVICES, top=f"policy: pull_request\n{NODES}")
    async with browsing(stage) as browser:
        page = await browser.get(PAGE)
        done = await browser.confirm(page)
    assert "Evacuate node k3s-w1 by pull request</button>" in page.text
    assert done.status_code == 202
    assert "k3s-w1: pull requests are open" in text(done.text)
    assert text(done.text).count("somebody has to merge it, then the move is made") == 3


async def test_by_both_policies_part_of_it_is_done(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "policy: pull_request") + entry("radarr"), top=NODES)
    async with browsing(stage) as browser:
        page = await browser.get(PAGE)
        done = await browser.confirm(page)
    said = text(done.text)
    assert "Evacuate node k3s-w1 by commit and pull request</button>" in page.text
    assert done.status_code == 202
    assert "k3s-w1: moved in part, a pull request is open" in said
    assert "on the branch of the pull request" not in said, "one of the commits is not"
    assert b"role: backup" in (stage.read(RADARR) or b"")


async def test_a_stop_of_one_of_them_can_be_accepted_or_left_out(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.server.remove(CLAIMS, "pvc-sonarr-backup", "media")
    stage.declare(entry("sonarr") + entry("radarr"), top=NODES)
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        refused = await browser.get(PAGE)
        accepted = await browser.get(f"{PAGE}?accept=sonarr:claim-missing")
        skipped = await browser.get(f"{PAGE}?skip_refused=true")
        done = await browser.confirm(skipped)
    assert refused.status_code == 409
    assert 'name="accept" value="sonarr:claim-missing"' in refused.text
    assert 'name="skip_refused"' in refused.text
    assert 'id="confirm"' not in refused.text
    assert hidden(accepted.text)["accept"] == "sonarr:claim-missing"
    assert "sonarr left out: " in text(skipped.text)
    assert "k3s-w1 is evacuated in part in Git" in text(done.text)
    assert b"role: primary" in (stage.read(SONARR) or b"")
    assert b"role: backup" in (stage.read(RADARR) or b"")


async def test_a_node_that_nobody_knows_is_a_page_that_says_so(home: Stage) -> None:
    async with browsing(home) as browser:
        page = await browser.get("/nodes/k3s-w9/evacuate")
    assert page.status_code == 404
    assert "neither the cluster nor the catalog has a node 'k3s-w9'" in text(page.text)


async def test_every_service_that_is_refused_is_on_the_page(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr"), top=f"policy: pull_request\n{NODES}")
    async with browsing(stage) as browser:
        for name in ("sonarr", "radarr"):
            await browser.confirm(await browser.get(f"/services/{name}/promote"))
            stage.commit({f"apps/{name}.txt": b"by hand\n"}, "Edit by hand", branch=f"failover/{name}")
        page = await browser.get(PAGE)
    assert page.status_code == 409
    assert "2 of the node's services are refused, so none of them moves." in text(page.text)


async def test_looking_and_making_need_their_right_for_every_service_there(home: Stage) -> None:
    people: Any = People(
        {
            "planner": person("planner", ("view", "plan")),
            "partial": person("partial", services=["sonarr", "radarr"]),
            "owner": person("owner"),
            "mixed": person("mixed", ("view", "execute")),
        }
    )
    async with browsing(home, people, "planner") as browser:
        look = await browser.get(PAGE)
        browser.bearer = "partial"
        hidden_from = await browser.get(PAGE)
        browser.bearer = "owner"
        fields = hidden((await browser.get(PAGE)).text)
        for bearer in ("planner", "partial", "mixed"):
            browser.bearer = bearer
            fields.pop("token", None)
            refused = await browser.post(PAGE, fields)
            assert refused.status_code == 403, bearer
    assert "You may look at this move, and not make it." in text(look.text)
    assert 'id="confirm"' not in look.text
    assert hidden_from.status_code == 403
    assert home.writes == []
