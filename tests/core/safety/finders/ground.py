"""A service and its repository as texts, and what the finders say of a move there and of a move home."""

from collections.abc import Mapping, Sequence
from typing import Any

from failover_api.core.catalog.model import Action, Side, Switch
from failover_api.core.planning.plan import plan
from failover_api.core.planning.state import detect
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.core.safety.switch_moves import planned_move, possible_move
from failover_api.core.search.file_facts import branch_knowledge, read_file_facts
from failover_api.core.splice import Manifest, parse
from tests.support.builders import service, switch

NODE = switch("spec.template.spec.nodeSelector.role", "primary", "backup", kind="Deployment")
DEPLOYMENT = """\
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  template: {spec: {nodeSelector: {role: primary}}}
"""


def around(files: Mapping[str, str]) -> Surroundings:
    """What the other manifests of a branch say."""
    known = branch_knowledge({path: read_file_facts(path, text.encode()) for path, text in files.items()})
    return Surroundings(known.claims, known.neighbours)


def promote(text: str, *switches: Switch, surroundings: Surroundings = NOT_LOOKED_AT, **changes: Any) -> list[Hazard]:
    """What is said of the plan; the same is said of the move that is only thought of."""
    return _told(text, Action.PROMOTE, switches or (NODE,), surroundings, changes)


def demote(text: str, *switches: Switch, surroundings: Surroundings = NOT_LOOKED_AT, **changes: Any) -> list[Hazard]:
    """The way back from where a promote of `text` leads."""
    one = service(*(switches or (NODE,)), **changes)
    there = plan(one, {"a.yaml": _manifest(text)}, Action.PROMOTE).new["a.yaml"]
    return _told(there.decode(), Action.DEMOTE, switches or (NODE,), surroundings, changes)


def only(slug: str, hazards: list[Hazard]) -> list[Hazard]:
    return [hazard for hazard in hazards if hazard.slug == slug]


def _told(
    text: str, action: Action, switches: Sequence[Switch], surroundings: Surroundings, changes: Any
) -> list[Hazard]:
    one, manifests = service(*switches, **changes), {"a.yaml": _manifest(text)}
    planned = hazards(planned_move(plan(one, manifests, action), manifests), surroundings)
    side = Side.BACKUP if action is Action.PROMOTE else Side.PRIMARY
    assert hazards(possible_move(one, detect(one, manifests), side, manifests), surroundings) == planned
    return list(planned)


def _manifest(text: str) -> Manifest:
    return parse(text.encode(), file="a.yaml")
