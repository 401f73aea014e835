"""In which stage a service is, by what is seen of its cluster."""

from dataclasses import fields, replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Switch, Workload
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.planning.state import State, detect
from failover_api.core.safety.observed import (
    Application,
    Applier,
    Autoscaler,
    Condition,
    HelmRelease,
    Owner,
    Replication,
    Requirement,
    StorageClass,
    View,
)
from failover_api.core.safety.rollout.appliers import resume_command
from failover_api.core.safety.rollout.stage import ClusterState, cluster_state
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.splice import Selector
from tests.support.builders import manifests, service, switch
from tests.support.cluster_views import (
    NOW,
    W1,
    W2,
    claim,
    dead,
    deployment,
    in_git,
    kustomization,
    leaving,
    node,
    pending,
    pod,
    seen,
    sonarr,
    source,
    stateful_set,
    stateful_sonarr,
    unseen,
    view,
    volume,
)


def state_of(seen: View, *, side: str = "backup", **changes: Any) -> ClusterState:
    of = sonarr(**changes)
    found = cluster_state(of, in_git(of, side), seen)
    assert found is not None
    return found


def stateful_state(seen: View) -> ClusterState:
    of = stateful_sonarr()
    found = cluster_state(of, in_git(of), seen)
    assert found is not None
    return found


def said(state: ClusterState) -> str:
    return f"{state.stage}: {state.reason} {state.cure}"


# Serving


def test_a_ready_pod_on_the_sides_node_with_the_sides_claims_serves() -> None:
    state = state_of(view())
    assert (state.stage, state.side, state.node, state.pod) == (Stage.SERVING, State.BACKUP, W2, "sonarr-new-x")
    assert (state.since, state.reason, state.cure, state.seen_at) == (NOW - 10, "", "", NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"ready": Condition("Ready", "False")},
        {"deletion_at": NOW + 30},
        {"phase": "Failed", "reason": "Terminated"},
        {"node": W1},
        {"claims": ("pvc-sonarr",)},
        {"claims": ()},
        {"owner": Owner("ReplicaSet", "other-7f", "rs-other")},
        {"owner": Owner("ReplicaSet", "sonarr-new", "one-deleted-before")},
    ],
)
def test_any_other_pod_does_not(changes: dict[str, Any]) -> None:
    assert state_of(view(pods=[pod(**changes)])).stage is not Stage.SERVING


def test_conditions_of_the_deployment_are_not_believed() -> None:
    well = (Condition("Available", "True"), Condition("Progressing", "True", "NewReplicaSetAvailable"))
    assert state_of(view(deployments=[deployment(conditions=well)], pods=[])).stage is Stage.ROLLING_OUT


def test_an_old_pod_that_stays_on_a_dead_node_does_no_harm_with_rolling_update() -> None:
    seen = view(nodes=[dead(), node(W2)], pods=[leaving(pod("primary")), pod()])
    assert state_of(seen).stage is Stage.SERVING


def test_the_catalogs_nodes_are_believed_where_no_label_is_switched() -> None:
    only_claims = sonarr(switches=(), backup_nodes=(W2,))
    of = replace(only_claims, switches=sonarr().switches[1:])
    on_w1 = cluster_state(of, in_git(of), view(pods=[pod(node=W1)]))
    on_w2 = cluster_state(of, in_git(of), view())
    assert on_w1 is not None
    assert on_w2 is not None
    assert (on_w1.stage, on_w2.stage) == (Stage.BLOCKED, Stage.SERVING)
    assert on_w1.reason == (
        "The pod sonarr-new-x is ready on k3s-w1 with the claims pvc-sonarr-backup, which is not what the catalog says "
        "of this side."
    )


def test_without_nodes_the_template_tells_where_the_scheduler_put_the_pod() -> None:
    assert state_of(view(nodes=unseen())).stage is Stage.SERVING
    other = state_of(view(nodes=unseen(), pods=[pod(owner=Owner("ReplicaSet", "sonarr-old", "rs-old"))]))
    assert other.stage is Stage.ROLLING_OUT


def test_without_replica_sets_pods_are_known_by_their_hash() -> None:
    assert state_of(view(replica_sets=unseen())).stage is Stage.SERVING


@pytest.mark.parametrize("unseen_now", [{}, {"": "no answer"}])
def test_a_pod_whose_replica_set_was_made_a_moment_ago_counts(unseen_now: dict[str, str]) -> None:
    """Each kind has a watch of its own, and one of them may stall."""
    older = [one for one in view().replica_sets.objects.values() if one.name == "sonarr-old"]
    found = state_of(view(replica_sets=seen(older, unseen=unseen_now), pods=[leaving(pod("primary")), pod()]))
    assert (found.stage, found.pod) == (Stage.SERVING, "sonarr-new-x")


def test_what_was_seen_of_nodes_before_they_fell_silent_says_nothing_of_now() -> None:
    """k3s-w1 had the label of backup."""
    before = node(W1, labels={"role": "backup"})
    stray = pod("primary", claims=("pvc-sonarr-backup",))
    found = view(nodes=seen([before, node(W2)], unseen={"": "no answer"}), pods=[stray])
    assert state_of(found).stage is not Stage.SERVING


def test_the_claims_of_the_template_count_where_no_switch_names_one() -> None:
    of = sonarr()
    of = replace(of, switches=of.switches[:1])
    right, wrong = (cluster_state(of, in_git(of), view(pods=[pod(claims=c)])) for c in (("pvc-sonarr-backup",), ()))
    assert right is not None
    assert wrong is not None
    assert (right.stage, wrong.stage) == (Stage.SERVING, Stage.BLOCKED)


# Not applied


def test_live_objects_that_differ_from_git_wait_for_apply() -> None:
    state = state_of(view(deployments=[deployment("primary")], pods=[pod("primary")]))
    assert (state.stage, state.side) == (Stage.WAITING_FOR_APPLY, State.PRIMARY)
    assert state.reason == "Flux has not applied the commit yet."


def test_what_flux_was_before_it_fell_silent_is_no_cause() -> None:
    """It was suspended when it was seen last, which may be hours ago."""
    before = {"kustomizations": [kustomization(is_suspended=True)], "git_repositories": [source(is_suspended=True)]}
    stale = {kind: seen(objects, unseen={"": "no answer"}) for kind, objects in before.items()}
    state = state_of(view(deployments=[deployment("primary")], pods=[pod("primary")], **stale))
    assert said(state) == "waiting-for-apply: It is not applied yet, and who applies it is not seen. "
    assert state.appliers.kustomization is None
    elsewhere = seen(before["kustomizations"], unseen={"office": "it is forbidden"})
    state = state_of(view(deployments=[deployment("primary")], pods=[pod("primary")], kustomizations=elsewhere))
    assert "Kustomization flux-system/apps is suspended" in state.reason


def test_what_flux_applies_to_another_cluster_is_not_missed_here() -> None:
    of = sonarr()
    remote = view(deployments=[], replica_sets=[], pods=[], kustomizations=[kustomization(is_remote=True)])
    assert cluster_state(of, in_git(of), remote) is None


def test_who_scaled_it_to_none_waits_for_apply_where_git_has_a_number() -> None:
    of = service(
        switch("spec.replicas", 0, 1, kind="Deployment"),
        name="sonarr",
        backup_workload=WorkloadName("Deployment", "sonarr", "media"),
    )
    text = b"kind: Deployment\nmetadata: {name: sonarr, namespace: media}\nspec: {replicas: 1}\n"
    found = cluster_state(of, detect(of, manifests({"a.yaml": text})), view(deployments=[deployment(replicas=0)]))
    assert found is not None
    assert found.stage is Stage.WAITING_FOR_APPLY


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        (
            {"kustomizations": [kustomization(is_suspended=True)]},
            "blocked: Kustomization flux-system/apps is suspended. `flux resume kustomization apps -n flux-system`",
        ),
        (
            {"git_repositories": [source(is_suspended=True)]},
            (
                "blocked: GitRepository flux-system/flux-system is suspended. "
                "`flux resume source git flux-system -n flux-system`"
            ),
        ),
        (
            {"deployments": [deployment("primary", applier=Applier(("flux-system", "apps"), is_ignored=True))]},
            (
                "blocked: Flux is told to leave the object alone: `kustomize.toolkit.fluxcd.io/ssa` or `/reconcile`. "
                "Take that annotation or label off."
            ),
        ),
        (
            {
                "kustomizations": [
                    kustomization(ready=Condition("Ready", "False", "DependencyNotReady", "dependency 'infra' is not"))
                ]
            },
            "waiting-for-apply: Kustomization flux-system/apps waits: dependency 'infra' is not ",
        ),
        (
            {
                "kustomizations": [
                    kustomization(
                        ready=Condition(
                            "Ready",
                            "False",
                            "ReconciliationFailed",
                            "Deployment/media/sonarr dry-run failed: spec.strategy.rollingUpdate: Forbidden: may not "
                            "be specified when strategy `type` is 'Recreate'",
                        )
                    )
                ]
            },
            (
                "blocked: Kubernetes refuses the manifest: defaults of RollingUpdate are still there. Flux applies "
                "nothing beside it. Write `rollingUpdate` with both numbers once, let it be applied, then remove it."
            ),
        ),
        (
            {"deployments": [deployment("primary", applier=Applier())], "kustomizations": []},
            "waiting-for-apply: It is not applied yet, and who applies it is not seen. ",
        ),
        (
            {
                "deployments": [deployment("primary", applier=Applier())],
                "kustomizations": [],
                "applications": [
                    Application("argocd", "apps", repository="https://github.com/acme/homelab.git", sync="OutOfSync")
                ],
            },
            "blocked: Application argocd/apps is synced by hand. `argocd app sync apps`",
        ),
    ],
)
def test_who_applies_it_says_why_not(kinds: dict[str, Any], text: str) -> None:
    usual: dict[str, Any] = {"deployments": [deployment("primary")], "pods": [pod("primary")]}
    assert said(state_of(view(**{**usual, **kinds}))) == text


def test_a_change_that_kubernetes_has_not_taken_up_is_rolling_out() -> None:
    state = state_of(view(deployments=[deployment(generation=3)], pods=[]))
    assert said(state) == "rolling-out: Kubernetes has not taken up the change yet. "


# Blocked: Deployments


def recreate(**changes: Any) -> Any:
    """As kubernetes.io's controller leaves it for ever: all conditions are well, and no pod is made."""
    lies = (
        Condition("Progressing", "True", "NewReplicaSetAvailable"),
        Condition("Available", "False", "MinimumReplicasUnavailable"),
    )
    given = {"strategy": "Recreate", "updated_replicas": None, "conditions": lies}
    return deployment(**{**given, **changes})


def test_recreate_on_a_dead_node_is_blocked() -> None:
    state = state_of(view(nodes=[dead(), node(W2)], deployments=[recreate()], pods=[leaving(pod("primary"))]))
    assert state.stage is Stage.BLOCKED
    assert state.reason == (
        "The old pod sonarr-old-x is on k3s-w1, which is not ready, and cannot confirm that it stopped; Recreate waits "
        "for it, for ever."
    )
    assert "`unblock: rolling`" in state.cure
    assert "`kubectl delete pod sonarr-old-x -n media --grace-period=0 --force`" in state.cure
    assert state.since == NOW - 60


def test_what_rolls_already_is_not_told_to_roll() -> None:
    of = sonarr(unblocked=Workload("a.yaml", Selector("Deployment")))
    seen = view(nodes=[dead(), node(W2)], deployments=[recreate()], pods=[leaving(pod("primary"))])
    found = cluster_state(of, in_git(of), seen)
    assert found is not None
    assert found.cure.startswith("Now, if the machine is off for sure: `kubectl delete pod")


def test_recreate_is_blocked_before_the_grace_ends_when_the_node_is_known_to_be_down() -> None:
    seen = view(nodes=[dead(), node(W2)], deployments=[recreate()], pods=[leaving(pod("primary"), ends_in_s=25)])
    assert (state_of(seen).stage, state_of(seen).since) == (Stage.BLOCKED, NOW)


def test_recreate_on_a_node_that_is_thought_to_live_is_blocked_once_the_pod_is_overdue() -> None:
    coming = state_of(view(deployments=[recreate()], pods=[leaving(pod("primary"), ends_in_s=20)]))
    late = state_of(view(deployments=[recreate()], pods=[leaving(pod("primary"), ends_in_s=-1)]))
    assert said(coming) == "rolling-out: The old pod sonarr-old-x on k3s-w1 is stopping. "
    assert late.stage is Stage.BLOCKED
    assert "which does not say that it has ended" in late.reason


def test_recreate_after_an_orderly_shutdown_is_not_blocked() -> None:
    failed = leaving(pod("primary", phase="Failed"))
    assert state_of(view(nodes=[dead(), node(W2)], deployments=[recreate()], pods=[failed])).stage is Stage.ROLLING_OUT


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"is_paused": True},
            "blocked: Rollouts of the Deployment are paused. Put `paused: false` in the manifest.",
        ),
        (
            {
                "conditions": (
                    Condition(
                        "ReplicaFailure", "True", "FailedCreate", "pods is forbidden: exceeded quota: q, used: 1"
                    ),
                )
            },
            "blocked: The quota q forbids another pod. Raise the quota.",
        ),
        (
            {"conditions": (Condition("ReplicaFailure", "True", "FailedCreate", "something new"),)},
            "blocked: Kubernetes refuses to make the pod: something new ",
        ),
        (
            {"conditions": (Condition("Progressing", "False", "ProgressDeadlineExceeded"),)},
            "blocked: The new pod was made, and did not come up in time. Look at its log.",
        ),
    ],
)
def test_a_deployment_that_makes_no_pod(changes: dict[str, Any], text: str) -> None:
    assert said(state_of(view(deployments=[deployment(**changes)], pods=[]))) == text


# Blocked: StatefulSets


def test_a_stateful_set_waits_for_its_pod_on_a_dead_node_even_before_it_is_deleted() -> None:
    old = pod("primary", of="StatefulSet")
    seen = view(nodes=[dead(), node(W2)], stateful_sets=[stateful_set()], pods=[old])
    state = stateful_state(seen)
    assert (state.stage, state.since) == (Stage.BLOCKED, NOW - 300)
    assert state.reason == (
        "The old pod sonarr-0 is on k3s-w1, which is not ready, and cannot confirm that it stopped; the StatefulSet "
        "waits for it, for ever."
    )
    assert "`kubectl taint node k3s-w1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`" in state.cure


@pytest.mark.parametrize("changes", [{"revision": "old"}, {"claims": ("pvc-sonarr",)}])
def test_a_stateful_set_clings_to_a_pod_that_can_never_start(changes: dict[str, Any]) -> None:
    state = stateful_state(view(stateful_sets=[stateful_set()], pods=[pending(of="StatefulSet", **changes)]))
    assert state.stage is Stage.BLOCKED
    assert state.reason.startswith("The StatefulSet clings to the pod sonarr-0, which can never start")
    assert state.cure.startswith("`kubectl delete pod sonarr-0 -n media`: it never ran.")


def test_one_with_parallel_pods_does_not_cling() -> None:
    parallel = stateful_set(pod_management="Parallel")
    state = stateful_state(view(stateful_sets=[parallel], pods=[pending("x", of="StatefulSet", revision="old")]))
    assert "clings" not in state.reason


def test_a_stateful_set_serves_by_its_pod() -> None:
    assert stateful_state(view(stateful_sets=[stateful_set()], pods=[pod(of="StatefulSet")])).stage is Stage.SERVING


# Blocked: the pod has no node

NO_MATCH = (
    "0/3 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 2 node(s) were unschedulable"
)
ELSEWHERE = volume("pvc-sonarr-backup", node_terms=((Requirement("kubernetes.io/hostname", "In", (W1,)),),))


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ({"claims": []}, "The claim pvc-sonarr-backup does not exist."),
        (
            {"claims": [claim("pvc-sonarr-backup", deletion_at=NOW)]},
            "The claim pvc-sonarr-backup is being deleted, and waits for its last user.",
        ),
        (
            {"claims": [claim("pvc-sonarr-backup", phase="Lost")]},
            "The volume of the claim pvc-sonarr-backup is gone, and its data with it.",
        ),
        (
            {"claims": [claim("pvc-sonarr-backup", phase="Pending")]},
            "The claim pvc-sonarr-backup has no volume yet.",
        ),
        ({"volumes": [ELSEWHERE]}, "The volume of the claim pvc-sonarr-backup is on another machine than k3s-w2."),
        ({"nodes": [node(W1)]}, "No node has the label that the app asks for."),
        ({"nodes": [node(W1), dead(W2)]}, "k3s-w2 is not ready."),
        ({"nodes": [node(W1), node(W2, is_unschedulable=True)]}, "k3s-w2 is cordoned."),
    ],
)
def test_what_the_claims_and_the_nodes_show_comes_before_the_schedulers_message(
    kinds: dict[str, Any], text: str
) -> None:
    state = state_of(view(pods=[pending(NO_MATCH)], **kinds))
    assert (state.stage, state.reason, state.since) == (Stage.BLOCKED, text, NOW - 15)
    assert state.cure


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ('persistentvolumeclaim "nope" not found. not found', "The claim nope does not exist."),
        (
            "1 node(s) had volume node affinity conflict",
            "The volume is on another machine than the one the app was sent to.",
        ),
        ("1 Insufficient memory, 2 node(s) had untolerated taint(s)", "The node has not enough memory left."),
        (
            "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }",
            "The node is not ready, or marked by a taint that the app does not tolerate.",
        ),
        (
            (
                "1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use "
                "by another pod"
            ),
            "Another pod has the claim, and it is for one pod alone.",
        ),
        ("something new", "The pod is not scheduled: something new"),
    ],
)
def test_the_schedulers_message_is_put_in_plain_words(message: str, text: str) -> None:
    state = state_of(view(pods=[pending(message)], claims=unseen(), nodes=unseen(), volumes=unseen()))
    assert (state.stage, state.reason) == (Stage.BLOCKED, text)


def test_a_gate_holds_a_pod_back() -> None:
    state = state_of(view(pods=[pending(reason="SchedulingGated")]))
    assert state.reason == "Something holds the pod back on purpose: a scheduling gate."


def test_a_claim_that_waits_for_its_first_pod_is_well() -> None:
    lazy = claim("pvc-sonarr-backup", phase="Pending", storage_class="local-path")
    classes = [StorageClass("local-path", binding_mode="WaitForFirstConsumer")]
    state = state_of(view(pods=[pending("x", scheduled=None)], claims=[lazy], storage_classes=classes))
    assert said(state) == "rolling-out: The scheduler has not looked at the pod yet. "


@pytest.mark.parametrize(("age_s", "stage"), [(30, Stage.ROLLING_OUT), (90, Stage.BLOCKED)])
def test_a_volume_that_is_being_made_has_a_minute(age_s: float, stage: Stage) -> None:
    chosen = claim("pvc-sonarr-backup", phase="Pending", selected_node=W2)
    state = state_of(view(pods=[pending(scheduled=None, created_at=NOW - age_s)], claims=[chosen]))
    assert (state.stage, state.cure) == (stage, "Is the provisioner running on that node?")


# The pod has a node


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"waiting": "CrashLoopBackOff"},
            "blocked: The app starts, and ends again and again. Look at its log: `kubectl logs`.",
        ),
        (
            {"waiting": "ImagePullBackOff"},
            "blocked: The image cannot be pulled. Look at the pod's events: name, registry, rights.",
        ),
        (
            {"waiting": "ContainerCreating", "phase": "Pending"},
            "rolling-out: The pod sonarr-new-x is being started on k3s-w2: ContainerCreating. ",
        ),
        ({}, "rolling-out: The pod sonarr-new-x runs on k3s-w2, and is not ready yet. "),
    ],
)
def test_a_pod_that_is_not_ready(changes: dict[str, Any], text: str) -> None:
    state = state_of(view(pods=[pod(ready=Condition("Ready", "False", since=NOW - 5), **changes)]))
    assert said(state) == text
    assert (state.node, state.pod) == (W2, "sonarr-new-x")


def test_a_pod_on_a_node_that_has_died_is_blocked() -> None:
    state = state_of(view(nodes=[node(W1), dead(W2)], pods=[pod(ready=Condition("Ready", "False"))]))
    assert said(state).startswith("blocked: The pod sonarr-new-x is on k3s-w2, which is not ready.")


def test_a_disk_that_may_hang_on_the_dead_node_is_named() -> None:
    old = leaving(pod("primary", claims=("pvc-sonarr-backup",)))
    state = state_of(view(nodes=[dead(), node(W2)], pods=[old, pod(phase="Pending", ready=None)]))
    assert state.stage is Stage.BLOCKED
    assert state.reason == (
        "The claim pvc-sonarr-backup is also that of sonarr-old-x on k3s-w1, which is not ready: its disk may still "
        "hang there."
    )


# Stopped, absent, unknown, not seen


@pytest.mark.parametrize(
    ("scalers", "text"),
    [
        (
            [],
            (
                "stopped: Its replicas are 0: its manifest says so, or somebody scaled it. "
                "Put `replicas: 1` in the manifest; where that stands already, wait until it is applied again."
            ),
        ),
        (
            [
                Autoscaler(
                    "media",
                    "hpa",
                    Owner("Deployment", "sonarr"),
                    scaling_active=Condition("ScalingActive", "False", "ScalingDisabled"),
                )
            ],
            (
                "stopped: Its replicas are 0, so the autoscaler hpa is off. "
                "Put `replicas: 1` in the manifest, or `kubectl scale` it."
            ),
        ),
    ],
)
def test_no_replicas_are_stopped(scalers: list[Autoscaler], text: str) -> None:
    assert said(state_of(view(deployments=[deployment(replicas=0)], autoscalers=scalers, pods=[]))) == text


@pytest.mark.parametrize("kind", [ReplicationKind.MANUAL, ReplicationKind.NONE])
def test_what_a_relocation_may_have_stopped_is_not_just_to_be_started_by_hand(kind: ReplicationKind) -> None:
    """Such a relocation leaves no tag, and in its middle a person is at work on the data."""
    stopped = view(deployments=[deployment(replicas=0)], pods=[])
    assert said(state_of(stopped, replication=DataReplication(kind))) == (
        "stopped: Its replicas are 0. If a relocation has stopped it, nothing else in the cluster says so. "
        "`failover history sonarr` tells. If none is under way: put `replicas: 1` in the manifest."
    )


def test_what_a_relocation_has_stopped_is_not_to_be_started_by_hand() -> None:
    operation = "01JD0000000000000000000000"
    tagged = Replication(
        "media", "to-w1", "ReplicationSource", "pvc-sonarr-backup", manual=f"failover-{operation.lower()}-3-1"
    )
    brought = DataReplication(ReplicationKind.VOLSYNC, to_primary=Pair("to-w1", "w1", "media"))
    stopped = view(deployments=[deployment(replicas=0)], replication_sources=[tagged], pods=[])
    assert said(state_of(stopped, replication=brought)) == (
        f"stopped: Relocation {operation} has stopped it, to bring over what was written. It is started again by "
        "itself; sooner, and where it was, by `failover relocate sonarr --abort`."
    )


def test_what_a_kustomization_lists_and_is_not_there_is_absent() -> None:
    state = state_of(view(deployments=[]))
    assert said(state).startswith("absent: Deployment media/sonarr is not in the cluster.")


def test_a_kustomization_lists_what_names_no_namespace_of_its_own() -> None:
    """The manifest may leave its namespace to a kustomization.yaml, and the catalog say nothing of it."""
    anywhere = sonarr(primary_workload=None, backup_workload=None)
    detection = in_git(anywhere)
    bare = replace(detection, readings=tuple(replace(each, namespace=None) for each in detection.readings))
    found = cluster_state(anywhere, bare, view(deployments=[]))
    assert found is not None
    assert (found.stage, found.reason) == (Stage.ABSENT, "Deployment sonarr is not in the cluster.")
    both = [kustomization(), replace(kustomization(), name="others")]
    assert cluster_state(anywhere, bare, view(deployments=[], kustomizations=both)) is None, "nobody can tell which"


def test_what_was_seen_before_and_is_not_there_is_absent() -> None:
    of = sonarr()
    gone = view(deployments=[], kustomizations=[])
    assert cluster_state(of, in_git(of), gone) is None
    found = cluster_state(of, in_git(of), gone, was_seen=True)
    assert found is not None
    assert found.stage is Stage.ABSENT


def test_a_cluster_that_was_not_seen_says_nothing() -> None:
    of = sonarr()
    assert cluster_state(of, in_git(of), View()) is None


def test_of_a_cluster_that_fell_silent_nothing_is_seen() -> None:
    """A watched view keeps its objects; which kinds it never had is no answer either."""
    of, before = sonarr(), view()
    silent = {kind.name: replace(getattr(before, kind.name), unseen={"": "refused"}) for kind in fields(View)}
    assert cluster_state(of, in_git(of), View(**silent), was_seen=True) is None
    absent = {**silent, "applications": seen(is_installed=False)}
    assert cluster_state(of, in_git(of), View(**absent), was_seen=True) is None
    half = {**silent, "nodes": before.nodes}
    found = cluster_state(of, in_git(of), View(**half), was_seen=True)
    assert found is not None
    assert (found.stage, found.reason) == (Stage.UNKNOWN, "Deployments are not seen: refused.")


def test_a_service_of_another_cluster_is_not_looked_for() -> None:
    of = sonarr(is_elsewhere=True)
    assert cluster_state(of, in_git(of), view()) is None


def test_pods_that_may_not_be_seen_make_it_unknown() -> None:
    assert said(state_of(view(pods=unseen("pods is forbidden")))) == "unknown: Pods are not seen: pods is forbidden. "


def test_switches_in_no_workload_ask_for_its_name() -> None:
    of = service(switch("spec.paused", False, True, kind="ReplicationSource"))
    text = b"kind: ReplicationSource\nmetadata: {name: x}\nspec: {paused: true}\n"
    found = cluster_state(of, detect(of, manifests({"a.yaml": text})), view())
    assert found is not None
    assert said(found) == (
        "unknown: None of its switches is in a Deployment, a StatefulSet or a HelmRelease. "
        "Name its `workload` in the catalog."
    )


def test_switches_in_one_workload_name_it() -> None:
    of = sonarr(primary_workload=None, backup_workload=None)
    found = cluster_state(of, in_git(of), view())
    assert found is not None
    assert found.stage is Stage.SERVING


def test_of_two_workloads_the_one_that_is_awake_is_looked_at() -> None:
    a, b = (switch("spec.replicas", one, 1 - one, file=f"{one}.yaml", kind="Deployment") for one in (1, 0))
    of = service(a, b)
    texts = {
        "1.yaml": b"kind: Deployment\nmetadata: {name: sonarr-a, namespace: media}\nspec: {replicas: 0}\n",
        "0.yaml": b"kind: Deployment\nmetadata: {name: sonarr, namespace: media}\nspec: {replicas: 1}\n",
    }
    found = cluster_state(of, detect(of, manifests(texts)), view(nodes=[node(W2)]))
    assert found is not None
    assert (found.stage, found.pod) == (Stage.SERVING, "sonarr-new-x")


# HelmReleases

RELEASED = Applier(helm_release=("media", "sonarr"))
VALUES = b"""\
kind: HelmRelease
metadata: {name: sonarr, namespace: media}
spec:
  values:
    defaultPodOptions: {nodeSelector: {role: backup}}
    persistence: {config: {existingClaim: pvc-sonarr-backup}}
"""


def release_state(seen: View, *, was_seen: bool = False) -> ClusterState | None:
    workload = WorkloadName("HelmRelease", "sonarr", "media")
    of = service(
        switch("spec.values.defaultPodOptions.nodeSelector.role", "primary", "backup", kind="HelmRelease"),
        switch("spec.values.persistence.config.existingClaim", "pvc-sonarr", "pvc-sonarr-backup", kind="HelmRelease"),
        primary_workload=workload,
        backup_workload=workload,
    )
    return cluster_state(of, detect(of, manifests({"a.yaml": VALUES})), seen, was_seen=was_seen)


def test_a_releases_workload_is_found_by_its_labels() -> None:
    release = HelmRelease("media", "sonarr", applier=Applier(kustomization=("flux-system", "apps")))
    found = release_state(view(helm_releases=[release], deployments=[deployment(applier=RELEASED)]))
    assert found is not None
    assert (found.stage, found.side) == (Stage.SERVING, State.BACKUP)
    assert found.appliers.kustomization == kustomization()


def test_of_several_the_one_with_the_services_claim_is_meant() -> None:
    template = replace(deployment().template, claims={"data": "redis"})
    redis = replace(deployment(uid="d2", applier=RELEASED, template=template), name="redis")
    found = release_state(view(deployments=[deployment(applier=RELEASED), redis]))
    assert found is not None
    assert found.stage is Stage.SERVING


@pytest.mark.parametrize("silent", ["deployments", "helm_releases"])
def test_what_a_release_was_before_its_kinds_fell_silent_is_not_told(silent: str) -> None:
    objects = {"helm_releases": [HelmRelease("media", "sonarr")], "deployments": [deployment(applier=RELEASED)]}
    found = release_state(view(**{**objects, silent: seen(objects[silent], unseen={"": "no answer"})}))
    assert found is None
    found = release_state(view(**{**objects, silent: seen(objects[silent], unseen={"": "no answer"})}), was_seen=True)
    assert found is not None
    assert found.stage is Stage.UNKNOWN
    assert found.reason.endswith(" not seen: no answer.")


def test_a_release_for_another_cluster_is_not_looked_for_here() -> None:
    remote = view(helm_releases=[HelmRelease("media", "sonarr", is_remote=True)], deployments=[], pods=[])
    found = release_state(remote, was_seen=True)
    assert found is not None
    assert said(found) == "unknown: The release is for another cluster: it names a `kubeConfig`. "


def test_a_release_that_is_not_upgraded_yet_waits() -> None:
    release = HelmRelease("media", "sonarr")
    old = deployment("primary", applier=RELEASED)
    found = release_state(view(helm_releases=[release], deployments=[old], pods=[pod("primary")]))
    assert found is not None
    assert (found.stage, found.side) == (Stage.WAITING_FOR_APPLY, State.PRIMARY)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"is_suspended": True},
            "blocked: HelmRelease media/sonarr is suspended. `flux resume helmrelease sonarr -n media`",
        ),
        (
            {"conditions": (Condition("Remediated", "True", "RollbackSucceeded"),)},
            (
                "blocked: Helm took the new release of media/sonarr back, since it was not ready in time. "
                "Give it more time (`timeout`), or do not wait (`upgrade.disableWait: true`)."
            ),
        ),
        (
            {"conditions": (Condition("Ready", "False", "UpgradeFailed", "timed out"),)},
            "blocked: HelmRelease media/sonarr could not be applied: timed out ",
        ),
    ],
)
def test_a_release_says_why_it_is_not_upgraded(changes: dict[str, Any], text: str) -> None:
    old = deployment("primary", applier=RELEASED)
    release = HelmRelease("media", "sonarr", **changes)
    found = release_state(view(helm_releases=[release], deployments=[old], pods=[pod("primary")]))
    assert found is not None
    assert said(found) == text


def test_texts_of_the_cluster_are_shown_as_they_are() -> None:
    """They were put on one line when they were read; braces in them are no places of ours."""
    hostile = "{0} {pod} </script> ‮"
    state = state_of(view(pods=[pending(hostile)], claims=unseen(), nodes=seen([])))
    assert hostile in state.reason


# A status of an older spec


def test_a_deployment_that_was_not_looked_at_since_does_not_serve_by_its_old_pod() -> None:
    """Its revision is still that of the old ReplicaSet, so the old pod looks like one of the new template."""
    of = sonarr()
    of = replace(of, switches=of.switches[:1])
    template = replace(deployment().template, claims={"config": "pvc-sonarr"})
    old = pod("primary", node=W2)
    late = deployment(revision="1", generation=3, observed_generation=2, template=template)
    found = cluster_state(of, in_git(of), view(deployments=[late], pods=[old], nodes=unseen()))
    assert found is not None
    assert said(found) == "rolling-out: Kubernetes has not taken up the change yet. "


def test_neither_does_a_stateful_set() -> None:
    late = stateful_set(generation=3, observed_generation=2, update_revision="old")
    state = stateful_state(view(stateful_sets=[late], pods=[pod(of="StatefulSet", revision="old")]))
    assert said(state) == "rolling-out: Kubernetes has not taken up the change yet. "


@pytest.mark.parametrize(("newest", "observed"), [(None, 3), (3, None), (3, 3), (2, 3)])
def test_a_status_that_is_not_behind_counts(newest: int | None, observed: int | None) -> None:
    seen = view(deployments=[deployment(generation=newest, observed_generation=observed)])
    assert state_of(seen).stage is Stage.SERVING


def test_what_a_release_said_of_an_older_spec_is_not_told() -> None:
    conditions = (
        Condition("Remediated", "True", "RollbackSucceeded", generation=1),
        Condition("Ready", "False", "UpgradeFailed", "timed out"),
    )
    release = HelmRelease("media", "sonarr", conditions=conditions, generation=2, observed_generation=1)
    old = deployment("primary", applier=RELEASED)
    found = release_state(view(helm_releases=[release], deployments=[old], pods=[pod("primary")]))
    assert found is not None
    assert (found.stage, found.is_behind) == (Stage.WAITING_FOR_APPLY, True)


def test_while_a_release_fails_its_conditions_are_of_now() -> None:
    """Flux counts a spec as observed once it is applied well."""
    failed = Condition("Ready", "False", "UpgradeFailed", "timed out", generation=2)
    release = HelmRelease("media", "sonarr", conditions=(failed,), generation=2, observed_generation=1)
    old = deployment("primary", applier=RELEASED)
    found = release_state(view(helm_releases=[release], deployments=[old], pods=[pod("primary")]))
    assert found is not None
    assert said(found) == "blocked: HelmRelease media/sonarr could not be applied: timed out "


@pytest.mark.parametrize(
    ("changes", "stage"),
    [({}, Stage.ROLLING_OUT), ({"is_suspended": True}, Stage.SERVING), ({"observed_generation": 2}, Stage.SERVING)],
)
def test_where_nothing_can_be_compared_a_release_has_to_be_taken_up(changes: dict[str, Any], stage: Stage) -> None:
    plain: dict[str, Any] = {"generation": 2, "observed_generation": 1, **changes}
    named = WorkloadName("HelmRelease", "sonarr", "media")
    of = service(
        switch("spec.values.role", "primary", "backup", kind="HelmRelease"),
        name="sonarr",
        primary_workload=named,
        backup_workload=named,
    )
    text = b"kind: HelmRelease\nmetadata: {name: sonarr, namespace: media}\nspec: {values: {role: backup}}\n"
    seen = view(helm_releases=[HelmRelease("media", "sonarr", **plain)], deployments=[deployment(applier=RELEASED)])
    found = cluster_state(of, detect(of, manifests({"a.yaml": text})), seen)
    assert found is not None
    assert (found.stage, found.side) == (stage, State.UNKNOWN)


def test_a_kustomization_that_failed_under_an_older_spec_is_not_blamed() -> None:
    failed = Condition("Ready", "False", "BuildFailed", "no such file")
    behind = kustomization(ready=failed, generation=2, observed_generation=1)
    state = state_of(view(deployments=[deployment("primary")], pods=[pod("primary")], kustomizations=[behind]))
    assert said(state) == "waiting-for-apply: Flux has not applied the commit yet. "


def test_a_sync_of_argo_that_failed_at_an_older_revision_is_not_blamed() -> None:
    application = Application(
        "argocd",
        "apps",
        is_automated=True,
        repository="https://github.com/acme/homelab.git",
        sync="OutOfSync",
        revision="b" * 40,
        operation="Failed",
        operation_revision="a" * 40,
    )
    kinds = {"deployments": [deployment("primary", applier=Applier())], "kustomizations": []}
    state = state_of(view(**kinds, applications=[application], pods=[pod("primary")]))
    assert said(state) == "waiting-for-apply: Argo CD has not synced Application argocd/apps yet. "


def test_of_several_applications_of_a_folder_that_of_this_cluster_and_branch_is_meant() -> None:
    plain = Application("argocd", "apps", repository="https://github.com/acme/homelab.git", is_automated=True)
    others = [
        replace(plain, name="attic", is_remote=True, destination="media"),
        replace(plain, name="dev", branch="dev", destination="media"),
        replace(plain, name="office", branch="main", destination="office"),
    ]
    mine = replace(plain, name="mine", branch="main", destination="media")
    kinds = {"deployments": [deployment("primary", applier=Applier())], "kustomizations": [], "pods": [pod("primary")]}
    for found in ([mine, *others], [*others, mine]):
        application = state_of(view(**kinds, applications=found)).appliers.application
        assert application is not None
        assert application.name == "mine"


# The pod that is told of


def test_a_pod_of_the_present_template_at_the_wrong_place_says_so() -> None:
    state = state_of(view(pods=[pod(node=W1)]))
    assert (state.stage, state.node, state.mismatch) == (
        Stage.BLOCKED,
        W1,
        "sonarr-new-x is on k3s-w1, which is no node of this side",
    )


def test_one_with_other_claims_says_so() -> None:
    assert state_of(view(pods=[pod(claims=())])).mismatch == "sonarr-new-x has not the claims of this side"


def test_one_of_an_earlier_template_serves_and_says_so() -> None:
    old = pod(name="sonarr-old-x", owner=Owner("ReplicaSet", "sonarr-old", "rs-old"), revision="old")
    state = state_of(view(pods=[old]))
    assert (state.stage, state.mismatch) == (Stage.SERVING, "sonarr-old-x was made from an earlier template")
    both = state_of(view(pods=[replace(old, created_at=NOW), pod()]))
    assert (both.pod, both.mismatch) == ("sonarr-new-x", "")


def test_a_pod_is_known_by_its_uid() -> None:
    assert state_of(view(pods=[pod(uid="p1")])).pod_uid == "p1"


# Commands that people paste

HOSTILE = "x; rm -rf ~ $(reboot)"


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        (
            {
                "deployments": [recreate()],
                "pods": [leaving(pod("primary", name=HOSTILE))],
            },
            f"delete pod '{HOSTILE}' -n media",
        ),
        (
            {"deployments": [recreate()], "pods": [leaving(pod("primary", name="--all"), ends_in_s=-1)]},
            "delete pod NAME -n media",
        ),
    ],
)
def test_a_name_is_one_word_of_a_command(kinds: dict[str, Any], word: str) -> None:
    assert word in state_of(view(**kinds)).cure


@pytest.mark.parametrize(("kind", "what"), [("GitRepository", "git"), ("OCIRepository", "oci"), ("Bucket", "bucket")])
def test_each_kind_of_source_has_its_own_word_for_flux(kind: str, what: str) -> None:
    assert resume_command(source(kind=kind)) == f"`flux resume source {what} flux-system -n flux-system`"
    assert resume_command(replace(source(kind=kind), name="$(id)")).endswith("'$(id)' -n flux-system`")


def test_each_side_may_have_a_workload_of_one_name_in_a_namespace_of_its_own() -> None:
    def replicas(namespace: str, primary: int, backup: int) -> Switch:
        selector = Selector("Deployment", "sonarr", namespace)
        return replace(switch("spec.replicas", primary, backup, kind="Deployment"), selector=selector)

    of = service(
        replicas("media", 1, 0),
        replicas("standby", 0, 1),
        name="sonarr",
        primary_workload=WorkloadName("Deployment", "sonarr", "media"),
        backup_workload=WorkloadName("Deployment", "sonarr", "standby"),
    )
    text = b"""\
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec: {replicas: 0}
---
kind: Deployment
metadata: {name: sonarr, namespace: standby}
spec: {replicas: 1}
"""
    live = [deployment(replicas=0), replace(deployment(), namespace="standby")]
    mine = replace(pod(), namespace="standby")
    sets = [replace(one, namespace="standby") for one in view().replica_sets.objects.values()]
    found = cluster_state(
        of, detect(of, manifests({"a.yaml": text})), view(deployments=live, pods=[mine], replica_sets=sets)
    )
    assert found is not None
    assert (found.stage, found.side) == (Stage.SERVING, State.BACKUP)


# A service that variables of a Kustomization move, with no workload named

VARIABLES = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {postBuild: {substitute: {NODE: backup}}}
"""


def substituted(seen: View) -> ClusterState:
    of = service(switch("spec.postBuild.substitute.NODE", "primary", "backup", kind="Kustomization"))
    found = cluster_state(of, detect(of, manifests({"a.yaml": VARIABLES.encode()})), seen)
    assert found is not None
    return found


def test_the_only_workload_of_its_kustomization_is_what_a_variable_moves() -> None:
    found = substituted(
        view(kustomizations=[kustomization()], git_repositories=[source()], deployments=[deployment()], pods=[pod()])
    )
    assert (found.stage, found.pod) == (Stage.SERVING, pod().name)
    assert (found.appliers.kustomization, found.appliers.source) == (kustomization(), source())


def test_what_runs_is_not_of_a_variable_that_is_not_applied_yet() -> None:
    """The pod that is left has nothing else that Git could be compared with."""
    old = kustomization(variables={"NODE": "primary"})
    found = substituted(view(kustomizations=[old], deployments=[deployment("primary")], pods=[pod("primary")]))
    assert (found.stage, found.side, found.pod) == (Stage.WAITING_FOR_APPLY, State.PRIMARY, "")
    new = kustomization(variables={"NODE": "backup", "OTHER": "x"}, generation=3, observed_generation=2)
    found = substituted(view(kustomizations=[new], deployments=[deployment("primary")], pods=[pod("primary")]))
    assert (found.stage, found.reason) == (Stage.WAITING_FOR_APPLY, "Flux has not applied the commit yet.")
    checked = Condition("Ready", "False", "HealthCheckFailed", "timeout", NOW - 5, generation=3)
    found = substituted(view(kustomizations=[replace(new, ready=checked)], deployments=[deployment()], pods=[pod()]))
    assert found.stage is Stage.SERVING, "it is applied, and only the checks have failed"
    new = replace(new, observed_generation=3)
    found = substituted(view(kustomizations=[new], deployments=[deployment()], pods=[pod()]))
    assert (found.stage, found.side) == (Stage.SERVING, State.BACKUP)


@pytest.mark.parametrize(
    "inventory",
    [
        frozenset[str](),
        frozenset({"media_config__ConfigMap", "media_app_example.com_Deployment"}),
        frozenset({"media_sonarr_apps_Deployment", "media_radarr_apps_Deployment"}),
    ],
)
def test_of_several_workloads_or_none_who_applies_them_is_still_known(inventory: frozenset[str]) -> None:
    of = kustomization(inventory=inventory)
    found = substituted(view(kustomizations=[of], git_repositories=[source()], deployments=[deployment()]))
    assert (found.stage, found.cure) == (Stage.UNKNOWN, "Name its `workload` in the catalog.")
    assert (found.appliers.kustomization, found.appliers.source) == (of, source())


def test_a_kustomization_that_is_not_in_the_cluster_applies_nothing() -> None:
    other = replace(kustomization(), name="others")
    found = substituted(view(kustomizations=[other], deployments=[deployment()]))
    assert (found.stage, found.appliers.kustomization) == (Stage.UNKNOWN, None)
