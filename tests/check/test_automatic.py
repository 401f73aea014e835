"""`failover check` says of what never moves by itself because nobody can tell how old its data is, and of order."""

from pathlib import Path

import pytest

from failover_api.check.run import check_all, check_tree
from failover_api.config_file import catalog_file
from failover_api.forge.values import Check
from tests.support.stage import RADARR, SONARR, Stage, entry

ACT = "automatic: {mode: act, fence: none}"
FILE = "apps/media/sonarr/volsync.yaml"
KUSTOMIZATION = """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: sonarr, namespace: flux-system}
spec:
  path: ./apps/media/sonarr
  interval: 1h
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substitute: {APP: sonarr}}
"""
NEVER = "it never moves by itself (gate `data-age`): nobody can tell how old its copy is: "


def source(claim: str = "pvc-sonarr") -> str:
    return (
        "apiVersion: volsync.backube/v1alpha1\nkind: ReplicationSource\nmetadata: {name: sonarr, namespace: media}\n"
        f'spec: {{sourcePVC: "{claim}", rsyncTLS: {{}}, trigger: {{schedule: "0 * * * *"}}}}\n'
    )


def destination(claim: str = "pvc-sonarr-backup") -> str:
    return (
        "---\napiVersion: volsync.backube/v1alpha1\nkind: ReplicationDestination\n"
        f"metadata: {{name: sonarr, namespace: media}}\nspec: {{rsyncTLS: {{destinationPVC: {claim}}}}}\n"
    )


def sonarr(*more: str, own: str = "act") -> str:
    return entry("sonarr", "media", f"automatic: {own}", f"path: {SONARR}", *more)


async def check(stage: Stage, name: str, **how: bool) -> list[Check]:
    async with stage.open() as components:
        checks = await check_all(components.catalog, components.github, components.failover, **how)
    return [one for one in checks if one.name == name]


async def test_what_nobody_copies_never_moves_by_itself(stage: Stage, tmp_path: Path) -> None:
    stage.declare(sonarr(), top=ACT)
    (told,) = await check(stage, "automatic sonarr")
    assert told.level == "warn"
    assert told.detail.startswith(f"{NEVER}not there: ReplicationSource of pvc-sonarr. Let VolSync copy it; or, ")
    path = tmp_path / SONARR
    path.parent.mkdir(parents=True)
    path.write_bytes(stage.read(SONARR) or b"")
    catalog = catalog_file(stage.catalog_file)
    catalog.reload()
    assert told in await check_tree(catalog, tmp_path, repository=None)


async def test_what_is_brought_by_hand_neither(stage: Stage) -> None:
    stage.declare(sonarr("replication: {kind: manual}"), top=ACT)
    (told,) = await check(stage, "automatic sonarr")
    assert told.detail.startswith(f"{NEVER}its data is brought by hand")


@pytest.mark.parametrize(
    ("more", "top"),
    [
        (("replication: {kind: none}",), ACT),
        ((), "automatic: {mode: none}"),
        (("cluster: none",), ACT),
    ],
)
async def test_what_needs_no_copy_or_never_acts_needs_no_word(stage: Stage, more: tuple[str, ...], top: str) -> None:
    stage.declare(sonarr(*more), top=top)
    assert await check(stage, "automatic sonarr") == []
    stage.declare(sonarr(own="none"), top=ACT)
    assert await check(stage, "automatic sonarr") == []


@pytest.mark.parametrize("claim", ["pvc-sonarr", "pvc-${APP}"])
async def test_what_volsync_copies_or_perhaps_does_needs_no_word(stage: Stage, claim: str) -> None:
    stage.commit({FILE: source(claim) + destination(), "apps/media/sonarr/ks.yaml": KUSTOMIZATION})
    stage.declare(sonarr(), top=ACT)
    assert await check(stage, "automatic sonarr") == []


async def test_a_backup_to_an_object_store_alone_is_no_copy(stage: Stage) -> None:
    stage.commit({FILE: source()})
    stage.declare(sonarr(), top=ACT)
    (told,) = await check(stage, "automatic sonarr")
    assert told.detail.startswith(f"{NEVER}not there: ReplicationDestination of pvc-sonarr-backup. ")


async def test_order_that_nobody_sees_kept_is_said(stage: Stage) -> None:
    radarr = entry("radarr", "media", "after: [sonarr]", f"path: {RADARR}")
    stage.declare(sonarr() + radarr)
    (told,) = await check(stage, "order")
    assert told.level == "warn"
    assert told.detail == (
        "whether sonarr serves is not seen (no cluster is configured here, and no events of Flux): what is `after` it "
        "does not wait for it"
    )
    assert await check(stage, "order", has_flux_events=True) == []
    stage.declare(sonarr())
    assert await check(stage, "order") == []
