"""A node dies: what the replica that leads makes of it, on a simulated cluster, to the commit and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.guarded import guarded

if TYPE_CHECKING:
    from tests.support.stage import Stage


async def test_a_dead_node_is_one_commit_of_all_its_services_in_time(stage: Stage) -> None:
    async with guarded(stage) as world:
        (replica,) = world.replicas
        await world.pass_(70)
        assert replica.view == "watching"
        world.cluster.kill("k3s-w1")
        took_s = await world.pass_(200, until=lambda: bool(world.commits))
        assert 105 <= took_s <= 125
        (records,) = world.commits
        assert [(record.service, record.before, record.after) for record in records] == [
            ("sonarr", "primary", "backup"),
            ("radarr", "primary", "backup"),
        ]
        assert {record.provenance.by for record in records} == {"automatic"}
        assert {record.provenance.trigger for record in records} == {"automatic"}
        assert records[0].provenance.evidence[0].startswith("node k3s-w1 (")
        await world.pass_(300, step_s=5)
        assert len(world.commits) == 1
        assert world.cluster.ready_pod("media/sonarr", "k3s-w2") is not None
