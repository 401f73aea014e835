"""Our trailers, written into a commit message or a pull request's body and read back: Git is the record.

All stand in one last paragraph, since Git reads no other; each service's run begins with `Failover-Service`. Reading
is more generous: a squash merge puts text behind them, makes one message of several, and breaks long lines.
https://git-scm.com/docs/git-interpret-trailers
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.planning.request import CUTOVER, RELOCATE, TIDY, Provenance
from failover_api.core.text.escaping import escape_for_git, unescape_for_git
from failover_api.core.text.wave_trailers import WAVE_KEYS, read_wave, write_wave
from failover_api.core.wording import one_line

MAX_LENGTH = 30_000  # of the full paragraph: a pull request's body has room for 65,536 characters
REASON = "Reason: "  # begins a line of the message's body

_WRAP = 72  # where GitHub breaks the lines of a squash merge (https://github.com/rust-lang/bors/pull/673)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_TRAILER = re.compile(r"Failover-([A-Za-z-]+):(.*)")
_OWN_LINE = re.compile(r"[A-Z][A-Za-z]*-[A-Za-z-]+:(?: |$)|Reason: |```")  # never the rest of the line before
_EVIDENCE = "; "  # between the lines of evidence, which are one trailer
_FIRST = "Service"
_REQUIRED = (_FIRST, "Action", "From", "To", "Operation")
_FROM_OUTSIDE = ("Requested-By", "Reason", "Evidence", "Proof")
_SHARED = (  # by all of an operation
    *("Requested-By", "Requested-At", "Trigger", "Evidence", "Group", "Force", "Reason", "Idempotency"),
    *WAVE_KEYS,
)


@dataclass(frozen=True, slots=True)
class Record:
    """What one commit says of one service: what was done to it, and who asked for that.

    `before` and `after` are states; `reverts` is the operation that a rollback undoes; `accepted` are the slugs of the
    hazards that arose and were accepted. `proof` is what let a relocation go on.
    """

    service: str
    action: str
    before: str
    after: str
    provenance: Provenance
    reverts: str | None = None
    accepted: tuple[str, ...] = ()
    proof: str = ""

    @property
    def operation(self) -> str:
        """That it is a part of."""
        return self.provenance.operation

    @property
    def moves(self) -> bool:
        """Whether it brings the service anywhere: of an operation in steps one commit does."""
        if self.action == RELOCATE:
            return self.provenance.step == CUTOVER
        return self.provenance.step != TIDY


def write_trailers(records: Sequence[Record]) -> str:
    """The paragraph. A reason has a trailer of its own where the message's body could not tell whose it is.

    A long paragraph says only once what all services of an operation share: with their first.
    """
    with_reason = len({record.provenance.reason for record in records}) > 1
    runs = [_run(record, with_reason=with_reason) for record in records]
    text = _text(runs)
    return text if len(text) <= MAX_LENGTH else _text(_brief(runs))


def read_records(message: str) -> tuple[Record, ...]:
    """What a message, or a pull request's body, says of the move of each service.

    An incomplete run, or one with a key twice, is left out. When several say something of a service, the last does:
    a squash merge lists its messages from the oldest to the newest. What only puts a strategy back moves nothing, nor
    do the steps of a relocation but the cutover.
    """
    return _last_of_each(record for record in _read(message) if record.moves)


def read_all_records(message: str) -> tuple[Record, ...]:
    """As read_records(), with what a commit says that puts strategies back, and with every step of a relocation."""
    return _last_of_each(_read(message))


def _last_of_each(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple({record.service: record for record in records}.values())


def _read(message: str) -> list[Record]:
    records: list[Record] = []
    reasons: list[str] = []
    for paragraph in _BLANK_LINE.split(message.replace("\r\n", "\n")):
        lines = unwrapped(paragraph.split("\n"))
        reasons += [line.removeprefix(REASON).strip() for line in lines if line.startswith(REASON)]
        if runs := _runs(lines):
            records += _records(runs, reasons)
            reasons = []
    return records


def _run(record: Record, *, with_reason: bool) -> dict[str, str]:
    provenance = record.provenance
    trailers = {
        _FIRST: record.service,
        "Action": record.action,
        "Step": provenance.step,
        "From": record.before,
        "To": record.after,
        "Operation": provenance.operation,
        "Requested-By": provenance.by,
        "Requested-At": provenance.at,
        "Trigger": provenance.trigger,
        "Evidence": _EVIDENCE.join(provenance.evidence),
        "Group": provenance.group,
        "Force": "true" if provenance.force else None,
        "Reason": provenance.reason if with_reason else None,
        "Reverts": record.reverts,
        "Accepted": ", ".join(record.accepted),
        "Proof": record.proof,
        "Idempotency": provenance.key,
        **(write_wave(provenance.wave) if provenance.wave else {}),
    }
    values = {key: one_line(value or "").strip() for key, value in trailers.items()}
    return {key: escape_for_git(value) if key in _FROM_OUTSIDE else value for key, value in values.items() if value}


def _brief(runs: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Without what is shared with the first run of the same operation."""
    first: dict[str, Mapping[str, str]] = {}
    brief: list[Mapping[str, str]] = []
    for run in runs:
        told = first.setdefault(run.get("Operation", ""), run)
        is_told = told is not run and _shared(told) == _shared(run)
        brief.append({key: value for key, value in run.items() if key not in _SHARED} if is_told else run)
    return brief


def _text(runs: Iterable[Mapping[str, str]]) -> str:
    return "\n".join(f"Failover-{key}: {value}" for run in runs for key, value in run.items())


def unwrapped(lines: Iterable[str]) -> list[str]:
    """The lines, with those put together that were broken because the next word had no room."""
    whole: list[list[str]] = []
    last = ""
    for line in lines:
        word = line.partition(" ")[0]  # "" of a line that is indented: none that was broken is
        was_full = len(last) <= _WRAP < len(last) + 1 + len(word)
        if last and word and was_full and not _OWN_LINE.match(line):
            whole[-1].append(line)
        else:
            whole.append([line])
        last = line
    return [" ".join(parts) for parts in whole]


def _runs(lines: Iterable[str]) -> list[dict[str, list[str]]]:
    """Each run as {key: its values}. A line that is indented is quoted, not said."""
    runs: list[dict[str, list[str]]] = []
    for line in lines:
        match = _TRAILER.fullmatch(line)
        if match is None:
            continue
        key, value = match[1], match[2].strip()
        if key == _FIRST:
            runs.append({})
        if runs:
            runs[-1].setdefault(key, []).append(value)
    return runs


def _records(runs: Iterable[Mapping[str, Sequence[str]]], reasons: Sequence[str]) -> list[Record]:
    """Of the whole runs. The reason of the body is everybody's, unless there are several, or trailers say whose."""
    whole = [{key: values[0] for key, values in run.items()} for run in runs if _is_whole(run)]
    reason = reasons[0] if len(reasons) == 1 and not any("Reason" in run for run in whole) else ""
    first: dict[str, Mapping[str, str]] = {}
    records: list[Record] = []
    for run in whole:
        told = first.setdefault(run["Operation"], run)
        records.append(_record(run if _shared(run) else {**run, **_shared(told)}, reason))
    return records


def _is_whole(run: Mapping[str, Sequence[str]]) -> bool:
    return all(any(run.get(key, ())) for key in _REQUIRED) and all(len(values) == 1 for values in run.values())


def _shared(run: Mapping[str, str]) -> dict[str, str]:
    return {key: run[key] for key in _SHARED if key in run}


def _record(run: Mapping[str, str], reason: str) -> Record:
    wave = read_wave(run)
    provenance = Provenance(
        operation=run["Operation"],
        by=unescape_for_git(run.get("Requested-By", "")),
        at=run.get("Requested-At", ""),
        reason=unescape_for_git(run.get("Reason", reason)),
        group=run.get("Group"),
        force=run.get("Force") == "true",
        key=run.get("Idempotency"),
        step=run.get("Step"),
        wave=wave if wave is not None and run[_FIRST] in wave.members else None,  # else it would begin others
        trigger=run.get("Trigger"),
        evidence=tuple(filter(None, unescape_for_git(run.get("Evidence", "")).split(_EVIDENCE))),
    )
    accepted = tuple(slug.strip() for slug in run.get("Accepted", "").split(",") if slug.strip())
    proof = unescape_for_git(run.get("Proof", ""))
    return Record(run[_FIRST], run["Action"], run["From"], run["To"], provenance, run.get("Reverts"), accepted, proof)
