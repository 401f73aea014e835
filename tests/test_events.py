"""What happens is told to those who subscribed to it, and to nobody else."""

import pytest

from failover_api.core.catalog.model import Branch
from failover_api.events import BranchMoved, Events, Looked

MOVED = BranchMoved(Branch("acme/homelab", "main"))


def test_an_event_is_told_to_whoever_subscribed_to_its_type_in_order() -> None:
    events, calls = Events(), list[tuple[str, object]]()
    events.publish(MOVED)
    events.subscribe(BranchMoved, lambda event: calls.append(("first", event)))
    events.subscribe(BranchMoved, lambda event: calls.append(("second", event)))
    events.subscribe(Looked, lambda event: calls.append(("other", event)))
    events.publish(MOVED)
    assert calls == [("first", MOVED), ("second", MOVED)]


def test_a_subscriber_that_fails_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: BranchMoved) -> None:
        raise RuntimeError("full")

    events, calls = Events(), list[BranchMoved]()
    events.subscribe(BranchMoved, fail)
    events.subscribe(BranchMoved, calls.append)
    events.publish(MOVED)
    assert calls == [MOVED]
    (record,) = caplog.records
    assert (record.getMessage(), record.levelname) == ("a listener failed", "ERROR")
    assert record.exc_info is not None
