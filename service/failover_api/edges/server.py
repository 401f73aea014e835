"""`failover serve`: the HTTP service under uvicorn."""

import logging
import math
import os
import signal
import sys
from types import FrameType
from typing import Any

from failover_api import logs
from failover_api.edges.interruption import SIGNALS, leave, set_handlers
from failover_api.errors import ConfigInvalid
from failover_api.settings import Settings

_log = logging.getLogger(__name__)


def run_server(settings: Settings, *, host: str, port: int, open_to_all: bool = False) -> None:
    """Serves until SIGTERM, SIGINT or SIGHUP; what is under way is finished first, then the process exits with 0.

    Raises ConfigInvalid without a valid access file, unless it is `open_to_all`. Exits with 1 when it cannot start for
    another reason; the log says why.
    """
    import uvicorn

    from failover_api.edges.api.metrics import listen
    from failover_api.edges.app import create_app
    from failover_api.edges.http.connection import patient
    from failover_api.edges.http.hardening import MAX_HEAD_BYTES
    from failover_api.edges.http.root_path import ForwardedHeaders

    if not open_to_all:
        _check_access(settings)
    logs.set_up(log_format=settings.log_format, level=settings.log_level)
    if open_to_all:
        _log.warning(
            "running open: there is no access control, whoever reaches this port may move services",
            extra={"host": host, "port": port},
        )
    # uvicorn raises the signal that stopped it once more when it is done: that is when we leave.
    set_handlers(_leave)
    try:
        metrics_listener = None if settings.metrics_port is None else listen(host, settings.metrics_port)
    except OSError as exc:
        facts = {"host": host, "port": settings.metrics_port, "detail": str(exc)}
        _log.error("the port for metrics cannot be opened", extra=facts)
        sys.exit(1)
    app: Any = create_app(settings, open_to_all=open_to_all, metrics_listener=metrics_listener)
    # Whom to believe about the caller's address is for FORWARDED_ALLOW_IPS to say; unset: nobody.
    if "FORWARDED_ALLOW_IPS" in os.environ:
        app = ForwardedHeaders(app, os.environ["FORWARDED_ALLOW_IPS"])
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        proxy_headers=False,  # ForwardedHeaders does that
        http=patient(settings.receive_timeout_s),
        ws="none",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=shutdown_s(settings),
    )
    server = uvicorn.Server(config)
    # uvicorn knows nothing of SIGHUP, which a closed terminal sends: it is a SIGTERM to it.
    set_handlers(
        lambda _, frame: server.handle_exit(signal.SIGTERM, frame), set(SIGNALS) - {signal.SIGINT, signal.SIGTERM}
    )
    try:
        server.run()
    except SystemExit as exc:
        sys.exit(1 if exc.code else 0)  # uvicorn's code for a start that failed is 3, which means "refused" here


def _check_access(settings: Settings) -> None:
    from failover_api.edges.app import open_access

    try:
        open_access(settings)
    except ConfigInvalid as exc:
        cure = "`failover token new NAME` prints an entry for it; --insecure-no-auth lets everybody in instead"
        raise ConfigInvalid(f"{exc.detail}; {cure}") from exc


def shutdown_s(settings: Settings) -> int:
    """How long a stop waits for what is under way, seconds. Whoever ends the process by force must wait longer."""
    return math.ceil(settings.deadline_s) + 5


def _leave(signum: int, frame: FrameType | None) -> None:
    """At once: an exception might be swallowed by whatever runs."""
    leave(0)
