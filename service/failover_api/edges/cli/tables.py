"""Tables and lines for the terminal. Everything that comes from outside passes through printable."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line

Body = dict[str, Any]

WIDE, WIDE_WITH_STEPS = 80, 140  # columns; with fewer, a history is lines instead of a table
_COLOURS = {"primary": "green", "backup": "yellow", "mixed": "magenta", "unknown": "red"}
_VERBS = {"promote": "Promote", "demote": "Demote", "rollback": "Roll back"}
_WAYS = {"pull_request": " by pull request", "mixed": " by commit and pull request"}
_GAP = 2  # blanks between two columns
_NAMED = 4  # services of a group that a question names


def table_of(columns: Sequence[str], rows: Iterable[Sequence[str]], *, width: int) -> Table:
    """Rows of cells; a side has its colour. Cells are folded between words and items, and never within one.

    So it may be wider than `width`, as a whole line can still be read.
    """
    table = _table(*columns)
    for row in rows:
        cells = zip(
            columns, (cell.replace(",", ", ") for cell in row), strict=True
        )  # a list is folded between its items
        table.add_row(*(side(cell) if name == "SIDE" else _cell(cell) for name, cell in cells))
    return _fitted(table, width)


def members_table(body: Body, *, width: int) -> Table:
    """The services of a group's move; it may be wider than `width`, as table_of()."""
    table = _table("SERVICE", "FROM", "TO")
    for member in body["services"]:
        if problem := member.get("error"):
            left_out = Text(f"left out: {one_line(problem['detail'])}", style="red")
            table.add_row(_cell(member["service"]), _cell(""), left_out)
        else:
            style = "dim" if member["from"] == member["to"] else ""
            table.add_row(_cell(member["service"]), side(member["from"]), side(member["to"]), style=style)
    return _fitted(table, width)


def history_table(body: Body, *, utc: bool) -> Table:
    table = _table("TIME", "ACTION", "FROM", "TO", "BY", "REASON", "COMMIT")
    for column in table.columns:
        column.no_wrap = column.header not in {"BY", "REASON"}
    for entry in body["entries"]:
        style = "" if entry["action"] else "dim"
        table.add_row(
            _cell(shown_time(entry["time"], utc=utc)),
            _cell(entry["action"] or entry["kind"]),
            side(entry["from"] or ""),
            side(entry["to"] or ""),
            _cell(entry["by"]),
            _cell(_why(entry)),
            _cell(_commit(entry)),
            style=style,
        )
        for step in entry.get("steps", ()):
            table.add_row(*_step_cells(step, utc=utc), style="dim")
    return table


def _step_cells(step: Body, *, utc: bool) -> list[Text]:
    """A commit of a relocation, below its entry."""
    when, what = shown_time(step["at"], utc=utc), f"  {step['step']}"
    return [
        _cell(when),
        _cell(what),
        *(_cell("") for _ in range(3)),
        _cell(step["proof"]),
        _cell(step["commit"]["sha"][:7]),
    ]


def has_room_for_table(body: Body, width: int) -> bool:
    """Whether a history is a table there: the proofs of a relocation's steps need more than its other columns leave."""
    return width >= (WIDE_WITH_STEPS if any(entry.get("steps") for entry in body["entries"]) else WIDE)


def history_lines(body: Body, *, utc: bool) -> Iterator[Text]:
    """The same where a table has no room: two lines or more an entry."""
    for entry in body["entries"]:
        yield Text.assemble(move_line(entry, utc=utc), style="" if entry["action"] else "dim")
        yield Text(f"  {_commit(entry)}", style="dim")
        for step in entry.get("steps", ()):
            words = one_line(f"{step['step']}  {step['commit']['sha'][:7]}  {step['proof']}")
            yield Text(f"    {shown_time(step['at'], utc=utc)}  {words}", style="dim")


def move_line(entry: Body, *, utc: bool) -> Text:
    """An entry in a line: when, what, by whom, why."""
    what = Text.assemble(f"{shown_time(entry['time'], utc=utc)}  {one_line(entry['action'] or entry['kind'])}")
    if entry["action"]:
        what = Text.assemble(what, " ", side(entry["from"]), " -> ", side(entry["to"]))
    why = _why(entry)
    return Text.assemble(what, f", by {one_line(entry['by'])}", f": {why}" if why else "")


def pull_request_line(pull: Body) -> Text:
    """Where a pull request is, and what became of it."""
    style = "cyan" if pull["state"] == "open" else "dim"
    return Text(f"pull request #{pull['number']} is {one_line(pull['state'])}: {one_line(pull['url'])}", style=style)


def question(outcome: Body) -> str:
    """What is asked before a move."""
    verb, way = _VERBS.get(outcome["action"], outcome["action"]), _WAYS.get(outcome["policy"], "")
    if "services" not in outcome:
        return f"{verb} {outcome['service']} from {outcome['from']} to {outcome['to']}{way}?"
    moving = [member["service"] for member in outcome["services"] if member["changed"]]
    what = ", ".join(moving) if len(moving) <= _NAMED else f"{len(moving)} services"
    if "node" in outcome:
        return f"Evacuate {outcome['node']}: move {what} to {_other(outcome['to'])}{way}?"
    return f"{verb} {what} of group {outcome['group']} to {outcome['to']}{way}?"


def _other(side: str) -> str:
    return side if side in {"primary", "backup"} else "the other side of each"


def side(name: str, unknown: str = "unknown") -> Text:
    """A side in its colour; `unknown` is what a value on neither side is called."""
    return Text(unknown if name == "unknown" else one_line(name), style=_COLOURS.get(name, ""))


def expected(switch: Body) -> str:
    """What would have been on a side, where the value is on neither."""
    if switch["side"] != "unknown":
        return ""
    return one_line(f", expected {value(switch['primary'])} (primary) or {value(switch['backup'])} (backup)")


def value(found: object) -> str:
    return found if isinstance(found, str) else json.dumps(found)


def _fitted(table: Table, width: int) -> Table:
    """Each column as wide as its longest word at least; what is left of `width` goes to times, then from the left."""
    texts = [
        [Text(str(column.header)), *(cell for cell in column.cells if isinstance(cell, Text))]
        for column in table.columns
    ]
    least = [max(cell_len(word) for text in own for word in text.plain.split(" ")) for own in texts]
    most = [max(text.cell_len for text in own) for own in texts]
    room = width - sum(least) - _GAP * (len(texts) - 1)
    for index in sorted(range(len(texts)), key=lambda index: table.columns[index].header != "SINCE"):
        more = max(0, min(room, most[index] - least[index]))
        table.columns[index].width = least[index] + more
        room -= more
    table.width = sum(column.width or 0 for column in table.columns) + _GAP * (len(texts) - 1)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cell(text: str) -> Text:
    """A string would be read as markup."""
    return Text(one_line(text))


def _why(entry: Body) -> str:
    """The reason of a move; of an edit, what its author wrote. And what the entry itself cannot be believed for."""
    why = (entry["reason"] or "") if entry["action"] else entry["message"]
    accepted = ", ".join(entry.get("accepted") or ())
    return one_line(" ".join(filter(None, (doubt(entry), why, f"(accepted {accepted})" if accepted else ""))))


def doubt(entry: Body) -> str:
    """What an entry's reader has to know before he believes it; "" for most. (An older service says nothing of it.)"""
    if entry["action"]:
        return "(not provable)" if entry.get("verified", True) is None else ""
    return "(says it was a failover)" if entry.get("verified") is False else ""


def _commit(entry: Body) -> str:
    pull = entry["pull_request"]
    return one_line(entry["commit"]["sha"][:7] + (f" #{pull['number']}" if pull else ""))


def relocation_question(body: Body) -> str:
    """What is asked before it begins."""
    if "relocations" not in body:
        return f"Relocate {one_line(body['service'])} to {one_line(body['to'])}? It stands still for a while."
    return f"Relocate {_in_turn(body)}? Each stands still for a while, and goes once the one before is done."


def _in_turn(body: Body) -> str:
    """Those that are relocated, in their order."""
    todo = [one for one in body["relocations"] if one["state"] != "done"]
    return ", then ".join(f"{one_line(one['service'])} to {one['to']}" for one in todo)


def relocation_lines(body: Body) -> Iterator[str]:
    """How far it is, in a sentence; of a group or a node a sentence each, in their order, and one of all."""
    if "relocations" not in body:
        yield relocation_line(body)
        return
    for one in body["relocations"]:
        if not body["dry_run"]:
            yield _waiting_line(one) if one["operation"] is None else relocation_line(one)
        elif one["state"] == "done":
            yield relocation_line(one)
    name = f"Node {body['node']}" if body.get("node") else f"Group {body['group']}"
    if not body["relocations"]:
        yield f"{name}: nothing is to be relocated."
    elif body["dry_run"]:
        if names := _in_turn(body):
            yield f"{name}: {names} would be relocated, one after the other. Nothing was written."
    else:
        yield f"{name}: {_GROUP_STATES[body['state']]}{': ' + body['reason'] if body['reason'] else '.'}"
    if body["operation"] is not None:
        yield f"operation {body['operation']}"


_GROUP_STATES = {"done": "it is done", "stopped": "it has stopped", "running": "it is under way"}


def _waiting_line(body: Body) -> str:
    """Of one that has not begun."""
    if body["state"] == "done":
        return f"{body['service']} is on {body['to']} already."
    return f"{body['service']} is not relocated to {body['to']} yet: {body['reason'] or 'it is its turn.'}"


def relocation_line(body: Body) -> str:
    """How far a relocation is, in a sentence, and what to do about what it waits for, or what stopped it."""
    name, to, step = body["service"], body["to"], body["step"]
    why = f": {body['reason']} {body['cure']}".rstrip() if body["reason"] else "."
    if body["dry_run"] and body["state"] != "done":
        return f"{name} would be relocated to {to}. Nothing was written."
    if body["state"] == "done":
        if not body["operation"]:
            return f"{name} is on {to} already."
        return f"{name} is on {to}, and copied from there again." if body["copied_back"] else f"{name} is on {to}."
    if body["state"] == "stopped":
        return f"The relocation of {name} to {to} has stopped in {step}{why}"
    return f"{name} is on its way to {to}, in {step}{why}"
