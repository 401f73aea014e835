"""Has a tag been answered, how well, and with data of when. Both ends are asked: each can fail alone.

At the end of a sync VolSync notes the tag that stands in the spec *then*. So a tag may be answered by a sync that
began before it was set, or by an image that was made before the replication was paused: only the beginning of that
sync tells how old its data is.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from failover_api.core.safety.relocation.places import Document
from failover_api.core.safety.times import minute
from failover_api.core.wording import cut

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Replication

# Times have whole seconds: the beginning that is computed is up to 2 s too early, and a Date up to 1 s.
MARGIN_S = 2.0
_AHEAD_S = 30.0  # clocks that differ by more cannot be compared
_ALONE_S = 30.0  # in which the other end notes that its mover has ended
_SUCCESSFUL = "Successful"
_BUSY = {"SyncInProgress": "syncs", "CleaningUp": "cleans up after its sync"}


class Outcome(Enum):
    """What has become of a tag at one end, or at both."""

    GOING = "going"
    BADLY = "badly"  # it has ended, and brought nothing that can be relied on
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason` says what it waits for, or what went wrong. `is_stuck`: something is in the way."""

    outcome: Outcome
    reason: str = ""
    is_stuck: bool = False


_WELL = Answer(Outcome.WELL)


def answer(one: "Replication | None", document: Document, tag: str) -> Answer:
    """Of one end."""
    name = cut(document.name)
    if one is None:
        return _going(f"{name} is not in the cluster: Flux has not made it yet.", is_stuck=True)
    if one.manual != tag or one.is_paused:
        return _going(f"{name} is not as Git has it: Flux has not applied the commit yet.")
    if one.sync_started_at is not None:
        return _syncing(one, name)
    if one.last_manual != tag:
        return _not_begun(one, name)
    if (condition := one.synchronizing) is not None and condition.reason in _BUSY:
        return _going(f"{name} {_BUSY[condition.reason]}.")
    if one.result != _SUCCESSFUL:
        return Answer(Outcome.BADLY, f"The sync of {name} ended as {cut(one.result) or 'unknown'}.", is_stuck=True)
    return _WELL


def both(*answers: Answer) -> Answer:
    """Of two ends: the worse, and as long as one goes on nothing has ended."""
    worst = min(answers, key=lambda each: list(Outcome).index(each.outcome))
    stuck = [each for each in answers if each.outcome is worst.outcome and each.is_stuck]
    return stuck[0] if stuck else worst


def is_idle(one: "Replication | None") -> bool:
    """Whether it has ended a sync, has cleaned up, and begins none as long as the tag that stands there does."""
    if one is None or one.sync_started_at is not None or not one.manual or one.manual != one.last_manual:
        return False
    return one.synchronizing is None or one.synchronizing.reason not in _BUSY


def is_alone(one: "Replication | None", other: "Replication | None", now: float) -> bool:
    """Whether this end syncs while the other has ended and waits for another tag: then it never comes to an end.

    An older sync has answered the tag at one end only, or this one has failed. Ends do not end at the same moment.
    """
    if one is None or other is None or one.sync_started_at is None or not is_idle(other):
        return False
    ended = other.last_sync_at
    return one.result == "Failed" or (ended is not None and now - ended >= _ALONE_S)


def data_time(one: "Replication | None") -> float | None:
    """Of when the data is that the last sync of a source has read (s). When it ended says nothing of that."""
    return one.data_as_of if one is not None else None


def began_after(one: "Replication | None", at: float, now: float) -> bool:
    """Whether the last sync surely began after `at`. Times that run backwards, or ahead of us, prove nothing."""
    began = data_time(one)
    if one is None or began is None or one.last_sync_at is None:
        return False
    return at + MARGIN_S <= began <= one.last_sync_at <= now + _AHEAD_S


def is_parked(one: "Replication | None") -> bool:
    """Whether it surely moves no byte by itself; one that is not there does not either."""
    return one is None or one.is_paused


def _syncing(one: "Replication", name: str) -> Answer:
    since = f" since {minute(one.sync_started_at)}" if one.sync_started_at is not None else ""
    if one.result == "Failed":
        return _going(f"{name} syncs{since}, and its mover has failed: it is tried again.", is_stuck=True)
    return _going(f"{name} syncs{since}.")


def _not_begun(one: "Replication", name: str) -> Answer:
    condition = one.synchronizing
    if condition is not None and condition.reason == "Error":
        return _going(f"{name} cannot sync: {cut(condition.message) or 'it does not say why'}.", is_stuck=True)
    return _going(f"{name} has not begun to sync yet.")


def _going(reason: str, *, is_stuck: bool = False) -> Answer:
    return Answer(Outcome.GOING, reason, is_stuck)
