"""Whether an alert is too old to move anything: what it saw may be over, or have been dealt with since.

Times: an alert's is by its sender's clock, a move's by the Git host's, `now` by the API server's or the Git host's.
"""

from failover_api.core.safety.times import minute

MAX_AGE_S = 3600.0
MAX_AHEAD_S = 300.0  # a sender whose clock is further ahead would never be too old


def why_stale(starts_at: float, *, last_move_at: float | None, now: float) -> str:
    """Why it moves nothing, "" when it may. `last_move_at` is of the service it would move, None: there was none."""
    if starts_at > now + MAX_AHEAD_S:
        return f"it says that it began at {minute(starts_at)}, which is not yet: its sender's clock is wrong"
    if now - starts_at > MAX_AGE_S:
        return f"it began at {minute(starts_at)}, more than an hour ago"
    if last_move_at is not None and starts_at < last_move_at:
        return f"it began at {minute(starts_at)}, before the service was moved at {minute(last_move_at)}"
    return ""
