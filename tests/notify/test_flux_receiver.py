"""Making Flux act at once: a local receiver checks the signature as Flux does."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from failover_api import logs
from failover_api.core.catalog.model import Action, Branch, Catalog, FluxReceiver
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.text.trailers import Record
from failover_api.events import Merged
from failover_api.forge.http.connections import Connections, open_connections
from failover_api.notify.flux_receiver import Flux, signature
from tests.support.acts import demote, promote
from tests.support.receivers import Got, Receiver, http_receiver, ids_in_the_log, put
from tests.support.stage import SERVICES, Stage

SECRET = "geheim-hmac"
BRANCH = Branch("acme/homelab", "main")
RECORD = Record("sonarr", "promote", "primary", "backup", Provenance("OP", "", ""))
MERGED = Merged(BRANCH, 12, "https://p", (RECORD,), "https://c")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = open_connections()
    yield made
    await made.aclose()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture
def flux(connections: Connections, receiver: Receiver, secret_file: Path) -> Flux:
    return Flux(catalog_of(receiver.url, secret_file), connections, waits_s=[0.01, 0.01])


def catalog_of(url: str, secret_file: Path) -> Callable[[], Catalog]:
    made = Catalog({}, {}, (), FluxReceiver(f"{url}/hook/geheim-path", str(secret_file)))
    return lambda: made


@pytest.fixture
def fluxed(stage: Stage, receiver: Receiver, secret_file: Path) -> Stage:
    """The stage with a Flux receiver."""
    declare_with(stage, receiver, secret_file)
    return stage


def declare_with(stage: Stage, receiver: Receiver, secret_file: Path, *, top: str = "", groups: str = "") -> None:
    told = f'flux_receiver: {{url: "{receiver.url}/hook/geheim-path", secret_file: {secret_file}}}'
    stage.declare(f"{SERVICES}{groups}", top=f"{told}\n{top}")


def checked(got: Got, secret: str = SECRET) -> list[dict[str, Any]]:
    """The services of a call, whose signature is checked as generic-hmac receivers do: HASH=HEX, over the raw body.

    https://github.com/fluxcd/notification-controller/blob/main/internal/server/receiver_handlers.go
    """
    algorithm, _, given = got.headers["x-signature"].partition("=")
    assert algorithm in {"sha1", "sha256", "sha512"}
    assert hmac.compare_digest(bytes.fromhex(given), hmac.new(secret.encode(), got.body, algorithm).digest())
    services: list[dict[str, Any]] = json.loads(got.body)["services"]
    return services


def test_the_signature_is_what_openssl_makes() -> None:
    """printf 'body' | openssl dgst -sha256 -hmac 'secret'"""
    expected = "dc46983557fea127b43af721467eb9b3fde2338fe3e14f51952aa8478c13d355"
    assert signature("secret", b"body") == f"sha256={expected}"
    assert signature("s", b"") == f"sha256={hmac.new(b's', b'', hashlib.sha256).hexdigest()}"


async def test_a_commit_is_told_with_what_it_moved(fluxed: Stage, receiver: Receiver) -> None:
    async with fluxed.open() as components:
        outcome = await promote(components)
        await components.flux.idle()
        assert components.flux.tally == {"sent": 1}
    (got,) = receiver.got
    assert outcome.commit is not None
    assert got.path == "/hook/geheim-path"
    assert got.headers["content-type"] == "application/json"
    assert checked(got) == [
        {
            "service": "sonarr",
            "action": "promote",
            "from": "primary",
            "to": "backup",
            "operation": outcome.operation,
            "repository": fluxed.repository,
            "branch": "main",
            "commit": outcome.commit.url,
        }
    ]


async def test_a_commit_of_many_is_one_call(stage: Stage, receiver: Receiver, secret_file: Path) -> None:
    declare_with(stage, receiver, secret_file, groups="groups:\n  media: [sonarr, radarr, plex]\n")
    async with stage.open() as components:
        await components.failover.move_group("media", Action.PROMOTE, MoveRequest(by="maria"))
        await asyncio.gather(*(demote(components, name) for name in ("sonarr", "radarr", "plex")))
        await components.flux.idle()
    told = [one for got in receiver.got for one in checked(got)]
    assert [one["service"] for one in told if one["to"] == "backup"] == ["sonarr", "radarr", "plex"]
    assert sorted(one["service"] for one in told if one["to"] == "primary") == ["plex", "radarr", "sonarr"]
    assert len(receiver.got) < 6


async def test_what_lands_in_a_moment_is_one_call(flux: Flux, receiver: Receiver) -> None:
    for _ in range(50):
        flux.merged(MERGED)
        await asyncio.sleep(0)
    await flux.idle()
    (got,) = receiver.got
    assert len(checked(got)) == 50


async def test_no_commit_is_no_call(stage: Stage, receiver: Receiver, secret_file: Path) -> None:
    declare_with(stage, receiver, secret_file)
    async with stage.open() as components:
        await promote(components, dry_run=True)
        await demote(components)
        await components.flux.idle()
    declare_with(stage, receiver, secret_file, top="policy: pull_request")
    async with stage.open() as components:
        assert (await promote(components)).is_pending
        await components.flux.idle()
    assert receiver.got == []


async def test_a_merge_is_told(flux: Flux, receiver: Receiver) -> None:
    flux.merged(MERGED)
    await flux.idle()
    (told,) = checked(receiver.got[0])
    assert (told["service"], told["commit"], told["branch"]) == ("sonarr", "https://c", "main")


async def test_a_failed_call_is_a_warning_and_made_again_with_what_came_meanwhile(
    flux: Flux, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500, 404]
    flux.merged(MERGED)
    await flux.idle()
    assert flux.tally == {"failed": 2, "sent": 1}
    assert [record.__dict__["why"] for record in caplog.records] == ["status 500", "status 404"]
    assert len(checked(receiver.got[2])) == 1


async def test_after_the_last_try_it_is_given_up(
    flux: Flux, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500] * 3
    flux.merged(MERGED)
    await flux.idle()
    assert flux.tally == {"failed": 3, "dropped": 1}
    assert caplog.messages[-1] == "flux was not told: it will see at its next poll"
    flux.merged(MERGED)
    await flux.idle()
    assert len(checked(receiver.got[3])) == 1


async def test_a_receiver_that_hangs_delays_neither_the_answer_nor_the_end(fluxed: Stage, receiver: Receiver) -> None:
    receiver.hold()
    async with fluxed.open() as components, asyncio.timeout(20):
        assert (await promote(components)).changed
        await asyncio.to_thread(receiver.arrived.wait, 15)
        assert (await promote(components, "radarr")).changed  # while the call hangs
        started = time.monotonic()
        await components.flux.aclose(drain_s=0.1)
        assert time.monotonic() - started < 4


async def test_at_the_end_what_failed_is_tried_once_more(
    connections: Connections, receiver: Receiver, secret_file: Path
) -> None:
    patient = Flux(catalog_of(receiver.url, secret_file), connections, waits_s=[60.0] * 4)
    receiver.answers = [500]
    patient.merged(MERGED)
    await asyncio.to_thread(receiver.arrived.wait, 15)
    async with asyncio.timeout(15):
        await patient.aclose(drain_s=10)
    assert patient.tally == {"failed": 1, "sent": 1}


async def test_what_fails_at_the_end_is_left_to_the_poll(flux: Flux, receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    flux.merged(MERGED)
    await flux.aclose(drain_s=20)
    assert flux.tally == {"failed": 1, "dropped": 1}


async def test_its_lines_bear_no_requests_id(flux: Flux) -> None:
    with ids_in_the_log() as ids:
        token = logs.request_id.set("R1")
        flux.merged(MERGED)
        logs.request_id.reset(token)
        await flux.idle()
    assert ids == [None]


async def test_a_receiver_that_is_not_there_is_a_warning(
    connections: Connections, secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Flux(catalog_of("http://127.0.0.1:1", secret_file), connections, waits_s=[])
    lost.merged(MERGED)
    await lost.idle()
    assert caplog.records[0].__dict__["why"] == "ConnectError"
    assert caplog.records[0].__dict__["host"] == "127.0.0.1:1"


@pytest.mark.parametrize("content", [None, "", " \n"])
async def test_without_a_secret_nothing_is_sent(
    flux: Flux, receiver: Receiver, secret_file: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    put(secret_file, content)
    flux.merged(MERGED)
    await flux.idle()
    assert receiver.got == []
    assert str(secret_file) in caplog.records[0].__dict__["why"]


async def test_a_new_secret_holds_at_once(flux: Flux, receiver: Receiver, secret_file: Path) -> None:
    flux.merged(MERGED)
    await flux.idle()
    put(secret_file, "another")
    flux.merged(MERGED)
    await flux.idle()
    checked(receiver.got[0], SECRET)
    checked(receiver.got[1], "another")


async def test_no_secret_is_in_any_line_of_the_log(
    flux: Flux, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "failover_api")
    receiver.answers = [401]
    flux.merged(MERGED)
    await flux.idle()
    assert caplog.messages == ["flux could not be told", "flux was told"]
    assert not [record for record in caplog.records if "geheim" in str(vars(record))]
