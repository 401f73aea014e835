"""Would it act now, and if not, why: the one sentence that a person asks for first, from the JSON of the API."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from failover_api.core.wording import listed

Body = Mapping[str, Any]
_NAMED = 5
_VIEWS = {
    "blind": "it is blind",
    "storm": "too many nodes are not well at once",
    "off": "nobody looks",
}


def in_utc(at: str) -> str:
    """A time of the JSON as a person reads it: 2026-11-30 20:05:00 UTC."""
    return at.replace("T", " ").replace("Z", " UTC")


def takes_part(line: Body) -> bool:
    """Whether a service that is looked at might ever move by itself."""
    return [hold["gate"] for hold in line["holds"]] != ["opt-in"]


def left_out(pending: Iterable[Body]) -> dict[str, list[str]]:
    """{why: services} of those that take no part, or whose node does not."""
    found: dict[str, list[str]] = {}
    for line in pending:
        if not takes_part(line):
            (hold,), name = line["holds"], line["service"]
            is_own = hold["detail"].startswith(f"{name} ")
            why = hold["cure"] if is_own else f"{ended(hold['detail'])} {hold['cure']}"
            found.setdefault(why, []).append(name)
    return found


def ended(detail: str) -> str:
    """With a full stop, so that more may follow it."""
    return detail if detail.endswith((".", "!", "?")) else f"{detail}."


def headline(body: Body, shown: Callable[[str], str] = in_utc) -> str:
    """A few sentences. `shown` is how a time of the JSON is written."""
    if body["mode"] == "none":
        return "Off: nothing moves by itself."
    if body["view"] == "starting":
        return f"It would not act now.{_more(body['reason'])}"
    if body["view"] != "watching":
        return f"It would not act now: {_VIEWS.get(body['view'], body['view'])}.{_more(body['reason'])}"
    if whole := [pause for pause in body["pauses"] if not pause["services"]]:
        why = f" ({whole[0]['reason']})" if whole[0]["reason"] else ""
        return f"Paused by {whole[0]['by']} until {shown(whole[0]['until'])}{why}: nothing moves by itself."
    going = [line for line in body["pending"] if not line["holds"]]
    held = [line for line in body["pending"] if line["holds"]]
    held = [line for line in held if takes_part(line)] or held
    return " ".join([*_going(body, going, shown), *_held(held)]) if going or held else _idle(body)


def _idle(body: Body) -> str:
    unwell = [f"{node['name']} is {node['state']}" for node in body["nodes"] if node["state"] != "ready"]
    nothing = f"Nothing is to be moved, though {listed(unwell, _NAMED)}." if unwell else "All nodes are well."
    would = "act" if body["mode"] == "act" else "say so, and move nothing"
    return f"{nothing} If a node died, it would after `dead_for` {would}."


def _going(body: Body, lines: list[Body], shown: Callable[[str], str]) -> Iterator[str]:
    """What moves by itself, then what is only said to."""
    if not lines:
        yield "It would not act now."
    for acts in (True, False):
        if some := [line for line in lines if line["acts"] is acts]:
            names = listed([line["service"] for line in some], _NAMED)
            nodes = listed(sorted({line["node"] for line in some}), _NAMED)
            yield f"It {_verb(body, some[0], shown).format(f'{names} off {nodes}')}."


def _verb(body: Body, line: Body, shown: Callable[[str], str]) -> str:
    """With {} for what and where. `acts_at` is when the event was due; a gate may have held it longer than that."""
    at, as_of = line["acts_at"], body["as_of"]
    is_over = not at or (as_of is not None and at <= as_of)
    if line["acts"]:
        return "moves {} now" if is_over else f"moves {{}} at {shown(at)}"
    when = " now" if not at else f", due since {shown(at)}" if is_over else f" at {shown(at)}"
    return f"would move {{}}{when}, and only says so (`observe`)"


def _held(lines: list[Body]) -> Iterator[str]:
    if lines:
        one = lines[0]
        verb = "is" if len(lines) == 1 else "are"
        first = f"{one['service']}: {one['holds'][0]['gate']}: {one['holds'][0]['detail']}"
        yield f"{listed([line['service'] for line in lines], _NAMED)} {verb} held ({first})"


def _more(reason: str) -> str:
    return f" {reason}" if reason else ""
