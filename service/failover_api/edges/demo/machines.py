"""The demo's machines on its board: a page with buttons that kill them, cut them off and bring them back.

It is added to the demo's app alone; the board knows nothing of it but an address and a folder of templates.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from failover_api.edges.board.routes import board
from failover_api.edges.http import session
from failover_api.edges.http.root_path import root_of
from failover_api.errors import UnknownUrl

if TYPE_CHECKING:
    from failover_api.edges.demo.world import World

PATH = "/demo"
Act = Literal["kill", "cut", "revive"]


def add_machines(app: FastAPI, world: "World") -> None:
    """Adds the page, and an address that leads to it to every page."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def show_machines(request: Request) -> Response:
        who = await session.visit(request)
        nodes = await run_in_threadpool(world.nodes)
        return board(request).pages.page(request, "machines.html", who.caller, nodes=nodes)

    @router.post(PATH + "/{node}/{act}")
    async def act_on_machine(request: Request, node: str, act: Act) -> Response:
        session.refuse_foreign_form(request)
        if not await run_in_threadpool(world.act, node, act):
            raise UnknownUrl(f"there is no machine {node[:100]!r} in the demo")
        return Response(status_code=303, headers={"Location": f"{root_of(request)}{PATH}"})

    app.include_router(router)
    app.state.board.pages.extend(Path(__file__).parent / "templates", {"Machines (simulated)": PATH})
