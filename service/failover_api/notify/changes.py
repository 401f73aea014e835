"""A signal inside the process: GitHub says that something changed there, look again."""

from collections.abc import Callable


class Changes:
    """Told by GitHub's webhook; `count` is how often. Those who listen are called at once, and only take note."""

    def __init__(self) -> None:
        self.count = 0
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def tell(self) -> None:
        self.count += 1
        for listener in self._listeners:
            listener()
