"""Would it act now, and if not, why: the one sentence that a person asks for first, from the JSON of the API."""

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]
_VIEWS = {
    "blind": "it is blind",
    "storm": "too many nodes are not well at once",
    "starting": "it has just begun to look",
    "off": "nobody looks",
}


def headline(body: Body) -> str:
    """One or two sentences."""
    if body["mode"] == "none":
        return "Off: nothing moves by itself."
    if body["view"] != "watching":
        return f"It would not act now: {_VIEWS.get(body['view'], body['view'])}.{_more(body['reason'])}"
    if whole := [pause for pause in body["pauses"] if not pause["services"]]:
        why = f" ({whole[0]['reason']})" if whole[0]["reason"] else ""
        return f"Paused by {whole[0]['by']} until {whole[0]['until']}{why}: nothing moves by itself."
    going = [line for line in body["pending"] if not line["holds"]]
    held = [line for line in body["pending"] if line["holds"]]
    return " ".join([_going(body, going), *_held(held)]) if going or held else _idle(body)


def _idle(body: Body) -> str:
    unwell = [f"{node['name']} is {node['state']}" for node in body["nodes"] if node["state"] != "ready"]
    nothing = f"Nothing is to be moved, though {_listed(unwell)}." if unwell else "All nodes are well."
    would = "would act" if body["mode"] == "act" else "would say so, and move nothing,"
    return f"{nothing} If a node died, it {would} after `dead_for`."


def _going(body: Body, lines: list[Body]) -> str:
    if not lines:
        return "It would not act now."
    verb = "moves" if body["mode"] == "act" else "would move"
    when = f" at {lines[0]['acts_at']}" if lines[0]["acts_at"] else " now"
    nodes = _listed(sorted({line["node"] for line in lines}))
    return f"It {verb} {_listed([line['service'] for line in lines])} off {nodes}{when}."


def _held(lines: list[Body]) -> Iterator[str]:
    if lines:
        one = lines[0]
        verb = "is" if len(lines) == 1 else "are"
        first = f"{one['service']}: {one['holds'][0]['gate']}: {one['holds'][0]['detail']}"
        yield f"{_listed([line['service'] for line in lines])} {verb} held ({first})"


def _more(reason: str) -> str:
    return f" {reason}" if reason else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
