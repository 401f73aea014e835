"""`failover check` tells the hazards of both directions of every service, from GitHub and from a working tree."""

from pathlib import Path
from typing import Any

import pytest

from failover_api.check.run import check_all, check_tree
from failover_api.config_file import catalog_file
from failover_api.core.catalog.model import Service, Side
from failover_api.core.safety.finders.blocked_pods import recreate_blocks
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.switch_moves import ServiceMove, each_way
from failover_api.forge.values import Check
from failover_api.reading import status, surroundings
from tests.support.stage import RADARR, SONARR, Stage, deployment, entry

RECREATE = "  replicas: 1\n  strategy:\n    type: Recreate\n"
SWITCH = f"""    switches:
      - {{file: {SONARR}, kind: Deployment, path: spec.strategy.type, primary: Recreate, backup: RollingUpdate}}
"""
HERE = entry("sonarr", "media", f"path: {SONARR}", "claims: external")


def strategy(text: str = RECREATE, **how: str) -> str:
    return deployment("sonarr", **how).replace("  replicas: 1\n", text)


async def check(stage: Stage) -> list[Check]:
    async with stage.open() as components:
        checks = await check_all(components.catalog, components.github, components.failover)
    return [one for one in checks if one.name.startswith("hazard")]


async def in_tree(stage: Stage, folder: Path) -> list[Check]:
    path = folder / SONARR
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stage.read(SONARR) or b"")
    catalog = catalog_file(stage.catalog_file)
    catalog.reload()
    checks = await check_tree(catalog, folder, repository=None)
    return [one for one in checks if one.name.startswith("hazard")]


async def test_what_is_said_of_both_ways_is_one_line_and_a_warning(stage: Stage, tmp_path: Path) -> None:
    stage.commit({SONARR: strategy()})
    stage.declare(HERE)
    (told,) = await check(stage)
    assert (told.name, told.ok, told.level) == ("hazard sonarr", True, "warn")
    assert told.detail.startswith(f"{SONARR}:10: promote and demote: Deployment media/sonarr has the strategy Recreate")
    assert told.detail.endswith(" (recreate-blocks)")
    assert await in_tree(stage, tmp_path) == [told]


async def test_what_the_catalog_accepts_is_not_told(stage: Stage) -> None:
    stage.commit({SONARR: strategy()})
    stage.declare(f"{HERE}    accept: [recreate-blocks]\n")
    assert await check(stage) == []


@pytest.mark.parametrize(("role", "kind"), [("primary", "Recreate"), ("backup", "RollingUpdate")])
async def test_a_strategy_that_cannot_go_back_has_failed_wherever_it_is(
    stage: Stage, tmp_path: Path, role: str, kind: str
) -> None:
    claim = "pvc-sonarr" if role == "primary" else "pvc-sonarr-backup"
    stage.commit({SONARR: strategy(RECREATE.replace("Recreate", kind), role=role, claim=claim)})
    stage.declare(HERE + SWITCH)
    for checks in (await check(stage), await in_tree(stage, tmp_path)):
        (failed,) = [one for one in checks if not one.ok]
        assert failed.level == "failed"
        assert failed.detail.startswith(
            f"{SONARR}:10: demote: Deployment media/sonarr: the strategy is moved from Roll"
        )
        assert sum("strategy-alone" in one.detail for one in checks) == 1


async def test_a_side_on_which_nothing_was_written_leaves_nothing_behind(stage: Stage) -> None:
    stage.declare(HERE)
    assert await check(stage) == []
    stage.commit({SONARR: strategy("  replicas: 1\n", role="backup", claim="pvc-sonarr-backup")})
    (told,) = await check(stage)
    assert told.detail.endswith("(data-left-behind)")
    assert ": demote: What sonarr wrote on backup" in told.detail


async def test_other_manifests_are_looked_at(stage: Stage) -> None:
    stage.declare(HERE)
    source = "kind: ReplicationSource\nmetadata: {name: sonarr, namespace: media}\nspec: {sourcePVC: pvc-sonarr}\n"
    stage.commit({"apps/media/sonarr/volsync.yaml": source})
    (told,) = await check(stage)
    assert told.detail.startswith(
        "apps/media/sonarr/volsync.yaml:1: promote and demote: ReplicationSource media/sonarr"
    )


async def test_own_documents_are_told_of_where_the_others_cannot_be_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.reading.branch_knowledge.MAX_FILES_READ", 1)
    stage.commit({SONARR: strategy()})
    stage.declare(HERE)
    assert [one.detail.rpartition(" ")[2] for one in await check(stage)] == ["(recreate-blocks)"]


async def test_a_hazard_that_could_not_be_looked_for_is_told_and_the_others_are(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken_one(move: object, around: object) -> list[Hazard]:
        raise KeyError("spec")

    stage.commit({SONARR: strategy()})
    stage.declare(HERE)
    monkeypatch.setattr(surroundings, "FINDERS", (broken_one, recreate_blocks))
    unsure, told = await check(stage)
    assert (unsure.name, unsure.level) == ("hazards sonarr", "warn")
    assert unsure.detail == "could not be looked for, by a defect of failover-api that the log tells: broken-one"
    assert told.detail.endswith(" (recreate-blocks)")
    assert await in_tree(stage, tmp_path) == [unsure, told]


async def test_a_defect_in_thinking_of_one_service_s_moves_keeps_nobody_from_hearing_of_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_for_radarr(service: Service, *rest: Any) -> dict[Side, ServiceMove]:
        if service.name == "radarr":
            raise KeyError("spec")
        return each_way(service, *rest)

    stage.commit({SONARR: strategy()})
    stage.declare(HERE + entry("radarr", "media", f"path: {RADARR}", "claims: external"))
    monkeypatch.setattr(status, "each_way", broken_for_radarr)
    told = {one.name: one for one in await check(stage)}
    assert told["hazard sonarr"].detail.endswith(" (recreate-blocks)")
    unsure = told["hazards radarr"]
    assert (unsure.ok, unsure.level) == (True, "warn")
    assert unsure.detail == "could not be looked for, by a defect of failover-api that the log tells: promote, demote"
    assert caplog.messages.count("hazards could not be found by a defect") == 1
