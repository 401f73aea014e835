"""The body of a webhook of Alertmanager (version "4") or of Grafana, which writes the same with keys of its own.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/

Only what is needed is read, so keys may come that nobody knows yet. One alert that cannot be read spoils none of the
others. What the alerts have in common (`commonLabels`, `groupLabels`, `status`) is not looked at: each says it itself.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.governance import Alert
from failover_api.core.untrusted_json import parse_json
from failover_api.core.wording import cut
from failover_api.errors import BadRequest

MAX_ALERTS = 1000
MAX_LABELS, MAX_LABEL = 100, 4096
_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{1,64}")
_EXPECTED = "expected the body of Alertmanager's webhook, version 4, or of Grafana's"
ALERTMANAGER_VERSIONS = ("4",)
GRAFANA_VERSIONS = ("1", "4")  # Grafana's own is 1; it is read as Alertmanager's


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An alert of a body that is none. `place` is where it stands."""

    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class AlertBody:
    """In the order of the body. So many are `left_out` of it: its sender says that it cut them, or MAX_ALERTS did."""

    alerts: tuple[Alert | Unreadable, ...]
    left_out: int = 0


def read_body(body: bytes, versions: Sequence[str] = GRAFANA_VERSIONS) -> AlertBody:
    """Raises BadRequest for what is no such body at all, or says that it is of none of these `versions`."""
    try:
        data = parse_json(body)
    except ValueError as exc:
        raise BadRequest(f"the body is not JSON; {_EXPECTED}") from exc
    entries = data.get("alerts") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise BadRequest(f"alerts: expected a list; {_EXPECTED}")
    if (version := data.get("version", versions[0])) not in versions:
        expected = " or ".join(map(json.dumps, versions))
        raise BadRequest(f"version: expected {expected}, not {cut(json.dumps(version))}; {_EXPECTED}")
    read = tuple(_alert(entry, f"alerts[{at}]") for at, entry in enumerate(entries[:MAX_ALERTS]))
    return AlertBody(read, _truncated(data) + max(0, len(entries) - MAX_ALERTS))


def _truncated(data: Mapping[str, Any]) -> int:
    count = data.get("truncatedAlerts")
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0


def _alert(entry: object, place: str) -> Alert | Unreadable:
    try:
        return _read(entry)
    except ValueError as exc:
        return Unreadable(place, str(exc))


def _read(entry: object) -> Alert:
    """Raises ValueError, which says what was expected."""
    if not isinstance(entry, dict):
        raise ValueError("expected an object")
    fingerprint, status = entry.get("fingerprint"), entry.get("status")
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError("fingerprint: expected 1 to 64 letters and digits")
    if status not in ("firing", "resolved"):
        raise ValueError("status: expected firing or resolved")
    return Alert(fingerprint, _time(entry.get("startsAt")), status == "firing", _labels(entry.get("labels")))


def _labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_LABELS:
        raise ValueError(f"labels: expected an object of at most {MAX_LABELS} texts")
    for label, text in value.items():
        if not isinstance(text, str) or len(label) > MAX_LABEL or len(text) > MAX_LABEL:
            raise ValueError(f"labels: {cut(label)}: expected a text of at most {MAX_LABEL} characters")
    return value


def _time(value: object) -> float:
    """RFC 3339, to the nanosecond as Go writes it."""
    at = seconds_of(value) if isinstance(value, str) else None
    if at is None:
        raise ValueError("startsAt: expected a time like 2026-11-23T04:00:21Z")
    return at
