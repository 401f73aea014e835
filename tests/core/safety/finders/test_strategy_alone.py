"""strategy-alone: each step of the strategy field as a real API server took or refused it."""

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from tests.core.safety.finders.ground import DEPLOYMENT, demote, only, promote
from tests.support.builders import switch

TYPE = "spec.strategy.type"
THERE = switch(TYPE, "Recreate", "RollingUpdate", kind="Deployment")
BACK = switch(TYPE, "RollingUpdate", "Recreate", kind="Deployment")
ALONE = f"{DEPLOYMENT}  strategy:\n    type: Recreate\n"
ROLLING = ALONE.replace("Recreate", "RollingUpdate")


def alone(hazards: list[Hazard]) -> Hazard | None:
    found = only("strategy-alone", hazards)
    assert len(found) <= 1
    return found[0] if found else None


def test_a_promote_works_and_warns_of_the_way_back() -> None:
    hazard = alone(promote(ALONE, THERE))
    assert hazard is not None
    assert (hazard.severity, hazard.about, hazard.where) == (Severity.WARN, "Deployment media/sonarr", "a.yaml:6")
    assert hazard.detail == (
        "Deployment media/sonarr: the strategy is moved from Recreate to RollingUpdate, and Kubernetes refuses the way "
        "back to Recreate (422): the `rollingUpdate` that it fills in stays. Flux then applies nothing of that "
        "Kustomization."
    )
    assert "maxSurge: 0, maxUnavailable: 1" in hazard.cure


def test_a_demote_is_a_stop() -> None:
    hazard = alone(demote(ALONE, THERE))
    assert hazard is not None
    assert hazard.severity is Severity.STOP
    assert "is moved from RollingUpdate to Recreate, which Kubernetes refuses (422)" in hazard.detail


def test_where_recreate_is_the_backup_side_the_promote_itself_is_refused() -> None:
    there, back = alone(promote(ROLLING, BACK)), alone(demote(ROLLING, BACK))
    assert there is not None
    assert there.severity is Severity.STOP
    assert back is not None
    assert back.severity is Severity.WARN


@pytest.mark.parametrize("block", ["{maxSurge: 1, maxUnavailable: 0}", "{maxSurge: 1}", "{}"])
def test_a_block_that_stands_beside_recreate_is_refused_as_such(block: str) -> None:
    """One scalar cannot take it away, and Recreate may have none."""
    hazard = alone(demote(f"{ALONE}    rollingUpdate: {block}\n", THERE))
    assert hazard is not None
    assert hazard.severity is Severity.STOP


def test_null_is_no_block() -> None:
    hazard = alone(demote(f"{ALONE}    rollingUpdate: null\n", THERE))
    assert hazard is not None
    assert hazard.severity is Severity.STOP


def test_a_strategy_that_stays_is_no_hazard() -> None:
    for text in (ALONE, ROLLING, DEPLOYMENT):
        assert alone(promote(text)) is None
        assert alone(demote(text)) is None


def test_one_that_is_there_already_is_no_hazard() -> None:
    """A mixed service: the strategy is on the target side."""
    node = switch("spec.template.spec.nodeSelector.role", "primary", "backup", kind="Deployment")
    assert alone(promote(ROLLING, THERE, node)) is None


RELEASE = """\
kind: HelmRelease
metadata: {name: plex}
spec:
  %s
  values: {controllers: {plex: {strategy: Recreate%s}}}
"""
OF_VALUES = switch("spec.values.controllers.plex.strategy", "Recreate", "RollingUpdate")


@pytest.mark.parametrize(
    ("applied", "severity"),
    [
        ("upgrade: {serverSideApply: enabled}", Severity.STOP),
        ("interval: 1h", Severity.WARN),
        ("install: {serverSideApply: false}", None),
        ("upgrade: {serverSideApply: disabled}", None),
    ],
)
def test_of_a_release_it_depends_on_how_it_was_installed(applied: str, severity: Severity | None) -> None:
    hazard = alone(demote(RELEASE % (applied, ""), OF_VALUES))
    assert (hazard and hazard.severity) == severity
    if severity is Severity.WARN:
        assert hazard is not None
        assert "where the release was installed by Helm 4" in hazard.detail


def test_values_that_own_the_block_can_go_back() -> None:
    text = RELEASE % ("upgrade: {serverSideApply: enabled}", ", rollingUpdate: {surge: 1}")
    assert alone(promote(text, OF_VALUES)) is None
    assert alone(demote(text, OF_VALUES)) is None
