"""The text of a pull request: its title, and its body in GitHub's Markdown.

Text from outside stands in code and stays on its line, so it breaks nothing and notifies nobody. A squash merge makes a
commit message of the body, where code is plain text again: so it is escaped as well, no line begins with `---` or `#`,
and only the trailers look like trailers.
https://github.github.com/gfm/
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from failover_api.core.catalog.model import Action
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.request import Provenance, catalog_group
from failover_api.core.splice.shown import shown
from failover_api.core.text.commit_message import headline, movement, reason_lines, record_of
from failover_api.core.text.diff import unified_diff
from failover_api.core.text.escaping import escape_for_git
from failover_api.core.text.next_step import APPLIED, watch_command
from failover_api.core.text.trailers import write_trailers
from failover_api.core.wording import one_line

MAX_SIZE = 65_536  # GitHub: "body is too long (maximum is 65536 characters)"
MAX_MOVEMENTS = 30
MAX_WARNINGS, MAX_WARNING, MAX_HAZARD = 20, 400, 1000
NOTE_SIZE = 200  # of the note about what was cut, with all around it
_WAY_BACK = {Action.PROMOTE: "demote", Action.DEMOTE: "promote"}
_CHECKS = """\
Before you merge it, look at

- the node that it moves to: is it ready, and has it room?
- the claim that it moves to: is it there, and bound?
- the copy behind that claim: is it current? What was written after it was made will be missing."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines between a first and a last part. When some are cut, a note counts them; `what` is the noun for one."""

    first: str
    lines: Sequence[str]
    last: str
    what: str
    most: int | None = None

    def fitting(self, room: int) -> str:
        """The text with as many of the lines as fit into `room` bytes."""
        room -= NOTE_SIZE + _size(self.first + self.last)
        kept: list[str] = []
        for line in self.lines[: self.most]:
            if _size(f"{line}\n") > room:
                break
            kept.append(line)
            room -= _size(f"{line}\n")
        text = "\n".join(filter(None, [self.first, *kept, self.last])) if kept else ""
        cut = len(self.lines) - len(kept)
        note = f"_And {cut:,} more {self.what}{'' if cut == 1 else 's'}: see the files changed._"
        return "\n\n".join(filter(None, [text, note if cut and room > -NOTE_SIZE else ""]))


def pull_request_text(
    moves: Sequence[tuple[Plan, Provenance]], *, at: str, root: str, hazards: Sequence[str] = ()
) -> tuple[str, str]:
    """Title and body. `at` is the commit that was planned from, `root` the page of the repository.

    `hazards` are what stands between the merge and a running app: a line each.

    Plans without changes are left out; at least one must have some. A body that would be too long loses the end of
    its diff first, then of its table; the trailers, which are its last paragraph, stay whole.
    """
    moves = [(plan, provenance) for plan, provenance in moves if plan.changes]
    plans = [plan for plan, _ in moves]
    tail = [_provenance(moves), _CHECKS, *_afterwards(moves), *_warnings(plans, hazards), _trailers(moves)]
    room = MAX_SIZE - _size("\n\n".join(tail))
    head: list[str] = []
    for block in (_movements(plans), _table(plans, f"{root}/blob/{at}"), _diff(plans)):
        head.append(block.fitting(room))
        room -= _size(f"{head[-1]}\n\n")
    return headline(plans), "\n\n".join(filter(None, [*head, *tail]))


def superseded_text(by: str, action: Action, name: str) -> str:
    """The comment on a pull request that gives way."""
    return f"Superseded: {_code(by)} asked for {action} of {name}."


def needless_text(by: str, action: Action, name: str, commit: str | None) -> str:
    """The comment on a pull request whose work a direct commit has done."""
    at = f" as {commit}" if commit else ""
    return f"Not needed any more: {_code(by)} had {action} of {name} committed{at}."


def _movements(plans: Sequence[Plan]) -> _Block:
    if len(plans) == 1:
        return _Block("", [movement(plans[0], _code)], "", "service")
    lines = [f"- {_code(plan.service.name)}: {movement(plan, _code)}" for plan in plans]
    return _Block("", lines, "", "service", most=MAX_MOVEMENTS)


def _table(plans: Sequence[Plan], page: str) -> _Block:
    rows = [_row(change, page) for plan in plans for change in plan.changes]
    return _Block("| File | Path | Old | New |\n| --- | --- | --- | --- |", rows, "", "value")


def _row(change: Change, page: str) -> str:
    link = f"{page}/{quote(change.file, errors='replace')}#L{change.line}"
    place = f"[{_cell(f'{change.file}:{change.line}')}]({link})"
    return f"| {place} | {_cell(change.path)} | {_cell(shown(change.old))} | {_cell(shown(change.new))} |"


def _diff(plans: Sequence[Plan]) -> _Block:
    """Indented by one space, which the fence takes off again: Git takes a line `--- a/...` for a message's end."""
    old: dict[str, bytes] = {}
    new: dict[str, bytes] = {}
    for plan in plans:  # a file of several services goes through several plans
        for path, data in plan.new.items():
            old.setdefault(one_line(path), plan.old[path])
            new[one_line(path)] = data
    lines = [f" {_visible(line)}" for line in unified_diff(old, new).split("\n")[:-1]]
    fence = _fence(lines)
    return _Block(f" {fence}diff", lines, f" {fence}", "diff line")


def _visible(line: str) -> str:
    """A line of a diff, with what is not printable escaped; tabs stay."""
    return escape_for_git("\t".join(map(one_line, line.removesuffix("\r").split("\t"))))


def _provenance(moves: Sequence[tuple[Plan, Provenance]]) -> str:
    who = [
        f"Asked for by {escape_for_git(one_line(provenance.by))} at {one_line(provenance.at)}"
        f"{', with force' if provenance.force else ''}"
        for _, provenance in moves
    ]
    lines = [*dict.fromkeys(who), *reason_lines(moves)]
    return "\n".join([f"{_fence(lines)}text", *lines, _fence(lines)])


def _afterwards(moves: Sequence[tuple[Plan, Provenance]]) -> list[str]:
    plan, provenance = moves[0]
    name = plan.service.name if len(moves) == 1 else "NAME"
    back = [_code(f"failover rollback {name}")]
    if plan.action in _WAY_BACK:
        group = catalog_group(provenance.group)
        all_of_them = f"--group {group}" if group and len(moves) > 1 else name
        back.append(_code(f"failover {_WAY_BACK[plan.action]} {all_of_them}"))
    command = watch_command(plan for plan, _ in moves)
    shows_pods = f", {_code(command)} shows the pods" if command else ""
    return [
        f"After the merge Git says so, and {APPLIED}.",
        f"{_code(f'failover status {name}')} tells what Git says{shows_pods}.",
        f"To undo it, close this pull request instead of merging it; after the merge, {' or '.join(back)}.",
    ]


def _warnings(plans: Sequence[Plan], hazards: Sequence[str]) -> list[str]:
    """The hazards and the plans' warnings, in a fence: they contain text of manifests."""
    said = [*(hazard[:MAX_HAZARD] for hazard in hazards)]
    said += [warning[:MAX_WARNING] for plan in plans for warning in plan.warnings]
    warnings = [f"- {one_line(text)}" for text in said]
    more = len(warnings) - MAX_WARNINGS
    lines = [*warnings[:MAX_WARNINGS], *([f"- and {more} more"] if more > 0 else [])]
    return (
        ["\n".join(["Know before you merge it:", "", f"{_fence(lines)}text", *lines, _fence(lines)])] if lines else []
    )


def _trailers(moves: Sequence[tuple[Plan, Provenance]]) -> str:
    """In a fence that the end of the body closes, so that the last paragraph holds the trailers alone.

    https://github.github.com/gfm/#fenced-code-blocks
    """
    text = write_trailers([record_of(plan, provenance) for plan, provenance in moves])
    return f"{_fence([text])}text\n\n{text}"


def _code(text: str) -> str:
    """A code span. https://github.github.com/gfm/#code-spans"""
    text = escape_for_git(one_line(text)) or " "
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if {text[0], text[-1]} & {"`", " "} else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _cell(text: str) -> str:
    """A code span in a table, where a bar ends a cell even in code."""
    return _code(text).replace("|", "\\|")


def _fence(lines: Sequence[str]) -> str:
    return "`" * max(3, 1 + max(map(_longest_run, lines), default=0))


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _size(text: str) -> int:
    """In bytes, which are at least as many as characters; GitHub may store a line's end as two."""
    return len(text.encode()) + text.count("\n")
