"""Git is read as seldom as will do; whoever waits for a close look gets his own; nothing is left out in silence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from failover_api.automatic.facts import GitReader, GitView, facts_of
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Action, Side
from failover_api.core.planning.state import Detection, State
from failover_api.core.safety.governance import Alert, AlertOrder, Hold, ServiceFacts, decide, decide_alert
from failover_api.core.safety.surroundings import ClusterLook, Surroundings
from failover_api.errors import FailoverError, ForgeFailure, ForgeUnavailable, ManifestNotFound, SubstitutionInTarget
from failover_api.forge.values import LoggedCommit
from failover_api.reading.history import Entry
from failover_api.reading.status import Status, Unreadable
from tests.core.safety.cluster_finders.scenes import destination, manifest, move, source
from tests.core.safety.situations import NOW, dead, ready, situation, verdicts
from tests.support import builders
from tests.support.cluster_views import W1, W2, in_git, node, sonarr, unseen, view

if TYPE_CHECKING:
    from collections.abc import Collection

    from failover_api.core.catalog.model import Service
    from failover_api.core.safety.observed import Node
    from failover_api.failover import Failover


class Reads:
    """In place of Failover: reads that end when they may. `looked` are the services that were looked at closely."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.looked: list[list[str]] = []
        self.group_relocations = self
        self.error: FailoverError | None = None
        self.statuses: list[Status | Unreadable] = []

    async def list_all(self) -> list[Status | Unreadable]:
        self.has_begun.set()
        await self.may_end.wait()
        return self.statuses

    async def to_come(self) -> dict[str, str]:
        if self.error is not None:
            raise self.error
        return {"sonarr": "01JG"}

    async def look_closely(self, names: Collection[str]) -> list[Any]:
        self.looked.append(sorted(names))
        return []


async def test_who_waits_for_a_close_look_is_not_passed_over_by_the_next_round() -> None:
    reads = Reads()
    reader = GitReader(cast("Failover", reads))
    reader.want(["sonarr"], within_s=0.0)
    first = reader._reading
    assert first is not None
    waiting = asyncio.create_task(reader.read(["radarr"]))
    await asyncio.sleep(0)
    first.add_done_callback(lambda _: reader.want(["plex"], within_s=0.0))
    reads.may_end.set()
    await waiting
    assert "radarr" in reads.looked[-1]
    await reader.aclose()


async def test_what_was_moved_while_git_was_read_counts_as_not_read() -> None:
    reads, names = Reads(), ("sonarr", "radarr")
    reads.statuses = [Status(builders.service(name=name), Detection(State.PRIMARY, ()), "v") for name in names]
    reader = GitReader(cast("Failover", reads))
    reading = asyncio.create_task(reader.read(()))
    await reads.has_begun.wait()
    reader.moved(["sonarr"])
    reads.may_end.set()
    await reading
    assert (list(reader.view.statuses), list(reader.view.read_at)) == (list(names), ["radarr"])
    await reader.read(())
    assert sorted(reader.view.read_at) == sorted(names)
    await reader.aclose()


# Nothing is left out in silence


READ = {"sonarr": 4999.0}


def acting(**changes: Any) -> Service:
    return sonarr(**{"automatic": Mode.ACT, **changes})


def facts(git: GitView, *nodes: Node) -> tuple[ServiceFacts, ...]:
    seen = view(nodes=nodes or (node(W1, ready="Unknown"), node(W2)), pods=[])
    return facts_of(git, ClusterLook(seen, NOW, True, 5000.0), {})


def holds(git: GitView, *nodes: Node) -> list[Hold]:
    """What holds sonarr, while k3s-w1 is dead."""
    given = situation(*facts(git, *nodes), verdicts=verdicts(dead(W1), ready(W2), ready("cp")))
    decisions = decide(given)
    assert decisions.acts == ()
    return [hold for one in decisions.pending if (one.service, one.node) == ("sonarr", W1) for hold in one.holds]


def unreadable(error: FailoverError, **changes: Any) -> GitView:
    read_at = {} if isinstance(error, ForgeFailure) else READ
    return GitView(unreadable={"sonarr": Unreadable(acting(**changes), error)}, read_at=read_at)


def status(side: str = "primary", *, service: Service | None = None, state: State | None = None) -> Status:
    found = in_git(service or acting(), side)
    return Status(service or acting(), found if state is None else replace(found, state=state), "v")


@pytest.mark.parametrize("changes", [{}, {"primary_nodes": (W1,), "backup_nodes": (W2,)}])
def test_what_cannot_be_read_is_held_and_says_why(changes: dict[str, Any]) -> None:
    (hold,) = holds(unreadable(ManifestNotFound("no Deployment media/sonarr below apps/"), **changes))
    assert hold.gate == "hazard"
    assert "no Deployment media/sonarr below apps/" in hold.detail


def test_what_has_its_nodes_elsewhere_is_not_held_there() -> None:
    assert holds(unreadable(ManifestNotFound("no"), primary_nodes=("k3s-w3",), backup_nodes=(W2,))) == []


def test_what_takes_no_part_and_cannot_be_read_is_not_looked_for() -> None:
    assert holds(unreadable(ManifestNotFound("no"), automatic=Mode.NONE)) == []


def test_a_git_host_that_never_said_where_it_is_is_what_holds_it() -> None:
    gates = [hold.gate for hold in holds(unreadable(ForgeUnavailable("it is away")))]
    assert gates == ["git-unreachable", "hazard"]


def test_a_manifest_that_breaks_is_told_though_it_was_read_before() -> None:
    git = GitView({"sonarr": status()}, unreadable(ManifestNotFound("it is gone")).unreadable, read_at=READ)
    told = {hold.gate: hold.detail for hold in holds(git)}
    assert "it is gone" in told["hazard"]
    assert "git-unreachable" not in told


@pytest.mark.parametrize(("state", "words"), [(State.MIXED, "partly on each side"), (State.UNKNOWN, "a.yaml:7 is w9")])
def test_what_is_on_no_one_side_is_held_and_says_so(state: State, words: str) -> None:
    found = status(state=state)
    first = replace(found.detection.readings[0], value="w9", state=State.UNKNOWN)
    odd = replace(found.detection, readings=(first, *found.detection.readings[1:]))
    (hold,) = holds(
        GitView({"sonarr": replace(found, detection=odd) if state is State.UNKNOWN else found}, read_at=READ)
    )
    assert (hold.gate, words in hold.detail) == ("hazard", True), hold.detail


def test_of_several_nodes_of_its_side_without_a_pod_nobody_can_tell() -> None:
    several = (node(W1, ready="Unknown"), node(W2), node("k3s-w3", labels={"role": "primary"}))
    details = [
        hold.detail for hold in holds(GitView({"sonarr": status()}, read_at=READ), *several) if hold.gate == "hazard"
    ]
    assert details == ["It may be on any of k3s-w1, k3s-w3: its pod is not seen on one."]


def test_what_cannot_be_moved_says_why() -> None:
    found = status()
    obstacles = {found.service.switches[0]: SubstitutionInTarget("a.yaml:8 has ${NODE} in it")}
    details = [hold.detail for hold in holds(GitView({"sonarr": replace(found, obstacles=obstacles)}))]
    assert "Git has it so that it cannot be moved. a.yaml:8 has ${NODE} in it" in details


def looked_at_closely() -> GitView:
    ways = {Side.BACKUP: move(acting(), manifest(), Action.PROMOTE)}
    return GitView({"sonarr": replace(status(), ways=ways)}, around={"sonarr": Surroundings()}, read_at=READ)


@pytest.mark.parametrize(
    ("kinds", "is_known"), [({}, True), ({"claims": unseen()}, False), ({"volumes": unseen()}, False)], ids=str
)
def test_hazards_that_could_hide_in_what_is_not_seen_are_not_known(kinds: dict[str, Any], is_known: bool) -> None:
    way = move(acting(), manifest(), Action.PROMOTE)
    git = GitView(
        {"sonarr": replace(status(), ways={Side.BACKUP: way})}, around={"sonarr": Surroundings()}, read_at=READ
    )
    seen = view(nodes=[node(W1, ready="Unknown"), node(W2)], pods=[], **kinds)
    (found,) = facts_of(git, ClusterLook(seen, NOW, True, 5000.0), {})
    assert (found.hazards is not None) is is_known


def test_a_backup_to_an_object_store_says_nothing_of_the_claim_that_is_moved_to() -> None:
    way = move(acting(), manifest(), Action.PROMOTE)
    git = GitView(
        {"sonarr": replace(status(), ways={Side.BACKUP: way})}, around={"sonarr": Surroundings()}, read_at=READ
    )
    for ends, is_known in (((source(mover="restic"), ()), False), ((source(), (destination(),)), True)):
        kinds = {"replication_sources": [ends[0]], "replication_destinations": ends[1]}
        (found,) = facts_of(git, ClusterLook(view(pods=[], **kinds), NOW, True, 5000.0), {})
        assert (found.data.as_of is not None) is is_known


@pytest.mark.parametrize("asked", [{"node": W1}, {"services": ("sonarr",)}])
def test_an_alert_hears_why_what_cannot_be_read_stays(asked: dict[str, Any]) -> None:
    given = situation(*facts(unreadable(ManifestNotFound("it is gone"))), verdicts=verdicts(ready(W1), ready(W2)))
    answer = decide_alert(AlertOrder(Alert("f1", NOW - 5.0), **asked), given)
    assert (answer.act, [hold.gate for hold in answer.held["sonarr"]]) == (None, ["hazard"])


def test_a_node_that_was_deleted_is_where_the_catalog_has_it() -> None:
    named = status(service=acting(primary_nodes=(W1,), backup_nodes=(W2,)))
    (found,) = facts(GitView({"sonarr": named}), node(W2))
    assert (found.active, found.targets) == (W1, (W2,))


@pytest.mark.parametrize(
    ("by", "error", "known"),
    [
        ("automatic", None, {"sonarr": "01JG"}),
        ("maria", None, {}),
        ("automatic", ManifestNotFound("of another"), {}),
    ],
)
async def test_whose_turn_is_to_come_is_asked_only_where_something_may_go_home(
    by: str, error: FailoverError | None, known: dict[str, str]
) -> None:
    reads = Reads()
    reads.error = error
    logged = LoggedCommit("1" * 40, "u", True, "m", by, "2026-11-30T20:00:00Z", ())
    moved = Entry(logged, builders.record(by=by))
    reads.statuses = [replace(status("backup"), last_move=moved)]
    reads.may_end.set()
    reader = GitReader(cast("Failover", reads))
    await reader.read(())
    assert (reader.view.to_relocate, [*reader.view.read_at]) == (known, ["sonarr"])
    await reader.aclose()


async def test_what_could_not_be_read_is_kept_with_why_and_counts_as_read() -> None:
    reads = Reads()
    reads.statuses = [Unreadable(builders.service(name="sonarr"), ManifestNotFound("no"))]
    reads.may_end.set()
    reader = GitReader(cast("Failover", reads))
    await reader.read(())
    assert ([*reader.view.unreadable], [*reader.view.read_at], reader.view.is_unread) == (["sonarr"], ["sonarr"], False)
    await reader.aclose()
