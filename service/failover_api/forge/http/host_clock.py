"""What time it is for GitHub: by the `Date` of its newest answer, carried on by a clock that nobody sets.

The wall clock here may be wrong, and may be put right while we run. GitHub takes no App's JWT that begins in its
future or has ended in its past, so whatever is compared with its time is taken from here.
"""

import logging
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

WARN_FROM_S = 30.0  # a smaller difference harms nobody
_WARN_AGAIN_S = 30.0  # when it changed by as much since it was told
_FRACTION_S = 1.0  # Date leaves it out
_log = logging.getLogger(__name__)


class HostClock:
    """GitHub's wall clock, in seconds. `wall` is ours, `monotonic` measures what has passed since an answer."""

    def __init__(
        self, *, wall: Callable[[], float] = lambda: time.time(), monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._ahead_s: float | None = None  # of the host's wall clock before our monotonic one
        self._warned_of_s = 0.0

    @property
    def is_known(self) -> bool:
        """Whether the host has told its time yet."""
        return self._ahead_s is not None

    def now(self) -> float:
        """The host's time; ours as long as it has not told it."""
        return self._wall() if self._ahead_s is None else self._monotonic() + self._ahead_s

    @property
    def offset_s(self) -> float:
        """How far our wall clock is ahead of the host's; behind it when negative; 0 as long as nobody knows."""
        return 0.0 if self._ahead_s is None else self._wall() - self.now()

    def observe(self, headers: Mapping[str, str], *, asked_at: float) -> None:
        """Takes the time of an answer that came just now to a request of `asked_at` (monotonic).

        It was sent somewhen between the two: what is known already is changed by no more than that asks for. What a
        cache in between has kept is of an earlier time, and says so by `Age`.
        """
        sent_at = date_of(headers)
        if sent_at is None or headers.get("age", "0").strip() not in {"", "0"}:
            return
        at = self._monotonic()
        earliest, latest = sent_at, sent_at + _FRACTION_S + at - asked_at
        now = (earliest + latest) / 2 if self._ahead_s is None else min(max(at + self._ahead_s, earliest), latest)
        self._ahead_s = now - at
        self._warn()

    def in_words(self) -> str:
        """For people: "61 s ahead of GitHub"."""
        if not self.is_known:
            return "GitHub has not told its time"
        offset_s = round(self.offset_s)
        if abs(offset_s) <= 1:
            return "agrees with GitHub's"
        return f"{abs(offset_s):,} s {'ahead of' if offset_s > 0 else 'behind'} GitHub"

    @property
    def is_off(self) -> bool:
        """Whether it is so wrong that somebody should set it."""
        return abs(self.offset_s) > WARN_FROM_S

    def _warn(self) -> None:
        """One line when the clock turns out to be wrong, when that changes, and when it is right again."""
        offset_s = self.offset_s
        was_off = abs(self._warned_of_s) > WARN_FROM_S
        if self.is_off and (not was_off or abs(offset_s - self._warned_of_s) > _WARN_AGAIN_S):
            self._warned_of_s = offset_s
            _log.warning(
                "this machine's clock is wrong", extra={"offset_s": round(offset_s), "detail": self.in_words()}
            )
        elif was_off and not self.is_off:
            self._warned_of_s = 0.0
            _log.info("this machine's clock is right again", extra={"offset_s": round(offset_s)})


def date_of(headers: Mapping[str, str]) -> float | None:
    """When an answer was made, by the clock of whoever made it; None when it does not say."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
