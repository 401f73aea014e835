"""A move that nobody asked for is permitted right before its write, or not made; its neighbours are."""

import asyncio

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.text.trailers import read_records
from failover_api.errors import NotPermitted
from tests.support.stage import SERVICES, Stage, entry

EVIDENCE = ("node k3s-w1 (uid) is Unknown since 2026-11-30 00:00:00 UTC", "2 of 3 nodes are Ready")


class Permit:
    """Counts how often it was asked; refuses while `why` says so."""

    def __init__(self, *whys: str) -> None:
        self.whys, self.asked = list(whys), 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.whys and (why := self.whys.pop(0)):
            raise NotPermitted(why)


def automatic(permit: Permit) -> MoveRequest:
    return MoveRequest("automatic", key="node-1", trigger="automatic", evidence=EVIDENCE, permit=permit)


async def test_it_is_asked_once_before_the_commit_which_says_why(stage: Stage) -> None:
    permit = Permit()
    async with stage.open() as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
        assert outcome.changed
        assert permit.asked == 1
        (entry,) = (await components.failover.history("sonarr", limit=1)).entries
    message = stage.sandbox.log(repository=stage.repository)[0].message
    assert "Failover-Requested-By: automatic\n" in message
    assert "Failover-Trigger: automatic\n" in message
    assert f"Failover-Evidence: {EVIDENCE[0]}; {EVIDENCE[1]}\n" in message
    assert entry.record is not None
    assert (entry.record.provenance.trigger, entry.record.provenance.evidence) == ("automatic", EVIDENCE)


async def test_without_one_nothing_is_written(stage: Stage) -> None:
    permit = Permit("k3s-w1 is back")
    async with stage.open() as components:
        with pytest.raises(NotPermitted, match="k3s-w1 is back"):
            await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
    assert len(stage.moves) == 0


async def test_a_neighbour_in_the_same_commit_goes_without_it(stage: Stage) -> None:
    stage.declare(SERVICES)
    permit = Permit("k3s-w1 is back")
    async with stage.open() as components:
        first = components.failover.move("plex", Action.PROMOTE, MoveRequest("ops"))
        refused = components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
        other = components.failover.move("radarr", Action.PROMOTE, MoveRequest("ops"))
        answers = await asyncio.gather(first, refused, other, return_exceptions=True)
    assert isinstance(answers[1], NotPermitted)
    moved = [record.service for commit in stage.moves for record in read_records(commit)]
    assert sorted(moved) == ["plex", "radarr"]


async def test_it_is_asked_again_after_a_lost_race(stage: Stage) -> None:
    permit = Permit("", "k3s-w1 is back")
    async with stage.open() as components:
        stage.before_write(lambda: stage.replace("apps/media/sonarr/deployment.yaml", "replicas: 1", "replicas: 2"))
        with pytest.raises(NotPermitted):
            await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
    assert permit.asked == 2
    assert len(stage.moves) == 0


async def test_it_is_asked_again_where_the_write_could_not_be_sent_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that had to be renewed, a connection that was not made at once: what was seen is old by then."""
    monkeypatch.setattr("failover_api.moves.direct.batch.PERMIT_LASTS_S", -1.0)
    sent: list[int] = []

    class Slow(Permit):
        async def __call__(self) -> None:
            await super().__call__()
            sent.append(len([request for request in stage.requests if request.method == "PUT"]))
            if self.asked == 2:
                monkeypatch.setattr("failover_api.moves.direct.batch.PERMIT_LASTS_S", 2.0)

    permit = Slow()
    async with stage.open() as components:
        assert (await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))).changed
    assert permit.asked == 2
    assert sent == [0, 0]
    assert len(stage.moves) == 1


async def test_all_are_asked_at_once(stage: Stage) -> None:
    """None lasts for long, and a commit waits for the last of them."""
    stage.declare(SERVICES)
    asked = asyncio.Barrier(2)

    async def together() -> None:
        async with asyncio.timeout(20):
            await asked.wait()

    def request(key: str) -> MoveRequest:
        return MoveRequest("automatic", key=key, trigger="automatic", evidence=EVIDENCE, permit=together)

    async with stage.open() as components:
        first = components.failover.move("plex", Action.PROMOTE, MoveRequest("ops"))
        others = [components.failover.move(name, Action.PROMOTE, request(name)) for name in ("sonarr", "radarr")]
        await asyncio.gather(first, *others)
    moved = [record.service for commit in stage.moves for record in read_records(commit)]
    assert sorted(moved) == ["plex", "radarr", "sonarr"]


async def test_a_pull_request_is_not_opened_without_one(stage: Stage) -> None:
    stage.declare(entry("sonarr", "media", "policy: pull_request"))
    permit = Permit("paused")
    async with stage.open() as components:
        with pytest.raises(NotPermitted):
            await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
        assert stage.github("GET", "/pulls") == []
        outcome = await components.failover.move("sonarr", Action.PROMOTE, automatic(permit))
    assert outcome.pull_request is not None
    assert "Failover-Trigger: automatic" in stage.github("GET", "/pulls")[0]["body"]


async def test_a_dry_run_asks_for_none(stage: Stage) -> None:
    permit = Permit("no")
    async with stage.open() as components:
        request = MoveRequest("automatic", dry_run=True, permit=permit)
        assert (await components.failover.move("sonarr", Action.PROMOTE, request)).changed
    assert permit.asked == 0


async def test_only_some_of_a_node_are_evacuated(stage: Stage) -> None:
    stage.declare(SERVICES, top="nodes: {primary: k3s-w1, backup: k3s-w2}")
    async with stage.open() as components:
        outcome = await components.failover.evacuate("k3s-w1", MoveRequest("ops"), only={"sonarr", "nobody"})
    assert outcome.order == ("sonarr",)
    (commit,) = stage.moves
    assert [record.service for record in read_records(commit)] == ["sonarr"]
