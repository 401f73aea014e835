"""Hazards that a service's own documents show: told whether or not anybody has looked around."""

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from tests.core.safety.finders.ground import DEPLOYMENT, NODE, demote, only, promote
from tests.support.builders import switch

RELEASE = """\
kind: HelmRelease
metadata: {name: plex, namespace: media}
spec:
  suspend: %s
  timeout: 10m
  upgrade: %s
  values: {node: w1, controllers: {plex: {replicas: %s}}}
"""
VALUE = switch("spec.values.node", "w1", "w2")


def release(suspend: str = "false", upgrade: str = "{}", replicas: str = "1") -> list[Hazard]:
    return promote(RELEASE % (suspend, upgrade, replicas), VALUE)


# starts-nothing


def test_a_paused_deployment_starts_nothing() -> None:
    (hazard,) = promote(f"{DEPLOYMENT}  paused: true\n")
    assert (hazard.slug, hazard.severity, hazard.where) == ("starts-nothing", Severity.WARN, "a.yaml:5")
    assert hazard.detail == (
        "Deployment media/sonarr is paused: the change is applied, and the old pod stays as it is."
    )
    assert promote(f"{DEPLOYMENT}  paused: false\n") == []


def test_an_app_without_replicas_starts_nothing() -> None:
    (hazard,) = promote(f"{DEPLOYMENT}  replicas: 0\n")
    assert (hazard.slug, hazard.where) == ("starts-nothing", "a.yaml:5")
    assert promote(f"{DEPLOYMENT}  replicas: 1\n") == []
    assert promote(DEPLOYMENT) == [], "who sets them is not seen"
    (hazard,) = promote(f"{DEPLOYMENT}  replicas: 1\n", switch("spec.replicas", 1, 0, kind="Deployment"))
    assert hazard.detail.startswith("Deployment media/sonarr has no replicas after the move"), "it had one before"


def test_two_of_which_one_sleeps_start_one() -> None:
    two = "kind: Deployment\nspec: {replicas: 1}\n---\nkind: StatefulSet\nspec: {replicas: 0}\n"
    replicas = [switch("spec.replicas", 1, 0, kind="Deployment"), switch("spec.replicas", 0, 1, kind="StatefulSet")]
    assert only("starts-nothing", promote(two, *replicas) + demote(two, *replicas)) == []


def test_a_release_without_replicas_starts_nothing() -> None:
    (hazard,) = release(replicas="0")
    assert (hazard.slug, hazard.about, hazard.where) == ("starts-nothing", "HelmRelease media/plex", "a.yaml:7")
    assert release(replicas="1") == []
    assert release(replicas="'${REPLICAS}'") == []


# suspended, ssa-ignored


def test_a_release_that_is_suspended_is_told() -> None:
    (hazard,) = release(suspend="true")
    assert (hazard.slug, hazard.severity, hazard.where) == ("suspended", Severity.WARN, "a.yaml:4")
    assert "HelmRelease media/plex is suspended (`spec.suspend: true`)" in hazard.detail


def test_two_releases_that_take_turns_are_not_told() -> None:
    two = "kind: HelmRelease\nmetadata: {name: a}\nspec: {suspend: false, values: {node: w1}}\n"
    turns = switch("spec.suspend", primary=False, backup=True, kind="HelmRelease")
    assert only("suspended", promote(two, turns)) == []
    assert len(only("suspended", promote(two, turns, VALUE))) == 1, "the other value would not be applied"


@pytest.mark.parametrize(
    ("where", "said", "is_told"),
    [
        ("annotations", "ssa: IfNotPresent", True),
        ("labels", "ssa: Ignore", True),
        ("annotations", "reconcile: disabled", True),
        ("annotations", "ssa: Merge", False),
        ("annotations", "prune: disabled", False),
    ],
)
def test_a_document_that_flux_leaves_alone_is_told(where: str, said: str, is_told: bool) -> None:
    ours = DEPLOYMENT.replace("namespace: media", f"namespace: media, {where}: {{kustomize.toolkit.fluxcd.io/{said}}}")
    found = promote(ours)
    assert [(hazard.slug, hazard.severity) for hazard in found] == [("ssa-ignored", Severity.WARN)] * is_told
    if found:
        assert f"`kustomize.toolkit.fluxcd.io/{said}`" in found[0].detail
        assert found[0].where == "a.yaml:2"


# helm-rolls-back


@pytest.mark.parametrize(
    "upgrade",
    [
        "{remediation: {retries: 3}}",
        "{remediation: {retries: -1, strategy: rollback}}",
        "{remediation: {retries: 3, remediateLastFailure: false}}",
        "{remediation: {remediateLastFailure: true}}",
        "{timeout: 10m, strategy: {name: RemediateOnFailure}, remediation: {retries: 1}}",
    ],
)
def test_a_release_that_waits_and_rolls_back_is_told(upgrade: str) -> None:
    (hazard,) = release(upgrade=upgrade)
    assert (hazard.slug, hazard.severity, hazard.about) == ("helm-rolls-back", Severity.WARN, "HelmRelease media/plex")
    assert hazard.where == "a.yaml:6"
    assert "are not within 10m: to the node and the claim that the move has left." in hazard.detail


@pytest.mark.parametrize(
    "upgrade",
    [
        "{}",
        "{remediation: {}}",
        "{disableWait: true, remediation: {retries: 3}}",
        "{remediation: {retries: 3, strategy: uninstall}}",
        "{strategy: {name: RetryOnFailure}, remediation: {retries: 3}}",
    ],
)
def test_a_release_that_does_not_is_not(upgrade: str) -> None:
    assert release(upgrade=upgrade) == []


def test_a_move_that_changes_nothing_has_none() -> None:
    paused = f"{DEPLOYMENT}  paused: true\n".replace("primary", "backup")
    assert promote(paused, NODE) == []
