"""Several requests at once, without leaving one behind: the first error cancels the rest."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order. Raises the first error, by itself, once all the others have ended."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first


async def both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """As together(), for two of different types."""
    first, second = await together([_erased(one), _erased(other)])
    return first, second


async def _erased(work: Coroutine[Any, Any, Any]) -> Any:
    return await work
