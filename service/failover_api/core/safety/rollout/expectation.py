"""What Git says of a service's app: the workload, and where and on what its pod has to run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.runtime import DEPLOYMENT, STATEFUL_SET, WORKLOAD_KINDS, WorkloadName
from failover_api.core.planning.state import Detection, Reading, State

NAME_WORKLOAD = "Name its `workload` in the catalog."
_NODE_SELECTOR, _REPLICAS = "nodeSelector", ("spec", "replicas")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What has to run. `workload` is None where nobody can tell, and `why` says why not.

    `labels` are those a node has to have, `nodes` the names of nodes as the catalog has them; `claims` are None where
    no switch names one. `is_asleep`: Git has its replicas at 0.
    """

    side: State
    workload: WorkloadName | None
    why: str
    labels: Mapping[str, str]
    nodes: tuple[str, ...]
    claims: frozenset[str] | None
    is_asleep: bool
    readings: tuple[Reading, ...]


def expectation(service: Service, detection: Detection) -> Expectation:
    """What Git has now, whichever side that is."""
    readings = detection.readings
    workload = _workload(service, detection)
    own = [reading for reading in readings if workload is None or _is_of(reading, workload)]
    claims = frozenset(str(reading.value) for reading in own if reading.switch.is_claim and reading.value)
    return Expectation(
        side=detection.state,
        workload=workload,
        why="" if workload else _why_unknown(service, detection),
        labels={key: str(reading.value) for reading in own if (key := label_of(reading))},
        nodes=service.nodes(Side(detection.state.value)) if detection.state.value in set(Side) else (),
        claims=claims or None,
        is_asleep=any(is_replicas(reading) and reading.value == 0 for reading in own),
        readings=tuple(own),
    )


def substituted_by(detection: Detection) -> tuple[str, str] | None:
    """The one Kustomization of Flux whose variables are the service's switches: namespace ("": not said) and name."""
    found = {(reading.namespace or "", reading.name or "") for reading in detection.readings if reading.switch.variable}
    return next(iter(found)) if len(found) == 1 else None


def label_of(reading: Reading) -> str:
    """The node label that a switch sets; "" where it sets none."""
    path = reading.switch.path
    is_label = len(path) > 1 and path[-2] == _NODE_SELECTOR and isinstance(path[-1], str)
    return str(path[-1]) if is_label else ""


def is_replicas(reading: Reading) -> bool:
    return reading.switch.path == _REPLICAS


def _workload(service: Service, detection: Detection) -> WorkloadName | None:
    sides = [Side(detection.state.value)] if detection.state.value in set(Side) else list(Side)
    named = {service.workload(side) for side in sides}
    if named != {None}:
        return _complete(next(iter(named)), detection.readings) if len(named) == 1 else None
    found = list(dict.fromkeys(_documents(detection.readings)))
    asleep = {_document(reading) for reading in detection.readings if is_replicas(reading) and reading.value == 0}
    awake = [workload for workload in found if workload not in asleep] or found
    return awake[0] if len(awake) == 1 else None


def _complete(workload: WorkloadName | None, readings: Sequence[Reading]) -> WorkloadName | None:
    """With the namespace of the service's documents, where the catalog names none: a Kustomization's is another."""
    if workload is None or workload.namespace:
        return workload
    same = [reading for reading in readings if (reading.kind, reading.name) == (workload.kind, workload.name)]
    own = same or [reading for reading in readings if not reading.switch.variable]
    namespaces = {reading.namespace for reading in own if reading.namespace}
    return WorkloadName(workload.kind, workload.name, namespaces.pop() if len(namespaces) == 1 else None)


def _documents(readings: Sequence[Reading]) -> Iterator[WorkloadName]:
    for reading in readings:
        if reading.kind in WORKLOAD_KINDS and reading.name:
            yield _document(reading)


def _document(reading: Reading) -> WorkloadName:
    return WorkloadName(reading.kind, reading.name, reading.namespace)


def _is_of(reading: Reading, workload: WorkloadName) -> bool:
    """Whether a switch is about the workload: in its own document, or in one from which it may be made."""
    if reading.kind == workload.kind:
        is_here = not workload.namespace or not reading.namespace or reading.namespace == workload.namespace
        return reading.name == workload.name and is_here
    return reading.kind not in {DEPLOYMENT, STATEFUL_SET}


def _why_unknown(service: Service, detection: Detection) -> str:
    if detection.state.value not in set(Side) and service.primary_workload != service.backup_workload:
        return "Each side has a workload of its own, and the service is on neither."
    several = [f"{one.kind} {one.name}" for one in dict.fromkeys(_documents(detection.readings))]
    if several:
        return f"Its switches are in several workloads: {', '.join(several[:5])}."
    return "None of its switches is in a Deployment, a StatefulSet or a HelmRelease."
