"""`failover check` goes through what a relocation needs, for every service with `replication`."""

from pathlib import Path

import pytest

from failover_api.check.run import check_all, check_tree
from failover_api.config_file import catalog_file
from failover_api.forge.values import Check
from tests.support.relocating import APP, CATALOG, MANUAL, UNREPLICATED, VOLSYNC, app, running_to_backup
from tests.support.stage import Stage

RUNNING = running_to_backup()
KUSTOMIZATION = """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: NAME, namespace: flux-system}
spec: {path: ./apps/NAME, interval: 1h, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"""


@pytest.fixture
def lab(stage: Stage) -> Stage:
    stage.commit({APP: app("primary"), VOLSYNC: RUNNING})
    stage.declare(CATALOG)
    return stage


async def check(stage: Stage) -> list[Check]:
    async with stage.open() as components:
        checks = await check_all(components.catalog, components.github, components.failover)
    return [one for one in checks if one.name == "relocate sonarr"]


async def test_one_line_says_that_all_is_well(lab: Stage) -> None:
    (told,) = await check(lab)
    assert told.level == "ok"
    assert told.detail == "replication, claims and all its steps are as a relocation needs them (volsync)"


async def test_without_replication_nothing_is_said(lab: Stage) -> None:
    lab.declare(UNREPLICATED)
    assert await check(lab) == []


async def test_a_working_tree_is_looked_at_alike(lab: Stage, tmp_path: Path) -> None:
    text = RUNNING.replace("Direct, keySecret: key, destinationPVC: a", "Snapshot, keySecret: key, destinationPVC: a")
    for path, data in ((APP, app("primary")), (VOLSYNC, text)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(data)
    catalog = catalog_file(lab.catalog_file)
    catalog.reload()
    found = [one for one in await check_tree(catalog, tmp_path, repository=None) if one.name == "relocate sonarr"]
    assert [one.level for one in found] == ["failed"]
    assert "has copyMethod Snapshot" in found[0].detail
    assert "`kind: manual`" in found[0].detail


async def test_a_pair_that_several_kustomizations_build_is_refused(lab: Stage) -> None:
    names = ("sonarr", "radarr")
    flux = {f"flux/{name}.yaml": KUSTOMIZATION.replace("NAME", name) for name in names}
    builds = {f"apps/{name}/kustomization.yaml": "resources: [../sonarr/volsync.yaml]\n" for name in names}
    lab.commit({**flux, **builds})
    (told,) = await check(lab)
    assert told.level == "failed"
    assert told.detail.startswith(f"{VOLSYNC} is used by Kustomization flux-system/radarr, Kustomization flux-system/s")
    assert "`postBuild.substitute`" in told.detail


@pytest.mark.parametrize("more", ["", "    pull_request: {auto_merge: true, draft: true}\n"])
async def test_pull_requests_that_somebody_merges_are_told_to_refuse_it(lab: Stage, more: str) -> None:
    lab.declare(f"{CATALOG}    policy: pull_request\n{more}")
    (told,) = await check(lab)
    assert (told.level, "or `policy: direct` for it" in told.detail) == ("failed", True)


async def test_five_reviews_inside_a_downtime_are_warned_of(lab: Stage) -> None:
    lab.declare(f"{CATALOG}    policy: pull_request\n    pull_request: {{auto_merge: true}}\n")
    (told,) = await check(lab)
    assert (told.level, "five reviews" in told.detail) == ("warn", True)


async def test_a_persons_own_way_needs_only_a_way_to_stop_it(lab: Stage) -> None:
    lab.declare(MANUAL)
    (told,) = await check(lab)
    assert (told.level, told.detail) == ("ok", "all its steps are as a relocation needs them (manual)")
