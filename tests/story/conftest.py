"""What stories may ask for."""

from tests.support.simulated import without_sockets

__all__ = ["without_sockets"]
