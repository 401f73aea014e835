"""What a move meets in the cluster: what runs of the service, and the place that it is sent to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Side
from failover_api.core.planning.state import Detection, State, combine_states, state_of
from failover_api.core.safety.claim_moves import ClaimMove
from failover_api.core.safety.observed import Claim, Node, Pod, View
from failover_api.core.safety.rollout.appliers import Appliers, find_appliers
from failover_api.core.safety.rollout.expectation import Expectation, expectation
from failover_api.core.safety.rollout.live import Index, Live, Workload, find_live, kind_of
from failover_api.core.safety.rollout.place import Place, place_of
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.wording import cut

NOTHING_LIVE = Live()


@dataclass(frozen=True, slots=True)
class Scene:
    """`live` is what runs where the move leaves, `target` what will run where it leads: mostly the same workload.

    `expected` is what Git says after the move, `place` where and on what that has to run; `claims` are those that
    change. `now` is the API server's.
    """

    move: ServiceMove
    index: Index
    now: float
    live: Live
    target: Live
    expected: Expectation
    place: Place
    appliers: Appliers
    claims: tuple[ClaimMove, ...]

    @property
    def view(self) -> View:
        return self.index.view

    @property
    def namespace(self) -> str | None:
        """That of the target's workload, and so of its claims; None: nobody says."""
        if self.target.workload is not None:
            return self.target.workload.namespace
        if self.target.release is not None and self.target.release.target:
            return self.target.release.target
        return self.expected.workload.namespace if self.expected.workload is not None else None

    @property
    def nodes(self) -> list[Node] | None:
        """The side's nodes that there are, by name; None where nobody can tell, or nodes are not seen."""
        if self.place.nodes is None or self.view.nodes.why_unseen():
            return None
        return [self.place.known[name] for name in sorted(self.place.nodes) if name in self.place.known]

    def usable_nodes(self, claims: Collection[str]) -> list[Node]:
        """Those of `nodes` that can use the volumes of all of these claims; of one that is not seen any can."""
        named = {one.volume for name in claims if (one := self.claim(name)) is not None and one.phase == "Bound"}
        known = self.view.volumes.objects
        volumes = [known["", name] for name in named if ("", name) in known]
        return [node for node in self.nodes or () if all(volume.is_usable_on(node) for volume in volumes)]

    def claim(self, name: str) -> Claim | None:
        return self.view.claims.current.get((self.namespace or "", name))

    @property
    def old_pods(self) -> list[Pod]:
        """What runs where the move leaves, by name. None of a move that is a step further ahead."""
        if self.move.is_to_come or not self.live.is_seen:
            return []
        return sorted((pod for pod in self.live.pods if not pod.has_ended), key=lambda pod: pod.name)

    def node_down(self, pod: Pod) -> Node | None:
        """The node of a pod, where that is known not to be ready."""
        node = self.place.known.get(pod.node)
        return node if node is not None and is_down(node) else None


def scene_of(move: ServiceMove, look: ClusterLook, claims: Sequence[ClaimMove]) -> Scene | None:
    """None where neither a workload of the service nor who applies it is seen."""
    service, view = move.service, look.view
    before, after = (expectation(service, each) for each in (Detection(_state(move), move.readings), _after(move)))
    live = _live(before, move, look)
    target = live if after.workload == before.workload else _live(after, move, look)
    named = after.workload or before.workload
    if named is None:
        return None
    appliers = find_appliers(view, service, named, target if target.workload or target.release else live)
    is_here = any(each.workload or each.release for each in (live, target)) or appliers.kustomization is not None
    if not is_here:
        return None
    changed = tuple(claim for claim in claims if claim.old != claim.new)
    place = place_of(after, target, view)
    if after.claims is None:
        place = replace(place, claims=_claims_after(place.claims, changed, move))
    return Scene(move, look.index, look.now, live, target, after, place, appliers, changed)


def label_of(workload: Workload) -> str:
    """As people say it: "Deployment media/sonarr"."""
    return f"{kind_of(workload)} {cut(workload.namespace)}/{cut(workload.name)}"


def is_down(node: Node) -> bool:
    """Whether it says of itself, or Kubernetes of it, that it is not ready. One of which nothing is said is not."""
    return node.ready is not None and not node.ready.is_true


def _live(expected: Expectation, move: ServiceMove, look: ClusterLook) -> Live:
    if expected.workload is None:
        return NOTHING_LIVE
    claims = (str(switch.value(side)) for switch in move.service.switches if switch.is_claim for side in Side)
    return find_live(look.index, expected.workload, claims)


def _state(move: ServiceMove) -> State:
    return combine_states(reading.state for reading in move.readings)


def _after(move: ServiceMove) -> Detection:
    """What stands in Git after the move."""
    new = {switch.reading: switch.new for switch in move.switches}
    readings = tuple(
        replace(reading, value=new[reading], state=state_of(reading.switch, new[reading]))
        if reading in new
        else reading
        for reading in move.readings
    )
    return Detection(combine_states(reading.state for reading in readings), readings)


def _claims_after(now: frozenset[str], changed: Sequence[ClaimMove], move: ServiceMove) -> frozenset[str]:
    """What the workload will have, where no switch stands in it: what it has now, but for what the move changes.

    Where a variable changes and nobody knows what it stands for, nothing: what is not known stops no move.
    """
    if not changed and any(one.reading.switch.variable for one in move.switches):
        return frozenset()
    moved = {claim.old: claim.new for claim in changed if claim.old}
    return frozenset(filter(None, (moved.get(name, name) for name in now)))
