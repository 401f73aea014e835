"""`failover guard`: automatic failover alone, without the HTTP service; also outside of the cluster, with a kubeconfig.

It does what `serve` does by itself: it guards nodes, follows moves until they serve, and goes on with those in waves.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator

from failover_api import logs
from failover_api.core.catalog.automatic import Mode
from failover_api.edges.api import metrics
from failover_api.edges.interruption import SIGNALS
from failover_api.edges.watch import Watches, gauges_of, watching
from failover_api.errors import ClusterNeeded, FailoverError
from failover_api.events import MoveEnded, Serving
from failover_api.metrics.counters import Counters
from failover_api.metrics.exposition import Metrics
from failover_api.settings import Settings
from failover_api.wiring import Components, open_failover

HOST = "0.0.0.0"  # noqa: S104 - of metrics alone, and only where a port is named for them
_log = logging.getLogger(__name__)


def run_guard(settings: Settings) -> None:
    """Guards until SIGTERM, SIGINT or SIGHUP; what is being written is finished first, then it exits with 0.

    Raises ConfigInvalid without a valid catalog, ClusterNeeded where no cluster is configured.
    """
    logs.set_up(log_format=settings.log_format, level=settings.log_level)
    asyncio.run(_guard(settings))


async def _guard(settings: Settings) -> None:
    counters, told = Counters(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            loop.add_signal_handler(signum, told.set)
    async with open_failover(settings, traffic=counters.traffic, in_pod=True) as components:
        components.catalog.current()
        if components.cluster is None:
            raise ClusterNeeded(
                "no cluster is configured here: set FAILOVER_CLUSTER to a kubeconfig, or run it in a pod that has a "
                "service account"
            )
        components.events.subscribe(MoveEnded, counters.move_ended)
        components.events.subscribe(Serving, counters.serving)
        with contextlib.suppress(FailoverError):
            components.notifier.check()
        async with watching(components) as watches, _scraped(settings, components, counters, watches):
            if watches.guarding.mode is Mode.NONE:
                _log.warning("automatic.mode is none: nothing is guarded until the catalog says otherwise")
            reloading = asyncio.create_task(components.catalog.watch())
            await told.wait()
            _log.info("the guard ends")
            reloading.cancel()
            await asyncio.gather(reloading, return_exceptions=True)


@contextlib.asynccontextmanager
async def _scraped(
    settings: Settings, components: Components, counters: Counters, watches: Watches
) -> AsyncIterator[None]:
    """Serves metrics where there is a port for them."""
    if settings.metrics_port is None:
        yield
        return
    try:
        listener = metrics.listen(HOST, settings.metrics_port)
    except OSError as exc:
        _log.error("the port for metrics cannot be opened", extra={"port": settings.metrics_port, "detail": str(exc)})
        sys.exit(1)
    gauges = gauges_of(counters, components, watches)
    async with metrics.served(Metrics(counters, gauges, components.overview), listener):
        yield
