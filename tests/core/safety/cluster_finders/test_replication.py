"""data-old, data-age-unknown, sync-in-flight, source-may-return: what VolSync has brought, and goes on bringing."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.replication import DataReplication, ReplicationKind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Seen
from tests.core.safety.cluster_finders.scenes import before, demote, destination, manifest, promote, source
from tests.support.builders import switch
from tests.support.cluster_views import NOW, sonarr, unseen

STRICT = sonarr(max_data_age_s=7200.0)
OF_DATA = {"data-old", "data-age-unknown", "sync-in-flight"}


def told(*sources: Any, strict: bool = False, **kinds: Any) -> list[Hazard]:
    seen = before(**{"replication_sources": sources, "replication_destinations": [destination()], **kinds})
    found = promote(seen, service=STRICT if strict else sonarr())
    return [hazard for hazard in found if hazard.slug in OF_DATA]


def test_data_of_an_hour_ago_is_young() -> None:
    assert told(source()) == told(source(), strict=True) == []


def test_data_is_as_old_as_the_beginning_of_its_sync() -> None:
    """The sync ended 1 h 59 min ago and took two minutes: what it brought is of two hours and a minute ago."""
    late = source(last_sync_at=NOW - 7140)
    (hazard,) = told(late, strict=True)
    assert hazard == Hazard(
        "data-old",
        Severity.STOP,
        "ReplicationSource media/sonarr-to-w2",
        None,
        "The data in pvc-sonarr-backup is of 2026-11-30 17:59 UTC, older than `max_data_age: 2h` allows "
        "(ReplicationSource sonarr-to-w2). An app that starts on an old copy goes on from there, and what was written "
        "since is missing.",
        "Let it sync once more, if the source still can; else weigh what is lost against the time until the node is "
        "back.",
    )
    assert told(source(last_sync_at=NOW - 7079), strict=True) == []


def test_without_a_limit_a_day_is_old_and_only_warned_of() -> None:
    (hazard,) = told(source(last_sync_at=NOW - 86_400))
    assert (hazard.slug, hazard.severity) == ("data-old", Severity.WARN)
    assert "more than a day old" in hazard.detail
    assert told(source(last_sync_at=NOW - 86_000)) == []


def test_a_sync_that_failed_is_told_with_the_age() -> None:
    (hazard,) = told(source(last_sync_at=NOW - 100_000, result="Failed"))
    assert "Its last sync failed." in hazard.detail


@pytest.mark.parametrize("missing", ["last_sync_at", "last_sync_duration_s"])
def test_data_of_no_known_age_counts_as_too_old(missing: str) -> None:
    (hazard,) = told(source(**{missing: None}), strict=True)
    assert (hazard.slug, hazard.severity) == ("data-age-unknown", Severity.STOP)
    (hazard,) = told(source(**{missing: None}))
    assert hazard.severity is Severity.WARN


def test_data_of_a_time_that_is_still_to_come_counts_as_too_old() -> None:
    """Of a clock that was wrong, or is: else the copy would stay young for years."""
    (hazard,) = told(source(last_sync_at=NOW + 3600), strict=True)
    assert (hazard.slug, hazard.severity) == ("data-age-unknown", Severity.STOP)
    assert "says 2026-11-30 20:58 UTC, which is still to come: a clock is wrong" in hazard.detail
    assert told(source(last_sync_at=NOW + 200), strict=True) == [], "clocks differ a little"


def test_who_wants_to_know_the_age_is_told_that_nothing_replicates() -> None:
    (hazard,) = told(strict=True)
    assert (hazard.slug, hazard.severity) == ("data-age-unknown", Severity.STOP)
    assert "no ReplicationSource of pvc-sonarr that feeds it is in the cluster" in hazard.detail
    assert told() == [], "who has no replication, and asks for no age, is not told so at each move"


def test_a_cluster_without_volsync_surely_has_no_replication() -> None:
    nothing: Seen[Any] = Seen(seen_at=NOW, heard_at=1.0, is_installed=False)
    found = told(strict=True, replication_sources=nothing, replication_destinations=nothing)
    assert [hazard.slug for hazard in found] == ["data-age-unknown"]


def test_replication_that_may_not_be_read_stops_nothing() -> None:
    assert told(strict=True, replication_sources=unseen()) == []


def test_a_sync_that_has_not_ended_may_have_torn_the_copy() -> None:
    flying = source(sync_started_at=NOW - 60)
    (hazard,) = told(flying, strict=True)
    assert (hazard.slug, hazard.severity) == ("sync-in-flight", Severity.STOP)
    assert "began at 2026-11-30 19:59 UTC and has not ended" in hazard.detail
    (hazard,) = told(flying)
    assert hazard.severity is Severity.WARN


def test_a_backup_to_an_object_store_is_not_the_copy() -> None:
    """restic is a day old, and rsync, which feeds the destination, is not."""
    restic = source(name="sonarr-restic", mover="restic", last_sync_at=NOW - 100_000)
    assert told(source(), restic) == []
    (hazard,) = told(restic, replication_destinations=[restored(100_000)])
    assert hazard.about == "ReplicationSource media/sonarr-restic"


def test_a_backup_to_an_object_store_alone_feeds_no_claim() -> None:
    """It has synced an hour ago, and nothing of it ever came to the claim that the app would start on."""
    flying = source(mover="restic", sync_started_at=NOW - 60)
    for sources, destinations, said in (
        ([flying], [], "no ReplicationDestination of pvc-sonarr-backup is in the cluster"),
        ([flying], [destination()], "no ReplicationSource of pvc-sonarr that feeds it is in the cluster"),
    ):
        (hazard,) = told(*sources, strict=True, replication_destinations=destinations)
        assert (hazard.slug, hazard.severity) == ("data-age-unknown", Severity.STOP)
        assert said in hazard.detail
        assert told(*sources, replication_destinations=destinations) == []


def test_a_copy_that_is_restored_is_as_old_as_that_at_best() -> None:
    """restic has backed up an hour ago, and the destination has restored nothing for three hours."""
    restic = source(name="sonarr-restic", mover="restic")
    hours = [
        told(restic, strict=True, replication_destinations=[restored(ago)]) for ago in (7000, 3 * 3600, 3 * 86_400)
    ]
    assert hours[0] == []
    (hazard,) = hours[1]
    assert (hazard.slug, hazard.severity) == ("data-old", Severity.STOP)
    assert hazard.about == "ReplicationDestination media/sonarr-w2"
    assert "is of 2026-11-30 16:59 UTC at best, older than" in hazard.detail
    assert [hazard.slug for hazard in told(restic, replication_destinations=[restored(3 * 86_400)])] == ["data-old"]
    sent = destination(last_sync_at=NOW - 3 * 86_400, last_sync_duration_s=60.0)
    assert told(source(), strict=True, replication_destinations=[sent]) == [], "rsync sends what the source has"


def test_what_was_never_restored_is_no_copy() -> None:
    (hazard,) = told(source(mover="restic"), replication_destinations=[destination(mover="restic")])
    assert (hazard.slug, hazard.about) == ("data-age-unknown", "ReplicationDestination media/sonarr-w2")
    assert "ReplicationDestination sonarr-w2 has never synced it" in hazard.detail


@pytest.mark.parametrize("sources", [(), (source(last_sync_at=NOW - 900_000),), (source(last_sync_at=None),)])
def test_where_nothing_needs_to_be_brought_the_age_is_of_no_interest(sources: tuple[Any, ...]) -> None:
    of = replace(STRICT, replication=DataReplication(ReplicationKind.NONE))
    found = promote(before(replication_sources=sources, replication_destinations=[destination()]), service=of)
    assert not OF_DATA & {hazard.slug for hazard in found}


def restored(ago_s: float) -> Any:
    return destination(mover="restic", last_sync_at=NOW - ago_s, last_sync_duration_s=60.0)


def test_home_again_no_age_of_backups_copy_is_told() -> None:
    seen = before("backup", replication_sources=[source(last_sync_at=NOW - 900_000)])
    assert not OF_DATA & {hazard.slug for hazard in demote(seen)}


def may_return(**kinds: Any) -> list[Hazard]:
    return [hazard for hazard in promote(before(**kinds)) if hazard.slug == "source-may-return"]


def test_a_destination_that_stays_open_is_told_of() -> None:
    (hazard,) = may_return(replication_sources=[source()], replication_destinations=[destination()])
    assert (hazard.severity, hazard.about) == (Severity.WARN, "ReplicationDestination media/sonarr-w2")
    assert "still writes into pvc-sonarr-backup" in hazard.detail


@pytest.mark.parametrize(("namespace", "is_told"), [("other", True), ("media", False)])
def test_replication_of_the_same_name_elsewhere_is_not_what_the_move_stops(namespace: str, is_told: bool) -> None:
    text = (
        f"{manifest().decode()}---\nkind: ReplicationDestination\n"
        f"metadata: {{name: sonarr-w2, namespace: {namespace}}}\nspec: {{paused: false}}\n"
    )
    pauses = switch("spec.paused", False, True, kind="ReplicationDestination")
    service = replace(sonarr(), switches=(*sonarr().switches, pauses))
    seen = before(replication_sources=[source()], replication_destinations=[destination()])
    told = [hazard.slug for hazard in promote(seen, service=service, text=text.encode())]
    assert ("source-may-return" in told) is is_told


@pytest.mark.parametrize(("paused_source", "paused_destination"), [(True, False), (False, True), (True, True)], ids=str)
def test_replication_that_is_cut_at_either_end_brings_nothing_back(
    paused_source: bool, paused_destination: bool
) -> None:
    kinds = {
        "replication_sources": [source(is_paused=paused_source)],
        "replication_destinations": [destination(is_paused=paused_destination)],
    }
    assert may_return(**kinds) == []
