"""A circuit breaker: while GitHub asks us to wait, nothing is sent, and every caller is told how long."""

import time

from failover_api.errors import ForgeRateLimited


class CircuitBreaker:
    """Open while GitHub asks us to wait, for each key of the credentials by itself."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, bool]] = {}  # until when, and whether for the secondary limit

    def check(self, key: str) -> None:
        """Raises ForgeRateLimited while the circuit is open."""
        wait_s = self.wait_s(key)
        if wait_s > 0:
            _, secondary = self._open[key]
            text = f"GitHub asks us to wait {wait_s:.0f} s more"
            raise ForgeRateLimited(text, retry_after_s=wait_s, secondary=secondary)

    def wait_s(self, key: str) -> float:
        """How long it stays open; 0 when it is closed."""
        until, _ = self._open.get(key, (0.0, False))
        return max(0.0, until - time.monotonic())

    def open(self, key: str, wait_s: float, *, secondary: bool) -> None:
        """For `wait_s` from now, or for as long as it is open already."""
        now = time.monotonic()
        self._open = {other: opened for other, opened in self._open.items() if opened[0] > now}
        self._open[key] = max(self._open.get(key, (0.0, False)), (now + wait_s, secondary))
