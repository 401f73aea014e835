"""Hazards together: the worst of them, and many of one kind as one."""

from dataclasses import replace

from failover_api.core.safety.hazard import Hazard, Severity, hazard_from, merged, worst

LEFT = Hazard("data-left-behind", Severity.WARN, "Deployment media/sonarr", "a.yaml:3", "It stays.", "Sync it.")
UNKNOWN = Hazard("claim-unknown", Severity.INFO, "Deployment media/sonarr", "a.yaml:3", "No such claim.", "Add it.")


def test_the_worst_is_the_highest_severity() -> None:
    assert worst([UNKNOWN, LEFT]) is Severity.WARN
    assert worst([UNKNOWN, replace(LEFT, severity=Severity.STOP), LEFT]) is Severity.STOP
    assert worst([]) is None


def test_one_of_a_kind_is_told_as_it_is_the_worst_first() -> None:
    assert merged([UNKNOWN, LEFT]) == [LEFT, UNKNOWN]
    assert merged([]) == []


def test_many_of_a_kind_are_one_line() -> None:
    hazards = [replace(LEFT, about=f"Deployment media/app-{n}") for n in range(8)]
    (hazard,) = merged(hazards)
    assert (hazard.slug, hazard.severity, hazard.where) == (LEFT.slug, LEFT.severity, None)
    assert hazard.detail == (
        "What was written on backup stays behind, and primary goes on with the data it had before: "
        "Deployment media/app-0, Deployment media/app-1, Deployment media/app-2, Deployment media/app-3, "
        "Deployment media/app-4 and 3 more."
    )
    assert hazard.cure.startswith(
        "Sync each back first, or relocate it where the catalog has `replication`; a dry run of"
    )


def test_a_kind_that_has_no_words_for_several_has_those_of_its_first() -> None:
    (hazard,) = merged([replace(LEFT, slug="new"), replace(LEFT, slug="new", about="Deployment media/plex")])
    assert (hazard.detail, hazard.cure) == ("It stays: Deployment media/sonarr, Deployment media/plex.", "Sync it.")


def test_a_body_of_another_version_is_read() -> None:
    body = {"slug": "new", "severity": "fatal", "about": "a", "where": None, "detail": "d", "cure": "c", "more": 1}
    assert hazard_from(body) == Hazard("new", Severity.WARN, "a", None, "d", "c")
    assert hazard_from({**body, "severity": "stop"}).severity is Severity.STOP
