"""The signal that something may have changed."""

import asyncio

from failover_api.changes import Changes


async def test_whoever_waits_is_woken() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    changes.tell()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_what_comes_while_one_is_busy_is_seen_once_and_never_lost() -> None:
    changes, seen = Changes(), list[int]()

    async def listen() -> None:
        async for count in changes:
            seen.append(count)
            await asyncio.sleep(0.01)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    changes.tell()
    await asyncio.sleep(0)
    changes.tell()
    changes.tell()
    await asyncio.sleep(0.05)
    changes.close()
    async with asyncio.timeout(5):
        await listening
    assert seen == [1, 3]


async def test_what_is_closed_keeps_nobody() -> None:
    changes = Changes()
    changes.close()
    async with asyncio.timeout(5):
        await changes.wait()
        assert [count async for count in changes] == []
