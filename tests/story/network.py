"""What the network does in a schedule (see schedules.py), and how the product's waits are made short."""

import contextlib
from typing import Any
from unittest.mock import patch

import httpx2
from hypothesis import strategies as st
from hypothesis.stateful import rule

from failover_api import deadline
from failover_api.forge.github import files, heads
from failover_api.forge.http.circuit_breaker import CircuitBreaker
from failover_api.forge.repository import lag, unconfirmed_writes
from failover_api.moves.direct import lost_reply
from failover_api.sandbox import Fault
from tests.story.laws import Laws
from tests.support.stage import SONARR

SPURIOUS = {"message": f"{SONARR} is at {'a' * 40} but expected {'b' * 40}"}
WRITES: list[dict[str, str]] = [
    {"method": "PUT", "path": "*/contents/*"},
    {"operation": "createCommitOnBranch"},
    {"operation": "updateRefs"},
    {"operation": "enablePullRequestAutoMerge"},
    {"method": "PUT", "path": "*/merge"},
    {"method": "PATCH", "path": "*/pulls/*"},
    {"method": "POST", "path": "*/git/refs"},
    {"method": "POST", "path": "*/pulls"},
    {"method": "POST", "path": "*/git/commits"},
]
READS = ["*/contents/*", "*/branches/*", "*/pulls*", "*/commits*", "/graphql"]
LATE_S = 0.2
LAG_S = 0.6  # how long reads may lag
LAG_KNOWN_S = LAG_S + 0.2  # how long after a write of ours they are known to
TROUBLE: list[tuple[str, dict[str, Any]]] = [
    ("lost_reply", {}),
    ("lost_request", {}),
    ("late", {"seconds": 0.05}),
    ("late", {"seconds": LATE_S}),
    ("status", {"status": 502}),
    ("status_after", {"status": 502}),
    ("status", {"status": 403, "body": {"message": "Resource not accessible by integration"}}),
    ("status", {"status": 409, "body": SPURIOUS}),
    ("race", {}),
    ("truncated", {}),
    ("bad_json", {}),
    ("rate_limit_secondary", {"retry_after": 1}),
]
NOT_READ: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 502}),
    ("status", {"status": 404, "body": {"message": "Not Found"}}),
    ("rate_limit_primary", {"seconds": 1}),
    ("rate_limit_secondary", {"retry_after": 1}),
    ("bad_json", {}),
]

OPEN = CircuitBreaker.open


class Network(Laws):
    """Between the replicas and GitHub."""

    @rule(trouble=st.sampled_from(TROUBLE), where=st.sampled_from(WRITES))
    def lose(self, trouble: tuple[str, dict[str, Any]], where: dict[str, str]) -> None:
        kind, how = trouble
        self.is_late |= kind == "late"
        self.troubled = True
        self.sandbox.faults.add(Fault(kind, **where, **how))  # type: ignore[arg-type] - sampled

    @rule(trouble=st.sampled_from(NOT_READ), path=st.sampled_from(READS), times=st.integers(1, 4))
    def lose_reads(self, trouble: tuple[str, dict[str, Any]], path: str, times: int) -> None:
        kind, how = trouble
        self.troubled = True
        method = "POST" if path == "/graphql" else "GET"
        self.sandbox.faults.add(Fault(kind, method=method, path=path, times=times, **how))  # type: ignore[arg-type] - sampled

    @rule(times=st.integers(1, 2), path=st.sampled_from(READS))
    def stale(self, times: int, path: str) -> None:
        self.lagging = self.troubled = True
        self.sandbox.faults.add(Fault("stale", method="POST" if path == "/graphql" else "GET", path=path, times=times))

    @rule(times=st.integers(1, 12), seconds=st.sampled_from([0.05, 0.2, LAG_S]))
    def lag(self, times: int, seconds: float) -> None:
        """Every read, of whatever kind, is answered as things were so long ago."""
        self.lagging = self.troubled = True
        for path in READS:
            method = "POST" if path == "/graphql" else "GET"
            self.sandbox.faults.add(Fault("lag", method=method, path=path, times=times, seconds=seconds))


def _open_shortly(self: CircuitBreaker, key: str, wait_s: float, *, secondary: bool) -> None:
    OPEN(self, key, wait_s / 20, secondary=secondary)


@contextlib.contextmanager
def hurried() -> Any:
    """Shorter waits: a schedule takes a tenth of the time, in the same order."""
    with (
        patch.object(lost_reply, "READ_BACK_WAITS_S", (0.0, 0.05, 0.1, 0.1)),
        patch.object(deadline, "BACKOFF_S", 0.005),
        patch.object(files, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(heads, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(unconfirmed_writes, "LAND_S", 2 * LATE_S),
        patch.object(lag, "LAG_S", LAG_KNOWN_S),
        patch.object(CircuitBreaker, "open", _open_shortly),
        patch.object(httpx2, "create_ssl_context", return_value=httpx2.create_ssl_context()),  # 40 ms for each house
    ):
        yield
