"""What our own last writes made of a branch: a read that does not show it lags behind.

GitHub answers reads from replicas that may be some seconds behind a write. So for ten seconds a file is to be as we
left it, or at a commit that has ours below it, and a branch at our commit or at one on top of it. What shows neither is
asked for again, and then refused: it may be lag, or a force-push, which is believed when the time is over.
"""

import time

from cachetools import TTLCache

from failover_api.core.catalog.model import Branch
from failover_api.errors import NotShownYet

LAG_S = 10.0  # how long a read may lag behind a write of ours
WAITS_S = (0.2, 0.6, 1.2)  # before asking again
HEAD = ""  # the place of the branch itself, beside those of its files
_KEPT = 4096


class Lag:
    """By place, a path or HEAD: what our writes replaced, and what may be there since."""

    def __init__(self) -> None:
        self._replaced: TTLCache[tuple[Branch, str, str], bool] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)
        self._current: TTLCache[tuple[Branch, str], list[str]] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)
        self._written_at: TTLCache[Branch, float] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)

    # Writes

    def writing(self, branch: Branch, place: str, version: str) -> None:
        """From now on `version` may be there, even if the write's reply gets lost."""
        if (current := self._current.get((branch, place))) is not None:
            current.append(version)
        else:
            self._replaced.pop((branch, place, version), None)

    def not_written(self, branch: Branch, place: str, version: str) -> None:
        """That write was refused."""
        current = self._current.get((branch, place), [])
        if version in current[1:]:
            current.remove(version)

    def wrote(self, branch: Branch, place: str, version: str) -> None:
        """`version` is there now, by a write of ours."""
        self._replaced.pop((branch, place, version), None)
        self._current[branch, place] = [version]
        self._written_at[branch] = time.monotonic()

    def answered_with(self, branch: Branch, place: str, version: str) -> None:
        """Somebody was told that another's write made `version`: to him it is as good as ours. Ours goes before."""
        if (branch, place) not in self._current:
            self.wrote(branch, place, version)

    def replaced(self, branch: Branch, place: str, version: str) -> None:
        self._replaced[branch, place, version] = True

    # Reads

    def was_replaced(self, branch: Branch, place: str, version: str) -> bool:
        """Whether a read that gave `version` shows what a write of ours replaced."""
        is_there = version in self._current.get((branch, place), ())
        return (branch, place, version) in self._replaced and not is_there

    def is_current(self, branch: Branch, place: str, version: str) -> bool:
        """Whether a read that gave `version` shows our last write; so it does when there is none."""
        current = self._current.get((branch, place))
        return current is None or version in current

    def newest(self, branch: Branch) -> str | None:
        """The commit that the branch has to have; None when we have written none of late."""
        return next(iter(self._current.get((branch, HEAD), ())), None)

    def saw(self, branch: Branch, place: str, version: str) -> None:
        """`version` was seen to come after our last write: nothing older will do now."""
        if (current := self._current.get((branch, place))) is not None:
            current[:] = [version]

    def behind(self, branch: Branch, what: str) -> NotShownYet:
        """What to say when `what` still does not show our write."""
        left_s = LAG_S - (time.monotonic() - self._written_at.get(branch, float("-inf")))
        text = f"{what}: GitHub does not show our own last write to {branch} yet"
        return NotShownYet(text, retry_after_s=min(LAG_S, max(1.0, left_s)))
