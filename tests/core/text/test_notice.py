"""What people are told: who wants what, and in which words."""

import pytest

from failover_api.core.catalog.notification import DEFAULT_EVENTS, FIELDS, Event, Notification, template_error
from failover_api.core.text.notice import make_notice

NOTICE = make_notice(
    Event.MOVED,
    services=("sonarr", "radarr"),
    title="Group media moved to backup",
    message="media: 2 services moved to backup (sonarr, radarr).",
    by="maria",
    reason="w1 is down",
    commit="https://github.test/c/1",
    group="media",
)


def test_the_text_says_what_who_why_and_where_to_look() -> None:
    assert NOTICE.fields["text"] == (
        "media: 2 services moved to backup (sonarr, radarr).\nAsked for by maria: w1 is down\nhttps://github.test/c/1"
    )


def test_what_nobody_said_is_left_out_of_the_text() -> None:
    notice = make_notice(Event.FAILED, services=("sonarr",), title="", message="It failed.", by="maria")
    assert notice.fields["text"] == "It failed.\nAsked for by maria."
    assert make_notice(Event.FAILED, services=(), title="", message="It failed.").fields["text"] == "It failed."


def test_what_nobody_asked_for_is_not_said_to_be_asked_for_by_a_person() -> None:
    for by, said in (("automatic", "Automatic failover asked for it."), ("alert", "An alert asked for it.")):
        notice = make_notice(Event.MOVED, services=("sonarr",), title="", message="It moved.", by=by)
        assert notice.fields["text"] == f"It moved.\n{said}"


def test_a_pull_request_is_where_to_look_rather_than_its_commit() -> None:
    notice = make_notice(
        Event.PROPOSED, services=(), title="", message="", commit="https://c", pull_request="https://p"
    )
    assert notice.fields["url"] == "https://p"


def test_every_field_is_there_and_is_text() -> None:
    assert set(NOTICE.fields) == set(FIELDS)
    assert all(isinstance(value, str) for value in NOTICE.fields.values())


def test_a_template_names_fields() -> None:
    template = "$event of ${service}, by $by, for $$5: $from$to"
    assert template_error(template) is None
    assert NOTICE.written(template) == "moved of sonarr, radarr, by maria, for $5: "


@pytest.mark.parametrize("field", FIELDS)
def test_a_template_may_name_each_field(field: str) -> None:
    assert template_error(f"${field}") is None
    assert NOTICE.written(f"${field}") == NOTICE.fields[field]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("costs 5 $", "has a `$` that begins no field"),
        ("${by", "has a `$` that begins no field"),
        ("$nam", "has the unknown field $nam, expected $action, $by,"),
        ("${by.__class__}", "has a `$` that begins no field"),
        ("$__class__", "has the unknown field $__class__"),
    ],
)
def test_what_is_wrong_with_a_template(template: str, fault: str) -> None:
    assert (template_error(template) or "").startswith(fault)


def test_fields_are_put_in_once_and_never_read_as_a_template() -> None:
    notice = make_notice(Event.MOVED, services=(), title="", message="", reason="$by {by} %(by)s", by="maria")
    assert notice.written("$reason {by.__class__}") == "$by {by} %(by)s {by.__class__}"


@pytest.mark.parametrize(
    ("services", "wanted"), [(("*",), True), (("son*",), True), (("radarr",), True), (("Sonarr", "plex"), False)]
)
def test_one_of_the_services_is_enough_to_be_told(services: tuple[str, ...], wanted: bool) -> None:
    assert Notification("urls", services=services).wants(NOTICE.event, NOTICE.services) is wanted


def test_by_default_everything_is_told_but_a_refusal() -> None:
    assert set(Event) - DEFAULT_EVENTS == {Event.REFUSED}
    assert Notification("urls").wants(NOTICE.event, NOTICE.services)
    assert not Notification("urls", events=frozenset({Event.FAILED})).wants(NOTICE.event, NOTICE.services)
