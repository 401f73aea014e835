"""notifications and flux_receiver in services.yaml: what works, and what every error says."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog, FluxReceiver
from failover_api.core.catalog.notification import DEFAULT_EVENTS, Event, Notification
from tests.support.catalog_text import parsed, refusals
from tests.support.project import ROOT

BASE = """\
repository: acme/homelab
services:
  web: {namespace: media, deployment: web, primary_node_label: a, backup_node_label: b}
"""
RECEIVER = "expected a URL like 'http://webhook-receiver.flux-system/hook/...', without a password"
FILE = "expected the path of a file, as in '/etc/failover/notify/urls'; a URL belongs in that file"


def catalog_with(more: str) -> Catalog:
    return parsed(BASE + more)


def errors(more: str) -> list[str]:
    return [error.removeprefix("services.yaml:") for error in refusals(BASE + more)]


def test_without_the_keys_nobody_is_told() -> None:
    assert catalog_with("").notifications == ()
    assert catalog_with("").flux_receiver is None


def test_a_file_of_urls_is_enough() -> None:
    (notification,) = catalog_with("notifications:\n  - url_file: /etc/failover/notify/urls\n").notifications
    assert notification == Notification("/etc/failover/notify/urls", DEFAULT_EVENTS, ("*",), "$text")


def test_events_services_and_template() -> None:
    more = """\
notifications:
  - url_file: /run/ops
    events: [moved, outcome-unknown, rolled-back]
    services: [web, "db-*"]
    template: |
      $service is on $to now
      $url
  - {url_file: /run/all, events: [refused, failed, merged, proposed]}
"""
    first, second = catalog_with(more).notifications
    assert first.events == {Event.MOVED, Event.OUTCOME_UNKNOWN, Event.ROLLED_BACK}
    assert first.services == ("web", "db-*")
    assert first.template == "$service is on $to now\n$url\n"
    assert second.events == {Event.REFUSED, Event.FAILED, Event.MERGED, Event.PROPOSED}


def test_the_receiver_of_flux() -> None:
    more = 'flux_receiver: {url: "http://webhook-receiver.flux-system/hook/bed6d0", secret_file: /run/flux/token}\n'
    expected = FluxReceiver("http://webhook-receiver.flux-system/hook/bed6d0", "/run/flux/token")
    assert catalog_with(more).flux_receiver == expected


def test_telling_people_makes_no_other_service_of_a_service() -> None:
    told = catalog_with("notifications:\n  - url_file: /run/all\n")
    assert told.services["web"].digest == catalog_with("").services["web"].digest


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("notifications: {}\n", ["4: notifications: expected a list, not a mapping"]),
        ("notifications:\n  - /run/all\n", ["5: notifications[0]: expected a mapping, not '/run/all'"]),
        ("notifications:\n  - {events: [moved]}\n", ["5: notifications[0].url_file: is missing"]),
        (
            "notifications:\n  - url_file: a\n    evnets: [moved]\n",
            ["6: notifications[0].evnets: unknown key; did you mean 'events'?"],
        ),
        (
            "notifications:\n  - url_file: a\n    events:\n      - moved\n      - gone\n",
            [
                "8: notifications[0].events[1]: expected 'moved', 'proposed', 'merged', 'refused', 'failed', ",
            ],
        ),
        (
            "notifications:\n  - url_file: a\n    events: []\n    services: []\n",
            [
                "6: notifications[0].events: expected at least one, or no such key for the default",
                "7: notifications[0].services: expected at least one, or no such key for the default",
            ],
        ),
        (
            "notifications:\n  - {url_file: a, services: [wbe]}\n",
            ["5: notifications[0].services[0]: no service is named 'wbe'"],
        ),
        (
            "notifications:\n  - url_file: a\n    template: $$5 for $nobody\n",
            [
                "6: notifications[0].template: has the unknown field $nobody, expected $action, $by, $commit, $event, ",
            ],
        ),
        (
            "notifications:\n  - url_file: a\n    template: 5 $\n",
            ["6: notifications[0].template: has a `$` that begins no field; a `$` of its own is written `$$`"],
        ),
        (
            f"notifications:\n  - url_file: a\n    template: {'x' * 4001}\n",
            ["6: notifications[0].template: expected at most 4000 characters, not 4001"],
        ),
        ("notifications:\n  - {url_file: a, template: ' '}\n", ["5: notifications[0].template: expected text, not an"]),
        ("flux_receiver: null\n", ["4: flux_receiver: expected a mapping, not null"]),
        ('flux_receiver: {url: "http://r/"}\n', ["4: flux_receiver.secret_file: is missing"]),
        (
            'flux_receiver: {url: "http://r/", secretfile: a}\n',
            [
                "4: flux_receiver.secret_file: is missing",
                "4: flux_receiver.secretfile: unknown key; did you mean 'secret_file'?",
            ],
        ),
    ],
)
def test_what_each_error_says(more: str, expected: list[str]) -> None:
    assert [error[: len(claim)] for error, claim in zip(errors(more), expected, strict=True)] == expected


@pytest.mark.parametrize(
    "url", ["ftp://r/hook", "r/hook", "http://", "http://me:geheim@r/", "http://r/#geheim", "http://r:0/", "http://[::"]
)
def test_a_receiver_that_is_no_plain_url_is_refused_without_showing_it(url: str) -> None:
    assert errors(f"flux_receiver: {{url: '{url}', secret_file: a}}\n") == [f"4: flux_receiver.url: {RECEIVER}"]


def test_a_secret_in_the_place_of_a_file_is_refused_without_showing_it() -> None:
    assert errors("notifications:\n  - {url_file: 'slack://geheim/a/b'}\n") == [f"5: notifications[0].url_file: {FILE}"]
    more = "flux_receiver: {url: 'http://r/', secret_file: 'https://geheim'}\n"
    assert errors(more) == [f"4: flux_receiver.secret_file: {FILE}"]


def test_the_example_that_is_commented_out_works_and_shows_the_defaults() -> None:
    text = (ROOT / "config/services.yaml").read_text()
    _, found, example = text.partition("# notifications:\n")
    lines = [line.removeprefix("# ") for line in f"{found}{example}".splitlines()]
    catalog = parse_catalog("\n".join([text, *lines]), file="services.yaml")
    (notification,) = catalog.notifications
    assert notification == Notification("/etc/failover/notify/urls")
    assert catalog.flux_receiver is not None
