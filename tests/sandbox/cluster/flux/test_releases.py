"""HelmReleases: rendered, applied, waited for, and rolled back where they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from failover_api.sandbox.cluster.flux.chart import render
from tests.sandbox.cluster.apps import W1, W2, cluster_with_claims, condition, seconds_until_ready

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

PLEX = "media/plex"
CHART = {"kind": "OCIRepository", "name": "app-template", "namespace": "flux-system"}
SOURCE = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app-template, namespace: flux-system}
spec: {interval: 12h, url: "oci://ghcr.io/bjw-s-labs/helm/app-template", ref: {tag: 4.1.1}}
"""
QUICK = {"disableWait": True}


def values(side: str = "primary", strategy: str = "RollingUpdate") -> dict[str, Any]:
    node, claim = {"primary": (W1, "a"), "backup": (W2, "b")}[side]
    container = {"image": {"repository": "example.org/plex", "tag": "1"}, "env": {"TZ": "Europe/Vienna"}}
    return {
        "defaultPodOptions": {"nodeSelector": {"kubernetes.io/hostname": node}},
        "controllers": {"plex": {"strategy": strategy, "containers": {"app": container}}},
        "service": {"app": {"controller": "plex", "ports": {"http": {"port": 32400}}}},
        "persistence": {
            "config": {"existingClaim": claim, "globalMounts": [{"path": "/config"}]},
            "scratch": {"type": "emptyDir"},
        },
    }


def release(side: str = "primary", strategy: str = "RollingUpdate", **spec: Any) -> dict[str, Any]:
    whole = {"interval": "30m", "chartRef": CHART, "values": values(side, strategy), **spec}
    meta = {"name": "plex", "namespace": "media"}
    return {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": meta, "spec": whole}


@pytest.fixture
def cluster(sandbox: Sandbox) -> SimulatedCluster:
    made = cluster_with_claims()
    made.install_flux(sandbox.repositories)
    made.apply(SOURCE)
    made.advance(5)
    return made


def ready(cluster: SimulatedCluster) -> tuple[str, str]:
    told = condition(cluster.get("HelmRelease", PLEX), "Ready")
    return told.get("status", ""), told.get("reason", "")


def status(cluster: SimulatedCluster) -> dict[str, Any]:
    found = cluster.get("HelmRelease", PLEX)
    assert found is not None
    return dict(found["status"])


def test_a_release_is_installed_and_upgraded(cluster: SimulatedCluster) -> None:
    cluster.apply(release(), "flux")
    seconds_until_ready(cluster, W1, place=PLEX)
    cluster.advance(5)
    assert ready(cluster) == ("True", "InstallSucceeded")
    assert status(cluster)["history"][0]["chartVersion"] == "4.1.1"
    found = cluster.get("Deployment", PLEX)
    assert found is not None
    labels = found["metadata"]["labels"]
    assert (labels["helm.toolkit.fluxcd.io/name"], labels["app.kubernetes.io/instance"]) == ("plex", "plex")
    cluster.apply(release("backup"), "flux")
    assert seconds_until_ready(cluster, W2, place=PLEX) < 6.0
    cluster.advance(5)
    assert ready(cluster) == ("True", "UpgradeSucceeded")
    assert [one["status"] for one in status(cluster)["history"]] == ["deployed", "superseded"]
    assert status(cluster)["lastAttemptedReleaseAction"] == "upgrade"


def test_a_suspended_release_is_left_alone(cluster: SimulatedCluster) -> None:
    cluster.apply(release(), "flux")
    seconds_until_ready(cluster, W1, place=PLEX)
    cluster.apply(release("backup", suspend=True), "flux")
    cluster.advance(3600)
    assert cluster.ready_pod(PLEX, W1)


def blocked(cluster: SimulatedCluster, **upgrade: Any) -> None:
    """A Recreate chart on a dead node, promoted."""
    cluster.apply(release(strategy="Recreate"), "flux")
    seconds_until_ready(cluster, W1, place=PLEX)
    cluster.advance(10)
    cluster.kill(W1)
    cluster.advance(65)
    cluster.apply(release("backup", "Recreate", timeout="1m", upgrade=upgrade), "flux")


def test_a_release_that_waits_fails_after_its_timeout(cluster: SimulatedCluster) -> None:
    blocked(cluster)
    cluster.advance(40)
    assert ready(cluster) == ("Unknown", "Progressing")
    cluster.advance(30)
    assert ready(cluster) == ("False", "UpgradeFailed")
    assert "context deadline exceeded" in condition(cluster.get("HelmRelease", PLEX), "Ready")["message"]
    assert status(cluster)["upgradeFailures"] == 1


def test_without_retries_nothing_is_rolled_back(cluster: SimulatedCluster) -> None:
    blocked(cluster, remediation={"retries": 0, "strategy": "rollback"})
    cluster.advance(300)
    found: Any = cluster.get("Deployment", PLEX)
    assert found["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/hostname": W2}


def test_retries_bring_the_values_of_the_dead_node_back(cluster: SimulatedCluster) -> None:
    blocked(cluster, remediation={"retries": 2})
    seen = []
    for _ in range(200):
        cluster.advance(1)
        found: Any = cluster.get("Deployment", PLEX)
        node = found["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"]
        if not seen or seen[-1] != node:
            seen.append(node)
    assert seen[seen.index(W2) :][:3] == [W2, W1, W2]


def test_a_release_that_does_not_wait_is_ready_at_once(cluster: SimulatedCluster) -> None:
    blocked(cluster, disableWait=True)
    cluster.advance(5)
    assert ready(cluster) == ("True", "UpgradeSucceeded")
    assert cluster.ready_pod(PLEX, W2) is None


def test_a_strategy_alone_is_refused_on_the_way_back(cluster: SimulatedCluster) -> None:
    cluster.apply(release(strategy="Recreate"), "flux")
    seconds_until_ready(cluster, W1, place=PLEX)
    cluster.apply(release("backup", "RollingUpdate"), "flux")
    seconds_until_ready(cluster, W2, place=PLEX)
    cluster.advance(5)
    cluster.apply(release("primary", "Recreate"), "flux")
    cluster.advance(5)
    assert ready(cluster) == ("False", "UpgradeFailed")
    assert "may not be specified when" in condition(cluster.get("HelmRelease", PLEX), "Ready")["message"]


def test_a_chart_whose_source_is_missing(cluster: SimulatedCluster) -> None:
    other = {**CHART, "name": "other"}
    cluster.apply(release(chartRef=other), "flux")
    cluster.advance(5)
    assert ready(cluster) == ("False", "SourceNotReady")


def test_a_deleted_release_takes_its_objects_along(cluster: SimulatedCluster) -> None:
    cluster.apply(release(), "flux")
    seconds_until_ready(cluster, W1, place=PLEX)
    cluster.delete("HelmRelease", PLEX)
    cluster.advance(5)
    assert cluster.get("Deployment", PLEX) is None


def test_values_become_workloads_claims_and_services() -> None:
    given = values()
    given["persistence"]["cache"] = {"size": "2Gi", "storageClass": "fast"}
    made = {(one["kind"], one["metadata"]["name"]): one for one in render("plex", "media", given)}
    assert set(made) == {
        ("Deployment", "plex"),
        ("Service", "plex"),
        ("PersistentVolumeClaim", "plex-cache"),
    }
    pod = made["Deployment", "plex"]["spec"]["template"]["spec"]
    assert [next(iter(set(one) - {"name"})) for one in pod["volumes"]] == [
        "persistentVolumeClaim",
        "emptyDir",
        "persistentVolumeClaim",
    ]
    assert pod["containers"][0]["image"] == "example.org/plex:1"


def test_values_without_controllers_make_one_deployment() -> None:
    given = {"nodeSelector": {"role": "primary"}, "persistence": {"config": {"existingClaim": "plex"}}}
    (made,) = render("plex", "media", given)
    assert made["spec"]["strategy"] == {"type": "Recreate"}
    assert made["spec"]["template"]["spec"]["nodeSelector"] == {"role": "primary"}
