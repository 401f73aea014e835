"""Between what the judgement works with and what stands in the Lease: notes as a book, a round as a report."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from failover_api.core.automatic.notes import PREFIX, Notes, fits_status, written
from failover_api.core.automatic.report import (
    BlockedLine,
    HoldLine,
    NodeLine,
    PendingLine,
    Report,
    ReturnLine,
    bounded_json,
)
from failover_api.core.safety.governance import Book, Decisions, Hold, Pause, Return, Situation, Tally
from failover_api.core.safety.governance.decisions import is_in_question
from failover_api.core.safety.governance.holds import blocked
from failover_api.core.safety.judgement import Memory, Verdicts, flaps_as_json

_FOREVER = 2.0**33
UNREADABLE = Pause(
    "unreadable", "", 0.0, _FOREVER, f"the annotation {PREFIX}pauses is not understood: mend or remove it"
)


def book_of(notes: Notes) -> Book:
    """What people and alerts have said; a pause that is not understood holds everything."""
    pauses = (*notes.pauses, UNREADABLE) if "pauses" in notes.unreadable else notes.pauses
    return Book(pauses, notes.acks, notes.attestations, notes.witnesses)


def annotations_of(
    annotations: Mapping[str, str], notes: Notes, situation: Situation, memory: Memory, tally: Tally, report: Report
) -> dict[str, str]:
    """The annotations as the leader writes them: what people said, as far as it still holds, and what it sees."""
    now, monotonic = situation.verdicts.now, situation.verdicts.monotonic
    book = book_of(notes).current(situation.verdicts)  # of these notes: somebody may have said more since the round
    return written(
        replace(
            notes,
            pauses=tuple(each for each in notes.pauses if now < each.until),
            attestations=book.attestations,
            witnesses=book.witnesses,
            flaps=flaps_as_json(memory, now=now, monotonic=monotonic),
            tally=tally,
            status=bounded_json(report, fits_status),
        ),
        annotations,
    )


def report_of(situation: Situation, decisions: Decisions) -> Report:
    """What a round has seen and decided, as it is told."""
    sides = {facts.name: facts.side.other.value for facts in situation.services if facts.side is not None}
    view = situation.verdicts.view
    return Report(
        as_of=situation.verdicts.now,
        view=view.state.value,
        reason=view.reason or _why_nothing_is_known(situation),
        nodes=tuple(_nodes(situation.verdicts)),
        pending=tuple(
            PendingLine(
                one.service,
                one.node,
                sides.get(one.service, ""),
                one.since,
                one.acts_at,
                tuple(_hold(hold) for hold in one.holds),
                one.is_act,
            )
            for one in decisions.pending
        ),
        blocked=tuple(_blocked(situation)),
    )


def _why_nothing_is_known(situation: Situation) -> str:
    """Of a node in question, while Git was never read: then nobody knows what is on it."""
    if not situation.git.is_unread or not any(map(is_in_question, situation.verdicts.nodes.values())):
        return ""
    return f"Git was not read yet, so it is not known what would move. {situation.git.detail}".strip()


def with_fences(report: Report, said: Mapping[str, str]) -> Report:
    """With what keeps nodes from being marked out-of-service that are attested to be off; "": nothing does."""
    return replace(report, nodes=tuple(_with_fence(node, said.get(node.name)) for node in report.nodes))


def with_returns(report: Report, home: Iterable[Return], why_not: Mapping[str, str]) -> Report:
    """With the services that may go home, or are brought there. `why_not` is what refused that, by key."""
    lines = (
        ReturnLine(each.service, each.node, each.is_act, each.command, why_not.get(each.key, ""), _holds(each.holds))
        for each in home
    )
    return replace(report, returns=tuple(lines))


def _holds(holds: Iterable[Hold]) -> tuple[HoldLine, ...]:
    return tuple(_hold(hold) for hold in holds)


def _with_fence(node: NodeLine, why: str | None) -> NodeLine:
    if why is None:
        return node
    told = f"Not marked out-of-service: {why}" if why else "It is marked out-of-service."
    return replace(node, reason=f"{node.reason} {told}".strip())


def _nodes(verdicts: Verdicts) -> Iterator[NodeLine]:
    for name in sorted(verdicts.nodes):
        node = verdicts.nodes[name]
        yield NodeLine(name, node.state.value, node.since, node.reason, node.acts_at)


def _hold(hold: Hold) -> HoldLine:
    return HoldLine(hold.gate.value, hold.detail, hold.cure, hold.until)


def _blocked(situation: Situation) -> Iterator[BlockedLine]:
    """Those that have moved by themselves lately, and to which nobody has seen since."""
    for service in situation.services:
        for hold in blocked(situation.case(service, None)):
            if hold.until is not None:
                yield BlockedLine(service.name, hold.until, hold.until - situation.rules.block_s)
