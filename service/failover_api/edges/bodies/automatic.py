"""Automatic failover as JSON: what it sees and would do, and what people said about it.

Only those services are named that whoever asks may see.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from failover_api.core.catalog.automatic import IS_OFF, Mode
from failover_api.core.rfc3339 import rfc3339, rfc3339_or_none
from failover_api.edges.models.automatic import (
    AckBody,
    AttestationBody,
    AutomaticBody,
    BlockedServiceBody,
    HoldBody,
    JudgedNodeBody,
    PauseBody,
    PendingBody,
    ReturnBody,
    TallyBody,
    TallyEventBody,
)

if TYPE_CHECKING:  # nothing of it is loaded until somebody asks
    from failover_api.automatic.control import Standing
    from failover_api.core.automatic.report import BlockedLine, HoldLine, NodeLine, PendingLine, ReturnLine
    from failover_api.core.safety.governance import Ack, Attestation, Event, Pause

Visible = Callable[[str], bool]


def off_body() -> AutomaticBody:
    """Where there is no cluster to look at, and nothing is asked for."""
    return AutomaticBody(
        mode=Mode.NONE,
        leader=None,
        view="off",
        reason=IS_OFF,
        as_of=None,
        nodes=[],
        pending=[],
        blocked=[],
        failback=[],
        pauses=[],
        attestations=[],
        tally=TallyBody(counts={}, events=[]),
    )


def automatic_body(standing: "Standing", *, visible: Visible = lambda _: True) -> AutomaticBody:
    """A pause of services that nobody here may see is left out; one of all is not."""
    report = standing.report.only(visible) if standing.report is not None else None
    notes = standing.notes
    pauses = [pause for pause in notes.pauses if not pause.services or any(map(visible, pause.services))]
    return AutomaticBody(
        mode=standing.mode,
        leader=standing.leader,
        view=standing.view,
        reason=standing.reason,
        as_of=rfc3339(report.as_of) if report is not None else None,
        nodes=[_node(node) for node in (report.nodes if report is not None else ())],
        pending=[_pending(line) for line in (report.pending if report is not None else ())],
        left_out=report.left_out if report is not None else 0,
        blocked=[_blocked(line) for line in (report.blocked if report is not None else ())],
        failback=[_return(line) for line in (report.returns if report is not None else ())],
        pauses=[pause_body(pause, visible=visible) for pause in pauses],
        attestations=[attestation_body(each) for each in notes.attestations],
        tally=_tally(standing, visible),
    )


def pause_body(pause: "Pause", *, visible: Visible = lambda _: True) -> PauseBody:
    services = [name for name in pause.services if visible(name)]
    times = {"at": rfc3339(pause.at), "until": rfc3339(pause.until)}
    return PauseBody(id=pause.id, reason=pause.reason, by=pause.by, services=services, **times)


def attestation_body(attestation: "Attestation") -> AttestationBody:
    return AttestationBody(
        id=attestation.id,
        node=attestation.node,
        reason=attestation.reason,
        by=attestation.by,
        at=rfc3339(attestation.at),
    )


def ack_body(ack: "Ack") -> AckBody:
    return AckBody(service=ack.service or None, node=ack.node or None, by=ack.by, at=rfc3339(ack.at))


def _node(node: "NodeLine") -> JudgedNodeBody:
    times = {"since": rfc3339_or_none(node.since), "acts_at": rfc3339_or_none(node.acts_at)}
    return JudgedNodeBody(name=node.name, state=node.state, reason=node.reason, **times)


def _pending(line: "PendingLine") -> PendingBody:
    times = {"since": rfc3339_or_none(line.since), "acts_at": rfc3339_or_none(line.acts_at)}
    holds = [_hold(hold) for hold in line.holds]
    return PendingBody(service=line.service, node=line.node, to=line.to, acts=line.is_act, holds=holds, **times)


def _hold(hold: "HoldLine") -> HoldBody:
    return HoldBody(gate=hold.gate, detail=hold.detail, cure=hold.cure, until=rfc3339_or_none(hold.until))


def _return(line: "ReturnLine") -> ReturnBody:
    holds = [_hold(hold) for hold in line.holds]
    texts = {"command": line.command, "detail": line.detail}
    return ReturnBody(service=line.service, node=line.node, acts=line.is_act, holds=holds, **texts)


def _blocked(line: "BlockedLine") -> BlockedServiceBody:
    return BlockedServiceBody(service=line.service, since=rfc3339_or_none(line.since), until=rfc3339(line.until))


def _tally(standing: "Standing", visible: Visible) -> TallyBody:
    tally, now = standing.notes.tally, standing.now
    counts = {ended.value: count for ended, count in tally.counts(now).items() if count}
    return TallyBody(counts=counts, events=[_event(event, now, visible) for event in reversed(tally.events)])


def _event(event: "Event", now: float, visible: Visible) -> TallyEventBody:
    return TallyEventBody(
        node=event.node,
        died_at=rfc3339(event.died_at),
        decided_at=rfc3339_or_none(event.decided_at),
        back_at=rfc3339_or_none(event.back_at),
        moved=[name for name in event.moved if visible(name)],
        would=[name for name in event.would if visible(name)],
        gates=list(event.gates),
        result=event.ended(now).value,
    )
