"""Another host's wall clock: the `Date` of its newest reply, carried on by our monotonic clock.

This machine's wall clock may be wrong, and may be corrected while we run. GitHub refuses a JWT that begins in its
future or ended in its past, and a cluster tells when something changed by its own clock: whatever is compared with a
host's time is taken from here.
"""

import logging
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from failover_api.core.rfc3339 import LATEST_S, showable

WARN_FROM_S = 30.0  # a smaller difference does no harm
_WARN_AGAIN_S = 30.0  # when the difference has changed by as much since the last warning
_YEAR_S = 366 * 86_400.0  # a clock that ends while we run would fail whatever shows it
_FRACTION_S = 1.0  # Date is in whole seconds
_log = logging.getLogger(__name__)


class HostClock:
    """The wall clock of `host`, in seconds. `wall` is ours, `monotonic` measures the time since a reply."""

    def __init__(
        self,
        host: str = "GitHub",
        *,
        wall: Callable[[], float] = lambda: time.time(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._wall, self._monotonic = host, wall, monotonic
        self._ahead_s: float | None = None  # of the host's wall clock before our monotonic one
        self._warned_of_s = 0.0

    @property
    def is_known(self) -> bool:
        """Whether a reply has told the host's time yet."""
        return self._ahead_s is not None

    def now(self) -> float:
        """The host's time; ours until a reply has told it."""
        return self._wall() if self._ahead_s is None else self._monotonic() + self._ahead_s

    @property
    def offset_s(self) -> float:
        """How far our wall clock is ahead of the host's; negative when behind; 0 until it is known."""
        return 0.0 if self._ahead_s is None else self._wall() - self.now()

    def observe(self, headers: Mapping[str, str], *, asked_at: float) -> None:
        """Takes the `Date` of a reply that came just now to a request made at `asked_at` (monotonic).

        The reply was sent at some time between the two: the known offset is changed only as far as that requires. A
        reply from a cache is older than it seems, and has an `Age`: it is ignored.
        https://www.rfc-editor.org/rfc/rfc9111#section-5.1
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
            return f"{self._host} has not told its time"
        offset_s = round(self.offset_s)
        if abs(offset_s) <= 1:
            return f"agrees with {self._host}'s"
        return f"{abs(offset_s):,} s {'ahead of' if offset_s > 0 else 'behind'} {self._host}"

    @property
    def is_off(self) -> bool:
        """Whether our clock is so wrong that somebody should set it."""
        return abs(self.offset_s) > WARN_FROM_S

    def _warn(self) -> None:
        """Logs when the clock is found to be wrong, when that changes, and when it is right again."""
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
    """The `Date` of a reply as a timestamp (s); None when it has none, or one that no calendar shows for long."""
    try:
        sent_at = showable(parsedate_to_datetime(headers["date"]).timestamp())
    except (KeyError, ValueError, OverflowError):
        return None
    return sent_at if sent_at is not None and sent_at < LATEST_S - _YEAR_S else None
