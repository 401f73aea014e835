"""What `serve` watches by itself: who serves, who is blocked, whether the app answers; told, counted and shown."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.app import create_app
from failover_api.errors import ForgeUnavailable
from failover_api.events import Blocked, Serving
from failover_api.watching.readiness import Readiness
from failover_api.watching.rollouts import RolloutWatch
from failover_api.watching.verifier import Verifier
from failover_api.wiring import Components
from tests.support.clock import LIMIT_S, eventually
from tests.support.homelab_cluster import HomelabCluster, at, homelab_cluster
from tests.support.shell import answering
from tests.support.stage import SERVICES, SONARR, Stage, entry


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


class Watched:
    """A watch on a real service, which looks when it is told to."""

    def __init__(self, components: Components, *, settle_s: float = 0) -> None:
        self.components, self.events = components, components.events
        self.serving: list[Serving] = []
        self.blocked: list[Blocked] = []
        self.verifier = Verifier(components.clock.now)
        components.failover.clusters.verified = self.verifier.found
        names = frozenset(components.catalog.current().services)
        self.watch = RolloutWatch(
            components.failover, self.events, self.verifier, want=lambda: None, names=lambda: names, settle_s=settle_s
        )
        from failover_api.events import Looked, Merged, MoveEnded

        self.events.subscribe(Looked, self.watch.looked)
        self.events.subscribe(MoveEnded, self.watch.move_ended)
        self.events.subscribe(Merged, self.watch.merged)
        self.events.subscribe(Serving, self.serving.append)
        self.events.subscribe(Blocked, self.blocked.append)

    async def promote(self) -> Any:
        outcome = await self.components.failover.move("sonarr", Action.PROMOTE, MoveRequest("ops-laptop"))
        await self.watch.look()
        return outcome

    async def until(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            await self.watch.look()
            if claim():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(self.watch.stages())


@contextlib.asynccontextmanager
async def watched(stage: Stage, cluster: HomelabCluster, **how: Any) -> AsyncIterator[Watched]:
    async with stage.open(cluster=str(cluster.kubeconfig)) as components:
        made = Watched(components, **how)
        await components.failover.list_all()
        await made.watch.look()
        yield made
        await made.verifier.aclose()


# Serving and blocked


async def test_a_move_that_serves_is_told_once(stage: Stage, cluster: HomelabCluster) -> None:
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        assert not of.serving
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: bool(of.serving))
        for _ in range(3):
            await of.watch.look()
        (event,) = of.serving
    assert (event.service.name, event.record.operation, event.node) == ("sonarr", outcome.operation, "k3s-w2")
    assert event.is_own
    assert event.took_s is not None
    assert 0 <= event.took_s < 60
    assert not of.blocked


async def test_a_service_that_served_before_is_not_told(stage: Stage, cluster: HomelabCluster) -> None:
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: bool(of.serving))
    async with watched(stage, cluster) as after:
        await after.watch.look()
        assert after.watch.stages() == {"sonarr": "serving"}
        assert not after.serving


async def test_another_replica_sees_it_and_leaves_the_telling_to_the_first(
    stage: Stage, cluster: HomelabCluster
) -> None:
    async with watched(stage, cluster) as one, watched(stage, cluster) as other:
        outcome = await one.promote()
        await other.components.failover.list_all()
        await other.watch.look()
        cluster.applied("backup", outcome.commit.sha)
        await other.until(lambda: bool(other.serving))
        assert [event.is_own for event in other.serving] == [False]


async def test_how_long_it_took_is_told_by_one_clock(stage: Stage, cluster: HomelabCluster) -> None:
    """The cluster's is ahead of the one that dates commits."""
    cluster.server.ahead_s = 25.0
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        cluster.times = at(-25)
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: bool(of.serving))
        (event,) = of.serving
    assert event.took_s is not None
    assert 0 <= event.took_s < 15


async def test_what_is_not_seen_any_more_has_no_stage(
    stage: Stage, cluster: HomelabCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: object) -> None:
        return None

    async with watched(stage, cluster) as of:
        await of.until(lambda: bool(of.watch.stages()))
        monkeypatch.setattr(of.components.failover.clusters, "look", nothing)
        await of.watch.look()
        assert (of.watch.stages(), of.watch.replications()) == ({}, {})


async def test_what_blocks_a_move_is_told_once_when_it_lasts(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    async with watched(stage, cluster, settle_s=0.3) as of:
        outcome = await of.promote()
        cluster.node("k3s-w1", ready="Unknown")
        cluster.pod("primary", is_ready=False, deleted_ago_s=60)
        cluster.applied("backup", outcome.commit.sha, pod="none", terminating=1)
        await of.watch.look()
        assert not of.blocked
        await asyncio.sleep(0.4)
        await of.until(lambda: bool(of.blocked))
        await of.watch.look()
        (event,) = of.blocked
        assert event.is_own
        assert event.reason.startswith("The old pod sonarr-primary-x is on k3s-w1")
        cluster.no_pod("primary")  # the node is back, hours later
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: bool(of.serving))


UNBLOCKED = entry("sonarr", "media", "unblock: rolling")


async def test_the_strategy_is_put_back_once_the_app_serves(stage: Stage, cluster: HomelabCluster) -> None:
    text = (stage.read(SONARR) or b"").decode().replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}")
    stage.commit({SONARR: text})
    stage.declare(UNBLOCKED)
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        assert b"RollingUpdate" in (stage.read(SONARR) or b"")
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: b"RollingUpdate" not in (stage.read(SONARR) or b""))
        await of.watch.aclose()
    assert b"strategy: {type: Recreate}" in (stage.read(SONARR) or b"")
    assert len(stage.moves) == 2
    assert len(of.serving) == 1


async def test_a_strategy_that_could_not_be_put_back_is_tried_again(
    stage: Stage, cluster: HomelabCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.watching.rollouts.TIDY_AGAIN_S", 0.05)
    text = (stage.read(SONARR) or b"").decode().replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}")
    stage.commit({SONARR: text})
    stage.declare(UNBLOCKED)
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        failover, real, failures = of.components.failover, of.components.failover.tidy, []

        async def tidy(name: str, operation: str | None = None) -> Any:
            if len(failures) < 3:  # two faults of GitHub, and a defect of ours
                failures.append(operation)
                raise ForgeUnavailable("GitHub does not answer") if len(failures) < 3 else RuntimeError("a defect")
            return await real(name, operation)

        monkeypatch.setattr(failover, "tidy", tidy)
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: b"RollingUpdate" not in (stage.read(SONARR) or b""))
        await of.watch.look()
        await of.watch.aclose()
    assert failures == [outcome.operation] * 3
    assert b"strategy: {type: Recreate}" in (stage.read(SONARR) or b"")
    assert len(of.serving) == 1


async def test_it_is_left_to_a_later_move_when_one_follows(
    stage: Stage, cluster: HomelabCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.watching.rollouts.TIDY_AGAIN_S", 0.0)
    text = (stage.read(SONARR) or b"").decode().replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}")
    stage.commit({SONARR: text})
    stage.declare(UNBLOCKED)
    async with watched(stage, cluster) as of:
        outcome, asked = await of.promote(), []

        async def tidy(name: str, operation: str | None = None) -> Any:
            asked.append(operation)
            raise ForgeUnavailable("GitHub does not answer")

        monkeypatch.setattr(of.components.failover, "tidy", tidy)
        cluster.applied("backup", outcome.commit.sha)
        await of.until(lambda: len(asked) > 1)
        await of.components.failover.move("sonarr", Action.DEMOTE, MoveRequest("ops-laptop"))
        await of.components.failover.status("sonarr")
        await of.watch.look()
        count = len(asked)
        for _ in range(5):
            await of.watch.look()
        await of.watch.aclose()
    assert len(asked) == count


# What is not the move's own


async def test_a_pod_from_before_the_move_is_not_told_as_serving(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.times = "2020-01-01T00:00:00Z"
    before = stage.sandbox.head(repository=stage.repository)
    async with watched(stage, cluster) as of:
        cluster.applied("backup", before)
        outcome = await of.promote()
        await of.until(lambda: of.watch.stages() == {"sonarr": "serving"})
        for _ in range(3):
            await of.watch.look()
        assert not of.serving
        cluster.flux(outcome.commit.sha)
        await of.until(lambda: bool(of.serving))


async def test_a_move_that_was_undone_by_hand_is_followed_no_longer(stage: Stage, cluster: HomelabCluster) -> None:
    async with watched(stage, cluster) as of:
        outcome = await of.promote()
        stage.replace(SONARR, "role: backup", "role: primary")
        await of.components.failover.status("sonarr")
        cluster.applied("backup", outcome.commit.sha)
        for _ in range(5):
            await of.watch.look()
            await asyncio.sleep(0.1)
    assert not of.serving
    assert not of.blocked


# verify


def with_verify(url: str, within: str = "2m") -> str:
    return entry("sonarr", "media", f"verify: {{url: '{url}', within: {within}}}")


async def test_an_app_has_to_answer_before_it_serves(stage: Stage, cluster: HomelabCluster) -> None:
    with answering(503, b"starting") as url:
        stage.declare(with_verify(url))
        async with watched(stage, cluster) as of:
            status = await of.components.failover.status("sonarr")
            assert status.cluster is not None
            assert status.cluster.stage == "rolling-out"
            assert status.cluster.reason.endswith("asked whether it answers: it answered 503, expected 200.")
            assert (await of.components.failover.rollout("sonarr")).stage == "rolling-out"


async def test_one_that_answers_serves(stage: Stage, cluster: HomelabCluster) -> None:
    with answering(200, b"x" * 100_000) as url:
        stage.declare(with_verify(url))
        async with watched(stage, cluster) as of:
            outcome = await of.promote()
            cluster.applied("backup", outcome.commit.sha)
            await of.until(lambda: bool(of.serving))
            rollout = await of.components.failover.rollout("sonarr")
    assert [(step.name, step.at is not None) for step in rollout.steps][-1] == ("verified", True)
    assert rollout.done


async def test_one_that_never_answers_is_blocked_in_the_end(stage: Stage, cluster: HomelabCluster) -> None:
    stage.declare(with_verify("http://127.0.0.1:1/", within="1s"))
    async with watched(stage, cluster) as of:
        await asyncio.sleep(1.5)
        cluster.pod("backup")  # something changed: it is looked at anew
        status = await of.components.failover.status("sonarr")
    assert status.cluster is not None
    assert (status.cluster.stage, status.cluster.cure) == (
        "blocked",
        "Look at the app's log, or correct `verify` in the catalog.",
    )


async def test_a_redirect_is_an_answer_and_is_not_followed(stage: Stage, cluster: HomelabCluster) -> None:
    with answering(302, b"") as url:
        stage.declare(with_verify(url))
        async with watched(stage, cluster) as of:
            found = of.verifier.found("sonarr")
    assert found is not None
    assert found.answer == "it answered 302, expected 200"


async def test_the_command_line_asks_no_app(stage: Stage, cluster: HomelabCluster) -> None:
    stage.declare(with_verify("http://127.0.0.1:1/"))
    async with stage.open(cluster=str(cluster.kubeconfig)) as components:
        status = await components.failover.status("sonarr")
    assert status.cluster is not None
    assert status.cluster.stage == "serving"


# Readiness


async def test_what_could_move_is_looked_at_both_ways(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary   # which node", "role: *which")  # an alias on the way: it cannot be moved
    async with stage.open() as components:
        readiness = Readiness(components.failover)
        await readiness.look()
    assert readiness.ready == {
        ("sonarr", "primary"): False,
        ("sonarr", "backup"): False,
        ("radarr", "primary"): True,
        ("radarr", "backup"): True,
        ("plex", "primary"): True,
        ("plex", "backup"): True,
    }
    assert not stage.writes


async def test_what_is_on_neither_side_could_not_move_without_force(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.open() as components:
        readiness = Readiness(components.failover)
        await readiness.look()
    assert {side: could for (name, side), could in readiness.ready.items() if name == "sonarr"} == {
        "primary": False,
        "backup": False,
    }


async def test_a_node_that_is_lost_is_looked_at_long_before_the_hour_is_over(
    stage: Stage, cluster: HomelabCluster
) -> None:
    """Else the board would go on to say how many could move to a node that is dead."""
    async with stage.open(cluster=str(cluster.kubeconfig)) as components:
        assert components.cluster is not None
        components.cluster.watch(lambda: components.catalog.current().namespaces)
        readiness = Readiness(components.failover, first_s=0, apart_s=0.05)
        running = asyncio.create_task(readiness.run())
        try:
            await eventually(lambda: readiness.ready.get(("sonarr", "backup"), False) is True)
            cluster.node("k3s-w2", ready="Unknown")
            await eventually(lambda: readiness.ready["sonarr", "backup"] is False)
            looks = readiness.looks
            await asyncio.sleep(0.3)
            assert readiness.looks == looks, "nothing has changed since"
        finally:
            running.cancel()
    assert readiness.looked_at is not None


# The service


async def test_the_service_counts_and_shows_it(stage: Stage, cluster: HomelabCluster) -> None:
    app = create_app(stage.settings(cluster=str(cluster.kubeconfig)), open_to_all=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://failover.test") as client,
    ):
        outcome = (await client.post("/api/failover/sonarr/promote")).json()
        cluster.applied("backup", outcome["commit"]["sha"])
        await app.state.watches.readiness.look()
        for _ in range(80):
            text = (await client.get("/metrics")).text
            if 'failover_service_stage{service="sonarr",stage="serving"} 1.0' in text and (
                'failover_serving_seconds_count{action="promote"} 1.0' in text
            ):
                break
            await asyncio.sleep(0.25)
        else:
            raise AssertionError([line for line in text.splitlines() if "sonarr" in line or "serving" in line])
    assert 'failover_ready_to_move{service="sonarr",to="primary"} 1.0' in text
    assert 'failover_service_moved_timestamp_seconds{service="sonarr"} ' in text
    assert 'failover_service_stage{service="radarr"' not in text, "it is not in the cluster"


async def test_without_a_cluster_it_shows_no_stage(stage: Stage) -> None:
    stage.declare(SERVICES)
    async with stage.client() as client:
        text = (await client.get("/metrics")).text
    assert "failover_service_stage{" not in text
    assert "failover_ready_to_move{" not in text, "nobody looked yet"
