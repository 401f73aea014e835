"""How much of our rate limit other processes use, as the counters in GitHub's replies show it.

GitHub counts all requests of one installation together. What its replies count beyond our own requests, others have
sent. It cannot be told which of those create content, so each is taken for one that does. So that mere reading by
others does not keep us from moving, some writes of our own are always allowed: those of one pull request a minute, and
more when others send more than anybody may write, since most of it must be reading. A 304 is free, and not counted.

    used      as GitHub counts it         known with each reply, and only then
    own       what we have sent since     a request without a reply may be counted already, or not
    others    used - own                  never too many, but as of the last reply

Between two replies we know how much others have sent, but not when: what came within GAP_S counts as just now.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MINUTE_S, HOUR_S = 62.0, 3605.0  # a little more: requests sent at an even rate do not arrive so
A_MINUTE, AN_HOUR = 76, 494  # of all together, with a margin: others send while we do
LEFT_OF_MINUTE, LEFT_OF_HOUR = 6, 199  # for our own writes, whatever others do
LEFT_BY_READERS = 15  # where others send more in a minute than anybody may write
GAP_S = 300.0
_SAME_WINDOW_S = 60.0  # GitHub's machines differ a little on when a window ends
_MOST_KEPT = 1024

_Counter = tuple[str, str]  # an account, and the kind of its limit


@dataclass(slots=True)
class _Count:
    """The counter of one limit. `base` is what a reply counted, `own` what we have sent since that reply."""

    base: int
    highest: int
    reset_at: int
    replied_at: float
    own: int = 0


@dataclass(slots=True)
class _Use:
    """Of one account: the times of our writes, and (time, number) of others' requests."""

    own: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    others: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))


class OtherClientsUse:
    """What others use of each account's limits. `clock` gives seconds."""

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
        """A request of ours has ended. `free`: GitHub does not count it."""
        counter = account, resource
        self._under_way[counter] -= 1
        if free and counter in self._counts:
            self._counts[counter].own -= 1

    def counted(self, account: str, resource: str, *, used: int, reset_at: int, left_s: float) -> None:
        """Takes what a reply counts as used in the current hour, which ends in `left_s`. Called after replied()."""
        counter, now = (account, resource), self._clock()
        count, under_way = self._counts.get(counter), self._under_way.get(counter, 0)
        if count is None:
            self._counts[counter] = _Count(used, used, reset_at, now, own=under_way)
            began_s = min(3600.0, max(0.0, 3600.0 - left_s))
            self._saw(account, used - 1 - under_way, began_s, MINUTE_S)
        elif abs(reset_at - count.reset_at) > _SAME_WINDOW_S:
            if reset_at > count.reset_at:  # else a late reply, of the window before
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
        if is_at_rest:  # start afresh: requests that got no reply may never have been counted
            count.base, count.own = count.highest, 0

    def _saw(self, account: str, requests: int, within_s: float, recent_s: float) -> None:
        """Others sent `requests` in the last `within_s`; those of the last `recent_s` count as just now."""
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
    """How long until the moving window, which begins at `since` now, holds no more than `most`."""
    spent = list(spent)
    over = sum(count for _, count in spent) - most
    for (at, _), gone in zip(spent, itertools.accumulate(count for _, count in spent), strict=True):
        if over <= 0:
            return 0.0
        if gone >= over:
            return at - since
    return 0.0
