"""The taint out-of-service, set after a person's word and an applied move, and taken off when the node is back."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.automatic.fencer import AGAIN_S, Fencer, is_applied
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.cluster.out_of_service import KEY
from failover_api.core.automatic.notes import Fenced
from failover_api.core.planning.state import detect
from failover_api.core.safety.governance import Attestation, Book, PodFact, ServiceFacts, Situation
from failover_api.core.safety.judgement import NodeState, NodeVerdict, ViewState
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.errors import ClusterUnavailable, NotReady
from failover_api.reading.status import Status
from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.core.safety.alerts.situations import CLOCK, NOW, W1, W2, node, service, situation, verdicts
from tests.sandbox.cluster import apps
from tests.support import builders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

US = "system:serviceaccount:operations:failover-api"
OLD_POD = PodFact("app-1", W1, is_ready=False)
GONE = service("sonarr", active=W2, targets=(W1,), pods=(OLD_POD,))


def dead(**changes: Any) -> NodeVerdict:
    return node(W1, NodeState.DEAD, **{"died_at": NOW - 300, "renewed_at": NOW - 340, **changes})


def back(**changes: Any) -> NodeVerdict:
    return node(W1, NodeState.READY, **{"is_alive": True, "renewed_at": NOW, "is_out_of_service": True, **changes})


def attested(of: NodeVerdict) -> Book:
    return Book(attestations=(Attestation("01A", "ops", NOW - 10, "I see it", W1, of.uid, of.renewed_at),))


def seen(w1: NodeVerdict, *services: ServiceFacts, book: Book | None = None) -> Situation:
    """k3s-w1 as it is, attested to be off unless there is another book."""
    said = attested(w1) if book is None else book
    nodes = (w1, node(W2, NodeState.READY))
    return situation(*(services or (GONE,)), verdicts=verdicts(ViewState.WATCHING, *nodes), book=said)


class Lab:
    """A fence and notes that remember. `unguarded` is why it must not be used; `trouble` is raised by every write."""

    def __init__(self) -> None:
        self.clock = CLOCK
        self.calls: list[tuple[str, str]] = []
        self.unguarded = ""
        self.trouble: dict[str, Exception] = {}
        self.fencer = Fencer(self, self, monotonic=lambda: self.clock)

    async def _call(self, name: str, node: str) -> None:
        if name in self.trouble:
            raise self.trouble[name]
        self.calls.append((name, node))

    async def why_unguarded(self, node: str) -> str:
        await self._call("probe", node)
        return self.unguarded

    async def set(self, node: str, uid: str) -> bool:
        await self._call("set", node)
        return True

    async def clear(self, node: str, uid: str) -> bool:
        await self._call("clear", node)
        return True

    async def note_fenced(self, node: str, uid: str) -> None:
        await self._call("note", node)

    async def forget_fenced(self, node: str) -> None:
        await self._call("forget", node)

    async def round(
        self, now: Situation, *fenced: Fenced, services: Any = (), applied: bool | None = True
    ) -> list[tuple[str, str]]:
        """The calls of one round."""
        self.calls.clear()
        self.fencer.round(now, services, fenced, lambda _: applied)
        await self.fencer.aclose()
        return list(self.calls)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


TAINTED = Fenced(W1, f"uid-{W1}", NOW - 60)


async def test_it_is_written_down_before_it_is_set_and_only_once_the_policy_is_proved() -> None:
    lab = Lab()
    assert await lab.round(seen(dead())) == [("probe", W1), ("note", W1), ("set", W1)]
    assert lab.fencer.said == {W1: ""}


async def test_without_the_policy_nothing_is_set_and_it_is_said_why() -> None:
    lab = Lab()
    lab.unguarded = "the policy is not in force"
    assert await lab.round(seen(dead())) == [("probe", W1)]
    assert lab.fencer.said == {W1: "The policy is not in force."}
    assert await lab.round(seen(dead())) == []
    assert lab.fencer.said == {W1: "The policy is not in force."}
    lab.clock += AGAIN_S
    lab.unguarded = ""
    assert lab.names == []
    await lab.round(seen(dead()))
    assert lab.names == ["probe", "note", "set"]


async def test_without_a_person_s_word_nothing_is_done_however_long_it_lasts() -> None:
    lab = Lab()
    for hours in range(100):
        long_dead = dead(died_at=NOW - 3600 * hours)
        assert await lab.round(seen(long_dead, book=Book())) == []
    assert lab.fencer.said == {}


@pytest.mark.parametrize(
    ("services", "applied", "why"),
    [
        ((service("sonarr"),), True, "sonarr is still active on k3s-w1: move it first."),
        ((GONE, service("radarr")), True, "radarr is still active on k3s-w1: move it first."),
        ((GONE,), False, "The move of sonarr is not applied yet."),
        ((GONE,), None, "Whether the move of sonarr is applied is not seen."),
        ((replace(GONE, read_at=CLOCK - 31),), True, "Whether the move of sonarr is applied is not seen."),
        ((replace(GONE, pods=()),), True, "No pod of a service that was moved is on k3s-w1."),
    ],
)
async def test_nothing_is_set_before_the_move_is_applied(services: Any, applied: bool | None, why: str) -> None:
    lab = Lab()
    assert await lab.round(seen(dead(), *services), applied=applied) == []
    assert lab.fencer.said == {W1: why}


async def test_a_service_that_git_was_not_read_for_may_be_there() -> None:
    lab = Lab()
    unread = builders.service(name="radarr")
    assert await lab.round(seen(dead()), services=[unread]) == []
    assert lab.fencer.said == {W1: "Whether radarr was moved off k3s-w1, nobody can tell."}
    named = {"primary_nodes": (W1,), "backup_nodes": (W2,)}
    assert await lab.round(seen(dead()), services=[replace(unread, **named)]) == []
    elsewhere = replace(unread, primary_nodes=("k3s-w7",), backup_nodes=(W2,))
    assert len(await lab.round(seen(dead()), services=[elsewhere])) == 3


async def test_an_attestation_that_no_longer_holds_sets_nothing() -> None:
    lab = Lab()
    renewed = dead(renewed_at=NOW - 5)
    assert await lab.round(seen(renewed, book=attested(dead()))) == []
    assert lab.fencer.said == {}


async def test_it_is_taken_off_when_the_node_is_ready_again_and_not_before() -> None:
    lab = Lab()
    gone = dead(is_out_of_service=True)
    assert await lab.round(seen(gone), TAINTED) == []
    assert lab.fencer.said == {W1: ""}
    assert await lab.round(seen(back(), book=Book()), TAINTED) == [("clear", W1), ("forget", W1)]


async def test_a_taint_that_somebody_else_has_set_stays() -> None:
    assert await Lab().round(seen(back(), book=Book())) == []


async def test_of_a_node_that_was_made_anew_nothing_is_left_to_take_off() -> None:
    lab = Lab()
    assert await lab.round(seen(back(), book=Book()), replace(TAINTED, uid="uid-of-old")) == [("forget", W1)]
    assert await lab.round(seen(back(is_out_of_service=False), book=Book()), TAINTED) == [("forget", W1)]
    assert await lab.round(seen(dead(), book=Book()), TAINTED) == []


async def test_a_node_that_is_not_seen_is_left_alone() -> None:
    assert await Lab().round(seen(dead(), book=Book()), replace(TAINTED, node="k3s-w9")) == []


@pytest.mark.parametrize(
    ("at", "calls"), [("probe", []), ("note", ["probe"]), ("set", ["probe", "note"])], ids=["probe", "note", "set"]
)
async def test_what_fails_is_said_and_tried_again_later(at: str, calls: list[str]) -> None:
    lab = Lab()
    lab.trouble = {at: NotReady("no answer") if at == "note" else ClusterUnavailable("no answer")}
    await lab.round(seen(dead()))
    assert lab.names == calls
    assert lab.fencer.said == {W1: "No answer."}
    assert await lab.round(seen(dead())) == []
    lab.clock += AGAIN_S
    lab.trouble = {}
    await lab.round(seen(dead()))
    assert lab.names == ["probe", "note", "set"]


async def test_one_at_a_time_is_under_way_for_a_node() -> None:
    lab, waits = Lab(), asyncio.Event()
    probe = lab.why_unguarded

    async def slow(node: str) -> str:
        await waits.wait()
        return await probe(node)

    lab.why_unguarded = slow  # type: ignore[method-assign]  # it answers late
    for _ in range(5):
        lab.fencer.round(seen(dead()), (), (), lambda _: True)
        await asyncio.sleep(0)
    waits.set()
    await lab.fencer.aclose()
    assert lab.names == ["probe", "note", "set"]


async def test_a_defect_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    lab.trouble = {"set": ZeroDivisionError()}
    await lab.round(seen(dead()))
    assert "by a defect" in caplog.text
    lab.clock += AGAIN_S
    lab.trouble = {}
    assert len(await lab.round(seen(dead()))) == 3


# On a simulated cluster, whose garbage collector ends pods under the taint


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = apps.cluster_with_claims()
    made.grant("ours", US, Rule(("list", "watch", "get"), ("*",), ("*",)), Rule(("patch",), ("nodes",), names=(W1,)))
    made.guard_nodes(US)
    apps.apply(made, apps.deployment(strategy=apps.RECREATE))
    made.wait_for(lambda: made.ready_pod(apps.APP), 30)
    made.kill(W1)
    made.advance(70)
    return made


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Kubernetes]:
    kubernetes = Kubernetes("x", lambda: Access("x", Endpoint(url), Login(token="ours")), timeout_s=10.0)
    try:
        yield kubernetes
    finally:
        await kubernetes.aclose()


APP = builders.service(
    builders.switch("spec.template.spec.nodeSelector.role", "primary", "backup", kind="Deployment", file="app.yaml"),
    name="app",
)


def in_git(side: str) -> Status:
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app, namespace: media}}
spec: {{template: {{spec: {{nodeSelector: {{role: {side}}}}}}}}}
"""
    return Status(APP, detect(APP, builders.manifests({"app.yaml": text.encode()})), "1")


async def look(kubernetes: Kubernetes) -> ClusterLook:
    return ClusterLook(await kubernetes.look(frozenset({"media"})), NOW, True, CLOCK)


def taints(cluster: SimulatedCluster) -> list[str]:
    found = cluster.get("Node", W1)
    assert found is not None
    return [each["key"] for each in found["spec"].get("taints", [])]


async def test_a_blocked_app_starts_elsewhere_once_the_move_is_applied_and_not_before(
    cluster: SimulatedCluster,
) -> None:
    lab = Lab()
    uid = str((cluster.get("Node", W1) or {})["metadata"]["uid"])
    w1, promoted = dead(uid=uid), in_git("backup")
    facts = replace(GONE, name="app")
    with cluster.serve() as url:
        async with opened(url) as kubernetes:
            fencer = Fencer(kubernetes.node_fence(timeout_s=10), lab, monotonic=lambda: lab.clock)

            async def act(now: NodeVerdict, *fenced: Fenced) -> None:
                applied = is_applied(promoted, await look(kubernetes))
                book = attested(now) if now.died_at else Book()
                fencer.round(seen(now, facts, book=book), (), fenced, lambda _: applied)
                await fencer.aclose()

            await act(w1)  # committed, and not applied yet
            assert KEY not in taints(cluster)
            assert fencer.said == {W1: "The move of app is not applied yet."}
            apps.apply(cluster, apps.deployment("backup", strategy=apps.RECREATE))
            cluster.advance(60)
            assert cluster.ready_pod(apps.APP) is None
            await act(w1)
            assert KEY in taints(cluster)
            assert cluster.wait_for(lambda: cluster.ready_pod(apps.APP, W2), 40) < 30
            await act(replace(w1, is_out_of_service=True), Fenced(W1, uid, NOW))
            assert KEY in taints(cluster)
            cluster.revive(W1)
            cluster.advance(20)
            await act(back(uid=uid), Fenced(W1, uid, NOW))
            assert KEY not in taints(cluster)


async def test_what_is_applied_is_seen_in_the_live_objects(cluster: SimulatedCluster) -> None:
    with cluster.serve() as url:
        async with opened(url) as kubernetes:
            before = await look(kubernetes)
            assert is_applied(in_git("primary"), before) is True
            assert is_applied(in_git("backup"), before) is False
            assert is_applied(None, before) is None
            cluster.delete("Deployment", apps.APP)
            cluster.advance(5)
            assert is_applied(in_git("backup"), await look(kubernetes)) is None
