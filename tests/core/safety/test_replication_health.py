"""How well the other side is kept as a copy: each state in each way that VolSync can show it, and each of its traps."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind, Via
from failover_api.core.planning.state import State
from failover_api.core.safety.observed import Condition, Replication, Seen, View
from failover_api.core.safety.replication import CLOCKS_S
from failover_api.core.safety.replication_health import replication_status
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus
from tests.core.safety.cluster_finders.scenes import destination, source
from tests.support.cluster_views import NOW, sonarr, view

TO_BACKUP = Pair("sonarr-to-w2", "sonarr-w2", "media")
TO_PRIMARY = Pair("sonarr-to-w1", "sonarr-w1", "media")
DIRECT = DataReplication(ReplicationKind.VOLSYNC, Via.DIRECT, TO_BACKUP, TO_PRIMARY)
REPOSITORY = replace(DIRECT, via=Via.REPOSITORY)
DAY, HOUR = 24 * 3600.0, 3600.0
PROTECTED, STALE, FAILING = ReplicationState.PROTECTED, ReplicationState.STALE, ReplicationState.FAILING
PARKED, SEEDING, UNKNOWN = ReplicationState.PARKED, ReplicationState.SEEDING, ReplicationState.UNKNOWN


def seen(*objects: Replication) -> View:
    return view(
        replication_sources=[one for one in objects if one.kind == "ReplicationSource"],
        replication_destinations=[one for one in objects if one.kind == "ReplicationDestination"],
    )


def judged(
    *objects: Replication,
    side: State = State.PRIMARY,
    replication: DataReplication | None = DIRECT,
    max_data_age_s: float | None = None,
    is_relocated: bool = False,
    found: View | None = None,
) -> ReplicationStatus:
    service = sonarr(replication=replication, max_data_age_s=max_data_age_s)
    status = replication_status(service, side, found or seen(*objects), NOW, is_relocated=is_relocated)
    assert status is not None
    return status


def synced(**changes: Any) -> Replication:
    """A destination that has taken what its source sent."""
    return destination(**{"result": "Successful", "last_sync_at": NOW - HOUR, "last_sync_duration_s": 100.0, **changes})


def test_a_copy_that_is_made_every_hour_is_protected() -> None:
    assert judged(source(), synced()) == ReplicationStatus(
        ReplicationKind.VOLSYNC, PROTECTED, NOW - HOUR - 120, NOW - HOUR, in_flight=False, reason=""
    )


def test_data_is_as_old_as_the_beginning_of_its_sync() -> None:
    """A sync of three hours that ended a minute ago has brought data of three hours ago."""
    long = source(last_sync_at=NOW - 60, last_sync_duration_s=3 * HOUR)
    status = judged(long, synced(), max_data_age_s=2 * HOUR)
    assert (status.state, status.data_as_of) == (STALE, NOW - 60 - 3 * HOUR)
    assert status.reason == "Its data is of 2026-11-30 16:59 UTC, older than 2h."


@pytest.mark.parametrize(
    ("age_s", "allowed_s", "state"),
    [
        (DAY - 120, None, PROTECTED),
        (DAY, None, STALE),
        (2 * HOUR - 120, 2 * HOUR, PROTECTED),
        (2 * HOUR - 119, 2 * HOUR, STALE),
    ],
)
def test_it_is_stale_after_max_data_age_or_a_day(age_s: float, allowed_s: float | None, state: str) -> None:
    assert judged(source(last_sync_at=NOW - age_s), synced(), max_data_age_s=allowed_s).state == state


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (
            (source(claim="pvc-radarr"), synced()),
            (
                "ReplicationSource sonarr-to-w2 is about pvc-radarr, which is no claim of primary: what is there is "
                "not copied."
            ),
        ),
        (
            (source(), synced(claim="pvc-sonarr")),
            (
                "ReplicationDestination sonarr-w2 is about pvc-sonarr, which is no claim of backup: what is there is "
                "not copied."
            ),
        ),
        (
            (source(mover="restic"), synced()),
            (
                "ReplicationSource sonarr-to-w2 has the mover restic, and ReplicationDestination sonarr-w2 rsyncTLS: "
                "nothing is copied."
            ),
        ),
    ],
)
def test_a_pair_that_copies_something_else_protects_nothing(ends: tuple[Replication, ...], reason: str) -> None:
    status = judged(*ends)
    assert (status.state, status.data_as_of, status.reason) == (FAILING, None, reason)
    assert judged(source(claim=""), synced(mover="")).state is PROTECTED, "what it does not say is not held against it"


def test_both_ends_paused_is_parked_whatever_befell_it_before() -> None:
    ends = source(is_paused=True, result="Failed"), destination(is_paused=True)
    assert judged(*ends).state is PARKED
    assert "set spec.paused of both to false" in judged(*ends).reason  # a demote has left them so
    assert judged(*ends, is_relocated=True).state is PARKED
    assert judged(*ends).data_as_of == NOW - HOUR - 120
    begun = source(is_paused=True, sync_started_at=NOW - 5), destination(is_paused=True)
    assert not judged(*begun).in_flight, "VolSync keeps the start of a sync whose mover is stopped"


@pytest.mark.parametrize("ends", [(source(is_paused=True), synced()), (source(), synced(is_paused=True))])
def test_one_end_paused_copies_nothing(ends: tuple[Replication, Replication]) -> None:
    status = judged(*ends)
    assert status.state is FAILING
    assert "is paused and" in status.reason
    assert "is not: nothing is copied." in status.reason


ERROR = Condition("Synchronizing", "False", "Error")


@pytest.mark.parametrize(
    "ends",
    [
        (source(result="Failed"), synced()),
        (source(), synced(result="Failed")),
        (source(synchronizing=ERROR), synced()),
        (source(), synced(synchronizing=ERROR)),
        (source(result="Failed", sync_started_at=NOW - 5), synced()),
    ],
)
def test_a_failure_of_either_end_is_failing_until_a_sync_has_ended_well(ends: tuple[Replication, Replication]) -> None:
    status = judged(*ends)
    assert status.state is FAILING
    assert status.reason.startswith("The last sync of Replication")
    assert status.data_as_of == NOW - HOUR - 120, "the copy is still of then"


@pytest.mark.parametrize("ends", [(source(),), (synced(),), ()])
def test_a_missing_end_copies_nothing(ends: tuple[Replication, ...]) -> None:
    status = judged(*ends)
    assert status.state is FAILING
    assert "is not in the cluster: nothing is copied." in status.reason


def test_a_manual_tag_that_was_left_behind_has_switched_the_schedule_off() -> None:
    left = source(schedule="0 * * * *", manual="before-upgrade", last_manual="before-upgrade")
    assert judged(left, synced()).state is FAILING
    assert "VolSync ignores the schedule" in judged(left, synced()).reason
    assert judged(replace(left, last_manual="older"), synced()).state is PROTECTED, "it is to be answered yet"
    assert judged(replace(left, schedule=""), synced()).state is PROTECTED, "it is synced by tags alone"
    assert judged(replace(left, manual=""), synced()).state is PROTECTED


def test_a_run_in_flight_is_told_by_the_source() -> None:
    waits = Condition("Synchronizing", "True", "SyncInProgress")
    always = synced(sync_started_at=NOW - 5 * HOUR, synchronizing=waits)
    assert not judged(source(), always).in_flight, "a destination without a trigger always waits"
    running = judged(source(sync_started_at=NOW - 5), always)
    assert (running.state, running.in_flight, running.data_as_of) == (PROTECTED, True, NOW - HOUR - 120)


def test_a_first_sync_is_no_copy_yet() -> None:
    first = judged(source(last_sync_at=None, last_sync_duration_s=None, sync_started_at=NOW - 5, result=""), synced())
    assert (first.state, first.data_as_of, first.last_sync_at, first.in_flight) == (UNKNOWN, None, None, True)
    assert first.reason == "ReplicationSource sonarr-to-w2 has never synced."


def test_a_sync_whose_duration_is_not_known_has_no_age() -> None:
    assert judged(source(last_sync_duration_s=None), synced()).state is UNKNOWN


def test_data_of_a_time_to_come_was_dated_by_a_wrong_clock() -> None:
    assert judged(source(last_sync_at=NOW + CLOCKS_S, last_sync_duration_s=0.0), synced()).state is PROTECTED
    ahead = judged(source(last_sync_at=NOW + CLOCKS_S + 1, last_sync_duration_s=0.0), synced())
    assert ahead.state is UNKNOWN
    assert "a clock is wrong" in ahead.reason


def test_a_relocation_fills_it_for_as_long_as_its_tag_stands() -> None:
    tagged = source(manual="01JD-1", last_manual="", last_sync_at=None, last_sync_duration_s=None)
    assert judged(tagged, synced(), is_relocated=True).state is SEEDING
    assert judged(replace(tagged, last_manual="01JD-1"), synced(), is_relocated=True).state is SEEDING
    assert judged(replace(tagged, manual=""), synced(), is_relocated=True).state is UNKNOWN
    assert judged(tagged, synced()).state is UNKNOWN


def test_on_backup_it_is_the_pair_that_leads_home() -> None:
    home = [
        source(name="sonarr-to-w1", claim="pvc-sonarr-backup", is_paused=True),
        destination(name="sonarr-w1", claim="pvc-sonarr", is_paused=True),
    ]
    assert judged(source(), synced(), *home).state is PROTECTED
    parked = judged(source(), synced(), *home, side=State.BACKUP)
    assert parked.state is PARKED
    assert "`failover relocate sonarr --to primary` brings the data home" in parked.reason


@pytest.mark.parametrize("side", [State.MIXED, State.UNKNOWN])
def test_on_no_one_side_nothing_is_guessed(side: State) -> None:
    assert judged(source(), synced(), side=side).state is UNKNOWN


def test_without_a_pair_that_way_nobody_can_tell() -> None:
    only = replace(DIRECT, to_primary=None)
    status = judged(source(), synced(), side=State.BACKUP, replication=only)
    assert status.state is UNKNOWN
    assert status.reason == "The catalog names no pair away from backup (`replication.to_primary`)."


# Through a repository


def backed_up(ended_s: float, took_s: float = 60.0) -> Replication:
    return source(mover="restic", schedule="0 * * * *", last_sync_at=NOW - ended_s, last_sync_duration_s=took_s)


def restored(ended_s: float, took_s: float = 60.0, **changes: Any) -> Replication:
    return synced(mover="restic", schedule="30 * * * *", last_sync_at=NOW - ended_s,
                  last_sync_duration_s=took_s, **changes)  # fmt: skip


def test_what_is_restored_is_the_newest_backup_that_had_ended() -> None:
    status = judged(backed_up(HOUR), restored(HOUR / 2), replication=REPOSITORY)
    assert (status.state, status.data_as_of, status.last_sync_at) == (PROTECTED, NOW - HOUR - 60, NOW - HOUR / 2)


def test_a_backup_that_is_not_restored_yet_is_not_the_copy() -> None:
    status = judged(backed_up(60), restored(HOUR), replication=REPOSITORY)
    assert (status.state, status.data_as_of) == (UNKNOWN, None)
    assert "is not restored yet" in status.reason
    during = judged(backed_up(HOUR), restored(HOUR - 30, 60), replication=REPOSITORY)
    assert during.data_as_of is None, "it had not ended when the restore began"


def test_a_copy_that_was_restored_once_is_stale_however_young_the_backup_is() -> None:
    status = judged(backed_up(60), restored(3 * DAY), replication=REPOSITORY)
    assert status.state is STALE


def test_a_backup_that_was_never_restored_is_no_copy() -> None:
    never = destination(mover="restic", schedule="30 * * * *")
    status = judged(backed_up(HOUR), never, replication=REPOSITORY)
    assert (status.state, status.reason) == (UNKNOWN, "ReplicationDestination sonarr-w2 has never synced.")


def test_a_restore_is_in_flight_too() -> None:
    assert judged(backed_up(HOUR), restored(DAY, sync_started_at=NOW - 5), replication=REPOSITORY).in_flight
    without = replace(restored(DAY, sync_started_at=NOW - 5), schedule="")
    assert not judged(backed_up(HOUR), without, replication=REPOSITORY).in_flight


# What is not seen


@pytest.mark.parametrize("replication", [None, DataReplication(ReplicationKind.NONE)])
def test_without_replication_there_is_nothing_to_say(replication: DataReplication | None) -> None:
    assert replication_status(sonarr(replication=replication), State.PRIMARY, seen(source(), synced()), NOW) is None


def test_what_is_brought_by_hand_is_not_seen() -> None:
    status = judged(source(), synced(), replication=DataReplication(ReplicationKind.MANUAL))
    assert (status.kind, status.state, status.data_as_of) == (ReplicationKind.MANUAL, UNKNOWN, None)


def test_without_a_cluster_or_in_another_one_it_is_unknown() -> None:
    services: list[Service] = [sonarr(replication=DIRECT), sonarr(replication=DIRECT, is_elsewhere=True)]
    for service, found in zip(services, (None, seen(source(), synced())), strict=True):
        status = replication_status(service, State.PRIMARY, found, NOW)
        assert status is not None
        assert (status.state, status.reason) == (UNKNOWN, "The cluster is not seen.")


def test_a_kind_that_may_not_be_read_is_unknown_and_said() -> None:
    """What was seen before it was forbidden is not what is there now."""
    known = seen(source(), synced())
    for kind in ("replication_sources", "replication_destinations"):
        forbidden = replace(getattr(known, kind), unseen={"media": "403 \u202eForbidden"})
        status = judged(found=replace(known, **{kind: forbidden}))
        assert status.state is UNKNOWN
        assert status.reason == "VolSync's objects are not seen: 403 \\u202eForbidden."
    assert judged(found=View()).state is UNKNOWN


def test_where_no_namespace_is_named_one_of_the_name_will_do_and_two_will_not() -> None:
    anywhere = replace(DIRECT, to_backup=replace(TO_BACKUP, namespace=None))
    other = replace(source(), namespace="other")
    assert judged(source(), synced(), replication=anywhere).state is PROTECTED
    two = judged(source(), synced(), other, replication=anywhere)
    assert two.reason == "Several are named ReplicationSource sonarr-to-w2: name its `namespace` in the catalog."
    in_media = replace(sonarr(replication=anywhere), switches=())
    assert in_media.namespaces == {"media"}, "that of the other pair"
    status = replication_status(in_media, State.PRIMARY, seen(source(), synced(), other), NOW)
    assert status is not None
    assert status.state is PROTECTED


def test_a_pair_in_a_namespace_of_its_own_is_looked_for_there() -> None:
    named = Pair("sonarr-to-w2", "sonarr-w2", "backup")
    service = replace(sonarr(replication=replace(DIRECT, to_backup=named)), switches=())
    assert service.namespaces == {"media", "backup"}
    status = replication_status(service, State.PRIMARY, seen(source(), synced()), NOW)
    assert status is not None
    assert status.state is FAILING, "those of another namespace are others"


TIMES = st.none() | st.floats(NOW - 10 * DAY, NOW + DAY)
ENDS = st.fixed_dictionaries({
    "is_paused": st.booleans(),
    "schedule": st.sampled_from(["", "0 * * * *"]),
    "manual": st.sampled_from(["", "a", "b"]),
    "last_manual": st.sampled_from(["", "a", "b"]),
    "last_sync_at": TIMES,
    "last_sync_duration_s": st.none() | st.floats(0, DAY),
    "sync_started_at": TIMES,
    "result": st.sampled_from(["", "Successful", "Failed"]),
})  # fmt: skip


@given(ENDS, ENDS, st.sampled_from([DIRECT, REPOSITORY]), st.sampled_from([None, 2 * HOUR]), st.booleans())
def test_protected_is_said_only_of_a_young_copy_that_goes_on(
    one: dict[str, Any],
    other: dict[str, Any],
    replication: DataReplication,
    allowed_s: float | None,
    is_relocated: bool,
) -> None:
    ends = source(**one), destination(**other)
    status = judged(*ends, replication=replication, max_data_age_s=allowed_s, is_relocated=is_relocated)
    assert (status.reason == "") == (status.state is PROTECTED)
    if status.state is PROTECTED:
        assert status.data_as_of is not None
        assert -CLOCKS_S <= NOW - status.data_as_of <= (allowed_s or DAY)
        assert not any(end.is_paused or end.result == "Failed" for end in ends)


def test_nothing_is_seen_of_a_view_that_has_answered_nothing() -> None:
    silent: Seen[Replication] = Seen(unseen={"": "it does not answer"})
    found = replace(seen(source(), synced()), replication_sources=silent)
    assert judged(found=found).reason == "VolSync's objects are not seen: it does not answer."
