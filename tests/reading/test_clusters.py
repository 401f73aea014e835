"""The cluster beside Git's statuses: bounded, and never a reason for a status to fail."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from failover_api.cluster.port import Scope
from failover_api.core.safety.observed import Seen, View
from failover_api.host_clock import HostClock
from failover_api.reading.clusters import ClusterReader
from failover_api.reading.status import Status
from tests.support.cluster_views import in_git, sonarr, view


class Cluster:
    """Answers each look as it is told to."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.clock: HostClock | None = None
        self.scopes: list[Scope] = []

    async def look(self, scope: Scope) -> View:
        self.scopes.append(scope)
        found: Any = self.answer()
        if isinstance(found, float):
            await asyncio.sleep(found)
            return View()
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, View)
        return found

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def reader_of(cluster: Any, *, timeout_s: float = 1) -> ClusterReader:
    return ClusterReader(cluster, timeout_s=timeout_s)


def status(**changes: Any) -> Status:
    service = sonarr(**changes)
    return Status(service, in_git(service), version="v")


async def test_without_a_cluster_nothing_is_looked_at() -> None:
    assert await ClusterReader(None, timeout_s=1).look([sonarr()]) is None


async def test_services_of_another_cluster_are_not_looked_for() -> None:
    cluster = Cluster(view)
    assert await reader_of(cluster).look([sonarr(is_elsewhere=True)]) is None
    assert not cluster.scopes


async def test_a_look_that_takes_too_long_is_none() -> None:
    reader = reader_of(Cluster(lambda: 30.0), timeout_s=0.1)
    async with asyncio.timeout(3):
        assert await reader.look([sonarr()]) is None


async def test_what_came_of_no_look_in_time_is_told_with_the_time() -> None:
    """A slow cluster, or a slow machine, is none that nobody looked at."""
    cluster = Cluster(lambda: 30.0)
    cluster.clock = HostClock()
    reader = reader_of(cluster, timeout_s=0.1)
    look = reader.looked([sonarr()], await reader.look([sonarr()]))
    assert look is not None
    assert not look.is_seen
    assert look.view.why_unseen == "nothing came of a look within 0.1 s"


async def test_a_defect_in_a_look_is_logged_and_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    reader = reader_of(Cluster(lambda: RuntimeError("boom")))
    assert await reader.look([sonarr()]) is None
    assert "the cluster could not be looked at" in caplog.text


def test_what_cannot_be_understood_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    nonsense: Any = {("media", "x"): object()}
    reader, broken = reader_of(None), view(pods=Seen(nonsense, 1.0, 1.0))
    with caplog.at_level(logging.ERROR):
        assert [reader.state(status(), broken) for _ in range(3)] == [None] * 3
    assert caplog.text.count("the cluster could not be understood") == 1


def test_what_was_seen_before_is_missed_when_it_is_gone() -> None:
    reader = ClusterReader(None, timeout_s=1)
    gone = view(deployments=[], kustomizations=[])
    assert reader.state(status(), gone) is None
    seen = reader.state(status(), view())
    assert seen is not None
    after = reader.state(status(), gone)
    assert after is not None
    assert (seen.stage, after.stage) == ("serving", "absent")
