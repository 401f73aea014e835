"""What is so when somebody asks: nothing here is counted, and nobody is asked on the way."""

import platform
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily

import failover_api
from failover_api.config_file import ConfigFile
from failover_api.core.catalog.model import Catalog, Service, Side
from failover_api.core.planning.state import State
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus
from failover_api.core.safety.rollout.stages import Stage
from failover_api.errors import ConfigInvalid, NotReady
from failover_api.failover import Failover
from failover_api.forge.http.credentials import Credentials
from failover_api.metrics.automatic import AutomaticSeen, automatic_metrics
from failover_api.metrics.counters import Counters
from failover_api.metrics.gauge import gauge
from failover_api.metrics.relocations import relocation_metrics
from failover_api.notify.notifier import Notifier
from failover_api.overview import LastKnown, Overview

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.operations.relocation_report import RelocationReport


class Gauges:
    """A collector, in the words of prometheus_client."""

    def __init__(
        self,
        counters: Counters,
        overview: Overview,
        *,
        catalog: ConfigFile[Catalog],
        credentials: Credentials,
        failover: Failover,
        notifier: Notifier,
        stages: Callable[[], Mapping[str, Stage]] = dict,
        replications: Callable[[], Mapping[str, ReplicationStatus]] = dict,
        ready: Callable[[], Mapping[tuple[str, Side], bool]] = dict,
        automatic: Callable[[], AutomaticSeen] = AutomaticSeen,
        relocations: "Callable[[], Mapping[str, RelocationReport]]" = dict,
        drills: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._relocations, self._drills = relocations, drills
        self._automatic = automatic
        self._counters, self._overview, self._notifier = counters, overview, notifier
        self._catalog, self._credentials, self._failover = catalog, credentials, failover
        self._stages, self._replications, self._ready = stages, replications, ready

    def collect(self) -> Iterator[Metric]:
        """What the catalog has no more, has no series."""
        services = self.services()
        yield from self._process()
        yield from self._catalogued(services)
        yield from _seen(self._overview.last(services))
        yield from self._in_cluster(services)
        yield from self._copies(services)
        yield from self._limits(services)
        yield from self._clock()
        yield self._notifications()
        yield from automatic_metrics(self._automatic())
        yield from self._relocated(services)

    def services(self) -> Mapping[str, Service]:
        """Of the catalog in force; none when there never was a good one."""
        try:
            return self._catalog.current().services
        except ConfigInvalid:
            return {}

    def _process(self) -> Iterator[Metric]:
        about = (failover_api.__version__, platform.python_version())
        yield gauge("failover_build_info", "What runs here: always 1.", ("version", "python_version"), [(about, 1)])
        yield gauge(
            "failover_credentials_readable",
            "1 when GitHub's key or token can be read and used here. Whether GitHub takes it is another matter.",
            value=self._are_readable(),
        )
        yield gauge(
            "failover_writes_waiting",
            "Direct moves that wait for their turn to be written.",
            value=self._failover.writes_waiting,
        )

    def _catalogued(self, services: Mapping[str, Service]) -> Iterator[Metric]:
        catalog = self._catalog
        yield gauge(
            "failover_catalog_valid",
            "1 when the newest version of the catalog is in force, 0 when it was refused and the last good one is.",
            value=catalog.error is None,
        )
        yield gauge("failover_catalog_services", "Services in the catalog in force.", value=len(services))
        reloads = CounterMetricFamily(
            "failover_catalog_reloads_total",
            "Versions of the catalog that were read. result: accepted, refused.",
            labels=("result",),
        )
        reloads.add_metric(("accepted",), catalog.accepted)
        reloads.add_metric(("refused",), catalog.refused)
        yield reloads

    def _notifications(self) -> Metric:
        """With a 0 before the first: a counter that begins with 1 has not increased."""
        family = CounterMetricFamily(
            "failover_notifications_total",
            "Messages to people about moves, one for each target. outcome: sent, failed (after the last try), dropped "
            "(never tried: no target could be read, too many waited, or the process ended).",
            labels=("outcome",),
        )
        for outcome in ("sent", "failed", "dropped"):
            family.add_metric((outcome,), self._notifier.tally[outcome])
        return family

    def _in_cluster(self, services: Mapping[str, Service]) -> Iterator[Metric]:
        stages = {name: stage for name, stage in self._stages().items() if name in services}
        yield gauge(
            "failover_service_stage",
            "1 for how far a service is in its cluster, 0 for the other stages; absent where it is not seen.",
            ("service", "stage"),
            [((name, stage.value), seen is stage) for name, seen in stages.items() for stage in Stage],
        )
        ready = {key: could for key, could in self._ready().items() if key[0] in services}
        yield gauge(
            "failover_ready_to_move",
            "1 when the service could be moved to that side, by a look once an hour; 0 when something stops it.",
            ("service", "to"),
            [((name, side.value), could) for (name, side), could in ready.items()],
        )

    def _copies(self, services: Mapping[str, Service]) -> Iterator[Metric]:
        copies = {name: copy for name, copy in self._replications().items() if name in services}
        ages = ((name, copy.data_as_of) for name, copy in copies.items())
        yield gauge(
            "failover_data_as_of_timestamp_seconds",
            "The time of the data in the copy on the side where the service is not; absent where it is not known.",
            ("service",),
            [((name,), as_of) for name, as_of in ages if as_of is not None],
        )
        yield gauge(
            "failover_replication_state",
            "1 for how well the data of a service is copied to its other side, 0 for the other states; absent where "
            "the catalog has no replication of it.",
            ("service", "state"),
            [((name, state.value), copy.state is state) for name, copy in copies.items() for state in ReplicationState],
        )

    def _relocated(self, services: Mapping[str, Service]) -> Iterator[Metric]:
        seen = {name: report for name, report in self._relocations().items() if name in services}
        drills = {name: at for name, at in self._drills().items() if name in services}
        yield from relocation_metrics(seen, drills)

    def _clock(self) -> Iterator[Metric]:
        if self._counters.clock_offset_s is not None:
            yield gauge(
                "failover_github_clock_offset_seconds",
                "How far this machine's clock is ahead of GitHub's, by the last reply; below 0: behind it.",
                value=self._counters.clock_offset_s,
            )

    def _limits(self, services: Mapping[str, Service]) -> Iterator[Metric]:
        accounts = {self._credentials.key(service.branch.repository) for service in services.values()} | {"app"}
        quotas = {key: quota for key, quota in self._counters.quotas.items() if key[0] in accounts}
        labels = ("account", "resource")
        yield gauge(
            "failover_github_rate_limit_requests",
            "Requests an hour that GitHub allows. account: of the installation; token; app (the App's own).",
            labels,
            [(key, quota.limit) for key, quota in quotas.items()],
        )
        yield gauge(
            "failover_github_rate_limit_remaining_requests",
            "Requests that are left until the reset, by the last reply.",
            labels,
            [(key, quota.remaining) for key, quota in quotas.items()],
        )
        yield gauge(
            "failover_github_rate_limit_reset_timestamp_seconds",
            "When all requests may be made again.",
            labels,
            [(key, quota.reset_at) for key, quota in quotas.items()],
        )

    def _are_readable(self) -> bool:
        try:
            self._credentials.check_readable()
        except NotReady:
            return False
        return True


def _seen(known: Mapping[str, LastKnown]) -> Iterator[Metric]:
    yield gauge(
        "failover_service_side",
        "1 for the side that a service is on, by the last look that GitHub answered, 0 for the others. "
        "side: primary, backup, mixed (some values each way), unknown (on neither side, unreadable, or not seen yet).",
        ("service", "side"),
        [((name, side.value), one.state is side) for name, one in known.items() for side in State],
    )
    yield _by_service(
        "failover_service_drifted", "1 when a manifest holds a value that is on neither side.", known, _drifted
    )
    yield _by_service(
        "failover_service_readable", "1 when the last look could read the service's manifests.", known, _readable
    )
    yield _by_service(
        "failover_service_seen_timestamp_seconds", "When GitHub last said where the service is.", known, _seen_at
    )
    yield _by_service(
        "failover_service_moved_timestamp_seconds",
        "When the service was moved last; absent while no move of it is known.",
        known,
        _moved_at,
    )
    yield _by_service(
        "failover_pull_request_opened_timestamp_seconds",
        "When the open pull request that moves the service was opened; absent while there is none.",
        known,
        _opened_at,
    )
    pulls = {one.pull_request.url for one in known.values() if one.pull_request is not None}
    yield gauge("failover_open_pull_requests", "Pull requests of ours that wait to be merged.", value=len(pulls))


def _drifted(one: LastKnown) -> float:
    return one.is_drifted


def _readable(one: LastKnown) -> float:
    return one.is_readable


def _seen_at(one: LastKnown) -> float | None:
    return one.seen_at


def _moved_at(one: LastKnown) -> float | None:
    move = one.status.last_move if one.status is not None else None
    return seconds_of(move.logged.at) if move is not None else None


def _opened_at(one: LastKnown) -> float | None:
    return None if one.pull_request is None else one.pull_request.opened_at


def _by_service(
    name: str, about: str, known: Mapping[str, LastKnown], value: Callable[[LastKnown], float | None]
) -> Metric:
    values = ((service, value(one)) for service, one in known.items())
    return gauge(name, about, ("service",), [((service,), v) for service, v in values if v is not None])
