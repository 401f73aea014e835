"""Several requests at once: none is left running when one fails, and long lists are cut into batches."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order. The first error cancels the rest, and is raised by itself once all have ended."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first  # outside of the `except`: callers catch the error itself, without the group as its context


async def both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """As together(), for two of different types."""
    first, second = await together([_erased(one), _erased(other)])
    return first, second


async def _erased(work: Coroutine[Any, Any, Any]) -> Any:
    return await work


def batches(
    items: Iterable[T], count: int, *, size_bytes: Callable[[T], int] = lambda _: 0, max_bytes: int = 1
) -> Iterator[list[T]]:
    """Cuts items into lists of at most `count`, and of at most `max_bytes` unless a single item is larger."""
    batch: list[T] = []
    total_bytes = 0
    for item in items:
        if batch and (len(batch) == count or total_bytes + size_bytes(item) > max_bytes):
            yield batch
            batch, total_bytes = [], 0
        batch.append(item)
        total_bytes += size_bytes(item)
    if batch:
        yield batch
