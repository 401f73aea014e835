"""The copy on the other side, as it is shown: status and list, ETag, board, metrics, the terminal."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.edges.app import create_app
from tests.edges.board.ground import browsing, headline, part, text
from tests.support.homelab_cluster import HomelabCluster, at, homelab_cluster
from tests.support.shell import Cli
from tests.support.stage import Stage, entry

SOURCES = "/apis/volsync.backube/v1alpha1/replicationsources"
DESTINATIONS = "/apis/volsync.backube/v1alpha1/replicationdestinations"
PAIRS = """\
replication:
      kind: volsync
      to_backup: {source: sonarr-to-w2, destination: sonarr-w2}
      to_primary: {source: sonarr-to-w1, destination: sonarr-w1}
"""
HOUR = 3600.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        pair(made, "sonarr-to-w2", "sonarr-w2")
        pair(made, "sonarr-to-w1", "sonarr-w1", paused=True, ago_s=None)
        yield made


@pytest.fixture
def copied(stage: Stage) -> Stage:
    """sonarr has pairs both ways, radarr has none."""
    stage.declare(entry("sonarr", "media", PAIRS) + entry("radarr"))
    return stage


def pair(
    cluster: HomelabCluster,
    source: str,
    destination: str,
    *,
    paused: bool = False,
    ago_s: float | None = 600.0,
    result: str = "Successful",
    started_ago_s: float | None = None,
) -> None:
    """Both ends; the last sync has ended so long ago, after two minutes."""
    spec: dict[str, Any] = {"paused": paused, "trigger": {"schedule": "*/30 * * * *"}, "rsyncTLS": {}}
    status: dict[str, Any] = {}
    if ago_s is not None:
        status = {"lastSyncTime": at(ago_s), "lastSyncDuration": "2m0s", "latestMoverStatus": {"result": result}}
    if started_ago_s is not None:
        status["lastSyncStartTime"] = at(started_ago_s)
    meta = {"namespace": "media"}
    old, new = sorted(("pvc-sonarr", "pvc-sonarr-backup"), reverse=destination.endswith("w1"))
    cluster.server.put(
        SOURCES, {"metadata": {**meta, "name": source}, "spec": {**spec, "sourcePVC": old}, "status": status}
    )
    cluster.server.put(
        DESTINATIONS,
        {
            "metadata": {**meta, "name": destination},
            "spec": {"paused": paused, "rsyncTLS": {"destinationPVC": new, "copyMethod": "Direct"}},
            "status": {"latestMoverStatus": {"result": result}} if ago_s is not None else {},
        },
    )


def in_seconds(rfc3339: str) -> float:
    return time.mktime(time.strptime(rfc3339, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone


async def test_status_and_list_say_how_well_it_is_copied(copied: Stage, cluster: HomelabCluster) -> None:
    async with copied.client(cluster=str(cluster.kubeconfig)) as client:
        status = (await client.get("/api/failover/sonarr")).json()
        listed = (await client.get("/api/failover")).json()["services"]
    seen = status["replication"]
    assert {key: seen[key] for key in ("kind", "state", "in_flight", "reason")} == {
        "kind": "volsync",
        "state": "protected",
        "in_flight": False,
        "reason": "",
    }
    assert 715 < time.time() - in_seconds(seen["data_as_of"]) < 760, "as old as the beginning of the sync"
    assert in_seconds(seen["last_sync"]) - in_seconds(seen["data_as_of"]) == 120
    assert [service["replication"] for service in listed] == [seen, None]


async def test_on_backup_it_is_of_the_way_home(copied: Stage, cluster: HomelabCluster) -> None:
    async with copied.client(cluster=str(cluster.kubeconfig)) as client:
        await client.post("/api/failover/sonarr/promote")
        seen = (await client.get("/api/failover/sonarr")).json()["replication"]
    assert (seen["state"], seen["data_as_of"], seen["last_sync"]) == ("parked", None, None)


async def test_without_a_cluster_it_is_unknown_and_nothing_is_guessed(copied: Stage) -> None:
    async with copied.client() as client:
        seen = (await client.get("/api/failover/sonarr")).json()["replication"]
    assert seen == {
        "kind": "volsync",
        "state": "unknown",
        "data_as_of": None,
        "last_sync": None,
        "in_flight": False,
        "reason": "The cluster is not seen.",
    }


@pytest.mark.parametrize(("kind", "shown"), [("none", None), ("manual", "unknown")])
async def test_other_kinds(stage: Stage, cluster: HomelabCluster, kind: str, shown: str | None) -> None:
    stage.declare(entry("sonarr", "media", f"replication: {{kind: {kind}}}"))
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        seen = (await client.get("/api/failover/sonarr")).json()["replication"]
    assert seen is None if shown is None else (seen["kind"], seen["state"]) == (kind, shown)


async def test_an_etag_names_the_state_and_no_time(copied: Stage, cluster: HomelabCluster) -> None:
    async def look(was: str = "") -> httpx2.Response:
        await asyncio.sleep(0.3)  # it is watched
        return await client.get("/api/failover/sonarr", headers={"if-none-match": was} if was else {})

    async with copied.client(cluster=str(cluster.kubeconfig)) as client:
        first = await look()
        pair(cluster, "sonarr-to-w2", "sonarr-w2", ago_s=60)
        synced = await look(first.headers["etag"])
        pair(cluster, "sonarr-to-w2", "sonarr-w2", ago_s=60, result="Failed")
        for _ in range(100):
            if (failed := await look(first.headers["etag"])).status_code == 200:
                break
    assert (first.status_code, synced.status_code, failed.status_code) == (200, 304, 200)
    one, other = first.headers["etag"].strip('"').split("."), failed.headers["etag"].strip('"').split(".")
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert failed.json()["replication"]["state"] == "failing"


async def test_the_board_shows_the_age_and_what_needs_a_look(copied: Stage, cluster: HomelabCluster) -> None:
    async with browsing(copied, cluster=str(cluster.kubeconfig)) as browser:
        well = (await browser.get("/")).text
        page = (await browser.get("/services/sonarr")).text
    pair(cluster, "sonarr-to-w2", "sonarr-w2", ago_s=26 * HOUR)
    async with browsing(copied, cluster=str(cluster.kubeconfig)) as browser:
        stale = (await browser.get("/")).text
        stale_page = (await browser.get("/services/sonarr")).text
    assert "data of 12 min ago" in text(well)
    assert part(well, "primary") == ["sonarr", "radarr"]
    assert "Copy protected, data of" in text(page)
    assert part(stale, "look") == ["sonarr"]
    assert "needs a look" in headline(stale)
    assert "Its copy on the other side is stale. Its data is of" in text(stale)
    assert "Its copy on the other side is stale." in text(stale_page)


async def test_the_metrics_have_the_time_of_the_data(copied: Stage, cluster: HomelabCluster) -> None:
    app = create_app(copied.settings(cluster=str(cluster.kubeconfig)), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        for _ in range(80):
            lines = (await client.get("/metrics")).text.splitlines()
            found = [
                line for line in lines if line.startswith('failover_data_as_of_timestamp_seconds{service="sonarr"}')
            ]
            if found and 'failover_replication_state{service="sonarr",state="protected"} 1.0' in lines:
                break
            await client.get("/api/failover")
            await asyncio.sleep(0.25)
    assert 700 < time.time() - float(found[0].rpartition(" ")[2]) < 800
    assert 'failover_replication_state{service="sonarr",state="failing"} 0.0' in lines
    assert not [line for line in lines if "replication_state" in line and "radarr" in line]


def test_the_terminal_says_it(
    copied: Stage, cluster: HomelabCluster, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILOVER_CLUSTER", str(cluster.kubeconfig))
    pair(cluster, "sonarr-to-w2", "sonarr-w2", ago_s=60, result="Failed", started_ago_s=5)
    status = cli("status", "sonarr", "--utc").stdout
    assert "  its copy on the other side: failing, data of " in status
    assert " UTC, a sync is under way\n    The last sync of ReplicationSource sonarr-to-w2 failed.\n" in status
    assert "its copy" not in cli("status", "radarr").stdout
