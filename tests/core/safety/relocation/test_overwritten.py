"""unsynced-overwritten: told wherever the target may have something of its own, and nowhere else."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.observed import Replication, View
from failover_api.core.safety.relocation.overwritten import Moved, unsynced_overwritten
from failover_api.core.safety.relocation.subject import Ends
from failover_api.core.safety.times import minute
from tests.core.safety.relocation.ground import subject
from tests.support.cluster_views import NOW, seen

SYNCED: dict[str, Any] = {"last_sync_at": NOW - 3600, "last_sync_duration_s": 5.0}
PROMOTED = Moved("promote", "backup", NOW - 1800)


def pair(ends: Ends | None, **changes: Any) -> list[Replication]:
    assert ends is not None
    given: dict[str, Any] = {"is_paused": True, **SYNCED, **changes}
    names = [end.selector.name or "" for end in ends.both]
    return [
        Replication("media", names[0], "ReplicationSource", **given),
        Replication("media", names[1], "ReplicationDestination", **given),
    ]


def told(
    moved: Moved | None, *, towards: dict[str, Any] | None = None, away: dict[str, Any] | None = None
) -> Hazard | None:
    of = subject()
    ends = [*pair(of.towards, **(towards or {})), *pair(of.away, **(away or {}))]
    view = View(
        replication_sources=seen(end for end in ends if end.kind == "ReplicationSource"),
        replication_destinations=seen(end for end in ends if end.kind != "ReplicationSource"),
    )
    return unsynced_overwritten(of, view, moved)


def test_after_a_promote_it_says_since_when_nothing_was_copied() -> None:
    hazard = told(PROMOTED)
    assert hazard is not None
    assert hazard.slug == "unsynced-overwritten"
    assert minute(NOW - 3605) in hazard.detail
    assert f"left at {minute(NOW - 1800)}" in hazard.detail


def test_a_sync_that_began_after_the_promote_proves_nothing() -> None:
    """Flux takes minutes to apply a promote, and the app writes until then."""
    assert told(PROMOTED, away={"last_sync_at": NOW - 1700})


def test_what_a_relocation_has_left_is_all_here() -> None:
    assert told(Moved("relocate", "backup", NOW - 1800)) is None


@pytest.mark.parametrize("moved", [None, Moved("demote", "primary", NOW - 9000), Moved("relocate", "primary", NOW)])
def test_where_git_does_not_say_what_has_brought_it_here_a_person_may_have(moved: Moved | None) -> None:
    assert told(moved)


def test_what_has_been_overwritten_all_the_time_is_not_asked_for() -> None:
    """The first drill of a service that has never been on its backup."""
    running = {"is_paused": False}
    assert told(None, towards=running) is None
    assert told(None, towards={**running, "last_sync_at": None})
    assert told(PROMOTED, towards=running)


def test_with_one_way_alone_it_is_told_as_well() -> None:
    of = replace(subject(), away=None)
    view = View(replication_sources=seen(pair(of.towards)), replication_destinations=seen(pair(of.towards)))
    hazard = unsynced_overwritten(of, view, PROMOTED)
    assert hazard is not None
    assert "a time that nobody can tell" in hazard.detail


def test_where_nothing_is_synced_nothing_is_overwritten() -> None:
    assert unsynced_overwritten(subject(kind=ReplicationKind.NONE), View(), PROMOTED) is None
