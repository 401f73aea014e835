"""What an operator could have wrong about a cluster: each is a warning, since no move needs one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from failover_api.cluster.port import Cluster, Right, Scope
from failover_api.core.catalog.model import Catalog, Side, Switch
from failover_api.core.safety.observed import Node, Pod, View
from failover_api.core.safety.rollout.live import ARGO, HELM, KUSTOMIZE, SOURCES, index_of
from failover_api.core.wording import cut, listed
from failover_api.errors import ClusterFailure
from failover_api.forge.values import Check

_APPLIERS: Mapping[str, str] = {**dict.fromkeys((SOURCES, KUSTOMIZE, HELM), "Flux"), **dict.fromkeys(ARGO, "Argo CD")}
_NAMED = 5
LeaseRights = Callable[[], Awaitable[Sequence[Right]]]


async def check_cluster(cluster: Cluster, catalog: Catalog, lease: LeaseRights | None = None) -> list[Check]:
    """What is seen of the cluster, what may not be read, and what a node's death would take along.

    `lease` tells the rights on the one that automatic failover leads by, where it is on.
    """
    scope = catalog.namespaces
    try:
        version = await cluster.version()
    except ClusterFailure as exc:
        return [_warning("cluster", f"is not seen: {exc.detail}")]
    view, rights = await asyncio.gather(cluster.look(scope), _rights(cluster, scope))
    return [
        Check("cluster", ok=True, detail=f"Kubernetes {version}, {cluster.what}"),
        *rights,
        *_unseen(view),
        *_control_plane(view),
        *_appliers(view, catalog),
        *_clock(cluster),
        *(await _lease(lease) if lease is not None else ()),
    ]


def _warning(name: str, detail: str) -> Check:
    return Check(name, ok=True, detail=detail, is_warning=True)


async def _rights(cluster: Cluster, scope: Scope) -> list[Check]:
    try:
        rights = await cluster.review(scope)
    except ClusterFailure as exc:
        return [_warning("cluster rights", f"cannot be asked for: {exc.detail}")]
    missing = _missing(rights)
    if not missing:
        return [Check("cluster rights", ok=True, detail="everything that is looked at may be read")]
    return [_warning("cluster rights", f"may not be read, so it stays unseen: {'; '.join(missing)}")]


async def _lease(review: LeaseRights) -> list[Check]:
    """Without it no replica leads, and nothing moves by itself."""
    try:
        rights = await review()
    except ClusterFailure as exc:
        return [_warning("cluster lease", f"cannot be asked for: {exc.detail}")]
    if not (missing := _missing(rights)):
        where = ", ".join(sorted({right.namespace for right in rights if right.namespace}))
        detail = f"one replica may lead, by a Lease in {where}; whether that namespace is there is not seen"
        return [Check("cluster lease", ok=True, detail=detail)]
    detail = f"{'; '.join(missing)}: not allowed, so no replica leads and nothing moves"
    return [_warning("cluster lease", detail)]


def _missing(rights: Sequence[Right]) -> list[str]:
    """One text for each resource: `list and watch pods in media, office`."""
    by_resource: dict[tuple[str, str], dict[str, list[str]]] = {}
    for right in rights:
        if not right.is_allowed:
            verbs = by_resource.setdefault((right.group, right.resource), {})
            verbs.setdefault(right.verb, []).append(right.namespace)
    return [_lacking(group, resource, verbs) for (group, resource), verbs in by_resource.items()]


def _lacking(group: str, resource: str, verbs: Mapping[str, Sequence[str]]) -> str:
    namespaces = sorted({namespace for of in verbs.values() for namespace in of if namespace})
    place = f" in {_several(namespaces)}" if namespaces else ""
    return f"{' and '.join(verbs)} {resource}{f'.{group}' if group else ''}{place}"


def _unseen(view: View) -> Iterator[Check]:
    """What did not answer, although it may be read: a part of the API server that is down."""
    reasons = {seen.why_unseen() for seen in (view.nodes, view.pods, view.deployments, view.leases)}
    late = sorted(reason for reason in reasons if "no answer" in reason)
    if late:
        yield _warning("cluster speed", f"{late[0]}: raise FAILOVER_CLUSTER_TIMEOUT_S, or look at the API server")


def _control_plane(view: View) -> Iterator[Check]:
    planes = sorted(node.name for node in view.nodes.objects.values() if node.is_control_plane)
    if len(planes) == 1:
        detail = f"{cut(planes[0])} is the only control plane: while it is down, no commit does anything in the cluster"
        yield _warning("cluster nodes", detail)


def _appliers(view: View, catalog: Catalog) -> Iterator[Check]:
    """Controllers that apply the manifests and run on a node of one side: they die with what they should move."""
    by_node: dict[str, list[tuple[Pod, str]]] = {}
    for pod, app in index_of(view).controllers:
        if app in _APPLIERS and not pod.has_ended and pod.node:
            by_node.setdefault(pod.node, []).append((pod, app))
    for name, pods in sorted(by_node.items()):
        services = _services_on(catalog, view, name)
        others = {app for other, of in by_node.items() if other != name for pod, app in of if pod.is_ready}
        alone = sorted({app for _, app in pods} - others)
        if services and alone:
            detail = (
                f"only {cut(name)}, a node of {_several(services)}, runs {_several(alone)} of {_APPLIERS[alone[0]]}: "
                "when it dies, nothing is applied until these run elsewhere, minutes later"
            )
            yield _warning("cluster appliers", detail)


def _services_on(catalog: Catalog, view: View, node: str) -> list[str]:
    """The services of which a side is this node."""
    found = view.nodes.objects.get(("", node))
    return [
        service.name
        for service in catalog.services.values()
        if any(node in service.nodes(side) for side in Side)
        or (found is not None and any(_is_selected(found, pair) for pair in _selectors(service.switches)))
    ]


def _selectors(switches: Sequence[Switch]) -> Iterator[tuple[str, str]]:
    """(label, value) of both sides, of the switches of a nodeSelector."""
    for switch in switches:
        if len(switch.path) > 1 and switch.path[-2] == "nodeSelector":
            yield from ((str(switch.path[-1]), str(value)) for value in (switch.primary, switch.backup))


def _is_selected(node: Node, pair: tuple[str, str]) -> bool:
    label, value = pair
    return node.labels.get(label) == value


def _clock(cluster: Cluster) -> Iterator[Check]:
    clock = cluster.clock
    if clock.is_off:
        yield _warning("cluster clock", f"this machine's clock is {clock.in_words()}: set one of them right")


def _several(names: Sequence[str]) -> str:
    return listed([cut(name) for name in names], _NAMED)
