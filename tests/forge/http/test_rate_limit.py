"""Writes keep a pace: no window ever holds more than GitHub allows, and who waits as long as told is not refused."""

from typing import Any

import httpx2
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from failover_api.errors import ForgeRateLimited
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.rate_limit import A_MINUTE, HOUR, MIN_BURST, MIN_SHARE, MINUTE, RateLimit, limit_of
from tests.support.builders import REPO
from tests.support.client_calls import mutate, query, read, write
from tests.support.clock import Clock
from tests.support.fake_github import (
    FILE_URL,
    GRAPHQL,
    LIMITED,
    QUOTA,
    ROOT,
    SECONDARY,
    Purse,
    Waits,
    answer,
    client_with,
    refused,
)
from tests.support.rate_limit import KEY, take_all


def most_within(times: list[float], window_s: float) -> int:
    """The most that any window of this length holds, its ends included."""
    return max((sum(start <= at <= start + window_s for at in times) for start in times), default=0)


def test_a_minute_takes_a_storm_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    rate_limit = RateLimit(clock=clock)
    size, refill_s = MINUTE
    assert rate_limit.wait_s(KEY) == 0.0
    assert take_all(rate_limit) == size
    assert rate_limit.wait_s(KEY) == pytest.approx(refill_s)
    clock.now += refill_s
    assert take_all(rate_limit) == 1
    clock.now += 10 * refill_s
    assert take_all(rate_limit) == 10


def test_the_emptier_bucket_decides() -> None:
    clock = Clock()
    rate_limit = RateLimit(clock=clock)
    taken = 0
    while rate_limit.wait_s(KEY) <= MINUTE[1] + 0.01:
        clock.now += rate_limit.wait_s(KEY)
        rate_limit.take(KEY)
        taken += 1
    assert taken >= HOUR[0]


def test_room_for_several_writes_is_waited_for() -> None:
    clock = Clock()
    rate_limit = RateLimit(((3, 10.0),), clock=clock)
    assert [rate_limit.wait_s(KEY, calls) for calls in (1, 3, 99)] == [0.0, 0.0, 0.0]
    take_all(rate_limit)
    assert [rate_limit.wait_s(KEY, calls) for calls in (1, 2, 3, 99)] == [pytest.approx(s) for s in (10, 20, 30, 30)]


def test_a_refusal_says_how_long_and_counts_nothing() -> None:
    clock = Clock()
    rate_limit = RateLimit(clock=clock)
    take_all(rate_limit)
    for _ in range(3):
        with pytest.raises(ForgeRateLimited, match=r"the next may be sent in 2\.2 s") as error:
            rate_limit.take(KEY)
        assert error.value.retry_after_s == pytest.approx(MINUTE[1])
        assert error.value.secondary


def test_each_key_has_buckets_of_its_own() -> None:
    clock = Clock()
    rate_limit = RateLimit(clock=clock)
    assert take_all(rate_limit) == take_all(rate_limit, "other") == MINUTE[0]
    assert rate_limit.wait_s("third") == 0.0


def test_without_limits_nothing_waits() -> None:
    rate_limit = RateLimit(())
    for _ in range(1000):
        rate_limit.take(KEY)
    assert rate_limit.wait_s(KEY) == 0.0


STARTS = st.floats(0, 1e7)
STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 400)), max_size=60)


@given(start=STARTS, steps=STEPS)
def test_no_window_ever_holds_more_than_github_allows(start: float, steps: list[float]) -> None:
    clock, times = Clock(start), []
    rate_limit = RateLimit(clock=clock)
    for step in steps:
        clock.now += step
        times += [clock.now] * take_all(rate_limit)
    assert most_within(times, 60.0) <= MINUTE[0] + 60 / MINUTE[1] + 1 < 80
    assert most_within(times, 3600.0) <= HOUR[0] + 3600 / HOUR[1] + 1 < 500


@given(start=STARTS, steps=STEPS)
def test_who_waits_as_long_as_told_is_not_refused(start: float, steps: list[float]) -> None:
    clock = Clock(start)
    rate_limit = RateLimit(clock=clock)
    for step in steps:
        clock.now += step
        take_all(rate_limit)
        wait_s = rate_limit.wait_s(KEY)
        assert wait_s > 0
        clock.now += wait_s
        assert rate_limit.wait_s(KEY) == 0.0
        rate_limit.take(KEY)


# Several processes that work as one installation


class Process:
    """One of several; what it sent is forgotten when it is started anew."""

    def __init__(self, share: float, clock: Clock) -> None:
        self.share, self.clock, self.times, self.starts = share, clock, list[float](), list[float]()
        self.start()

    def start(self) -> None:
        self.rate_limit = RateLimit.of_share(self.share, clock=self.clock)
        self.starts.append(self.clock.now)

    def may_start(self) -> bool:
        """Once in an hour."""
        return self.clock.now - self.starts[-1] > 3600

    def send(self, most: int) -> None:
        for _ in range(most):
            if self.rate_limit.wait_s(KEY):
                break
            self.rate_limit.take(KEY)
            self.times.append(self.clock.now)


def parts(weights: list[int], smallest: float) -> list[float]:
    """Shares of together 1, none smaller."""
    left = 1 - smallest * len(weights)
    return [smallest + left * weight / sum(weights) for weight in weights]


TURNS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 70), st.floats(0, 1500)),
        st.integers(0, 11),
        st.sampled_from([1, 6, 500]),
        st.booleans(),
    ),
    max_size=80,
)


@given(weights=st.lists(st.integers(1, 20), min_size=2, max_size=5), turns=TURNS)
def test_shares_of_one_installation_never_exceed_its_limits_together(
    weights: list[int], turns: list[tuple[float, int, int, bool]]
) -> None:
    clock = Clock()
    processes = [Process(min(share, 0.5), clock) for share in parts(weights, 2.2 * MIN_SHARE)]
    for pause_s, which, most, anew in turns:
        clock.now += pause_s
        for process in processes if which > 5 else [processes[which % len(processes)]]:
            if anew and process.may_start():
                process.start()
            process.send(most)
    times = sorted(at for process in processes for at in process.times)
    assert most_within(times, 60.0) < 80
    assert most_within(times, 3600.0) < 500


@given(weights=st.lists(st.integers(1, 20), min_size=7, max_size=12), turns=TURNS)
def test_small_shares_hold_as_long_as_nothing_is_started_anew(
    weights: list[int], turns: list[tuple[float, int, int, bool]]
) -> None:
    clock = Clock()
    processes = [Process(share, clock) for share in parts(weights, MIN_SHARE)]
    for pause_s, which, most, _ in turns:
        clock.now += pause_s
        for process in processes if which > 5 else [processes[which % len(processes)]]:
            process.send(most)
    times = sorted(at for process in processes for at in process.times)
    assert most_within(times, 60.0) < 80
    assert most_within(times, 3600.0) < 500


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2, 0.4, 0.5, 1.0])
def test_any_share_has_room_for_one_pull_request_and_says_when_for_the_next(share: float) -> None:
    clock = Clock()
    rate_limit = RateLimit.of_share(share, clock=clock)
    for _ in range(MIN_BURST):
        rate_limit.take(KEY)
    for _ in range(3):
        wait_s = rate_limit.wait_s(KEY, MIN_BURST)
        assert 0 <= wait_s < 5000
        clock.now += wait_s
        for _ in range(MIN_BURST):
            rate_limit.take(KEY)


def test_a_share_counts_a_start_and_a_storm() -> None:
    """0.4 is 31 a minute: 12 at once, one in 8.6 s, and 12 more should the process be started anew."""
    assert limit_of(0.4, A_MINUTE, 60.0) == (12, 60 / 7)
    assert take_all(RateLimit.of_share(0.4, clock=Clock())) == 12
    assert take_all(RateLimit.of_share(1.0, clock=Clock())) == MINUTE[0]


def test_a_refusal_by_github_ends_the_storm() -> None:
    clock = Clock()
    rate_limit = RateLimit(((10, 6.0), (100, 60.0)), clock=clock)
    rate_limit.drain(KEY, 60.0)
    assert rate_limit.wait_s(KEY) == pytest.approx(60.0)
    clock.now += 60.0
    assert take_all(rate_limit) == 1
    clock.now += 6.0
    assert take_all(rate_limit) == 1
    RateLimit(()).drain(KEY, 60.0)


# At the client


@pytest.fixture
def slow(http: httpx2.AsyncClient, waits: Waits) -> GitHubClient:
    """May write twice, and then has to wait for half a minute."""
    return client_with(http, Purse(), waits, rate_limit=RateLimit(((2, 30.0),)))


@pytest.mark.parametrize("writes", [(write, write), (mutate, mutate), (write, mutate)])
@pytest.mark.parametrize("refused_one", [write, mutate])
async def test_a_write_too_many_is_refused_without_asking_github(
    slow: GitHubClient, api: respx.Router, writes: Any, refused_one: Any
) -> None:
    put = api.put(FILE_URL).mock(return_value=answer(200, {"commit": {}}))
    post = api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"a": 1}}))
    assert slow.write_wait_s(REPO) == 0.0
    for ask in writes:
        await ask(slow)
    purse = slow.credentials
    assert isinstance(purse, Purse)
    with pytest.raises(ForgeRateLimited) as error:
        await refused_one(slow)
    assert error.value.secondary
    assert error.value.outcome == "not-applied"
    assert 28 < (error.value.retry_after_s or 0) <= 30
    assert 28 < slow.write_wait_s(REPO) <= 30
    assert put.call_count + post.call_count == 2
    assert len(purse.asked) == 2


async def test_reads_are_not_paced(slow: GitHubClient, api: respx.Router) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, {"commit": {}}))
    api.get(FILE_URL).mock(return_value=answer(200, {}))
    post = api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"a": 1}}))
    mint = api.post(f"{ROOT}/app/installations/1/access_tokens").mock(return_value=answer(201, {}))
    for ask in (read, query, read, query, write, write, read, query):
        await ask(slow)
    for _ in range(5):
        await slow.as_app("POST", "/app/installations/1/access_tokens", bearer="jwt", what="a token")
    assert (post.call_count, mint.call_count) == (3, 5)


async def test_another_owner_has_a_pace_of_its_own(slow: GitHubClient, api: respx.Router) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, {"commit": {}}))
    other = api.put(f"{ROOT}/repos/other/repo/a").mock(return_value=answer(200, {}))
    for _ in range(2):
        await write(slow)
    assert slow.write_wait_s("other/repo") == 0.0
    await slow.write("PUT", "other/repo", "/repos/other/repo/a", {}, what="writing")
    assert other.call_count == 1


async def test_every_sending_counts(slow: GitHubClient, api: respx.Router) -> None:
    put = api.put(FILE_URL).mock(side_effect=httpx2.ConnectError("refused"))
    with pytest.raises(ForgeRateLimited):
        await write(slow)
    assert put.call_count == 2


async def test_who_waits_as_long_as_told_may_write(http: httpx2.AsyncClient, api: respx.Router, waits: Waits) -> None:
    now = 1000.0
    client = client_with(http, Purse(), waits, rate_limit=RateLimit(clock=lambda: now))
    put = api.put(FILE_URL).mock(return_value=answer(200, {"commit": {}}))
    while client.write_wait_s(REPO) == 0:
        await write(client)
    assert put.call_count == MINUTE[0]
    for _ in range(5):
        with pytest.raises(ForgeRateLimited):
            await write(client)
        now += client.write_wait_s(REPO)
        await write(client)
    assert put.call_count == MINUTE[0] + 5


@pytest.mark.parametrize(("reply", "wait_s"), LIMITED)
@pytest.mark.parametrize("ask", [write, read])
async def test_a_long_wait_that_github_asks_for_is_not_waited_for(
    client: GitHubClient, api: respx.Router, reply: Any, wait_s: float, ask: Any
) -> None:
    api.put(FILE_URL).mock(return_value=reply)
    api.get(FILE_URL).mock(return_value=reply)
    assert client.write_wait_s(REPO) == 0.0
    with pytest.raises(ForgeRateLimited):
        await ask(client)
    assert client.write_wait_s(REPO) == 0.0
    with pytest.raises(ForgeRateLimited) as error:
        await ask(client)
    assert wait_s - 2 < (error.value.retry_after_s or 0) <= wait_s


@pytest.mark.parametrize(("limited_s", "expected_s"), [(3, 3), (6, 0)])
async def test_only_a_short_wait_that_github_asks_for_is_waited_for(
    client: GitHubClient, api: respx.Router, limited_s: int, expected_s: float
) -> None:
    api.put(FILE_URL).mock(return_value=refused(403, SECONDARY, retry_after=f"{limited_s}"))
    with pytest.raises(ForgeRateLimited):
        await write(client)
    assert client.write_wait_s(REPO) == pytest.approx(expected_s, abs=1)
    assert client.write_wait_s("other/repo") == 0.0


@pytest.mark.parametrize(("limited_s", "expected_s"), [(3, 30), (45, 0)])
async def test_a_short_circuit_adds_nothing_to_the_pace_and_a_long_one_ends_it(
    slow: GitHubClient, api: respx.Router, limited_s: int, expected_s: float
) -> None:
    limited = refused(403, SECONDARY, retry_after=f"{limited_s}")
    api.put(FILE_URL).mock(side_effect=[answer(200, {"commit": {}}), limited])
    await write(slow)
    with pytest.raises(ForgeRateLimited):
        await write(slow)
    assert slow.write_wait_s(REPO) == pytest.approx(expected_s, abs=1)


async def test_the_quota_of_graphql_does_not_hold_a_put_up(client: GitHubClient, api: respx.Router) -> None:
    api.post(GRAPHQL).mock(return_value=QUOTA[0])
    with pytest.raises(ForgeRateLimited):
        await mutate(client)
    assert client.write_wait_s(REPO) == 0.0


@pytest.mark.parametrize(("reply", "secondary"), [(LIMITED[0][0], True), (LIMITED[3][0], False)])
async def test_an_open_circuit_says_which_limit_it_was(
    client: GitHubClient, api: respx.Router, reply: Any, secondary: bool
) -> None:
    api.get(FILE_URL).mock(return_value=reply)
    for ask in (read, write):
        with pytest.raises(ForgeRateLimited) as error:
            await ask(client)
        assert error.value.secondary is secondary
