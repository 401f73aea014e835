"""What automatic failover sees and would do, as plain values: the leader makes it, every replica can tell it.

States are the words of the API: a leader of another version may have others. As JSON it stands in an annotation of the
Lease and in the answer of the API; times are by the API server's clock (s).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from failover_api.core.rfc3339 import rfc3339, rfc3339_or_none, seconds_of
from failover_api.core.wording import one_line

MAX_REASON = 400
MAX_NODES, MAX_HOLDS = 60, 20
_SMALLER = ((60, 3), (60, 1), (30, 1), (12, 1), (4, 1), (0, 0))  # services, and holds of each


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One node. `acts_at` is when something would follow from its state, if it stays so; None: not in sight."""

    name: str
    state: str
    since: float | None = None
    reason: str = ""
    acts_at: float | None = None


@dataclass(frozen=True, slots=True)
class HoldLine:
    """A gate that does not let a move through: why, and what to do about it. `until` is when it ends by itself."""

    gate: str
    detail: str
    cure: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class PendingLine:
    """A service that would be moved off a node, or is held. `to` is the side it would go to.

    Where `is_act` is False its move is only said, as in mode `observe`.
    """

    service: str
    node: str
    to: str = ""
    since: float | None = None
    acts_at: float | None = None
    holds: tuple[HoldLine, ...] = ()
    is_act: bool = True


@dataclass(frozen=True, slots=True)
class BlockedLine:
    """A service that moved by itself lately, and does not again before `until` without a person between."""

    service: str
    until: float
    since: float | None = None


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """A service that was moved away by itself, and whose node is well again: `command` brings it home.

    `is_act`: it is relocated by itself, once nothing holds it; `detail` is what refused that the last time, if it did.
    """

    service: str
    node: str
    is_act: bool
    command: str
    detail: str = ""
    holds: tuple[HoldLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Of one leader at one moment. `left_out` counts services for which there was no room."""

    as_of: float
    view: str
    reason: str = ""
    nodes: tuple[NodeLine, ...] = ()
    pending: tuple[PendingLine, ...] = ()
    blocked: tuple[BlockedLine, ...] = ()
    left_out: int = 0
    returns: tuple[ReturnLine, ...] = ()

    def node(self, name: str) -> NodeLine | None:
        return next((node for node in self.nodes if node.name == name), None)

    def only(self, visible: Callable[[str], bool]) -> "Report":
        """What somebody may see of it."""
        return replace(
            self,
            pending=tuple(line for line in self.pending if visible(line.service)),
            blocked=tuple(line for line in self.blocked if visible(line.service)),
            returns=tuple(line for line in self.returns if visible(line.service)),
        )


def as_json(report: Report) -> dict[str, Any]:
    """All of it."""
    return {
        "as_of": rfc3339(report.as_of),
        "view": report.view,
        "reason": report.reason,
        "nodes": [_node(node) for node in report.nodes],
        "pending": [_pending(line) for line in report.pending],
        "blocked": [_blocked(line) for line in report.blocked],
        "returns": [_return(line) for line in report.returns],
        "left_out": report.left_out,
    }


def bounded_json(report: Report, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """The same with as many services, and holds of each, as have room; None where nothing has.

    Of nodes those are kept first that are not ready.
    """
    nodes = sorted(report.nodes, key=lambda node: node.state == "ready")[:MAX_NODES]
    for services, holds in _SMALLER:
        pending = tuple(replace(line, holds=line.holds[:holds]) for line in report.pending[:services])
        returns = tuple(replace(line, holds=line.holds[:holds]) for line in report.returns[:services])
        left_out = report.left_out + len(report.pending) - len(pending)
        smaller = replace(
            report,
            nodes=tuple(nodes),
            pending=pending,
            blocked=report.blocked[:services],
            returns=returns,
            left_out=left_out,
        )
        if fits(body := as_json(smaller)):
            return body
    return None


def report_from(data: object) -> Report | None:
    """What as_json() said, perhaps of another version; None for what is no report."""
    if not isinstance(data, Mapping):
        return None
    as_of, view = _time(data.get("as_of")), _name(data.get("view"))
    if as_of is None or not view:
        return None
    left_out = data.get("left_out")
    return Report(
        as_of,
        view,
        _text(data.get("reason")),
        tuple(_each(data.get("nodes"), _read_node)),
        tuple(_each(data.get("pending"), _read_pending)),
        tuple(_each(data.get("blocked"), _read_blocked)),
        left_out if type(left_out) is int and left_out > 0 else 0,
        tuple(_each(data.get("returns"), _read_return)),
    )


def _node(node: NodeLine) -> dict[str, Any]:
    times = {"since": rfc3339_or_none(node.since), "acts_at": rfc3339_or_none(node.acts_at)}
    return {"name": node.name, "state": node.state, **times, "reason": node.reason}


def _read_node(row: Mapping[str, Any]) -> NodeLine | None:
    name, state = _name(row.get("name")), _name(row.get("state"))
    if not name or not state:
        return None
    return NodeLine(name, state, _time(row.get("since")), _text(row.get("reason")), _time(row.get("acts_at")))


def _pending(line: PendingLine) -> dict[str, Any]:
    where = {"service": line.service, "node": line.node, "to": line.to, "acts": line.is_act}
    times = {"since": rfc3339_or_none(line.since), "acts_at": rfc3339_or_none(line.acts_at)}
    return {**where, **times, "holds": [_hold(hold) for hold in line.holds[:MAX_HOLDS]]}


def _read_pending(row: Mapping[str, Any]) -> PendingLine | None:
    service, node = _name(row.get("service")), _name(row.get("node"))
    if not service or not node:
        return None
    holds = tuple(_each(row.get("holds"), _read_hold))[:MAX_HOLDS]
    is_act = row.get("acts") is not False
    times = (_time(row.get("since")), _time(row.get("acts_at")))
    return PendingLine(service, node, _name(row.get("to")), *times, holds, is_act)


def _hold(hold: HoldLine) -> dict[str, Any]:
    return {"gate": hold.gate, "detail": hold.detail, "cure": hold.cure, "until": rfc3339_or_none(hold.until)}


def _read_hold(row: Mapping[str, Any]) -> HoldLine | None:
    gate = _name(row.get("gate"))
    return HoldLine(gate, _text(row.get("detail")), _text(row.get("cure")), _time(row.get("until"))) if gate else None


def _return(line: ReturnLine) -> dict[str, Any]:
    where = {"service": line.service, "node": line.node, "acts": line.is_act, "command": line.command}
    return {**where, "detail": line.detail, "holds": [_hold(hold) for hold in line.holds[:MAX_HOLDS]]}


def _read_return(row: Mapping[str, Any]) -> ReturnLine | None:
    service, node = _name(row.get("service")), _name(row.get("node"))
    if not service or not node:
        return None
    holds = tuple(_each(row.get("holds"), _read_hold))[:MAX_HOLDS]
    texts = _text(row.get("command")), _text(row.get("detail"))
    return ReturnLine(service, node, row.get("acts") is True, *texts, holds)


def _blocked(line: BlockedLine) -> dict[str, Any]:
    return {"service": line.service, "since": rfc3339_or_none(line.since), "until": rfc3339_or_none(line.until)}


def _read_blocked(row: Mapping[str, Any]) -> BlockedLine | None:
    service, until = _name(row.get("service")), _time(row.get("until"))
    return BlockedLine(service, until, _time(row.get("since"))) if service and until is not None else None


def _each(rows: object, read: Callable[[Mapping[str, Any]], Any]) -> Iterable[Any]:
    found = (read(row) for row in (rows[:500] if isinstance(rows, list) else []) if isinstance(row, Mapping))
    return (each for each in found if each is not None)


def _name(value: object) -> str:
    return one_line(value[:253]) if isinstance(value, str) else ""


def _text(value: object) -> str:
    return one_line(value[:MAX_REASON]) if isinstance(value, str) else ""


def _time(value: object) -> float | None:
    return seconds_of(value) if isinstance(value, str) else None
