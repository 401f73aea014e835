"""A move by the command line or by HTTP tells people and Flux, and its answer waits for neither."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover_api.notify.delivery import is_installed
from tests.support.receivers import Receiver, http_receiver
from tests.support.scrape import Scrape
from tests.support.shell import Cli
from tests.support.stage import SERVICES, Stage, entry

pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # apprise, up to 3.12
    pytest.mark.skipif(not is_installed(), reason="apprise is not installed"),
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def telling(stage: Stage, receiver: Receiver, tmp_path: Path) -> Stage:
    (tmp_path / "urls").write_text(f"json://me:geheim@127.0.0.1:{receiver.port}/people\n")
    (tmp_path / "token").write_text("geheim")
    told = f"notifications:\n  - url_file: {tmp_path / 'urls'}\n"
    flux = f'flux_receiver: {{url: "{receiver.url}/flux", secret_file: {tmp_path / "token"}}}'
    stage.declare(SERVICES, top=f"{told}{flux}")
    return stage


def people(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["title"] for got in receiver.got if got.path == "/people"]


def flux(receiver: Receiver) -> list[str]:
    calls = [json.loads(got.body) for got in receiver.got if got.path == "/flux"]
    return [one["service"] for call in calls for one in call["services"]]


def test_the_command_line_tells_before_it_ends(telling: Stage, cli: Cli, receiver: Receiver) -> None:
    assert cli.json("promote", "sonarr")["changed"]
    assert (people(receiver), flux(receiver)) == (["sonarr moved to backup"], ["sonarr"])
    cli("promote", "sonarr")
    cli("demote", "sonarr", "--dry-run")
    assert (len(people(receiver)), len(flux(receiver))) == (1, 1)


def test_where_the_files_are_not_the_command_line_says_that_nobody_is_told(
    telling: Stage, cli: Cli, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "urls").unlink()
    (tmp_path / "token").unlink()
    result = cli("promote", "sonarr")
    assert receiver.got == []
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"warning: Nobody is told of it, as far as is known: {tmp_path / 'urls'}: cannot read")


async def test_an_answer_warns_when_the_message_before_it_reached_nobody(
    telling: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    """What becomes of its own message it does not wait for."""
    app = telling.app(telling.settings())
    async with telling.client(app=app) as client:
        notifier = app.state.components.notifier
        notifier._waits_s, notifier._known_within_s = (), 30.0  # a busy machine is no slow disk
        receiver.answers = [500]
        first = await client.post("/api/failover/sonarr/promote")
        await notifier.idle()
        second = await client.post("/api/failover/radarr/promote")
        await notifier.idle()
        third = await client.post("/api/failover/sonarr/demote")
        dry = await client.post("/api/failover/sonarr/promote?dry-run=true")
        metrics = Scrape((await client.get("/metrics")).text)
    assert (first.json()["warnings"], third.json()["warnings"]) == ([], [])
    assert second.json()["warnings"] == [
        f"Nobody is told of it, as far as is known: the last message to {tmp_path / 'urls'}:1 (json): it was not taken."
    ]
    assert dry.json()["warnings"] == []
    assert "geheim" not in second.text
    assert metrics("failover_notifications_total", outcome="failed") == 1
    assert metrics("failover_notifications_total", outcome="sent") >= 1


async def test_the_answer_waits_for_nobody_and_shows_no_secret(
    telling: Stage, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "failover_api")
    async with telling.client() as client:
        receiver.hold()  # both hang now
        answers = [await client.post(f"/api/failover/{name}/promote") for name in ("sonarr", "radarr")]
        assert [answer.json()["changed"] for answer in answers] == [True, True]
        assert all(answer.json()["warnings"] == [] for answer in answers)
        receiver.free.set()
    said = [str(vars(record)) for record in caplog.records] + [answer.text for answer in answers]
    assert not [text for text in said if "geheim" in text]
    assert sorted(people(receiver)) == ["radarr moved to backup", "sonarr moved to backup"]


def test_a_group_in_two_parts_says_once_that_nobody_hears_of_it(stage: Stage, cli: Cli, tmp_path: Path) -> None:
    services = entry("sonarr") + entry("radarr", "media", "policy: pull_request")
    top = f"notifications:\n  - url_file: {tmp_path / 'gone'}\ngroups: {{media: [sonarr, radarr]}}"
    stage.declare(services, top=top)
    body = cli.json("promote", "--group", "media")
    assert [member["changed"] for member in body["services"]] == [True, True]
    assert [warning.partition(":")[0] for warning in body["warnings"]] == ["Nobody is told of it, as far as is known"]
