"""`failover drill`: there and home, what that took, and what Git says of it afterwards."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from failover_api.core.safety.relocation import sync
from failover_api.edges.cli import local, relocations
from failover_api.edges.cli.drills import lines
from failover_api.watching.drills import DrillWatch
from tests.support.relocating import Homelab, homelab
from tests.support.shell import Cli


@pytest.fixture
def lab(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Homelab]:
    monkeypatch.setattr(relocations, "POLL_S", 0.2)
    monkeypatch.setattr(local, "SHARE", 1.0)  # ten writes in seconds, which elsewhere are minutes apart
    monkeypatch.setattr(sync, "_AHEAD_S", 1e6)  # the simulated clock runs ahead of what its newest reply has told
    with homelab(cli.stage, tmp_path) as made:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made.kubeconfig))
        yield made


async def last_drills(lab: Homelab) -> Mapping[str, float]:
    async with lab.stage.open(cluster=str(lab.kubeconfig)) as components:
        drills = DrillWatch(components.failover, components.catalog.current)
        await drills.look()
        return drills.ended


def test_a_drill_goes_there_and_home_and_is_known_by_git(cli: Cli, lab: Homelab) -> None:
    assert asyncio.run(last_drills(lab)) == {}
    with lab.obeyed(seconds=20):
        result = cli("drill", "sonarr", "--reason", "monthly", "--accept", "unsynced-overwritten", "--json")
    body = json.loads(result.stdout)
    assert body["ok"]
    assert [(way["from"], way["to"], way["state"]) for way in body["ways"]] == [
        *(("backup", "primary", "done"), ("primary", "backup", "done")),
    ]
    for way in body["ways"]:
        assert way["downtime_s"] > 0
        assert way["data_as_of"] is not None
        assert [step["step"] for step in way["steps"]] == ["reverse", "quiesce", "final-sync", "cutover", "protect"]
    assert lab.messages()[-1] == "Relocate sonarr to backup: 5/5 protect"
    assert list(asyncio.run(last_drills(lab))) == ["sonarr"]


def test_what_does_not_get_there_is_said_and_left_where_it_was(cli: Cli, lab: Homelab) -> None:
    lab.cluster.kill("k3s-w1")
    lab.cluster.advance(90)
    refused = cli("drill", "sonarr", code=3)
    assert "k3s-w1 is not ready" in refused.stderr
    assert not [message for message in lab.messages() if message.startswith("Relocate")]


def test_its_times_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    at = "2026-11-30T20:05:00Z"
    way = {"from": "backup", "to": "primary", "state": "done", "downtime_s": 16.2, "data_as_of": at}
    body = {
        "service": "sonarr",
        "ok": True,
        "ways": [{**way, "steps": [{"step": "reverse", "at": at}]}],
        "copy_before": at,
    }
    try:
        told = list(lines(body))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told == [
        "sonarr from backup to primary: done, stood still for 16 s, with the data of 2026-11-30 21:05:00 CET",
        "  reverse     2026-11-30 21:05:00 CET",
        "Before the drill the copy on the other side was of 2026-11-30 21:05:00 CET.",
        "The drill of sonarr went well: it is back on primary.",
    ]
