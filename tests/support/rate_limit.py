"""How many writes a pace lets through."""

import itertools

from failover_api.errors import ForgeRateLimited
from failover_api.forge.http.rate_limit import RateLimit

KEY = "acme"


def take_all(rate_limit: RateLimit, key: str = KEY) -> int:
    """How many writes are let through now."""
    for taken in itertools.count():
        try:
            rate_limit.take(key)
        except ForgeRateLimited:
            return taken
    raise AssertionError("never refused")
