"""The gates, one function each: a hold where the move of a service may not be made, with why and what to do.

Nothing is guessed: what cannot be seen, or was not looked at for 30 s, holds. A hazard that the catalog accepts is none
that it accepts here: nobody is there who weighs it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from failover_api.core.catalog.automatic import Automatic, Fence, Mode
from failover_api.core.catalog.model import Policy, Side
from failover_api.core.hazard_slugs import Severity
from failover_api.core.planning.wave_progress import Unmoved
from failover_api.core.safety.governance.book import Book
from failover_api.core.safety.governance.facts import GitFacts, ServiceFacts
from failover_api.core.safety.governance.gates import Gate, Hold, Proposal
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts
from failover_api.core.safety.node_states import NodeState, ViewState
from failover_api.core.safety.times import length, minute, second
from failover_api.core.wording import cut, listed, shell_word

FRESH_S = 30.0
TARGET_READY_S = 300.0
WITNESS_BEFORE_S = 3600.0  # an alert that began earlier than so long before a death is not about it
GIT_AGAIN_S = 30.0
PROVES_NOTHING = "which proves nothing: the machine may run on."
# A person may be told of these and go on. Nobody is there to put right what comes of it, so they stop.
STOPS_AUTOMATIC = frozenset({"recreate-blocks", "statefulset-blocks", "starts-nothing", "flux-stuck", "nobody-applies"})
_VIEWS = {
    ViewState.BLIND: (Gate.BLIND, "Is the API server well, and can it be reached from here?"),
    ViewState.STORM: (Gate.STORM, "Look at the network and the control plane first. Services can be moved by hand."),
    ViewState.STARTING: (Gate.STARTING, "It goes on by itself."),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A service that may have to move, and all that speaks for it or against it.

    `node` is where Git has it, None: it is not seen. `is_forced`: an alert says that it is broken though it is Ready.
    """

    service: ServiceFacts
    node: NodeVerdict | None
    verdicts: Verdicts
    rules: Automatic
    book: Book
    git: GitFacts
    is_forced: bool = False

    @property
    def died_at(self) -> float | None:
        return self.node.died_at if self.node is not None else None

    @property
    def is_node_gone(self) -> bool:
        """Whether the cluster does not have the node where Git has it: somebody has deleted it, perhaps."""
        nodes, active = self.verdicts.nodes, self.service.active
        return self.node is None and bool(nodes) and active is not None and active not in nodes

    @property
    def is_heard_of(self) -> bool:
        """Whether the node where Git has it is gone from the cluster, and its kubelet renews its Lease still."""
        return self.is_node_gone and self.service.active in self.verdicts.lone_alive

    @property
    def earliest(self) -> float:
        """The time by whichever of the two hosts' clocks is behind: nothing is over before both say so."""
        return min(self.verdicts.now, self.git.now if self.git.now is not None else self.verdicts.now)

    @property
    def latest(self) -> float:
        """The time by whichever is ahead: nothing is younger than either says."""
        return max(self.verdicts.now, self.git.now if self.git.now is not None else self.verdicts.now)

    @property
    def ahead_s(self) -> float:
        """How far the API server's clock is ahead of the Git host's."""
        return self.verdicts.now - self.git.now if self.git.now is not None else 0.0

    def is_stale(self, at: float | None) -> bool:
        return at is None or self.verdicts.monotonic - at > FRESH_S


def view_holds(verdicts: Verdicts) -> Iterator[Hold]:
    """What the view as a whole forbids."""
    if verdicts.view.state in _VIEWS:
        gate, cure = _VIEWS[verdicts.view.state]
        yield Hold(gate, verdicts.view.reason, cure, verdicts.view.ends_at)


def node_holds(case: Case) -> Iterator[Hold]:
    """What is said against acting on this node's death."""
    node = case.node
    if node is None:
        return
    name = cut(node.name)
    if node.state is NodeState.PLANNED:
        yield Hold(
            Gate.PLANNED,
            f"{name} is cordoned: somebody is at work on it.",
            f"Move by hand, or `kubectl uncordon {shell_word(node.name)}`.",
        )
    elif node.state is NodeState.FLAPPING:
        yield Hold(
            Gate.FLAPPING, f"{name}: {node.reason}", "Find out why it comes and goes; move by hand.", node.acts_at
        )
    if node.is_ignored:
        yield Hold(Gate.OPT_IN, f"{name} is named in `automatic.ignore_nodes`.", "Move by hand.")
    elif not node.is_counted:
        yield Hold(Gate.OPT_IN, f"{name} has been down for over a day.", "What is still on it is moved by hand.")


def service_holds(case: Case, *, of_node: bool = False) -> Iterator[Hold]:
    """Every gate of a service that takes part which is closed now, in the order of the gates.

    `of_node`: it is asked of all that is on a node. Where nobody can tell whether it is, or on which side, nothing more
    can be told.
    """
    is_placed = case.service.side is not None and (case.service.active is not None or not of_node)
    for gate in GATES if is_placed else (paused, git_unreachable, placed):
        yield from gate(case)


def opt_in(case: Case) -> Iterator[Hold]:
    """Of a service that takes no part nothing else is of interest, so it is asked before all other gates."""
    if case.service.mode is Mode.NONE:
        name = cut(case.service.name)
        yield Hold(
            Gate.OPT_IN, f"{name} takes no part: its `automatic` is none.", "Write `automatic: act` in its entry."
        )


def paused(case: Case) -> Iterator[Hold]:
    for pause in case.book.pauses:
        if pause.holds(case.service.name, case.earliest):
            why = f": {cut(pause.reason)}" if pause.reason else "."
            detail = f"Paused by {cut(pause.by)} until {minute(pause.until)}{why}"
            yield Hold(Gate.PAUSED, detail, f"`failover automatic resume {cut(pause.id)}`", pause.until)


def blocked(case: Case) -> Iterator[Hold]:
    """The block counts from the commit's time; a person's move, or an acknowledgement, ends it.

    What a person has moved after a death stays where it was put, until the next.
    """
    last, name = case.service.last_move, cut(case.service.name)
    if last is None or case.git.now is None:
        return
    moved_at = last.at + case.verdicts.now - case.git.now  # as the API server's clock has it
    if _is_acked(case, moved_at):
        return
    ends_at, block = moved_at + case.rules.block_s, length(case.rules.block_s)
    ack = f"`failover automatic ack {name}`"
    if last.is_automatic and case.verdicts.now < ends_at:
        detail = f"It was moved automatically at {second(last.at)}, and stays for {block}."
        yield Hold(Gate.BLOCKED, detail, f"{ack}, once you know why.", ends_at)
    elif not last.is_automatic and case.died_at is not None and moved_at >= case.died_at:
        detail = f"{cut(last.by) or 'Somebody'} moved it at {second(last.at)}, after the node had died."
        yield Hold(Gate.BLOCKED, detail, f"Move by hand, or {ack}.")


def still_serving(case: Case) -> Iterator[Hold]:
    if case.service.pods is None or case.is_stale(case.service.pods_heard_at):
        yield Hold(
            Gate.STILL_SERVING, "Its pods are not seen.", "May we read pods there, and does the API server answer?"
        )
        return
    serving = next((pod for pod in case.service.pods if pod.is_ready and _is_ready(case, pod.node)), None)
    if serving is not None and not case.is_forced:
        detail = f"Pod {cut(serving.name)} is Ready, on node {cut(serving.node)}, which is Ready."
        yield Hold(Gate.STILL_SERVING, detail, "Nothing is to be done while it serves; a planned move is made by hand.")


def relocating(case: Case) -> Iterator[Hold]:
    if operation := case.service.relocating:
        detail = f"It is being relocated (operation {cut(operation)})."
        yield Hold(Gate.RELOCATING, detail, "Wait for its end, or abort it.")


def in_waves(case: Case) -> Iterator[Hold]:
    """What waits for others to serve is not moved past them, as long as it is that operation which is to move it."""
    waits = case.service.in_waves
    if waits is None or _is_let_go(case, waits):
        return
    operation = cut(waits.operation)
    if not waits.stopped:
        detail = f"It moves with operation {operation}, once those that it comes after serve."
        yield Hold(Gate.IN_WAVES, detail, "It goes on by itself.")
        return
    detail = f"Operation {operation} has not moved it, and does not any more: {cut(waits.stopped)}."
    ack = "" if waits.is_of_death else f", or `failover automatic ack {cut(case.service.name)}`"
    until = None if waits.ends_at is None else waits.ends_at + case.ahead_s
    yield Hold(Gate.IN_WAVES, detail, f"Move by hand{ack}.", until)


def _is_let_go(case: Case, waits: Unmoved) -> bool:
    """Whether the operation is about something else: a death is its own event, and so is what follows a stop."""
    began_at = waits.began_at + case.ahead_s  # by the API server's clock
    is_before = case.died_at is not None and case.died_at <= began_at
    if waits.is_of_death:
        return not is_before
    is_new = case.died_at is not None and not is_before
    return bool(waits.stopped) and (is_new or _is_acked(case, began_at))


def target(case: Case) -> Iterator[Hold]:
    """One of the other side's nodes has been ready for five minutes."""
    whys = [_why_no_target(case, name) for name in case.service.targets]
    if not whys:
        yield Hold(Gate.TARGET, "Nobody can tell which node its other side is.", "Name `nodes` in the catalog.")
    elif "" not in [why for why, _ in whys]:
        ends = [ends_at for _, ends_at in whys if ends_at is not None]
        until = min(ends, default=None)
        why = next(why for why, ends_at in whys if ends_at == until)
        yield Hold(Gate.TARGET, why, "It goes on by itself." if until else "Bring the node up.", until)


def hazard(case: Case) -> Iterator[Hold]:
    if case.service.refusal is not None:
        yield case.service.refusal
    elif case.service.hazards is None:
        why = case.service.why_no_hazards
        detail = f"What may go wrong with this move is not known{f': {why}' if why else ' yet'}."
        yield Hold(Gate.HAZARD, detail, "It is looked for again.")
    for found in case.service.hazards or ():
        if stops_automatic(found):
            yield Hold(Gate.HAZARD, f"{found.slug}: {found.detail}", found.cure)


def placed(case: Case) -> Iterator[Hold]:
    """Of one of which nobody can tell where it is."""
    if case.service.refusal is not None:
        yield case.service.refusal
    elif case.service.side is None:
        yield Hold(Gate.HAZARD, "Nobody can tell on which side it is.", "Look at its manifests; move by hand.")
    else:
        where = f"any of {listed(case.service.may_be_on, 5)}" if case.service.may_be_on else "any node"
        detail = f"It may be on {where}: its pod is not seen on one."
        yield Hold(Gate.HAZARD, detail, "Look where it runs; move by hand.")


def data_age(case: Case) -> Iterator[Hold]:
    data, limit_s = case.service.data, case.rules.max_data_age_s
    if not data.is_copy:
        return
    if data.as_of is None:
        yield Hold(Gate.DATA_AGE, f"Nobody can tell how old the copy is: {data.why}.", _AGE_UNKNOWN)
    elif case.latest - data.as_of > limit_s:
        detail = f"The copy is of {second(data.as_of)}, older than `max_data_age: {length(limit_s)}`."
        yield Hold(Gate.DATA_AGE, detail, "Weigh what would be lost, and move by hand.")


def fence(case: Case) -> Iterator[Hold]:
    """What is known of the node beyond that nobody hears of it: it may write on where it is only cut off."""
    node = case.node
    name = cut(node.name if node is not None else case.service.active or "")
    if case.rules.fence is Fence.NONE or (node is not None and node.is_alive) or how_known_off(case):
        return
    attest = f"Look at the machine; when it is off: `failover attest {name} --reason ...`"
    if node is not None:
        who = "Neither a person nor an alert" if case.rules.fence is Fence.WITNESS else "Nobody"
        yield Hold(Gate.FENCE, f"{who} says that {name} is off: it may be cut off only, and write on.", attest)
    elif case.is_heard_of:
        detail = f"The cluster has no node {name}, and its Lease is renewed still: its kubelet lives."
        yield Hold(Gate.FENCE, detail, "Bring the node back, or switch it off.")
    elif case.is_node_gone:
        yield Hold(Gate.FENCE, f"The cluster has no node {name}, {PROVES_NOTHING}", attest)
    else:
        yield Hold(Gate.FENCE, "Its node is not seen, which proves nothing.", "Look at the machine; move by hand.")


def how_known_off(case: Case) -> str:
    """What is known of the node, as evidence says it; "" where nothing is. Of one that is not there its name counts."""
    node, pods = case.node, case.service.pods
    if node is None and not case.is_node_gone:
        return ""
    name = node.name if node is not None else case.service.active
    said = (one for one in case.book.attestations if one.node == name)
    if attested := next((one for one in said if (one.holds(node) if node else one.holds_in(case.verdicts))), None):
        return f"{cut(attested.by)} says that it is off ({second(attested.at)})"
    is_marked = node is not None and node.is_out_of_service and not node.is_ready
    if is_marked and pods is not None and all(pod.node != name for pod in pods):
        return "it is marked out-of-service, and the pod is gone"
    died_at = case.died_at if case.died_at is not None else case.verdicts.now
    heard = (one for one in case.book.witnesses if one.node == name)
    witness = next((one for one in heard if one.starts_at >= died_at - WITNESS_BEFORE_S), None)
    if case.rules.fence is Fence.WITNESS and witness is not None and not case.is_heard_of:
        return f"alert {cut(witness.name)} fires since {second(witness.starts_at)}"
    return ""


def policy(case: Case) -> Iterator[Hold]:
    if case.service.policy is Policy.PULL_REQUEST and not case.service.merges_by_itself:
        detail = "Its policy is pull_request, and what is opened waits for a person to merge it."
        cure = "Merge the pull request, or allow `auto_merge`."
        yield Hold(Gate.POLICY, detail, cure, proposal=Proposal.PULL_REQUEST)


def git_unreachable(case: Case) -> Iterator[Hold]:
    failed_at, clock = case.git.failed_at, case.verdicts.monotonic
    if failed_at is not None and clock - failed_at < GIT_AGAIN_S:
        until = case.verdicts.now + failed_at + GIT_AGAIN_S - clock
        why = f": {cut(case.git.detail)}" if case.git.detail else ""
        yield Hold(Gate.GIT_UNREACHABLE, f"The Git host does not answer{why}.", "It is tried again by itself.", until)
    elif case.git.now is None or case.is_stale(case.service.read_at):
        yield Hold(Gate.GIT_UNREACHABLE, "Git was not read within the last 30 s.", "It is read again by itself.")
    elif not case.service.is_history_known:
        yield Hold(Gate.GIT_UNREACHABLE, "When it was moved last could not be read.", "It is read again by itself.")


def way_back(case: Case) -> Iterator[Hold]:
    """To primary only with young data that is known to be there: primary was left, and may be old."""
    data, name = case.service.data, cut(case.service.name)
    if case.service.side is Side.BACKUP and data.is_copy and (why := _why_not_back(case)):
        detail = f"What was written on backup may not be on primary: {why}."
        yield Hold(Gate.WAY_BACK, detail, f"Weigh it; then `failover demote {name}`.", proposal=Proposal.COMMAND)


def _why_not_back(case: Case) -> str:
    data = case.service.data
    if data.as_of is None:
        return data.why
    if not data.is_protected:
        return "replication that way is not seen to be protected"
    return f"the copy there is of {second(data.as_of)}" if case.latest - data.as_of > case.rules.max_data_age_s else ""


def stops_automatic(found: Hazard) -> bool:
    """Whether it stops a move that nobody asked for."""
    return found.severity is Severity.STOP or (found.severity is Severity.WARN and found.slug in STOPS_AUTOMATIC)


_AGE_UNKNOWN = (
    "Weigh it, and move by hand. Only what VolSync copies moves by itself, or where the catalog says "
    "`replication: {kind: none}`: nothing needs to be copied."
)
GATES: tuple[Callable[[Case], Iterable[Hold]], ...] = (
    paused,
    blocked,
    still_serving,
    relocating,
    in_waves,
    target,
    hazard,
    data_age,
    fence,
    policy,
    git_unreachable,
    way_back,
)


def _is_acked(case: Case, moved_at: float) -> bool:
    names = {case.service.name}
    node = case.node.name if case.node is not None else None
    acks = (ack for ack in case.book.acks if ack.service in names or (node is not None and ack.node == node))
    return any(ack.at >= moved_at for ack in acks)


def _is_ready(case: Case, node: str) -> bool:
    return node in case.verdicts.nodes and case.verdicts.nodes[node].is_ready


def _why_no_target(case: Case, name: str) -> tuple[str, float | None]:
    """Why a node takes nothing now, "" when it does; and when that ends by itself."""
    node, named = case.verdicts.nodes.get(name), cut(name)
    if node is None:
        return f"{named} is not seen.", None
    if node.state is not NodeState.READY:
        return f"{named} is {node.state}{f': {node.reason}' if node.reason else '.'}", None
    if node.is_out_of_service:
        return f"{named} is marked out-of-service: nothing may run there.", None
    if node.ready_since is None:
        return f"Since when {named} is ready, nobody can tell.", None
    by_condition_s = case.earliest - node.ready_since
    ready_s = by_condition_s if node.ready_for_s is None else min(by_condition_s, node.ready_for_s)
    if ready_s >= TARGET_READY_S:
        return "", None
    return f"{named} is ready for less than five minutes.", case.verdicts.now + TARGET_READY_S - ready_s
