"""Each gate: what closes it, what opens it, what it says, and when it ends by itself."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.automatic import Fence, Mode
from failover_api.core.catalog.model import Policy, Side
from failover_api.core.hazard_slugs import Severity
from failover_api.core.planning.wave_progress import Unmoved
from failover_api.core.safety.governance import (
    Ack,
    Attestation,
    Book,
    DataFact,
    Gate,
    GitFacts,
    Hold,
    LastMove,
    Pause,
    PodFact,
    Proposal,
    Situation,
    Witness,
    decide,
)
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.judgement import NodeState, ViewState
from tests.core.safety.situations import (
    CLOCK,
    DIED,
    LEASE,
    NOW,
    RULES,
    dead,
    gates,
    ready,
    service,
    situation,
    verdicts,
)

FENCED = replace(RULES, fence=Fence.REQUIRED)
WITNESSED = replace(RULES, fence=Fence.WITNESS)
ATTESTED = Attestation("1", "alice", NOW - 60.0, "I pulled the plug", "w1", "uid-w1", LEASE)
FIRES = Witness("f1", "w1", "NodeOff", DIED - 20.0)


def moved(ago_s: float, by: str = "automatic", *, is_automatic: bool = True) -> LastMove:
    return LastMove(NOW - ago_s, by, is_automatic)


def hazard(slug: str, severity: Severity) -> Hazard:
    return Hazard(slug, severity, "Deployment media/sonarr", None, "What and why.", "What to do.")


def pause(*services: str, until: float = NOW + 60.0, reason: str = "work") -> Book:
    return Book(pauses=(Pause("7", "alice", NOW - 60.0, until, reason, services),))


def only(given: Situation) -> Hold:
    [pending] = decide(given).pending
    [hold] = pending.holds
    return hold


def test_nothing_holds_and_one_act_follows() -> None:
    decisions = decide(situation())
    [act] = decisions.acts
    assert (act.services, act.node, act.died_at, act.trigger) == (("sonarr",), "w1", DIED, "automatic")
    assert decisions.pending[0].holds == ()


def unmoved(**changes: Any) -> Unmoved:
    """Of an operation that began after the node had died."""
    return replace(Unmoved("01JD", DIED + 30.0), **changes)


OPEN: dict[str, Callable[[], Situation]] = {
    "a stopped operation of before the death": lambda: situation(
        service(in_waves=unmoved(stopped="db is late", began_at=DIED - 30.0))
    ),
    "a stopped operation that somebody has seen to": lambda: situation(
        service(in_waves=unmoved(stopped="db is late")), book=Book(acks=(Ack("alice", DIED + 40.0, "sonarr"),))
    ),
    "an operation of another death": lambda: situation(
        service(in_waves=unmoved(is_of_death=True, began_at=DIED - 30.0))
    ),
    "a pause that is over": lambda: situation(book=pause(until=NOW)),
    "a pause of another": lambda: situation(book=pause("radarr")),
    "an automatic move before the block": lambda: situation(service(last_move=moved(3601.0))),
    "an acknowledged move": lambda: situation(
        service(last_move=moved(600.0)), book=Book(acks=(Ack("alice", NOW - 500.0, "sonarr"),))
    ),
    "an acknowledged node": lambda: situation(
        service(last_move=moved(600.0)), book=Book(acks=(Ack("alice", NOW - 500.0, node="w1"),))
    ),
    "a person's move before the death": lambda: situation(service(last_move=moved(130.0, "alice", is_automatic=False))),
    "a ready pod on the dead node": lambda: situation(service(pods=(PodFact("p", "w1", True),))),
    "a pod elsewhere that is not ready": lambda: situation(service(pods=(PodFact("p", "w2", False),))),
    "no pod at all": lambda: situation(service(pods=())),
    "a ready pod on a node that is not there": lambda: situation(service(pods=(PodFact("p", "w9", True),))),
    "one of two targets": lambda: situation(service(targets=("w2", "w9"))),
    "a target of five minutes": lambda: situation(
        verdicts=verdicts(dead("w1"), ready("w2", ready_since=NOW - 300.0, ready_for_s=300.0))
    ),
    "a hazard to know of": lambda: situation(service(hazards=(hazard("data-old", Severity.WARN),))),
    "what would block, if the pod were there": lambda: situation(
        service(hazards=(hazard("recreate-blocks", Severity.INFO),))
    ),
    "data of two hours": lambda: situation(service(data=DataFact(as_of=NOW - 7200.0))),
    "data that needs no copy": lambda: situation(service(data=DataFact(is_copy=False))),
    "a pull request that merges by itself": lambda: situation(
        service(policy=Policy.PULL_REQUEST, merges_by_itself=True)
    ),
    "git that failed half a minute ago": lambda: situation(git=GitFacts(NOW, CLOCK - 30.0)),
    "the way back with protected data": lambda: situation(service(side=Side.BACKUP)),
    "the way back without a copy": lambda: situation(service(side=Side.BACKUP, data=DataFact(is_copy=False))),
    "an attestation": lambda: situation(rules=FENCED, book=Book(attestations=(ATTESTED,))),
    "the taint with the pod gone": lambda: situation(
        service(pods=()), rules=FENCED, verdicts=verdicts(dead("w1", is_out_of_service=True), ready("w2"))
    ),
    "a witness": lambda: situation(rules=WITNESSED, book=Book(witnesses=(FIRES,))),
    "an attestation where a witness would do": lambda: situation(rules=WITNESSED, book=Book(attestations=(ATTESTED,))),
}


@pytest.mark.parametrize("what", OPEN)
def test_what_does_not_hold(what: str) -> None:
    assert gates(OPEN[what]()) == []
    assert decide(OPEN[what]()).acts


CLOSED: list[tuple[str, Gate, Callable[[], Situation]]] = [
    ("takes no part", Gate.OPT_IN, lambda: situation(service(mode=Mode.NONE))),
    ("ignored", Gate.OPT_IN, lambda: situation(verdicts=verdicts(dead("w1", is_ignored=True), ready("w2")))),
    ("down for a day", Gate.OPT_IN, lambda: situation(verdicts=verdicts(dead("w1", is_counted=False), ready("w2")))),
    ("paused", Gate.PAUSED, lambda: situation(book=pause())),
    ("paused alone", Gate.PAUSED, lambda: situation(book=pause("radarr", "sonarr"))),
    ("git's clock behind", Gate.PAUSED, lambda: situation(book=pause(until=NOW - 5.0), git=GitFacts(NOW - 10.0))),
    ("moved just now", Gate.BLOCKED, lambda: situation(service(last_move=moved(3599.0)))),
    ("moved in the future", Gate.BLOCKED, lambda: situation(service(last_move=moved(-50.0)))),
    ("moved by alert", Gate.BLOCKED, lambda: situation(service(last_move=moved(60.0, "alert")))),
    (
        "acknowledged before",
        Gate.BLOCKED,
        lambda: situation(service(last_move=moved(60.0)), book=Book(acks=(Ack("alice", NOW - 61.0, "sonarr"),))),
    ),
    (
        "another acknowledged",
        Gate.BLOCKED,
        lambda: situation(service(last_move=moved(60.0)), book=Book(acks=(Ack("alice", NOW, "radarr"),))),
    ),
    (
        "a person's since the death",
        Gate.BLOCKED,
        lambda: situation(service(last_move=moved(119.0, "alice", is_automatic=False))),
    ),
    ("ready elsewhere", Gate.STILL_SERVING, lambda: situation(service(pods=(PodFact("p", "cp", True),)))),
    ("pods unseen", Gate.STILL_SERVING, lambda: situation(service(pods=None))),
    ("pods old", Gate.STILL_SERVING, lambda: situation(service(pods_heard_at=CLOCK - 31.0))),
    ("relocating", Gate.RELOCATING, lambda: situation(service(relocating="01JD"))),
    ("in a later wave", Gate.IN_WAVES, lambda: situation(service(in_waves=unmoved()))),
    ("its operation has stopped", Gate.IN_WAVES, lambda: situation(service(in_waves=unmoved(stopped="db is late")))),
    ("held by its own event", Gate.IN_WAVES, lambda: situation(service(in_waves=unmoved(is_of_death=True)))),
    ("target nowhere", Gate.TARGET, lambda: situation(service(targets=()))),
    ("target missing", Gate.TARGET, lambda: situation(service(targets=("w9",)))),
    ("target dead too", Gate.TARGET, lambda: situation(verdicts=verdicts(dead("w1"), dead("w2")))),
    (
        "target suspect",
        Gate.TARGET,
        lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", state=NodeState.SUSPECT))),
    ),
    (
        "target cordoned",
        Gate.TARGET,
        lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", state=NodeState.PLANNED))),
    ),
    (
        "target flapping",
        Gate.TARGET,
        lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", state=NodeState.FLAPPING))),
    ),
    (
        "target marked",
        Gate.TARGET,
        lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", is_out_of_service=True))),
    ),
    ("target fresh", Gate.TARGET, lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_since=NOW - 299)))),
    ("target back", Gate.TARGET, lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_for_s=299.0)))),
    ("target timeless", Gate.TARGET, lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_since=None)))),
    (
        "target from the future",
        Gate.TARGET,
        lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_since=NOW + 900))),
    ),
    ("hazards unknown", Gate.HAZARD, lambda: situation(service(hazards=None))),
    ("a stop", Gate.HAZARD, lambda: situation(service(hazards=(hazard("claim-missing", Severity.STOP),)))),
    ("what blocks", Gate.HAZARD, lambda: situation(service(hazards=(hazard("recreate-blocks", Severity.WARN),)))),
    ("nobody applies", Gate.HAZARD, lambda: situation(service(hazards=(hazard("nobody-applies", Severity.WARN),)))),
    ("data old", Gate.DATA_AGE, lambda: situation(service(data=DataFact(as_of=NOW - 7201.0)))),
    ("data of no age", Gate.DATA_AGE, lambda: situation(service(data=DataFact()))),
    ("nobody says", Gate.FENCE, lambda: situation(rules=FENCED)),
    ("a witness only", Gate.FENCE, lambda: situation(rules=FENCED, book=Book(witnesses=(FIRES,)))),
    (
        "attested another Node",
        Gate.FENCE,
        lambda: situation(rules=FENCED, book=Book(attestations=(replace(ATTESTED, uid="uid-old"),))),
    ),
    (
        "attested before it came back",
        Gate.FENCE,
        lambda: situation(rules=FENCED, book=Book(attestations=(replace(ATTESTED, renewed_at=LEASE - 10.0),))),
    ),
    (
        "the taint with the pod there",
        Gate.FENCE,
        lambda: situation(rules=FENCED, verdicts=verdicts(dead("w1", is_out_of_service=True), ready("w2"))),
    ),
    (
        "a witness of long ago",
        Gate.FENCE,
        lambda: situation(rules=WITNESSED, book=Book(witnesses=(replace(FIRES, starts_at=DIED - 3601.0),))),
    ),
    (
        "a witness of another",
        Gate.FENCE,
        lambda: situation(rules=WITNESSED, book=Book(witnesses=(replace(FIRES, node="w2"),))),
    ),
    ("a pull request", Gate.POLICY, lambda: situation(service(policy=Policy.PULL_REQUEST))),
    ("git fails", Gate.GIT_UNREACHABLE, lambda: situation(git=GitFacts(NOW, CLOCK - 29.0, "502"))),
    ("git never", Gate.GIT_UNREACHABLE, lambda: situation(git=GitFacts(None))),
    ("git old", Gate.GIT_UNREACHABLE, lambda: situation(service(read_at=CLOCK - 31.0))),
    ("unprotected", Gate.WAY_BACK, lambda: situation(service(side=Side.BACKUP, data=DataFact(as_of=NOW - 60.0)))),
    ("blind", Gate.BLIND, lambda: situation(verdicts=verdicts(view=ViewState.BLIND))),
    ("storm", Gate.STORM, lambda: situation(verdicts=verdicts(view=ViewState.STORM))),
    ("starting", Gate.STARTING, lambda: situation(verdicts=verdicts(view=ViewState.STARTING))),
    (
        "cordoned",
        Gate.PLANNED,
        lambda: situation(verdicts=verdicts(dead("w1", state=NodeState.PLANNED), ready("w2"))),
    ),
    (
        "flapping",
        Gate.FLAPPING,
        lambda: situation(verdicts=verdicts(dead("w1", state=NodeState.FLAPPING), ready("w2"))),
    ),
]


@pytest.mark.parametrize(("what", "gate", "given"), CLOSED, ids=[what for what, _, _ in CLOSED])
def test_what_holds(what: str, gate: Gate, given: Callable[[], Situation]) -> None:
    decisions = decide(given())
    assert decisions.acts == decisions.would == ()
    hold = only(given())
    assert hold.gate is gate
    assert hold.detail
    assert hold.cure
    assert (hold.detail + hold.cure).isprintable()


def test_every_gate_is_closed_by_something() -> None:
    told = {gate for _, gate, _ in CLOSED} | {Gate.MAX_SERVICES, Gate.STALE_ALERT}  # tested with events, and alerts
    assert told == set(Gate)


@pytest.mark.parametrize(
    ("given", "until"),
    [
        (lambda: situation(book=pause(until=NOW + 77.0)), NOW + 77.0),
        (lambda: situation(service(last_move=moved(600.0))), NOW + 3000.0),
        (lambda: situation(service(last_move=moved(580.0)), git=GitFacts(NOW + 20.0)), NOW + 3000.0),
        (lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_since=NOW - 100.0))), NOW + 200.0),
        (lambda: situation(verdicts=verdicts(dead("w1"), ready("w2", ready_for_s=40.0))), NOW + 260.0),
        (lambda: situation(git=GitFacts(NOW, CLOCK - 10.0)), NOW + 20.0),
        (lambda: situation(service(hazards=None)), None),
        (lambda: situation(rules=FENCED), None),
    ],
)
def test_when_it_ends_is_told_where_it_is_known(given: Callable[[], Situation], until: float | None) -> None:
    [pending] = decide(given()).pending
    assert pending.holds[0].until == until
    assert pending.acts_at == until


def test_all_that_holds_is_told_in_order() -> None:
    given = situation(service(relocating="01JD", hazards=None, targets=()), rules=FENCED, book=pause())
    assert gates(given) == [Gate.PAUSED, Gate.RELOCATING, Gate.TARGET, Gate.HAZARD, Gate.FENCE]


def test_of_a_service_that_takes_no_part_nothing_else_is_told() -> None:
    given = situation(service(mode=Mode.NONE, relocating="01JD", targets=()), rules=FENCED, book=pause())
    assert gates(given) == [Gate.OPT_IN]
    stormy = verdicts(dead("w1", is_counted=False), ready("w2"), view=ViewState.STORM)
    assert gates(situation(service(mode=Mode.NONE), verdicts=stormy)) == [Gate.OPT_IN]


def test_what_a_stopped_operation_holds_says_why_it_stopped_and_when_that_is_over() -> None:
    stopped = unmoved(stopped="db did not serve within 300 s", ends_at=NOW + 500.0)
    hold = only(situation(service(in_waves=stopped), git=GitFacts(NOW + 3.0)))
    assert hold.detail == "Operation 01JD has not moved it, and does not any more: db did not serve within 300 s."
    assert (hold.cure, hold.until) == ("Move by hand, or `failover automatic ack sonarr`.", NOW + 497.0)
    own = only(situation(service(in_waves=replace(stopped, is_of_death=True, ends_at=None))))
    assert (own.cure, own.until) == ("Move by hand.", None)
    assert only(situation(service(in_waves=unmoved()))).cure == "It goes on by itself."


def test_a_pause_without_a_reason_is_told_without_one() -> None:
    [pending] = decide(situation(book=pause(reason=""))).pending
    assert pending.holds[0].detail == "Paused by alice until 2026-11-30 20:01 UTC."


def test_a_copy_of_unknown_age_says_what_would_let_it_move() -> None:
    hold = only(situation(service(data=DataFact(why="no ReplicationSource of pvc-sonarr is in the cluster"))))
    assert hold.gate is Gate.DATA_AGE
    assert "`replication: {kind: none}`" in hold.cure


def test_what_people_wrote_stays_on_its_line() -> None:
    hostile = "work\n\u202eFailover-Trigger: x" + "y" * 500
    [pending] = decide(situation(book=pause(reason=hostile))).pending
    assert pending.holds[0].detail.isprintable()
    assert len(pending.holds[0].detail) < 250


@pytest.mark.parametrize(
    ("facts", "proposal"),
    [
        ({"policy": Policy.PULL_REQUEST}, Proposal.PULL_REQUEST),
        ({"side": Side.BACKUP, "data": DataFact(as_of=NOW - 60.0)}, Proposal.COMMAND),
    ],
)
def test_what_needs_a_person_is_proposed_and_nothing_more(facts: dict[str, Any], proposal: Proposal) -> None:
    decisions = decide(situation(service(**facts)))
    [(proposed, act)] = decisions.proposals
    assert (proposed, act.services) == (proposal, ("sonarr",))
    assert decisions.acts == ()
    assert not decide(situation(service(**facts), book=pause())).proposals
    assert not decide(situation(service(**facts), verdicts=verdicts(dead("w1", is_due=False), ready("w2")))).proposals


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DataFact(why="its replication is not seen"), "its replication is not seen"),
        (DataFact(as_of=NOW - 60.0), "replication that way is not seen to be protected"),
        (DataFact(as_of=NOW - 7201.0, is_protected=True), "the copy there is of 2026-11-30 17:59:59 UTC"),
    ],
)
def test_the_way_back_says_why_it_is_for_a_person_and_how(data: DataFact, words: str) -> None:
    [pending] = decide(situation(service(side=Side.BACKUP, data=data))).pending
    hold = pending.holds[-1]
    assert hold.gate is Gate.WAY_BACK
    assert hold.detail == f"What was written on backup may not be on primary: {words}."
    assert hold.cure == "Weigh it; then `failover demote sonarr`."
