"""Metrics beside the use cases: what is counted, what is bounded, and what is kept current while somebody scrapes."""

import asyncio
import contextlib
import math
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import Metric

from failover_api.core.automatic.report import HoldLine, NodeLine, PendingLine, Report
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Action, Policy, Side
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.safety.governance import Gate
from failover_api.core.safety.node_states import NodeState
from failover_api.core.safety.relocation.ladder import State as RelocationState
from failover_api.core.safety.relocation.proofs import Quiet, quiet_text, serving_text
from failover_api.core.safety.relocation.steps import Step as RelocationStep
from failover_api.core.safety.relocation.table import Position
from failover_api.core.safety.replication_states import ReplicationState, ReplicationStatus
from failover_api.core.safety.rollout.stages import Stage as RolloutStage
from failover_api.errors import FailoverError, NotReady
from failover_api.events import MoveEnded
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.http.traffic import ENDPOINTS
from failover_api.metrics.automatic import VIEWS, AutomaticSeen
from failover_api.metrics.counters import Counters, slugs
from failover_api.metrics.exposition import Metrics
from failover_api.metrics.gauges import Gauges
from failover_api.operations.relocation_report import RelocationReport, StepReport
from failover_api.overview import Intervals
from failover_api.wiring import Components, open_failover
from tests.support.acts import BY_PULL_REQUEST, demote, move, number, promote
from tests.support.scrape import Scrape
from tests.support.stage import SERVICES, SONARR, Stage, deployment, entry

NEVER_S = 3600.0
AUTOMATIC = AutomaticSeen(
    Mode.ACT,
    leads=True,
    is_led=True,
    report=Report(
        0.0,
        "watching",
        nodes=(NodeLine("k3s-w1", "dead"), NodeLine("k3s-w2", "ready"), NodeLine("k3s-w3", "dead")),
        pending=(
            PendingLine("sonarr", "k3s-w1", holds=(HoldLine("opt-in", "x", ""),)),
            PendingLine("sonarr", "k3s-w3", holds=(HoldLine("opt-in", "it may be there too", ""),)),
            PendingLine("radarr", "k3s-w1"),
        ),
    ),
)
LISTED = 20


@dataclass
class Watched:
    """A house and its metrics."""

    components: Components
    metrics: Metrics

    def scrape(self) -> Scrape:
        text, _ = self.metrics.text()
        return Scrape(text.decode())


@contextlib.asynccontextmanager
async def watched(stage: Stage, *, every_s: float = NEVER_S, **changes: Any) -> AsyncIterator[Watched]:
    counters = Counters()
    stages, ready = changes.pop("stages", {}), changes.pop("ready", {})
    replications = changes.pop("replications", {})
    automatic = changes.pop("automatic", AutomaticSeen())
    relocations, drills = changes.pop("relocations", {}), changes.pop("drills", {})
    settings = changes.pop("settings", None) or stage.settings(**changes)
    async with open_failover(settings, rate_limit=RateLimit(()), traffic=counters.traffic) as components:
        components.overview.intervals = Intervals(every_s=every_s, apart_s=0)
        components.events.subscribe(MoveEnded, counters.move_ended)
        gauges = Gauges(
            counters,
            components.overview,
            catalog=components.catalog,
            credentials=components.credentials,
            failover=components.failover,
            notifier=components.notifier,
            stages=lambda: stages,
            replications=lambda: replications,
            ready=lambda: ready,
            automatic=lambda: automatic,
            relocations=lambda: relocations,
            drills=lambda: drills,
        )
        yield Watched(components, Metrics(counters, gauges, components.overview))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for is GitHub's side
            await asyncio.sleep(0.005)


# Moves


async def test_a_group_is_counted_by_service_and_its_own_rehearsal_is_no_dry_run(stage: Stage) -> None:
    services = entry("sonarr") + entry("radarr", "media", "policy: pull_request")
    stage.declare(services + "groups: {k3s-w1: [sonarr, radarr]}\n")
    async with watched(stage) as here:
        await here.components.failover.move_group("k3s-w1", Action.PROMOTE, MoveRequest(by="maria"))
        seen = here.scrape()
    moved = {"action": "promote", "outcome": "moved", "policy": "direct", "service": "sonarr"}
    assert seen("failover_moves_total", **moved) == 1
    assert seen("failover_moves_total", service="radarr", outcome="proposed", policy="pull_request") == 1
    assert seen("failover_moves_total") == 2
    assert math.isnan(seen("failover_dry_runs_total"))
    assert seen("failover_move_duration_seconds_count") == 2
    assert (seen.sides("sonarr"), seen.sides("radarr")) == (["backup"], ["primary"])


async def test_a_fallback_is_counted_as_proposed_under_the_policy_of_the_catalog(stage: Stage) -> None:
    stage.declare(SERVICES, top="fallback: pull_request")
    stage.sandbox.protect(repository=stage.repository)
    async with watched(stage) as here:
        await promote(here.components)
        seen = here.scrape()
    assert seen("failover_moves_total", outcome="proposed", policy="direct", service="sonarr") == 1


async def test_nothing_to_do_is_unchanged_and_a_rollback_is_a_move(stage: Stage) -> None:
    async with watched(stage) as here:
        await promote(here.components)
        await promote(here.components)
        await move(here.components, action=Action.ROLLBACK)
        seen = here.scrape()
    assert seen("failover_moves_total", action="promote", outcome="unchanged") == 1
    assert seen("failover_moves_total", action="rollback", outcome="moved") == 1
    assert seen.sides("sonarr") == ["primary"]


async def test_a_dry_run_is_counted_apart_and_shows_where_the_service_is(stage: Stage) -> None:
    async with watched(stage) as here:
        await promote(here.components, dry_run=True)
        seen = here.scrape()
    assert seen("failover_dry_runs_total", action="promote", outcome="changes") == 1
    assert seen("failover_moves_total") == 0
    assert seen.sides("sonarr") == ["primary"]


def ended(error: FailoverError) -> MoveEnded:
    return MoveEnded(Action.PROMOTE, Policy.DIRECT, ("sonarr",), None, "maria", "", False, "01J", 1.0, error=error)


@pytest.mark.parametrize("slug", sorted(slugs()))
def test_every_problem_is_refused_failed_or_unknown_and_stands_at_0_before(stage: Stage, slug: str) -> None:
    family = [FailoverError]
    for member in family:
        family.extend(member.__subclasses__())
    kind = next(member for member in family if member.slug == slug)
    counters = Counters()
    count = lambda: counters.registry.get_sample_value("failover_move_problems_total", {"problem": slug})  # noqa: E731 - asked twice
    before = count()
    counters.move_ended(ended(kind("x")))
    came = "unknown" if kind.outcome == "unknown" else "failed" if slug in FAILED else "refused"
    labels = {"service": "sonarr", "action": "promote", "policy": "direct", "outcome": came}
    assert (before, count()) == (0, 1)
    assert counters.registry.get_sample_value("failover_moves_total", labels) == 1


FAILED = {
    "cannot-plan",
    "conflict",
    "github-error",
    "github-permission",
    "github-rate-limited",
    "github-unavailable",
    "not-ready",
    "repository-not-found",
}


async def test_moves_that_wait_for_their_turn_are_shown(stage: Stage) -> None:
    async with watched(stage) as here:
        await here.components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=0.5)
        first = asyncio.create_task(promote(here.components))
        await until(lambda: len(stage.sandbox.faults) == 0)
        second = asyncio.create_task(promote(here.components, "radarr"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = here.scrape()("failover_writes_waiting")
        await asyncio.gather(first, second)
        assert (waiting, here.scrape()("failover_writes_waiting")) == (1, 0)


# Where services are


async def test_before_the_first_look_a_side_is_unknown(stage: Stage) -> None:
    async with watched(stage) as here:
        seen = here.scrape()
    assert seen.sides("sonarr") == ["unknown"]
    assert seen("failover_service_readable", service="sonarr") == 0
    assert not seen.labels("failover_service_seen_timestamp_seconds")


async def test_drift_mixed_and_a_file_that_is_gone_are_told_apart(stage: Stage) -> None:
    stage.declare(SERVICES + entry("jellyfin", "media", "path: apps/media/jellyfin.yaml"))
    stage.commit({SONARR: deployment("sonarr", role="elsewhere")})
    stage.replace("apps/media/plex/volsync.yaml", "false", "true")
    async with watched(stage) as here:
        await here.components.failover.list_all()
        seen = here.scrape()
    assert [seen.sides(name) for name in ("sonarr", "radarr", "plex", "jellyfin")] == [
        ["unknown"],
        ["primary"],
        ["mixed"],
        ["unknown"],
    ]
    assert [seen("failover_service_drifted", service=name) for name in ("sonarr", "plex", "jellyfin")] == [1, 0, 0]
    assert [seen("failover_service_readable", service=name) for name in ("sonarr", "jellyfin")] == [1, 0]


async def test_while_github_does_not_answer_a_service_is_taken_to_be_where_it_was(stage: Stage) -> None:
    async with watched(stage) as here:
        await promote(here.components)
        before = here.scrape()
        stage.fault("status", times=None, status=503)
        await here.components.failover.list_all()
        seen = here.scrape()
    name = "failover_service_seen_timestamp_seconds"
    assert seen.sides("sonarr") == ["backup"]
    assert seen("failover_service_readable", service="sonarr") == 0
    assert seen(name, service="sonarr") == before(name, service="sonarr") > 1_600_000_000


async def test_an_open_pull_request_has_an_age_until_it_is_merged(reviewed: Stage) -> None:
    name = "failover_pull_request_opened_timestamp_seconds"
    async with watched(reviewed) as here:
        outcome = await promote(here.components)
        opened = here.scrape()
        await here.components.failover.list_all()
        listed = here.scrape()
        reviewed.merge(number(outcome))
        await here.components.failover.list_all()
        merged = here.scrape()
    assert outcome.pull_request is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", outcome.pull_request.created_at)
    assert opened(name, service="sonarr") == listed(name, service="sonarr") > 1_600_000_000
    assert [one("failover_open_pull_requests") for one in (opened, listed, merged)] == [1, 1, 0]
    assert opened.sides("sonarr") == ["primary"]
    assert merged.sides("sonarr") == ["backup"]
    assert not merged.labels(name)


async def test_a_pull_request_of_a_group_is_one(stage: Stage) -> None:
    services = entry("sonarr") + entry("radarr")
    stage.declare(services + "groups: {k3s-w1: [sonarr, radarr]}\n", top=BY_PULL_REQUEST)
    async with watched(stage) as here:
        await here.components.failover.move_group("k3s-w1", Action.PROMOTE, MoveRequest(by="maria"))
        seen = here.scrape()
    assert seen("failover_open_pull_requests") == 1
    assert len(seen.labels("failover_pull_request_opened_timestamp_seconds")) == 2


# Catalog and credentials


async def test_a_service_that_left_the_catalog_loses_its_series(stage: Stage) -> None:
    async with watched(stage) as here:
        await promote(here.components)
        await here.components.failover.list_all()
        before = here.scrape()
        stage.declare(entry("radarr"))
        here.components.catalog.reload()
        after = here.scrape()
        stage.declare(SERVICES)
        here.components.catalog.reload()
        again = here.scrape()
    assert 'service="sonarr"' in before.text
    assert 'service="sonarr"' not in after.text
    assert (after("failover_catalog_services"), after.sides("radarr")) == (1, ["primary"])
    assert again("failover_moves_total", service="sonarr") == 0
    assert again.sides("sonarr") == ["unknown"]


async def test_a_catalog_that_is_refused_is_counted_once(stage: Stage) -> None:
    async with watched(stage) as here:
        good = stage.catalog_file.read_text(encoding="utf-8")
        stage.catalog_file.write_text("services: 7\n", encoding="utf-8")
        for _ in range(3):
            here.components.catalog.reload()
        bad = here.scrape()
        stage.catalog_file.unlink()
        for _ in range(3):
            here.components.catalog.reload()
        gone = here.scrape()
        stage.catalog_file.write_text(good, encoding="utf-8")
        here.components.catalog.reload()
        mended = here.scrape()
    reloads = "failover_catalog_reloads_total"
    assert [one("failover_catalog_valid") for one in (bad, gone, mended)] == [0, 0, 1]
    assert [one(reloads, result="refused") for one in (bad, gone, mended)] == [1, 2, 2]
    assert [one(reloads, result="accepted") for one in (bad, gone, mended)] == [1, 1, 2]
    assert bad("failover_catalog_services") == 3, "the last good one is in force"


async def test_without_any_catalog_there_is_a_scrape(stage: Stage) -> None:
    stage.catalog_file.write_text("services: 7\n", encoding="utf-8")
    async with watched(stage, every_s=0.01) as here:
        seen = here.scrape()
        await asyncio.sleep(0.05)
        again = here.scrape()
    assert (seen("failover_catalog_valid"), seen("failover_catalog_services")) == (0, 0)
    assert again("failover_build_info") == 1


async def test_a_token_that_github_does_not_take_is_counted(stage: Stage) -> None:
    async with watched(stage, github_token="wrong") as here:
        await here.components.failover.list_all()
        seen = here.scrape()
    failures = "failover_github_credential_failures_total"
    assert seen(failures, reason="unauthorized") >= 1
    assert (seen(failures, reason="unreadable"), seen("failover_credentials_readable")) == (0, 1)


async def test_a_token_that_cannot_be_read_is_counted(stage: Stage) -> None:
    file = stage.folder / "token"
    async with watched(stage, github_token=None, github_token_file=file) as here:
        with pytest.raises(NotReady):
            await promote(here.components)
        seen = here.scrape()
        file.write_text(stage.sandbox.token, encoding="ascii")
        assert here.scrape()("failover_credentials_readable") == 1
    assert seen("failover_github_credential_failures_total", reason="unreadable") >= 1
    assert seen("failover_credentials_readable") == 0


async def test_an_app_has_its_own_limits_beside_those_of_its_installation(stage: Stage) -> None:
    async with watched(stage, settings=stage.app_settings()) as here:
        await promote(here.components)
        seen = here.scrape()
    accounts = {(one["account"], one["resource"]) for one in seen.labels("failover_github_rate_limit_requests")}
    assert accounts >= {("acme", "core"), ("acme", "graphql")}
    assert seen("failover_github_requests_total", endpoint="app/installations/access_tokens", status="201") == 1
    assert seen("failover_github_rate_limit_remaining_requests", account="acme", resource="core") > 0


# Kept current


async def test_nobody_is_asked_before_somebody_scrapes(stage: Stage) -> None:
    async with watched(stage, every_s=0.01):
        await asyncio.sleep(0.1)
    assert not stage.requests


async def test_a_scrape_shows_what_a_person_did(stage: Stage) -> None:
    async with watched(stage, every_s=0.01) as here:
        here.scrape()
        await until(lambda: here.scrape().sides("sonarr") == ["primary"])
        stage.commit({SONARR: deployment("sonarr", role="backup", claim="pvc-sonarr-backup")})
        await until(lambda: here.scrape().sides("sonarr") == ["backup"])


async def test_looks_at_20_services_cost_a_304_each_and_a_list_beside_them_one_more(stage: Stage) -> None:
    names = [f"app-{i}" for i in range(LISTED)]
    stage.commit({f"apps/{name}/app.yaml": deployment(name) for name in names})
    stage.declare("".join(entry(name) for name in names))
    async with watched(stage, every_s=0.05) as here:
        here.scrape()
        await until(lambda: here.scrape().sides("app-19") == ["primary"])
        await asyncio.sleep(0.1)
        stage.requests.clear()
        await until(lambda: len(stage.requests) >= 4)
        assert {(r.method, r.status) for r in stage.requests} == {("GET", 304)}
        assert {r.path for r in stage.requests} == {f"/repos/{stage.repository}/branches/main"}
    async with watched(stage) as here:
        await here.components.failover.list_all()
        here.scrape()  # the first look is under way
        await asyncio.sleep(0.2)
        stage.requests.clear()
        await here.components.failover.list_all()
        assert [r.status for r in stage.requests] == [304]


async def test_a_scrape_does_not_wait_for_github(stage: Stage) -> None:
    stage.fault("slow", times=None, seconds=0.5)
    async with watched(stage) as here:
        assert here.scrape().sides("sonarr") == ["unknown"]
        await until(lambda: here.scrape().sides("sonarr") == ["primary"])


# Names and labels


RELOCATION = RelocationReport(
    "01JDAAAAAAAAAAAAAAAAAAAAAA",
    "sonarr",
    Side.BACKUP,
    RelocationStep.PROTECT,
    RelocationState.WAITING,
    Position.PROTECT,
    steps=tuple(
        StepReport(RelocationStep.CUTOVER, "4/5 cutover", proof=proof)
        for proof in (quiet_text(Quiet(1_796_068_800.0, 17, "d1")), serving_text(1_796_068_860.0))
    ),
    waited_s=60.0,
)
COPY = ReplicationStatus(ReplicationKind.VOLSYNC, ReplicationState.PROTECTED, data_as_of=1_796_068_800.0)


@contextlib.asynccontextmanager
async def busy(stage: Stage) -> AsyncIterator[Watched]:
    """A house in which something of everything happened."""
    services = SERVICES + entry("bazarr", "media", "policy: pull_request", "path: apps/media/bazarr.yaml")
    stage.commit({"apps/media/bazarr.yaml": deployment("bazarr")})
    stage.declare(services + "groups: {all: [sonarr, radarr]}\n")
    seen = {
        "stages": {"sonarr": RolloutStage.SERVING},
        "ready": {("sonarr", Side.BACKUP): True},
        "replications": {"sonarr": COPY, "gone": COPY},
        "automatic": AUTOMATIC,
        "relocations": {"sonarr": RELOCATION},
        "drills": {"sonarr": 1_796_068_800.0},
    }
    async with watched(stage, settings=stage.app_settings(), **seen) as here:
        await here.components.failover.list_all()
        await promote(here.components, "sonarr", reason="SECRET-REASON", by="SECRET-CALLER")
        await promote(here.components, "bazarr")
        await promote(here.components, "plex", dry_run=True)
        stage.before_write(lambda: stage.replace(SONARR, "keep me", "kept"))
        await demote(here.components, "sonarr")
        stage.fault("status", status=502)
        await here.components.failover.list_all()
        stage.fault("rate_limit_secondary", method="PUT", retry_after=600)
        for name in ("radarr", "SECRET-SERVICE"):
            with pytest.raises(FailoverError):
                await promote(here.components, name)
        yield here


async def test_names_and_units_are_those_of_prometheus(stage: Stage) -> None:
    async with busy(stage) as here:
        families = here.scrape().families
    found = [problem for family in families for problem in lint(family)]
    assert not found
    assert len([family for family in families if family.name.startswith("failover_")]) > 25


def lint(family: Metric) -> list[str]:
    """As `promtool check metrics` looks at them. https://prometheus.io/docs/practices/naming/"""
    name = family.name + ("_total" if family.type == "counter" else "")
    words = set(name.split("_"))
    labels = {label for sample in family.samples for label in sample.labels}
    if family.type == "histogram":
        labels.discard("le")
    rules = {
        "no help": bool(family.documentation.strip()),
        "prefix": name.startswith(("failover_", "process_")),
        "characters": bool(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)),
        "a total that is no counter": family.type == "counter" or "total" not in words,
        "the type in the name": words.isdisjoint({"counter", "gauge", "histogram", "summary", "info"})
        or name.endswith("_info"),
        "a suffix of histograms": not name.endswith(("_count", "_sum", "_bucket", "_created")),
        "not a base unit": words.isdisjoint({"ms", "milliseconds", "minutes", "hours", "days", "kb", "mb", "percent"}),
        "a unit at another place": all(name.removesuffix("_total").endswith(u) for u in words & {"seconds", "bytes"}),
        "reserved labels": labels.isdisjoint({"le", "quantile", "job", "instance"})
        and not any(label.startswith("__") for label in labels),
        "a label in the name": not any(f"_by_{label}" in name for label in labels),
        "an info that is not 1": not name.endswith("_info") or {s.value for s in family.samples} == {1},
    }
    return [f"{name}: {rule}" for rule, holds in rules.items() if not holds]


@pytest.mark.parametrize(
    ("family", "rule"),
    [
        (Metric("failover_wait_milliseconds", "x", "gauge"), "not a base unit"),
        (Metric("failover_seconds_waited", "x", "gauge"), "a unit at another place"),
        (Metric("failover_moves_total", "x", "gauge"), "a total that is no counter"),
        (Metric("failover_moves_counter", "x", "counter"), "the type in the name"),
        (Metric("failover_moves", "", "counter"), "no help"),
        (Metric("moves", "x", "counter"), "prefix"),
        (Metric("failover_moves_count", "x", "gauge"), "a suffix of histograms"),
        (Metric("failover_Moves", "x", "gauge"), "characters"),
    ],
)
def test_a_name_that_is_off_is_found(family: Metric, rule: str) -> None:
    assert f": {rule}" in " ".join(lint(family))


async def test_promtool_finds_nothing(stage: Stage) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool, which comes with Prometheus, is not here")
    async with busy(stage) as here:
        text = here.scrape().text
    command = ["promtool", "check", "metrics"]
    done = await asyncio.to_thread(subprocess.run, command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


OUTCOMES = {"moved", "proposed", "unchanged", "refused", "failed", "unknown", "changes"}
REASONS = {"unavailable", "token", "unreadable", "unauthorized", "forbidden"}
ALLOWED: dict[str, Any] = {
    "service": {"sonarr", "radarr", "plex", "bazarr"},
    "side": {state.value for state in State},
    "stage": {stage.value for stage in RolloutStage},
    "state": {state.value for state in (*ReplicationState, *RelocationState, *NodeState)},
    "trigger": {"automatic", "alert"},
    "mode": {mode.value for mode in Mode},
    "view": {view.value for view in VIEWS},
    "gate": {gate.value for gate in Gate},
    "to": {side.value for side in Side},
    "action": {action.value for action in Action},
    "policy": {policy.value for policy in Policy},
    "outcome": OUTCOMES | {"sent", "dropped"},  # of messages too
    "problem": slugs(),
    "endpoint": ENDPOINTS,
    "method": {"GET", "PUT", "POST", "PATCH", "DELETE"},
    "status": re.compile(r"[1-5]\d\d|none"),
    "result": {"hit", "miss", "accepted", "refused", "moved", "held", "forbidden", "unreadable"},
    "reason": REASONS,
    "limit": {"primary", "secondary"},
    "account": {"acme", "app"},
    "resource": {"core", "graphql"},
    "version": re.compile(r"[\w.+]+"),
    "python_version": re.compile(r"[\w.+]+"),
    "le": re.compile(r"[\d.]+|\+Inf"),
}


async def test_labels_are_bounded_and_hold_nothing_of_a_caller(stage: Stage) -> None:
    async with busy(stage) as here:
        seen = here.scrape()
    for sample in seen.samples:
        for label, value in sample.labels.items():
            allowed = ALLOWED[label]
            held = allowed.fullmatch(value) if isinstance(allowed, re.Pattern) else value in allowed
            assert held, (sample.name, label, value)
    assert "SECRET" not in seen.text
    assert stage.repository not in seen.text
    assert len({(s.name, *sorted(s.labels.items())) for s in seen.samples}) == len(seen.samples)


async def test_scrapes_count_up_and_registries_are_apart(stage: Stage) -> None:
    async with watched(stage) as one, watched(stage) as other:
        await promote(one.components)
        await demote(one.components)
        assert one.scrape()("failover_moves_total", service="sonarr") == 2
        assert one.scrape()("failover_moves_total", service="sonarr") == 2
        assert other.scrape()("failover_moves_total", service="sonarr") == 0


async def test_what_tidies_up_after_a_move_is_no_move(stage: Stage) -> None:
    stage.commit({SONARR: deployment("sonarr").replace("replicas: 1", "strategy: {type: Recreate}")})
    stage.declare(entry("sonarr", "media", "unblock: rolling"))
    async with watched(stage) as here:
        moved = await promote(here.components)
        await here.components.failover.tidy("sonarr", moved.operation or "")
        seen = here.scrape()
    assert len(stage.moves) == 2
    assert seen("failover_moves_total") == 1
    assert seen.sides("sonarr") == ["backup"]


# Automatic failover


async def test_of_a_replica_that_leads_all_is_told(stage: Stage) -> None:
    async with watched(stage, automatic=AUTOMATIC) as here:
        seen = here.scrape()
    assert seen("failover_automatic_mode", mode="act") == 1
    assert seen("failover_automatic_view", view="watching") == 1
    assert seen("failover_automatic_nodes", state="dead") == 2
    assert seen("failover_automatic_held", service="sonarr", gate="opt-in") == 1
    assert seen("failover_automatic_held") == 1, "each once, and what nothing holds not at all"


async def test_while_it_is_off_there_is_its_mode_alone(stage: Stage) -> None:
    async with watched(stage) as here:
        families = {family.name for family in here.scrape().families if family.name.startswith("failover_automatic")}
    assert families == {"failover_automatic_mode", "failover_automatic_moves", "failover_automatic_alerts"}


async def test_a_move_that_nobody_asked_for_is_counted_by_its_trigger(stage: Stage) -> None:
    async with watched(stage) as here:
        await promote(here.components, "sonarr", by="automatic")
        await promote(here.components, "radarr", by="maria")
        seen = here.scrape()
    assert seen("failover_automatic_moves_total", trigger="automatic", outcome="moved") == 1
    assert seen("failover_automatic_moves_total") == 1
