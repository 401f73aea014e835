"""What the leader sees, as JSON in an annotation and back."""

import json
from dataclasses import replace

import pytest

from failover_api.core.automatic.notes import MAX_STATUS, Notes, fits_status, read_notes, written
from failover_api.core.automatic.report import (
    BlockedLine,
    HoldLine,
    NodeLine,
    PendingLine,
    Report,
    ReturnLine,
    as_json,
    bounded_json,
    report_from,
)

NOW = 1_795_996_800.0
HOLD = HoldLine("fence", "Nobody says that it is off.", "Look at it.", NOW + 60)
REPORT = Report(
    NOW,
    "watching",
    "",
    (NodeLine("k3s-w1", "dead", NOW - 300, "not heard of", NOW + 5),),
    (PendingLine("sonarr", "k3s-w1", "backup", NOW - 300, None, (HOLD,), is_act=False),),
    (BlockedLine("radarr", NOW + 600, NOW - 3000),),
    2,
    (ReturnLine("plex", "k3s-w1", True, "failover relocate plex --to primary", "no cluster", (HOLD,)),),
)


def test_what_is_written_is_read_back() -> None:
    assert report_from(json.loads(json.dumps(as_json(REPORT)))) == REPORT


def test_nobody_sees_services_that_he_may_not_see() -> None:
    seen = REPORT.only(lambda name: name == "plex")
    assert (seen.pending, seen.blocked, seen.returns) == ((), (), REPORT.returns)
    assert REPORT.only(lambda _: False).returns == ()


@pytest.mark.parametrize(
    "row", [None, 1, {}, {"service": "x"}, {"service": 1, "node": "y"}, {"service": "", "node": ""}]
)
def test_a_way_home_that_is_not_understood_is_left_out(row: object) -> None:
    read = report_from({**as_json(REPORT), "returns": [row]})
    assert read is not None
    assert read.returns == ()


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2026-11-30T00:00:00", 1])
def test_a_time_that_no_calendar_shows_is_not_known(time: object) -> None:
    nodes = [{"name": "k3s-w1", "state": "dead", "since": time, "acts_at": time}]
    read = report_from({**as_json(REPORT), "nodes": nodes})
    assert read is not None
    assert read.nodes == (NodeLine("k3s-w1", "dead"),)
    assert report_from({**as_json(REPORT), "as_of": time}) is None


@pytest.mark.parametrize("count", [3, 40, 200, 500])
def test_of_many_services_as_many_are_told_as_have_room(count: int) -> None:
    holds = tuple(HoldLine(f"gate-{i}", "w" * 390, "c" * 390, NOW) for i in range(6))
    report = Report(
        NOW,
        "watching",
        "",
        (*(NodeLine(f"n{i:03}", "ready", NOW) for i in range(80)), NodeLine("z", "dead", NOW)),
        tuple(PendingLine(f"service-{i}", "z", "backup", NOW, None, holds) for i in range(count)),
        tuple(BlockedLine(f"service-{i}", NOW) for i in range(count)),
        0,
        tuple(ReturnLine(f"back-{i}", "z", False, "failover relocate", "d" * 300, holds) for i in range(count)),
    )
    written_into = written(Notes(status=bounded_json(report, fits_status)), {})
    assert len(written_into["failover-api/status"]) <= MAX_STATUS
    read = report_from(read_notes(written_into).status)
    assert read is not None
    assert read.nodes[0] == NodeLine("z", "dead", NOW)
    assert len(read.pending) >= min(count, 3)
    assert len(read.pending) + read.left_out == count


def test_what_has_no_room_at_all_is_not_told() -> None:
    assert bounded_json(REPORT, lambda _: False) is None
    whole = bounded_json(replace(REPORT, nodes=()), lambda _: True)
    assert whole == as_json(replace(REPORT, nodes=()))
