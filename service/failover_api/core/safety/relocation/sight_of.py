"""What the cluster says of a relocation, from what was observed of it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.state import Detection, State
from failover_api.core.safety.observed import Pod, Replication, Seen, View
from failover_api.core.safety.placement import on_side
from failover_api.core.safety.relocation.places import Document
from failover_api.core.safety.relocation.sight import LOST_AFTER_S, Ends, Holder, Running, Sight
from failover_api.core.safety.relocation.subject import Ends as Pair
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.rollout.expectation import expectation
from failover_api.core.safety.rollout.live import Live, find_live, index_of, kind_of
from failover_api.core.safety.rollout.place import side_nodes
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage

_OLDEST_S = 30.0  # what was heard longer ago is not believed
_VOLSYNC = "VolSync's replications"


def sight_of(
    subject: Subject,
    service: Service,
    detection: Detection,
    view: View | None,
    state: ClusterState | None,
    *,
    now: float,
    monotonic: float,
    host_now: float,
    waited_s: float = 0.0,
) -> Sight:
    """`state` is how far the service is, by what Git says now.

    `now` is the API server's time, `host_now` that of the Git host, `monotonic` ours.
    """
    if view is None:
        return Sight(now, unseen="The cluster does not answer.", waited_s=waited_s, host_now=host_now)
    live = _live(service, detection, subject.origin, view)
    namespace = live.workload.namespace if live.workload is not None else _namespace(subject) or ""
    towards, away = (_ends(pair, namespace, view) for pair in (subject.towards, subject.away))
    claims = {*_claims(service), *_claims_of(towards)}
    origin_down, target_down = (_down(service, detection, side, view) for side in (subject.origin, subject.target))
    is_serving = state is not None and state.stage is Stage.SERVING and state.side is State(subject.target.value)
    return Sight(
        now=now,
        unseen=_unseen(subject, namespace, view, live, monotonic),
        towards=towards,
        away=away,
        holders=(*_holders(view.pods.objects.values(), namespace, claims, subject.towards), *_own_pods(live, claims)),
        workload=_running(live),
        origin_down=origin_down,
        target_down=target_down,
        lost=tuple(name for name in (*origin_down, *target_down) if _is_lost(name, view, now)),
        is_serving=is_serving,
        why_not_serving="" if is_serving else _why_not_serving(state),
        waited_s=waited_s,
        host_now=host_now,
    )


def why_unseen(view: View | None, subject: Subject) -> str:
    """Why a relocation could not be followed at all; "" when it could: before anything is begun."""
    if view is None:
        return "no cluster is seen"
    namespace = _namespace(subject) or ""
    needed: list[tuple[str, Seen[Any]]] = [("nodes", view.nodes), ("pods", view.pods)]
    if subject.towards is not None:
        needed += [(_VOLSYNC, view.replication_sources), (_VOLSYNC, view.replication_destinations)]
    for what, seen in needed:
        if why := seen.why_unseen("" if what == "nodes" else namespace):
            return f"{what} are not seen: {why}"
        if not seen.is_installed:
            return f"{what} are not known to the cluster"
    return ""


def _live(service: Service, detection: Detection, side: Side, view: View) -> Live:
    named = expectation(service, on_side(detection, side)).workload
    return Live(is_seen=False) if named is None else find_live(index_of(view), named, _claims(service))


def _claims(service: Service) -> Iterator[str]:
    return (str(switch.value(side)) for switch in service.switches if switch.is_claim for side in Side)


def _claims_of(pair: Ends) -> set[str]:
    return {end.claim for end in (pair.source, pair.destination) if end is not None and end.claim}


def _namespace(subject: Subject) -> str | None:
    documents = [] if subject.towards is None else [subject.towards.source]
    return next((each.selector.namespace for each in (*documents, subject.quiesce.document)), None)


def _ends(pair: Pair | None, namespace: str, view: View) -> Ends:
    if pair is None:
        return Ends()
    source = _end(view.replication_sources, pair.source, namespace)
    return Ends(source, _end(view.replication_destinations, pair.destination, namespace))


def _end(seen: Seen[Replication], document: Document, namespace: str) -> Replication | None:
    selector = document.selector
    return seen.objects.get((selector.namespace or namespace, selector.name or ""))


def _running(live: Live) -> Running | None:
    workload = live.workload
    if workload is None:
        return None
    name = f"{kind_of(workload)} {workload.namespace}/{workload.name}"
    return Running(name, workload.uid, workload.generation, workload.observed_generation, workload.replicas)


def _holders(pods: Iterable[Pod], namespace: str, claims: set[str], pair: Pair | None) -> Iterator[Holder]:
    for pod in pods:
        if pod.namespace != namespace:
            continue
        for claim in sorted(claims & set(pod.claims)):
            yield Holder(pod.name, claim, pod.node, _is_mover(pod, pair), pod.has_ended, pod.created_at)


def _own_pods(live: Live, claims: set[str]) -> Iterator[Holder]:
    """Those of the app that have none of these claims: what it writes to may be no switch, and shared by both sides."""
    for pod in live.pods:
        if claims.isdisjoint(pod.claims):
            yield Holder(pod.name, "", pod.node, has_ended=pod.has_ended, created_at=pod.created_at)


def _is_mover(pod: Pod, pair: Pair | None) -> bool:
    """Whether VolSync made it for this pair. Its Jobs are named after what they work for."""
    if pair is None or pod.owner is None or pod.owner.kind != "Job":
        return False
    source, destination = (re.escape(end.selector.name or "") for end in pair.both)
    return bool(re.fullmatch(rf"volsync-(?:[a-z-]+-)?(?:src-{source}|dst-{destination})", pod.owner.name))


def _down(service: Service, detection: Detection, side: Side, view: View) -> tuple[str, ...]:
    """Of a side's nodes those that are not ready or are gone; in their place what they are asked for, where none is.

    A Node that is deleted and comes back has lost the labels that somebody set by hand.
    """
    known = {node.name: node for node in view.nodes.objects.values()}
    found = side_nodes(expectation(service, on_side(detection, side)), known)
    if found is not None and not found:
        return (f"with the labels of {side} (there is none)",)
    names = sorted(found or ())
    return tuple(name for name in names if name not in known or not known[name].is_ready)


def _is_lost(name: str, view: View, now: float) -> bool:
    """Whether it has not been ready for long, by its condition, or is not in the cluster any more."""
    node = next((node for node in view.nodes.objects.values() if node.name == name), None)
    since = node.ready.since if node is not None and node.ready is not None else None
    return node is None or (since is not None and now - since >= LOST_AFTER_S)


def _unseen(subject: Subject, namespace: str, view: View, live: Live, monotonic: float) -> str:
    kinds: list[tuple[str, Seen[Any], str]] = [("Nodes", view.nodes, ""), ("Pods", view.pods, namespace)]
    if subject.towards is not None:
        ends = (view.replication_sources, view.replication_destinations)
        kinds += [(_VOLSYNC, seen, namespace) for seen in ends]
    for what, seen, where in kinds:
        if why := seen.why_unseen(where):
            return f"{what} are not seen: {why}."
        if not seen.is_installed:
            return f"{what} are not known to the cluster."
        if seen.heard_at is not None and monotonic - seen.heard_at > _OLDEST_S:
            return f"{what} were last heard of {monotonic - seen.heard_at:.0f} s ago."
    return "" if live.is_seen else live.why


def _why_not_serving(state: ClusterState | None) -> str:
    if state is None:
        return "Nothing of it is seen in the cluster."
    return state.reason or f"It is {state.stage.value} on {state.side.value}."
