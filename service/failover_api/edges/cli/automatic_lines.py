"""`failover automatic` on a terminal: the answer first, then nodes, what is held, pauses, and the tally."""

from collections.abc import Iterator
from typing import Any

from failover_api.edges.automatic_headline import ended, headline, left_out, takes_part
from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line

Body = dict[str, Any]
_RESULTS = {
    "right": "right, the node stayed away",
    "too-early": "too early, the node was back within ten minutes",
    "came-back-first": "not needed, the node was back before anything would have moved",
    "open": "not known yet",
}


def automatic_lines(body: Body, *, utc: bool) -> Iterator[str]:
    """Every line is safe to print."""
    yield one_line(headline(body, lambda at: _shown(at, utc)))
    yield one_line(f"Mode {body['mode']}; {_led(body, utc)}.")
    for node in body["nodes"]:
        yield one_line(f"  {node['name']}: {node['state']}{_since(node['since'], utc)}. {node['reason']}".rstrip())
    for line in filter(takes_part, body["pending"]):
        acts = f", at {_shown(line['acts_at'], utc)}" if line["acts_at"] else ""
        yield one_line(f"{line['service']}, off {line['node']}{acts}:" + ("" if line["holds"] else _free(line)))
        yield from _holds(line["holds"], utc)
    for why, names in left_out(body["pending"]).items():
        yield one_line(f"Taking no part: {', '.join(names)}. {why}")
    for line in body["blocked"]:
        yield one_line(f"{line['service']} moves by itself no more before {_shown(line['until'], utc)}.")
    for line in body["failback"]:
        yield from _return(line, utc)
    for pause in body["pauses"]:
        yield one_line(pause_line(pause, utc=utc))
    for each in body["attestations"]:
        yield one_line(f"{each['node']} counts as off: {each['reason']} ({each['by']}, {_shown(each['at'], utc)}).")
    yield from _tally(body["tally"])


def _free(line: Body) -> str:
    return " nothing holds it" + ("" if line["acts"] else "; `observe`: it is not moved")


def _return(line: Body, utc: bool) -> Iterator[str]:
    """A way home: by itself, or by whose command."""
    if line["acts"] and line["detail"]:
        yield one_line(f"{line['service']} is not relocated home to {line['node']}: {line['detail']} {line['command']}")
    elif line["acts"]:
        yield one_line(f"{line['service']} is relocated home to {line['node']} by itself.")
    else:
        yield one_line(f"{line['service']} may go home to {line['node']}: {line['command']}")
    yield from _holds(line["holds"], utc)


def _holds(holds: list[Body], utc: bool) -> Iterator[str]:
    for hold in holds:
        says_when = hold["gate"] == "paused" or not hold["until"]
        ends = "" if says_when else f" Ends {_shown(hold['until'], utc)}."
        yield one_line(f"  {hold['gate']}: {ended(hold['detail'])}{ends} {hold['cure']}".rstrip())


def pause_line(pause: Body, *, utc: bool) -> str:
    """What is paused, by whom, until when, and how to end it."""
    what = ", ".join(pause["services"]) or "everything"
    why = f": {pause['reason']}" if pause["reason"] else ""
    until = _shown(pause["until"], utc)
    return f"Paused: {what}, by {pause['by']} until {until}{why}. End it: `failover automatic resume {pause['id']}`"


def _led(body: Body, utc: bool) -> str:
    led = f"{body['leader']} leads" if body["leader"] else "no replica leads"
    as_of = f", as of {_shown(body['as_of'], utc)}" if body["as_of"] else ""
    return f"view {body['view']}; {led}{as_of}"


def _since(at: str | None, utc: bool) -> str:
    return f" since {_shown(at, utc)}" if at else ""


def _shown(at: str, utc: bool) -> str:
    return shown_time(at, utc=utc, seconds=True)


def _tally(tally: Body) -> Iterator[str]:
    for result, count in sorted(tally["counts"].items()):
        events = "1 event" if count == 1 else f"{count} events"
        yield one_line(f"{events} so far: {_RESULTS.get(result, result)}.")
