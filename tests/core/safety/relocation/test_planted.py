"""Bugs that somebody could make: each is planted, and the schedules find it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.safety.observed import Replication
from failover_api.core.safety.relocation import going_up, ladder, quiet, sync, values
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.tags import Tag
from tests.core.safety.relocation import schedules
from tests.core.safety.relocation.schedules import run

MOST = 400
Plant = Callable[[pytest.MonkeyPatch], None]


def tag_reused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(values, "next_tag", lambda operation, step, standing: Tag(operation, Step.REVERSE, 1))


def tag_left_behind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(values, "_untagged", lambda git, end: {})


def end_taken_for_age(patch: pytest.MonkeyPatch) -> None:
    def ended(one: Replication | None) -> float | None:
        return one.last_sync_at if one is not None else None

    patch.setattr(sync, "data_time", ended)


def cutover_before_quiet(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quiet, "_held", lambda holders: "")
    patch.setattr(quiet, "_why_not_stopped", lambda workload: "")


def reverse_not_parked(patch: pytest.MonkeyPatch) -> None:
    of = values.cutover

    def unparked(subject: Any, git: Any) -> Any:
        parked = {values.paused(end) for end in subject.towards.both}
        return {place: value for place, value in of(subject, git).items() if place not in parked}

    _in_table(patch, Step.CUTOVER, "cutover", unparked)
    patch.setattr(sync, "is_parked", lambda one: True)


def away_not_parked(patch: pytest.MonkeyPatch) -> None:
    of = values.reverse

    def unparked(subject: Any, git: Any) -> Any:
        parked = {values.paused(end) for end in subject.away.both}
        return {place: value for place, value in of(subject, git).items() if place not in parked}

    _in_table(patch, Step.REVERSE, "reverse", unparked)
    patch.setattr(sync, "is_parked", lambda one: True)


def one_end_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sync, "both", lambda *answers: answers[0])
    patch.setattr(going_up, "_proved", _without_holders(going_up._proved))


def scaler_unseen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quiet, "why_broken", lambda seen, sight: "")


def limit_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ladder, "_late", lambda known, position, wait: None)
    patch.setattr(ladder, "limit_of", lambda subject, position: None)


def app_not_started_again(patch: pytest.MonkeyPatch) -> None:
    of = values.undone

    def stopped(subject: Any, git: Any, at: Step) -> Any:
        return {place: value for place, value in of(subject, git, at).items() if place != subject.quiesce}

    patch.setattr(values, "undone", stopped)


def any_sync_protects(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sync, "MARGIN_S", -1e9)


def persons_edit_overwritten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(values, "foreign", lambda subject, git, at: ())


def paused_forever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(values, "_running", lambda subject, git, end: {})


def number_forgotten(patch: pytest.MonkeyPatch) -> None:
    of = values.cutover
    patch.setattr(values, "cutover", lambda subject, git: {**of(subject, git), subject.quiesce: 0})


def restored_too_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(values, "_tagged", _tag_both)
    patch.setattr(going_up, "_why_restored_before", lambda known: "")


PLANTS: tuple[Plant, ...] = (
    tag_reused,
    tag_left_behind,
    end_taken_for_age,
    cutover_before_quiet,
    reverse_not_parked,
    away_not_parked,
    one_end_is_enough,
    scaler_unseen,
    limit_forgotten,
    app_not_started_again,
    any_sync_protects,
    persons_edit_overwritten,
    paused_forever,
    number_forgotten,
    restored_too_early,
)


RARE = (one_end_is_enough, end_taken_for_age)  # found after hundreds of schedules


@pytest.mark.parametrize(
    "plant",
    [pytest.param(plant, marks=[pytest.mark.long] if plant in RARE else []) for plant in PLANTS],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert any(_goes_wrong(seed) for seed in range(MOST)), f"{MOST} schedules do not find it"


def _goes_wrong(seed: int) -> bool:
    try:
        return bool(run(seed).wrongs)
    except AssertionError:
        return True  # an assertion of the code itself has found it


def _in_table(patch: pytest.MonkeyPatch, step: Step, name: str, function: Any) -> None:
    patch.setattr(values, name, function)
    patch.setitem(values.WANTED, step, function)


def _without_holders(of: Callable[[going_up.Known], going_up.Judged]) -> Callable[[going_up.Known], going_up.Judged]:
    return lambda known: of(replace(known, sight=replace(known.sight, holders=())))


def _tag_both(subject: Any, git: Any, step: Step) -> Any:
    tag = str(values.next_tag(subject.operation, step, git.value(values.manual(subject.towards.source))))
    wanted = {}
    for end in subject.towards.both:
        wanted |= {**values._running(subject, git, end), values.manual(end): tag}
    return wanted


def test_a_step_that_is_written_as_it_was_decided_long_ago_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in Git tells that a Job has written in between: the look right before the write does."""
    seeds, faults = (702_707, 702_836), {"away", "job"}
    assert not any(run(seed, faults=faults).wrongs for seed in seeds)
    monkeypatch.setattr(schedules, "SEEN_TWICE", frozenset())
    assert any(run(seed, faults=faults).wrongs for seed in seeds)
