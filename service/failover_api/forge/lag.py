"""What our own last writes replaced: a read that still shows it lags behind.

GitHub answers reads from replicas that may be some seconds behind a write. A version that somebody brings back within
that time costs its readers the waits below, and is believed then.
"""

import time

from cachetools import TTLCache

from failover_api.core.catalog import Branch

LAG_S = 10.0  # how long a read may lag behind a write of ours
WAITS_S = (0.2, 0.6, 1.2)  # before asking again
HEAD = ""  # the place of the branch itself, beside those of its files


class Lag:
    """Replaced versions, by place: blob shas of a path, commits of HEAD."""

    def __init__(self) -> None:
        self._replaced: TTLCache[tuple[Branch, str, str], bool] = TTLCache(4096, LAG_S, timer=time.monotonic)

    def writing(self, branch: Branch, path: str, sha: str) -> None:
        """From now on `sha` may be the newest version again, even if the write's reply gets lost."""
        self._replaced.pop((branch, path, sha), None)

    def replaced(self, branch: Branch, path: str, version: str) -> None:
        self._replaced[branch, path, version] = True

    def shown_by(self, branch: Branch, path: str, version: str) -> bool:
        """Whether a read that gave `version` was behind."""
        return (branch, path, version) in self._replaced
