"""When the steps of rollouts came, as far as this process saw it."""

from dataclasses import replace

from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.safety.observed import Condition, Kustomization, Source
from failover_api.core.safety.rollout.appliers import Appliers
from failover_api.core.safety.rollout.steps import FOLLOWED, NOT_SEEN, Step
from failover_api.reading.flux_reports import FluxReport, FluxReports
from failover_api.reading.step_times import RevisionTimes, StepTimes
from tests.support.builders import OPERATION
from tests.support.cluster_views import NOW, SHA


def remembered(times: StepTimes, step: Step, now: float = NOW) -> tuple[float | None, bool]:
    found = times.remembered("sonarr", OPERATION, step, now)
    return found.at, found.is_bound


def test_what_tells_no_time_came_when_it_was_first_seen_or_earlier() -> None:
    times = StepTimes()
    assert remembered(times, Step("fetched", True)) == (NOW, True)
    assert remembered(times, Step("fetched", True), NOW + 60) == (NOW, True)


def test_the_earliest_bound_is_kept_and_a_time_of_its_own_wins() -> None:
    times = StepTimes()
    assert remembered(times, Step("applied", True, NOW, is_bound=True)) == (NOW, True)
    assert remembered(times, Step("applied", True, NOW + 9, is_bound=True)) == (NOW, True)
    assert remembered(times, Step("applied", True, NOW - 9, is_bound=True)) == (NOW - 9, True)
    assert remembered(times, Step("applied", True, NOW + 1)) == (NOW + 1, False)
    assert remembered(times, Step("applied", True, NOW - 5, is_bound=True)) == (NOW + 1, False)


def test_what_was_seen_is_told_of_a_move_that_another_followed_and_of_no_other() -> None:
    times = StepTimes()
    assert remembered(times, Step("ready", None, detail=FOLLOWED)) == (None, False), "nobody looked"
    remembered(times, Step("ready", True, NOW))
    assert times.remembered("sonarr", OPERATION, Step("ready", None, detail=FOLLOWED), NOW) == Step(
        "ready", True, NOW, FOLLOWED
    )
    assert remembered(times, Step("ready", None, detail=NOT_SEEN)) == (None, False)
    assert remembered(times, Step("ready", False)) == (None, False)


def flux(revision: str, since: float, *, ready: str = "True") -> Appliers:
    condition = Condition("Ready", ready, since=since)
    kustomization = Kustomization("flux-system", "apps", applied_revision=revision, ready=condition)
    source = Source("flux-system", "homelab", "GitRepository", revision=revision, updated_at=since - 2)
    return Appliers(kustomization=kustomization, source=source)


def test_the_first_time_at_a_commit_is_kept_whatever_is_reconciled_later() -> None:
    times = RevisionTimes()
    for since in (NOW, NOW + 600):
        times.saw(flux(f"main@sha1:{SHA}", since))
    times.saw(flux(f"main@sha1:{'a' * 40}", NOW + 700))
    assert times.of("Kustomization", "flux-system", "apps", SHA) == NOW
    assert times.of("GitRepository", "flux-system", "homelab", SHA) == NOW - 2
    assert times.of("Kustomization", "flux-system", "other", SHA) is None


def test_what_is_no_commit_or_not_ready_tells_no_time_of_it() -> None:
    times = RevisionTimes()
    times.saw(flux("latest@sha256:" + "b" * 64, NOW))
    times.saw(flux(f"main@sha1:{SHA}", NOW, ready="False"))
    assert times.of("Kustomization", "flux-system", "apps", SHA) is None


def test_an_event_of_flux_tells_the_time_of_its_commit() -> None:
    times = RevisionTimes()
    reports = FluxReports(times, lambda: NOW)
    for revision, at in ((SHA, NOW), ("a" * 40, NOW + 60)):
        reports.take(FluxReport("Kustomization", "flux-system", "apps", f"main@sha1:{revision}", at, False, ""))
    reports.take(FluxReport("Kustomization", "flux-system", "apps", f"main@sha1:{'c' * 40}", NOW, True, "failed"))
    assert times.of("Kustomization", "flux-system", "apps", SHA) == NOW
    assert times.of("Kustomization", "flux-system", "apps", "c" * 40) is None


def test_of_several_kustomizations_the_one_that_is_named_has_applied() -> None:
    reports = FluxReports(RevisionTimes(), lambda: NOW)
    for name in ("apps", "infra"):
        reports.take(FluxReport("Kustomization", "flux-system", name, f"main@sha1:{SHA}", NOW, False, ""))
    for named, found in (
        (None, None),
        (("", "infra"), "infra"),
        (("flux-system", "apps"), "apps"),
        (("x", "apps"), None),
    ):
        report = reports.applied(None, named)
        assert (report.name if report else None) == found


def test_one_that_says_what_it_applies_has_not_applied_what_it_does_not_name() -> None:
    """After a restart only the first to report is known, and it may be any."""
    reports, sonarr = FluxReports(RevisionTimes(), lambda: NOW), WorkloadName("Deployment", "sonarr", "media")
    said = ("flux-system", "infra", f"main@sha1:{SHA}", NOW, False)
    reports.take(FluxReport("Kustomization", *said, "Health check passed"))
    assert reports.applied(sonarr) is not None
    reports.take(FluxReport("Kustomization", *said, "Deployment/kube-system/traefik configured"))
    assert reports.applied(sonarr) is None
    reports.take(FluxReport("Kustomization", "flux-system", "apps", *said[2:], "Deployment/media/sonarr configured"))
    for named in (sonarr, replace(sonarr, namespace=None)):
        found = reports.applied(named)
        assert found is not None
        assert found.name == "apps"


def test_an_event_from_a_clock_that_was_ahead_does_not_silence_those_that_follow() -> None:
    times = RevisionTimes()
    reports = FluxReports(times, lambda: NOW)
    for revision, at in (("a" * 40, NOW + 7200), (SHA, NOW)):
        reports.take(FluxReport("Kustomization", "flux-system", "apps", f"main@sha1:{revision}", at, False, ""))
    found = reports.applied(None)
    assert found is not None
    assert found.revision.endswith(SHA)
    assert times.of("Kustomization", "flux-system", "apps", "a" * 40) is None
