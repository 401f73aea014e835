"""fixed-field: what Kubernetes lets nobody change stops the move; what it lets be changed does not."""

import pytest

from failover_api.core.safety.hazard import Severity
from tests.core.safety.finders.ground import only, promote
from tests.support.builders import switch

FIXED = {
    "StatefulSet": [
        "spec.volumeClaimTemplates[0].metadata.name",
        "spec.podManagementPolicy",
        "spec.serviceName",
        "spec.selector.matchLabels.app",
    ],
    "Deployment": ["spec.selector.matchLabels.app"],
    "DaemonSet": ["spec.selector.matchLabels.app"],
    "Job": ["spec.template.spec.nodeSelector.role"],
    "Pod": ["spec.nodeSelector.role", "spec.volumes[0].persistentVolumeClaim.claimName"],
    "PersistentVolumeClaim": ["spec.volumeName", "spec.storageClassName", "spec.accessModes[0]"],
    "PersistentVolume": ["spec.hostPath.path", "spec.nfs.server"],
    "RoleBinding": ["roleRef.name"],
}
FREE = {
    "StatefulSet": ["spec.template.spec.nodeSelector.role", "spec.replicas", "spec.updateStrategy.type"],
    "Deployment": ["spec.template.spec.nodeSelector.role", "spec.strategy.type", "metadata.labels.app"],
    "CronJob": ["spec.jobTemplate.spec.template.spec.nodeSelector.role"],
    "Pod": ["spec.containers[0].image"],
    "PersistentVolumeClaim": ["spec.resources.requests.storage"],
    "PersistentVolume": ["spec.claimRef.name", "spec.persistentVolumeReclaimPolicy"],
    "ConfigMap": ["data.node"],
    "HelmRelease": ["spec.chart.spec.version"],
    "ReplicationSource": ["spec.sourcePVC"],
}


def document(kind: str, path: str, more: str = "") -> str:
    """With the value a at the path."""
    body = "a"
    for step in reversed(path.replace("[0]", ".0").split(".")):
        body = f"[{body}]" if step == "0" else f"{{{step}: {body}}}"
    head = "" if path.startswith("metadata") else f"metadata: {{name: x, namespace: media{more}}}\n"
    return f"kind: {kind}\n{head}{body[1:-1]}\n"


def fixed(kind: str, path: str, more: str = "") -> list[tuple[Severity, str, str | None]]:
    found = only("fixed-field", promote(document(kind, path, more), switch(path, "a", "b")))
    return [(hazard.severity, hazard.about, hazard.where) for hazard in found]


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in FIXED.items() for path in paths])
def test_a_field_that_nobody_may_change_is_a_stop(kind: str, path: str) -> None:
    assert fixed(kind, path) == [(Severity.STOP, f"{kind} media/x", "a.yaml:3")]


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in FREE.items() for path in paths])
def test_a_field_that_may_change_is_none(kind: str, path: str) -> None:
    assert fixed(kind, path) == []


def test_several_fields_of_a_document_are_one_hazard() -> None:
    text = "kind: StatefulSet\nmetadata: {name: x}\nspec:\n  serviceName: a\n  podManagementPolicy: a\n"
    two = [switch("spec.serviceName", "a", "b"), switch("spec.podManagementPolicy", "a", "b")]
    (hazard,) = only("fixed-field", promote(text, *two))
    assert hazard.detail == (
        "StatefulSet x: spec.serviceName, spec.podManagementPolicy cannot be changed once the object is there. "
        "Kubernetes refuses it (422), and Flux then applies nothing of that Kustomization."
    )
    assert "`spec.template.spec.volumes`" in hazard.cure


@pytest.mark.parametrize("where", ["annotations", "labels"])
def test_flux_may_be_told_to_make_a_workload_anew_but_never_a_claim(where: str) -> None:
    force = f", {where}: {{kustomize.toolkit.fluxcd.io/force: Enabled}}"
    assert fixed("Deployment", "spec.selector.matchLabels.app", force) == []
    assert len(fixed("PersistentVolumeClaim", "spec.volumeName", force)) == 1


def test_what_is_immutable_by_its_own_word_is_fixed() -> None:
    text = "kind: ConfigMap\nmetadata: {name: x}\nimmutable: true\ndata: {node: a}\n"
    (hazard,) = only("fixed-field", promote(text, switch("data.node", "a", "b")))
    assert hazard.where == "a.yaml:4"
