"""A node dies, comes and goes, or seems to: what the replica that leads makes of it, to the commit and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.automatic.leader import Leader
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.nodes.machine import NodeSpec
from tests.support.guarded import W1, W2, WORKERS, World, catalog, guarded, moved_after, watching

if TYPE_CHECKING:
    from tests.support.stage import Stage

NAMES = ("sonarr", "radarr")
FOUR = (*WORKERS, NodeSpec("k3s-w3"))


async def nothing_moves(world: World, seconds: float, *, step_s: float = 5) -> None:
    await world.pass_(seconds, step_s=step_s)
    assert world.commits == []


class Believer(Leader):
    """It leads, whatever the Lease says."""

    @property
    def leads(self) -> bool:
        return True


# Dead


async def test_a_dead_node_is_one_commit_of_all_its_services_in_time(stage: Stage) -> None:
    async with guarded(stage) as world:
        await watching(world)
        world.cluster.kill(W1)
        took_s = await moved_after(world)
        assert 105 <= took_s <= 125
        (records,) = world.commits
        assert [(record.service, record.before, record.after) for record in records] == [
            ("sonarr", "primary", "backup"),
            ("radarr", "primary", "backup"),
        ]
        assert {record.provenance.by for record in records} == {"automatic"}
        assert {record.provenance.trigger for record in records} == {"automatic"}
        assert records[0].provenance.evidence[0].startswith("node k3s-w1 (")
        await world.pass_(100, step_s=5)
        assert len(world.commits) == 1
        assert world.cluster.ready_pod("media/sonarr", W2) is not None


async def test_a_node_that_is_cut_off_is_treated_alike(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        world.cluster.cut(W1)
        assert 105 <= await moved_after(world) <= 125
        await world.pass_(60, step_s=5)
        world.cluster.revive(W1)
        await world.pass_(300, step_s=5)
        assert len(world.commits) == 1, "it is not moved back by itself"
        assert world.replicas[0].state(W1) == "ready"


async def test_what_is_not_known_to_be_off_is_held_by_the_fence_until_a_person_says_so(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",), declared=catalog(("sonarr",), fence="required")) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 200)
        assert replica.gates("sonarr") == ["fence"]
        await replica.control.attest(W1, by="ops", reason="I pulled the plug")
        await moved_after(world, 30)
        (records,) = world.commits
        assert any("ops says that it is off" in line for line in records[0].provenance.evidence)


async def test_observe_says_what_it_would_do_keeps_a_tally_and_moves_nothing(stage: Stage) -> None:
    async with guarded(stage, declared=catalog(NAMES, mode="observe")) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 800)
        standing = await replica.control.standing()
        (event,) = standing.notes.tally.events
        assert (event.node, event.would, event.moved) == (W1, NAMES, ())
        assert event.ended(standing.now) == "right"


async def test_a_service_that_has_not_opted_in_stays(stage: Stage) -> None:
    async with guarded(stage, declared=catalog(NAMES, own="none")) as world:
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 200)
        assert world.replicas[0].gates("sonarr") == ["opt-in"]


async def test_a_pull_request_that_a_person_has_to_merge_is_opened_once_and_nothing_more(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",), declared=catalog(("sonarr",), "policy: pull_request")) as world:
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 250)
        (pull,) = stage.github("GET", "/pulls")
        assert "Failover-Trigger: automatic" in pull["body"]
        assert world.replicas[0].gates("sonarr") == ["policy"]


async def test_those_that_come_after_others_follow_in_a_wave_of_their_own(stage: Stage) -> None:
    services, top = catalog(NAMES)
    lines = services.replace("  radarr:\n", "  radarr:\n    after: [sonarr]\n")
    async with guarded(stage, declared=(lines, top)) as world:
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        (first,) = world.commits
        assert [record.service for record in first] == ["sonarr"]
        (replica,) = world.replicas
        for _ in range(30):
            await world.pass_(5, step_s=5)
            await replica.failover.go_on(first[0].operation)
            if len(world.commits) > 1:
                break
        later = world.commits[0]
        assert [record.service for record in later] == ["radarr"]
        assert later[0].provenance.trigger == "automatic"
        await world.pass_(60, step_s=5)
        assert len(world.commits) == 2


# Not dead


async def test_a_node_that_is_rebooted_in_time_moves_nothing(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 80)
        world.cluster.revive(W1)
        await nothing_moves(world, 300)
        standing = await world.replicas[0].control.standing()
        assert [event.ended(standing.now) for event in standing.notes.tally.events] == ["came-back-first"]


@pytest.mark.long
async def test_fifty_flaps_of_half_a_minute_move_nothing(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        for _ in range(50):
            world.cluster.cut(W1)
            await nothing_moves(world, 30, step_s=10)
            world.cluster.revive(W1)
            await nothing_moves(world, 30, step_s=10)
        assert world.replicas[0].state(W1) == "flapping"
        world.cluster.kill(W1)
        await nothing_moves(world, 200)
        assert "flapping" in world.replicas[0].gates("sonarr")


async def test_a_node_that_comes_and_goes_is_left_alone(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        for _ in range(4):
            world.cluster.cut(W1)
            await nothing_moves(world, 40, step_s=10)
            world.cluster.revive(W1)
            await nothing_moves(world, 30, step_s=10)
        assert world.replicas[0].state(W1) == "flapping"
        world.cluster.kill(W1)
        await nothing_moves(world, 200, step_s=10)
        assert "flapping" in world.replicas[0].gates("sonarr")


async def test_a_cordoned_node_that_dies_is_held(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        world.cluster.cordon(W1)
        await nothing_moves(world, 30)
        world.cluster.kill(W1)
        await nothing_moves(world, 250)
        assert "planned" in world.replicas[0].gates("sonarr")


async def test_a_broken_app_on_a_well_node_moves_nothing(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        await watching(world)
        for pod in world.cluster.pods("media/sonarr"):
            world.cluster.delete("Pod", f"media/{pod['metadata']['name']}", force=True)
        world.cluster.trouble(W1)
        await nothing_moves(world, 250)
        assert world.replicas[0].state(W1) == "unwell"


# Not seen, or too much at once


async def test_an_api_server_that_is_away_for_ten_minutes_moves_nothing(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.api.faults.add(ApiFault("status", status=500))
        await nothing_moves(world, 600, step_s=10)
        assert not replica.control.leader.leads
        world.cluster.api.faults.clear()
        await nothing_moves(world, 300)
        assert replica.view == "watching"


async def test_three_of_four_nodes_gone_is_a_storm_and_moves_nothing(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",), nodes=FOUR) as world:
        await watching(world)
        for node in (W1, W2, "k3s-w3"):
            world.cluster.kill(node)
        await nothing_moves(world, 300)
        assert world.replicas[0].view == "storm"
        assert "storm" in world.replicas[0].gates("sonarr")


async def test_a_target_that_is_down_too_is_no_target(stage: Stage) -> None:
    five = (*FOUR, NodeSpec("k3s-w4"), NodeSpec("k3s-w5"))
    async with guarded(stage, ("sonarr",), nodes=five) as world:
        await watching(world)
        world.cluster.kill(W2)
        world.cluster.kill(W1)
        await nothing_moves(world, 250)
        assert "target" in world.replicas[0].gates("sonarr")


# People


async def test_a_pause_holds_and_its_end_lets_go(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",), replicas=2) as world:
        await watching(world)
        follower = next(replica for replica in world.replicas if not replica.control.leader.leads)
        leader = next(replica for replica in world.replicas if replica.control.leader.leads)
        pause = await follower.control.pause(by="ops", reason="new kernel", until=None, services=())
        world.cluster.kill(W1)
        await nothing_moves(world, 200)
        assert leader.gates("sonarr") == ["paused"]
        told = await follower.control.standing()
        assert told.leader == leader.control.leader.name
        assert told.report is not None
        assert [hold.gate for line in told.report.pending for hold in line.holds] == ["paused"]
        await follower.control.resume(pause.id)
        await moved_after(world, 30)
        assert len(world.commits) == 1


async def test_a_pause_right_before_the_write_still_counts(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",), replicas=2) as world:
        await watching(world)
        leader = next(replica for replica in world.replicas if replica.control.leader.leads)

        async def paused(**_: float) -> object:
            listed = await leader.kubernetes.list_nodes(timeout_s=2)
            await leader.control.pause(by="ops", reason="stop", until=None, services=())
            return listed

        leader.cluster.list_nodes = paused  # type: ignore[attr-defined]  # a double has it
        world.cluster.kill(W1)
        await nothing_moves(world, 200)


async def test_what_was_moved_by_itself_stays_for_the_block_period_unless_somebody_has_seen_to_it(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await moved_after(world)
        world.cluster.revive(W1)
        replica.guard._git_clock = replica.cluster.clock  # the Git host's stays in real time, where W1 is not well yet
        await world.pass_(400, step_s=10)
        world.cluster.kill(W2)
        await world.pass_(250, step_s=5)
        assert len(world.commits) == 1
        assert "blocked" in replica.gates("sonarr")
        assert [line.service for line in (replica.guard.report.blocked if replica.guard.report else ())] == ["sonarr"]
        await replica.control.acknowledge(by="ops", service="sonarr")
        await world.pass_(30, step_s=5)
        assert len(world.commits) == 2


async def test_a_person_who_was_faster_is_not_overruled(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 60)
        await replica.failover.move("sonarr", Action.PROMOTE, MoveRequest("ops"))
        await world.pass_(200, step_s=5)
        assert len(world.commits) == 1
        assert {record.provenance.by for record in world.commits[0]} == {"ops"}


# Replicas


@pytest.mark.parametrize("dies_after_s", [60, 108])
async def test_when_the_leader_dies_there_is_exactly_one_commit(stage: Stage, dies_after_s: float) -> None:
    await leader_dies(stage, dies_after_s)


@pytest.mark.long
@pytest.mark.parametrize("dies_after_s", [5, 30, 90, 100, *range(104, 116)])
async def test_whenever_the_leader_dies_there_is_exactly_one_commit(stage: Stage, dies_after_s: float) -> None:
    await leader_dies(stage, dies_after_s)


async def leader_dies(stage: Stage, dies_after_s: float) -> None:
    async with guarded(stage, replicas=2) as world:
        await watching(world)
        leader = next(replica for replica in world.replicas if replica.control.leader.leads)
        heir = next(replica for replica in world.replicas if replica is not leader)
        world.cluster.kill(W1)
        began = world.cluster.clock.elapsed
        await world.pass_(dies_after_s)
        leader.is_dead = True
        await world.pass_(20, step_s=1)
        assert heir.control.leader.leads
        await world.pass_(280, step_s=2, until=lambda: bool(world.commits))
        took_s = world.cluster.clock.elapsed - began
        await world.pass_(100, step_s=5)
        assert len(world.commits) == 1
        assert took_s <= 125 + 75


async def test_two_who_both_believe_to_lead_make_one_commit(stage: Stage) -> None:
    async with guarded(stage, replicas=2) as world:
        await watching(world)
        for replica in world.replicas:
            leader = replica.control.leader
            leader.__class__ = Believer
        await world.pass_(100, step_s=5)
        world.cluster.kill(W1)
        await world.pass_(300, step_s=5)
        assert len(world.commits) == 1


async def test_a_git_host_that_is_away_is_told_and_tried_again(stage: Stage) -> None:
    async with guarded(stage, ("sonarr",)) as world:
        (replica,) = world.replicas
        await watching(world)
        world.cluster.kill(W1)
        await nothing_moves(world, 30)
        stage.fault("status", status=503, times=None)
        await nothing_moves(world, 150)
        assert "git-unreachable" in replica.gates("sonarr")
        stage.sandbox.faults.clear()
        await moved_after(world, 90)
        assert len(world.commits) == 1
