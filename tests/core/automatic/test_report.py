"""What the leader sees, as JSON in an annotation and back."""

import json

import pytest

from failover_api.core.automatic.report import (
    BlockedLine,
    HoldLine,
    NodeLine,
    PendingLine,
    Report,
    ReturnLine,
    as_json,
    report_from,
)

NOW = 1_795_996_800.0
HOLD = HoldLine("fence", "Nobody says that it is off.", "Look at it.", NOW + 60)
REPORT = Report(
    NOW,
    "watching",
    "",
    (NodeLine("k3s-w1", "dead", NOW - 300, "not heard of", NOW + 5),),
    (PendingLine("sonarr", "k3s-w1", "backup", NOW - 300, None, (HOLD,)),),
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
