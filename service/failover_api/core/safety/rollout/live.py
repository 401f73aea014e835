"""A service's workload as it is in the cluster, and its pods: by owner, never by label."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from failover_api.core.catalog.runtime import DEPLOYMENT, HELM_RELEASE, STATEFUL_SET, WorkloadName
from failover_api.core.safety.observed import (
    Deployment,
    HelmRelease,
    Key,
    Pod,
    ReplicaSet,
    Seen,
    StatefulSet,
    View,
)

Workload = Deployment | StatefulSet
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """What was found. `release` is the HelmRelease that it is part of, by name; `why` says why there is no `workload`.

    `is_seen` is False where nobody may, or could, look. `pods` are its own, and `current` the names of those that were
    made from the template it has now.
    """

    workload: Workload | None = None
    release: HelmRelease | None = None
    pods: tuple[Pod, ...] = ()
    current: frozenset[str] = frozenset()
    is_seen: bool = True
    why: str = ""


def find_live(view: View, named: WorkloadName, claims: Iterable[str]) -> Live:
    """`claims` are those of the service, on either side: of a chart's workloads that with one of them is meant."""
    if named.kind == HELM_RELEASE:
        return _of_release(view, named, frozenset(claims))
    seen: Seen[Any] = view.deployments if named.kind == DEPLOYMENT else view.stateful_sets
    why = seen.why_unseen(named.namespace or "")
    if why:
        return Live(is_seen=False, why=f"{named.kind}s are not seen: {why}.")
    found: list[Workload] = list(_named(seen.objects, named))
    if len(found) > 1:
        return Live(why=f"Several {named.kind}s are named {named.name}; name the namespace.")
    return with_pods(view, found[0]) if found else Live()


def _named(objects: Mapping[Key, T], named: WorkloadName) -> Iterator[T]:
    if named.namespace:
        one = objects.get((named.namespace, named.name))
        return iter([one] if one is not None else [])
    return (each for (_, name), each in objects.items() if name == named.name)


def _of_release(view: View, named: WorkloadName, claims: frozenset[str]) -> Live:
    why = view.helm_releases.why_unseen(named.namespace or "")
    releases = list(_named(view.helm_releases.objects, named))
    release = releases[0] if len(releases) == 1 else None
    namespace = release.namespace if release else named.namespace
    found = [each for each in _workloads(view) if _is_released_by(each, named.name, namespace)]
    found = _meant(found, named.name, claims)
    if len(found) == 1:
        live = with_pods(view, found[0])
        return Live(live.workload, release, live.pods, live.current, live.is_seen, live.why)
    if len(found) > 1:
        names = ", ".join(f"{kind_of(each)} {each.name}" for each in found[:5])
        return Live(release=release, why=f"The release has several workloads: {names}.")
    unseen = why or view.deployments.why_unseen(namespace or "") or view.stateful_sets.why_unseen(namespace or "")
    return Live(release=release, is_seen=not unseen, why=f"Its workload is not seen: {unseen}." if unseen else "")


def _workloads(view: View) -> Iterator[Workload]:
    yield from view.deployments.objects.values()
    yield from view.stateful_sets.objects.values()


def _is_released_by(workload: Workload, name: str, namespace: str | None) -> bool:
    by = workload.applier.helm_release
    return by is not None and by[1] == name and (not namespace or not by[0] or by[0] == namespace)


def _meant(found: list[Workload], release: str, claims: frozenset[str]) -> list[Workload]:
    """Of several workloads of a release the one with a claim of the service, else the one of its name."""
    if len(found) > 1:
        found = [each for each in found if claims & set(each.template.claims.values())] or found
    if len(found) > 1:
        found = [each for each in found if each.name == release] or found
    return found


def with_pods(view: View, workload: Workload) -> Live:
    why = view.pods.why_unseen(workload.namespace)
    if why:
        return Live(workload, is_seen=False, why=f"Pods are not seen: {why}.")
    if isinstance(workload, StatefulSet):
        pods = tuple(pod for pod in _owned(view, workload.namespace, STATEFUL_SET, {workload.name: workload.uid}))
        return Live(workload, pods=pods, current=_names(pods, {workload.update_revision}))
    sets = {each.name: each for each in _replica_sets(view, workload)}
    owned = _owned(view, workload.namespace, "ReplicaSet", {name: each.uid for name, each in sets.items()})
    if not sets and view.replica_sets.why_unseen(workload.namespace):
        owned = _by_hash(view, workload)
    pods = tuple(owned)
    newest = {each.name for each in sets.values() if each.revision and each.revision == workload.revision}
    return Live(workload, pods=pods, current=frozenset(p.name for p in pods if p.owner and p.owner.name in newest))


def _replica_sets(view: View, deployment: Deployment) -> Iterator[ReplicaSet]:
    for (namespace, _), each in view.replica_sets.objects.items():
        owner = each.owner
        if namespace == deployment.namespace and owner is not None and owner.kind == DEPLOYMENT:
            has_uids = owner.uid and deployment.uid
            if owner.uid == deployment.uid if has_uids else owner.name == deployment.name:
                yield each


def _owned(view: View, namespace: str, kind: str, owners: Mapping[str, str]) -> Iterator[Pod]:
    """`owners` is {name: uid}. One that was deleted and made anew under its name has not the same pods."""
    for (place, _), pod in view.pods.objects.items():
        owner = pod.owner
        if place == namespace and owner is not None and owner.kind == kind and owner.name in owners:
            uid = owners[owner.name]
            if not uid or not owner.uid or uid == owner.uid:
                yield pod


def _by_hash(view: View, deployment: Deployment) -> Iterator[Pod]:
    """Where ReplicaSets may not be read: they are named after the Deployment and the hash of their template."""
    for (namespace, _), pod in view.pods.objects.items():
        owner = pod.owner
        is_its = owner is not None and owner.kind == "ReplicaSet" and owner.name == f"{deployment.name}-{pod.revision}"
        if namespace == deployment.namespace and is_its:
            yield pod


def _names(pods: Iterable[Pod], revisions: set[str]) -> frozenset[str]:
    return frozenset(pod.name for pod in pods if pod.revision and pod.revision in revisions)


def kind_of(workload: Workload) -> str:
    return DEPLOYMENT if isinstance(workload, Deployment) else STATEFUL_SET


def label_of(workload: Workload) -> str:
    """As people say it: "Deployment media/sonarr"."""
    return f"{kind_of(workload)} {workload.namespace}/{workload.name}"
