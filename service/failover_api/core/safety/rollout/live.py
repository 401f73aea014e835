"""A service's workload as it is in the cluster, and its pods: by owner, never by a label alone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from failover_api.core.catalog.runtime import DEPLOYMENT, HELM_RELEASE, STATEFUL_SET, WorkloadName
from failover_api.core.safety.observed import (
    Deployment,
    HelmRelease,
    Key,
    Owner,
    Pod,
    ReplicaSet,
    Seen,
    StatefulSet,
    View,
)

SOURCES, KUSTOMIZE, HELM = "source-controller", "kustomize-controller", "helm-controller"
ARGO_SYNC, ARGO_SOURCES = "argocd-application-controller", "argocd-repo-server"
FLUX = frozenset({SOURCES, KUSTOMIZE, HELM, "notification-controller"})
ARGO = frozenset({ARGO_SYNC, ARGO_SOURCES})
_CONTROLLERS = FLUX | ARGO
_CONTROLLERS_PODS = tuple(f"{name}-" for name in _CONTROLLERS)
Workload = Deployment | StatefulSet
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """What was found. `release` is the HelmRelease that it is part of, by name; `why` says why there is no `workload`.

    `is_seen` is False where nobody may, or could, look. `pods` are its own, and `current` the names of those that were
    made from the template it has now; `knows_current` is False where nobody can tell which are.
    """

    workload: Workload | None = None
    release: HelmRelease | None = None
    pods: tuple[Pod, ...] = ()
    current: frozenset[str] = frozenset()
    knows_current: bool = False
    is_seen: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """What is seen now, by what it belongs to: made once of a view, whatever many services are looked for in it.

    `pods` are by namespace, kind and name of their owner; `hashed` by namespace and name of the Deployment, as their
    ReplicaSets' names have it; `holders` by namespace and claim. `controllers` are those of Flux and Argo CD, each with
    what it is. `sets` are ReplicaSets by namespace and name of the Deployment; `released` are workloads by the name of
    their HelmRelease.
    """

    view: View
    pods: Mapping[tuple[str, str, str], Sequence[Pod]]
    hashed: Mapping[Key, Sequence[Pod]]
    holders: Mapping[Key, Sequence[Pod]]
    controllers: Sequence[tuple[Pod, str]]
    sets: Mapping[Key, Sequence[ReplicaSet]]
    released: Mapping[str, Sequence[Workload]]


def index_of(view: View) -> Index:
    pods: defaultdict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    hashed: defaultdict[Key, list[Pod]] = defaultdict(list)
    holders: defaultdict[Key, list[Pod]] = defaultdict(list)
    controllers = []
    for (namespace, _), pod in view.pods.current.items():
        if pod.owner is not None:
            pods[namespace, pod.owner.kind, pod.owner.name].append(pod)
            if deployment := _by_hash(pod.owner, pod.revision):
                hashed[namespace, deployment].append(pod)
        for claim in pod.claims:
            holders[namespace, claim].append(pod)
        if controller := _controller(pod):
            controllers.append((pod, controller))
    sets: defaultdict[Key, list[ReplicaSet]] = defaultdict(list)
    for (namespace, _), each in view.replica_sets.current.items():
        if each.owner is not None and each.owner.kind == DEPLOYMENT:
            sets[namespace, each.owner.name].append(each)
    released: defaultdict[str, list[Workload]] = defaultdict(list)
    workloads: list[Workload] = [*view.deployments.current.values(), *view.stateful_sets.current.values()]
    for workload in workloads:
        if workload.applier.helm_release is not None:
            released[workload.applier.helm_release[1]].append(workload)
    return Index(view, pods, hashed, holders, controllers, sets, released)


def _by_hash(owner: Owner, revision: str) -> str:
    """The Deployment of a pod: its ReplicaSet is named after it and the hash of their template; "" where it is not.

    Where ReplicaSets may not be read, this tells.
    """
    end = f"-{revision}"
    is_named = owner.kind == "ReplicaSet" and bool(revision) and owner.name.endswith(end)
    return owner.name[: -len(end)] if is_named else ""


def _controller(pod: Pod) -> str:
    """The controller of Flux or Argo CD that a pod is of; "" of any other."""
    if pod.app in _CONTROLLERS:
        return pod.app
    if not pod.name.startswith(_CONTROLLERS_PODS):
        return ""
    return next(name for name in _CONTROLLERS if pod.name.startswith(f"{name}-"))


def find_live(index: Index, named: WorkloadName, claims: Iterable[str]) -> Live:
    """`claims` are those of the service, on either side: of a chart's workloads that with one of them is meant."""
    view = index.view
    if named.kind == HELM_RELEASE:
        return _of_release(index, named, frozenset(claims))
    seen: Seen[Any] = view.deployments if named.kind == DEPLOYMENT else view.stateful_sets
    why = seen.why_unseen(named.namespace or "")
    if why:
        return Live(is_seen=False, why=f"{named.kind}s are not seen: {why}.")
    found: list[Workload] = list(_named(seen.objects, named))
    if len(found) > 1:
        return Live(why=f"Several {named.kind}s are named {named.name}; name the namespace.")
    return with_pods(index, found[0]) if found else Live()


def _named(objects: Mapping[Key, T], named: WorkloadName) -> Iterator[T]:
    if named.namespace:
        one = objects.get((named.namespace, named.name))
        return iter([one] if one is not None else [])
    return (each for (_, name), each in objects.items() if name == named.name)


def _of_release(index: Index, named: WorkloadName, claims: frozenset[str]) -> Live:
    view = index.view
    why = view.helm_releases.why_unseen(named.namespace or "")
    releases = list(_named(view.helm_releases.objects, named))
    if why and releases:
        return Live(is_seen=False, why=f"HelmReleases are not seen: {why}.")
    release = releases[0] if len(releases) == 1 else None
    if release is not None and release.is_remote:
        return Live(is_seen=False, why="The release is for another cluster: it names a `kubeConfig`.")
    namespace = release.namespace if release else named.namespace
    found = [each for each in index.released.get(named.name, ()) if _is_released_in(each, namespace)]
    found = _meant(found, named.name, claims)
    if len(found) == 1:
        return replace(with_pods(index, found[0]), release=release)
    if len(found) > 1:
        names = ", ".join(f"{kind_of(each)} {each.name}" for each in found[:5])
        return Live(release=release, why=f"The release has several workloads: {names}.")
    place = (release.target if release else "") or namespace or ""
    unseen = why or view.deployments.why_unseen(place) or view.stateful_sets.why_unseen(place)
    return Live(release=release, is_seen=not unseen, why=f"Its workload is not seen: {unseen}." if unseen else "")


def _is_released_in(workload: Workload, namespace: str | None) -> bool:
    by = workload.applier.helm_release
    return by is not None and (not namespace or not by[0] or by[0] == namespace)


def _meant(found: list[Workload], release: str, claims: frozenset[str]) -> list[Workload]:
    """Of several workloads of a release the one with a claim of the service, else the one of its name."""
    if len(found) > 1:
        found = [each for each in found if claims & set(each.template.claims.values())] or found
    if len(found) > 1:
        found = [each for each in found if each.name == release] or found
    return found


def with_pods(index: Index, workload: Workload) -> Live:
    namespace, view = workload.namespace, index.view
    if why := view.pods.why_unseen(namespace):
        return Live(workload, is_seen=False, why=f"Pods are not seen: {why}.")
    if isinstance(workload, StatefulSet):
        pods = tuple(_owned(index, namespace, STATEFUL_SET, workload.name, workload.uid))
        current = {pod.name for pod in pods if pod.revision and pod.revision == workload.update_revision}
        return Live(workload, pods=pods, current=frozenset(current), knows_current=bool(workload.update_revision))
    known = index.sets.get((namespace, workload.name), ())
    sets = [each for each in known if _is_owned(each.owner, workload.uid)]
    of_sets = {each.name: tuple(_owned(index, namespace, "ReplicaSet", each.name, each.uid)) for each in sets}
    newest = {each.name for each in sets if each.revision and each.revision == workload.revision}
    current = {pod.name for name in newest for pod in of_sets[name]}
    pods = (*chain.from_iterable(of_sets.values()), *_of_unseen_sets(index, workload, {each.name for each in known}))
    return Live(workload, pods=pods, current=frozenset(current), knows_current=bool(newest))


def _of_unseen_sets(index: Index, workload: Workload, known: Collection[str]) -> Iterator[Pod]:
    """A ReplicaSet that may not be read, or was made a moment ago, has pods all the same; one that is gone has none."""
    pods = index.hashed.get((workload.namespace, workload.name), ())
    is_seen = not index.view.replica_sets.why_unseen(workload.namespace)
    new = (pod for pod in pods if pod.owner is not None and pod.owner.name not in known)
    return (pod for pod in new if not is_seen or pod.deletion_at is None)


def _owned(index: Index, namespace: str, kind: str, name: str, uid: str) -> Iterator[Pod]:
    """One that was deleted and made anew under its name has not the same pods."""
    return (pod for pod in index.pods.get((namespace, kind, name), ()) if _is_owned(pod.owner, uid))


def _is_owned(owner: Owner | None, uid: str) -> bool:
    return owner is not None and (not uid or not owner.uid or uid == owner.uid)


def kind_of(workload: Workload) -> str:
    return DEPLOYMENT if isinstance(workload, Deployment) else STATEFUL_SET
