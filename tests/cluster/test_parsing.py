"""Each kind from the JSON of a real API server: nodes that die, rollouts that hang, volumes that are elsewhere."""

import json
from typing import Any

import pytest

from failover_api.cluster import flux, leases, nodes, volumes, workloads
from failover_api.core.safety.observed import (
    Application,
    Applier,
    Autoscaler,
    Claim,
    Condition,
    Deployment,
    HelmRelease,
    Kustomization,
    Lease,
    Node,
    Owner,
    Pod,
    PodTemplate,
    ReplicaSet,
    Replication,
    Requirement,
    Source,
    StatefulSet,
    StorageClass,
    Taint,
    Toleration,
    Volume,
)

AT = 1796068800.0  # 2026-11-30T20:00:00Z
WAS = "2026-11-30T20:00:00Z"


def test_a_node_that_is_not_heard_of() -> None:
    data = json.loads("""{
      "metadata": {"name": "k3s-w1", "uid": "0b1c", "labels": {"kubernetes.io/hostname": "k3s-w1", "role": "primary"}},
      "spec": {"taints": [
        {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule", "timeAdded": "2026-11-30T20:00:00Z"},
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-11-30T20:00:00Z"}]},
      "status": {"conditions": [
        {"type": "MemoryPressure", "status": "Unknown", "reason": "NodeStatusUnknown"},
        {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
         "message": "Kubelet stopped posting node status.",
         "lastHeartbeatTime": "2026-11-30T19:56:20Z", "lastTransitionTime": "2026-11-30T20:00:00Z"}]}}""")
    assert nodes.parse_node(data, ("", "k3s-w1")) == Node(
        name="k3s-w1",
        uid="0b1c",
        labels={"kubernetes.io/hostname": "k3s-w1", "role": "primary"},
        taints=(
            Taint("node.kubernetes.io/unreachable", "", "NoSchedule"),
            Taint("node.kubernetes.io/unreachable", "", "NoExecute"),
        ),
        ready=Condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", AT),
    )


def test_a_cordoned_node() -> None:
    data = {
        "metadata": {"name": "k3s-w2", "labels": {"node-role.kubernetes.io/control-plane": "true"}},
        "spec": {
            "unschedulable": True,
            "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
        },
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]},
    }
    node = nodes.parse_node(data, ("", "k3s-w2"))
    assert (node.is_unschedulable, node.is_ready, node.is_control_plane) == (True, True, True)


def lease(renewed_at: str) -> Lease:
    data = {
        "metadata": {"name": "k3s-w1", "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": "k3s-w1", "leaseDurationSeconds": 40, "renewTime": renewed_at},
    }
    return leases.parse_lease(data, ("kube-node-lease", "k3s-w1"))


def test_a_lease_is_a_nodes_heartbeat_by_its_own_clock() -> None:
    assert lease("2026-11-30T20:00:00.250000Z") == Lease("k3s-w1", AT + 0.25, 40)


def test_how_long_a_lease_is_unrenewed_is_measured_by_our_clock() -> None:
    first = leases.observed(lease("2026-11-30T20:00:00.000000Z"), None, 500.0)
    again = leases.observed(lease("2026-11-30T20:00:00.000000Z"), first, 510.0)
    renewed = leases.observed(lease("2026-11-30T20:00:10.000000Z"), again, 520.0)
    assert [each.unchanged_since for each in (first, again, renewed)] == [500.0, 500.0, 520.0]


def test_a_nodes_clock_that_jumps_back_is_a_renewal_all_the_same() -> None:
    first = leases.observed(lease("2026-11-30T20:00:00.000000Z"), None, 500.0)
    assert leases.observed(lease("2026-11-30T19:00:00.000000Z"), first, 510.0).unchanged_since == 510.0


DEPLOYMENT = """{
  "metadata": {"name": "sonarr", "namespace": "media", "uid": "d1", "generation": 3,
    "annotations": {"deployment.kubernetes.io/revision": "2"},
    "labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
  "spec": {"replicas": 1, "strategy": {"type": "Recreate"},
    "template": {"spec": {
      "nodeSelector": {"role": "backup"},
      "tolerations": [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
                       "tolerationSeconds": 20}],
      "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": "pvc-sonarr-backup"}},
                  {"name": "tmp", "emptyDir": {}}]}}},
  "status": {"observedGeneration": 3, "terminatingReplicas": 1, "conditions": [
    {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable",
     "message": "Deployment does not have minimum availability.", "lastTransitionTime": "2026-11-30T20:00:00Z"},
    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
     "message": "ReplicaSet \\"sonarr-7d4b\\" has successfully progressed."}]}}"""


def test_a_blocked_deployment_says_so_by_its_counts_alone() -> None:
    assert workloads.parse_deployment(json.loads(DEPLOYMENT), ("media", "sonarr")) == Deployment(
        namespace="media",
        name="sonarr",
        uid="d1",
        generation=3,
        observed_generation=3,
        replicas=1,
        strategy="Recreate",
        revision="2",
        template=PodTemplate(
            node_selector={"role": "backup"},
            tolerations=(Toleration("node.kubernetes.io/unreachable", "Exists", "", "NoExecute"),),
            claims={"config": "pvc-sonarr-backup"},
        ),
        conditions=(
            Condition(
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
                AT,
            ),
            Condition(
                "Progressing",
                "True",
                "NewReplicaSetAvailable",
                'ReplicaSet "sonarr-7d4b" has successfully progressed.',
            ),
        ),
        applier=Applier(kustomization=("flux-system", "apps")),
    )


def test_a_deployment_has_its_strategy_and_may_be_paused() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}}
    parsed = workloads.parse_deployment({"spec": {"strategy": rolling, "paused": True}}, ("media", "sonarr"))
    assert (parsed.strategy, parsed.is_paused) == ("RollingUpdate", True)


def test_a_node_affinity_stands_beside_a_selector() -> None:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["k3s-w1"]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    data = {"spec": {"template": {"spec": {"affinity": affinity}}}}
    terms = workloads.parse_deployment(data, ("media", "sonarr")).template.node_terms
    assert terms == ((Requirement("kubernetes.io/hostname", "In", ("k3s-w1",)),),)


def test_a_stateful_set_that_waits_for_its_pod() -> None:
    data = json.loads("""{
      "metadata": {"name": "mosquitto", "namespace": "home", "uid": "s1", "generation": 2},
      "spec": {"replicas": 1, "podManagementPolicy": "OrderedReady", "updateStrategy": {"type": "RollingUpdate"},
        "template": {"spec": {"nodeSelector": {"role": "backup"}}}},
      "status": {"observedGeneration": 2, "replicas": 1, "currentReplicas": 1, "availableReplicas": 0,
        "currentRevision": "mosquitto-5f", "updateRevision": "mosquitto-9c"}}""")
    assert workloads.parse_stateful_set(data, ("home", "mosquitto")) == StatefulSet(
        namespace="home",
        name="mosquitto",
        uid="s1",
        generation=2,
        observed_generation=2,
        replicas=1,
        strategy="RollingUpdate",
        pod_management="OrderedReady",
        template=PodTemplate(node_selector={"role": "backup"}),
        update_revision="mosquitto-9c",
    )


def test_a_replica_set_is_a_revision_of_its_deployment() -> None:
    owner = {"kind": "Deployment", "name": "sonarr", "uid": "d1", "controller": True}
    data = {
        "metadata": {
            "uid": "r1",
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "ownerReferences": [owner],
        },
        "spec": {"replicas": 1},
        "status": {"readyReplicas": 1},
    }
    expected = ReplicaSet("media", "sonarr-7d4b", "r1", Owner("Deployment", "sonarr", "d1"), "2", 1, 1)
    assert workloads.parse_replica_set(data, ("media", "sonarr-7d4b")) == expected


POD: dict[str, Any] = {
    "metadata": {
        "uid": "p1",
        "creationTimestamp": WAS,
        "labels": {"app.kubernetes.io/name": "sonarr", "pod-template-hash": "7d4b"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "sonarr-7d4b", "uid": "r1", "controller": True}],
    },
    "spec": {
        "nodeName": "k3s-w1",
        "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": "pvc-sonarr"}}],
    },
    "status": {"phase": "Running"},
}


def test_an_evicted_pod_is_running_and_on_its_way_out() -> None:
    message = "Taint manager: deleting due to NoExecute taint"
    conditions = [
        {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": message},
        {"type": "Ready", "status": "False"},
        {"type": "ContainersReady", "status": "True"},
        {"type": "PodScheduled", "status": "True"},
    ]
    data = {**POD, "metadata": {**POD["metadata"], "deletionTimestamp": "2026-11-30T20:00:30Z"}}
    data["status"] = {"phase": "Running", "conditions": conditions}
    assert workloads.parse_pod(data, ("media", "sonarr-7d4b-x")) == Pod(
        namespace="media",
        name="sonarr-7d4b-x",
        uid="p1",
        owner=Owner("ReplicaSet", "sonarr-7d4b", "r1"),
        app="sonarr",
        revision="7d4b",
        node="k3s-w1",
        phase="Running",
        ready=Condition("Ready", "False"),
        scheduled=Condition("PodScheduled", "True"),
        created_at=AT,
        deletion_at=AT + 30,
        claims=("pvc-sonarr",),
    )


UNSCHEDULED = (
    "0/3 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 2 node(s) had untolerated "
    "taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for "
    "scheduling."
)


def test_a_pod_that_is_not_scheduled_says_why() -> None:
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": UNSCHEDULED}
    pod = workloads.parse_pod({"status": {"phase": "Pending", "conditions": [refused]}}, ("media", "a"))
    assert pod.scheduled == Condition("PodScheduled", "False", "Unschedulable", UNSCHEDULED)
    assert (pod.node, pod.phase, pod.ready) == ("", "Pending", None)


@pytest.mark.parametrize("key", ["initContainerStatuses", "containerStatuses"])
def test_a_container_that_waits_says_why(key: str) -> None:
    waiting = [{"state": {"running": {}}}, {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    assert workloads.parse_pod({"status": {key: waiting}}, ("media", "a")).waiting == "CrashLoopBackOff"


def test_a_pod_of_a_stateful_set_has_the_revision_of_its_own_label() -> None:
    labels = {"controller-revision-hash": "mosquitto-5f", "app": "mosquitto"}
    pod = workloads.parse_pod({"metadata": {"labels": labels}}, ("home", "mosquitto-0"))
    assert (pod.revision, pod.app) == ("mosquitto-5f", "mosquitto")


def test_an_autoscaler_that_is_disabled() -> None:
    message = "scaling is disabled since the replica count of the target is zero"
    active = {"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": message}
    data = {
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "sonarr"}, "minReplicas": 1, "maxReplicas": 3},
        "status": {"conditions": [active]},
    }
    condition = Condition("ScalingActive", "False", "ScalingDisabled", message)
    expected = Autoscaler("media", "sonarr", Owner("Deployment", "sonarr"), condition)
    assert workloads.parse_autoscaler(data, ("media", "sonarr")) == expected


def test_a_claim_that_waits_for_its_first_pod() -> None:
    data = {
        "metadata": {"uid": "c1", "annotations": {"volume.kubernetes.io/selected-node": "k3s-w2"}},
        "spec": {"accessModes": ["ReadWriteOncePod"], "storageClassName": "local-path", "volumeName": "pv-1"},
        "status": {"phase": "Pending"},
    }
    expected = Claim("media", "pvc", "c1", "Pending", "pv-1", "local-path", "k3s-w2")
    assert volumes.parse_claim(data, ("media", "pvc")) == expected


def test_a_local_volume_is_on_its_node() -> None:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["k3s-w1"]}
    data = {
        "spec": {
            "claimRef": {"namespace": "media", "name": "pvc-sonarr"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
        },
        "status": {"phase": "Bound"},
    }
    volume = volumes.parse_volume(data, ("", "pv-1"))
    terms = ((Requirement("kubernetes.io/hostname", "In", ("k3s-w1",)),),)
    assert volume == Volume("pv-1", "Bound", ("media", "pvc-sonarr"), terms)
    assert volumes.parse_volume({}, ("", "nfs")).node_terms is None


def test_a_storage_class_says_when_it_binds() -> None:
    data = {"provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer"}
    expected = StorageClass("local-path", "WaitForFirstConsumer")
    assert volumes.parse_storage_class(data, ("", "local-path")) == expected


def test_a_source_of_volsync_with_its_last_sync() -> None:
    data = json.loads("""{
      "spec": {"sourcePVC": "pvc-sonarr", "paused": true, "trigger": {"schedule": "*/10 * * * *", "manual": "t2"},
        "rsyncTLS": {"copyMethod": "Direct", "address": "10.0.0.5"}},
      "status": {"lastSyncTime": "2026-11-30T20:00:00Z", "lastSyncDuration": "1m3.5s", "lastManualSync": "t1",
        "nextSyncTime": "2026-11-30T20:10:00Z", "lastSyncStartTime": "2026-11-30T20:00:30Z",
        "latestMoverStatus": {"result": "Failed", "logs": "secret"},
        "conditions": [{"type": "Synchronizing", "status": "True", "reason": "SyncInProgress"}]}}""")
    source = volumes.parse_source(data, ("media", "sonarr-to-w2"))
    assert source == Replication(
        namespace="media",
        name="sonarr-to-w2",
        kind="ReplicationSource",
        claim="pvc-sonarr",
        mover="rsyncTLS",
        is_paused=True,
        schedule="*/10 * * * *",
        manual="t2",
        last_manual="t1",
        last_sync_at=AT,
        last_sync_duration_s=63.5,
        sync_started_at=AT + 30,
        result="Failed",
        synchronizing=Condition("Synchronizing", "True", "SyncInProgress"),
    )
    assert source.data_as_of == AT - 63.5


def test_a_destination_names_its_claim_below_its_mover() -> None:
    data = {
        "spec": {"restic": {"destinationPVC": "pvc-sonarr-backup", "copyMethod": "Snapshot"}},
        "status": {"latestImage": {"name": "volsync-image"}},
    }
    destination = volumes.parse_destination(data, ("media", "sonarr-w2"))
    assert (destination.kind, destination.claim) == ("ReplicationDestination", "pvc-sonarr-backup")
    assert destination.mover == "restic"


def test_a_kustomization_that_failed_its_health_check() -> None:
    data = json.loads("""{
      "metadata": {"generation": 4},
      "spec": {"path": "./apps", "suspend": false, "wait": true, "sourceRef": {"kind": "GitRepository", "name": "lab"}},
      "status": {"lastAppliedRevision": "main@sha1:aaaa", "lastAttemptedRevision": "main@sha1:bbbb",
        "observedGeneration": 4,
        "inventory": {"entries": [{"id": "media_sonarr_apps_Deployment", "v": "v1"}, {"v": "v1"}, null]},
        "conditions": [{"type": "Ready", "status": "False", "reason": "HealthCheckFailed", "message": "timeout"}]}}""")
    assert flux.parse_kustomization(data, ("flux-system", "apps")) == Kustomization(
        namespace="flux-system",
        name="apps",
        path="./apps",
        source=("GitRepository", "flux-system", "lab"),
        applied_revision="main@sha1:aaaa",
        generation=4,
        observed_generation=4,
        ready=Condition("Ready", "False", "HealthCheckFailed", "timeout"),
        inventory=frozenset({"media_sonarr_apps_Deployment"}),
    )


def test_the_inventory_of_a_large_kustomization_is_whole() -> None:
    entries = [{"id": f"media_app-{number}_apps_Deployment"} for number in range(5000)]
    parsed = flux.parse_kustomization({"status": {"inventory": {"entries": entries}}}, ("flux-system", "apps"))
    assert len(parsed.inventory) == 5000


def test_a_helm_release_with_what_its_newest_release_came_to() -> None:
    data = json.loads("""{
      "metadata": {"generation": 2},
      "spec": {"releaseName": "plex", "suspend": true},
      "status": {"observedGeneration": 2, "lastAttemptedReleaseAction": "upgrade", "upgradeFailures": 1,
        "history": [{"name": "plex", "version": 3, "chartVersion": "1.2.3", "status": "failed"},
                    {"name": "plex", "version": 2, "chartVersion": "1.2.2", "status": "deployed"}],
        "conditions": [{"type": "Ready", "status": "False", "reason": "UpgradeFailed", "message": "no"},
                       {"type": "Remediated", "status": "True", "reason": "RollbackSucceeded"}]}}""")
    assert flux.parse_helm_release(data, ("media", "plex")) == HelmRelease(
        namespace="media",
        name="plex",
        release="plex",
        is_suspended=True,
        generation=2,
        observed_generation=2,
        conditions=(
            Condition("Ready", "False", "UpgradeFailed", "no"),
            Condition("Remediated", "True", "RollbackSucceeded"),
        ),
    )


@pytest.mark.parametrize(
    ("parse", "kind"),
    [
        (flux.parse_git_repository, "GitRepository"),
        (flux.parse_oci_repository, "OCIRepository"),
        (flux.parse_bucket, "Bucket"),
    ],
)
def test_a_source_of_flux_is_at_a_revision_and_shows_no_password(parse: Any, kind: str) -> None:
    artifact = {"revision": "main@sha1:aaaa", "lastUpdateTime": WAS}
    data = {"spec": {"url": "https://bob:hunter2@git.example.org/lab"}, "status": {"artifact": artifact}}
    expected = Source("flux-system", "lab", kind, "https://git.example.org/lab", False, "main@sha1:aaaa", AT)
    assert parse(data, ("flux-system", "lab")) == expected


@pytest.mark.parametrize(
    ("policy", "is_automated"),
    [
        ({"automated": {}}, True),
        ({"automated": {"enabled": True}}, True),
        ({"automated": {"enabled": False}}, False),
        ({"automated": None}, False),
        ({}, False),
    ],
)
def test_an_application_of_argo_syncs_by_itself_or_not(policy: Any, is_automated: bool) -> None:
    data = {
        "spec": {"source": {"repoURL": "https://git.example.org/lab", "path": "apps"}, "syncPolicy": policy},
        "status": {
            "sync": {"status": "Synced", "revision": "aaaa"},
            "health": {"status": "Healthy"},
            "operationState": {"phase": "Succeeded"},
        },
    }
    expected = Application(
        "argocd",
        "apps",
        is_automated,
        "https://git.example.org/lab",
        "apps",
        "Synced",
        "aaaa",
        "Healthy",
        "Succeeded",
    )
    assert flux.parse_application(data, ("argocd", "apps")) == expected


def test_of_several_sources_of_an_application_the_one_in_git_counts() -> None:
    chart, git = {"repoURL": "https://charts.example.org", "chart": "app"}, {"repoURL": "https://git.example.org/lab"}
    sync = {"status": "Synced", "revisions": ["1.2.3", "a" * 40]}
    operation = {"syncResult": {"revisions": ["1.2.2", "b" * 40]}}
    data = {"spec": {"sources": [chart, git]}, "status": {"sync": sync, "operationState": operation}}
    found = flux.parse_application(data, ("argocd", "apps"))
    assert (found.repository, found.revision, found.operation_revision) == (git["repoURL"], "a" * 40, "b" * 40)
    assert flux.parse_application({"spec": {"sources": [chart]}}, ("argocd", "apps")).repository == ""
    assert flux.parse_application({**data, "status": {"sync": {"revisions": ["1"]}}}, ("a", "b")).revision == ""


SOURCE = {"repoURL": "https://git.example.org/lab", "path": "apps", "targetRevision": "main"}


@pytest.mark.parametrize(
    ("destination", "is_remote"),
    [
        (None, False),
        ({"server": "https://kubernetes.default.svc"}, False),
        ({"name": "in-cluster"}, False),
        ({"server": "https://10.0.0.9:6443"}, True),
        ({"name": "attic"}, True),
        ([], False),
    ],
)
def test_an_application_may_be_for_another_cluster(destination: Any, is_remote: bool) -> None:
    data = {"spec": {"source": {**SOURCE, "targetRevision": "refs/heads/dev"}, "destination": destination}}
    found = flux.parse_application(data, ("argocd", "apps"))
    assert (found.is_remote, found.branch) == (is_remote, "dev")


def test_what_flux_applies_may_be_for_another_cluster_and_wait_for_others() -> None:
    depends = [{"name": "infra"}, {"name": "crds", "namespace": "base"}, {"name": 7}, "x"]
    for parse in (flux.parse_kustomization, flux.parse_helm_release):
        found = parse({"spec": {"kubeConfig": {"secretRef": {"name": "attic"}}, "dependsOn": depends}}, ("media", "a"))
        assert (found.is_remote, found.depends_on) == (True, (("media", "infra"), ("base", "crds")))
        plain = parse({"spec": {}}, ("media", "a"))
        assert (plain.is_remote, plain.depends_on) == (False, ())


@pytest.mark.parametrize(
    ("compared", "is_behind"),
    [
        ({"source": SOURCE}, False),
        ({"source": {**SOURCE, "targetRevision": "other"}}, True),
        ({"source": {"repoURL": ""}}, True),
        (None, False),  # it does not say
        ("x", False),
    ],
)
def test_an_application_that_argo_has_not_compared_with_its_spec_is_behind(compared: Any, is_behind: bool) -> None:
    data = {"metadata": {"generation": 9}, "spec": {"source": SOURCE}, "status": {"sync": {"comparedTo": compared}}}
    assert flux.parse_application(data, ("argocd", "apps")).is_behind is is_behind


def test_one_that_counts_generations_may_be_behind_too() -> None:
    data = {"metadata": {"generation": 9}, "status": {"observedGeneration": 8}}
    assert flux.parse_application(data, ("argocd", "apps")).is_behind


@pytest.mark.parametrize(
    "parse",
    [
        flux.parse_git_repository,
        flux.parse_oci_repository,
        flux.parse_bucket,
        flux.parse_kustomization,
        flux.parse_helm_release,
        workloads.parse_deployment,
        workloads.parse_stateful_set,
    ],
)
@pytest.mark.parametrize(
    ("newest", "observed", "is_behind"),
    [(2, 1, True), (1, -1, True), (2, 2, False), (2, None, False), (None, 1, False), ("3", 1, False), (2, True, False)],
)
def test_a_status_of_an_older_spec_is_behind(parse: Any, newest: Any, observed: Any, is_behind: bool) -> None:
    data = {"metadata": {"generation": newest}, "status": {"observedGeneration": observed}}
    assert parse(data, ("media", "sonarr")).is_behind is is_behind


def test_a_condition_says_which_spec_it_is_about() -> None:
    conditions = [{"type": "Ready", "status": "False", "observedGeneration": 2}]
    data = {"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "conditions": conditions}}
    assert flux.parse_kustomization(data, ("flux-system", "apps")).ready_now == Condition(
        "Ready", "False", generation=2
    )
    conditions[0]["observedGeneration"] = 1
    assert flux.parse_kustomization(data, ("flux-system", "apps")).ready_now is None
    del conditions[0]["observedGeneration"]
    assert flux.parse_git_repository(data, ("flux-system", "lab")).ready_now is None
