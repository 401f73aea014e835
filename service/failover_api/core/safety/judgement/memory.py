"""What the judgement remembers from one sample to the next; a value, so nothing is judged behind anybody's back.

All times are of our own monotonic clock, unless they say otherwise. Another leader begins with a memory of its own: it
has seen nothing yet. Only flaps are handed on, as JSON, by the API server's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from failover_api.core.safety.judgement.verdicts import NOTHING_SEEN, ViewVerdict
from failover_api.core.safety.node_states import NodeState

FLAPPING_S = 3600.0  # for so long a node that comes and goes is left alone
MAX_NODES = 200  # whose flaps are handed on
_MAX_FLAPS = 10
_END_OF_TIME = 2.0**32


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """Of one node, as long as it has this UID.

    `state` is what it would be without flapping, `since` (API server's clock) when that began. `renewed_at` is the
    value of its Lease, `still_since` when we first saw that value, None: not yet. `silent_since` is when we first saw
    its condition Unknown, as of `silent_of` (its own time); `was_found_silent`: it was so when we began to look.
    `ready` is its condition as last seen, and `returned_at` when we saw it turn True. Nothing before `counts_from`
    counts for its death; `is_out`: nor does this moment.
    """

    uid: str
    state: NodeState = NodeState.UNKNOWN
    since: float | None = None
    renewed_at: float | None = None
    still_since: float | None = None
    silent_of: float | None = None
    silent_since: float | None = None
    was_found_silent: bool = False
    ready: str = ""
    returned_at: float | None = None
    counts_from: float = float("-inf")
    is_out: bool = False
    suspected_at: tuple[float, ...] = ()
    flapping_until: float = float("-inf")

    def blinded(self) -> "NodeMemory":
        """Without what was observed: nobody knows what became of it since. Flaps stay."""
        return NodeMemory(self.uid, suspected_at=self.suspected_at, flapping_until=self.flapping_until)


@dataclass(frozen=True, slots=True)
class Memory:
    """`settles_at` is when this leader has seen enough to act on, `settles_why` why it has to look first.

    `ahead_s` is the API server's clock less ours at `stepped_at`, the last sample; `heard_at` is when nodes and when
    Leases had been heard of then.
    """

    settles_at: float = float("-inf")
    settles_why: str = ""
    stepped_at: float | None = None
    heard_at: tuple[float | None, float | None] = (None, None)
    ahead_s: float | None = None
    view: ViewVerdict = NOTHING_SEEN
    nodes: Mapping[str, NodeMemory] = field(default_factory=dict)

    def blinded(self) -> "Memory":
        return replace(self, nodes={name: node.blinded() for name, node in self.nodes.items()})


START = Memory()


def flaps_as_json(memory: Memory, *, now: float, monotonic: float) -> dict[str, Any]:
    """What another leader has to know of the nodes: {name: {uid, suspected, until}}, by the API server's clock (s)."""
    ahead_s = now - monotonic
    kept = {name: node for name, node in memory.nodes.items() if node.suspected_at or node.flapping_until > monotonic}
    return {name: _flaps(node, ahead_s) for name, node in list(kept.items())[:MAX_NODES]}


def with_flaps(data: object, *, now: float, monotonic: float) -> Memory:
    """A new leader's memory: what flaps_as_json() said. What is not understood is left out."""
    ahead_s = now - monotonic
    rows = data.items() if isinstance(data, Mapping) else ()
    found = {str(name): node for name, row in rows if (node := _recalled(row, ahead_s, monotonic)) is not None}
    return replace(START, nodes=found)


def _flaps(node: NodeMemory, ahead_s: float) -> dict[str, Any]:
    flaps: dict[str, Any] = {"uid": node.uid, "suspected": [round(at + ahead_s) for at in node.suspected_at]}
    if node.flapping_until > float("-inf"):
        flaps["until"] = round(node.flapping_until + ahead_s)
    return flaps


def _recalled(row: object, ahead_s: float, monotonic: float) -> NodeMemory | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("uid"), str):
        return None
    times = row.get("suspected")
    times = [time for each in (times if isinstance(times, list) else []) if (time := _time(each)) is not None]
    at = [min(time - ahead_s, monotonic) for time in times]  # one that is to come is of a clock that was wrong
    until = _time(row.get("until"))
    ends_at = min(until - ahead_s, monotonic + FLAPPING_S) if until is not None else float("-inf")
    return NodeMemory(row["uid"], suspected_at=tuple(sorted(at))[-_MAX_FLAPS:], flapping_until=ends_at)


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _END_OF_TIME else None
