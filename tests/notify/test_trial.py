"""A test message to each target: each is tried once, and told of without its URL."""

import threading
from pathlib import Path

import pytest

from failover_api.core.catalog.model import Catalog
from failover_api.core.catalog.notification import Event, Notification
from failover_api.notify.delivery import Message, UnusableUrl, is_installed
from failover_api.notify.trial import Tried, try_targets
from failover_api.notify.url_file import NO_URL, Target, read_targets

needs_apprise = pytest.mark.skipif(not is_installed(), reason="apprise is not installed")


def catalog(*files: Path) -> Catalog:
    failures = frozenset({Event.FAILED})
    return Catalog({}, {}, tuple(Notification(str(file), events=failures) for file in files))


def script(url: str, message: Message) -> bool:
    """A `send` whose results are in the URLs."""
    if url.startswith("nonesuch"):
        raise UnusableUrl
    if url.startswith("broken"):
        raise ValueError(url)
    return not url.startswith("deaf")


@needs_apprise
async def test_each_target_is_tried_once_whatever_events_it_is_for(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("# the team\ngood://geheim\n\ndeaf://geheim\n")
    two.write_text("nonesuch://geheim\nbroken://geheim\n")
    tried = await try_targets(catalog(one, two, one), "maria", send=script)
    assert tried == [
        Tried(str(one), 2, "good", ""),
        Tried(str(one), 4, "deaf", "it was not taken"),
        Tried(str(two), 1, "nonesuch", "apprise knows no such URL"),
        Tried(str(two), 2, "broken", "ValueError"),
    ]
    assert "geheim" not in repr(tried)


@needs_apprise
async def test_the_message_says_who_asked_and_that_nothing_moved(tmp_path: Path) -> None:
    sent: list[Message] = []
    (tmp_path / "urls").write_text("good://x")
    await try_targets(catalog(tmp_path / "urls"), "maria", send=lambda _, message: not sent.append(message))
    assert (sent[0].title, sent[0].kind) == ("failover-api: a test", "info")
    assert sent[0].body == "maria asked whether notifications arrive here. Nothing was moved."


@needs_apprise
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot read the URLs of notifications (No such file or directory)"),
        (b"# nobody\n", "expected an apprise URL on each line, found none"),
        (b"\xff\xfe", "cannot read the URLs of notifications (not text)"),
    ],
)
async def test_a_file_without_targets_is_told_of(tmp_path: Path, content: bytes | None, fault: str) -> None:
    file = tmp_path / "urls"
    if content is not None:
        file.write_bytes(content)
    assert await try_targets(catalog(file), "maria", send=script) == [Tried(str(file), None, "", fault)]


@needs_apprise
async def test_one_that_hangs_is_given_up_and_holds_up_no_other(tmp_path: Path) -> None:
    free = threading.Event()
    (tmp_path / "urls").write_text("slow://x\ngood://y\n")
    tried = await try_targets(
        catalog(tmp_path / "urls"), "maria", send=lambda url, _: url.startswith("good") or free.wait(30), limit_s=0.2
    )
    free.set()
    assert [one.fault for one in tried] == ["no answer within 0.2 s", ""]


async def test_without_notifications_nothing_is_tried() -> None:
    assert await try_targets(catalog(), "maria", send=script) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slack://a/b/c", "slack"),
        ("json://me:geheim@host", "json"),
        ("geheim", NO_URL),
        ("user:geheim@host", NO_URL),
        ("geheim geheim://x", NO_URL),
        ("a" * 40 + "://x", NO_URL),
    ],
)
def test_of_a_url_only_its_kind_is_shown(url: str, shown: str, tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text(f"\n  {url}  \n")
    (target,) = read_targets(str(file))
    assert target == Target(str(file), 2, url)
    assert (target.notifier, target.place) == (shown, f"{file}:2")
    assert url not in repr(target)
