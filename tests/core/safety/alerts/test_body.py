"""The bodies of Alertmanager and Grafana, read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.safety.alerts import ALERTMANAGER_VERSIONS, GRAFANA_VERSIONS, Unreadable, read_body
from failover_api.core.safety.alerts.body import MAX_ALERTS, MAX_LABELS
from failover_api.core.safety.governance import Alert
from failover_api.errors import BadRequest
from tests.core.safety.alerts.bodies import BEGAN_AT, NODE_OFF, alertmanager, entry, grafana


def one(**changes: Any) -> Alert | Unreadable:
    (alert,) = read_body(alertmanager(entry(**changes))).alerts
    return alert


@pytest.mark.parametrize("body", [alertmanager(entry()), grafana(entry())], ids=["alertmanager", "grafana"])
def test_an_alert_is_read_from_either_body(body: bytes) -> None:
    read = read_body(body)
    assert read.alerts == (Alert("c1f2a3b4d5e6f708", BEGAN_AT, True, NODE_OFF),)
    assert read.left_out == 0


def test_each_alert_says_itself_whether_it_fires() -> None:
    """A group fires as long as one of its alerts does."""
    body = alertmanager(entry(), entry("resolved", fingerprint="b" * 16, endsAt="2026-11-23T04:10:00Z"))
    assert [alert.is_firing for alert in read_body(body).alerts if isinstance(alert, Alert)] == [True, False]


def test_keys_that_nobody_knows_yet_are_welcome() -> None:
    body = json.loads(alertmanager({**entry(), "silenced": {"by": []}}))
    read = read_body(json.dumps({**body, "notificationReason": "repeat"}).encode())
    assert isinstance(read.alerts[0], Alert)


@pytest.mark.parametrize(("given", "count"), [(3, 3), (0, 0), (-1, 0), ("3", 0), (True, 0), (None, 0)])
def test_alerts_that_the_sender_left_out_are_counted(given: object, count: int) -> None:
    assert read_body(alertmanager(entry(), truncatedAlerts=given)).left_out == count


def test_more_alerts_than_are_read_are_counted_too() -> None:
    read = read_body(alertmanager(*[entry()] * (MAX_ALERTS + 2), truncatedAlerts=3))
    assert (len(read.alerts), read.left_out) == (MAX_ALERTS, 5)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"fingerprint": ""}, "fingerprint: expected 1 to 64 letters and digits"),
        ({"fingerprint": "a\nb"}, "fingerprint: expected"),
        ({"fingerprint": "a" * 65}, "fingerprint: expected"),
        ({"fingerprint": 7}, "fingerprint: expected"),
        ({"status": "pending"}, "status: expected firing or resolved"),
        ({"status": None}, "status: expected"),
        ({"status": ["firing"]}, "status: expected"),
        ({"labels": None}, "labels: expected an object"),
        ({"labels": {f"l{n}": "" for n in range(MAX_LABELS + 1)}}, "labels: expected an object of at most 100 texts"),
        ({"labels": {"node": 1}}, "labels: node: expected a text"),
        ({"labels": {"no\nde": None}}, r"labels: no\u000ade: expected a text"),
        ({"labels": {"node": "n" * 5000}}, "labels: node: expected a text of at most 4096 characters"),
        ({"startsAt": None}, "startsAt: expected a time like"),
        ({"startsAt": "2026-11-23T04:00:21"}, "startsAt: expected a time"),
        ({"startsAt": "yesterday"}, "startsAt: expected a time"),
        ({"startsAt": "9999-12-31T23:59:59.9999999-14:00"}, "startsAt: expected a time"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt: expected a time"),
    ],
)
def test_an_alert_that_cannot_be_read_says_why_and_spoils_no_other(changes: dict[str, Any], detail: str) -> None:
    broken, good = read_body(alertmanager({**entry(), **changes}, entry())).alerts
    assert isinstance(broken, Unreadable)
    assert broken.place == "alerts[0]"
    assert broken.detail.startswith(detail)
    assert isinstance(good, Alert)


def test_what_is_no_alert_at_all_is_said_too() -> None:
    assert read_body(alertmanager("NodeOff", None)).alerts == (
        Unreadable("alerts[0]", "expected an object"),
        Unreadable("alerts[1]", "expected an object"),
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"alerts": {}}', b'{"alerts": null}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_such_body_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadRequest, match="expected"):
        read_body(body)


@pytest.mark.parametrize(
    ("version", "versions", "detail"),
    [
        ("5", ALERTMANAGER_VERSIONS, 'version: expected "4", not "5"'),
        ("1", ALERTMANAGER_VERSIONS, 'version: expected "4", not "1"'),
        ("2", GRAFANA_VERSIONS, 'version: expected "1" or "4", not "2"'),
        (4, ALERTMANAGER_VERSIONS, 'version: expected "4", not 4'),
        (None, ALERTMANAGER_VERSIONS, 'version: expected "4", not null'),
    ],
)
def test_a_body_of_another_version_is_refused(version: object, versions: tuple[str, ...], detail: str) -> None:
    with pytest.raises(BadRequest, match=detail):
        read_body(alertmanager(entry(), version=version), versions)


@pytest.mark.parametrize(
    "began", ["2026-11-23T04:00:21.739266876Z", "2026-11-23T05:00:21.739+01:00", "2026-11-23T04:00:21.7392Z"]
)
def test_a_firing_has_one_key_however_its_time_is_written(began: str) -> None:
    first, again = one(), one(startsAt=began, annotations={})
    assert isinstance(first, Alert)
    assert isinstance(again, Alert)
    assert first.key == again.key


def test_an_alert_that_fires_again_has_another_key() -> None:
    first, second = one(), one(startsAt="2026-11-23T05:00:21.739266876Z")
    assert isinstance(first, Alert)
    assert isinstance(second, Alert)
    assert first.key != second.key


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_field = st.sampled_from(["status", "labels", "startsAt", "fingerprint", "truncatedAlerts"])


@given(st.lists(st.tuples(_field, _json), max_size=4))
def test_nothing_that_can_stand_in_an_alert_breaks_the_reading(changes: list[tuple[str, Any]]) -> None:
    alert, good = read_body(alertmanager({**entry(), **dict(changes)}, entry())).alerts
    assert isinstance(good, Alert)
    if isinstance(alert, Alert):
        assert alert.key.isascii()
        assert alert.key.isprintable()
