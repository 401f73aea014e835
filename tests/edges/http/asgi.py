"""Applications that answer, hang, stream, echo and fail."""

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.support.clock import LIMIT_S


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("here")(scope, receive, send)


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(LIMIT_S)


async def stream_slowly(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(4):
        await asyncio.sleep(0.03)
        await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 3})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await send(await receive())
    await send(await receive())


async def fail_by_itself(scope: Scope, receive: Receive, send: Send) -> None:
    raise TimeoutError("mine")
