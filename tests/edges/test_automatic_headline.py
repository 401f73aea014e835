"""The one sentence of automatic failover: what it claims is so."""

from typing import Any

import pytest

from failover_api.edges.automatic_headline import headline

AS_OF, BEFORE, LATER = "2026-11-30T20:05:00Z", "2026-11-30T20:04:00Z", "2026-11-30T20:06:00Z"


def line(service: str, *, acts: bool = True, acts_at: str | None = LATER) -> dict[str, Any]:
    return {"service": service, "node": "k3s-w1", "acts": acts, "acts_at": acts_at, "holds": []}


def body(*pending: dict[str, Any], **changed: Any) -> dict[str, Any]:
    told = {"mode": "act", "view": "watching", "reason": "", "as_of": AS_OF, "nodes": [], "pauses": []}
    return {**told, "pending": list(pending), **changed}


@pytest.mark.parametrize(
    ("pending", "expected"),
    [
        pytest.param(
            [line("sonarr")],
            "It moves sonarr off k3s-w1 at 2026-11-30 20:06:00 UTC.",
            id="in sight",
        ),
        pytest.param([line("sonarr", acts_at=BEFORE)], "It moves sonarr off k3s-w1 now.", id="due"),
        pytest.param(
            [line("plex", acts=False)],
            "It would move plex off k3s-w1 at 2026-11-30 20:06:00 UTC, and only says so (`observe`).",
            id="only observed",
        ),
        pytest.param(
            [line("plex", acts=False, acts_at=BEFORE)],
            "It would move plex off k3s-w1, due since 2026-11-30 20:04:00 UTC, and only says so (`observe`).",
            id="only observed, and due",
        ),
        pytest.param(
            [line("sonarr"), line("plex", acts=False, acts_at=None)],
            "It moves sonarr off k3s-w1 at 2026-11-30 20:06:00 UTC. "
            "It would move plex off k3s-w1 now, and only says so (`observe`).",
            id="one of each",
        ),
    ],
)
def test_only_what_is_moved_is_said_to_be(pending: list[dict[str, Any]], expected: str) -> None:
    assert headline(body(*pending)) == expected


def test_times_are_written_as_the_caller_writes_them() -> None:
    paused = {"by": "ops", "until": LATER, "reason": "", "services": []}
    assert headline(body(pauses=[paused])) == "Paused by ops until 2026-11-30 20:06:00 UTC: nothing moves by itself."
    assert headline(body(line("sonarr")), lambda at: f"<{at}>") == f"It moves sonarr off k3s-w1 at <{LATER}>."


def test_what_is_held_is_said_before_who_takes_no_part() -> None:
    held = [
        {**line(name), "holds": [{"gate": gate, "detail": "So."}]} for name, gate in (("a", "opt-in"), ("b", "fence"))
    ]
    assert headline(body(*held)) == "It would not act now. b is held (b: fence: So.)"
    assert headline(body(held[0])) == "It would not act now. a is held (a: opt-in: So.)"


def test_a_look_that_has_just_begun_is_said_once() -> None:
    reason = "It has begun, and looks for a minute before it acts."
    assert headline(body(view="starting", reason=reason)) == f"It would not act now. {reason}"
