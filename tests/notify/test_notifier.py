"""Telling people: who is told, and that nothing of it fails or delays a move."""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover_api import logs
from failover_api.core.catalog.model import Action, Catalog, Policy
from failover_api.core.catalog.notification import Event, Notification
from failover_api.core.text.notice import Notice, make_notice
from failover_api.errors import NotReady
from failover_api.events import MoveEnded
from failover_api.moves.outcome import Outcome
from failover_api.notify.delivery import Message, UnusableUrl, is_installed
from failover_api.notify.notifier import KINDS, MAX_WAITING, Notifier
from tests.support.acts import promote
from tests.support.receivers import http_receiver, ids_in_the_log, mail_server, put
from tests.support.stage import SERVICES, Stage

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, up to 3.12
needs_apprise = pytest.mark.skipif(not is_installed(), reason="apprise is not installed")


def catalog(*notifications: Notification) -> Callable[[], Catalog]:
    made = Catalog({}, {}, notifications)
    return lambda: made


def notice(event: Event = Event.MOVED, service: str = "sonarr") -> Notice:
    return make_notice(event, services=(service,), title=f"{service} {event}", message="It moved.", operation="OP")


class Post:
    """A `send` that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []

    def __call__(self, url: str, message: Message) -> bool:
        self.sent.append((url, message))
        return True

    @property
    def urls(self) -> list[str]:
        return sorted(url for url, _ in self.sent)


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    file = tmp_path / "urls"
    file.write_text("# the team\njson://geheim-one/\n\n  ntfy://geheim-two  \n")
    return file


async def send_all(notifier: Notifier, *notices: Notice) -> None:
    for one in notices:
        notifier.tell(one)
    await notifier.aclose()


def quick(get: Callable[[], Catalog], post: Callable[[str, Message], bool], waits_s: Sequence[float] = ()) -> Notifier:
    return Notifier(get, send=post, is_installed=lambda: True, waits_s=waits_s)


async def test_each_url_of_the_file_is_told_in_the_words_of_the_template(urls: Path) -> None:
    post = Post()
    notifier = quick(catalog(Notification(str(urls), template="$service: $message")), post)
    await send_all(notifier, notice())
    assert post.urls == ["json://geheim-one/", "ntfy://geheim-two"]
    facts = {"about": "moved", "operation": "OP"}
    assert {message.title for _, message in post.sent} == {"sonarr moved"}
    assert post.sent[0][1] == Message("sonarr moved", "sonarr: It moved.", "success", facts)
    assert notifier.tally == {"sent": 2}


async def test_each_notification_has_its_events_and_services(tmp_path: Path) -> None:
    for name in ("all", "failures", "databases"):
        (tmp_path / name).write_text(f"test://{name}")
    post = Post()
    get = catalog(
        Notification(str(tmp_path / "all")),
        Notification(str(tmp_path / "failures"), events=frozenset({Event.FAILED, Event.REFUSED})),
        Notification(str(tmp_path / "databases"), services=("db-*",)),
    )
    await send_all(quick(get, post), notice(), notice(Event.REFUSED), notice(Event.FAILED, "db-1"))
    assert sorted((url, message.title) for url, message in post.sent) == [
        ("test://all", "db-1 failed"),
        ("test://all", "sonarr moved"),
        ("test://databases", "db-1 failed"),
        ("test://failures", "db-1 failed"),
        ("test://failures", "sonarr refused"),
    ]


async def test_a_changed_file_holds_from_the_next_message_on(urls: Path) -> None:
    post = Post()
    notifier = quick(catalog(Notification(str(urls))), post)
    await send_all(notifier, notice())
    put(urls, "test://new")
    notifier = quick(catalog(Notification(str(urls))), post)
    await send_all(notifier, notice())
    assert post.urls == ["json://geheim-one/", "ntfy://geheim-two", "test://new"]


async def test_who_brings_to_a_url_is_kept_only_while_the_file_has_it(urls: Path) -> None:
    post = Post()
    notifier = quick(catalog(Notification(str(urls))), post)
    for number in range(20):
        put(urls, f"test://{number}")
        notifier.tell(notice())
        await notifier._inbox.join()
        await asyncio.gather(*(delivery.idle() for delivery in notifier._deliveries.values()))
    assert len(notifier._deliveries) == 1
    await notifier.aclose()
    assert len(post.urls) == 20


@pytest.mark.parametrize("content", [None, b"", b"# nobody\n", b"\xff\xfe"])
async def test_a_file_that_cannot_be_used_is_said_once(
    urls: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    put(urls, content)
    post = Post()
    notifier = quick(catalog(Notification(str(urls))), post)
    await send_all(notifier, notice(), notice())
    assert caplog.messages == ["notifications are not sent"]
    assert str(urls) in caplog.records[0].__dict__["detail"]
    assert (post.sent, notifier.tally) == ([], {"dropped": 2})


async def test_without_apprise_a_warning_says_so_once_and_nothing_fails(
    stage: Stage, urls: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as if it were not there
    stage.declare(SERVICES, top=f"notifications:\n  - url_file: {urls}")
    async with stage.open() as components:
        assert not components.notifier.check()
        assert (await promote(components)).changed
        assert (await promote(components, "radarr")).changed
    assert [record.__dict__["detail"] for record in caplog.records] == [
        "apprise is not installed; it comes with the extra: failover-api[notify]"
    ]


async def test_a_url_that_hangs_holds_up_neither_the_others_nor_the_end(urls: Path) -> None:
    free, post = threading.Event(), Post()

    def send(url: str, message: Message) -> bool:
        return free.wait(30) if url.startswith("json") else post(url, message)

    notifier = quick(catalog(Notification(str(urls))), send)
    started = time.monotonic()
    for one in (notice(), notice(Event.FAILED)):
        notifier.tell(one)
    await notifier.aclose(drain_s=0.5)
    assert time.monotonic() - started < 10
    assert post.urls == ["ntfy://geheim-two", "ntfy://geheim-two"]
    assert notifier.tally == {"sent": 2, "dropped": 2}
    free.set()


async def test_what_waits_is_bounded_and_telling_returns_at_once(urls: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = quick(catalog(Notification(str(urls))), Post())
    for _ in range(MAX_WAITING + 5):
        notifier.tell(notice())
    assert notifier.tally == {"dropped": 5}
    assert caplog.messages == ["notification dropped: too many wait"] * 5
    await notifier.aclose(drain_s=0)


async def test_a_failed_try_is_made_again(urls: Path) -> None:
    put(urls, "test://one")
    results, post = [False, False, True], Post()
    notifier = quick(
        catalog(Notification(str(urls))), lambda url, message: results.pop(0) and post(url, message), [0.01, 0.01]
    )
    await send_all(notifier, notice())
    assert (len(post.sent), notifier.tally) == (1, {"sent": 1})


async def test_a_move_is_not_delayed_by_a_notifier_that_hangs(stage: Stage, urls: Path) -> None:
    free = threading.Event()
    notifier = quick(catalog(Notification(str(urls))), lambda url, message: free.wait(30))
    async with stage.open() as components:
        components.events.subscribe(MoveEnded, notifier.move_ended)
        async with asyncio.timeout(15):
            assert (await promote(components)).changed
            await asyncio.sleep(0.05)  # now the couriers hang
            assert (await promote(components, "radarr")).changed
        await notifier.aclose(drain_s=0)
        free.set()


async def test_no_url_is_in_any_line_of_the_log(urls: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    acts: list[BaseException] = [OSError("json://geheim-one"), UnusableUrl("geheim"), ValueError("geheim")]

    def send(url: str, message: Message) -> bool:
        raise acts.pop()

    put(urls, "json://geheim-one/\nntfy://geheim-two\ngeheim-three\n")
    notifier = quick(catalog(Notification(str(urls))), send)
    await send_all(notifier, notice())
    assert caplog.messages.count("notification not sent") == 3
    said = [str(vars(record)) for record in caplog.records]
    assert not [line for line in said if "geheim" in line]
    assert [record.__dict__["notifier"] for record in caplog.records if "notifier" in vars(record)][-1] is not None


async def test_its_lines_bear_no_requests_id(urls: Path) -> None:
    notifier = quick(catalog(Notification(str(urls))), Post())
    with ids_in_the_log() as ids:
        token = logs.request_id.set("R1")
        notifier.tell(notice())
        logs.request_id.reset(token)
        await notifier.aclose()
    assert ids == [None, None]


def test_every_event_has_a_kind() -> None:
    assert set(KINDS) == set(Event)


@needs_apprise
async def test_a_move_is_told_by_mail_and_webhook(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with http_receiver() as receiver, mail_server() as mailbox:
        file = tmp_path / "urls"
        file.write_text(
            f"json://me:geheim@127.0.0.1:{receiver.port}/hook\n"
            f"mailto://127.0.0.1:{mailbox.port}?from=failover@example.org&to=ops@example.org\n"
        )
        stage.declare(SERVICES, top=f"notifications:\n  - url_file: {file}")
        async with stage.open() as components:
            outcome = await promote(components, reason="w1 is down")
            assert outcome.commit is not None
            await components.notifier.aclose(drain_s=30)
            assert components.notifier.tally == {"sent": 2}
        (got,), ((_, _, mail),) = receiver.got, mailbox.mails
    assert mail["Subject"] == "sonarr moved to backup"
    told = json.loads(got.body)
    assert told["message"].splitlines()[1:] == ["Asked for by maria: w1 is down", outcome.commit.url]
    assert not [record for record in caplog.records if "geheim" in str(vars(record))]


# Whether anybody hears of it


def ended(stage_outcome: Outcome, **how: Any) -> MoveEnded:
    return MoveEnded(
        Action.PROMOTE, Policy.DIRECT, ("sonarr",), None, "maria", "", False, "OP", 0.1, outcome=stage_outcome, **how
    )


@pytest.fixture
async def moved(stage: Stage) -> MoveEnded:
    """A move that changed something."""
    async with stage.open() as components:
        return ended(await promote(components))


async def test_nothing_is_said_when_anybody_may_hear_of_it(moved: MoveEnded, urls: Path) -> None:
    assert await quick(catalog(Notification(str(urls))), Post()).untold(moved) == ()
    gone = Notification(str(urls.with_name("gone")))
    assert await quick(catalog(gone, Notification(str(urls))), Post()).untold(moved) == ()


async def test_nothing_is_said_when_nobody_wants_to_know(moved: MoveEnded, urls: Path) -> None:
    put(urls, None)
    others = Notification(str(urls), services=("db-*",))
    failures = Notification(str(urls), events=frozenset({Event.FAILED}))
    for get in (catalog(), catalog(others, failures)):
        assert await quick(get, Post()).untold(moved) == ()
    refused = replace(moved, outcome=None, error=NotReady("x"))
    assert await quick(catalog(Notification(str(urls))), Post()).untold(replace(refused, dry_run=True)) == ()


@pytest.mark.parametrize("content", [None, b"", b"# nobody\n", b"\xff\xfe"])
async def test_a_file_without_targets_is_said(moved: MoveEnded, urls: Path, content: bytes | None) -> None:
    put(urls, content)
    (said,) = await quick(catalog(Notification(str(urls)), Notification(str(urls))), Post()).untold(moved)
    assert said.startswith(f"Nobody is told of it, as far as is known: {urls}: ")


async def test_that_the_last_message_reached_none_is_said_and_no_url(moved: MoveEnded, urls: Path) -> None:
    notifier = quick(catalog(Notification(str(urls))), lambda url, message: False)
    notifier.tell(notice())
    await notifier.idle()
    (said,) = await notifier.untold(moved)
    assert said == (
        f"Nobody is told of it, as far as is known: the last message to {urls}:2 (json): it was not taken (and 1 more)."
    )
    await notifier.aclose()


async def test_without_apprise_nobody_is_told(moved: MoveEnded, urls: Path) -> None:
    notifier = Notifier(catalog(Notification(str(urls))), is_installed=lambda: False)
    (said,) = await notifier.untold(moved)
    assert said == "Nobody is told of it: apprise is not installed; it comes with the extra: failover-api[notify]."


async def test_a_disk_that_hangs_holds_no_answer_up(moved: MoveEnded, tmp_path: Path) -> None:
    pipe = tmp_path / "urls"
    os.mkfifo(pipe)  # whoever opens it waits for a writer
    started = time.monotonic()
    assert await quick(catalog(Notification(str(pipe))), Post()).untold(moved) == ()
    assert time.monotonic() - started < 5
    with pipe.open("w"):  # lets the reader go
        pass
