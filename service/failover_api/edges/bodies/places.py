"""Where services are: a status, the list, groups."""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from failover_api.core.planning.state import Reading, State
from failover_api.core.rfc3339 import rfc3339, rfc3339_or_none
from failover_api.core.safety.hazard import worst
from failover_api.core.safety.replication_states import ReplicationStatus
from failover_api.edges.bodies.commits import pull_request_body
from failover_api.edges.bodies.history import entry_body
from failover_api.edges.bodies.problems import hazard_bodies, problem_body
from failover_api.edges.models.places import (
    ClusterBody,
    GroupBody,
    GroupsBody,
    ListBody,
    ListedBody,
    NodesBody,
    ReplicationBody,
    StatusBody,
    SwitchBody,
)
from failover_api.edges.models.problems import HazardsBody
from failover_api.reading.status import Status, Unreadable

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.rollout.stage import ClusterState


def status_body(status: Status, *, groups: Set[str] | None = None) -> StatusBody:
    """`groups`: only these are named; None: all."""
    return StatusBody(
        **_place(status, groups),
        hazards_to=hazard_bodies(status.hazards_to),
        hazards_complete=status.hazards_complete,
    )


def list_body(
    statuses: Sequence[Status | Unreadable], config_error: str | None, *, groups: Set[str] | None = None
) -> ListBody:
    """`groups` as in status_body()."""
    return ListBody(services=[_listed(status, groups) for status in statuses], config_error=config_error)


def groups_body(groups: Mapping[str, Sequence[str]]) -> GroupsBody:
    """`groups` is {name: names of its services}."""
    return GroupsBody(groups=[GroupBody(name=name, services=list(members)) for name, members in groups.items()])


def _heading(status: Status | Unreadable, groups: Set[str] | None) -> dict[str, Any]:
    service = status.service
    return {
        "service": service.name,
        "policy": service.policy.value,
        "repository": service.branch.repository,
        "branch": service.branch.name,
        "groups": [name for name in service.groups if groups is None or name in groups],
        "nodes": NodesBody(primary=list(service.primary_nodes), backup=list(service.backup_nodes)),
    }


def _place(status: Status, groups: Set[str] | None) -> dict[str, Any]:
    return {
        **_heading(status, groups),
        "side": status.detection.state,
        "switches": [_switch(reading) for reading in status.detection.readings],
        "pull_request": pull_request_body(status.pull_request) if status.pull_request else None,
        "last_move": entry_body(status.last_move) if status.last_move else None,
        "cluster": _cluster(status.cluster) if status.cluster else None,
        "replication": _replication(status.replication) if status.replication else None,
    }


def _listed(status: Status | Unreadable, groups: Set[str] | None) -> ListedBody:
    """Of hazards only the slugs and the highest severity."""
    found = () if isinstance(status, Unreadable) else status.hazards_to
    severity = worst(found)
    in_short = HazardsBody(slugs=list(dict.fromkeys(hazard.slug for hazard in found)), severity=severity)
    if isinstance(status, Unreadable):
        problem = problem_body(status.error)
        place = {**_heading(status, groups), "side": State.UNKNOWN, "switches": [], "pull_request": None}
        return ListedBody(**place, last_move=None, cluster=None, replication=None, hazards_to=in_short, error=problem)
    return ListedBody(**_place(status, groups), hazards_to=in_short, error=None)


def _switch(reading: Reading) -> SwitchBody:
    return SwitchBody(
        file=reading.file,
        document=reading.document,
        path=reading.switch.path_text,
        line=reading.line,
        value=reading.value,
        primary=reading.switch.primary,
        backup=reading.switch.backup,
        side=reading.state,
    )


def _cluster(state: "ClusterState") -> ClusterBody:
    return ClusterBody(
        seen_at=rfc3339(state.seen_at),
        side=state.side,
        stage=state.stage,
        node=state.node or None,
        pod=state.pod or None,
        since=rfc3339_or_none(state.since),
        reason=state.reason,
        cure=state.cure,
    )


def _replication(status: ReplicationStatus) -> ReplicationBody:
    return ReplicationBody(
        kind=status.kind,
        state=status.state,
        data_as_of=rfc3339_or_none(status.data_as_of),
        last_sync=rfc3339_or_none(status.last_sync_at),
        in_flight=status.in_flight,
        reason=status.reason,
    )
