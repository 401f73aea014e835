"""A cache of rendered boards: callers who see the same share one, until the overview or the catalog changes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import LRUCache
from markupsafe import Markup

from failover_api.core.catalog.model import Catalog
from failover_api.edges.board.rows import Board
from failover_api.overview import View

KEPT_BYTES = 12 * 1024 * 1024  # of all callers and filters together
_AS_HTML = 4  # the rows as values, and the characters of wide text, take some times of what the HTML does


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows, as values and as HTML. `etag` is weak: it names what they show."""

    board: Board
    html: Markup
    etag: str


class Shelf:
    """Keeps what was made of one view and one catalog."""

    def __init__(self) -> None:
        self._of: tuple[View | None, Catalog | None] = (None, None)
        self._shown: LRUCache[Hashable, Shown] = LRUCache(KEPT_BYTES, getsizeof=_size)

    def get(self, view: View, catalog: Catalog, key: Hashable, make: Callable[[], Shown]) -> Shown:
        """What was made for `key`, which names everything else that it depends on."""
        if self._of[0] is not view or self._of[1] is not catalog:
            self._of = (view, catalog)
            self._shown.clear()
        shown = self._shown.get(key)
        if shown is None:
            shown = make()
            if _size(shown) <= KEPT_BYTES:
                self._shown[key] = shown
        return shown


def _size(shown: Shown) -> int:
    return 1000 + _AS_HTML * len(shown.html)
