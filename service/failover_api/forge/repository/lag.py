"""Our own last writes to a branch, so that a read that lags behind them is recognized.

GitHub answers reads from replicas that may be some seconds behind a write. So for ten seconds after a write, a file
must be as we wrote it, or be at a commit on top of ours; and the branch must be at our commit or at one on top of it. A
read that shows neither is repeated, and then refused: it may lag, or somebody has force-pushed, which is believed when
the ten seconds are over.
"""

import time

from cachetools import TTLCache

from failover_api.core.catalog.model import Branch
from failover_api.errors import NotShownYet

LAG_S = 10.0  # how long a read may lag behind a write of ours
WAITS_S = (0.2, 0.6, 1.2)  # before asking again
HEAD = ""  # the place of the branch's head; other places are paths of files
_KEPT = 4096


class Lag:
    """By place (a path, or HEAD): the versions that our writes replaced, and those that may be there now.

    A version is a blob sha, or a commit sha for HEAD.
    """

    def __init__(self) -> None:
        self._replaced: TTLCache[tuple[Branch, str, str], bool] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)
        self._current: TTLCache[tuple[Branch, str], list[str]] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)
        self._written_at: TTLCache[Branch, float] = TTLCache(_KEPT, LAG_S, timer=time.monotonic)

    # Writes

    def writing(self, branch: Branch, place: str, version: str) -> None:
        """A write of `version` is about to be sent: from now on it may be there, even if the reply gets lost."""
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
        """A caller was told of `version`, which another replica wrote: it counts as our write, unless we have one."""
        if (branch, place) not in self._current:
            self.wrote(branch, place, version)

    def told_of(self, branch: Branch, place: str, version: str) -> None:
        """The reply to a write, which never lags, named `version`: another's, and newer than ours if there is one."""
        if (branch, place) in self._current:
            self.saw(branch, place, version)
        else:
            self.wrote(branch, place, version)

    def replaced(self, branch: Branch, place: str, version: str) -> None:
        self._replaced[branch, place, version] = True

    # Reads

    def was_replaced(self, branch: Branch, place: str, version: str) -> bool:
        """Whether `version`, which a read gave, is one that a write of ours has replaced."""
        is_there = version in self._current.get((branch, place), ())
        return (branch, place, version) in self._replaced and not is_there

    def is_current(self, branch: Branch, place: str, version: str) -> bool:
        """Whether `version`, which a read gave, may be our last write; True when there was none of late."""
        current = self._current.get((branch, place))
        return current is None or version in current

    def newest(self, branch: Branch) -> str | None:
        """The commit that the branch has to have; None when we have written none of late."""
        return next(iter(self._current.get((branch, HEAD), ())), None)

    def saw(self, branch: Branch, place: str, version: str) -> None:
        """A read has shown `version`, which came after our last write: nothing older is accepted from now on."""
        if (current := self._current.get((branch, place))) is not None:
            current[:] = [version]

    def behind(self, branch: Branch, what: str) -> NotShownYet:
        """The error for a read that still does not show our write. `what` names the read."""
        left_s = LAG_S - (time.monotonic() - self._written_at.get(branch, float("-inf")))
        text = f"{what}: GitHub does not show our own last write to {branch} yet"
        return NotShownYet(text, retry_after_s=min(LAG_S, max(1.0, left_s)))
