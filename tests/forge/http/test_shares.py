"""Two replicas and a command line, each with its share, and one GitHub that counts: nobody is ever refused."""

import base64
import contextlib
import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import StaticToken
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.sandbox import Sandbox
from tests.support.builders import REPO
from tests.support.clock import Clock

NUMBERS = itertools.count()
START = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def sandbox(tmp_path: Path, clock: Clock) -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tmp_path / "homelab.git", files={"README.md": b"#\n"})
    sandbox.clock = clock
    sandbox.limits.writes_per_minute, sandbox.limits.writes_per_hour = 80, 500
    yield sandbox
    sandbox.close()


def client(http: httpx2.AsyncClient, sandbox: Sandbox, rate_limit: RateLimit) -> GitHubClient:
    made = GitHubClient(Connections(lambda: http), base_url="http://github.test", timeout_s=5.0, rate_limit=rate_limit)
    made.credentials = StaticToken(value=sandbox.token)
    return made


async def write_all(client: GitHubClient, most: int) -> None:
    """As many writes as the pace lets through, up to `most`."""
    for _ in range(most):
        if client.write_wait_s(REPO) > 0:
            return
        body = {"message": "m", "content": base64.b64encode(b"x").decode()}
        await client.write("PUT", REPO, f"/repos/{REPO}/contents/f{next(NUMBERS)}", body, what="writing")


def counted(sandbox: Sandbox, clock: Clock) -> list[float]:
    """When the sandbox took a write."""
    times: list[float] = []
    admit = sandbox.limits.admit

    def counting(key: str, resource: str, *, writes: bool) -> None:
        admit(key, resource, writes=writes)
        if writes:
            times.append(clock.now)

    sandbox.limits.admit = counting  # type: ignore[method-assign]  # it is counted on the way
    return times


@pytest.mark.parametrize("shares", [(0.4, 0.4, 0.2), (0.5, 0.5), (1.0,), (0.3, 0.25, 0.25, 0.2)])
async def test_processes_that_write_all_they_may_are_never_refused(
    sandbox: Sandbox, clock: Clock, tls: ssl.SSLContext, shares: tuple[float, ...]
) -> None:
    times = counted(sandbox, clock)
    transport = httpx2.ASGITransport(app=sandbox.app)
    async with contextlib.AsyncExitStack() as opened:
        clients = [
            client(
                await opened.enter_async_context(httpx2.AsyncClient(transport=transport, verify=tls)),
                sandbox,
                RateLimit.of_share(share, clock=clock),
            )
            for share in shares
        ]
        clock.now += 600  # the buckets are full
        for _ in range(150):
            for one in clients:
                await write_all(one, 100)
            clock.now += 1.0
    busiest = max(sum(at <= other <= at + 60 for other in times) for at in times)
    assert 40 < busiest < 80
    assert not [request for request in sandbox.requests if request.status in (403, 429)]


@pytest.mark.parametrize("later_s", [0, 3, 45])
async def test_two_that_know_nothing_of_each_other_stay_below_the_limits(
    sandbox: Sandbox,
    clock: Clock,
    tls: ssl.SSLContext,
    later_s: int,
) -> None:
    """Both with all of the limits, and each writes whatever it may: what GitHub counts is all they know."""
    times = counted(sandbox, clock)
    transport = httpx2.ASGITransport(app=sandbox.app)
    async with contextlib.AsyncExitStack() as opened:
        clients: list[GitHubClient] = []
        for _ in range(2):
            http = await opened.enter_async_context(httpx2.AsyncClient(transport=transport, verify=tls))
            clients.append(client(http, sandbox, RateLimit.of_share(1.0, clock=clock)))
        clock.now += 600
        for second in range(130):
            at_work = clients[: 1 if second < later_s else 2]
            while not all(one.write_wait_s(REPO) for one in at_work):
                for one in at_work:  # in turn, as two would that write at once
                    await write_all(one, 1)
            clock.now += 1.0
    busiest = max(sum(at <= other <= at + 60 for other in times) for at in times)
    assert 60 < busiest < 80
    assert not [request for request in sandbox.requests if request.status in (403, 429)]
