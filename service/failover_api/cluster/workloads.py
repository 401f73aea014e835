"""Deployments, StatefulSets, ReplicaSets, pods, HorizontalPodAutoscalers.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

from failover_api.cluster.fields import (
    applier,
    condition,
    conditions,
    controller,
    flag,
    items,
    labels,
    message,
    node_terms,
    number,
    text,
    time,
    value_at,
)
from failover_api.core.safety.observed import (
    Autoscaler,
    Deployment,
    Key,
    Owner,
    Pod,
    PodTemplate,
    ReplicaSet,
    StatefulSet,
    Toleration,
)

DEPLOYMENTS = "/apis/apps/v1/deployments"
STATEFUL_SETS = "/apis/apps/v1/statefulsets"
REPLICA_SETS = "/apis/apps/v1/replicasets"
PODS = "/api/v1/pods"
AUTOSCALERS = "/apis/autoscaling/v2/horizontalpodautoscalers"
_REVISION = "deployment.kubernetes.io/revision"
_NODE_AFFINITY = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


def parse_deployment(data: object, key: Key) -> Deployment:
    namespace, name = key
    return Deployment(
        namespace=namespace,
        name=name,
        uid=text(data, "metadata", "uid"),
        generation=number(data, "metadata", "generation"),
        observed_generation=number(data, "status", "observedGeneration"),
        replicas=number(data, "spec", "replicas"),
        strategy=text(data, "spec", "strategy", "type"),
        is_paused=flag(data, "spec", "paused"),
        revision=text(data, "metadata", "annotations", _REVISION),
        template=_template(data),
        updated_replicas=number(data, "status", "updatedReplicas"),
        ready_replicas=number(data, "status", "readyReplicas"),
        conditions=conditions(data, "Available", "Progressing", "ReplicaFailure"),
        applier=applier(data),
    )


def parse_stateful_set(data: object, key: Key) -> StatefulSet:
    namespace, name = key
    return StatefulSet(
        namespace=namespace,
        name=name,
        uid=text(data, "metadata", "uid"),
        generation=number(data, "metadata", "generation"),
        observed_generation=number(data, "status", "observedGeneration"),
        replicas=number(data, "spec", "replicas"),
        strategy=text(data, "spec", "updateStrategy", "type"),
        pod_management=text(data, "spec", "podManagementPolicy"),
        template=_template(data),
        update_revision=text(data, "status", "updateRevision"),
        updated_replicas=number(data, "status", "updatedReplicas"),
        ready_replicas=number(data, "status", "readyReplicas"),
        applier=applier(data),
    )


def parse_replica_set(data: object, key: Key) -> ReplicaSet:
    namespace, name = key
    return ReplicaSet(
        namespace=namespace,
        name=name,
        uid=text(data, "metadata", "uid"),
        owner=controller(data),
        revision=text(data, "metadata", "annotations", _REVISION),
        replicas=number(data, "spec", "replicas"),
        ready_replicas=number(data, "status", "readyReplicas"),
    )


def parse_pod(data: object, key: Key) -> Pod:
    namespace, name = key
    own = value_at(data, "metadata", "labels")
    return Pod(
        namespace=namespace,
        name=name,
        uid=text(data, "metadata", "uid"),
        owner=controller(data),
        app=text(own, "app.kubernetes.io/name") or text(own, "app"),
        revision=text(own, "pod-template-hash") or text(own, "controller-revision-hash"),
        node=text(data, "spec", "nodeName"),
        phase=text(data, "status", "phase"),
        reason=text(data, "status", "reason"),
        message=message(data, "status", "message"),
        ready=condition(data, "Ready"),
        scheduled=condition(data, "PodScheduled"),
        waiting=_waiting(data),
        created_at=time(data, "metadata", "creationTimestamp"),
        deletion_at=time(data, "metadata", "deletionTimestamp"),
        claims=tuple(_claims(value_at(data, "spec")).values()),
    )


def parse_autoscaler(data: object, key: Key) -> Autoscaler:
    namespace, name = key
    target = value_at(data, "spec", "scaleTargetRef")
    return Autoscaler(
        namespace=namespace,
        name=name,
        target=Owner(text(target, "kind"), text(target, "name")) if text(target, "name") else None,
        scaling_active=condition(data, "ScalingActive"),
    )


def _template(data: object) -> PodTemplate:
    spec = value_at(data, "spec", "template", "spec")
    return PodTemplate(
        node_selector=labels(spec, "nodeSelector"),
        node_terms=node_terms(spec, *_NODE_AFFINITY),
        tolerations=tuple(
            Toleration(text(item, "key"), text(item, "operator") or "Equal", text(item, "value"), text(item, "effect"))
            for item in items(spec, "tolerations")
        ),
        claims=_claims(spec),
    )


def _claims(spec: object) -> dict[str, str]:
    """{volume: claim}, of those that have one."""
    named = ((text(item, "name"), text(item, "persistentVolumeClaim", "claimName")) for item in items(spec, "volumes"))
    return {volume: claim for volume, claim in named if claim}


def _waiting(data: object) -> str:
    """Why the first container that does not run waits: its reason, such as CrashLoopBackOff."""
    statuses = [*items(data, "status", "initContainerStatuses"), *items(data, "status", "containerStatuses")]
    return next(filter(None, (text(status, "state", "waiting", "reason") for status in statuses)), "")
