"""What Git's history tells of drills, and proofs of a relocation's downtime."""

import pytest

from failover_api.core.safety.relocation.drills import PastMove, last_drill, reason_of
from failover_api.core.safety.relocation.proofs import data_as_of, downtime_s

THERE = PastMove("relocate", "primary", "backup", "drill: monthly", 100.0)
HOME = PastMove("relocate", "backup", "primary", "drill", 200.0)
MOVED = PastMove("promote", "primary", "backup", "k3s-w1 is down", 300.0)


@pytest.mark.parametrize(
    ("moves", "at"),
    [
        ([HOME, THERE], 200.0),
        ([MOVED, HOME, THERE], 200.0),
        ([HOME], None),
        ([THERE], None),
        ([HOME, MOVED, THERE], None),
        ([PastMove("relocate", "backup", "primary", "k3s-w1 is back", 200.0), THERE], None),
        ([PastMove("demote", "backup", "primary", "drill", 200.0), THERE], None),
        ([PastMove("relocate", "backup", "primary", "drilling a hole", 200.0), THERE], None),
        ([THERE, PastMove("relocate", "primary", "backup", "drill", 50.0)], None),
        ([], None),
    ],
)
def test_a_drill_went_there_and_came_home(moves: list[PastMove], at: float | None) -> None:
    assert last_drill(moves) == at


@pytest.mark.parametrize("words", ["", "first of the month"])
def test_what_a_drill_says_is_known_as_one(words: str) -> None:
    assert PastMove("relocate", "primary", "backup", reason_of(words), 0.0).is_drill


def test_the_downtime_is_from_the_first_quiet_to_serving() -> None:
    proofs = [
        "",
        "sync failover-x-1-1 with data of 2026-11-29T21:40:00Z ended well on both ends, seen at 2026-11-29T21:41:00Z",
        "quiet at 2026-11-29T21:45:00Z at generation 17 of 0f3c",
        "quiet at 2026-11-29T21:46:00Z at generation 17 of 0f3c",
        "serving at 2026-11-29T21:46:41Z",
    ]
    assert downtime_s(proofs) == 101.0
    assert downtime_s(proofs[:-1]) is None
    assert downtime_s(proofs[-1:]) is None
    assert data_as_of(proofs[1]) == 1795988400.0
    assert data_as_of(proofs[2]) is None
