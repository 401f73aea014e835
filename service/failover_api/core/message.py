"""The plan as people read it: commit message with trailers, one sentence. The diff is in core/diff.py.

Nothing that comes from outside (a reason, a value in a manifest, a name) can end a line here: a line of its own could
forge a trailer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover_api.core.catalog import Action
from failover_api.core.diff import unified_diff
from failover_api.core.plan import Change, Plan
from failover_api.core.trailers import Record, write_trailers
from failover_api.core.wording import MAX_LENGTH, is_printable, one_line, shown
from failover_api.errors import BadRequest

__all__ = ["Asked", "checked_reason", "commit_message", "headline", "sentence", "shown", "unified_diff"]

MAX_REASON_LENGTH = 200
_VERBS = {Action.PROMOTE: "Fail over", Action.DEMOTE: "Fail back", Action.ROLLBACK: "Roll back"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a move and why. `at` is RFC 3339 in UTC; `operation` a ULID; `key` an Idempotency-Key's digest."""

    operation: str
    by: str
    at: str
    reason: str = ""
    group: str | None = None
    force: bool = False
    key: str | None = None


def checked_reason(text: str) -> str:
    """A reason as it may stand in a commit. Raises BadRequest for one that is long or would not stay on its line."""
    if len(text) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason: {len(text)} characters, expected at most {MAX_REASON_LENGTH}")
    stray = next((char for char in text if not is_printable(char)), None)
    if stray is not None:
        raise BadRequest(f"reason: expected printable text on one line; it holds U+{ord(stray):04X}")
    return text.strip()


def commit_message(moves: Sequence[tuple[Plan, Asked]]) -> str:
    """Headline, what moves, why, and the trailers, which are one last paragraph: Git reads no other.

    Plans without changes are left out; at least one must have some.
    https://git-scm.com/docs/git-interpret-trailers
    """
    moves = [(plan, asked) for plan, asked in moves if plan.changes]
    plans = [plan for plan, _ in moves]
    reasons = dict.fromkeys(one_line(asked.reason) for _, asked in moves if asked.reason)
    paragraphs = [
        headline(plans),
        "\n".join(_moves(plan) for plan in plans),
        "\n".join(_listing(plan.changes) for plan in plans),
        "\n".join(f"Reason: {reason}" for reason in reasons),
        write_trailers([record_of(plan, asked) for plan, asked in moves]),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def record_of(plan: Plan, asked: Asked) -> Record:
    """What the trailers of a commit say of this plan."""
    return Record(
        service=plan.service.name,
        action=plan.action.value,
        before=plan.before.state.value,
        after=plan.after.value,
        operation=asked.operation,
        by=asked.by,
        at=asked.at,
        reason=asked.reason,
        group=asked.group,
        force=asked.force,
        idempotency=asked.key,
        reverts=plan.reverts,
    )


def headline(plans: Sequence[Plan]) -> str:
    """The first line: "Fail over sonarr to backup", "Fail back 3 services to primary"."""
    first = plans[0]
    what = first.service.name if len(plans) == 1 else f"{len(plans)} services"
    if any(plan.action is not first.action for plan in plans):
        return f"Move {what}"
    where = "" if any(plan.after is not first.after for plan in plans) else f" to {first.after}"
    return f"{_VERBS[first.action]} {what}{where}"


def sentence(plan: Plan, *, dry_run: bool) -> str:
    """The outcome in one sentence."""
    name, target = plan.service.name, plan.after
    if not plan.changes:
        return f"{name} is already on {target}; nothing to do."
    count = len(plan.changes)
    scalars = f"{count} value{'s' if count > 1 else ''} in {', '.join(map(one_line, plan.new))}"
    if dry_run:
        return f"{name} would move from {plan.before.state} to {target}: {scalars}. Nothing was written."
    return f"{name} moved from {plan.before.state} to {target}: {scalars}."


def _moves(plan: Plan) -> str:
    documents = list(dict.fromkeys(_document(change.document) for change in plan.changes))
    subject = " and ".join(filter(None, (", ".join(documents[:-1]), documents[-1])))
    verb = "moves" if len(documents) == 1 else "move"
    return f"{subject} {verb} from {plan.before.state} to {plan.after}."


def _document(name: str) -> str:
    """A document as a line may begin with it: Git takes `---` for the end of a message, and `#` for a comment."""
    text = one_line(name if len(name) <= MAX_LENGTH else f"{name[: MAX_LENGTH - 1]}…")
    return text if text[:1].isalnum() else f"Document {text}"


def _listing(changes: Iterable[Change]) -> str:
    lines: list[str] = []
    file = None
    for change in changes:
        if change.file != file:
            file = change.file
            lines.append(f"  {one_line(file)}")
        lines.append(f"    {one_line(change.path)}: {shown(change.old)} -> {shown(change.new)}")
    return "\n".join(lines)
