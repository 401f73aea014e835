"""Groups: all or nothing, in one commit for each branch and policy."""

import asyncio
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.text.trailers import read_records
from failover_api.errors import (
    CannotPlan,
    ForgeUnavailable,
    ManifestDrifted,
    ManifestInvalid,
    OperationPending,
    OutcomeUnknown,
    PreconditionFailed,
    UnknownGroup,
)
from failover_api.moves.outcome import GroupOutcome
from failover_api.wiring import Components
from tests.support.stage import FILES, PLEX, RADARR, SERVICES, SONARR, Stage, deployment, entry

GROUP = "groups:\n  k3s-w1: [sonarr, plex, radarr]\n"


async def promote(components: Components, group: str = "k3s-w1", **how: Any) -> GroupOutcome:
    return await components.failover.move_group(group, Action.PROMOTE, MoveRequest(**{"by": "maria", **how}))


@pytest.fixture
def grouped(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=GROUP)
    return stage


def moved(message: str) -> list[str]:
    return [record.service for record in read_records(message)]


async def test_a_group_is_one_commit_in_the_order_of_the_catalog(grouped: Stage) -> None:
    async with grouped.open() as components:
        outcome = await promote(components, reason="k3s-w1 is down")
    (part,) = outcome.parts
    assert part.changed
    assert part.commit is not None
    (message,) = grouped.moves
    assert message.startswith("Fail over 3 services to backup\n")
    records = read_records(message)
    assert [record.service for record in records] == ["sonarr", "plex", "radarr"]
    assert {record.operation for record in records} == {part.operation}
    assert {record.provenance.group for record in records} == {"k3s-w1"}
    assert {record.provenance.reason for record in records} == {"k3s-w1 is down"}


async def test_one_that_is_there_already_is_left_out(grouped: Stage) -> None:
    async with grouped.open() as components:
        await components.failover.move("plex", Action.PROMOTE, MoveRequest(by="maria"))
        (part,) = (await promote(components)).parts
    assert [(plan.service.name, bool(plan.changes)) for plan in part.plans] == [
        ("sonarr", True),
        ("plex", False),
        ("radarr", True),
    ]
    assert moved(grouped.moves[0]) == ["sonarr", "radarr"]


async def test_all_there_already_makes_no_commit(grouped: Stage) -> None:
    async with grouped.open() as components:
        await promote(components)
        (part,) = (await promote(components)).parts
    assert (part.changed, part.commit, part.operation) == (False, None, None)
    assert len(grouped.moves) == 1


async def test_one_that_drifted_refuses_the_whole_group_naming_it(grouped: Stage) -> None:
    grouped.replace(RADARR, "role: primary", "role: elsewhere")
    async with grouped.open() as components:
        for dry_run in (False, True):
            with pytest.raises(ManifestDrifted, match=r"^radarr: "):
                await promote(components, dry_run=dry_run)
    assert not grouped.moves


async def test_one_that_drifted_is_skipped_when_that_is_asked_for(grouped: Stage) -> None:
    grouped.replace(RADARR, "role: primary", "role: elsewhere")
    async with grouped.open() as components:
        (part,) = (await promote(components, skip_refused=True)).parts
    assert list(part.refused) == ["radarr"]
    assert moved(grouped.moves[0]) == ["sonarr", "plex"]
    assert b"role: elsewhere" in (grouped.read(RADARR) or b"")


async def test_a_dry_run_says_what_would_be(grouped: Stage) -> None:
    async with grouped.open() as components:
        outcome = await promote(components, dry_run=True)
        assert outcome.parts[0].changed
        assert outcome.parts[0].commit is None
        taken = await promote(components, versions=frozenset({outcome.version}))
        assert taken.parts[0].changed
        with pytest.raises(PreconditionFailed):
            await promote(components, versions=frozenset({outcome.version}))
    assert len(grouped.moves) == 1


async def test_an_unknown_group_is_refused(grouped: Stage) -> None:
    async with grouped.open() as components:
        with pytest.raises(UnknownGroup, match="'nosuch'"):
            await promote(components, "nosuch")


async def test_two_of_one_file_move_together(stage: Stage) -> None:
    stage.declare(
        entry("one", "media", "path: apps/both.yaml") + entry("two", "media", "path: apps/both.yaml"),
        top="groups: {g: [one, two]}",
    )
    stage.commit({"apps/both.yaml": deployment("one") + "---\n" + deployment("two")})
    async with stage.open() as components:
        await promote(components, "g")
    assert (stage.read("apps/both.yaml") or b"").decode() == "---\n".join(
        deployment(name, role="backup", claim=f"pvc-{name}-backup") for name in ("one", "two")
    )


async def test_a_large_group_is_one_commit_and_two_requests_when_warm(stage: Stage) -> None:
    names = [f"svc-{i:03}" for i in range(150)]
    stage.declare(
        "".join(entry(name, "media", f"path: apps/{name}.yaml") for name in names),
        top=f"groups: {{g: [{', '.join(names)}]}}",
    )
    stage.commit({f"apps/{name}.yaml": deployment(name) for name in names})
    async with stage.open() as components:
        await components.failover.list_all()
        stage.requests.clear()
        (part,) = (await promote(components, "g")).parts
        provenance = len(stage.requests)
        stage.commit({"README.md": "other work\n"})
        stage.requests.clear()
        await components.failover.move_group("g", Action.DEMOTE, MoveRequest(by="maria"))
    assert len(part.plans) == 150
    assert len(stage.moves) == 2
    assert provenance <= 2
    # A head that moved costs a lost race, the branch and its tree, not a file each.
    assert len(stage.requests) <= 4, [(request.method, request.path, request.query) for request in stage.requests]


async def test_a_lost_race_is_planned_anew(grouped: Stage) -> None:
    async with grouped.open() as components:
        await components.failover.list_all()
        grouped.before_write(lambda: grouped.commit({SONARR: FILES[SONARR] + b"# a person\n"}))
        await promote(components)
    assert len(grouped.moves) == 1
    assert (grouped.read(SONARR) or b"").endswith(b"# a person\n")


@pytest.fixture
def pair(stage: Stage) -> Stage:
    """A group of two, each with a file of its own."""
    stage.declare(SERVICES, top="groups: {g: [sonarr, radarr]}")
    return stage


async def test_a_stale_copy_of_one_that_needs_no_change_is_not_believed(pair: Stage) -> None:
    async with pair.open() as components:
        await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
        await components.failover.list_all()
        pair.commit({SONARR: FILES[SONARR]}, "A person puts it back")
        await promote(components, "g")
    assert moved(pair.moves[0]) == ["sonarr", "radarr"]


async def test_a_stale_copy_leaves_nobody_out(pair: Stage) -> None:
    pair.replace(RADARR, "role: primary", "role: elsewhere")
    async with pair.open() as components:
        await components.failover.list_all()
        pair.commit({RADARR: FILES[RADARR]}, "A person mends it")
        (part,) = (await promote(components, "g", skip_refused=True)).parts
    assert not part.refused
    assert moved(pair.moves[0]) == ["sonarr", "radarr"]


async def test_when_all_are_refused_the_answer_says_so_of_each(pair: Stage) -> None:
    for path in (SONARR, RADARR):
        pair.replace(path, "role: primary", "role: elsewhere")
    async with pair.client() as client:
        response = await client.post("/api/groups/g/promote?skip_refused=true")
    assert response.status_code == 200
    assert not response.json()["changed"]
    assert [one["error"]["title"] for one in response.json()["services"]] == ["A value is on neither side"] * 2


# Several branches


@pytest.fixture
def branched(stage: Stage) -> Stage:
    """radarr is on a branch of its own."""
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.declare(entry("sonarr") + entry("radarr", "media", "branch: staging"), top="groups: {g: [sonarr, radarr]}")
    return stage


async def test_an_if_match_binds_each_branch(branched: Stage) -> None:
    async with branched.open() as components:
        rehearsed = await promote(components, "g", dry_run=True)
        branched.before_write(lambda: branched.commit({SONARR: FILES[SONARR] + b"# a person\n"}))
        with pytest.raises(PreconditionFailed):
            await promote(components, "g", versions=frozenset({rehearsed.version}))
    assert not branched.moves


@pytest.mark.parametrize("dry_run", [False, True])
async def test_two_branches_have_one_deadline(branched: Stage, dry_run: bool) -> None:
    async with branched.open(deadline_s=1.5) as components:
        branched.fault("slow", seconds=0.4, times=None)  # a branch by itself would be in time
        with pytest.raises(ForgeUnavailable):
            await promote(components, "g", dry_run=dry_run)
    assert not branched.moves


async def test_two_branches_by_pull_request_are_refused_before_anything_is_written(branched: Stage) -> None:
    text = branched.catalog_file.read_text(encoding="utf-8")
    branched.catalog_file.write_text(f"policy: pull_request\n{text}", encoding="utf-8")
    async with branched.open() as components:
        for dry_run in (True, False):
            with pytest.raises(CannotPlan, match="main and on staging"):
                await promote(components, "g", dry_run=dry_run)
    assert not branched.pulls("all")


async def test_branches_and_policies_are_one_commit_each(stage: Stage) -> None:
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.declare(
        entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX + "    policy: pull_request\n", top=GROUP
    )
    async with stage.open() as components:
        outcome = await promote(components)
        again = await promote(components)
    branches = [(part.plans[0].service.name, part.policy, part.commit is not None) for part in outcome.parts]
    assert branches == [("sonarr", "direct", True), ("plex", "pull_request", True), ("radarr", "direct", True)]
    assert outcome.parts[1].is_pending
    assert len({part.operation for part in outcome.parts}) == 1
    assert [part.changed for part in again.parts] == [False, False, False]
    assert b"role: backup" in (stage.read(RADARR, "staging") or b"")


async def test_a_part_that_is_refused_stops_everything_before_anything_is_written(stage: Stage) -> None:
    stage.commit({RADARR: (FILES[RADARR]).replace(b"role: primary", b"role: elsewhere")}, "Drift", "staging")
    stage.declare(entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX, top=GROUP)
    async with stage.open() as components:
        with pytest.raises(ManifestDrifted, match="radarr"):
            await promote(components)
    assert not stage.moves


async def test_a_group_that_was_moved_in_part_says_which(stage: Stage) -> None:
    stage.commit({"README.md": "a branch\n"}, "Branch off", "staging")
    stage.sandbox.protect("staging", repository=stage.repository)
    stage.declare(entry("sonarr") + entry("radarr", "media", "branch: staging") + PLEX, top=GROUP)
    async with stage.open() as components:
        with pytest.raises(OutcomeUnknown) as caught:
            await promote(components)
    assert len(stage.moves) == 1
    for word in ("@main: commit", "@staging", "branch-protected"):
        assert word in caught.value.detail


# By pull request


@pytest.fixture
def reviewed(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=f"policy: pull_request\n{GROUP}")
    return stage


async def test_a_group_is_one_pull_request(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        outcome = await promote(components)
        again = await promote(components)
        one = await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
        with pytest.raises(OperationPending, match="/pull/"):
            await components.failover.move("plex", Action.DEMOTE, MoveRequest(by="maria"))
        shown = await components.failover.status("radarr")
    (pull,) = reviewed.pulls("all")
    assert pull["head"]["ref"] == "failover/group-k3s-w1"
    assert [record.service for record in read_records(pull["body"])] == ["sonarr", "plex", "radarr"]
    assert outcome.parts[0].changed
    assert not again.parts[0].changed
    assert (one.changed, one.operation) == (False, outcome.parts[0].operation), "the group's is the one of each"
    assert one.pull_request is not None
    assert one.pull_request.number == pull["number"]
    assert shown.pull_request is not None
    assert shown.pull_request.number == pull["number"]


async def test_a_members_own_pull_request_stands_in_the_groups_way(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        own = await components.failover.move("plex", Action.PROMOTE, MoveRequest(by="maria"))
        assert own.pull_request is not None
        with pytest.raises(OperationPending, match=f"/pull/{own.pull_request.number}"):
            await promote(components)
        outcome = await promote(components, supersede=True)
    (pull,) = reviewed.pulls()
    assert outcome.parts[0].changed
    assert pull["head"]["ref"] == "failover/group-k3s-w1"


async def test_a_persons_push_to_a_members_pull_request_does_not_give_way(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        await components.failover.move("plex", Action.PROMOTE, MoveRequest(by="maria"))
        await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
        pushed = reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/plex")
        with pytest.raises(OperationPending, match=pushed[:12]):
            await promote(components, supersede=True)
    assert len(reviewed.pulls()) == 2, "and nobody else's is closed for nothing"


async def test_nothing_gives_way_for_one_that_cannot_be_opened(reviewed: Stage) -> None:
    """A person's commit is on the branch that the new one would come from."""
    reviewed.replace(SONARR, "role: primary", "role: backup")  # mixed: both ways change something
    async with reviewed.open() as components:
        group = await promote(components)
        reviewed.sandbox.set_branch(
            "failover/sonarr", reviewed.sandbox.head(repository=reviewed.repository), repository=reviewed.repository
        )
        pushed = reviewed.commit({"notes.txt": "mine\n"}, "Notes", "failover/sonarr")
        with pytest.raises(OperationPending, match=f"{pushed[:12]} by maria is not ours"):
            await components.failover.move("sonarr", Action.DEMOTE, MoveRequest(by="maria", supersede=True))
    assert group.parts[0].pull_request is not None
    assert [pull["number"] for pull in reviewed.pulls()] == [group.parts[0].pull_request.number]


async def test_a_service_and_its_group_at_the_same_moment_leave_one_open(reviewed: Stage) -> None:
    async with reviewed.open() as one, reviewed.open() as other:
        await asyncio.gather(one.failover.list_all(), other.failover.list_all())
        await asyncio.gather(
            promote(one),
            other.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria")),
            return_exceptions=True,
        )
    assert len(reviewed.pulls()) == 1


async def test_a_groups_pull_request_without_a_service_does_not_stand_in_its_way(reviewed: Stage) -> None:
    reviewed.replace(RADARR, "role: primary", "role: elsewhere")
    async with reviewed.open() as components:
        await promote(components, skip_refused=True)
        reviewed.replace(RADARR, "role: elsewhere", "role: primary")
        own = await components.failover.move("radarr", Action.PROMOTE, MoveRequest(by="maria"))
    assert own.changed
    assert len(reviewed.pulls()) == 2


async def test_a_group_that_grew_meanwhile_gets_the_others_when_that_one_is_merged(reviewed: Stage) -> None:
    reviewed.declare(SERVICES, top="policy: pull_request\ngroups: {g: [sonarr, radarr]}")
    async with reviewed.open() as components:
        first = await promote(components, "g")
    reviewed.declare(SERVICES, top="policy: pull_request\ngroups: {g: [sonarr, radarr, plex]}")
    async with reviewed.open() as components:
        again = await promote(components, "g", supersede=True)
    assert again.parts[0].operation == first.parts[0].operation
    (pull,) = reviewed.pulls("all")
    assert moved(pull["body"]) == ["sonarr", "radarr"]


async def test_one_that_gives_way_is_closed_though_the_first_try_was_lost(reviewed: Stage) -> None:
    async with reviewed.open() as one, reviewed.open() as other:
        await asyncio.gather(one.failover.list_all(), other.failover.list_all())
        reviewed.fault("slow", method="POST", path="*/pulls", seconds=0.3, times=2)
        reviewed.fault("lost_request", method="PATCH", path="*/pulls/*")
        await asyncio.gather(
            promote(one),
            other.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria")),
            return_exceptions=True,
        )
    assert not len(reviewed.sandbox.faults), "the faults were met"
    assert len(reviewed.pulls()) == 1


async def test_asked_again_those_that_the_open_one_does_not_move_are_told_too(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        own = await components.failover.move("plex", Action.PROMOTE, MoveRequest(by="maria"))
        assert own.pull_request is not None
        reviewed.merge(own.pull_request.number)
        first = await promote(components)
        for dry_run in (True, False):
            (part,) = (await promote(components, dry_run=dry_run)).parts
            told = [(plan.service.name, bool(plan.changes)) for plan in part.plans]
            assert told == [("sonarr", True), ("plex", False), ("radarr", True)]
            assert (part.changed, part.refused) == (False, {})
    assert part.operation == first.parts[0].operation
    assert len(reviewed.pulls("all")) == 2


async def test_asked_again_one_that_was_left_out_is_still_left_out(reviewed: Stage) -> None:
    reviewed.replace(RADARR, "role: primary", "role: elsewhere")
    async with reviewed.open() as components:
        first = await promote(components, skip_refused=True)
        (part,) = (await promote(components, skip_refused=True)).parts
        assert [plan.service.name for plan in part.plans] == ["sonarr", "plex"]
        assert isinstance(part.refused["radarr"], ManifestDrifted)
        reviewed.replace(RADARR, "role: elsewhere", "role: primary")
        (mended,) = (await promote(components)).parts
    assert part.operation == mended.operation == first.parts[0].operation
    assert isinstance(mended.refused["radarr"], OperationPending), "the open one is without it"
    assert "/pull/1 is open without it" in mended.refused["radarr"].detail


async def test_a_warm_replica_opens_no_second_one_beside_another_groups(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request\ngroups: {one: [sonarr, plex], other: [sonarr, radarr]}")
    async with stage.open() as one, stage.open() as other:
        await other.failover.list_all()
        await promote(one, "one")
        stage.requests.clear()
        with pytest.raises(OperationPending, match="/pull/1 is open"):
            await promote(other, "other")
    assert [pull["number"] for pull in stage.pulls("all")] == [1]
    assert not [request for request in stage.requests if request.method == "POST" and request.path != "/graphql"]


# All that are refused are named


def drift(stage: Stage, *paths: str) -> None:
    for path in paths:
        stage.replace(path, "role: primary", "role: elsewhere")


@pytest.mark.parametrize("policy", ["direct", "pull_request"])
async def test_all_that_are_refused_are_named_in_the_groups_order(stage: Stage, policy: str) -> None:
    stage.declare(SERVICES, top=f"policy: {policy}\n{GROUP}")
    drift(stage, SONARR)
    stage.commit({RADARR: None}, "Gone")
    async with stage.open() as components:
        for dry_run in (True, False):
            with pytest.raises(ManifestDrifted, match=r"^sonarr: ") as caught:
                await promote(components, dry_run=dry_run)
            refused = caught.value.refused
            assert [(name, error.slug) for name, error in refused.items()] == [
                ("sonarr", "manifest-drifted"),
                ("radarr", "manifest-not-found"),
            ]
            assert caught.value.detail.endswith("(and refused as well: radarr)")
            assert not refused["sonarr"].detail.startswith("sonarr")
    assert not stage.moves
    assert not stage.pulls("all")


async def test_those_of_every_branch_are_named_the_first_of_the_group_first(branched: Stage) -> None:
    branched.declare(
        entry("radarr", "media", "branch: staging", f"path: {RADARR}") + entry("sonarr") + PLEX,
        top="groups: {g: [radarr, plex, sonarr]}",
    )
    drift(branched, SONARR)
    branched.commit({RADARR: "not: [yaml\n"}, "Broken", "staging")
    async with branched.open() as components:
        with pytest.raises(ManifestInvalid, match=r"^radarr: ") as caught:
            await promote(components, "g")
    assert [(name, error.slug) for name, error in caught.value.refused.items()] == [
        ("radarr", "manifest-invalid"),
        ("sonarr", "manifest-drifted"),
    ]
    assert not branched.moves


async def test_an_outage_is_the_whole_groups(branched: Stage) -> None:
    branched.declare(
        entry("sonarr") + entry("radarr", "media", "branch: staging", f"path: {RADARR}"),
        top="groups: {g: [sonarr, radarr]}",
    )
    drift(branched, SONARR)
    async with branched.open() as components:
        branched.fault("status", status=503, path=f"*/contents/{RADARR}", times=None)
        with pytest.raises(ForgeUnavailable) as caught:
            await promote(components, "g")
    assert not caught.value.refused


async def test_the_pull_requests_of_several_members_are_all_named(reviewed: Stage) -> None:
    async with reviewed.open() as components:
        for name in ("radarr", "sonarr"):
            await components.failover.move(name, Action.PROMOTE, MoveRequest(by="maria"))
        with pytest.raises(OperationPending) as caught:
            await promote(components)
        assert list(caught.value.refused) == ["sonarr", "radarr"]
        assert "/pull/2 " in caught.value.refused["sonarr"].detail
        assert "/pull/1 " in caught.value.refused["radarr"].detail
        for how in ({"skip_refused": True}, {"dry_run": True}):
            with pytest.raises(OperationPending) as caught:  # who is refused may be left out; what is open stands
                await promote(components, **how)
            assert list(caught.value.refused) == ["sonarr", "radarr"]
    assert len(reviewed.pulls("all")) == 2
