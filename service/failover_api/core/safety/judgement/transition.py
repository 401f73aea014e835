"""One sample more: (memory, sample) -> (memory, verdicts).

What counts for a node's death is what this leader has seen itself, without a break: that its Lease was not renewed, and
that Kubernetes said Unknown of it, both for `dead_for`. Nothing counts that was before

    a time in which nothing was heard         nodes may have come and gone, and none could renew its Lease
    a storm                                   the fault was the network's or the control plane's own
    a cordon                                  a person was at work on the node
    a jump of the clock, a pause of ours      so much time has passed, or so little
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from failover_api.core.catalog.automatic import IS_OFF, MIN_DEAD_FOR_S, Automatic, Mode
from failover_api.core.safety.judgement.memory import FLAPPING_S, Memory, NodeMemory
from failover_api.core.safety.judgement.samples import NodeSample, Sample
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts, ViewVerdict
from failover_api.core.safety.node_states import STALE_S, NodeState, ViewState
from failover_api.core.safety.times import second
from failover_api.core.wording import cut, listed, one_line

BLIND_S = 30.0
STARTING_S = 60.0
CONFIRM_S = 5.0  # Kubernetes looks at its nodes so often: until then it may still say Unknown of one that is back
JUMP_S = 30.0
FLAPS, FLAPS_WITHIN_S = 3, 1800.0
STORM_SHARE = 0.49
UNTAINTED_S = 60.0  # the NoExecute taint comes within seconds of Unknown, but in a storm
GONE_S = 24 * 3600.0
_MAY_FLAP = frozenset({NodeState.READY, NodeState.SUSPECT, NodeState.DEAD})
_BAD = frozenset({NodeState.SUSPECT, NodeState.DEAD, NodeState.UNWELL, NodeState.UNKNOWN})


def step(memory: Memory, sample: Sample, rules: Automatic) -> tuple[Memory, Verdicts]:
    """Samples come in the order of their time, about one a second; `rules` may change between two."""
    memory = _in_time(memory, sample)
    if _is_blind(sample):
        view = _view(memory, sample, *_unsighted(memory, sample, rules))
        return replace(memory.blinded(), view=view), _verdicts(sample, view, {})
    nodes = {name: _observed(memory.nodes.get(name), node, sample, rules) for name, node in sample.nodes.items()}
    view = _view(memory, sample, *_sighted(memory, nodes, sample, rules))
    if ViewState.STORM in {memory.view.state, view.state}:
        nodes = {name: replace(node, counts_from=sample.monotonic) for name, node in nodes.items()}
    nodes = {name: _judged(node, sample.nodes[name], sample, rules) for name, node in nodes.items()}
    gone = {name: node for name, node in memory.nodes.items() if name not in nodes}
    told = {name: _verdict(node, sample.nodes[name], sample, rules, view) for name, node in nodes.items()}
    memory = replace(memory, view=view, nodes={**_still_told_of(gone, sample), **nodes})
    return memory, _verdicts(sample, view, told)


def _view(memory: Memory, sample: Sample, state: ViewState, reason: str, ends_at: float | None) -> ViewVerdict:
    since = memory.view.since if memory.view.state is state and memory.view.since is not None else sample.now
    return ViewVerdict(state, since, reason, ends_at)


def _verdicts(sample: Sample, view: ViewVerdict, nodes: Mapping[str, NodeVerdict]) -> Verdicts:
    if not nodes:
        return Verdicts(sample.now, sample.monotonic, sample.heard_at, view)
    lone, alive = sample.lone_leases, sample.lone_alive
    return Verdicts(sample.now, sample.monotonic, sample.heard_at, view, nodes, lone, alive)


# Time


def _in_time(memory: Memory, sample: Sample) -> Memory:
    """The memory at the time of the sample, without what does not count after a break in time."""
    if why := _break(memory, sample):
        memory = replace(memory.blinded(), settles_at=sample.monotonic + STARTING_S, settles_why=why)
    ahead_s, heard_at = sample.now - sample.monotonic, (sample.nodes_heard_at, sample.leases_heard_at)
    return replace(memory, stepped_at=sample.monotonic, ahead_s=ahead_s, heard_at=heard_at)


def _break(memory: Memory, sample: Sample) -> str:
    """Why what was seen before does not count, "" when it does."""
    clock = sample.monotonic
    if memory.stepped_at is None or memory.ahead_s is None or clock < memory.stepped_at:
        return "It has begun"
    jumped_s = sample.now - clock - memory.ahead_s
    if abs(jumped_s) > JUMP_S:
        return f"The API server's clock has jumped by {jumped_s:+.0f} s against ours"
    if _is_blind(sample):
        return ""
    return "It was blind" if memory.view.state is ViewState.BLIND or _has_gap(memory, sample) else ""


def _has_gap(memory: Memory, sample: Sample) -> bool:
    """Whether nothing was heard of one of the two for too long, or no sample was taken, whatever was heard."""
    before = (memory.stepped_at, *memory.heard_at)
    now = (sample.monotonic, sample.nodes_heard_at, sample.leases_heard_at)
    pairs = zip(before, now, strict=True)
    return any(then is not None and at is not None and at - then > BLIND_S for then, at in pairs)


def _is_blind(sample: Sample) -> bool:
    return sample.heard_at is None or sample.monotonic - sample.heard_at >= BLIND_S


def _unsighted(memory: Memory, sample: Sample, rules: Automatic) -> tuple[ViewState, str, float | None]:
    if rules.mode is Mode.NONE:
        return ViewState.OFF, IS_OFF, None
    why = f": {one_line(sample.why_unseen)}" if sample.why_unseen else ""
    if sample.heard_at is None and sample.monotonic < memory.settles_at - STARTING_S + BLIND_S:
        return ViewState.STARTING, f"Nothing was heard of nodes and Leases yet{why}.", None
    return ViewState.BLIND, f"Nothing was heard of nodes or Leases for {BLIND_S:.0f} s{why}.", None


# One node


def _observed(before: NodeMemory | None, node: NodeSample, sample: Sample, rules: Automatic) -> NodeMemory:
    """What is known of it with this sample, but for its state."""
    clock, heard_at = sample.monotonic, sample.leases_heard_at
    assert heard_at is not None, "it is not blind"
    known = before if before is not None and before.uid == node.uid else NodeMemory(node.uid)
    if known.still_since is None or known.renewed_at != node.renewed_at:
        known = replace(known, renewed_at=node.renewed_at, still_since=heard_at)
    if node.ready != "Unknown":
        if known.silent_since is not None:
            known = replace(known, silent_of=None, silent_since=None)
    elif known.silent_since is None or known.silent_of != node.ready_since:
        is_found = known.ready == ""
        known = replace(known, silent_of=node.ready_since, silent_since=clock, was_found_silent=is_found)
    is_out = node.is_unschedulable or node.name in rules.ignore_nodes
    if is_out or known.is_out:
        known = replace(known, counts_from=clock, is_out=is_out)
    if node.ready != known.ready:
        has_returned = node.ready == "True" and known.ready in {"False", "Unknown"}
        known = replace(known, ready=node.ready, returned_at=clock if has_returned else known.returned_at)
    return known


def _judged(known: NodeMemory, node: NodeSample, sample: Sample, rules: Automatic) -> NodeMemory:
    """With its state, and what that is after the one before."""
    state = _state(known, node, sample, rules)
    clock = sample.monotonic
    suspected_at = tuple(at for at in known.suspected_at if clock - at <= FLAPS_WITHIN_S)
    if known.state is NodeState.READY and state in {NodeState.SUSPECT, NodeState.DEAD}:
        suspected_at = (*suspected_at, clock)
        if len(suspected_at) >= FLAPS:
            known = replace(known, flapping_until=clock + FLAPPING_S)
    if state is not known.state:
        known = replace(known, state=state, since=sample.now)
    return known if suspected_at == known.suspected_at else replace(known, suspected_at=suspected_at)


def _state(known: NodeMemory, node: NodeSample, sample: Sample, rules: Automatic) -> NodeState:
    """Without flapping."""
    is_still = _still_s(known, node, sample) >= STALE_S
    match node.ready:
        case _ if node.is_unschedulable:
            return NodeState.PLANNED
        case "True":
            return NodeState.SUSPECT if is_still else NodeState.READY
        case "False":
            return NodeState.SUSPECT if is_still else NodeState.UNWELL
        case "Unknown":
            dead_at = _dead_at(known, node, rules)
            return NodeState.DEAD if dead_at is not None and sample.monotonic >= dead_at else NodeState.SUSPECT
        case _:
            return NodeState.UNKNOWN


def _still_s(known: NodeMemory, node: NodeSample, sample: Sample) -> float:
    """For how long its Lease was seen not to be renewed: as far as Leases were heard of, and no further."""
    if node.renewed_at is None or known.still_since is None or sample.leases_heard_at is None:
        return 0.0
    return sample.leases_heard_at - known.still_since


def _dead_at(known: NodeMemory, node: NodeSample, rules: Automatic) -> float | None:
    """When it is dead if it stays so (monotonic); None: it is not about to be.

    Without a Lease, or a time at which Kubernetes lost it, nothing tells its death from another.
    """
    if known.silent_since is None or known.still_since is None:
        return None
    if node.renewed_at is None or node.ready_since is None:
        return None
    return max(known.silent_since, known.still_since, known.counts_from) + max(rules.dead_for_s, MIN_DEAD_FOR_S)


def _still_told_of(nodes: Mapping[str, NodeMemory], sample: Sample) -> Mapping[str, NodeMemory]:
    """Nodes that are not there any more, as long as their flaps count."""
    clock = sample.monotonic
    return {
        name: node.blinded()
        for name, node in nodes.items()
        if node.flapping_until > clock or any(clock - at <= FLAPS_WITHIN_S for at in node.suspected_at)
    }


def _verdict(known: NodeMemory, node: NodeSample, sample: Sample, rules: Automatic, view: ViewVerdict) -> NodeVerdict:
    clock = sample.monotonic
    is_flapping = known.flapping_until > clock and known.state in _MAY_FLAP
    still_s = _still_s(known, node, sample)
    due_at = _due_at(known, node, rules)
    return NodeVerdict(
        name=node.name,
        uid=node.uid,
        state=NodeState.FLAPPING if is_flapping else known.state,
        since=_since(known, node, sample, is_flapping=is_flapping),
        reason=_reason(known, node, sample, is_flapping=is_flapping, still_s=still_s),
        died_at=node.ready_since if node.ready == "Unknown" else None,
        acts_at=_acts_at(due_at, sample, view),
        is_due=known.state is NodeState.DEAD and not is_flapping and due_at is not None and clock >= due_at,
        is_counted=_is_counted(node, sample, rules),
        is_ignored=node.name in rules.ignore_nodes,
        is_alive=node.renewed_at is not None and still_s < STALE_S and node.ready in {"True", "False"},
        is_ready=node.ready == "True",
        ready_since=node.ready_since,
        ready_for_s=None if known.returned_at is None else clock - known.returned_at,
        renewed_at=node.renewed_at,
        still_s=still_s,
        is_out_of_service=node.is_out_of_service,
    )


def _due_at(known: NodeMemory, node: NodeSample, rules: Automatic) -> float | None:
    """When something may follow from its death (monotonic); None: it is not about to be dead.

    Of one that was Unknown when this leader began to look, Kubernetes has made sure long ago.
    """
    dead_at = None if node.is_unschedulable else _dead_at(known, node, rules)
    confirm_s = 0.0 if known.was_found_silent else CONFIRM_S
    return None if dead_at is None else max(dead_at + confirm_s, known.flapping_until)


def _acts_at(due_at: float | None, sample: Sample, view: ViewVerdict) -> float | None:
    if due_at is None or view.state in {ViewState.STORM, ViewState.OFF}:
        return None
    return max(sample.now + due_at - sample.monotonic, view.ends_at or float("-inf"))


def _since(known: NodeMemory, node: NodeSample, sample: Sample, *, is_flapping: bool) -> float | None:
    if is_flapping:
        return sample.now + known.flapping_until - FLAPPING_S - sample.monotonic
    return node.ready_since if known.state in {NodeState.READY, NodeState.UNWELL} else known.since


def _reason(known: NodeMemory, node: NodeSample, sample: Sample, *, is_flapping: bool, still_s: float) -> str:
    if is_flapping:
        until = second(sample.now + known.flapping_until - sample.monotonic)
        return f"It was suspect {FLAPS} times within half an hour, and is left alone until {until}."
    match known.state:
        case NodeState.READY:
            return ""
        case NodeState.PLANNED:
            return "It is cordoned: somebody is at work on it."
        case NodeState.UNWELL:
            return "Its kubelet says that it is not ready, and renews its Lease: it lives."
        case NodeState.SUSPECT | NodeState.DEAD:
            return _why_suspect(node, second(sample.now - still_s))
        case _:
            return "It says nothing of itself."


def _why_suspect(node: NodeSample, still_since: str) -> str:
    renewed = f"its Lease has not been seen renewed since {still_since}"
    if node.ready == "True":
        return f"Kubernetes calls it Ready, but {renewed}."
    if node.ready == "False":
        return f"The last that it said is that it is not ready; {renewed}."
    if node.renewed_at is None:
        return "Kubernetes does not hear of it, and it has no Lease by which its death could be told."
    lost = f" since {second(node.ready_since)}" if node.ready_since is not None else ""
    return f"Kubernetes calls it Unknown{lost}, and {renewed}."


# All of them


def _sighted(
    memory: Memory, nodes: Mapping[str, NodeMemory], sample: Sample, rules: Automatic
) -> tuple[ViewState, str, float | None]:
    if rules.mode is Mode.NONE:
        return ViewState.OFF, IS_OFF, None
    if why := _storm(nodes, sample, rules):
        return ViewState.STORM, why, None
    if sample.monotonic < memory.settles_at:
        ends_at = sample.now + memory.settles_at - sample.monotonic
        return ViewState.STARTING, f"{memory.settles_why}, and looks for a minute before it acts.", ends_at
    return ViewState.WATCHING, "", None


def _storm(nodes: Mapping[str, NodeMemory], sample: Sample, rules: Automatic) -> str:
    """Why it is one, "" when it is none."""
    counted = [node for node in sample.nodes.values() if _is_counted(node, sample, rules)]
    bad = [node.name for node in counted if _state(nodes[node.name], node, sample, rules) in _BAD]
    if len(bad) > max(1, STORM_SHARE * len(counted)):
        return f"{len(bad)} of {len(counted)} nodes are not well: {_names(bad)}. So the fault may be elsewhere."
    untainted = [node.name for node in counted if _is_untainted(nodes[node.name], node, sample)]
    if untainted:
        return (
            f"Kubernetes does not hear of {_names(untainted)} and evicts nothing from there, as it does when it may be "
            "cut off itself."
        )
    return ""


def _is_untainted(known: NodeMemory, node: NodeSample, sample: Sample) -> bool:
    """Whether Kubernetes has seen it silent for over a minute, and has not given it up."""
    if known.silent_since is None or node.is_evicted:
        return False
    return sample.monotonic - known.silent_since > UNTAINTED_S


def _is_counted(node: NodeSample, sample: Sample, rules: Automatic) -> bool:
    is_gone = node.ready == "Unknown" and node.ready_since is not None and sample.now - node.ready_since >= GONE_S
    return not is_gone and node.name not in rules.ignore_nodes


def _names(names: Iterable[str]) -> str:
    return listed(sorted(map(cut, names)), 5)
