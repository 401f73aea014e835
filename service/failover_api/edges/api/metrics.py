"""GET /metrics: on the service's own port, or on a port of its own.

Where there is a port of its own (FAILOVER_METRICS_PORT) anybody who reaches it may scrape, and the service's port has
no /metrics. Both are served by one process and one event loop, and end together.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from failover_api.core.access.model import Verb
from failover_api.edges.api import openapi
from failover_api.edges.http.access import Who
from failover_api.edges.http.methods import Methods
from failover_api.edges.targets import components_of
from failover_api.metrics.exposition import Metrics

PATH = "/metrics"
AT_ONCE = 16  # scrapes; one takes milliseconds
_TEXT = {"type": "string", "examples": ['failover_service_side{service="sonarr",side="primary"} 1.0']}


def add_route(app: FastAPI) -> None:
    """On the service's own port, for whoever may view."""
    app.add_api_route(
        PATH,
        _guarded,
        methods=["GET"],
        response_class=Response,
        responses={**openapi.content("text/plain", _TEXT, "Prometheus' text, or OpenMetrics"), **openapi.problems()},
        operation_id="metrics",
        tags=["process"],
        summary="Metrics, for whoever may view every service",
    )


def listen(host: str, port: int) -> socket.socket:
    """The port for metrics. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


@asynccontextmanager
async def served(metrics: Metrics, listener: socket.socket) -> AsyncIterator[None]:
    """Serves them on a port of their own, without a check; `listener` is closed at the end."""
    app = Starlette(routes=[Route(PATH, _scrape, methods=["GET"])], middleware=[Middleware(Methods)])
    app.state.metrics = metrics
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=1,
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Beside(uvicorn.Server):
    """A server beside the service's, which alone deals with signals and says where it runs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def _log_started_message(self, listeners: object) -> None:
        pass


async def _guarded(request: Request, who: Who) -> Response:
    """Metrics name every service: for whoever may view all of them."""
    who.needs_every(Verb.VIEW, "metrics", components_of(request).catalog.current().services)
    return await _scrape(request)


async def _scrape(request: Request) -> Response:
    metrics: Metrics = request.app.state.metrics
    text, content_type = metrics.text(request.headers.get("accept", ""))
    return Response(text, headers={"content-type": content_type, "cache-control": "no-store"})
