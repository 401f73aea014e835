"""Asking apps whether they answer: what is sent, what counts, and how often."""

import asyncio
import http.server
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from failover_api.core.catalog.runtime import Verify
from failover_api.core.planning.state import State
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.core.safety.rollout.steps import Arrival
from failover_api.core.safety.rollout.verification import verification_step, verified_state
from failover_api.watching.verifier import Verifier
from tests.support.clock import Clock
from tests.support.shell import listening

SERVING = ClusterState(1000.0, State.BACKUP, Stage.SERVING, "k3s-w2", "sonarr-1", ready_at=990.0)
OTHER = ClusterState(1000.0, State.BACKUP, Stage.SERVING, "k3s-w2", "sonarr-2", ready_at=995.0)


class App:
    """An app that answers as it is told, and keeps what it was asked. `hangs_s`: before it answers."""

    def __init__(self) -> None:
        self.url, self.status, self.hangs_s = "", 200, 0.0
        self.asked: list[dict[str, str]] = []


@pytest.fixture
def app() -> Iterator[App]:
    made = App()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(dict(self.headers))
            time.sleep(made.hangs_s)
            self.send_response(made.status)
            self.send_header("set-cookie", "session=secret")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            pass

    with listening(Handler) as url:
        made.url = f"{url}/ping"
        yield made


async def test_a_good_answer_is_remembered_with_its_time(app: App) -> None:
    verifier = Verifier(lambda: 2000.0)
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    found = verifier.found("sonarr")
    assert found is not None
    assert (found.pod, found.answer, found.answered_at) == ("sonarr-1", "", 2000.0)
    await verifier.aclose()


async def test_it_is_not_asked_again_at_once(app: App) -> None:
    clock = Clock()
    verifier = Verifier(lambda: 2000.0, clock=clock)
    for _ in range(3):
        await verifier.ask("sonarr", Verify(app.url), SERVING)
    assert len(app.asked) == 1
    clock.now += 31
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    assert len(app.asked) == 2
    await verifier.aclose()


async def test_one_that_does_not_answer_well_is_asked_again_soon(app: App) -> None:
    clock = Clock()
    verifier = Verifier(lambda: 2000.0, clock=clock)
    app.status = 503
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    found = verifier.found("sonarr")
    assert found is not None
    assert (found.answer, found.answered_at) == ("it answered 503, expected 200", None)
    app.status, clock.now = 200, clock.now + 6
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    found = verifier.found("sonarr")
    assert found is not None
    assert found.answer == ""
    await verifier.aclose()


async def test_another_pod_is_asked_at_once(app: App) -> None:
    verifier = Verifier(lambda: 2000.0, clock=Clock())
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    await verifier.ask("sonarr", Verify(app.url), OTHER)
    found = verifier.found("sonarr")
    assert found is not None
    assert (len(app.asked), found.pod) == (2, "sonarr-2")
    await verifier.aclose()


async def test_no_credential_is_sent_and_none_is_kept(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:9")
    clock = Clock()
    verifier = Verifier(lambda: 2000.0, clock=clock)
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    clock.now += 31
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    assert len(app.asked) == 2
    names = {name.lower() for asked in app.asked for name in asked}
    assert not names & {"cookie", "authorization", "proxy-authorization"}
    await verifier.aclose()


async def test_an_app_that_hangs_has_two_seconds(app: App) -> None:
    app.hangs_s = 5
    verifier = Verifier(lambda: 2000.0)
    began = time.monotonic()
    await verifier.ask("sonarr", Verify(app.url), SERVING)
    found = verifier.found("sonarr")
    assert found is not None
    assert found.answer == "no answer within 2 s"
    assert time.monotonic() - began < 4
    await verifier.aclose()


async def test_one_that_cannot_be_reached_says_why() -> None:
    verifier = Verifier(lambda: 2000.0)
    await verifier.ask("sonarr", Verify("http://127.0.0.1:1/"), SERVING)
    found = verifier.found("sonarr")
    assert found is not None
    assert "refused" in found.answer
    await verifier.aclose()


async def test_what_the_catalog_has_no_more_is_forgotten(app: App) -> None:
    verifier = Verifier(lambda: 2000.0)
    await asyncio.gather(*(verifier.ask(name, Verify(app.url), SERVING) for name in ("sonarr", "radarr")))
    verifier.keep(frozenset({"sonarr"}))
    assert verifier.found("radarr") is None
    assert verifier.found("sonarr") is not None
    await verifier.aclose()


REMADE = replace(SERVING, pod="db-0", pod_uid="2")


async def test_a_pod_that_is_made_anew_under_its_name_is_asked_anew(app: App) -> None:
    """As a StatefulSet's: what the one before has answered says nothing of it."""
    verifier = Verifier(lambda: 2000.0, clock=Clock())
    await verifier.ask("sonarr", Verify(app.url), replace(REMADE, pod_uid="1"), "OP")
    first = verifier.found("sonarr")
    assert verified_state(REMADE, Verify(app.url), first, "OP").stage is Stage.ROLLING_OUT
    assert verification_step(REMADE, first, "OP").has_come is False
    await verifier.ask("sonarr", Verify(app.url), REMADE, "OP")
    assert len(app.asked) == 2
    assert verified_state(REMADE, Verify(app.url), verifier.found("sonarr"), "OP").stage is Stage.SERVING
    await verifier.aclose()


async def test_what_was_answered_before_a_move_says_nothing_of_it(app: App) -> None:
    now = 2000.0
    verifier = Verifier(lambda: now, clock=Clock())
    await verifier.ask("sonarr", Verify(app.url), REMADE, "OLD")
    assert verification_step(REMADE, verifier.found("sonarr"), "NEW").has_come is False
    now = 2100.0
    await verifier.ask("sonarr", Verify(app.url), REMADE, "NEW")
    assert verification_step(REMADE, verifier.found("sonarr"), "NEW") == Arrival(True, 2100.0)
    assert verification_step(REMADE, verifier.found("sonarr"), "OLD").has_come is False
    await verifier.ask("sonarr", Verify(app.url), REMADE, None)  # GitHub does not say just now
    assert len(app.asked) == 2
    assert verified_state(REMADE, Verify(app.url), verifier.found("sonarr"), None).stage is Stage.SERVING
    assert verification_step(REMADE, verifier.found("sonarr"), "NEW").at == 2100.0
    await verifier.aclose()
