"""What is known around a move: kept from a check or a status, and never waited for."""

from collections.abc import Iterator

import pytest

from failover_api.core.catalog.model import Action, Branch
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.finders.claim_unknown import claim_unknown
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.hazards import FINDERS
from failover_api.core.safety.surroundings import NOT_LOOKED_AT
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.moves.outcome import Outcome
from failover_api.reading import surroundings
from failover_api.reading.surroundings import MOVES_KEPT_S, SurroundingsReader
from tests.support.acts import demote, move, promote
from tests.support.stage import RADARR, SERVICES, SONARR, Stage, entry

WARM = entry("sonarr", "media", f"path: {SONARR}") + entry("radarr", "media", f"path: {RADARR}")
CLAIMS = "kind: PersistentVolumeClaim\nmetadata: {name: pvc-sonarr-bakcup}\n---\n" + "".join(
    f"kind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\n---\n" for name in ("pvc-radarr", "pvc-radarr-backup")
)


def slugs(outcome: Outcome) -> list[str]:
    return [hazard.slug for hazard in outcome.hazards]


def main(stage: Stage) -> Branch:
    return Branch(stage.repository, "main")


async def test_what_a_check_has_read_is_told_in_dry_runs_for_no_request_more(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    async with stage.open() as components:
        before = await promote(components, dry_run=True)
        assert (slugs(before), before.hazards_complete) == ([], False)
        await components.failover.look_around(main(stage))
        stage.requests.clear()
        after = await promote(components, dry_run=True)
        assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
        assert (slugs(after), after.hazards_complete) == (["claim-unknown"], True)
        assert "the nearest is pvc-sonarr-bakcup (storage/pvc.yaml:2)" in after.hazards[0].detail
        assert slugs(await promote(components, "radarr", dry_run=True)) == []


async def test_a_warm_promote_is_one_request_whatever_was_read(stage: Stage) -> None:
    stage.declare(WARM)
    async with stage.open() as components:
        await promote(components, dry_run=True)
        await components.failover.look_around(main(stage))
        stage.requests.clear()
        outcome = await promote(components)
        assert [request.method for request in stage.requests] == ["PUT"]
        assert slugs(outcome) == ["claim-unknown"], "it is told, and the move is made"
        assert outcome.commit is not None


async def test_what_applies_the_files_is_read_with_the_claims_and_a_promote_waits_for_none_of_it(stage: Stage) -> None:
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n"
    stage.commit({"clusters/apps.yaml": f"{flux}spec: {{path: ./apps, suspend: true}}\n"})
    stage.declare(f"{WARM}    claims: external\n".replace("  radarr:", "    claims: external\n  radarr:"))
    async with stage.open() as components:
        before = await promote(components, dry_run=True)
        await components.failover.look_around(main(stage))
        stage.requests.clear()
        told = await promote(components, dry_run=True)
        assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
        status = await components.failover.status("sonarr")
        stage.requests.clear()
        outcome = await promote(components)
        assert [request.method for request in stage.requests] == ["PUT"]
    assert (slugs(before), slugs(told), slugs(outcome)) == ([], ["suspended"], ["suspended"])
    assert [hazard.slug for hazard in status.hazards_to] == ["suspended"]


async def test_a_defect_in_a_finder_keeps_nobody_from_moving_and_no_other_finder_from_telling(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_one(move: object, surroundings: object) -> Iterator[Hazard]:
        yield Hazard("ssa-ignored", Severity.WARN, "Deployment media/sonarr", None, "Told before it broke.", "Mend it.")
        raise KeyError("spec")

    stage.declare(WARM)
    monkeypatch.setattr(surroundings, "FINDERS", (broken_one, claim_unknown))
    async with stage.open() as components:
        await components.failover.look_around(main(stage))
        status = await components.failover.status("sonarr")
        dry = await promote(components, dry_run=True)
        outcome = await promote(components)
        monkeypatch.setattr(surroundings, "FINDERS", (claim_unknown,))
        await components.failover.look_around(main(stage))
        whole = await promote(components, "radarr", dry_run=True)
    told = ["ssa-ignored", "claim-unknown"]
    assert [hazard.slug for hazard in status.hazards_to] == told
    assert [slugs(dry), slugs(outcome), slugs(whole)] == [told, told, ["claim-unknown"]]
    assert (status.hazards_complete, dry.hazards_complete, outcome.hazards_complete) == (False, False, False)
    assert (outcome.changed, whole.hazards_complete) == (True, True)
    defects = [record for record in caplog.records if record.message == "hazards could not be found by a defect"]
    assert {vars(record)["finder"] for record in defects} == {"broken-one"}


async def test_a_defect_before_any_finder_says_that_nothing_was_looked_for(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> ServiceMove:
        raise KeyError("spec")

    found = surroundings.find_hazards(broken, NOT_LOOKED_AT)
    assert (found.hazards, len(found.failed)) == ((), len(FINDERS))
    assert caplog.messages == ["hazards could not be found by a defect"]


async def test_own_documents_are_told_of_without_any_look_around(stage: Stage) -> None:
    stage.replace(SONARR, "  replicas: 1\n", "  replicas: 1\n  strategy: {type: Recreate}\n")
    stage.declare(WARM)
    async with stage.open() as components:
        first = await promote(components, dry_run=True)
    assert (slugs(first), first.hazards_complete) == (["recreate-blocks"], False)


async def test_files_that_did_not_change_are_read_once(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    async with stage.open() as components:
        await components.failover.look_around(main(stage))
        stage.requests.clear()
        await components.failover.look_around(main(stage))
        assert [r.status for r in stage.requests] == [304]
        stage.commit({"storage/more.yaml": "kind: PersistentVolumeClaim\nmetadata: {name: pvc-sonarr-backup}\n"})
        stage.requests.clear()
        around = await components.failover.look_around(main(stage))
        assert len(stage.requests) <= 3, "the branch, its tree, and the one file"
    assert around.claims is not None
    assert around.claims.has("pvc-sonarr-backup")


async def test_a_demote_tells_since_when_if_that_was_seen_just_now(stage: Stage) -> None:
    stage.declare(WARM)
    async with stage.open() as components:
        await promote(components)
        told = await demote(components, dry_run=True)
        assert "wrote on backup stays behind" in told.hazards[0].detail, "nobody has looked since it moved"
        status = await components.failover.status("sonarr")
        assert status.last_move is not None
        since = f"What sonarr wrote on backup since {status.last_move.logged.at[:16].replace('T', ' ')} UTC"
        assert since in status.hazards_to[0].detail
        stage.requests.clear()
        told = await demote(components, dry_run=True)
        assert since in told.hazards[0].detail
        assert [r.method for r in stage.requests] == ["GET"]
        assert since in (await demote(components)).hazards[0].detail
        await promote(components)
        assert "wrote on backup stays behind" in (await demote(components, dry_run=True)).hazards[0].detail


async def test_what_was_seen_long_ago_is_not_told(stage: Stage) -> None:
    stage.declare(WARM)
    async with stage.open() as components:
        await promote(components)
        status = await components.failover.status("sonarr")
        now = [1000.0]
        reader = SurroundingsReader(components.github, clock=lambda: now[0])
        reader.saw(status.service, status.detection.state, status.last_move)
        now[0] += MOVES_KEPT_S - 1
        assert reader.of([status.service]).there_since.keys() == {"sonarr"}
        now[0] += 2
        assert not reader.of([status.service]).there_since


async def test_a_person_s_move_is_not_dated_by_ours(stage: Stage) -> None:
    stage.declare(WARM)
    async with stage.open() as components:
        await promote(components)
        await demote(components)
        text = (stage.read(SONARR) or b"").decode()
        stage.commit(
            {SONARR: text.replace("role: primary", "role: backup").replace('"pvc-sonarr"', '"pvc-sonarr-backup"')}
        )
        status = await components.failover.status("sonarr")
        assert status.hazards_to[0].detail.startswith("What sonarr wrote on backup stays behind")


async def test_a_rollback_knows_since_when(stage: Stage) -> None:
    """It reads the move that it undoes."""
    stage.declare(WARM)
    async with stage.open() as components:
        outcome = await promote(components)
        undone = await move(components, "sonarr", Action.ROLLBACK, dry_run=True)
        assert outcome.commit is not None
        assert undone.hazards[0].detail.startswith("What sonarr wrote on backup since 2")
        assert slugs(await move(components, "sonarr", Action.ROLLBACK)) == ["data-left-behind"]
        assert slugs(await move(components, "sonarr", Action.ROLLBACK)) == [], "back to backup: replication brings it"


async def test_a_move_that_changes_nothing_has_no_hazards(stage: Stage) -> None:
    stage.declare(SERVICES)
    async with stage.open() as components:
        await components.failover.look_around(main(stage))
        there = await demote(components)
        assert (there.changed, there.hazards) == (False, ())
        group = await promote(components, "plex", dry_run=True)
        assert slugs(group) == ["claim-unknown"]


async def test_each_service_of_a_group_has_its_own(stage: Stage) -> None:
    stage.catalog_file.write_text(stage.catalog_file.read_text() + "groups: {media: [sonarr, radarr]}\n")
    async with stage.open() as components:
        await components.failover.move_group("media", Action.PROMOTE, MoveRequest("maria"))
        back = await components.failover.move_group("media", Action.DEMOTE, MoveRequest("maria", dry_run=True))
        assert [hazard.about for hazard in back.parts[0].hazards] == [
            "Deployment media/sonarr",
            "Deployment media/radarr",
        ]
