"""Whoever may look cannot use up what moves need."""

import asyncio
import time

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.edges.http.shared_looks import AT_ONCE, Looks
from failover_api.edges.http.throttle import MAX_CALLERS, Throttle
from failover_api.errors import TooManyRequests
from failover_api.events import BranchMoved
from tests.support.clock import Clock
from tests.support.stage import SONARR, Stage


def taken(throttle: Throttle, caller: str, most: int) -> int:
    for count in range(most):
        try:
            throttle.take(caller)
        except TooManyRequests as exc:
            assert exc.retry_after_s == pytest.approx(0.2)  # noqa: PT017 - how long is the point
            return count
    return most


def test_thirty_at_once_and_then_five_a_second() -> None:
    clock = Clock()
    throttle = Throttle(clock=clock)
    assert taken(throttle, "ops", 100) == 30
    assert taken(throttle, "other", 100) == 30
    clock.now += 1
    assert taken(throttle, "ops", 100) == 5
    clock.now += 60
    assert taken(throttle, "ops", 100) == 30


def test_callers_are_bounded() -> None:
    throttle = Throttle()
    for number in range(3 * MAX_CALLERS):
        throttle.take(str(number))
    assert len(throttle._full_at) == MAX_CALLERS


async def test_looks_at_once_are_one_and_more_than_a_few_are_one_a_second() -> None:
    clock, asked = Clock(), 0
    looks = Looks(clock=clock)

    async def look() -> int:
        nonlocal asked
        asked += 1
        number = asked
        await asyncio.sleep(0)
        return number

    assert await asyncio.gather(*(looks.share("sonarr", look) for _ in range(5))) == [1] * 5
    seen = [await looks.share("sonarr", look) for _ in range(AT_ONCE + 3)]
    assert seen == [*range(2, AT_ONCE + 1), *[AT_ONCE] * 4]
    assert await looks.share("radarr", look) == AT_ONCE + 1
    clock.now += 0.9
    assert await looks.share("sonarr", look) == AT_ONCE
    clock.now += 0.1
    assert [await looks.share("sonarr", look) for _ in range(2)] == [AT_ONCE + 2] * 2
    looks.branch_moved(BranchMoved(Branch("acme/homelab", "main")))
    assert await looks.share("sonarr", look) == AT_ONCE + 3


async def test_nobody_joins_a_look_that_hangs() -> None:
    clock, never = Clock(), asyncio.Event()
    looks = Looks(clock=clock)
    hanging = asyncio.ensure_future(looks.share("sonarr", never.wait))
    await asyncio.sleep(0)
    clock.now += 1

    async def answer() -> int:
        return 1

    assert await looks.share("sonarr", answer) == 1
    hanging.cancel()


async def test_looks_after_each_other_ask_github_a_few_times(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/sonarr")
        stage.requests.clear()
        for _ in range(AT_ONCE):
            assert (await client.get("/api/failover/sonarr")).is_success
        first = len(stage.requests)
        stage.requests.clear()
        started = time.monotonic()
        for _ in range(15):
            assert (await client.get("/api/failover/sonarr")).is_success
    a_look = first / AT_ONCE
    assert len(stage.requests) <= (time.monotonic() - started + 2) * a_look


async def test_a_refusal_is_not_kept() -> None:
    looks = Looks(clock=Clock())

    async def refuse() -> None:
        raise TooManyRequests("x")

    async def answer() -> int:
        return 1

    with pytest.raises(TooManyRequests):
        await looks.share("sonarr", refuse)
    assert await looks.share("sonarr", answer) == 1


async def test_who_leaves_ends_nothing_for_the_others() -> None:
    looks, go = Looks(), asyncio.Event()

    async def look() -> int:
        await go.wait()
        return 1

    first = asyncio.ensure_future(looks.share("sonarr", look))
    second = asyncio.ensure_future(looks.share("sonarr", look))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == 1


async def test_a_caller_who_looks_too_often_is_told_so_and_moves_all_the_same(stage: Stage) -> None:
    async with stage.client() as client:
        answers = [await client.get("/api/failover/sonarr/promote?dry-run=true") for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 10 <= len(refused) <= 30
        assert refused[0].json()["type"] == "urn:failover-api:problem:too-many-requests"
        assert int(refused[0].headers["retry-after"]) >= 1
        moved = await client.post("/api/failover/sonarr/promote")
    assert moved.status_code == 200
    assert moved.json()["changed"] is True


async def test_forty_status_calls_are_few_requests(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/sonarr")
        stage.requests.clear()
        await asyncio.gather(*(client.get("/api/failover/sonarr") for _ in range(25)))
    assert len(stage.requests) <= 4


async def test_a_move_of_ours_is_seen_at_once(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/failover/sonarr")).json()["side"] == "primary"
        await client.post("/api/failover/sonarr/promote")
        assert (await client.get("/api/failover/sonarr")).json()["side"] == "backup"
        listed = (await client.get("/api/failover")).json()["services"]
    assert {one["service"]: one["side"] for one in listed}["sonarr"] == "backup"
    assert b"role: backup" in (stage.read(SONARR) or b"")


async def test_looking_stops_before_moves_do(stage: Stage) -> None:
    limits = stage.sandbox.limits
    limits.requests_per_hour = 5000
    async with stage.client() as client:
        assert (await client.get("/api/failover/sonarr")).status_code == 200
        for window in limits._windows.values():
            window.used = 4200
        await client.get("/api/failover/radarr")  # is told by GitHub how much is left
        refused = await client.get("/api/failover/plex")
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:failover-api:problem:github-rate-limited"
        assert int(refused.headers["retry-after"]) > 60
        assert (await client.post("/api/failover/sonarr/promote")).json()["changed"] is True
