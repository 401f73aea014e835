"""GET /metrics of the real app, after real moves; and on a port of its own."""

import math
import signal
import socket
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.support.answers import PROMOTE, problem
from tests.support.clock import LIMIT_S
from tests.support.scrape import Scrape, scrape
from tests.support.server import serving
from tests.support.stage import FILES, SONARR, Stage, deployment

MOVES = "failover_moves_total"
REQUESTS = "failover_github_requests_total"


async def test_a_promote_is_counted_and_its_side_follows(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.post(PROMOTE, json={"reason": "k3s-w1 is down"})).status_code == 200
        seen = await scrape(client)
    assert seen(MOVES, service="sonarr", action="promote", policy="direct", outcome="moved") == 1
    assert seen(MOVES) == 1
    assert seen.sides("sonarr") == ["backup"]
    assert seen("failover_move_duration_seconds_count", action="promote", policy="direct") == 1
    assert seen("failover_move_duration_seconds_bucket", action="promote", policy="direct", le="+Inf") == 1
    assert 0 < seen("failover_move_duration_seconds_sum", action="promote", policy="direct") < 30
    assert seen(REQUESTS, endpoint="contents", method="PUT", status="200") == 1
    assert seen("failover_github_request_duration_seconds_count", endpoint="contents") >= 1
    assert "k3s-w1" not in seen.text


async def test_as_many_requests_are_counted_as_github_got(stage: Stage) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        await client.get("/api/failover/plex")
        await client.get("/api/failover/plex")
        stage.fault("lost_reply", method="PUT")
        await client.post("/api/failover/radarr/promote")
        got = len(stage.requests)
        seen = await scrape(client)
    assert seen(REQUESTS) == got
    assert seen(REQUESTS, status="none", method="PUT", endpoint="contents") == 1


async def test_a_refusal_is_counted_with_its_problem(stage: Stage) -> None:
    stage.commit({SONARR: deployment("sonarr", role="elsewhere")})
    async with stage.client() as client:
        problem(await client.post(PROMOTE), "manifest-drifted", 409)
        seen = await scrape(client)
    assert seen(MOVES, service="sonarr", outcome="refused") == 1
    assert seen("failover_move_problems_total", problem="manifest-drifted") == 1
    assert seen("failover_move_problems_total") == 1


async def test_a_lost_race_is_counted_and_the_move_all_the_same(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/sonarr")
        stage.before_write(lambda: stage.replace(SONARR, "keep me", "kept"))
        assert (await client.post(PROMOTE)).json()["changed"] is True
        seen = await scrape(client)
    assert seen("failover_github_conflicts_total", endpoint="contents") == 1
    assert seen(REQUESTS, endpoint="contents", method="PUT", status="409") == 1
    assert seen(MOVES, outcome="moved") == 1


async def test_a_lost_race_over_several_files_is_counted(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/plex")
        stage.before_write(lambda: stage.commit({"README.md": "By hand"}))
        assert (await client.post("/api/failover/plex/promote")).json()["changed"] is True
        seen = await scrape(client)
    assert seen("failover_github_conflicts_total", endpoint="graphql: createCommitOnBranch") == 1


async def test_a_304_is_a_hit(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/sonarr")
        before = await scrape(client)
        await client.get("/api/failover/sonarr")
        after = await scrape(client)
    hits = [one("failover_github_conditional_requests_total", result="hit") for one in (before, after)]
    assert hits[1] - hits[0] >= 1
    assert after(REQUESTS, status="304") == hits[1]


async def test_a_rate_limit_is_counted_and_shows_what_is_left(stage: Stage) -> None:
    async with stage.client() as client:
        await client.get("/api/failover/sonarr")
        stage.fault("rate_limit_primary", method="PUT", seconds=600)
        problem(await client.post(PROMOTE), "github-rate-limited", 503)
        seen = await scrape(client)
    assert seen("failover_github_rate_limited_total", limit="primary") == 1
    assert seen("failover_github_rate_limit_remaining_requests", account="token", resource="core") == 0
    assert seen("failover_github_rate_limit_reset_timestamp_seconds", resource="core") > 1_600_000_000
    assert seen(MOVES, outcome="failed") == 1


async def test_an_unknown_outcome_is_counted(stage: Stage) -> None:
    async with stage.client(deadline_s=1.0) as client:
        await client.get("/api/failover/sonarr")
        stage.fault("slow", times=None, seconds=1.5)
        problem(await client.post(PROMOTE), "outcome-unknown", 504)
        seen = await scrape(client)
    assert seen(MOVES, outcome="unknown") == 1
    assert seen("failover_move_problems_total", problem="outcome-unknown") == 1


async def test_a_retry_is_counted(stage: Stage) -> None:
    async with stage.client() as client:
        stage.fault("status", status=502)
        await client.get("/api/failover/sonarr")
        seen = await scrape(client)
    assert seen("failover_github_retries_total", reason="unavailable") == 1


async def test_what_a_caller_makes_up_has_no_series(stage: Stage) -> None:
    async with stage.client() as client:
        before = await scrape(client)
        for name in ("made-up", "x" * 60, "a%0Ab"):
            await client.post(f"/api/failover/{name}/promote")
            await client.post(f"/api/groups/{name}/promote")
            await client.get(f"/api/failover/{name}?q={name}")
        await client.post(PROMOTE, json={"reason": "made-up", "dry_run": True})
        after = await scrape(client)
    assert "made-up" not in after.text
    assert len(after.labels("failover_service_side")) == len(before.labels("failover_service_side"))
    assert after(MOVES) == 0


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text"),
        ("nonsense;;version=,", "text/plain"),
        ("text/plain;version=x.y", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=x.y", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;version=1.0.0;escaping=dots", "application/openmetrics-text; version=1.0.0"),
    ],
)
async def test_the_text_is_what_accept_asks_for(stage: Stage, accept: str, kind: str) -> None:
    async with stage.client() as client:
        await client.post(PROMOTE)
        response = await client.get("/metrics", headers={"accept": accept})
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cache-control"] == "no-store"
    assert "_created" not in response.text
    if "openmetrics" in kind:
        names = {family.name for family in text_string_to_metric_families(response.text)}
        assert response.text.endswith("# EOF\n")
    else:
        names = {family.name for family in Scrape(response.text).families}
    assert {"failover_moves", "failover_service_side", "failover_build_info"} <= names


async def test_metrics_are_read_only(stage: Stage) -> None:
    async with stage.client() as client:
        problem(await client.post("/metrics"), "method-not-allowed", 405)
        assert (await client.get("/openapi.json")).json()["paths"]["/metrics"].keys() == {"get"}


async def test_with_a_port_of_their_own_they_are_not_on_the_service_s(stage: Stage) -> None:
    async with stage.client(metrics_port=9090) as client:
        problem(await client.get("/metrics"), "not-found", 404)
        assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_port_of_their_own_serves_nothing_else_and_ends_with_the_service(stage: Stage) -> None:
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    with serving(stage, "--insecure-no-auth", FAILOVER_METRICS_PORT=str(port)) as server:
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        with httpx2.Client(base_url=own) as prometheus:  # it keeps its connection open
            assert httpx2.post(f"{server.url}{PROMOTE}").status_code == 200
            response = prometheus.get("/metrics")
            assert Scrape(response.text)(MOVES, service="sonarr", outcome="moved") == 1
            assert "server" not in response.headers
            assert prometheus.options("/metrics").headers["allow"] == "GET, HEAD, OPTIONS"
            assert prometheus.head("/metrics").status_code == 200
            for method, path in (("GET", "/"), ("GET", "/healthz"), ("POST", PROMOTE), ("GET", "/metrics/x")):
                assert prometheus.request(method, path).status_code == 404
            assert prometheus.post("/metrics").status_code == 405
            assert httpx2.get(f"{server.url}/metrics").status_code == 404
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == 0
    assert not [line for line in server.lines if "Traceback" in line]
    assert len(stage.moves) == 1


def test_a_port_of_their_own_that_is_taken_is_said_in_a_line(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serving(stage, "--insecure-no-auth", FAILOVER_METRICS_PORT=port) as server:
            assert server.end() == 1
    assert not [line for line in server.lines if "Traceback" in line]
    assert "the port for metrics cannot be opened" in "".join(server.lines)


@pytest.mark.parametrize("words", [["--help"], ["promote", "sonarr", "--yes"]], ids=["help", "promote"])
def test_the_command_line_does_not_load_prometheus(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    code = (
        "import sys\nfrom failover_api.edges.cli.main import main\n"
        f"sys.argv = ['failover', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('loaded', sorted(m for m in sys.modules if m.startswith(('prometheus_client', 'failover_api.metrics'))))"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.stdout.endswith("loaded []\n"), done.stdout + done.stderr


async def test_two_apps_count_apart(stage: Stage) -> None:
    async with stage.client() as one, stage.client() as other:
        await one.post(PROMOTE)
        assert (await scrape(one))(MOVES) == 1
        assert (await scrape(other))(MOVES) == 0
        assert stage.read(SONARR) != FILES[SONARR]
        assert math.isnan((await scrape(other))("failover_github_conflicts_total"))
