"""What `failover automatic` prints of a body, line by line."""

from typing import Any

import pytest

from failover_api.edges.cli.automatic_lines import automatic_lines

AT = "2026-11-30T20:05:00Z"
OWN = "Taking no part: sonarr. Write it."


def lines(**pending: Any) -> list[str]:
    line = {"service": "sonarr", "node": "k3s-w1", "acts": True, "acts_at": None, "holds": [], **pending}
    empty: dict[str, Any] = {"nodes": [], "blocked": [], "failback": [], "pauses": [], "attestations": []}
    seen = {"mode": "act", "view": "watching", "reason": "", "leader": "a", "as_of": AT, "tally": {"counts": {}}}
    return list(automatic_lines({**empty, **seen, "pending": [line]}, utc=True))


@pytest.mark.parametrize("detail", ["Paused by ops until 2026-11-30 20:05 UTC: work", "It is so."])
def test_what_holds_it_ends_as_a_sentence(detail: str) -> None:
    hold = {"gate": "target", "detail": detail, "cure": "Wait.", "until": AT}
    sentence = detail.rstrip(".")
    assert lines(holds=[hold])[-1] == f"  target: {sentence}. Ends 2026-11-30 20:05:00 UTC. Wait."
    paused = {**hold, "gate": "paused"}  # it says itself when it ends
    assert lines(holds=[paused])[-1] == f"  paused: {sentence}. Wait."


def test_who_takes_no_part_is_one_line() -> None:
    hold = {"gate": "opt-in", "detail": "sonarr takes no part.", "cure": "Write it.", "until": None}
    assert lines(holds=[hold])[-2:] == ["Mode act; view watching; a leads, as of 2026-11-30 20:05:00 UTC.", OWN]
    ignored = {**hold, "detail": "k3s-w1 is ignored."}
    assert lines(holds=[ignored])[-1] == "Taking no part: sonarr. k3s-w1 is ignored. Write it."


def test_what_refuses_a_way_home_is_not_hidden_behind_what_was_to_come() -> None:
    its = {"service": "sonarr", "node": "k3s-w1", "acts": True, "command": "failover relocate sonarr --to primary"}
    seen = {"mode": "act", "view": "watching", "reason": "", "leader": "a", "as_of": AT, "tally": {"counts": {}}}
    empty: dict[str, Any] = {"nodes": [], "blocked": [], "pauses": [], "attestations": [], "pending": []}
    for detail, said in (
        ("", "sonarr is relocated home to k3s-w1 by itself."),
        ("No copy.", "sonarr is not relocated home to k3s-w1: No copy. failover relocate sonarr --to primary"),
    ):
        told = automatic_lines({**empty, **seen, "failback": [{**its, "detail": detail, "holds": []}]}, utc=True)
        assert list(told)[-1] == said


def test_the_tally_counts_events() -> None:
    empty: dict[str, Any] = {
        "nodes": [],
        "blocked": [],
        "failback": [],
        "pauses": [],
        "attestations": [],
        "pending": [],
    }
    seen = {"mode": "act", "view": "watching", "reason": "", "leader": "a", "as_of": AT}
    told = list(automatic_lines({**empty, **seen, "tally": {"counts": {"right": 2, "open": 1}}}, utc=True))
    assert told[-2:] == ["1 event so far: not known yet.", "2 events so far: right, the node stayed away."]


def test_what_is_only_observed_is_not_said_to_move() -> None:
    assert lines()[-1] == "sonarr, off k3s-w1: nothing holds it"
    assert lines(acts=False)[-1] == "sonarr, off k3s-w1: nothing holds it; `observe`: it is not moved"
