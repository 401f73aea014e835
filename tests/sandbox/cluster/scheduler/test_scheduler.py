"""Why a pod is not scheduled: the exact texts of v1.36, on a control plane and two workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.cluster.apps import (
    APP,
    CP,
    W1,
    W2,
    affinity,
    apply,
    claim,
    condition,
    deployment,
    only_pod,
    running,
    said,
    taints_of,
)

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

NO_HELP = (
    "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
)
TAINTED, UNSELECTED = "had untolerated taint(s)", "didn't match Pod's node affinity/selector"
ELSEWHERE = "didn't match PersistentVolume's node affinity"


def storage_class(name: str = "local", mode: str = "WaitForFirstConsumer", **more: Any) -> dict[str, Any]:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**kind, "provisioner": "rancher.io/local-path", "volumeBindingMode": mode, **more}


def free_claim(name: str, of_class: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "media"}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": of_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def moved(claim_name: str, role: str = "backup", **spec: Any) -> dict[str, Any]:
    """A Deployment whose template asks for a role and a claim."""
    whole = deployment("backup", pod=spec)
    whole["spec"]["template"]["spec"]["nodeSelector"] = {"role": role}
    whole["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = claim_name
    return whole


def refusal(cluster: SimulatedCluster, manifest: dict[str, Any]) -> str:
    """What is said of its only pod; the event says the same."""
    apply(cluster, manifest)
    cluster.advance(2)
    told = condition(only_pod(cluster), "PodScheduled")
    assert (told["status"], told["reason"]) == ("False", "Unschedulable")
    assert told["message"] in said(cluster, "FailedScheduling")
    return str(told["message"])


def test_a_volume_on_another_node(cluster: SimulatedCluster) -> None:
    assert refusal(cluster, moved("a")) == (
        f"0/3 nodes are available: 1 node(s) {ELSEWHERE}, 1 node(s) {UNSELECTED}, 1 node(s) {TAINTED}. {NO_HELP}"
    )


def test_two_claims_on_two_nodes(cluster: SimulatedCluster) -> None:
    both = moved("b")
    volumes = both["spec"]["template"]["spec"]["volumes"]
    volumes.append({"name": "more", "persistentVolumeClaim": {"claimName": "a"}})
    assert f"1 node(s) {ELSEWHERE}" in refusal(cluster, both)


def test_a_volume_of_a_node_that_does_not_exist(cluster: SimulatedCluster) -> None:
    apply(cluster, *claim("c", "gone"))
    assert f"1 node(s) {ELSEWHERE}" in refusal(cluster, moved("c"))
    found = cluster.get("PersistentVolumeClaim", "media/c")
    assert found is not None
    assert found["status"]["phase"] == "Bound"


def test_no_node_has_the_label(cluster: SimulatedCluster) -> None:
    assert refusal(cluster, moved("b", "nobody")) == (
        f"0/3 nodes are available: 1 node(s) {TAINTED}, 2 node(s) {UNSELECTED}. {NO_HELP}"
    )


def test_an_affinity_that_fits_no_node(cluster: SimulatedCluster) -> None:
    required = affinity("gone")["required"]
    wish = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    assert f"2 node(s) {UNSELECTED}" in refusal(cluster, moved("b", affinity=wish))


def test_a_missing_claim(cluster: SimulatedCluster) -> None:
    text = '0/3 nodes are available: persistentvolumeclaim "nope" not found. not found'
    assert refusal(cluster, moved("nope")) == text


def test_a_claim_that_is_being_deleted(cluster: SimulatedCluster) -> None:
    running(cluster, deployment())
    cluster.delete("PersistentVolumeClaim", "media/a")
    other = moved("a", "primary")
    other["metadata"]["name"] = "other"
    other["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    apply(cluster, other)
    cluster.advance(2)
    (pod,) = cluster.pods("media/other")
    assert 'persistentvolumeclaim "a" is being deleted. not found' in condition(pod, "PodScheduled")["message"]


def test_a_claim_that_has_lost_its_volume(cluster: SimulatedCluster) -> None:
    cluster.lose_volume("pv-b")
    cluster.advance(1)
    text = 'persistentvolumeclaim "b" bound to non-existent persistentvolume "pv-b". not found'
    assert refusal(cluster, moved("b")) == f"0/3 nodes are available: {text}"
    found = cluster.get("PersistentVolumeClaim", "media/b")
    assert found is not None
    assert found["status"]["phase"] == "Lost"
    assert said(cluster, "ClaimLost") == ["Bound claim has lost its PersistentVolume. Data on the volume is lost!"]


def test_a_claim_without_a_class(cluster: SimulatedCluster) -> None:
    apply(cluster, free_claim("c", "none"))
    text = "pod has unbound immediate PersistentVolumeClaims. not found"
    assert refusal(cluster, moved("c")) == f"0/3 nodes are available: {text}"
    assert said(cluster, "ProvisioningFailed") == ['storageclass.storage.k8s.io "none" not found']


def test_an_immediate_class_whose_provisioner_does_not_answer(cluster: SimulatedCluster) -> None:
    cluster.manager.volumes.provisioners.clear()
    apply(cluster, storage_class(mode="Immediate"), free_claim("c", "local"))
    assert "pod has unbound immediate PersistentVolumeClaims" in refusal(cluster, moved("c"))
    (waiting,) = said(cluster, "ExternalProvisioning")
    assert "either by the external provisioner 'rancher.io/local-path' or manually" in waiting


def test_a_claim_waits_for_its_first_consumer_and_that_is_no_error(cluster: SimulatedCluster) -> None:
    apply(cluster, storage_class(), free_claim("c", "local"))
    cluster.advance(5)
    assert said(cluster, "WaitForFirstConsumer") == ["waiting for first consumer to be created before binding"]
    apply(cluster, moved("c"))
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)
    found = cluster.get("PersistentVolumeClaim", "media/c")
    assert found is not None
    volume = cluster.get("PersistentVolume", found["spec"]["volumeName"])
    assert volume is not None
    assert volume["spec"]["nodeAffinity"] == affinity(W2)


def test_a_provisioner_that_does_not_answer_leaves_a_pod_without_a_condition(cluster: SimulatedCluster) -> None:
    cluster.manager.volumes.provisioners.clear()
    apply(cluster, storage_class(), free_claim("c", "local"), moved("c"))
    cluster.advance(30)
    pod = only_pod(cluster)
    assert (pod["status"]["phase"], pod["status"].get("conditions")) == ("Pending", None)
    found = cluster.get("PersistentVolumeClaim", "media/c")
    assert found is not None
    assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == W2
    cluster.manager.volumes.provisioners.add("rancher.io/local-path")
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 20)


def test_a_class_that_knows_its_node_refuses_the_others(cluster: SimulatedCluster) -> None:
    only = [{"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": [W1]}]}]
    apply(cluster, storage_class(allowedTopologies=only), free_claim("c", "local"))
    text = "1 node(s) didn't find available persistent volumes to bind"
    assert text in refusal(cluster, moved("c"))


def test_no_prepared_volume_fits(cluster: SimulatedCluster) -> None:
    static = storage_class("static", provisioner="kubernetes.io/no-provisioner")
    apply(cluster, static, free_claim("c", "static"))
    assert "1 node(s) didn't find available persistent volumes to bind" in refusal(cluster, moved("c"))
    volume = claim("c", W2)[0]
    del volume["spec"]["claimRef"]
    volume["spec"]["storageClassName"] = "static"
    apply(cluster, volume)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)


def test_a_cordoned_target(cluster: SimulatedCluster) -> None:
    cluster.cordon(W2)
    cluster.advance(1)
    text = f"1 node(s) {UNSELECTED}, 1 node(s) {TAINTED}, 1 node(s) were unschedulable"
    assert refusal(cluster, moved("b")) == f"0/3 nodes are available: {text}. {NO_HELP}"
    cluster.cordon(W2, on=False)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)


def test_a_dead_target(cluster: SimulatedCluster) -> None:
    cluster.kill(W2)
    cluster.advance(70)
    text = f"1 node(s) {UNSELECTED}, 2 node(s) {TAINTED}"
    assert refusal(cluster, moved("b")) == f"0/3 nodes are available: {text}. {NO_HELP}"


def test_a_forgotten_out_of_service_taint(cluster: SimulatedCluster) -> None:
    cluster.kill(W2)
    cluster.advance(70)
    cluster.taint_out_of_service(W2)
    cluster.revive(W2)
    cluster.advance(15)
    assert taints_of(cluster, W2) == ["out-of-service:NoExecute"]
    assert f"2 node(s) {TAINTED}" in refusal(cluster, moved("b"))
    cluster.taint_out_of_service(W2, on=False)
    assert cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5) < 1.5


def test_too_little_memory(cluster: SimulatedCluster) -> None:
    greedy = moved("b")
    greedy["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"memory": "64Gi"}}
    text = refusal(cluster, greedy)
    assert "1 Insufficient memory" in text
    assert "1 No preemption victims found for incoming pod" in text


def test_a_host_port_that_is_taken(cluster: SimulatedCluster) -> None:
    port = {"containers": [{"name": "app", "image": "x:1", "ports": [{"containerPort": 80, "hostPort": 80}]}]}
    first = moved("b", **port)
    apply(cluster, first)
    cluster.wait_for(lambda: cluster.ready_pod(APP, W2), 5)
    second = moved("b", **port)
    second["metadata"]["name"] = "second"
    second["spec"]["selector"] = {"matchLabels": {"app": "second"}}
    second["spec"]["template"]["metadata"]["labels"] = {"app": "second"}
    apply(cluster, second)
    cluster.advance(2)
    (pod,) = cluster.pods("media/second")
    text = "1 node(s) didn't have free ports for the requested pod ports"
    assert text in condition(pod, "PodScheduled")["message"]


def test_a_scheduling_gate(cluster: SimulatedCluster) -> None:
    apply(cluster, moved("b", schedulingGates=[{"name": "example.org/wait"}]))
    cluster.advance(2)
    told = condition(only_pod(cluster), "PodScheduled")
    assert (told["reason"], told["message"]) == (
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
    )


def test_read_write_once_is_for_a_node_and_not_for_a_pod(cluster: SimulatedCluster) -> None:
    apply(cluster, deployment(replicas=2))
    cluster.advance(5)
    assert cluster.containers(APP) == [W1, W1]


@pytest.mark.parametrize("node", [W1, CP])
def test_a_dead_and_wrong_node_shows_its_taint_only(cluster: SimulatedCluster, node: str) -> None:
    cluster.kill(node)
    cluster.advance(70)
    text = refusal(cluster, moved("b", "nobody"))
    tainted = 2 if node == W1 else 1
    assert f"{tainted} node(s) {TAINTED}" in text
