"""`failover serve`: the HTTP service under uvicorn."""

import logging
import math
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
    from failover_api.edges.connection import patient
    from failover_api.edges.hardening import MAX_HEAD_BYTES

    logs.set_up(log_format=settings.log_format, level=settings.log_level)
    _log.warning(
        "running open: there is no access control yet, whoever reaches this port may move services",
        extra={"host": host, "port": port},
    )
    # uvicorn raises the signal that stopped it once more when it is done: that is when we leave.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _leave)
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=patient(settings.receive_timeout_s),
        ws="none",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.deadline_s) + 5,
    )
    try:
        uvicorn.Server(config).run()
    except SystemExit as exc:
        sys.exit(1 if exc.code else 0)  # uvicorn's code for a start that failed is 3, which means "refused" here


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)
