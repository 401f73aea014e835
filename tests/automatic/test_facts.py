"""What is known of a service before it may move by itself: of its data, its pods, and its last move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.automatic.facts import GitReader, facts_of
from failover_api.core.safety.governance.holds import stops_automatic
from failover_api.core.safety.surroundings import ClusterLook
from tests.core.safety.cluster_finders.scenes import before, destination, source
from tests.support.acts import promote
from tests.support.cluster_views import NOW, pod, stateful_set
from tests.support.stage import Stage, entry

if TYPE_CHECKING:
    from failover_api.core.safety.governance import ServiceFacts
    from failover_api.core.safety.observed import View
    from failover_api.wiring import Components

OTHERS = "apps/other.txt"


async def facts(components: Components, view: View | None = None) -> ServiceFacts:
    """Of sonarr, after a close look."""
    reader = GitReader(components.failover)
    await reader.read(["sonarr"])
    (found,) = (each for each in facts_of(reader.view, look(view), {}) if each.name == "sonarr")
    return found


def look(view: View | None = None) -> ClusterLook:
    return ClusterLook(view or before(), NOW, True)


def restored(ago_s: float | None) -> Any:
    at = None if ago_s is None else NOW - ago_s
    return destination(mover="restic", last_sync_at=at, last_sync_duration_s=None if at is None else 60.0)


RESTIC = source(mover="restic", last_sync_at=NOW - 3600)
NEVER = source(last_sync_at=None, last_sync_duration_s=None)


@pytest.mark.parametrize(
    ("ends", "as_of", "why"),
    [
        ((source(), destination()), NOW - 3720, ""),
        ((), None, "no ReplicationSource of pvc-sonarr is in the cluster"),
        ((NEVER, destination()), None, "ReplicationSource sonarr-to-w2 has never synced it"),
        ((source(last_sync_at=NOW + 3600), destination()), None, "which is still to come: a clock is wrong"),
        ((RESTIC, restored(1800)), NOW - 3720, ""),
        ((RESTIC, restored(5400)), None, "the newest backup is not restored yet"),
        ((RESTIC, restored(None)), None, "ReplicationDestination sonarr-w2 has never synced it"),
        ((RESTIC, restored(-86_400)), None, "which is still to come: a clock is wrong"),
    ],
)
async def test_how_old_the_data_is(stage: Stage, ends: tuple[Any, ...], as_of: float | None, why: str) -> None:
    stage.declare(entry("sonarr"))
    seen = before(
        replication_sources=[end for end in ends if end.kind == "ReplicationSource"],
        replication_destinations=[end for end in ends if end.kind == "ReplicationDestination"],
    )
    async with stage.open() as components:
        data = (await facts(components, seen)).data
    assert (data.is_copy, data.as_of) == (True, as_of)
    assert as_of is not None or why in data.why


async def test_where_nothing_needs_to_be_brought_no_age_holds_it(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "replication: {kind: none}", "max_data_age: 2h"))
    async with stage.open() as components:
        found = await facts(components)
    assert not found.data.is_copy
    assert found.hazards is not None
    assert [hazard.slug for hazard in found.hazards if stops_automatic(hazard)] == []


async def test_pods_of_one_name_in_two_namespaces_are_two(stage: Stage) -> None:
    """A workload a side: both StatefulSets call their pod sonarr-0, and one of them serves."""
    workload = "{{kind: StatefulSet, name: sonarr, namespace: {}}}".format
    both = f"workload: {{primary: {workload('media')}, backup: {workload('other')}}}"
    stage.declare(entry("sonarr", "media", both))
    own = pod("primary", of="StatefulSet")
    asleep = replace(own, namespace="other", ready=None)
    sets = [stateful_set("primary"), replace(stateful_set("primary"), namespace="other")]
    async with stage.open() as components:
        for pods in ([own, asleep], [asleep, own]):
            found = await facts(components, before(deployments=[], stateful_sets=sets, pods=pods))
            assert found.pods is not None
            assert sorted(each.is_ready for each in found.pods) == [False, True]


async def test_a_move_of_before_a_hundred_commits_is_known_after_a_restart(stage: Stage) -> None:
    stage.declare(entry("sonarr"))
    async with stage.open() as components:
        await promote(components, by="automatic", trigger="automatic", evidence=("it died",))
    for number in range(101):
        stage.commit({OTHERS: str(number)})
    async with stage.open() as components:
        found = await facts(components)
    assert found.last_move is not None
    assert found.last_move.is_automatic


async def test_a_history_that_cannot_be_read_is_not_one_without_moves(stage: Stage) -> None:
    stage.declare(entry("sonarr"))
    async with stage.open() as components:
        await promote(components, by="automatic", trigger="automatic", evidence=("it died",))
    stage.fault("status", status=503, method="GET", path=f"/repos/{stage.repository}/commits*", times=None)
    async with stage.open() as components:
        found = await facts(components)
    assert (found.last_move, found.is_history_known) == (None, False)
