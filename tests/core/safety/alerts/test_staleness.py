"""When an alert is too old to move anything, or from a time to come."""

import pytest

from failover_api.core.safety.governance import Alert, AlertOrder, Gate, LastMove, decide_alert
from tests.core.safety.alerts.situations import NOW, service, situation

MOVED = LastMove(NOW - 100.0, "somebody", is_automatic=False)


@pytest.mark.parametrize(
    ("age_s", "last_move", "is_stale"),
    [
        (0.0, None, False),
        (3600.0, None, False),
        (3600.5, None, True),
        (3e9, None, True),
        (99.0, MOVED, False),
        (100.0, MOVED, False),
        (100.5, MOVED, True),
        (-300.0, None, False),
        (-300.5, None, True),
    ],
)
def test_an_alert_is_stale_after_an_hour_or_a_move_and_never_from_the_future(
    age_s: float, last_move: LastMove | None, is_stale: bool
) -> None:
    order = AlertOrder(Alert("f", NOW - age_s), services=("sonarr",))
    answer = decide_alert(order, situation(service(last_move=last_move)))
    gates = [hold.gate for hold in answer.held.get("sonarr", ())]
    assert gates == ([Gate.STALE_ALERT] if is_stale else [])
    assert (answer.act is None) is is_stale
