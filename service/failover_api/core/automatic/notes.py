"""What the replicas share, as annotations of their Lease: nothing else is kept outside of Git.

    failover-api/pauses          nothing moves by itself, or some services do not
    failover-api/attestations    a person says that a node is off
    failover-api/acks            a person has seen to a service, or to a node
    failover-api/witnesses       an alert fires that says that a node is off
    failover-api/fenced          nodes that we have tainted out-of-service
    failover-api/flaps           how often nodes came and went, for the next leader
    failover-api/tally           the last 50 events, and what came of each
    failover-api/status          what the leader sees, for the others to show

Each is JSON that anybody with a right to the Lease may write. Of what is not understood an attestation and a witness
do not count, and a pause counts for everything: in doubt nothing moves. Together they are at most MAX_BYTES; what is
only of interest goes first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.governance import Ack, Attestation, Pause, Tally, Witness, tally_from
from failover_api.core.untrusted_json import parse_json
from failover_api.core.wording import one_line
from failover_api.errors import BadRequest

PREFIX = "failover-api/"
MAX_BYTES = 64 * 1024
MAX_OF_PERSONS = 32 * 1024  # bytes, of pauses and attestations together: they are never cut
MAX_STATUS = 20 * 1024
MAX_ACKS, MAX_ROWS = 200, 200
MAX_WITNESSES, MAX_FENCED = 50, 50
ACK_LASTS_S = 7 * 86_400.0
UNREADABLE_LASTS_S = 86_400.0
_MAX_TEXT, _MAX_NAME = 200, 253
EMPTY_TALLY = Tally()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fenced:
    """The Node of this UID has the taint out-of-service from us, since `at`; or we were about to set it."""

    node: str
    uid: str
    at: float


@dataclass(frozen=True, slots=True)
class Notes:
    """All of them. `flaps` and `status` are JSON that others make and read; None: there is none.

    `unreadable` are the names of annotations that are not understood.
    """

    pauses: tuple[Pause, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    acks: tuple[Ack, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    fenced: tuple[Fenced, ...] = ()
    flaps: Any = None
    tally: Tally = EMPTY_TALLY
    status: Any = None
    unreadable: tuple[str, ...] = ()


# What persons do


def paused(notes: Notes, pause: Pause) -> Notes:
    """Raises BadRequest when there is no room."""
    return _bounded(replace(notes, pauses=(*notes.pauses, pause)))


def resumed(notes: Notes, id_: str) -> Notes | None:
    """Without a pause; None: there is none of this id."""
    left = tuple(pause for pause in notes.pauses if pause.id != id_)
    return None if left == notes.pauses else replace(notes, pauses=left)


def attested(notes: Notes, attestation: Attestation) -> Notes:
    """In the place of an earlier one of the same node. Raises BadRequest when there is no room."""
    others = (each for each in notes.attestations if each.node != attestation.node)
    return _bounded(replace(notes, attestations=(*others, attestation)))


def withdrawn(notes: Notes, node: str, id_: str | None = None) -> Notes | None:
    """Without what was attested of a node; None: nothing was, or not under this id."""
    left = tuple(each for each in notes.attestations if each.node != node or id_ not in {None, each.id})
    return None if left == notes.attestations else replace(notes, attestations=left)


def acknowledged(notes: Notes, ack: Ack) -> Notes:
    others = (each for each in notes.acks if (each.service, each.node) != (ack.service, ack.node))
    return replace(notes, acks=(*others, ack)[-MAX_ACKS:])


def witnessed(notes: Notes, witness: Witness) -> Notes:
    """In the place of what the same alert has said before."""
    others = (each for each in notes.witnesses if each.fingerprint != witness.fingerprint)
    return replace(notes, witnesses=(*others, witness)[-MAX_WITNESSES:])


def taken_back(notes: Notes, fingerprint: str) -> Notes | None:
    """Without what an alert has said; None: it had said nothing."""
    left = tuple(each for each in notes.witnesses if each.fingerprint != fingerprint)
    return None if left == notes.witnesses else replace(notes, witnesses=left)


def with_fenced(notes: Notes, fenced: Fenced) -> Notes:
    others = (each for each in notes.fenced if each.node != fenced.node)
    return replace(notes, fenced=(*others, fenced)[-MAX_FENCED:])


def without_fenced(notes: Notes, node: str) -> Notes | None:
    """Without what is known of a node's taint; None: nothing was."""
    left = tuple(each for each in notes.fenced if each.node != node)
    return None if left == notes.fenced else replace(notes, fenced=left)


def current(notes: Notes, now: float) -> Notes:
    """Without what is over by now."""
    return replace(
        notes,
        pauses=tuple(pause for pause in notes.pauses if now < pause.until),
        acks=tuple(ack for ack in notes.acks if now - ack.at < ACK_LASTS_S),
    )


def made_readable(notes: Notes, now: float, id_: str) -> Notes:
    """What is written in the place of pauses that are not understood: one of everything, which a person may end."""
    if "pauses" not in notes.unreadable:
        return notes
    reason = f"the annotation {PREFIX}pauses was not understood"
    everything = Pause(id_, "failover-api", now, now + UNREADABLE_LASTS_S, reason)
    unreadable = tuple(name for name in notes.unreadable if name != "pauses")
    return replace(notes, pauses=(*notes.pauses, everything), unreadable=unreadable)


def _bounded(notes: Notes) -> Notes:
    size = sum(_size(_json(rows)) for rows in (_pauses(notes), _attestations(notes)))
    if size > MAX_OF_PERSONS or max(len(notes.pauses), len(notes.attestations)) > MAX_ROWS:
        raise BadRequest(
            f"no room for more: {len(notes.pauses) - 1} pauses and {len(notes.attestations)} attestations are in "
            "force; withdraw one, or name fewer services"
        )
    return notes


# As annotations


def read_notes(annotations: Mapping[str, str]) -> Notes:
    """The notes among the annotations of a Lease; raises nothing, whatever stands there."""
    unreadable: list[str] = []

    def rows(name: str, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
        text = annotations.get(PREFIX + name)
        if text is None:
            return ()
        try:
            return _rows(text, read)
        except (KeyError, TypeError, ValueError, OverflowError):
            unreadable.append(name)
            return ()

    return Notes(
        pauses=rows("pauses", _read_pause),
        attestations=rows("attestations", _read_attestation),
        acks=rows("acks", _read_ack),
        witnesses=rows("witnesses", _read_witness)[-MAX_WITNESSES:],
        fenced=rows("fenced", _read_fenced)[-MAX_FENCED:],
        flaps=_read_json(annotations.get(PREFIX + "flaps")),
        tally=tally_from(_read_json(annotations.get(PREFIX + "tally"))),
        status=_read_json(annotations.get(PREFIX + "status")),
        unreadable=tuple(unreadable),
    )


def written(notes: Notes, annotations: Mapping[str, str]) -> dict[str, str]:
    """The annotations with these notes in the place of ours.

    What is not understood stays until it is written anew, if there is room.
    """
    ours = {
        "pauses": _pauses(notes),
        "attestations": _attestations(notes),
        "acks": [
            _without_empty({"service": a.service, "node": a.node, "by": a.by, "at": _iso(a.at)}) for a in notes.acks
        ],
        "witnesses": _witnesses(notes),
        "fenced": [{"node": each.node, "uid": each.uid, "at": _iso(each.at)} for each in notes.fenced],
        "tally": notes.tally.as_json(),
    }
    texts = {name: _json(rows) for name, rows in ours.items() if rows}
    old = {name: annotations[PREFIX + name] for name in notes.unreadable if PREFIX + name in annotations}
    texts = {**old, **texts}
    for name, value, most in (("status", notes.status, MAX_STATUS), ("flaps", notes.flaps, MAX_STATUS)):
        text = _json(value) if value else ""
        if text and _size(text) <= most:
            texts[name] = text
    _cut(texts, notes)
    foreign = {key: value for key, value in annotations.items() if not key.startswith(PREFIX)}
    return {**foreign, **{PREFIX + name: text for name, text in sorted(texts.items())}}


def _cut(texts: dict[str, str], notes: Notes) -> None:
    """Takes away what is only of interest, until the rest has room."""
    events = notes.tally.as_json()
    counts_for_nothing = [name for name in notes.unreadable if name != "pauses" and not getattr(notes, name)]
    for name in (*counts_for_nothing, "status", "tally", "flaps", "acks"):
        while sum(map(_size, texts.values())) > MAX_BYTES and name in texts:
            events = events[len(events) // 2 + 1 :]
            if name == "tally" and events:
                texts[name] = _json(events)
            else:
                del texts[name]


def _rows(text: str, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    """Raises ValueError, KeyError or TypeError."""
    data = _parsed(text)
    if not isinstance(data, list) or len(data) > MAX_ROWS or not all(isinstance(row, dict) for row in data):
        raise ValueError("not a list of objects, or too long")
    return tuple(read(row) for row in data)


def _parsed(text: str) -> Any:
    if len(text) > MAX_BYTES:
        raise ValueError("too long")
    return parse_json(text)


def _read_json(text: str | None) -> Any:
    try:
        return None if text is None else _parsed(text)
    except ValueError:
        return None


def _pauses(notes: Notes) -> list[dict[str, Any]]:
    return [
        _without_empty({
            "id": each.id,
            "reason": each.reason,
            "by": each.by,
            "at": _iso(each.at),
            "until": _iso(each.until),
            "services": list(each.services),
        })
        for each in notes.pauses
    ]  # fmt: skip


def _read_pause(row: Mapping[str, Any]) -> Pause:
    services = row.get("services", [])
    if not isinstance(services, list):
        raise TypeError("services")
    names = tuple(_name(each) for each in services)
    return Pause(_name(row["id"]), _text(row, "by"), _time(row["at"]), _time(row["until"]), _text(row, "reason"), names)


def _attestations(notes: Notes) -> list[dict[str, Any]]:
    return [
        _without_empty({
            "id": each.id,
            "node": each.node,
            "uid": each.uid,  # left out where the node was gone
            "reason": each.reason,
            "by": each.by,
            "at": _iso(each.at),
            "renewed": None if each.renewed_at is None else _iso(each.renewed_at),
        })
        for each in notes.attestations
    ]  # fmt: skip


def _read_attestation(row: Mapping[str, Any]) -> Attestation:
    renewed = row.get("renewed")
    return Attestation(
        id=_name(row["id"]),
        node=_name(row["node"]),
        uid=_name(row["uid"]) if "uid" in row else "",
        reason=_text(row, "reason"),
        by=_text(row, "by"),
        at=_time(row["at"]),
        renewed_at=None if renewed is None else _time(renewed),
    )


def _read_ack(row: Mapping[str, Any]) -> Ack:
    ack = Ack(_text(row, "by"), _time(row["at"]), _text(row, "service"), _text(row, "node"))
    if bool(ack.service) is bool(ack.node):
        raise ValueError("of a service or of a node")
    return ack


def _witnesses(notes: Notes) -> list[dict[str, Any]]:
    return [
        _without_empty({
            "fingerprint": each.fingerprint,
            "node": each.node,
            "name": each.name,
            "began": _iso(each.starts_at),
            "heard": _iso(each.heard_at),
        })
        for each in notes.witnesses
    ]  # fmt: skip


def _read_witness(row: Mapping[str, Any]) -> Witness:
    times = _time(row["began"]), _time(row["heard"])
    return Witness(_name(row["fingerprint"]), _name(row["node"]), _text(row, "name"), *times)


def _read_fenced(row: Mapping[str, Any]) -> Fenced:
    return Fenced(_name(row["node"]), _name(row["uid"]), _time(row["at"]))


def _without_empty(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value not in (None, "", [])}


def _name(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > _MAX_NAME:
        raise TypeError("expected a name")
    return one_line(value)


def _text(row: Mapping[str, Any], key: str) -> str:
    """ "" where there is none."""
    value = row.get(key, "")
    if not isinstance(value, str):
        raise TypeError(key)
    return one_line(value[:_MAX_TEXT])


def _time(value: object) -> float:
    at = seconds_of(value) if isinstance(value, str) else None
    if at is None:
        raise TypeError("expected a time")
    return at


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def fits_status(status: Any) -> bool:
    """Whether it has room as the annotation of that name."""
    return _size(_json(status)) <= MAX_STATUS


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
