"""The one place where the pieces meet.

async with open_failover(settings) as components:
    await components.failover.status("sonarr")
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from failover_api.config_file import ConfigFile, catalog_file
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Catalog
from failover_api.errors import ClusterNeeded, NotReady
from failover_api.events import (
    AutomaticTold,
    Blocked,
    BranchMoved,
    Events,
    FluxReported,
    Looked,
    Merged,
    MoveEnded,
    RelocationTold,
    Serving,
    StageChanged,
)
from failover_api.failover import Failover
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import open_connections
from failover_api.forge.http.credentials import Credentials, StaticToken
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.http.read_budget import A_MINUTE, KEPT_OF_MINUTE, ReadBudget
from failover_api.forge.http.traffic import TrafficListener, ignore_traffic
from failover_api.host_clock import HostClock
from failover_api.notify.flux_receiver import Flux
from failover_api.notify.merges import Merges
from failover_api.notify.notifier import Notifier
from failover_api.overview import Overview
from failover_api.reading.clusters import ClusterReader
from failover_api.settings import Settings

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.automatic.alert_desk import AlertDesk, Mover
    from failover_api.automatic.control import Control
    from failover_api.automatic.guard import Guard
    from failover_api.cluster.access import Access
    from failover_api.cluster.port import Cluster

_log = logging.getLogger(__name__)
AROUND_A_LOOK_S = 0.2  # of the time for a look at the cluster: to begin it, and to make something of what came
REQUEST_TIMEOUT_S = 10.0  # GitHub ends a request of its own accord then

LOOKING = A_MINUTE - KEPT_OF_MINUTE  # points a minute, of all who work as the installation
LOOKING_AT_LEAST = 300  # a command of a small share still looks at a large catalog


class Automatic:
    """Automatic failover, made when somebody asks for it, and once: without it nothing of it is loaded."""

    def __init__(self, cluster: "Cluster | None", catalog: ConfigFile[Catalog], namespace: str | None) -> None:
        self._cluster, self._catalog, self._namespace = cluster, catalog, namespace
        self._control: Control | None = None
        self.mover: Callable[[], Mover] = self._no_mover

    def _no_mover(self) -> "Mover":
        self.control()
        raise NotReady("automatic failover does not run in this process")

    @property
    def is_off(self) -> bool:
        """Whether it is not asked for, and there is no cluster to look at either."""
        return self._cluster is None and self._catalog.current().automatic.mode is Mode.NONE

    def control(self) -> "Control":
        """Raises ClusterNeeded where no cluster is configured."""
        if self._cluster is None:
            raise ClusterNeeded("no cluster is configured here, and automatic failover needs one to look at")
        if self._control is None:
            from failover_api.automatic.control import Control

            self._control = Control(self._cluster, self._catalog.current, namespace=self._namespace)
        return self._control

    def guard(self, failover: Failover, events: Events, *, git_clock: HostClock) -> "Guard":
        """Whoever judges nodes in this process, and moves for alerts. Raises ClusterNeeded."""
        from failover_api.automatic.alert_mover import AlertMover
        from failover_api.automatic.guard import Guard

        control = self.control()
        assert self._cluster is not None, "there is a control"
        made = Guard(self._cluster, self._catalog.current, failover, control, events, git_clock=git_clock)
        mover = AlertMover(made)
        self.mover = lambda: mover
        return made

    def guard_ended(self) -> None:
        """From now on nobody moves for alerts here."""
        self.mover = self._no_mover

    def alert_desk(self) -> "AlertDesk":
        """Where alerts are taken; whatever they ask of a cluster that is not there raises ClusterNeeded."""
        from failover_api.automatic.alert_desk import AlertDesk

        return AlertDesk(self._catalog.current, self.control, lambda: self.mover())


@dataclass(frozen=True, slots=True)
class Components:
    """Everything that was put together, for the edges to use."""

    settings: Settings
    catalog: ConfigFile[Catalog]
    credentials: Credentials
    clock: HostClock
    github: GitHub
    failover: Failover
    events: Events
    overview: Overview
    merges: Merges
    notifier: Notifier
    flux: Flux
    automatic: Automatic
    cluster: "Cluster | None" = None  # None: none is configured


@asynccontextmanager
async def open_failover(
    settings: Settings,
    catalog: ConfigFile[Catalog] | None = None,
    *,
    rate_limit: RateLimit | None = None,
    traffic: TrafficListener = ignore_traffic,
    in_pod: bool = False,
) -> AsyncIterator[Components]:
    """Puts the pieces together; nothing is asked of GitHub, or of a cluster, yet.

    `rate_limit` is that of our share unless another is given; `traffic` is told of each request to GitHub. `in_pod`: if
    nothing else is configured, the cluster is that of the pod we run in, if any.
    """
    catalog = catalog or catalog_file(settings.config)
    catalog.reload()
    timeout_s = min(REQUEST_TIMEOUT_S, settings.deadline_s / 3)
    async with contextlib.aclosing(open_connections()) as connections:
        client = GitHubClient(
            connections,
            base_url=settings.github_url,
            timeout_s=timeout_s,
            budget=ReadBudget(most=max(LOOKING_AT_LEAST, int(LOOKING * settings.github_share))),
            rate_limit=rate_limit or RateLimit.of_share(settings.github_share),
            listener=traffic,
        )
        client.credentials = _credentials(settings, client)
        client.share = settings.github_share
        client.unused = used, unused = settings.credentials_used
        if unused:
            _log.warning("more credentials are set than are used", extra={"used": used, "unused": list(unused)})
        github = GitHub(client)
        events = Events()
        cluster = _cluster(settings, in_pod=in_pod)
        has_webhook = settings.webhook_secret_file is not None
        notifier = Notifier(catalog.current, tells_merges=not has_webhook)
        failover = Failover(
            github,
            catalog.current,
            deadline_s=settings.deadline_s,
            events=events,
            now=client.clock.now,
            secret=client.credentials.secret,
            clusters=ClusterReader(cluster, timeout_s=settings.cluster_timeout_s),
            untold=notifier.untold,
        )
        merges = Merges(failover.status, events, watches=not has_webhook)
        overview = Overview(failover.list_all, is_needed=merges.is_watching)
        flux = Flux(catalog.current, connections)
        for move_ended in (merges.move_ended, overview.move_ended, notifier.move_ended, flux.move_ended):
            events.subscribe(MoveEnded, move_ended)
        for looked in (merges.looked, overview.looked):
            events.subscribe(Looked, looked)
        events.subscribe(BranchMoved, overview.branch_moved)
        events.subscribe(FluxReported, overview.flux_reported)
        events.subscribe(StageChanged, overview.stage_changed)
        events.subscribe(Serving, notifier.serving)
        events.subscribe(Blocked, notifier.blocked)
        events.subscribe(AutomaticTold, notifier.automatic_told)
        events.subscribe(RelocationTold, notifier.relocation_told)
        for merged in (notifier.merged, flux.merged):
            events.subscribe(Merged, merged)
        try:
            yield Components(
                settings,
                catalog,
                client.credentials,
                client.clock,
                github,
                failover,
                events,
                overview,
                merges,
                notifier,
                flux,
                Automatic(cluster, catalog, settings.lease_namespace),
                cluster,
            )
        finally:
            if cluster is not None:
                await cluster.aclose()
            await asyncio.gather(merges.aclose(), overview.aclose())
            await failover.aclose()
            await asyncio.gather(notifier.aclose(), flux.aclose())
            await client.credentials.aclose()


def _cluster(settings: Settings, *, in_pod: bool) -> "Cluster | None":
    """The cluster that is configured; the pod's own where `auto` means that and a service account is mounted."""
    chosen = settings.cluster.lower()
    if chosen == "none" or (chosen == "auto" and not in_pod):
        return None
    open_access: Callable[[], Access]
    if chosen == "auto":
        from failover_api.cluster.in_cluster import pod_access

        access = pod_access()
        if access is None:
            return None
        what, open_access = access.what, lambda: access
    else:
        from failover_api.cluster.kubeconfig import kubeconfig_access

        file = Path(settings.cluster).expanduser()
        what, open_access = f"kubeconfig {file}", partial(kubeconfig_access, file, settings.cluster_context)
    from failover_api.cluster.kubernetes import Kubernetes

    timeout_s = settings.cluster_timeout_s
    return Kubernetes(what, open_access, timeout_s=timeout_s - min(AROUND_A_LOOK_S, timeout_s / 10))


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
