"""Messages to one apprise URL: in order, with retries, and nothing that hangs holds anybody up."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from failover_api.notify.delivery import MAX_WAITING, Delivery, Message, Send, UnusableUrl, is_installed, send
from tests.support.receivers import certificate, http_receiver, mail_server

MESSAGE = Message(
    "sonarr moved to backup", "sonarr moved.\nAsked for by maria: <b>w1</b> & *w2* <!channel> @everyone", "success", {}
)
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, up to 3.12
needs_apprise = pytest.mark.skipif(not is_installed(), reason="apprise is not installed")


def message(title: str) -> Message:
    return Message(title, "", "info", {"operation": title})


class Script:
    """A `send` that does what it is told, one act a try; then it delivers."""

    def __init__(self, *acts: bool | BaseException | Callable[[], bool]) -> None:
        self.acts, self.tries, self.sent = list(acts), 0, list[str]()

    def __call__(self, url: str, message: Message) -> bool:
        self.tries += 1
        act = self.acts.pop(0) if self.acts else True
        if isinstance(act, BaseException):
            raise act
        result = act() if callable(act) else act
        if result:
            self.sent.append(message.title)
        return result


def delivery(send: Send, tally: Counter[str], *, try_s: float = 5.0, waits: int = 3) -> Delivery:
    label = {"notifier": "test"}
    return Delivery("test://geheim", label, tally, send=send, try_s=try_s, waits_s=[0.01] * waits)


async def test_messages_are_sent_in_order() -> None:
    script, tally = Script(False, False), Counter[str]()
    one = delivery(script, tally)
    for title in "abc":
        one.take(message(title))
    await one.idle()
    assert script.sent == ["a", "b", "c"]
    assert (script.tries, tally) == (5, {"sent": 3})


async def test_a_message_that_cannot_be_sent_is_given_up_and_the_next_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    script, tally = Script(False, OSError("geheim"), False, False), Counter[str]()
    one = delivery(script, tally)
    one.take(message("a"))
    one.take(message("b"))
    await one.idle()
    assert script.sent == ["b"]
    assert tally == {"failed": 1, "sent": 1}
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.message == "notification not sent"
    assert record.__dict__["why"] == "it was not taken"
    assert "geheim" not in caplog.text


async def test_a_url_that_apprise_does_not_know_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    script, tally = Script(UnusableUrl()), Counter[str]()
    one = delivery(script, tally)
    one.take(message("a"))
    await one.idle()
    assert script.tries == 1
    assert caplog.records[0].__dict__["why"] == "apprise knows no such URL"


async def test_one_that_hangs_is_left_alone_and_not_asked_again_meanwhile() -> None:
    free = threading.Event()
    script, tally = Script(lambda: free.wait(30)), Counter[str]()
    one = delivery(script, tally, try_s=0.05)
    one.take(message("a"))
    one.take(message("b"))
    started = time.monotonic()
    await one.idle()
    assert time.monotonic() - started < 5
    assert tally == {"failed": 2}
    assert script.tries == 1
    free.set()


async def test_what_waits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    free = threading.Event()
    script, tally = Script(lambda: free.wait(30)), Counter[str]()
    one = delivery(script, tally)
    for number in range(MAX_WAITING + 3):
        one.take(message(str(number)))
    assert tally == {"dropped": 3}
    assert caplog.messages == ["notification dropped: too many wait"] * 3
    free.set()
    await one.idle()
    assert len(script.sent) == MAX_WAITING


async def test_stopping_says_how_much_was_left() -> None:
    free = threading.Event()
    one = delivery(Script(lambda: free.wait(30)), Counter())
    assert one.stop() == 0
    one.take(message("a"))
    one.take(message("b"))
    await asyncio.sleep(0)
    assert one.stop() == 2
    free.set()


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    program = """
import asyncio, time
from collections import Counter
from failover_api.notify.delivery import Delivery, Message
async def main():
    one = Delivery("test://", {}, Counter(), send=lambda url, message: time.sleep(60), try_s=0.05, waits_s=[])
    one.take(Message("a", "b", "info", {}))
    await one.idle()
asyncio.run(main())
"""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert time.monotonic() - started < 20


def test_without_apprise_that_is_known_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as if it were not there
    assert not is_installed()


# With apprise, to real servers


@needs_apprise
def test_a_plain_webhook() -> None:
    with http_receiver() as receiver:
        assert send(f"json://me:geheim@127.0.0.1:{receiver.port}/hook", MESSAGE)
        (got,) = receiver.got
    assert got.path == "/hook"
    told = json.loads(got.body)
    assert (told["title"], told["message"], told["type"]) == (MESSAGE.title, MESSAGE.body, "success")


@needs_apprise
def test_ntfy() -> None:
    with http_receiver() as receiver:
        assert send(f"ntfy://tk_geheim@127.0.0.1:{receiver.port}/failover", MESSAGE)
        (got,) = receiver.got
    assert got.headers["authorization"] == "Bearer tk_geheim"
    assert json.loads(got.body) == {"topic": "failover", "title": MESSAGE.title, "message": MESSAGE.body}


@needs_apprise
def test_mattermost_which_takes_what_slack_takes() -> None:
    with http_receiver() as receiver:
        assert send(f"mmost://127.0.0.1:{receiver.port}/3ccdd113474722377935511fc85d3dd4", MESSAGE)
        (got,) = receiver.got
    assert got.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert MESSAGE.body in json.loads(got.body)["text"]


@needs_apprise
def test_an_email_is_plain_text() -> None:
    with mail_server() as mailbox:
        assert send(f"mailto://127.0.0.1:{mailbox.port}?from=failover@example.org&to=ops@example.org", MESSAGE)
        ((sender, recipients, mail),) = mailbox.mails
    assert (sender, recipients) == ("failover@example.org", ["ops@example.org"])
    assert mail["Subject"] == MESSAGE.title
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == MESSAGE.body


@needs_apprise
@pytest.mark.parametrize(
    ("url", "path", "key"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "/services/T1JJ3T3L2/A1BRTD4JD/TIia", "attachments"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "/api/webhooks/4174216298/JHMHI8qBe7b", "content"),
    ],
)
def test_slack_and_discord_as_far_as_their_door(
    url: str, path: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their hosts are fixed: a proxy on this machine stands in for them, with a certificate of its own."""
    trusted, tls = certificate(tmp_path, "hooks.slack.com", "discord.com")
    with http_receiver(tls) as receiver:
        monkeypatch.setenv("HTTPS_PROXY", receiver.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        assert send(url, MESSAGE)
        (got,) = receiver.got
    assert got.path.startswith(path)
    told = json.loads(got.body)
    assert "Asked for by maria" in json.dumps(told[key])
    assert "icon_url" not in told
    assert "<!channel>" not in told.get("attachments", [{"text": ""}])[0]["text"]  # nobody is called by a reason


@needs_apprise
def test_what_is_refused_is_not_sent() -> None:
    with http_receiver() as receiver:
        receiver.answers = [500]
        assert not send(f"json://127.0.0.1:{receiver.port}/hook", MESSAGE)


@needs_apprise
@pytest.mark.parametrize("url", ["geheim", "nothing://geheim", "slack://geheim"])
def test_what_is_no_url_of_apprise(url: str) -> None:
    with pytest.raises(UnusableUrl):
        send(url, MESSAGE)


@needs_apprise
def test_apprise_takes_no_threads_of_its_own() -> None:
    """The end of the process would wait for those of a pool."""
    send("json://127.0.0.1:1/hook", MESSAGE)
    assert not [thread.name for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


@needs_apprise
def test_apprise_says_nothing_of_a_url_in_the_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, name)
    with http_receiver() as receiver:
        receiver.answers = [500, 403, 200]
        for _ in range(3):
            send(f"json://geheim-user:geheim-password@127.0.0.1:{receiver.port}/geheim-path?geheim=1", MESSAGE)
        assert len(receiver.got) == 3
    send("json://geheim-user:geheim-password@127.0.0.1:1/geheim-path", MESSAGE)
    said = capfd.readouterr()
    assert "geheim" not in caplog.text + said.out + said.err
