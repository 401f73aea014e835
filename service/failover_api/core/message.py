"""The plan as people read it: commit message with trailers, diff, one sentence.

Nothing that comes from outside (a reason, a value in a manifest, a name) can end a line here: a line of its own could
forge a trailer.
"""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog import Action
from failover_api.core.plan import Change, Plan
from failover_api.core.splice import Value
from failover_api.errors import BadRequest

CONTEXT_LINES = 3
MAX_REASON_LENGTH = 200
_SHOWN_LENGTH = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_VERBS = {Action.PROMOTE: "Fail over", Action.DEMOTE: "Fail back"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a move and why. `at` is RFC 3339 in UTC; `operation` a ULID."""

    operation: str
    by: str
    at: str
    reason: str = ""


def checked_reason(text: str) -> str:
    """A reason as it may stand in a commit. Raises BadRequest for one that is long or would not stay on its line."""
    if len(text) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason: {len(text)} characters, expected at most {MAX_REASON_LENGTH}")
    stray = next((char for char in text if not _is_printable(char)), None)
    if stray is not None:
        raise BadRequest(f"reason: expected printable text on one line; it holds U+{ord(stray):04X}")
    return text.strip()


def commit_message(moves: Sequence[tuple[Plan, Asked]]) -> str:
    """Headline, what moves, why, and the trailers, which are one last paragraph: Git reads no other.

    https://git-scm.com/docs/git-interpret-trailers
    """
    plans = [plan for plan, _ in moves]
    reasons = dict.fromkeys(asked.reason for _, asked in moves if asked.reason)
    paragraphs = [
        headline(plans),
        "\n".join(_moves(plan) for plan in plans),
        "\n".join(_listing(plan.changes) for plan in plans if plan.changes),
        *(f"Reason: {_line(reason)}" for reason in reasons),
        "\n".join(_trailers(plan, asked) for plan, asked in moves),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def headline(plans: Sequence[Plan]) -> str:
    """The first line: "Fail over sonarr to backup"."""
    first = plans[0]
    what = first.service.name if len(plans) == 1 else f"{len(plans)} services"
    return f"{_VERBS[first.action]} {what} to {first.target}"


def sentence(plan: Plan, *, dry_run: bool) -> str:
    """The outcome in one sentence."""
    name, target = plan.service.name, plan.target
    if not plan.changes:
        return f"{name} is already on {target}; nothing to do."
    count = len(plan.changes)
    scalars = f"{count} value{'s' if count > 1 else ''} in {', '.join(_line(file) for file in plan.new)}"
    if dry_run:
        return f"{name} would move from {plan.before.state} to {target}: {scalars}. Nothing was written."
    return f"{name} moved from {plan.before.state} to {target}: {scalars}."


def shown(value: Value) -> str:
    """A value on one line, as it would stand in a manifest; long ones are cut."""
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str) and (not text or _UNPRINTABLE.search(text) or text != text.strip()):
        text = json.dumps(text)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"


def unified_diff(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """The diff of {path: bytes} to {path: bytes}, as `git apply` takes it."""
    return "".join(_file_diff(path, old[path], new[path]) for path in new)


def _moves(plan: Plan) -> str:
    documents = list(dict.fromkeys(_line(change.document) for change in plan.changes))
    subject = " and ".join(filter(None, (", ".join(documents[:-1]), documents[-1])))
    verb = "moves" if len(documents) == 1 else "move"
    return f"{subject} {verb} from {plan.before.state} to {plan.target}."


def _listing(changes: Iterable[Change]) -> str:
    lines: list[str] = []
    file = None
    for change in changes:
        if change.file != file:
            file = change.file
            lines.append(f"  {_line(file)}")
        lines.append(f"    {_line(change.path)}: {shown(change.old)} -> {shown(change.new)}")
    return "\n".join(lines)


def _trailers(plan: Plan, asked: Asked) -> str:
    trailers = {
        "Service": plan.service.name,
        "Action": plan.action,
        "From": plan.before.state,
        "To": plan.target,
        "Operation": asked.operation,
        "Requested-By": _line(asked.by),
        "Requested-At": asked.at,
    }
    return "\n".join(f"Failover-{key}: {value}" for key, value in trailers.items())


def _line(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _file_diff(path: str, old: bytes, new: bytes) -> str:
    before, after = _lines(old), _lines(new)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    # difflib is quadratic on repetitive text; what is alike at both ends needs no comparing.
    start, end = max(0, start - CONTEXT_LINES), max(0, end - CONTEXT_LINES)
    hunks = difflib.SequenceMatcher(
        None, before[start : len(before) - end], after[start : len(after) - end], autojunk=False
    ).get_grouped_opcodes(CONTEXT_LINES)
    body = [
        _header(start + group[0][1], start + group[-1][2], start + group[0][3], start + group[-1][4])
        + "".join(_hunk(group, before[start:], after[start:]))
        for group in hunks
    ]
    return f"--- a/{_line(path)}\n+++ b/{_line(path)}\n{''.join(body)}" if body else ""


def _lines(data: bytes) -> list[str]:
    """The lines with their endings; only a line feed ends one, as in Git."""
    return re.findall(r"[^\n]*\n|[^\n]+", data.decode("utf-8", errors="replace"))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _header(old_start: int, old_end: int, new_start: int, new_end: int) -> str:
    return f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n"


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


def _hunk(group: Sequence[tuple[str, int, int, int, int]], before: Sequence[str], after: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal":
            lines += [_diff_line(" ", line) for line in before[i1:i2]]
            continue
        lines += [_diff_line("-", line) for line in before[i1:i2]]
        lines += [_diff_line("+", line) for line in after[j1:j2]]
    return lines


def _diff_line(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _is_printable(char: str) -> bool:
    """Any letter, mark, sign, symbol or space; joiners, which emoji are made with."""
    category = unicodedata.category(char)
    return char in "\u200c\u200d" or not (category.startswith("C") or category in {"Zl", "Zp"})
