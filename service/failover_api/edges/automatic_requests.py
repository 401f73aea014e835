"""What people say about automatic failover, parsed: strictly, as a move is. In doubt it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failover_api.core.catalog.schema import NAME
from failover_api.core.config import duration
from failover_api.core.planning.request import checked_reason
from failover_api.core.rfc3339 import seconds_of
from failover_api.errors import BadRequest

PAUSE_KEYS = ("reason", "until", "services")
ACK_KEYS = ("service", "node")
ATTESTATION_KEYS = ("reason",)
MAX_SERVICES = 500


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """`until` in seconds since 1970, or `lasts_s` from now; both None: as long as may be. No `services`: all."""

    reason: str
    until: float | None
    lasts_s: float | None
    services: tuple[str, ...]


def pause_request(given: Mapping[str, Any]) -> PauseRequest:
    """Raises BadRequest."""
    until = given.get("until")
    lasts_s = duration.seconds_of(until) if isinstance(until, str) and duration.is_duration(until) else None
    ends_at = _until(until) if lasts_s is None else None
    return PauseRequest(reason_of(given), ends_at, lasts_s, _services(given.get("services")))


def ack_request(given: Mapping[str, Any]) -> tuple[str, str]:
    """A service or a node, the other is "". Raises BadRequest."""
    names = {key: given[key] for key in ACK_KEYS if given.get(key) is not None}
    if len(names) != 1 or not all(isinstance(name, str) and 0 < len(name) <= 253 for name in names.values()):
        raise BadRequest('expected either a service or a node, like {"service": "sonarr"}')
    return names.get("service", ""), names.get("node", "")


def reason_of(given: Mapping[str, Any], *, is_needed: bool = False) -> str:
    """Raises BadRequest."""
    reason = given.get("reason", "")
    if not isinstance(reason, str):
        raise BadRequest("reason: expected text")
    checked = checked_reason(reason)
    if is_needed and not checked:
        raise BadRequest("reason: expected how you know that it is off")
    return checked


def _until(value: object) -> float | None:
    if value is None:
        return None
    until = seconds_of(value) if isinstance(value, str) else None
    if until is not None:
        return until
    raise BadRequest("until: expected a time with its zone, like 2026-12-01T20:00:00Z, or a duration like 2h")


def _services(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    names: list[Any] = value if isinstance(value, list) and len(value) <= MAX_SERVICES else []
    if not names or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise BadRequest('services: expected a list of names, like ["sonarr"]; leave it out for all')
    return tuple(dict.fromkeys(names))
