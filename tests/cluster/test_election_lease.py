"""The Lease that is written, on a simulated API server that refuses as a real one does."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.election_lease import ElectionLease, micro_time
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.core.automatic.election import LeaseRecord
from failover_api.errors import (
    ClusterForbidden,
    ClusterRejected,
    ClusterUnavailable,
    ObjectChanged,
    ObjectMissing,
)
from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NAME = "failover-api-guard"
PLACE = f"operations/{NAME}"
LEASES = ("coordination.k8s.io",)
RULES = (
    Rule(("create",), ("leases",), LEASES, namespace="operations"),
    Rule(("get", "update"), ("leases",), LEASES, namespace="operations", names=(NAME,)),
)
MINE = LeaseRecord("pod-a_1_ff", 8, 1_795_996_800.0, 1_795_996_800.25, 2, {"failover-api/pauses": "[]"})


@pytest.fixture
def cluster() -> SimulatedCluster:
    made = SimulatedCluster()
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operations"}})
    made.grant("ours", "system:serviceaccount:operations:failover-api", *RULES)
    made.grant("nobody", "system:serviceaccount:operations:other")
    return made


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


@contextlib.asynccontextmanager
async def opened(
    url: str, account: str = "ours", *, namespace: str | None = None, at: str = "operations"
) -> AsyncIterator[ElectionLease]:
    access = Access("a simulated cluster", Endpoint(url), Login(token=account), namespace=at)
    kubernetes = Kubernetes("x", lambda: access, timeout_s=5)
    try:
        yield kubernetes.lease(NAME, namespace, timeout_s=5)
    finally:
        await kubernetes.aclose()


def stored(cluster: SimulatedCluster) -> dict[str, Any]:
    found = cluster.get("Lease", PLACE)
    assert found is not None
    return found


async def test_one_that_is_not_there_is_told_and_made(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url) as lease:
        assert await lease.read() is None
        made = await lease.create(MINE)
        assert replace(made, version="") == MINE
        assert await lease.read() == made
    assert stored(cluster)["spec"] == {
        "holderIdentity": "pod-a_1_ff",
        "leaseDurationSeconds": 8,
        "leaseTransitions": 2,
        "acquireTime": "2026-11-30T00:00:00.000000Z",
        "renewTime": "2026-11-30T00:00:00.250000Z",
    }


async def test_it_is_in_our_own_namespace_unless_another_is_named(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url, namespace="operations", at="default") as lease:
        await lease.create(MINE)
    assert cluster.get("Lease", PLACE) is not None
    assert cluster.get("Lease", f"default/{NAME}") is None


async def test_of_two_who_make_it_only_one_does(url: str) -> None:
    async with opened(url) as lease:
        await lease.create(MINE)
        with pytest.raises(ObjectChanged, match="already exists"):
            await lease.create(replace(MINE, holder="other"))
        found = await lease.read()
    assert found is not None
    assert found.holder == "pod-a_1_ff"


async def test_of_two_who_replace_it_only_one_does(url: str) -> None:
    async with opened(url) as lease:
        first = await lease.create(MINE)
        second = await lease.replace(replace(first, holder="b", renewed_at=1_795_996_801.0))
        assert (second.holder, second.version != first.version) == ("b", True)
        with pytest.raises(ObjectChanged, match="has been modified"):
            await lease.replace(replace(first, holder="c"))
        assert await lease.read() == second


async def test_what_others_wrote_in_it_stays(cluster: SimulatedCluster, url: str) -> None:
    def by_hand(new: dict[str, Any]) -> None:
        new["metadata"]["labels"] = {"team": "home"}
        new["metadata"]["annotations"]["example.org/note"] = "keep me: ä"
        new["spec"]["preferredHolder"] = "pod-b"

    async with opened(url) as lease:
        await lease.create(MINE)
        cluster.modify("Lease", PLACE, by_hand)
        found = await lease.read()
        assert found is not None
        assert found.annotations == {"failover-api/pauses": "[]", "example.org/note": "keep me: ä"}
        await lease.replace(replace(found, holder="b", annotations={**found.annotations, "failover-api/pauses": "[1]"}))
    left = stored(cluster)
    assert left["metadata"]["labels"] == {"team": "home"}
    assert left["metadata"]["annotations"] == {"failover-api/pauses": "[1]", "example.org/note": "keep me: ä"}
    assert (left["spec"]["preferredHolder"], left["spec"]["holderIdentity"]) == ("pod-b", "b")


async def test_a_put_that_changes_nothing_keeps_the_version(url: str) -> None:
    async with opened(url) as lease:
        first = await lease.create(MINE)
        assert (await lease.replace(first)).version == first.version


async def test_one_that_is_gone_is_told_as_missing(cluster: SimulatedCluster, url: str) -> None:
    async with opened(url) as lease:
        first = await lease.create(MINE)
        cluster.delete("Lease", PLACE)
        with pytest.raises(ObjectMissing, match="not found"):
            await lease.replace(first)
        assert await lease.read() is None


async def test_a_put_without_a_version_is_refused_and_no_conflict(url: str) -> None:
    async with opened(url) as lease:
        await lease.create(MINE)
        with pytest.raises(ClusterRejected, match="must be specified for an update"):
            await lease.replace(MINE)


async def test_a_namespace_that_is_not_there_is_named(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("wide", "me", Rule(("create",), ("leases",), LEASES))
    async with opened(url, "wide", namespace="nowhere") as lease:
        with pytest.raises(ObjectMissing, match='namespaces "nowhere" not found'):
            await lease.create(MINE)


async def test_whoever_may_not_is_told_so(url: str) -> None:
    async with opened(url, "nobody") as lease:
        with pytest.raises(ClusterForbidden, match="cannot get resource"):
            await lease.read()


async def test_a_409_of_an_admission_is_not_taken_for_a_lost_race(cluster: SimulatedCluster, url: str) -> None:
    cluster.api.faults.add(ApiFault("status", resources=("leases",), status=409))
    async with opened(url) as lease:
        with pytest.raises(ClusterUnavailable):
            await lease.read()


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (1_795_996_800.5, "2026-11-30T00:00:00.500000Z"),
        (1_795_996_800.0000004, "2026-11-30T00:00:00.000000Z"),
    ],
)
def test_times_have_six_fraction_digits(at: float, text: str) -> None:
    assert micro_time(at) == text


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ClusterUnavailable, match="no time that a Lease can hold"):
        micro_time(float("inf"))
