"""From a commit to objects: fetched, built, tried whole, applied, pruned, waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import APP, CP, RECREATE, ROLLING, W1, W2, deployment, seconds_until_ready
from tests.sandbox.cluster.flux.lab import DEPLOYMENT, FILES, ask, kustomization, lab, ready, status, text

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox


def test_what_stands_in_git_runs(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    revision = f"main@sha1:{sandbox.head()}"
    of_source = status(cluster, "lab", "GitRepository")
    assert of_source["artifact"]["revision"] == revision
    told = ready(cluster, "lab", "GitRepository")
    assert told == ("True", "Succeeded", f"stored artifact for revision '{revision}'")
    assert ready(cluster) == ("True", "ReconciliationSucceeded", f"Applied revision: {revision}")
    of_apps = status(cluster)
    assert (of_apps["lastAppliedRevision"], of_apps["lastAttemptedRevision"]) == (revision, revision)
    assert {"id": "media_app_apps_Deployment", "v": "v1"} in of_apps["inventory"]["entries"]
    found = cluster.get("Deployment", APP)
    assert found is not None
    assert found["metadata"]["labels"] == {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    assert cluster.ready_pod(APP, W1)


def test_a_commit_is_seen_at_the_interval(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    cluster.advance(240)
    assert cluster.ready_pod(APP, W1)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 70)
    assert status(cluster)["lastAppliedRevision"] == f"main@sha1:{sandbox.head()}"


def test_a_commit_is_seen_at_once_when_asked(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    ask(cluster)
    assert seconds_until_ready(cluster) < 5.0
    asked = cluster.get("GitRepository", "flux-system/lab")
    assert asked is not None
    requested = asked["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
    assert asked["status"]["lastHandledReconcileAt"] == requested


def test_one_refused_object_stops_all_of_it(sandbox: Sandbox) -> None:
    """A promote with `strategy.type` alone goes; the way back is refused, and nothing is applied."""
    cluster = lab(sandbox)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", ROLLING))}, "Promote")
    ask(cluster)
    seconds_until_ready(cluster)
    applied = status(cluster)["lastAppliedRevision"]
    other = FILES["apps/app/config.yaml"].replace(b"blue", b"red")
    sandbox.commit({DEPLOYMENT: text(deployment("primary", RECREATE)), "apps/app/config.yaml": other}, "Demote")
    ask(cluster)
    cluster.advance(10)
    assert ready(cluster) == (
        "False",
        "ReconciliationFailed",
        (
            'Deployment/media/app dry-run failed (Invalid): Deployment.apps "app" is invalid: '
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
        ),
    )
    settings = cluster.get("ConfigMap", "media/settings")
    assert settings is not None
    assert settings["data"] == {"colour": "blue"}
    assert status(cluster)["lastAppliedRevision"] == applied
    assert status(cluster)["lastAttemptedRevision"] == f"main@sha1:{sandbox.head()}"
    written = {**ROLLING, "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    sandbox.commit({DEPLOYMENT: text(deployment("primary", written))}, "Write the block once")
    ask(cluster)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W1), 20)
    sandbox.commit({DEPLOYMENT: text(deployment("primary", RECREATE))}, "Then take it away")
    ask(cluster)
    cluster.advance(10)
    assert ready(cluster)[0] == "True"


@pytest.mark.parametrize("force", [True, False])
def test_a_changed_selector_is_forced_or_refused(sandbox: Sandbox, force: bool) -> None:
    cluster = lab(sandbox, force=force)
    changed = deployment("backup", RECREATE)
    changed["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    cluster.kill(W1)
    cluster.advance(65)
    sandbox.commit({DEPLOYMENT: text(changed)}, "Another selector")
    ask(cluster)
    cluster.advance(10)
    assert ready(cluster)[0] == ("True" if force else "False")
    assert bool(cluster.ready_pod(APP, W2)) is force


def test_a_suspended_one_applies_nothing(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    cluster.apply(kustomization(suspend=True), "flux")
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    ask(cluster)
    cluster.advance(7200)
    assert cluster.ready_pod(APP, W1)
    cluster.apply(kustomization(suspend=False), "flux")
    assert seconds_until_ready(cluster) < 5.0


@pytest.mark.parametrize(
    "mark",
    [
        {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"},
        {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"},
        {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
    ],
)
def test_a_marked_object_is_left_alone(sandbox: Sandbox, mark: dict[str, str]) -> None:
    cluster = lab(sandbox)
    moved = deployment("backup", RECREATE)
    moved["metadata"]["annotations"] = mark
    sandbox.commit({DEPLOYMENT: text(moved)}, "Move it")
    ask(cluster)
    cluster.advance(30)
    assert ready(cluster)[0] == "True"
    assert cluster.ready_pod(APP, W1)


def test_what_is_gone_from_git_is_pruned_unless_it_is_to_be_kept(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    kept = deployment(strategy=RECREATE)
    kept["metadata"]["annotations"] = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    sandbox.commit({DEPLOYMENT: text(kept)}, "Keep it")
    ask(cluster)
    cluster.advance(10)
    sandbox.commit(
        {DEPLOYMENT: None, "apps/app/config.yaml": None, "apps/app/other.yaml": b"# nothing\n"}, "Remove both"
    )
    ask(cluster)
    cluster.advance(10)
    assert cluster.get("ConfigMap", "media/settings") is None
    assert cluster.get("Deployment", APP) is not None


def test_a_pause_by_kubectl_is_undone_and_a_scale_is_not(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    before = cluster.get("Deployment", APP)
    assert before is not None
    after = cluster.modify("Deployment", APP, lambda new: new["spec"].update(paused=True))
    cluster.applier.changed_by_hand(before, after)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    ask(cluster)
    assert seconds_until_ready(cluster) < 6.0


def test_a_dependency_is_waited_for(sandbox: Sandbox) -> None:
    cluster = lab(sandbox, dependsOn=[{"name": "base"}])
    assert ready(cluster) == ("False", "DependencyNotReady", "dependency 'flux-system/base' not found")
    cluster.apply(kustomization("base"), "flux")
    cluster.advance(40)
    assert ready(cluster)[0] == "True"


def test_a_folder_that_is_not_there(sandbox: Sandbox) -> None:
    cluster = lab(sandbox, path="./nope")
    assert ready(cluster)[:2] == ("False", "BuildFailed")
    assert "kustomization path not found" in ready(cluster)[2]


def test_a_repository_that_is_not_there(sandbox: Sandbox) -> None:
    cluster = lab(sandbox)
    cluster.modify(
        "GitRepository", "flux-system/lab", lambda new: new["spec"].update(url="https://github.com/acme/gone")
    )
    cluster.advance(5)
    assert ready(cluster, "lab", "GitRepository")[:2] == ("False", "GitOperationFailed")


def test_an_unknown_kind_stops_all_of_it(sandbox: Sandbox) -> None:
    strange = {"apiVersion": "example.org/v1", "kind": "Strange", "metadata": {"name": "x", "namespace": "media"}}
    sandbox.commit({"apps/app/strange.yaml": text(strange)}, "Something strange")
    cluster = lab(sandbox)
    text_ = 'Strange/media/x dry-run failed: no matches for kind "Strange" in version "example.org/v1"'
    assert ready(cluster) == ("False", "ReconciliationFailed", text_)
    assert cluster.get("Deployment", APP) is None


def test_a_blocked_recreate_holds_up_a_kustomization_that_waits(sandbox: Sandbox) -> None:
    cluster = lab(sandbox, wait=True, timeout="2m")
    assert ready(cluster)[0] == "True"
    cluster.kill(W1)
    cluster.advance(65)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Promote")
    ask(cluster)
    cluster.advance(60)
    assert ready(cluster)[:2] == ("Unknown", "Progressing")
    first = sandbox.head()
    sandbox.commit({"README.md": b"# Another\n"}, "Another commit")
    ask(cluster)
    cluster.advance(30)
    assert status(cluster)["lastAttemptedRevision"] == f"main@sha1:{first}"
    cluster.wait_for(lambda: ready(cluster)[0] == "False", 60)
    assert ready(cluster)[1] == "HealthCheckFailed"
    assert ready(cluster)[2].endswith("timeout waiting for: [Deployment/media/app status: 'InProgress']")


def test_variables_are_filled_in(sandbox: Sandbox) -> None:
    manifest = text(deployment(strategy=RECREATE)).replace(b'"primary"', b'"${ROLE:=primary}"')
    manifest = manifest.replace(b'"a"', b'"${CLAIM}"').replace(b'"replicas": 1', b'"replicas": "${COUNT:=1}"')
    sandbox.commit({DEPLOYMENT: manifest}, "Variables")
    cluster = lab(sandbox, postBuild={"substitute": {"CLAIM": "a"}})
    assert cluster.ready_pod(APP, W1)
    moved = {"substitute": {"CLAIM": "b", "ROLE": "backup"}}
    cluster.apply(kustomization(postBuild=moved), "flux")
    assert seconds_until_ready(cluster) < 6.0


def test_nobody_applies_while_its_node_is_dead(sandbox: Sandbox) -> None:
    """Flux's own pods run on a node too."""
    cluster = lab(sandbox)
    cluster.kill(CP)
    sandbox.commit({DEPLOYMENT: text(deployment("backup", RECREATE))}, "Move it")
    ask(cluster)
    cluster.advance(600)
    assert cluster.ready_pod(APP, W2) is None
    cluster.revive(CP)
    assert seconds_until_ready(cluster) < 30.0


def test_a_drift_is_mended_at_the_interval(sandbox: Sandbox) -> None:
    cluster: Any = lab(sandbox, interval="10m")
    cluster.modify("Deployment", APP, lambda new: new["spec"]["template"]["spec"].update(nodeSelector={"role": "x"}))
    cluster.advance(700)
    found = cluster.get("Deployment", APP)
    assert found["spec"]["template"]["spec"]["nodeSelector"] == {"role": "primary"}
