"""python -m tests.core.safety.planted [WORD...]: plants bugs in the judgement and its gates, and lets schedules look.

It says after how many schedules each was found, and by what, or `MISSED`; exit code 1 when one is missed. Words select
bugs by their names.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from failover_api.core.safety import governance, judgement
from failover_api.core.safety.governance import decisions, holds
from failover_api.core.safety.governance.book import Attestation, Pause
from failover_api.core.safety.governance.holds import Case
from failover_api.core.safety.judgement import transition
from failover_api.core.safety.judgement.memory import Memory, NodeMemory
from tests.core.safety.guards import Guard
from tests.core.safety.schedules import Violation, run_one

SCHEDULES = 4000
INFINITY = float("inf")
Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """`plant` puts it into the product, as long as the patch lives."""

    name: str
    plant: Patch


def _attribute(target: Any, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


def _without_gate(name: str) -> Patch:
    gates = tuple(gate for gate in holds.GATES if gate.__name__ != name)
    return _attribute(holds, "GATES", gates)


def _no_freshness(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holds, "FRESH_S", INFINITY)
    patch.setattr(transition, "BLIND_S", INFINITY)


def _no_recheck(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(governance, "recheck", lambda act, *_: governance.Permit(act, INFINITY))


def _endless_permit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(governance.Permit, "holds_at", lambda self, monotonic: True)


def _by_the_nodes_clock(patch: pytest.MonkeyPatch) -> None:
    """A Lease is as old as it says."""
    original = transition._observed

    def observed(before: Any, node: Any, sample: Any, rules: Any) -> NodeMemory:
        age_s = 0.0 if node.renewed_at is None else sample.now - node.renewed_at
        return replace(original(before, node, sample, rules), still_since=sample.monotonic - age_s)

    patch.setattr(transition, "_observed", observed)


def _no_cordon(patch: pytest.MonkeyPatch) -> None:
    original = judgement.step

    def step(memory: Memory, sample: judgement.Sample, rules: Any) -> Any:
        nodes = {name: replace(node, is_unschedulable=False) for name, node in sample.nodes.items()}
        return original(memory, replace(sample, nodes=nodes), rules)

    patch.setattr(judgement, "step", step)


def _not_ready_alone(patch: pytest.MonkeyPatch) -> None:
    """Unknown, or its own word, is enough: the Lease is not looked at."""

    def state_of(known: NodeMemory, node: Any, sample: Any, rules: Any) -> Any:
        if node.ready in {"False", "Unknown"} and not node.is_unschedulable:
            is_dead = sample.now - node.ready_since >= rules.dead_for_s
            return transition.NodeState.DEAD if is_dead else transition.NodeState.SUSPECT
        return original(known, node, sample, rules)

    original = transition._state
    patch.setattr(transition, "_state", state_of)
    patch.setattr(transition, "_due_at", lambda known, node, rules: -INFINITY)
    patch.setattr(decisions, "event_key", lambda node: f"node-{node.uid}-{node.ready_since}")


def _storm_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """As many as the bound and one more."""
    original = transition._storm

    def storm(nodes: Any, sample: Any, rules: Any) -> str:
        why = original(nodes, sample, rules)
        if "nodes are not well" not in why:
            return why
        bad, counted = int(why.split()[0]), int(why.split()[2])
        return why if bad - 1 > max(1, transition.STORM_SHARE * counted) else ""

    patch.setattr(transition, "_storm", storm)


def _forgotten_block(patch: pytest.MonkeyPatch) -> None:
    """Kept by the process, and not in Git: whoever is restarted knows of no move."""
    original = Guard.read_git

    def read_git(self: Guard) -> None:
        original(self)
        began = self.world.git_now - (self.world.plane.elapsed - self.truth.began)
        self.apps = {
            name: (side, last if last is not None and last.at >= began else None)
            for name, (side, last) in self.apps.items()
        }

    patch.setattr(Guard, "read_git", read_git)


def _flaps_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transition, "FLAPS", 1000)


def _death_of_our_own(patch: pytest.MonkeyPatch) -> None:
    """The time of a death is when this leader noticed it."""
    patch.setattr(decisions, "event_key", lambda node: f"node-{node.uid}-{node.since}")


def _latched(patch: pytest.MonkeyPatch) -> None:
    """What was dead once stays so: a node that heals stops nothing."""
    original = transition._judged

    def judged(known: NodeMemory, node: Any, sample: Any, rules: Any) -> NodeMemory:
        after = original(known, node, sample, rules)
        was_dead = known.state is transition.NodeState.DEAD and not node.is_unschedulable
        return replace(after, state=transition.NodeState.DEAD) if was_dead else after

    patch.setattr(transition, "_judged", judged)
    patch.setattr(transition, "_due_at", lambda known, node, rules: -INFINITY)
    patch.setattr(decisions, "event_key", lambda node: f"node-{node.uid}-{node.ready_since}")


def _own_pod_only(patch: pytest.MonkeyPatch) -> None:
    """Only the pods of the dead node are asked whether they serve."""
    original = holds.still_serving

    def still_serving(case: Case) -> Iterator[Any]:
        pods = tuple(pod for pod in case.service.pods or () if pod.node == case.service.active)
        return original(replace(case, service=replace(case.service, pods=pods)))

    patch.setattr(holds, "GATES", tuple(still_serving if g is original else g for g in holds.GATES))


BUGS: Sequence[Bug] = [
    Bug("no freshness check", _no_freshness),
    Bug("no re-check", _no_recheck),
    Bug("a permit that does not end", _endless_permit),
    Bug("the age of a Lease by the node's clock", _by_the_nodes_clock),
    Bug("not ready alone is dead", _not_ready_alone),
    Bug("the bound of a storm is off by one", _storm_off_by_one),
    Bug("Kubernetes' own storm is not seen", _attribute(transition, "UNTAINTED_S", INFINITY)),
    Bug("the block is forgotten after a restart", _forgotten_block),
    Bug("no starting", _attribute(transition, "STARTING_S", 0.0)),
    Bug("what was before a blindness counts", _attribute(Memory, "blinded", lambda self: self)),
    Bug("each leader has a key of its own", _death_of_our_own),
    Bug("a cordon does not matter", _no_cordon),
    Bug("any target will do", _without_gate("target")),
    Bug("an attestation outlives the return of its node", _attribute(Attestation, "holds", lambda self, node: True)),
    Bug("a node that heals stops nothing", _latched),
    Bug(
        "a pause of one service is none", _attribute(Pause, "holds", lambda s, _, now: now < s.until and not s.services)
    ),
    Bug("only the dead node's pods are asked whether they serve", _own_pod_only),
    Bug("flaps are not counted", _flaps_forgotten),
    Bug("any number moves with one event", _attribute(decisions, "capped", lambda *_, **__: {})),
    Bug("a fence is none", _without_gate("fence")),
    Bug("the age of the data does not matter", _without_gate("data_age")),
]


def find(bug: Bug, *, schedules: int = SCHEDULES, first: int = 1) -> tuple[int, str] | None:
    """After how many schedules it was found, and the first violation; None: it was not."""
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        for index in range(schedules):
            try:
                run_one(first + index)
            except Violation as exc:
                return index + 1, str(exc)
    return None


def main() -> None:
    words = sys.argv[1:]
    missed = 0
    for bug in BUGS:
        if all(word in bug.name for word in words):
            found = find(bug)
            missed += found is None
            told = f"after {found[0]:>5}: {found[1][:90]}" if found else "MISSED"
            sys.stdout.write(f"{bug.name:<58} {told}\n")
            sys.stdout.flush()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
