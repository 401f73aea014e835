"""What others use of the same limits, as GitHub's replies show it: they count for all who work as one installation.

What a reply counts beyond what we have sent ourselves, others have. It counts requests, and nobody can tell which of
them create content, so each is taken for one that does. That reading should not keep us from moving, some room is left
to our own writes whatever others ask for: for one pull request a minute, for more where it is surely reading, since
nobody may write so much. A reply that something is unchanged is free, and not counted.

    used      as GitHub counts it         known with each reply, and only then
    own       what we have sent since     those that have no reply yet may be counted already, or not
    others    used - own                  so never too many, but of a moment ago

When others were at work since the last reply we know how much, not when: what came within GAP_S counts as just now.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MINUTE_S, HOUR_S = 62.0, 3605.0  # a little more: requests of one pace do not arrive in one
A_MINUTE, AN_HOUR = 76, 494  # of all together, with something to spare: others send while we do
LEFT_OF_MINUTE, LEFT_OF_HOUR = 6, 199  # to our own writes, whatever others do
LEFT_BY_READERS = 15  # where others ask for more in a minute than anybody may write
GAP_S = 300.0
_SAME_WINDOW_S = 60.0  # the moment at which a window ends is told a little differently by different machines
_MOST_KEPT = 1024

_Counter = tuple[str, str]  # an account, and the kind of its limit


@dataclass(slots=True)
class _Count:
    """Of one limit, since a reply that counted `base`."""

    base: int
    highest: int
    reset_at: int
    replied_at: float
    own: int = 0


@dataclass(slots=True)
class _Use:
    """Of one account: when we wrote, and when others asked for how much."""

    own: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    others: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))


class OtherClientsUse:
    """`clock` gives seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: dict[_Counter, _Count] = {}
        self._under_way: dict[_Counter, int] = {}
        self._uses: dict[str, _Use] = {}

    def wrote(self, account: str) -> None:
        """A write of ours is sent now."""
        self._uses.setdefault(account, _Use()).own.append(self._clock())

    def sent(self, account: str, resource: str) -> None:
        """A request of ours is sent now."""
        counter = account, resource
        self._under_way[counter] = self._under_way.get(counter, 0) + 1
        if counter in self._counts:
            self._counts[counter].own += 1

    def replied(self, account: str, resource: str, *, free: bool) -> None:
        """It came to its end. `free`: GitHub does not count it."""
        counter = account, resource
        self._under_way[counter] -= 1
        if free and counter in self._counts:
            self._counts[counter].own -= 1

    def counted(self, account: str, resource: str, *, used: int, reset_at: int, left_s: float) -> None:
        """What a reply counts as used, in a window of an hour that goes on for `left_s`; after replied()."""
        counter, now = (account, resource), self._clock()
        count, under_way = self._counts.get(counter), self._under_way.get(counter, 0)
        if count is None:
            self._counts[counter] = _Count(used, used, reset_at, now, own=under_way)
            began_s = min(3600.0, max(0.0, 3600.0 - left_s))
            self._saw(account, used - 1 - under_way, began_s, MINUTE_S)
        elif abs(reset_at - count.reset_at) > _SAME_WINDOW_S:
            if reset_at > count.reset_at:  # else it comes late, from the window before
                self._counts[counter] = _Count(used, used, reset_at, now, own=under_way)
        else:
            self._compare(account, count, used, is_at_rest=not under_way)
            count.replied_at = now

    def wait_s(self, account: str, calls: int = 1) -> float:
        """How long until so many writes of ours fit beside those of others; 0 when they do now."""
        use = self._uses.get(account)
        if use is None or not use.others:
            return 0.0
        minute = self._room_s(use, calls, MINUTE_S, A_MINUTE, LEFT_OF_MINUTE)
        return max(minute, self._room_s(use, calls, HOUR_S, AN_HOUR, LEFT_OF_HOUR))

    def _compare(self, account: str, count: _Count, used: int, *, is_at_rest: bool) -> None:
        count.highest = max(count.highest, used)
        others = count.highest - count.base - count.own
        if others > 0:
            self._saw(account, others, self._clock() - count.replied_at, GAP_S)
            count.base += others
        if is_at_rest:  # what had no reply may not have been counted
            count.base, count.own = count.highest, 0

    def _saw(self, account: str, requests: int, within_s: float, recent_s: float) -> None:
        """OtherClientsUse sent so many in the last `within_s`; those of the last `recent_s` count as just now."""
        if requests <= 0:
            return
        now, use = self._clock(), self._uses.setdefault(account, _Use())
        recent = requests if within_s <= recent_s else round(requests * recent_s / within_s)
        use.others.extend(
            spent for spent in ((now - max(MINUTE_S, within_s / 2), requests - recent), (now, recent)) if spent[1]
        )

    def _room_s(self, use: _Use, calls: int, window_s: float, most: int, least: int) -> float:
        since = self._clock() - window_s
        own = [(at, 1) for at in use.own if at > since]
        others = [(at, requests) for at, requests in use.others if at > since]
        if not others:
            return 0.0  # then the buckets know it all
        if least < LEFT_BY_READERS and sum(requests for _, requests in others) > most:
            least = LEFT_BY_READERS
        calls = min(calls, least)
        both = _until(sorted([*own, *others]), most - calls, since)
        return min(both, _until(own, least - calls, since))


def _until(spent: Iterable[tuple[float, int]], most: int, since: float) -> float:
    """How long until no more than `most` of it is in the window that begins at `since`, and moves on."""
    spent = list(spent)
    over = sum(count for _, count in spent) - most
    for (at, _), gone in zip(spent, itertools.accumulate(count for _, count in spent), strict=True):
        if over <= 0:
            return 0.0
        if gone >= over:
            return at - since
    return 0.0
