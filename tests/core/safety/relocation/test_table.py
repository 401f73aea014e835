"""The table of positions and ways: drawn from what it holds, and walked whole."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from failover_api.core.catalog.replication import ReplicationKind, Via
from failover_api.core.safety.relocation import table
from failover_api.core.safety.relocation.ladder import Decision
from failover_api.core.safety.relocation.steps import Ending, Step, parse_label
from failover_api.core.safety.relocation.table import (
    AFTER_CUTOVER,
    BEFORE_CUTOVER,
    DOWN,
    EDGES,
    ENDS,
    Cause,
    Edge,
    Position,
)
from tests.core.safety.relocation.ground import CLAIM, subject
from tests.core.safety.relocation.stand import Stand

Walk = Callable[[], Decision]
BY_REPOSITORY = {Position.RESTORE, Position.FINAL_RESTORE}
LATE_S = 10_000.0


def stand_at(position: Position) -> Stand:
    return Stand(subject(via=Via.REPOSITORY if position in BY_REPOSITORY else Via.DIRECT)).at(position)


def by_repository(position: Position) -> Stand:
    return Stand(subject(via=Via.REPOSITORY)).at(position)


def without(kind: ReplicationKind) -> Stand:
    return Stand(subject(kind=kind))


def failed(stand: Stand) -> Decision:
    return stand.decide(stand.source(result="Failed"))


def failed_later(stand: Stand) -> Decision:
    stand.now += 60
    return failed(stand)


def changed(stand: Stand) -> Decision:
    stand.put(CLAIM, "c")
    return stand.decide()


def late(stand: Stand) -> Decision:
    stand.now += LATE_S
    return stand.decide(stand.sight(unseen="the cluster does not answer"))


def lost(stand: Stand) -> Decision:
    sight = stand.source(sync_started_at=stand.now, last_manual="old")
    return stand.decide(replace(sight, origin_down=("k3s-w2",), lost=("k3s-w2",)))


def there() -> Decision:
    stand = Stand()
    stand.values |= {each.place: each.new for each in stand.subject.switches}
    return stand.decide()


WALKS: dict[Edge, Walk] = {
    Edge(Position.READY, Cause.BEGUN, Position.REVERSE): lambda: Stand().decide(),
    Edge(Position.READY, Cause.BEGUN, Position.QUIESCE): lambda: without(ReplicationKind.MANUAL).decide(),
    Edge(Position.READY, Cause.THERE, Position.DONE): there,
    Edge(Position.REVERSE, Cause.BROUGHT, Position.QUIESCE): lambda: stand_at(Position.REVERSE).decide(),
    Edge(Position.REVERSE, Cause.BACKED_UP, Position.RESTORE): lambda: by_repository(Position.REVERSE).decide(),
    Edge(Position.REVERSE, Cause.UNPROVED, Position.REVERSE): lambda: failed_later(stand_at(Position.REVERSE)),
    Edge(Position.RESTORE, Cause.BROUGHT, Position.QUIESCE): lambda: stand_at(Position.RESTORE).decide(),
    Edge(Position.RESTORE, Cause.UNPROVED, Position.REVERSE): lambda: failed_later(stand_at(Position.RESTORE)),
    Edge(Position.QUIESCE, Cause.QUIET, Position.FINAL_SYNC): lambda: stand_at(Position.QUIESCE).decide(),
    Edge(Position.QUIESCE, Cause.QUIET, Position.CUTOVER): (
        lambda: without(ReplicationKind.NONE).at(Position.QUIESCE).decide()
    ),
    Edge(Position.QUIESCE, Cause.VOUCHED, Position.CUTOVER): (
        lambda: without(ReplicationKind.MANUAL).at(Position.QUIESCE).decide(vouched_by="alice")
    ),
    Edge(Position.FINAL_SYNC, Cause.BACKED_UP, Position.FINAL_RESTORE): (
        lambda: by_repository(Position.FINAL_SYNC).decide()
    ),
    Edge(Position.FINAL_SYNC, Cause.UNPROVED, Position.FINAL_SYNC): lambda: failed(stand_at(Position.FINAL_SYNC)),
    Edge(Position.FINAL_SYNC, Cause.PROVED, Position.CUTOVER): lambda: stand_at(Position.FINAL_SYNC).decide(),
    Edge(Position.FINAL_RESTORE, Cause.UNPROVED, Position.FINAL_SYNC): lambda: failed(stand_at(Position.FINAL_RESTORE)),
    Edge(Position.FINAL_RESTORE, Cause.PROVED, Position.CUTOVER): lambda: stand_at(Position.FINAL_RESTORE).decide(),
    Edge(Position.CUTOVER, Cause.SERVING, Position.PROTECT): lambda: stand_at(Position.CUTOVER).decide(),
    Edge(Position.CUTOVER, Cause.SERVING, Position.DONE): (
        lambda: without(ReplicationKind.NONE).at(Position.CUTOVER).decide()
    ),
    Edge(Position.PROTECT, Cause.PROTECTED, Position.DONE): lambda: stand_at(Position.PROTECT).decide(),
    **{
        Edge(start, Cause.ABORTED, Position.ABORTED): lambda start=start: stand_at(start).decide(is_aborted=True)
        for start in BEFORE_CUTOVER
    },
    **{
        Edge(start, Cause.CHANGED, Position.STOPPED): lambda start=start: changed(stand_at(start))
        for start in BEFORE_CUTOVER
    },
    **{Edge(start, Cause.LATE, Position.STOPPED): lambda start=start: late(stand_at(start)) for start in DOWN},
    **{
        Edge(start, Cause.LOST, Position.STOPPED): lambda start=start: lost(stand_at(start)) for start in BEFORE_CUTOVER
    },
    **{
        Edge(start, Cause.CHANGED, Position.LEFT): lambda start=start: changed(stand_at(start))
        for start in AFTER_CUTOVER
    },
}


@pytest.mark.parametrize("edge", sorted(EDGES, key=str), ids=lambda edge: f"{edge.start}-{edge.cause}-{edge.end}")
def test_every_way_of_the_table_can_be_gone(edge: Edge) -> None:
    assert WALKS[edge]().edge == edge


def test_no_other_way_is_walked() -> None:
    assert set(WALKS) == EDGES


def test_every_position_is_reached_and_left() -> None:
    assert {edge.end for edge in EDGES} | {Position.READY} == set(Position)
    assert {edge.start for edge in EDGES} | set(ENDS) == set(Position)
    assert {edge.cause for edge in EDGES} == set(Cause)


def test_an_end_is_never_left() -> None:
    assert not [edge for edge in EDGES if edge.start in ENDS]


def test_nothing_goes_back_over_the_cutover() -> None:
    over = {*AFTER_CUTOVER, Position.DONE, Position.LEFT}
    assert {edge.end for edge in EDGES if edge.start in AFTER_CUTOVER} <= over


def drawn() -> set[Edge]:
    """The ways that the module's text draws."""
    edges = set()
    for line in (table.__doc__ or "").splitlines():
        if not line.startswith("    "):
            continue
        starts, cause, ends = re.split(r"  +", line.strip())
        for start in starts.split(", "):
            edges |= {Edge(Position(start), Cause(cause), Position(end)) for end in ends.split(" | ")}
    return edges


def test_the_table_is_drawn_as_it_is() -> None:
    assert drawn() == EDGES


def test_every_commit_says_where_it_leads() -> None:
    """By Git alone the position is known that the edge leads to. Nothing is left behind by a fifth step."""
    for edge, walk in WALKS.items():
        commit = walk().commit
        assert (commit is None) == (edge.end is Position.DONE or edge.start is Position.PROTECT)
        if commit is not None:
            step, ending = parse_label(commit.label) or (None, None)
            assert step is (edge.end.step or edge.start.step)
            assert ending == (Ending(edge.end) if edge.end in ENDS else None)
            assert commit.edits, f"{edge} writes nothing"


@pytest.mark.parametrize(
    "label", ["", "final-sync", "6/5 final-sync", "2/5 final-sync", "3/5", "2/2 tidy", "3/4 final-sync"]
)
def test_a_label_of_something_else_is_none(label: str) -> None:
    assert parse_label(label) is None


def test_labels_are_read_back() -> None:
    for step in Step:
        assert parse_label(step.label) == (step, None)
        for ending in Ending:
            assert parse_label(ending.label(step)) == (step, ending)
