"""A promote pauses the replication to backup in its own commit, and a rollback puts back what stood there."""

from pathlib import Path

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.errors import UnsafeMove
from failover_api.wiring import Components
from tests.support.relocating import APP, CATALOG, VOLSYNC, app, homelab, running_to_backup, volsync
from tests.support.stage import Stage

ASKED = MoveRequest("ops-laptop")
RUNNING = running_to_backup()


@pytest.fixture
def lab(stage: Stage) -> Stage:
    stage.commit({APP: app("primary"), VOLSYNC: RUNNING})
    stage.declare(CATALOG)
    return stage


def text(stage: Stage, file: str) -> str:
    return (stage.read(file) or b"").decode()


async def move(components: Components, action: Action, *accept: str) -> object:
    request = MoveRequest("ops-laptop", accept=frozenset(accept))
    return await components.failover.move("sonarr", action, request)


async def test_a_promote_pauses_both_ends_in_its_own_commit(lab: Stage) -> None:
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert [str(change.document) for change in outcome.plan.changes if change.path == "spec.paused"] == [
        "ReplicationSource media/sonarr-to-b",
        "ReplicationDestination media/sonarr-b",
    ]
    assert len(lab.moves) == 1
    assert text(lab, VOLSYNC).count("paused: true") == 4
    assert "spec.paused: null -> true" in lab.moves[0]
    assert not [hazard.slug for hazard in outcome.hazards if hazard.slug == "source-may-return"]


async def test_a_rollback_puts_back_what_stood_there(lab: Stage) -> None:
    before = {file: text(lab, file) for file in (APP, VOLSYNC)}
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        await move(components, Action.ROLLBACK)
    assert {file: text(lab, file) for file in (APP, VOLSYNC)} == before


async def test_a_demote_leaves_them_paused_and_says_so(lab: Stage) -> None:
    """What was written on backup may be all there is of it."""
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        outcome = await components.failover.move("sonarr", Action.DEMOTE, ASKED)
    assert text(lab, VOLSYNC).count("paused: true") == 4
    assert text(lab, APP) == app("primary")
    (warning,) = outcome.all_warnings
    ends = f"ReplicationSource media/sonarr-to-b ({VOLSYNC}:8) and ReplicationDestination media/sonarr-b ({VOLSYNC}:15)"
    assert warning.startswith(f"{ends} stay paused: what sonarr wrote on backup is there alone")
    assert warning.endswith("Until you set spec.paused to false there, backup gets no new data")


async def test_a_demote_pauses_what_writes_into_primary_and_a_rollback_puts_that_back(lab: Stage) -> None:
    both = volsync().replace("  paused: true\n", "  paused: false\n")
    lab.commit({APP: app("backup"), VOLSYNC: both.replace("paused: false", "paused: true", 2)})
    async with lab.open() as components:
        before = text(lab, VOLSYNC)
        outcome = await components.failover.move("sonarr", Action.DEMOTE, ASKED)
        assert [(change.document, change.old, change.new) for change in outcome.plan.changes[2:]] == [
            ("ReplicationSource media/sonarr-to-a", False, True),
            ("ReplicationDestination media/sonarr-a", False, True),
        ]
        assert text(lab, VOLSYNC).count("paused: true") == 4
        undone = await components.failover.move("sonarr", Action.ROLLBACK, ASKED)
        assert [(change.old, change.new) for change in undone.plan.changes[2:]] == [(True, False), (True, False)]
    assert text(lab, VOLSYNC) == before


async def test_rolling_back_twice_pauses_them_again(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        there = text(lab, VOLSYNC)
        await move(components, Action.ROLLBACK)
        await move(components, Action.ROLLBACK)
    assert text(lab, VOLSYNC).count("paused: true") == there.count("paused: true") == 4


async def test_what_somebody_unpaused_since_is_not_touched_by_a_rollback_and_is_told(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        lab.commit({VOLSYNC: text(lab, VOLSYNC).replace("paused: true", "paused: false", 1)})
        outcome = await components.failover.move("sonarr", Action.ROLLBACK, ASKED)
    assert text(lab, VOLSYNC).count("paused: false") == 1
    (warning,) = outcome.all_warnings
    assert warning.startswith("ReplicationSource media/sonarr-to-b is not put back as it was: somebody has made its")


@pytest.mark.parametrize("file", [APP, VOLSYNC])
async def test_a_warm_promote_is_one_request_still(lab: Stage, file: str) -> None:
    if file == APP:  # all in one file
        lab.commit({APP: f"{app('primary')}\n---\n{RUNNING}", VOLSYNC: "kind: ConfigMap\nmetadata: {name: x}\n"})
    async with lab.open() as components:
        await components.failover.status("sonarr")
        lab.requests.clear()
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
        assert len(lab.requests) == 1
    assert len(outcome.plan.changes) == 4
    assert text(lab, file).count("paused: true") == 4


async def test_one_that_still_runs_is_told_where_the_service_is_there_already(lab: Stage) -> None:
    lab.commit({APP: app("backup")})
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert not outcome.changed
    assert [warning.partition(", and sonarr is on backup already")[0] for warning in outcome.all_warnings] == [
        f"ReplicationSource media/sonarr-to-b ({VOLSYNC}:1) is not paused",
        f"ReplicationDestination media/sonarr-b ({VOLSYNC}:9) is not paused",
    ]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("${PAUSED}", "spec.paused is '${PAUSED}', expected true or false"),
        ('"true"', "spec.paused is 'true', expected true or false"),
    ],
)
async def test_one_that_cannot_be_paused_is_told_and_the_other_end_is_paused(lab: Stage, value: str, why: str) -> None:
    lab.commit({VOLSYNC: RUNNING.replace("spec:\n", f"spec:\n  paused: {value}\n", 1)})
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert [change.document for change in outcome.plan.changes[2:]] == ["ReplicationDestination media/sonarr-b"]
    (warning,) = outcome.all_warnings
    assert why in warning
    (hazard,) = [hazard for hazard in outcome.hazards if hazard.slug == "source-may-return"]
    assert hazard.about == "ReplicationSource media/sonarr-to-b"
    assert why in hazard.detail
    assert "kubectl patch replicationsource sonarr-to-b -n media" in hazard.cure


async def test_an_empty_value_is_paused_and_comes_back(lab: Stage) -> None:
    lab.commit({VOLSYNC: RUNNING.replace("spec:\n", "spec:\n  paused:\n", 1)})
    before = text(lab, VOLSYNC)
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        assert text(lab, VOLSYNC).count("paused: true") == 4
        await move(components, Action.ROLLBACK)
    assert text(lab, VOLSYNC) == before


async def test_two_of_one_name_are_told_and_keep_nobody_from_moving(lab: Stage) -> None:
    lab.commit({"apps/other/volsync.yaml": RUNNING})
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert outcome.changed
    assert len(outcome.all_warnings) == 2
    assert "apps/other/volsync.yaml" in outcome.all_warnings[0]


async def test_a_key_that_comes_again_answers_with_what_was_paused(lab: Stage) -> None:
    asked = MoveRequest("ops-laptop", key="k1")
    async with lab.open() as components:
        first = await components.failover.move("sonarr", Action.PROMOTE, asked)
        again = await components.failover.move("sonarr", Action.PROMOTE, asked)
    assert again.operation == first.operation
    assert again.plan.changes == first.plan.changes
    assert (again.plan.old, again.plan.new) == (first.plan.old, first.plan.new)


async def test_a_pull_request_pauses_them_and_is_known_again(lab: Stage) -> None:
    lab.declare(f"{CATALOG}    policy: pull_request\n")
    async with lab.open() as components:
        first = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
        again = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
        assert first.pull_request is not None
        assert again.pull_request is not None
        assert (again.pull_request.number, again.changed) == (first.pull_request.number, False)
        lab.commit({VOLSYNC: f"# a word\n{RUNNING}"})
        rebased = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert rebased.pull_request is not None
    assert rebased.pull_request.number == first.pull_request.number
    assert [change.path for change in rebased.plan.changes[2:]] == ["spec.paused", "spec.paused"]


async def test_a_group_pauses_those_of_each_in_one_commit(lab: Stage) -> None:
    other = {file: text(lab, file).replace("sonarr", "radarr") for file in (APP, VOLSYNC)}
    lab.commit({APP.replace("sonarr", "radarr"): other[APP], VOLSYNC: f"{RUNNING}---\n{other[VOLSYNC]}"})
    groups = "groups:\n  both: [sonarr, radarr]\n"
    lab.declare(f"{CATALOG}{CATALOG.replace('sonarr', 'radarr')}{groups}")
    before = text(lab, VOLSYNC)
    async with lab.open() as components:
        await components.failover.move_group("both", Action.PROMOTE, ASKED)
        assert len(lab.moves) == 1
        assert text(lab, VOLSYNC).count("paused: true") == 8
        await move(components, Action.ROLLBACK)
        assert text(lab, VOLSYNC).count("paused: true") == 6
        page = await components.failover.history("radarr", limit=5)
        assert [entry.record is not None for entry in page.entries][:1] == [True]
        await components.failover.move("radarr", Action.ROLLBACK, ASKED)
    assert text(lab, VOLSYNC) == before


async def test_history_proves_the_promote(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        page = await components.failover.history("sonarr", limit=5)
    assert page.entries[0].verified
    assert page.entries[0].record is not None


async def test_one_that_is_not_found_keeps_nobody_from_moving(lab: Stage) -> None:
    lab.commit({VOLSYNC: "kind: ConfigMap\nmetadata: {name: x}\n"})
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert outcome.changed
    told = [warning for warning in outcome.all_warnings if " is not paused by this commit: " in warning]
    assert [warning.partition(" is not paused")[0] for warning in told] == [
        "ReplicationSource media/sonarr-to-b",
        "ReplicationDestination media/sonarr-b",
    ]
    assert "no ReplicationSource media/sonarr-to-b of service sonarr in the 6 YAML files under apps/" in told[0]


async def test_a_dry_run_shows_it_and_what_is_paused_already_stays(lab: Stage) -> None:
    lab.commit({VOLSYNC: volsync()})
    async with lab.open() as components:
        request = MoveRequest("ops-laptop", dry_run=True)
        outcome = await components.failover.move("sonarr", Action.PROMOTE, request)
    assert not [change for change in outcome.plan.changes if change.path == "spec.paused"]


async def test_a_promote_that_is_asked_twice_makes_one_commit(lab: Stage) -> None:
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        again = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert not again.changed
    assert len(lab.moves) == 1


async def test_one_that_a_component_makes_for_many_apps_is_never_paused_for_all_of_them(lab: Stage) -> None:
    shared = RUNNING.replace("sonarr-to-b", "'${APP}'")
    lab.commit({VOLSYNC: shared})
    lab.declare(CATALOG.replace("source: sonarr-to-b", 'source: "${APP}"'))
    async with lab.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, ASKED)
    assert outcome.changed
    assert [change.document for change in outcome.plan.changes[2:]] == ["ReplicationDestination media/sonarr-b"]
    (warning,) = outcome.all_warnings
    assert "its name is a variable, so it stands for many apps" in warning


async def test_a_neighbour_in_the_same_file_does_not_take_it_for_an_edit(lab: Stage) -> None:
    """All in one file: what sonarr's move pauses there is none of radarr's business."""
    mine = f"{app('primary')}\n---\n{RUNNING}"
    empty = {VOLSYNC: "kind: ConfigMap\nmetadata: {name: x}\n"}
    lab.commit({APP: f"{mine}---\n{mine.replace('sonarr', 'radarr')}", **empty})
    lab.declare(f"{CATALOG}{CATALOG.replace('sonarr', 'radarr')}")
    async with lab.open() as components:
        await move(components, Action.PROMOTE)
        await move(components, Action.ROLLBACK)
        own = await components.failover.history("sonarr", limit=5)
        others = await components.failover.history("radarr", limit=5)
    assert len(lab.moves) == 2
    subjects = [entry.subject for entry in others.entries]
    assert [entry.subject for entry in own.entries if entry.verified][:2] == [
        "Roll back sonarr to primary",
        "Fail over sonarr to backup",
    ]
    assert not [subject for subject in subjects if "sonarr" in subject]


async def test_a_rollback_that_leaves_data_behind_is_refused_and_says_what_it_restarts(
    stage: Stage, tmp_path: Path
) -> None:
    with homelab(stage, tmp_path, side="primary") as lab:
        stage.commit({VOLSYNC: running_to_backup()})
        lab.pass_by(120)
        async with lab.open() as components:
            await move(components, Action.PROMOTE)
            lab.pass_by(120)
            with pytest.raises(UnsafeMove) as refused:
                await move(components, Action.ROLLBACK)
    (hazard,) = [each for each in refused.value.hazards if each.slug == "data-left-behind"]
    assert hazard.cure.startswith(
        "`failover relocate sonarr --to primary` brings it home. But this commit also restarts"
    )
    assert "ReplicationSource media/sonarr-to-b and ReplicationDestination media/sonarr-b" in hazard.cure
