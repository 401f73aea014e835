"""What is left for moves is not spent on looking."""

import time

import pytest
import respx

from failover_api.errors import ForgeRateLimited
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.read_budget import ReadBudget, low_priority
from failover_api.forge.http.traffic import Quota
from tests.support.builders import REPO
from tests.support.clock import Clock
from tests.support.fake_github import ROOT, answer

NOW = 1_800_000_000.0


@pytest.mark.parametrize(("remaining", "stops"), [(5000, False), (1001, False), (1000, True), (1, True), (0, True)])
def test_a_fifth_of_the_hour_is_for_moves(remaining: int, stops: bool) -> None:
    budget = ReadBudget()
    budget.observe("acme", Quota("core", 5000, remaining, int(NOW) + 600))
    budget.check("acme", "core", now=NOW)
    with low_priority():
        budget.check("other", "core", now=NOW)
        budget.check("acme", "graphql", now=NOW)
        budget.check("acme", "core", now=NOW + 601)
        if stops:
            with pytest.raises(ForgeRateLimited, match="kept for moves") as error:
                budget.check("acme", "core", now=NOW)
            assert error.value.retry_after_s == pytest.approx(600)
        else:
            budget.check("acme", "core", now=NOW)


def test_a_hundred_points_of_the_minute_are_for_moves() -> None:
    clock = Clock()
    budget = ReadBudget(clock=clock)
    for _ in range(80):
        budget.spend("acme", 5)
    clock.now += 30
    for _ in range(399):
        budget.spend("acme", 1)
    with low_priority():
        budget.check("acme", "core", now=NOW)
        budget.spend("acme", 1)
        with pytest.raises(ForgeRateLimited) as error:
            budget.check("acme", "core", now=NOW)
        assert error.value.retry_after_s == pytest.approx(31)
        budget.check("other", "core", now=NOW)
    budget.check("acme", "core", now=NOW)
    clock.now += 31.5
    with low_priority():
        budget.check("acme", "core", now=NOW)


def test_what_is_kept_is_no_more_than_a_minute() -> None:
    clock = Clock()
    budget = ReadBudget(clock=clock)
    for _ in range(10_000):
        clock.now += 0.5
        budget.spend("acme", 1)
    assert len(budget._points["acme"]) <= 61


async def test_who_looks_waits_while_moves_go_on(client: GitHubClient, api: respx.Router) -> None:
    left = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "900", "x_ratelimit_reset": f"{time.time() + 60:.0f}"}
    api.get(f"{ROOT}/x").mock(return_value=answer(200, {}, **left))
    api.put(f"{ROOT}/x").mock(return_value=answer(200, {}, **left))
    await client.get(REPO, "/x", what="reading")
    with low_priority(), pytest.raises(ForgeRateLimited) as error:
        await client.get(REPO, "/x", what="reading")
    assert error.value.retry_after_s is not None
    assert 0 < error.value.retry_after_s <= 61
    await client.get(REPO, "/x", what="reading")
    await client.write("PUT", REPO, "/x", {}, what="writing")
