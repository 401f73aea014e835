"""How many writes a pace lets through."""

import itertools

from failover_api.errors import ForgeRateLimited
from failover_api.forge.http.pace import RateLimit

KEY = "acme"


def take_all(pace: RateLimit, key: str = KEY) -> int:
    """How many writes are let through now."""
    for taken in itertools.count():
        try:
            pace.take(key)
        except ForgeRateLimited:
            return taken
    raise AssertionError("never refused")
