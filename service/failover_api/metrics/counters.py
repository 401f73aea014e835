"""What is counted as it happens: moves and what result of them, requests to GitHub and what they met."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from failover_api.core.catalog.model import Action, Policy, Service
from failover_api.errors import FailoverError, ForgeRateLimited, NotReady, WriteConflict
from failover_api.events import AlertTaken, MoveEnded, Serving, verdict
from failover_api.forge.github.replies import BadCredentials
from failover_api.forge.http.traffic import (
    CredentialsRejected,
    Quota,
    RequestCompleted,
    RequestRefused,
    RequestRetried,
    TrafficEvent,
)
from failover_api.moves.outcome import Outcome

MOVE_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
SERVING_BUCKETS_S = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
REQUEST_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


_TRIGGERS = ("automatic", "alert")  # who asks for a move that nobody asked for
_RESULTS = ("moved", "held", "refused", "forbidden", "unreadable")  # those that alert rules ask for: they begin at 0


class Counters:
    """Counters in a registry of their own, and what GitHub's last replies said. `traffic` is for open_failover()."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.quotas: dict[tuple[str, str], Quota] = {}  # by account and resource
        self.clock_offset_s: float | None = None
        self._moves = _Moves(self.registry)
        self._requests = _Requests(self.registry)
        self._serving = Histogram(
            "failover_serving_seconds",
            "From the commit of a move to the ready pod that serves, counted by the replica that made the move.",
            ("action",),
            buckets=SERVING_BUCKETS_S,
            registry=self.registry,
        )
        for action in Action:
            self._serving.labels(action)
        self._automatic = Counter(
            "failover_automatic_moves_total",
            "Moves that nobody asked for, counted once for all services of an event. trigger: automatic (a node died), "
            "alert; outcome: moved, refused, failed, unknown.",
            ("trigger", "outcome"),
            registry=self.registry,
        )
        self._alerts = Counter(
            "failover_automatic_alerts_total",
            "Alerts that were sent here, by what became of each: moved, proposed, would-move, nothing-to-do, held, "
            "refused, witness, withdrawn, ignored, forbidden, unreadable.",
            ("result",),
            registry=self.registry,
        )
        for result in _RESULTS:
            self._alerts.labels(result)
        for trigger in _TRIGGERS:
            for outcome in ("moved", "refused", "failed", "unknown"):
                self._automatic.labels(trigger, outcome)

    def alert_taken(self, event: AlertTaken) -> None:
        """An alert came."""
        self._alerts.labels(event.result).inc()

    def serving(self, event: Serving) -> None:
        """A move of ours serves."""
        if event.is_own and event.took_s is not None and event.record.action in set(Action):
            self._serving.labels(event.record.action).observe(event.took_s)

    def move_ended(self, event: MoveEnded) -> None:
        """Counts a move."""
        if not event.is_tidy:
            self._moves.count(event)
        if event.by in _TRIGGERS and not event.dry_run and (event.news is not None or event.error is not None):
            self._automatic.labels(event.by, "moved" if event.error is None else verdict(event.error)).inc()

    def traffic(self, event: TrafficEvent) -> None:
        """Something went to GitHub, or result back."""
        self._requests.count(event)
        if isinstance(event, RequestCompleted) and event.quota is not None:
            self.quotas[event.account, event.quota.resource] = event.quota
        if isinstance(event, RequestCompleted) and event.clock_offset_s is not None:
            self.clock_offset_s = event.clock_offset_s

    def keep(self, services: Mapping[str, Service]) -> None:
        """The catalog has these: others lose their series, new ones get theirs."""
        self._moves.keep(services)


class _Moves:
    """Counted by service; how long they took, and what refused them, without."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "failover_moves_total",
            "Moves that ended, one for each service. outcome: moved, proposed (a pull request was opened), unchanged, "
            "refused, failed, unknown (it may have been written); policy: what the catalog says.",
            ("service", "action", "policy", "outcome"),
            registry=registry,
        )
        self._problems = Counter(
            "failover_move_problems_total",
            "Moves that ended with a problem, by the last part of its type.",
            ("problem",),
            registry=registry,
        )
        self._dry_runs = Counter(
            "failover_dry_runs_total",
            "Dry runs that were asked for. outcome: changes, unchanged, refused, failed, unknown.",
            ("action", "outcome"),
            registry=registry,
        )
        self._duration = Histogram(
            "failover_move_duration_seconds",
            "How long a move took, from the request to its answer, whatever it was.",
            ("action", "policy"),
            buckets=MOVE_BUCKETS_S,
            registry=registry,
        )
        self._held: set[tuple[str, Action, Policy, str]] = set()  # the labels of its series
        for slug in sorted(slugs()):
            self._problems.labels(slug)  # a counter that begins with 1 has not increased
        for action in Action:
            for policy in Policy:
                self._duration.labels(action, policy)

    def count(self, event: MoveEnded) -> None:
        if event.dry_run:
            self._dry_runs.labels(event.action, _rehearsed(event)).inc()
        else:
            for service, result in results(event).items():
                self._of(service, event.action, event.policy, result).inc()
            self._duration.labels(event.action, event.policy).observe(event.duration_s)
            if event.error is not None:
                self._problems.labels(event.error.slug).inc()

    def keep(self, services: Mapping[str, Service]) -> None:
        for labels in [labels for labels in self._held if labels[0] not in services]:
            self._total.remove(*labels)
            self._held.remove(labels)
        for service in services.values():
            result = "moved" if service.policy is Policy.DIRECT else "proposed"
            for action in (Action.PROMOTE, Action.DEMOTE):
                self._of(service.name, action, service.policy, result)

    def _of(self, service: str, action: Action, policy: Policy, result: str) -> Counter:
        self._held.add((service, action, policy, result))
        return self._total.labels(service, action, policy, result)


class _Requests:
    """By endpoint, never by repository or path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "failover_github_requests_total",
            "Requests to GitHub. endpoint: the kind of thing asked for; status: of HTTP, or none without a reply.",
            ("endpoint", "method", "status"),
            registry=registry,
        )
        self._duration = Histogram(
            "failover_github_request_duration_seconds",
            "How long one request to GitHub took, answered or not.",
            ("endpoint",),
            buckets=REQUEST_BUCKETS_S,
            registry=registry,
        )
        self._conditional = Counter(
            "failover_github_conditional_requests_total",
            "Requests with If-None-Match. result: hit (a 304, free of the rate limit), miss.",
            ("result",),
            registry=registry,
        )
        self._retries = Counter(
            "failover_github_retries_total",
            "Requests sent once more. reason: unavailable, token (GitHub did not take it).",
            ("reason",),
            registry=registry,
        )
        self._conflicts = Counter(
            "failover_github_conflicts_total",
            "Writes that lost their compare-and-swap: the branch, or what should be made, was another by then.",
            ("endpoint",),
            registry=registry,
        )
        self._limited = Counter(
            "failover_github_rate_limited_total",
            "Requests that GitHub refused because of a rate limit. limit: primary, secondary.",
            ("limit",),
            registry=registry,
        )
        self._denied = Counter(
            "failover_github_credential_failures_total",
            "Requests that no credentials would do for. reason: unreadable, unauthorized, forbidden.",
            ("reason",),
            registry=registry,
        )
        _start(self._conditional, ("hit", "miss"))
        _start(self._retries, ("unavailable", "token"))
        _start(self._limited, ("primary", "secondary"))
        _start(self._denied, ("unreadable", "unauthorized", "forbidden"))

    def count(self, event: TrafficEvent) -> None:
        match event:
            case RequestCompleted():
                self._count_exchange(event)
            case RequestRefused(endpoint, WriteConflict()):
                self._conflicts.labels(endpoint).inc()
            case RequestRefused(_, ForgeRateLimited(secondary=secondary)):
                self._limited.labels("secondary" if secondary else "primary").inc()
            case RequestRetried(why):
                self._retries.labels(why).inc()
            case CredentialsRejected(error):
                self._denied.labels(_why_denied(error)).inc()

    def _count_exchange(self, completed: RequestCompleted) -> None:
        status = "none" if completed.status is None else str(completed.status)
        self._total.labels(completed.endpoint, completed.method, status).inc()
        self._duration.labels(completed.endpoint).observe(completed.duration_s)
        if completed.conditional:
            self._conditional.labels("hit" if completed.status == 304 else "miss").inc()


def results(event: MoveEnded) -> dict[str, str]:
    """What result of a move for each of its services."""
    if event.outcome is None:
        return dict.fromkeys(event.services, _problem(event.error))
    done = {plan.service.name: _done(event.outcome, bool(plan.changes)) for plan in event.outcome.plans}
    return {**done, **dict.fromkeys(event.outcome.refused, "refused")}


def slugs(family: type[FailoverError] = FailoverError) -> set[str]:
    """Every problem that there is."""
    return {family.slug}.union(*(slugs(member) for member in family.__subclasses__()))


def _done(outcome: Outcome, has_changes: bool) -> str:
    if not outcome.changed or not has_changes:
        return "unchanged"
    return "proposed" if outcome.is_pending else "moved"


def _problem(error: FailoverError | None) -> str:
    return "unknown" if error is None else verdict(error)


def _rehearsed(event: MoveEnded) -> str:
    if event.outcome is None:
        return _problem(event.error)
    return "changes" if event.outcome.changed else "unchanged"


def _why_denied(error: FailoverError) -> str:
    if isinstance(error, NotReady):
        return "unreadable"
    return "unauthorized" if isinstance(error, BadCredentials) else "forbidden"


def _start(counter: Counter, values: Iterable[str]) -> None:
    """Shows them as 0 before the first: a counter that begins with 1 has not increased."""
    for value in values:
        counter.labels(value)
