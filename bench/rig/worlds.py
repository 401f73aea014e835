"""Worlds of the demo in this process, several at once: in real time many take no longer than one.

GitHub and the cluster are simulated, and their clocks are as fast as ours unless something says that it skips.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.rig.scratch import scratch
from failover_api.edges.demo.world import World, small_world

Seen = TypeVar("Seen")


def in_worlds(acts: Sequence[Callable[[World], Seen]]) -> list[Seen]:
    """What each act gives, all at the same time, each in a world of its own."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(_in_world, acts))


def _in_world(act: Callable[[World], Seen]) -> Seen:
    with scratch() as folder, small_world(folder) as world:
        return act(world)
