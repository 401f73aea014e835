"""The commit message of plans: headline, what moves, why, and the trailers.

Nothing that comes from outside (a reason, a value in a manifest, a name) can end a line here: a line of its own could
forge a trailer. Nor does a Git host act on it: it mentions nobody, closes no issue, skips no check.
"""

from collections.abc import Callable, Iterable, Sequence

from failover_api.core.catalog.model import Action, Side
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.request import RELOCATE, TIDY, Provenance, checked_reason
from failover_api.core.planning.state import State
from failover_api.core.splice.shown import shown
from failover_api.core.text.change_list import change_text
from failover_api.core.text.diff import unified_diff
from failover_api.core.text.escaping import escape_for_git
from failover_api.core.text.sentence import destination, sentence
from failover_api.core.text.trailers import REASON, Record, write_trailers
from failover_api.core.wording import MAX_LENGTH, one_line

__all__ = [
    "Provenance",
    "checked_reason",
    "commit_message",
    "headline",
    "movement",
    "reason_lines",
    "record_of",
    "sentence",
    "shown",
    "unified_diff",
]

_TIDIED, _RELOCATED = "Put back the strategy of", "Relocate"
_VERBS = {Action.PROMOTE: "Fail over", Action.DEMOTE: "Fail back", Action.ROLLBACK: "Roll back"}


def commit_message(moves: Sequence[tuple[Plan, Provenance]]) -> str:
    """Headline, what moves, why, and the trailers, which are one last paragraph: Git reads no other.

    Plans without changes are left out; at least one must have some.
    https://git-scm.com/docs/git-interpret-trailers
    """
    moves = [(plan, provenance) for plan, provenance in moves if plan.changes]
    plans = [plan for plan, _ in moves]
    paragraphs = [
        headline(plans),
        "\n".join(movement(plan, _document) for plan in plans),
        "\n".join(_listing(plan.changes) for plan in plans),
        "\n".join(reason_lines(moves)),
        write_trailers([record_of(plan, provenance) for plan, provenance in moves]),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def held_message(name: str, side: str, provenance: Provenance, why: str) -> str:
    """Of a commit that changes no file: it says that a relocation to this side does not begin, and why."""
    here = Side(side).other.value
    record = Record(name, RELOCATE, here, here, provenance, proof=why)
    paragraphs = [
        f"{_RELOCATED} {name} to {side}: {provenance.step}",
        f"{name} stays on {here}: its relocation does not begin. No file is changed.",
        "\n".join(_reasons([provenance])),
        write_trailers([record]),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def record_of(plan: Plan, provenance: Provenance) -> Record:
    """What the trailers of a commit say of this plan."""
    before, after = plan.before.state.value, plan.after.value
    action = RELOCATE if plan.step else plan.action.value
    return Record(plan.service.name, action, before, after, provenance, plan.reverts, plan.accepted, plan.proof)


def headline(plans: Sequence[Plan]) -> str:
    """The first line: "Fail over sonarr to backup", "Fail back 3 services to primary", "Move 2 services"."""
    what = plans[0].service.name if len(plans) == 1 else f"{len(plans)} services"
    if all(plan.is_tidy for plan in plans):
        return f"{_TIDIED} {what}"
    if len(plans) == 1 and plans[0].step:
        return f"{_RELOCATED} {what} to {plans[0].action.target}: {plans[0].step}"
    verbs = {_RELOCATED if plan.step else _VERBS[plan.action] for plan in plans}
    verb = verbs.pop() if len(verbs) == 1 else "Move"
    where = destination(plans)
    return f"{verb} {what} to {where}" if where else f"{verb} {what}"


def headline_of(records: Sequence[Record]) -> str:
    """As headline(), from the records of a commit; "" when there are none."""
    if not records:
        return ""
    what = records[0].service if len(records) == 1 else f"{len(records)} services"
    if all(record.provenance.step == TIDY for record in records):
        return f"{_TIDIED} {what}"
    verbs = {_VERBS.get(action) for action in Action if action.value in {record.action for record in records}}
    if any(record.action == RELOCATE for record in records):
        verbs.add(_RELOCATED)
    verb = verbs.pop() if len(verbs) == 1 else "Move"
    after = {record.after for record in records}
    if len(after) > 1:
        return f"{verb} {what}"
    own = "its" if len(records) == 1 else "their"
    sides = {State.PRIMARY.value, State.BACKUP.value}
    return f"{verb} {what} to {after.pop() if after <= sides else f'{own} former values'}"


def movement(plan: Plan, name: Callable[[str], str]) -> str:
    """What moves, on one line: "Deployment media/sonarr moves from primary to backup." `name` formats a document."""
    documents = [name(document) for document in dict.fromkeys(change.document for change in plan.changes)]
    subject = " and ".join(filter(None, (", ".join(documents[:-1]), documents[-1])))
    if plan.is_tidy:
        return f"{subject} stays on {plan.after}, and has its former strategy again."
    if plan.step and plan.before.state is plan.after:
        changes = "changes" if len(documents) == 1 else "change"
        return f"{subject} {changes} for it; {plan.service.name} stays on {plan.after}."
    verb = "moves" if len(documents) == 1 else "move"
    return f"{subject} {verb} from {plan.before.state} to {plan.after}."


def reason_lines(moves: Iterable[tuple[Plan, Provenance]]) -> list[str]:
    """Each reason once, on a line that read_records() knows."""
    return _reasons(provenance for _, provenance in moves)


def _reasons(provenances: Iterable[Provenance]) -> list[str]:
    reasons = (escape_for_git(one_line(provenance.reason).strip()) for provenance in provenances)
    return [f"{REASON}{reason}" for reason in dict.fromkeys(reasons) if reason]


def _document(name: str) -> str:
    """A document as a line may begin with it.

    Git takes `---` for the end of a message, `#` for a comment; a first word with a colon looks like a trailer.
    """
    text = escape_for_git(one_line(name if len(name) <= MAX_LENGTH else f"{name[: MAX_LENGTH - 1]}…"))
    return text if text.partition(" ")[0].isalnum() else f"Document {text}"


def _listing(changes: Iterable[Change]) -> str:
    lines: list[str] = []
    file = None
    for change in changes:
        if change.file != file:
            file = change.file
            lines.append(f"  {one_line(file)}")
        lines.append(f"    {one_line(change.path)}: {change_text(change.old, change.new)}")
    return escape_for_git("\n".join(lines))
