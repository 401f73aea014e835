"""create_app(settings): the HTTP service, put together; nothing happens at import."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

import failover_api
from failover_api import logs
from failover_api.config_file import ConfigFile, access_file
from failover_api.core.access.model import Access
from failover_api.edges import problems
from failover_api.edges.api import (
    alerts,
    automatic,
    docs,
    flux_events,
    group_relocations,
    metrics,
    nodes,
    operations,
    process,
    relocations,
    webhooks,
)
from failover_api.edges.api import routes as api_routes
from failover_api.edges.api.openapi import TAGS, Api
from failover_api.edges.board import automatic as board_automatic
from failover_api.edges.board import group_relocations as board_group_relocations
from failover_api.edges.board import operations as board_operations
from failover_api.edges.board import relocations as board_relocations
from failover_api.edges.board import routes as board_routes
from failover_api.edges.board.pages import wants_page
from failover_api.edges.http import hardening
from failover_api.edges.http.access import OPEN, Authenticator
from failover_api.edges.http.etags import etag_of
from failover_api.edges.http.json_response import json_response
from failover_api.edges.http.methods import Methods, methods_at
from failover_api.edges.http.root_path import RootPath, root_of
from failover_api.edges.http.shared_looks import Looks
from failover_api.edges.http.throttle import Throttle
from failover_api.edges.watch import gauges_of, watching
from failover_api.errors import BadRequest, FailoverError, MethodNotAllowed, NotReady, UnknownUrl, UnsafeMove
from failover_api.events import AlertTaken, BranchMoved, FluxReported, MoveEnded, Serving, StageChanged
from failover_api.metrics.counters import Counters
from failover_api.metrics.exposition import Metrics
from failover_api.settings import Settings
from failover_api.wiring import Components, open_failover

_log = logging.getLogger(__name__)
_ROUTERS = (
    *(
        api_routes.router,
        nodes.router,
        operations.router,
        relocations.router,
        group_relocations.router,
        automatic.router,
        process.router,
    ),
    *(webhooks.router, flux_events.router, alerts.router, board_automatic.router, board_operations.router),
    *(board_relocations.router, board_group_relocations.router, board_routes.router),
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def create_app(
    settings: Settings, *, open_to_all: bool = False, metrics_listener: socket.socket | None = None
) -> FastAPI:
    """The service. The lifespan opens the connections and watches the files of configuration.

    It raises ConfigInvalid when there is no valid access file at the start, unless it is `open_to_all`.
    `metrics_listener` is the port of their own that metrics are served on; it is closed with the service.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        access = None if open_to_all else open_access(settings)
        async with _opened(app, settings, access, metrics_listener) as components:
            watches = [components.catalog.watch(), access.watch()] if access else [components.catalog.watch()]
            watching = [asyncio.create_task(watch) for watch in watches]
            yield
            for watch in watching:
                watch.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    app = Api(
        title="failover-api",
        version=failover_api.__version__,
        summary="Moves stateful services between two nodes by changing their manifests in Git.",
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.board, app.state.throttle = board_routes.Board(), Throttle()
    _add_routes(app, with_metrics=settings.metrics_port is None)
    _add_bounds(app, settings)
    return app


@asynccontextmanager
async def _opened(
    app: FastAPI, settings: Settings, access: ConfigFile[Access] | None, metrics_listener: socket.socket | None
) -> AsyncIterator[Components]:
    """Everything that lives as long as the service; routes find it in `app.state`."""
    counters, looks = Counters(), Looks()
    async with contextlib.AsyncExitStack() as opened:
        components = await opened.enter_async_context(open_failover(settings, traffic=counters.traffic, in_pod=True))
        for move_ended in (counters.move_ended, looks.move_ended):
            components.events.subscribe(MoveEnded, move_ended)
        components.events.subscribe(BranchMoved, looks.branch_moved)
        components.events.subscribe(FluxReported, looks.flux_reported)
        components.events.subscribe(StageChanged, looks.stage_changed)
        components.events.subscribe(Serving, counters.serving)
        components.events.subscribe(AlertTaken, counters.alert_taken)
        watches = await opened.enter_async_context(watching(components))
        authenticator = Authenticator(access.current if access else lambda: OPEN, clock=components.clock)
        opened.push_async_callback(authenticator.aclose)
        app.state.components, app.state.authenticator, app.state.looks = components, authenticator, looks
        app.state.watches = watches
        gauges = gauges_of(counters, components, watches)
        app.state.metrics = Metrics(counters, gauges, components.overview)
        if metrics_listener is not None:
            await opened.enter_async_context(metrics.served(app.state.metrics, metrics_listener))
        with contextlib.suppress(FailoverError):  # without a catalog there is nothing to check
            components.notifier.check()
        yield components


def _add_routes(app: FastAPI, *, with_metrics: bool) -> None:
    for router in _ROUTERS:
        app.routes.extend(router.routes)  # as they are: to include them would make each of them anew, for each app
    app.add_api_route("/docs", docs.page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/openapi.json", docs.schema, methods=["GET"], include_in_schema=False)
    if with_metrics:
        metrics.add_route(app)


def _add_bounds(app: FastAPI, settings: Settings) -> None:
    """What every request meets, from the innermost to the outermost."""
    app.add_exception_handler(FailoverError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_middleware(Methods)
    app.add_middleware(
        hardening.Limits,
        at_once=settings.concurrency,
        time_s=settings.deadline_s + hardening.MARGIN_S,
        bodies={
            webhooks.PATH: webhooks.MAX_BYTES,
            flux_events.PATH: flux_events.MAX_BYTES,
            alerts.ALERTMANAGER: alerts.MAX_BYTES,
            alerts.GRAFANA: alerts.MAX_BYTES,
        },
    )
    app.add_middleware(RequestContext)
    app.add_middleware(hardening.SecurityHeaders)
    app.add_middleware(RootPath, usual=settings.root_path)


def open_access(settings: Settings) -> ConfigFile[Access]:
    """The access file, read. Raises ConfigInvalid."""
    access = access_file(settings.access)
    access.reload()
    access.current()
    return access


class RequestContext:
    """Gives each request an id, and a defect of ours the shape of a problem. Plain ASGI: it must not buffer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = _request_id(scope)
        token = logs.request_id.set(request)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except FailoverError as exc:  # of the limits; a route's own has become an answer before
            if started:
                raise
            await _answer(Request(scope), exc)(scope, receive, send_with_id)
        except Exception:
            _log.exception("request failed by a defect")
            if started:
                raise
            await _answer(Request(scope), problems.internal())(scope, receive, send_with_id)
        finally:
            logs.request_id.reset(token)


def _request_id(scope: Scope) -> str:
    """The caller's X-Request-ID when it is a plain word, else a new one."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else str(ULID())


def _answer(request: Request, error: FailoverError, headers: dict[str, str] | None = None) -> Response:
    """An error as a page for a browser, as a problem for everybody else."""
    if not wants_page(request):
        return _problem(request, error, headers)
    response = board_routes.board(request).pages.error(request, error)
    response.headers.update(headers or {})
    return response


def _problem(request: Request, error: FailoverError, headers: dict[str, str] | None = None) -> Response:
    """With a link to what to do about it: its type is a name, which leads nowhere by itself."""
    response = json_response(
        problems.problem(error, instance=logs.request_id.get()),
        problems.status_of(error),
        media_type=problems.MEDIA_TYPE,
    )
    if isinstance(error, UnsafeMove) and error.version:  # whoever accepts it can be bound to what was shown
        shown = json_response(problems.problem(error, instance=None))  # the same, whichever request it answers
        response.headers["ETag"] = etag_of(error.version, bytes(shown.body))
    link = f'<{root_of(request)}{problems.help_url(error.slug)}>; rel="help"'
    response.headers.update({"Link": link, **problems.headers(error), **(headers or {})})
    return response


async def _on_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, FailoverError)
    if isinstance(exc, MethodNotAllowed):
        return _answer(request, exc, {"Allow": "POST"})
    return _answer(request, exc)


async def _on_invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    first = exc.errors()[0]
    return _answer(request, BadRequest(f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"))


async def _on_http_error(request: Request, exc: Exception) -> Response:
    """The framework's own 404 and 405."""
    assert isinstance(exc, HTTPException)
    match exc.status_code:
        case 404:
            return _answer(request, UnknownUrl(f"nothing is at {request.url.path[:200]!r}"))
        case 405:
            allowed = ", ".join(methods_at(request.scope))
            error = MethodNotAllowed(f"{request.method[:20]} is not allowed here; expected {allowed}")
            return _answer(request, error, {"Allow": allowed})
        case status if status < 500:
            return _answer(request, BadRequest(str(exc.detail)))
        case _:
            return _answer(request, NotReady(str(exc.detail)))
