"""Our trailers, written into a commit message or a pull request's body and read back: Git is the record.

All stand in one last paragraph, since Git reads no other; each service's run begins with `Failover-Service`.
https://git-scm.com/docs/git-interpret-trailers
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.wording import one_line

_TRAILER = re.compile(r"Failover-([A-Za-z-]+): ?(.*)")
_FIRST = "Service"
_REQUIRED = (_FIRST, "Action", "From", "To", "Operation")


@dataclass(frozen=True, slots=True)
class Record:
    """What one commit says of one service.

    `before` and `after` are states; `at` is RFC 3339. `idempotency` is a digest, `reverts` an operation, `group` the
    group that was moved.
    """

    service: str
    action: str
    before: str
    after: str
    operation: str
    by: str = ""
    at: str = ""
    reason: str = ""
    group: str | None = None
    force: bool = False
    idempotency: str | None = None
    reverts: str | None = None


def idempotency_digest(caller: str, key: str) -> str:
    """What stands for a caller's Idempotency-Key: hex SHA-256 of caller NUL key."""
    return hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()


def write_trailers(records: Sequence[Record]) -> str:
    """The paragraph. A reason has a trailer of its own where the message's body could not tell whose it is."""
    shared = len({record.reason for record in records}) == 1
    return "\n".join(_run(record, with_reason=not shared) for record in records)


def read_records(message: str) -> tuple[Record, ...]:
    """The runs of the last paragraph that holds any; an incomplete run, or one with a key twice, is left out.

    A squash merge puts the body of its pull request into the message, sometimes with more behind it.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip())
    for paragraph in reversed(paragraphs):
        if runs := _runs(paragraph):
            reason = _reason(paragraphs)
            return tuple(_record(run, reason) for run in runs if _is_whole(run))
    return ()


def _run(record: Record, *, with_reason: bool) -> str:
    trailers = {
        _FIRST: record.service,
        "Action": record.action,
        "From": record.before,
        "To": record.after,
        "Operation": record.operation,
        "Requested-By": record.by,
        "Requested-At": record.at,
        "Group": record.group,
        "Force": "true" if record.force else None,
        "Reason": record.reason if with_reason else None,
        "Reverts": record.reverts,
        "Idempotency": record.idempotency,
    }
    return "\n".join(f"Failover-{key}: {one_line(value)}" for key, value in trailers.items() if value)


def _runs(paragraph: str) -> list[dict[str, list[str]]]:
    """Each run as {key: its values}."""
    runs: list[dict[str, list[str]]] = []
    for line in paragraph.split("\n"):
        match = _TRAILER.fullmatch(line.strip())
        if match is None:
            continue
        key, value = match[1], match[2].strip()
        if key == _FIRST:
            runs.append({})
        if runs:
            runs[-1].setdefault(key, []).append(value)
    return runs


def _is_whole(run: Mapping[str, Sequence[str]]) -> bool:
    return all(run.get(key) for key in _REQUIRED) and all(len(values) == 1 for values in run.values())


def _record(run: Mapping[str, Sequence[str]], reason: str) -> Record:
    def value(key: str) -> str | None:
        return run[key][0] if key in run else None

    return Record(
        service=run[_FIRST][0],
        action=run["Action"][0],
        before=run["From"][0],
        after=run["To"][0],
        operation=run["Operation"][0],
        by=value("Requested-By") or "",
        at=value("Requested-At") or "",
        reason=value("Reason") or reason,
        group=value("Group"),
        force=value("Force") == "true",
        idempotency=value("Idempotency"),
        reverts=value("Reverts"),
    )


def _reason(paragraphs: Sequence[str]) -> str:
    """The reason of the body; of several, whose they are stands in the trailers."""
    lines = [line for paragraph in paragraphs for line in paragraph.split("\n")]
    reasons = [line.removeprefix("Reason: ") for line in lines if line.startswith("Reason: ")]
    return reasons[0] if len(reasons) == 1 else ""
