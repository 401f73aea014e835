"""What people hear of a relocation, what is measured of it, and what history says of it afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from failover_api.core.catalog.notification import Event
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.events import RelocationTold
from failover_api.metrics.relocations import relocation_metrics
from tests.support.relocating import (
    APP,
    ASKED,
    CATALOG,
    VOLSYNC,
    app,
    by_restic,
    homelab,
    later,
    start,
    until,
    until_step,
    volsync,
)
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("without_sockets")


def heard(components: Any) -> list[RelocationTold]:
    told: list[RelocationTold] = []
    components.events.subscribe(RelocationTold, told.append)
    return told


async def test_the_beginning_and_the_end_are_told_once_by_who_made_them(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as one, lab.open() as other:
            told, elsewhere = heard(one), heard(other)
            first = await start(one)
            await other.failover.relocations.look("sonarr")
            reports = await until(lab, one)
            await one.failover.relocations.look("sonarr")
            await other.failover.relocations.look("sonarr")
            page = await one.failover.history("sonarr", limit=20)
    assert [each.about for each in told] == [Event.RELOCATING, Event.RELOCATED]
    assert elsewhere == []
    assert {each.operation for each in told} == {first.operation}
    assert (told[0].title, told[0].by, told[0].reason) == (
        *("sonarr is being relocated to primary", "ops-laptop", "k3s-w1 is back"),
    )
    assert "It stood still for " in told[1].message
    downtime_s = reports[-1].downtime_s
    assert downtime_s is not None
    assert 0 < downtime_s < 120
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in relocation_metrics({"sonarr": reports[-1]}, {"sonarr": 12.0})
        for sample in metric.samples
    }
    assert samples["failover_relocation_state", "sonarr", "done"] == 1
    assert samples["failover_relocation_state", "sonarr", "running"] == 0
    assert samples["failover_relocation_step", "sonarr"] == 5
    assert samples["failover_relocation_downtime_seconds", "sonarr"] == downtime_s
    assert ("failover_relocation_waited_seconds", "sonarr") not in samples
    assert samples["failover_last_drill_timestamp_seconds", "sonarr"] == 12
    (entry,) = (entry for entry in page.entries if entry.record is not None)
    assert [step.record.provenance.step for step in entry.steps] == [step.label for step in Step]
    assert entry.steps[3].logged.sha == entry.logged.sha


async def test_an_abort_is_told_and_its_commits_are_no_entry(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            told = heard(components)
            await start(components)
            await until_step(lab, components, Step.QUIESCE)
            await components.failover.relocations.abort("sonarr", ASKED)
            page = await components.failover.history("sonarr", limit=20)
    assert [each.about for each in told] == [Event.RELOCATING, Event.RELOCATION_STOPPED]
    assert "is stopped in 2/5 quiesce" in told[-1].message
    assert [entry for entry in page.entries if entry.record is not None] == []


async def test_a_step_without_a_limit_is_spoken_of_every_quarter_of_an_hour(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path) as lab:
        async with lab.open() as components:
            told = heard(components)
            await start(components)
            for waited_s in (60, 901, 905, 1802):
                with later(components, waited_s):
                    await components.failover.relocations.look("sonarr")
    words = [each for each in told if "waits in 1/5 reverse" in each.title]
    assert len(words) == 2
    assert "for 15 min." in words[0].message


async def test_a_step_that_adds_keys_to_the_app_s_own_file_is_no_edit_of_a_person(stage: Stage, tmp_path: Path) -> None:
    """The number of replicas and the tags are added and taken away again, all in one file."""
    with homelab(stage, tmp_path) as lab:
        manifest = json.loads(app())
        del manifest["spec"]["replicas"]
        pairs = volsync().replace('  trigger: {schedule: "*/3 * * * *"}\n', "", 1)
        stage.commit({APP: f"{yaml.safe_dump(manifest)}---\n{pairs}", VOLSYNC: ""})
        lab.pass_by(60)
        async with lab.open() as components:
            await start(components)
            await until(lab, components)
            page = await components.failover.history("sonarr", limit=20)
    made = [entry for entry in page.entries if entry.logged.message.startswith("Relocate")]
    assert [entry.record is not None for entry in made] == [True]
    assert len(made[0].steps) == 5


async def test_the_next_syncs_begin_nothing_anew_and_it_is_told_no_second_time(stage: Stage, tmp_path: Path) -> None:
    """By repository a backup is always ahead of its restore: that was so when it was done, and is so for ever."""
    catalog = CATALOG.replace("kind: volsync\n", "kind: volsync\n      via: repository\n")
    with homelab(stage, tmp_path, catalog=catalog, replication=by_restic()) as lab:
        async with lab.open() as components:
            told = heard(components)
            await start(components)
            await until(lab, components, at_most=120)
            for _ in range(24):
                lab.pass_by(9)
                report = await components.failover.relocations.look("sonarr")
                assert report is not None
                assert report.state is State.DONE, report.reason
    assert [each.about for each in told] == [Event.RELOCATING, Event.RELOCATED]
