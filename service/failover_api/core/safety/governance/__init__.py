"""May this be done by itself? What is known in, an act or the reasons against it out; no clock, no I/O.

One round of the loop, about once a second, by whoever holds the Lease; `automatic` is the catalog's:

    memory = with_flaps(annotation.get("flaps"), now=now, monotonic=clock)    # once, when the leadership begins
    tally = tally_from(annotation.get("tally"))
    book = Book(...)                                                          # what people said, to any replica

    sample = sample_of(view, now=cluster_clock, monotonic=clock)              # of nodes and Leases
    memory, verdicts = step(memory, sample, automatic)
    book = book.current(verdicts)                                             # nodes that are back are not attested
    facts = tuple(ServiceFacts(...) for service in catalog)                   # of those on nodes in question, at least
    decisions = decide(Situation(verdicts, automatic, facts, git, book))
    tally = tally.after(verdicts, decisions)

    for act in decisions.acts:                # decisions.pending is what GET /api/automatic tells
        move = plan(act)                      # all but the write
        sample = sample_of(listed_again, ...) # nodes and Leases, asked for now
        memory, verdicts = step(memory, sample, automatic)
        permit = recheck(act, Situation(verdicts, ...))
        if isinstance(permit, Permit) and permit.holds_at(clock()):
            write(move)                       # Idempotency-Key: act.key; Failover-Evidence: act.evidence

    annotation = {"flaps": flaps_as_json(memory, ...), "tally": tally.as_json()}

An alert: order_of(rule_for(...)), decide_alert(order, situation), and the same recheck with the order. Who may go home:
returns(situation).

Git's compare-and-swap and the key make one commit of what several decide; nothing here relies on being alone.

    facts      what has to be known     book       what people and alerts have said
    gates      the words                holds      each gate
    decisions  acts, and what is held   permit     the last look before a write
    evidence   lines for the commit     tally      how often it was, or would have been, right
    alerts     what an alert asks for   failback   who may go home
"""

from failover_api.core.safety.governance.alerts import (
    Alert,
    AlertAnswer,
    AlertOrder,
    decide_alert,
    node_named,
    order_of,
    rule_for,
)
from failover_api.core.safety.governance.book import Ack, Attestation, Book, Pause, Witness
from failover_api.core.safety.governance.decisions import Act, Decisions, Pending, Situation, decide, event_key
from failover_api.core.safety.governance.facts import (
    ALERT,
    AUTOMATIC,
    DataFact,
    GitFacts,
    LastMove,
    PodFact,
    ServiceFacts,
)
from failover_api.core.safety.governance.failback import Return, returns
from failover_api.core.safety.governance.gates import Gate, Hold, Proposal
from failover_api.core.safety.governance.permit import Permit, Refused, recheck
from failover_api.core.safety.governance.tally import Ended, Event, Tally, tally_from

__all__ = [
    "ALERT",
    "AUTOMATIC",
    "Ack",
    "Act",
    "Alert",
    "AlertAnswer",
    "AlertOrder",
    "Attestation",
    "Book",
    "DataFact",
    "Decisions",
    "Ended",
    "Event",
    "Gate",
    "GitFacts",
    "Hold",
    "LastMove",
    "Pause",
    "Pending",
    "Permit",
    "PodFact",
    "Proposal",
    "Refused",
    "Return",
    "ServiceFacts",
    "Situation",
    "Tally",
    "Witness",
    "decide",
    "decide_alert",
    "event_key",
    "node_named",
    "order_of",
    "recheck",
    "returns",
    "rule_for",
    "tally_from",
]
