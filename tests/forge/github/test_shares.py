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
from failover_api.forge.http.pace import RateLimit
from failover_api.sandbox import Sandbox

REPO = "acme/homelab"
NUMBERS = itertools.count()
START = 1_800_000_000.0


class Simulated:
    """Time that passes when a test says so."""

    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Simulated:
    return Simulated()


@pytest.fixture
def sandbox(tmp_path: Path, clock: Simulated) -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tmp_path / "homelab.git", files={"README.md": b"#\n"})
    sandbox.clock = clock
    sandbox.limits.writes_per_minute, sandbox.limits.writes_per_hour = 80, 500
    yield sandbox
    sandbox.close()


def client(http: httpx2.AsyncClient, sandbox: Sandbox, pace: RateLimit) -> GitHubClient:
    made = GitHubClient(Connections(lambda: http), base_url="http://github.test", timeout_s=5.0, pace=pace)
    made.credentials = StaticToken(value=sandbox.token)
    return made


async def write_all(client: GitHubClient, most: int) -> None:
    """As many writes as the pace lets through, up to `most`."""
    for _ in range(most):
        if client.write_wait_s(REPO) > 0:
            return
        body = {"message": "m", "content": base64.b64encode(b"x").decode()}
        await client.write("PUT", REPO, f"/repos/{REPO}/contents/f{next(NUMBERS)}", body, what="writing")


def counted(sandbox: Sandbox, clock: Simulated) -> list[float]:
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
    sandbox: Sandbox, clock: Simulated, tls: ssl.SSLContext, shares: tuple[float, ...]
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
