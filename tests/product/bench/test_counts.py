"""What a flow may cost in requests and commits: the counts of `make bench`, as tests. No time is gated."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.figures.board import count_viewers
from bench.figures.counts import Flow, count, flows, rows_of
from bench.rig.repositories import ROOT


@pytest.mark.parametrize("flow", flows(), ids=lambda flow: flow.what)
async def test_a_flow_costs_no_more_than_promised(flow: Flow, tmp_path: Path) -> None:
    counted = await count(flow, tmp_path)
    for row in rows_of(flow, counted):
        assert row.ok, (row, [f"{request.method} {request.path}" for request in counted.requests])


async def test_a_cold_start_asks_for_the_installation_and_a_token_first(tmp_path: Path) -> None:
    cold = next(flow for flow in flows() if not flow.before)
    first, second, *_ = (await count(cold, tmp_path)).requests
    assert first.path.endswith("/installation")
    assert second.path.endswith("/access_tokens")


def test_an_unknown_subject_is_refused_with_those_there_are() -> None:
    command = [sys.executable, "-m", "bench", "nonesuch"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "no subject nonesuch; there are: machine, counts, " in said.stderr


async def test_viewers_of_the_board_cost_github_one_request_together(tmp_path: Path) -> None:
    row = await count_viewers(tmp_path)
    assert row.ok, row
