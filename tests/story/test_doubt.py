"""What a terminal says of an entry that cannot be believed."""

from typing import Any

import pytest

from failover_api.edges.cli.tables import move_line

ENTRY: dict[str, Any] = {
    "time": "2026-11-24T10:00:00Z",
    "kind": "failover",
    "action": "promote",
    "from": "primary",
    "to": "backup",
    "by": "ops",
    "reason": "k3s-w1 is down",
    "message": "Fail over sonarr to backup",
}
EDIT = {**ENTRY, "kind": "edit", "action": None}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({**ENTRY, "verified": True}, "promote primary -> backup, by ops: k3s-w1 is down"),
        (ENTRY, "promote primary -> backup, by ops: k3s-w1 is down"),  # as an older service answers
        ({**ENTRY, "verified": None}, "promote primary -> backup, by ops: (not provable) k3s-w1 is down"),
        ({**ENTRY, "verified": None, "reason": None}, "promote primary -> backup, by ops: (not provable)"),
        ({**EDIT, "verified": None}, "edit, by ops: Fail over sonarr to backup"),
        ({**EDIT, "verified": False}, "edit, by ops: (says it was a failover) Fail over sonarr to backup"),
    ],
)
def test_a_line_says_what_its_reader_has_to_know(entry: dict[str, Any], line: str) -> None:
    assert move_line(entry, utc=True).plain == f"2026-11-24 10:00 UTC  {line}"
