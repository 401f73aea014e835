"""What is known around a move: read by a dry run, once for a branch, and never waited for by a move."""

import time
from collections.abc import Iterator

import pytest

from failover_api.concurrency import together
from failover_api.core.catalog.model import Action, Branch
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.finders.claim_unknown import claim_unknown
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.hazards import FINDERS
from failover_api.core.safety.surroundings import NOT_LOOKED_AT
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.search.file_facts import FileFacts
from failover_api.moves.outcome import Outcome
from failover_api.reading import branch_knowledge, surroundings
from failover_api.reading.surroundings import MOVES_KEPT_S, UNREAD_S, SurroundingsReader
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


async def test_the_first_dry_run_of_a_branch_reads_its_manifests_and_the_next_asks_nothing_more(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    async with stage.open() as components:
        status = await components.failover.status("sonarr")
        assert (status.hazards_to, status.hazards_complete) == ((), False), "a status reads none of it"
        stage.requests.clear()
        first = await promote(components, dry_run=True)
        asked = [(r.method, r.path.removeprefix(f"/repos/{stage.repository}")) for r in stage.requests]
        assert asked[:2] == [("GET", "/git/trees/main"), ("POST", "/graphql")], "the listing, and all files at once"
        own = [("GET", f"/contents/{SONARR}"), ("POST", "/graphql")]
        assert asked[2:] == own, "what a cold dry run costs by itself: the service's file, and its mode"
        assert (slugs(first), first.hazards_complete) == (["claim-unknown"], True)
        assert "the nearest is pvc-sonarr-bakcup (storage/pvc.yaml:2)" in first.hazards[0].detail
        stage.requests.clear()
        again = await promote(components, dry_run=True)
        assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
        assert again.hazards == first.hazards
        assert slugs(await promote(components, "radarr", dry_run=True)) == []


async def test_a_move_waits_for_no_look_around_also_where_nothing_was_read(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    async with stage.open() as components:
        outcome = await promote(components)
    assert not [r for r in stage.requests if "/git/trees/" in r.path]
    assert (outcome.changed, slugs(outcome), outcome.hazards_complete) == (True, [], False)


async def test_dry_runs_at_once_share_one_look_around(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    async with stage.open() as components:
        dry = await together(promote(components, name, dry_run=True) for name in ("sonarr", "radarr") * 3)
    assert len([r for r in stage.requests if "/git/trees/" in r.path]) == 1
    assert len([r for r in stage.requests if b"query Blobs" in r.body]) == 1
    assert all(outcome.hazards_complete for outcome in dry)


async def test_a_look_around_that_fails_is_logged_and_costs_the_next_dry_runs_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    stage.fault("status", path=f"/repos/{stage.repository}/git/trees", status=502, times=None)
    async with stage.open() as components:
        first = await promote(components, dry_run=True)
        assert [r.getMessage() for r in caplog.records].count("hazards are incomplete") == 1
        stage.requests.clear()
        again = await promote(components, dry_run=True)
    assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
    assert [(slugs(each), each.hazards_complete) for each in (first, again)] == [([], False)] * 2


async def test_a_defect_in_reading_the_others_keeps_no_dry_run_from_its_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(path: str, data: bytes) -> FileFacts:
        raise KeyError("spec")

    stage.replace(SONARR, "  replicas: 1\n", "  replicas: 1\n  strategy: {type: Recreate}\n")
    stage.declare(WARM)
    monkeypatch.setattr(branch_knowledge, "read_file_facts", broken)
    async with stage.open() as components:
        dry = await promote(components, dry_run=True)
    assert (slugs(dry), dry.hazards_complete) == (["recreate-blocks"], False)
    assert caplog.messages.count("hazards could not be found by a defect") == 1


async def test_what_could_not_be_read_is_tried_again_after_a_minute(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
    stage.declare(WARM)
    trees = f"/repos/{stage.repository}/git/trees"
    async with stage.open() as components:
        now = [1000.0]
        reader = SurroundingsReader(components.github, clock=lambda: now[0])
        services = [(await components.failover.status("sonarr")).service]
        stage.fault("status", path=trees, status=502, times=None)
        assert not (await reader.look(services)).is_complete
        stage.sandbox.faults.clear()
        now[0] += UNREAD_S - 1
        assert not (await reader.look(services)).is_complete
        now[0] += 2
        assert (await reader.look(services)).is_complete


async def test_a_dry_run_waits_no_longer_than_the_bound(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "LOOK_S", 0.2)
    stage.declare(WARM)
    stage.fault("slow", path=f"/repos/{stage.repository}/git/trees", seconds=30, times=None)
    async with stage.open() as components:
        started = time.monotonic()
        dry = await promote(components, dry_run=True)
        assert time.monotonic() - started < 10
    assert (len(dry.plan.changes) > 0, dry.hazards_complete) == (True, False)


async def test_a_repository_that_makes_no_claim_tells_of_none(stage: Stage) -> None:
    """They are made elsewhere, and `check` says so once."""
    stage.declare(WARM)
    async with stage.open() as components:
        dry = await promote(components, dry_run=True)
        outcome = await promote(components)
    assert [(slugs(each), each.hazards_complete) for each in (dry, outcome)] == [([], True)] * 2


async def test_a_warm_promote_is_one_request_whatever_was_read(stage: Stage) -> None:
    stage.commit({"storage/pvc.yaml": CLAIMS})
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
        before = await components.failover.status("sonarr")
        await promote(components, dry_run=True)
        stage.requests.clear()
        told = await promote(components, dry_run=True)
        assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]
        status = await components.failover.status("sonarr")
        stage.requests.clear()
        outcome = await promote(components)
        assert [request.method for request in stage.requests] == ["PUT"]
    assert (before.hazards_to, slugs(told), slugs(outcome)) == ((), ["suspended"], ["suspended"])
    assert [hazard.slug for hazard in status.hazards_to] == ["suspended"]


async def test_a_defect_in_a_finder_keeps_nobody_from_moving_and_no_other_finder_from_telling(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_one(move: object, surroundings: object) -> Iterator[Hazard]:
        yield Hazard("ssa-ignored", Severity.WARN, "Deployment media/sonarr", None, "Told before it broke.", "Mend it.")
        raise KeyError("spec")

    stage.commit({"storage/pvc.yaml": CLAIMS.replace("pvc-radarr-backup", "other")})
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
        first = await promote(components)
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
        assert "wrote on backup, since when is not known here, stays" in told.hazards[0].detail, (
            "nobody has looked since it moved"
        )
        status = await components.failover.status("sonarr")
        assert status.last_move is not None
        since = f"What sonarr wrote on backup since {status.last_move.logged.at[:16].replace('T', ' ')} UTC"
        assert since in status.hazards_to[0].detail
        stage.requests.clear()
        told = await demote(components, dry_run=True)
        assert since in told.hazards[0].detail
        assert [r.method for r in stage.requests] == ["GET"]
        await promote(components)  # it is there: nothing is written, and nothing changes of since when
        assert since in (await demote(components, dry_run=True)).hazards[0].detail
        assert since in (await demote(components)).hazards[0].detail
        await promote(components)
        assert (
            "wrote on backup, since when is not known here, stays"
            in (await demote(components, dry_run=True)).hazards[0].detail
        )


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
        assert status.hazards_to[0].detail.startswith(
            "What sonarr wrote on backup, since when is not known here, stays behind"
        )


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
    stage.commit({"storage/pvc.yaml": CLAIMS})
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
