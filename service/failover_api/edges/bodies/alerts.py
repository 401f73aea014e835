"""What alerts came to, as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from failover_api.core.rfc3339 import rfc3339_or_none
from failover_api.core.wording import cut
from failover_api.edges.models.alerts import AlertBody, AlertsBody, AlertServiceBody
from failover_api.edges.models.automatic import HoldBody

if TYPE_CHECKING:  # nothing of it is loaded until an alert comes
    from failover_api.automatic.alert_desk import AlertEnd, ServiceEnd
    from failover_api.core.safety.governance import Hold


def alerts_body(ends: "Sequence[AlertEnd]", *, left_out: int) -> AlertsBody:
    return AlertsBody(alerts=[_alert(end) for end in ends], left_out=left_out)


def _alert(end: "AlertEnd") -> AlertBody:
    alert, held = end.read, end.held
    meant = end.meant if end.result.value != "forbidden" else None  # not told who may not do it
    return AlertBody(
        fingerprint=alert.fingerprint if alert is not None else None,
        alertname=cut(alert.name) if alert is not None else "",
        status=None if alert is None else "firing" if alert.is_firing else "resolved",
        means=meant.means if meant is not None else None,
        node=meant.node if meant is not None else None,
        group=meant.group if meant is not None else None,
        result=end.result.value,
        held=held.gate.value if held is not None else None,
        detail=held.detail if held is not None else end.detail,
        cure=held.cure if held is not None else "",
        services=[_service(each) for each in end.services],
    )


def _service(end: "ServiceEnd") -> AlertServiceBody:
    return AlertServiceBody(
        service=end.service,
        result=end.result.value,
        held=end.holds[0].gate.value if end.holds else None,
        holds=[_hold(hold) for hold in end.holds],
        operation=end.operation,
        detail=end.detail,
    )


def _hold(hold: "Hold") -> HoldBody:
    return HoldBody(gate=hold.gate.value, detail=hold.detail, cure=hold.cure, until=rfc3339_or_none(hold.until))
