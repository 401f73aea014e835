"""The one place where the pieces meet.

async with open_failover(settings) as house:
    await house.failover.status("sonarr")
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from failover_api.config_file import ConfigFile, catalog_file
from failover_api.core.catalog.model import Catalog
from failover_api.events import Listener
from failover_api.failover import Failover, Watcher
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.budget import A_MINUTE, KEPT_OF_MINUTE, Budget
from failover_api.forge.http.connections import keep_alive
from failover_api.forge.http.credentials import Credentials, StaticToken
from failover_api.forge.http.host_clock import HostClock
from failover_api.forge.http.pace import RateLimit
from failover_api.forge.http.traffic import TrafficListener, unwatched
from failover_api.notify.changes import Changes
from failover_api.notify.flux_receiver import Flux
from failover_api.notify.merges import Merges
from failover_api.notify.notifier import Notifier
from failover_api.reading.status import Status
from failover_api.settings import Settings

_log = logging.getLogger(__name__)
REQUEST_TIMEOUT_S = 10.0  # GitHub ends a request of its own accord then

LOOKING = A_MINUTE - KEPT_OF_MINUTE  # points a minute, of all who work as the installation
LOOKING_AT_LEAST = 300  # a command of a small share still looks at a large catalog


@dataclass(frozen=True, slots=True)
class Components:
    """Everything that was put together, for the edges to use."""

    settings: Settings
    catalog: ConfigFile[Catalog]
    credentials: Credentials
    clock: HostClock
    github: GitHub
    failover: Failover
    changes: Changes
    merges: Merges
    notifier: Notifier
    flux: Flux


@asynccontextmanager
async def open_failover(
    settings: Settings,
    catalog: ConfigFile[Catalog] | None = None,
    *,
    pace: RateLimit | None = None,
    listeners: Sequence[Listener] = (),
    watchers: Sequence[Watcher] = (),
    traffic: TrafficListener = unwatched,
) -> AsyncIterator[Components]:
    """Puts the pieces together; nothing is asked of GitHub yet.

    `pace` is that of our share unless another is given; `listeners` are told of every move that ended, `watchers` of
    what was seen of services, `traffic` of each request to GitHub.
    """
    catalog = catalog or catalog_file(settings.config)
    catalog.reload()
    timeout_s = min(REQUEST_TIMEOUT_S, settings.deadline_s / 3)
    async with contextlib.aclosing(keep_alive()) as connections:
        client = GitHubClient(
            connections,
            base_url=settings.github_url,
            timeout_s=timeout_s,
            budget=Budget(most=max(LOOKING_AT_LEAST, int(LOOKING * settings.github_share))),
            pace=pace or RateLimit.of_share(settings.github_share),
            listener=traffic,
        )
        client.credentials = _credentials(settings, client)
        client.share = settings.github_share
        client.unused = used, unused = settings.credentials_used
        if unused:
            _log.warning("more credentials are set than are used", extra={"used": used, "unused": list(unused)})
        github = GitHub(client)
        changes, flux = Changes(), Flux(catalog.current, connections)
        has_webhook = settings.webhook_secret_file is not None
        notifier = Notifier(catalog.current, tells_merges=not has_webhook)

        async def status(name: str) -> Status:
            return await failover.status(name)

        merges = Merges(status, [notifier.merged, flux.merged], looks=not has_webhook)
        listeners = [merges, notifier, flux, *listeners]
        failover = Failover(
            github,
            catalog.current,
            deadline_s=settings.deadline_s,
            listeners=listeners,
            watchers=watchers,
            now=client.clock.now,
            secret=client.credentials.secret,
        )
        try:
            yield Components(
                settings,
                catalog,
                client.credentials,
                client.clock,
                github,
                failover,
                changes,
                merges,
                notifier,
                flux,
            )
        finally:
            await merges.aclose()
            await failover.aclose()
            await asyncio.gather(notifier.aclose(), flux.aclose())
            await client.credentials.aclose()


def _credentials(settings: Settings, client: GitHubClient) -> Credentials:
    """An App when one is named, else a token."""
    if settings.github_app_id and settings.github_private_key_file:
        return AppCredentials(
            app_id=settings.github_app_id,
            key_file=settings.github_private_key_file,
            ask=client.as_app,
            clock=client.clock,
            installation_id=settings.github_installation_id,
        )
    if settings.github_token_file is not None:
        return StaticToken(file=settings.github_token_file)
    return StaticToken(value=settings.github_token.get_secret_value() if settings.github_token else None)
