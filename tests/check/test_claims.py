"""`failover check` looks for the claims of both sides in the repository."""

from pathlib import Path

import pytest

from failover_api.check.run import check_all, check_tree
from failover_api.config_file import catalog_file
from failover_api.forge.values import Check
from tests.support.stage import FILES, RADARR, SONARR, Stage, entry

CLAIMS = "".join(
    f"kind: PersistentVolumeClaim\nmetadata: {{name: {name}, namespace: media}}\n---\n"
    for name in ("pvc-sonarr", "pvc-sonarr-backup", "pvc-radarr", "pvc-radarr-backup")
)
HERE = entry("sonarr", "media", f"path: {SONARR}") + entry("radarr", "media", f"path: {RADARR}")
SLIP = HERE.replace("backup_pvc: pvc-sonarr-backup", "backup_pvc: pvc-sonarr-backpu")


@pytest.fixture
def lab(stage: Stage) -> Stage:
    """With all claims of both sides in Git, outside the folder in which manifests are searched."""
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(HERE)
    return stage


async def check(stage: Stage) -> list[Check]:
    async with stage.open() as components:
        return await check_all(components.catalog, components.github, components.failover)


def about_claims(checks: list[Check]) -> list[Check]:
    return [one for one in checks if one.name.startswith("claim")]


async def test_claims_that_are_there_need_no_line(lab: Stage) -> None:
    checks = await check(lab)
    assert about_claims(checks) == []
    assert {one.level for one in checks} == {"ok"}


async def test_a_slip_is_a_warning_with_the_name_that_was_meant(lab: Stage) -> None:
    lab.declare(SLIP)
    (warned,) = about_claims(await check(lab))
    assert (warned.name, warned.ok, warned.level) == ("claim sonarr", True, "warn")
    assert warned.detail.startswith(
        "backup: No manifest in the repository makes the claim pvc-sonarr-backpu; the nearest is pvc-sonarr-backup "
        "(storage/pvc.yaml:5). Without it the pod cannot start."
    )
    assert "`claims: external`" in warned.detail


async def test_claims_of_the_side_where_it_is_are_looked_for_too(lab: Stage) -> None:
    lab.commit({"storage/pvc.yaml": CLAIMS.replace("{name: pvc-radarr,", "{name: other,")})
    (warned,) = about_claims(await check(lab))
    assert warned.name == "claim radarr"
    assert warned.detail.startswith("primary: No manifest in the repository makes the claim pvc-radarr")


@pytest.mark.parametrize("place", ["service", "defaults", "top"])
async def test_claims_that_are_made_elsewhere_are_not_looked_for(lab: Stage, place: str) -> None:
    lab.commit({"storage/pvc.yaml": "{}\n"})
    lab.declare(
        HERE.replace("    namespace:", "    claims: external\n    namespace:") if place == "service" else HERE,
        top={"service": "", "defaults": "defaults: {claims: external}", "top": "claims: external"}[place],
    )
    assert about_claims(await check(lab)) == []


async def test_a_service_can_say_that_its_claims_are_here(lab: Stage) -> None:
    lab.declare(SLIP.replace("    namespace:", "    claims: null\n    namespace:"), top="defaults: {claims: external}")
    assert [one.name for one in about_claims(await check(lab))] == ["claim sonarr"]


async def test_what_cannot_be_read_is_a_warning_and_no_failure(lab: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("failover_api.reading.branch_knowledge.MAX_FILES_READ", 1)
    (warned,) = about_claims(await check(lab))
    assert warned.level == "warn"
    assert warned.detail.startswith("could not be looked for: ")
    assert "more than 1 are not read" in warned.detail


async def test_a_working_tree_is_looked_through_as_well(lab: Stage, tmp_path: Path) -> None:
    for path, data in {**FILES, "storage/pvc.yaml": CLAIMS.encode()}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    catalog = catalog_file(lab.catalog_file)
    catalog.reload()
    assert about_claims(await check_tree(catalog, tmp_path, repository=None)) == []
    lab.declare(SLIP)
    catalog.reload()
    (warned,) = about_claims(await check_tree(catalog, tmp_path, repository=None))
    assert "the nearest is pvc-sonarr-backup" in warned.detail


async def test_a_repository_without_any_claim_is_one_line(lab: Stage) -> None:
    lab.commit({"storage/pvc.yaml": None})
    (warned,) = about_claims(await check(lab))
    assert (warned.name, warned.level) == (f"claims {lab.repository}@main", "warn")
    assert "`claims: external`" in warned.detail
