"""May the taint out-of-service be set on a node now, and if not, why; may it be taken off again.

It says that the node is off: Kubernetes then ends what is to end there, and gives its volumes away. Said of a node that
is only cut off, it lets two write. So it follows a person's word (an attestation), and nothing else: no time that has
passed is one.

It comes after the move, and never before. It ends everything on the node at once, and an app that has not been sent
elsewhere would be made anew for the dead node; a StatefulSet stays stuck on such a pod for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from failover_api.core.safety.governance import ServiceFacts
from failover_api.core.safety.judgement import NodeVerdict
from failover_api.core.wording import cut


@dataclass(frozen=True, slots=True)
class Leaving:
    """A service that Git has on the node, or of which a pod is there.

    `is_away`: Git has it on another node; None: nobody can tell. `is_applied`: the live objects are as Git has them;
    None: it is not seen. `has_pod`: one of its pods is on the node, if only to end there.
    """

    service: str
    is_away: bool | None
    is_applied: bool | None
    has_pod: bool


def leaving(node: str, service: ServiceFacts, *, is_applied: bool | None) -> Leaving | None:
    """What a service has to do with a node; None: nothing. Of one whose pods are not seen it is not seen either."""
    has_pod = any(pod.node == node for pod in service.pods or ())
    may_have_pod = service.pods is None and (node in service.targets or service.is_on(node))
    if service.active == node:
        return Leaving(service.name, False, is_applied, has_pod)
    if has_pod or may_have_pod:
        is_away = True if service.active is not None else None
        return Leaving(service.name, is_away, is_applied if has_pod else None, has_pod)
    return None


def why_not_set(node: NodeVerdict | None, services: Sequence[Leaving], *, is_attested: bool) -> str:
    """Why the taint may not be set now, "" when it may. `node` None: it is not seen."""
    if node is None:
        return "The node is not seen."
    name = cut(node.name)
    if node.is_out_of_service:
        return f"{name} has the taint already."
    if not is_attested:
        return f"Nobody says that {name} is off."
    if node.died_at is None or node.is_alive:
        return f"{name} is being heard of."
    return _why_they_stay(name, services)


def may_clear(node: NodeVerdict | None) -> bool:
    """Whether the taint that we have set may be taken off: the node is back, and nothing may run there till then."""
    return node is not None and node.is_out_of_service and node.is_ready and node.is_alive


def _why_they_stay(node: str, services: Sequence[Leaving]) -> str:
    """Every service has to be sent elsewhere, and to have arrived in the cluster as that; one at least has to wait."""
    for service in services:
        name = cut(service.service)
        match service.is_away, service.is_applied:
            case False, _:
                return f"{name} is still active on {node}: move it first."
            case None, _:
                return f"Whether {name} was moved off {node}, nobody can tell."
            case True, None:
                return f"Whether the move of {name} is applied is not seen."
            case True, False:
                return f"The move of {name} is not applied yet."
    return "" if any(service.has_pod for service in services) else f"No pod of a service that was moved is on {node}."
