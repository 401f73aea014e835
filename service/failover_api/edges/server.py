"""`failover serve`: the HTTP service under uvicorn."""

import logging
import signal
import sys
from types import FrameType

from failover_api import logs
from failover_api.settings import Settings

_log = logging.getLogger(__name__)


def run_server(settings: Settings, *, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT; what is under way is finished first, then the process exits with 0.

    Exits with 1 when it cannot start; the log says why.
    """
    import uvicorn

    from failover_api.edges.app import create_app
    from failover_api.edges.metrics import listen

    logs.set_up(log_format=settings.log_format, level=settings.log_level)
    _log.warning(
        "running open: there is no access control yet, whoever reaches this port may move services",
        extra={"host": host, "port": port},
    )
    # uvicorn raises the signal that stopped it once more when it is done: that is when we leave.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _leave)
    try:
        metrics_listener = None if settings.metrics_port is None else listen(host, settings.metrics_port)
    except OSError as exc:
        facts = {"host": host, "port": settings.metrics_port, "detail": str(exc)}
        _log.error("the port for metrics cannot be opened", extra=facts)
        sys.exit(1)
    config = uvicorn.Config(
        create_app(settings, metrics_listener=metrics_listener),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.deadline_s) + 5,
    )
    try:
        uvicorn.Server(config).run()
    except SystemExit as exc:
        sys.exit(1 if exc.code else 0)  # uvicorn's code for a start that failed is 3, which means "refused" here


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)
