"""The strip of nodes on the board: what is watched, without a wait, and nothing where no cluster is configured."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.edges.board.ground import People, browsing, person
from tests.support.homelab_cluster import HomelabCluster, homelab_cluster
from tests.support.stage import Stage


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


async def test_without_a_cluster_there_is_no_strip(stage: Stage) -> None:
    async with browsing(stage) as browser:
        assert 'class="nodes"' not in (await browser.get("/")).text


async def test_the_strip_has_the_state_of_each_node_and_what_is_on_it(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.node("k3s-w2", ready="Unknown")
    async with browsing(stage, cluster=str(cluster.kubeconfig)) as browser:
        for _ in range(60):
            page = (await browser.get("/")).text
            if 'class="node-state suspect"' in page:
                break
            await asyncio.sleep(0.25)
    strip = page.partition('<ul class="nodes"')[2].partition("</ul>")[0]
    assert '<li class="node-state ready"><strong>k3s-w1</strong>' in strip
    assert '<li class="node-state suspect"><strong>k3s-w2</strong>' in strip
    assert "3 active: sonarr, radarr, plex; 0 standby" in strip
    assert "0 active; 3 standby" in strip
    assert strip.count(" min ago</time>") == 2
    assert re.findall(r'href="(/nodes/[^"]*)"', strip) == ["/nodes/k3s-w1/evacuate"], "nothing is active on the other"


@pytest.mark.parametrize(
    ("verbs", "services", "word"),
    [
        (("view", "plan", "execute"), ["*"], "Evacuate"),
        (("view", "plan"), ["*"], "Try evacuate"),
        (("view",), ["*"], None),
        (("view", "plan", "execute"), ["sonarr", "radarr"], None),
    ],
)
async def test_evacuating_is_offered_to_whom_may_do_it(
    stage: Stage, cluster: HomelabCluster, verbs: Sequence[str], services: Sequence[str], word: str | None
) -> None:
    people = People({"t": person("somebody", verbs, services)})
    async with browsing(stage, people, "t", cluster=str(cluster.kubeconfig)) as browser:
        for _ in range(60):
            page = (await browser.get("/")).text
            if 'class="node-state ready"' in page:
                break
            await asyncio.sleep(0.25)
    strip = page.partition('<ul class="nodes"')[2].partition("</ul>")[0]
    found = re.findall(r'id="evacuate-k3s-w1"[^>]*>([^<]*)<', strip)
    assert found == ([word] if word else [])
