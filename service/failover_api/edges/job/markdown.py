"""The job's summary: the answer as Markdown. Text from outside stays text: nothing in it is markup."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from failover_api.core.safety.hazard import Severity, hazard_from, merged
from failover_api.edges.job.inputs import StepInputs
from failover_api.edges.printable import one_line, printable
from failover_api.edges.problems import cure

Body = dict[str, Any]

MAX_ROWS = 200
MAX_DIFF = 400_000  # characters; GitHub takes a summary of 1 MiB
_HAZARDS = {Severity.INFO: "Note", Severity.WARN: "Warning", Severity.STOP: "Stop"}
_PUNCTUATION = re.compile(r"[!-+.:-@\[-`{-~]")


def problem_page(wanted: StepInputs | None, problem: Body) -> str:
    """What was refused or failed, what to do about it, and whether anything was written."""
    slug = slug_of(problem)
    unknown = problem.get("outcome") == "unknown"
    what = "outcome unknown" if unknown else "refused" if str(problem.get("status", "")).startswith("4") else "failed"
    told = [
        f"### {_text(wanted.title if wanted else 'failover')}: {what}",
        f"**{_text(problem.get('title', 'Error'))}** (`{re.sub('[^a-z-]', '', slug)}`): {_text(problem.get('detail'))}",
        _refused(problem.get("refused") or []),
        *_hazards(problem),
        f"What to do: {_text(cure(slug))}" if cure(slug) else "",
        "**The change may have been made.**" if unknown else "Nothing was written.",
        _diff(str(problem.get("diff", ""))),
    ]
    return _page(told)


def _refused(refused: Sequence[Body]) -> str:
    """Of a group or a node: each of its services that is refused, where there are several."""
    rows = [(one["service"], one["title"], one["detail"]) for one in refused]
    return _table(("service", "refused", "why"), rows) if len(rows) > 1 else ""


def outcome_page(wanted: StepInputs, body: Body) -> str:
    """What was done, or would be: the sentence, where it is written, the table of changes and the diff."""
    told = [
        f"### {_text(wanted.title)}: {_result(body)}",
        _text(body["message"]),
        "\n".join(_links(body)),
        *(f"Warning: {_text(warning)}" for warning in body.get("warnings", ())),
        *_hazards(body),
        _members(body) if body.get("services") else "",
        _unplaced(body.get("unplaced") or []),
        _changes(body["changes"]),
        _diff(body["diff"]),
    ]
    return _page(told)


def slug_of(problem: Body) -> str:
    return str(problem.get("type", "")).rpartition(":")[2]


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n\n"


def _result(body: Body) -> str:
    if body["dry_run"]:
        return "dry run, nothing was written"
    if any(pull["state"] == "open" for pull in pulls_of(body)):
        return "proposed, waits for review"
    return "done" if body["changed"] else "nothing to do"


def commits_of(body: Body) -> list[Body]:
    """Of all repositories: a group's services may be in several."""
    return body.get("commits") or [one for one in (body["commit"],) if one]


def pulls_of(body: Body) -> list[Body]:
    return body.get("pull_requests") or [one for one in (body["pull_request"],) if one]


def _links(body: Body) -> Iterator[str]:
    for commit in commits_of(body):
        yield f"- Commit {_link(commit['sha'][:12], commit['url'])}{' (verified)' if commit['verified'] else ''}"
    for pull in pulls_of(body):
        number = f"#{pull['number']}"
        yield f"- Pull request {_link(number, pull['url'])}, {_text(pull['state'])}"
    if body["operation"]:
        yield f"- Operation {_text(body['operation'])}"


def _hazards(body: Body) -> Iterator[str]:
    """What may go wrong, and what to do; a kind that many services of a group have is said once."""
    for hazard in merged([hazard_from(each) for each in body.get("hazards", ())]):
        word = _HAZARDS[hazard.severity]
        yield f"{word} (`{re.sub('[^a-z-]', '', hazard.slug)}`): {_text(hazard.detail)} {_text(hazard.cure)}"


def _members(body: Body) -> str:
    return _table(("service", "from", "to", ""), [_member(member) for member in body["services"]])


def _unplaced(names: Sequence[object]) -> str:
    """The services that an evacuation leaves."""
    if not names:
        return ""
    listed = ", ".join(_text(name) for name in names)
    return f"Left where they are, since nobody knows their node: {listed}"


def _member(member: Body) -> tuple[object, ...]:
    error = member.get("error")
    what = f"left out: {error['detail']}" if error else "moves" if member["changed"] else "is there already"
    return member["service"], member["from"] or "", member["to"] or "", what


def _changes(changes: list[Body]) -> str:
    rows = [(f"{one['file']}:{one['line']}", one["path"], _value(one["old"]), _value(one["new"])) for one in changes]
    more = f"\n\nand {len(rows) - MAX_ROWS} more" if len(rows) > MAX_ROWS else ""
    return _table(("file", "key", "old", "new"), rows[:MAX_ROWS]) + more if rows else ""


def _table(head: tuple[str, ...], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ("---",) * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _diff(diff: str) -> str:
    if not diff:
        return ""
    shown = printable(diff[:MAX_DIFF].replace("\r\n", "\n"))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    cut = "\n\nThe diff is cut here." if len(diff) > MAX_DIFF else ""
    return f"<details><summary>Diff</summary>\n\n{fence}diff\n{shown.rstrip()}\n{fence}{cut}\n\n</details>"


def _value(value: object) -> str:
    """As YAML has it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: object) -> str:
    """Every character as itself: punctuation that Markdown or HTML might act on goes as a numbered reference."""
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", one_line(value))


def _link(text: str, url: object) -> str:
    address = str(url)
    if not address.startswith(("https://", "http://")):
        return _text(text)
    return f'<a href="{html.escape(one_line(address))}">{_text(text)}</a>'
