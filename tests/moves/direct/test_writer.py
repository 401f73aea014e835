"""Many callers at once: one commit for all who wait, and a true answer for each."""

import asyncio
from collections import deque
from typing import Any

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Action, Branch, Catalog, Service
from failover_api.core.planning import plan as planning
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.request import MoveRequest, Provenance
from failover_api.core.text.trailers import read_records
from failover_api.errors import (
    BranchProtected,
    ForgeRateLimited,
    InternalError,
    ManifestDrifted,
    OutcomeUnknown,
    PreconditionFailed,
    SwitchNotFound,
)
from failover_api.moves.direct.queue import QueuedMove
from failover_api.moves.direct.writer import MAX_FILES, Writer, take
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from tests.support.acts import move
from tests.support.builders import provenance
from tests.support.stage import RELEASE, SONARR, VOLSYNC, Stage, deployment, entry


def many(stage: Stage, count: int) -> list[str]:
    """Declares services, each with a file of its own, and gives their names."""
    names = [f"svc-{i:03}" for i in range(count)]
    stage.declare("".join(entry(name, "media", f"path: apps/{name}.yaml") for name in names))
    stage.commit({f"apps/{name}.yaml": deployment(name) for name in names})
    return names


def commits_of(stage: Stage) -> list[list[str]]:
    """The services of each commit of ours, newest first."""
    return [[record.service for record in read_records(message)] for message in stage.moves]


async def test_a_storm_is_written_in_few_commits_and_each_has_its_own_answer(stage: Stage) -> None:
    names = many(stage, 100)
    async with stage.open() as components:
        await components.failover.list_all()
        stage.requests.clear()
        outcomes = await asyncio.gather(*(move(components, name, reason=f"because of {name}") for name in names))
    assert len(stage.writes) <= 3
    assert [r.status for r in stage.writes] == [200] * len(stage.writes), "none of them was our own conflict"
    records = {r.service: (r, message) for message in stage.moves for r in read_records(message)}
    for name, outcome in zip(names, outcomes, strict=True):
        record, message = records[name]
        assert outcome.changed
        assert outcome.plan.service.name == name
        assert (record.operation, record.provenance.reason) == (outcome.operation, f"because of {name}")
        assert outcome.commit is not None
        assert message in [
            c.message for c in stage.sandbox.log(repository=stage.repository) if c.sha == outcome.commit.sha
        ]
        assert b"role: backup" in (stage.read(f"apps/{name}.yaml") or b"")
    assert len({outcome.operation for outcome in outcomes}) == 100


async def test_a_refusal_never_fails_its_neighbours(stage: Stage) -> None:
    names = many(stage, 6)
    stage.commit(
        {f"apps/{names[2]}.yaml": deployment(names[2], role="elsewhere"), f"apps/{names[4]}.yaml": "kind: [\n"}
    )
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(move(components, name) for name in names), return_exceptions=True)
    assert isinstance(outcomes[2], ManifestDrifted)
    assert getattr(outcomes[4], "slug", "") == "manifest-invalid"
    assert all(isinstance(outcomes[i], Outcome) and outcomes[i].changed for i in (0, 1, 3, 5))
    assert commits_of(stage) == [[names[i] for i in (0, 1, 3, 5)]]


async def test_one_who_is_there_already_is_left_out_of_the_commit(stage: Stage) -> None:
    names = many(stage, 4)
    async with stage.open() as components:
        await move(components, names[2])
        outcomes = await asyncio.gather(*(move(components, name) for name in names))
    assert [outcome.changed for outcome in outcomes] == [True, True, False, True]
    assert outcomes[2].commit is None
    assert commits_of(stage) == [[names[0], names[1], names[3]], [names[2]]]


async def test_two_services_in_one_file_are_planned_one_on_the_other(stage: Stage) -> None:
    stage.declare(entry("one", "media", "path: apps/both.yaml") + entry("two", "media", "path: apps/both.yaml"))
    stage.commit({"apps/both.yaml": deployment("one") + "---\n" + deployment("two")})
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=0.3)
        first = asyncio.create_task(move(components, "one"))
        await asyncio.sleep(0.1)
        outcomes = await asyncio.gather(move(components, "two"), move(components, "one", Action.DEMOTE), first)
    assert [outcome.changed for outcome in outcomes] == [True, True, True]
    assert commits_of(stage) == [["two", "one"], ["one"]]
    text = (stage.read("apps/both.yaml") or b"").decode()
    assert text == deployment("one") + "---\n" + deployment("two", role="backup", claim="pvc-two-backup")
    two, one, _ = outcomes
    assert "role: backup" in two.plan.new["apps/both.yaml"].decode()
    assert two.plan.new["apps/both.yaml"] == one.plan.old["apps/both.yaml"], "its diff is its own alone"


async def test_one_service_is_never_twice_in_a_commit(stage: Stage) -> None:
    async with stage.open() as components:
        stage.fault("slow", method="PUT", seconds=0.2)
        actions = [Action.PROMOTE, Action.DEMOTE, Action.PROMOTE, Action.PROMOTE]
        outcomes = await asyncio.gather(*(move(components, "sonarr", action) for action in actions))
    assert [outcome.changed for outcome in outcomes] == [True, True, True, False], "in the order of arrival"
    assert commits_of(stage) == [["sonarr"]] * 3


async def test_a_lost_race_is_planned_anew_for_all(stage: Stage) -> None:
    names = many(stage, 5)
    edited = deployment(names[3], role="elsewhere")
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=0.3)
        first = asyncio.create_task(move(components, names[0]))
        await asyncio.sleep(0.1)
        rest = asyncio.gather(*(move(components, name) for name in names[1:]), return_exceptions=True)
        await asyncio.sleep(0)
        await first
        stage.before_write(lambda: stage.commit({f"apps/{names[3]}.yaml": edited}))
        outcomes = await rest
    assert [isinstance(outcome, ManifestDrifted) for outcome in outcomes] == [False, False, True, False]
    assert stage.read(f"apps/{names[3]}.yaml") == edited.encode()


@pytest.mark.parametrize("kind", ["lost_reply", "truncated", "bad_json"])
async def test_a_reply_that_is_lost_is_found_for_all(stage: Stage, kind: str) -> None:
    names = many(stage, 5)
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault(kind, operation="createCommitOnBranch")
        outcomes = await asyncio.gather(*(move(components, name) for name in names))
    assert all(outcome.changed and outcome.commit for outcome in outcomes)
    assert commits_of(stage) == [names]


async def test_who_gave_up_while_waiting_is_not_written(stage: Stage) -> None:
    names = many(stage, 4)
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=0.4)
        moving = [asyncio.create_task(move(components, names[0]))]
        await asyncio.sleep(0.1)
        moving += [asyncio.create_task(move(components, name)) for name in names[1:]]
        await asyncio.sleep(0.1)
        moving[2].cancel()
        outcomes = await asyncio.gather(*moving, return_exceptions=True)
    assert isinstance(outcomes[2], asyncio.CancelledError)
    assert b"role: primary" in (stage.read(f"apps/{names[2]}.yaml") or b"")
    assert {name for services in commits_of(stage) for name in services} == {names[0], names[1], names[3]}


async def test_an_if_match_of_one_does_not_touch_the_others(stage: Stage) -> None:
    names = many(stage, 4)
    async with stage.open() as components:
        seen = await components.failover.status(names[1])
        other = await components.failover.status(names[2])
        versions = {names[1]: frozenset({seen.version}), names[2]: frozenset({seen.version})}
        outcomes = await asyncio.gather(
            *(move(components, name, versions=versions.get(name)) for name in names), return_exceptions=True
        )
    assert other.version != seen.version
    assert [isinstance(outcome, PreconditionFailed) for outcome in outcomes] == [False, False, True, False]


async def test_a_protected_branch_refuses_all_with_few_tries(stage: Stage) -> None:
    names = many(stage, 30)
    stage.sandbox.protect(repository=stage.repository)
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(move(components, name) for name in names), return_exceptions=True)
    assert all(isinstance(outcome, BranchProtected) for outcome in outcomes)
    assert len(stage.writes) <= 4


async def test_a_switch_that_is_missing_is_one_callers_problem(stage: Stage) -> None:
    names = many(stage, 3)
    stage.commit({f"apps/{names[1]}.yaml": deployment(names[1]).replace("role:", "rolle:")})
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(move(components, name) for name in names), return_exceptions=True)
    assert [isinstance(outcome, SwitchNotFound) for outcome in outcomes] == [False, True, False]


async def test_leaving_the_house_tells_those_who_wait(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=20.0)
        moving = [asyncio.create_task(move(components, "sonarr"))]
        await asyncio.sleep(0.1)
        moving += [asyncio.create_task(move(components, "radarr"))]
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
    writing, waiting = await asyncio.gather(*moving, return_exceptions=True)
    assert isinstance(writing, OutcomeUnknown)
    assert getattr(waiting, "slug", "") == "internal-error"


async def test_who_leaves_while_it_is_planned_leaves_nothing_in_the_file(stage: Stage) -> None:
    both = "".join(entry(name, "media", "path: apps/both.yaml") for name in ("one", "two"))
    stage.declare(entry("sonarr") + both)
    stage.commit({"apps/both.yaml": deployment("one") + "---\n" + deployment("two")})
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("slow", method="PUT", seconds=0.3)
        writing = asyncio.create_task(move(components, "sonarr"))
        await asyncio.sleep(0.1)
        leaving = asyncio.create_task(move(components, "one"))
        await asyncio.sleep(0)
        staying = asyncio.create_task(move(components, "two", key="alert-1"))
        await writing
        stage.fault("slow", method="GET", path="*/commits", seconds=0.3)
        while len(stage.sandbox.faults):  # noqa: ASYNC110 - the sandbox has no event to wait for
            await asyncio.sleep(0.002)
        leaving.cancel()
        assert (await staying).changed
    assert commits_of(stage) == [["two"], ["sonarr"]]
    text = (stage.read("apps/both.yaml") or b"").decode()
    assert text == deployment("one") + "---\n" + deployment("two", role="backup", claim="pvc-two-backup")


async def test_a_defect_in_one_never_fails_its_neighbours(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    names = many(stage, 3)

    def plan(service: Service, *rest: Any, **how: Any) -> Plan:
        if service.name == names[1]:
            raise ZeroDivisionError
        return planning.plan(service, *rest, **how)

    monkeypatch.setattr("failover_api.moves.move.plan", plan)
    async with stage.open() as components:
        outcomes = await asyncio.gather(*(move(components, name) for name in names), return_exceptions=True)
    assert [isinstance(outcome, InternalError) for outcome in outcomes] == [False, True, False]
    assert commits_of(stage) == [[names[0], names[2]]]


class Full:
    """A forge that takes no write for now."""

    def write_wait_s(self, branch: Branch, calls: int = 1) -> float:
        return 60.0


async def test_an_answer_that_comes_as_the_deadline_passes_is_given() -> None:
    forge: Any = Full()
    nobody: Any = None  # is asked
    with pytest.raises(ForgeRateLimited):
        await Writer(forge, nobody, nobody, nobody).carry_out(queued("a").move, deadline_s=0.0)


# Limits


async def test_when_github_takes_no_more_writes_all_wait_for_the_next_together(stage: Stage) -> None:
    names = many(stage, 10)
    async with stage.open() as components:
        await components.failover.list_all()
        stage.fault("rate_limit_secondary", operation="createCommitOnBranch", retry_after=1)
        outcomes = await asyncio.gather(*(move(components, name) for name in names))
    assert all(outcome.changed for outcome in outcomes)
    assert len(stage.moves) == 1, "they were written together in the end"


async def test_who_cannot_wait_for_the_next_is_told_how_long(stage: Stage) -> None:
    names = many(stage, 3)
    async with stage.open(deadline_s=1.5) as components:
        await components.failover.list_all()
        stage.fault("rate_limit_secondary", operation="createCommitOnBranch", retry_after=3)
        outcomes = await asyncio.gather(*(move(components, name) for name in names), return_exceptions=True)
    assert all(isinstance(outcome, ForgeRateLimited) for outcome in outcomes)
    assert all(1.0 <= (getattr(outcome, "retry_after_s", 0) or 0) <= 3.1 for outcome in outcomes)
    assert not stage.moves


# Which of those who wait are the next


def queued(*names: str, files: int = 1) -> QueuedMove:
    """Of a service, or a group's services, with so many files each."""
    lines = []
    for name in names:
        switches = "".join(
            f"      - {{file: {name}-{i}.yaml, kind: X, path: a.b, primary: one, backup: two}}\n" for i in range(files)
        )
        lines.append(f"  {name}:\n    switches:\n{switches}")
    catalog = parse_catalog("repository: acme/lab\nservices:\n" + "".join(lines), file="services.yaml")
    return QueuedMove(_promote(catalog, provenance(group="g" if len(names) > 1 else None)), float("inf"))


def _promote(catalog: Catalog, provenance: Provenance) -> Move:
    """Of all services of a catalog."""
    return Move(tuple(catalog.services.values()), Action.PROMOTE, MoveRequest("maria"), provenance)


def names_of(queue: list[QueuedMove]) -> list[list[str]]:
    return [[service.name for service in one.move.services] for one in queue]


async def test_those_who_fit_are_taken_in_order() -> None:
    waiting = deque([queued("a", files=60), queued("b", files=60), queued("c", files=40)])
    assert names_of(take(waiting)) == [["a"], ["c"]]
    assert names_of(list(waiting)) == [["b"]]


async def test_a_group_is_never_split_and_a_large_one_goes_alone() -> None:
    group = queued(*(f"s{i}" for i in range(MAX_FILES + 20)))
    waiting = deque([queued("a"), group, queued("b")])
    assert names_of(take(waiting)) == [["a"], ["b"]]
    assert take(waiting) == [group]
    assert not waiting


async def test_a_service_that_waits_is_not_overtaken_by_itself() -> None:
    waiting = deque([queued("a", files=100), queued("b", "c"), queued("b"), queued("c")])
    assert names_of(take(waiting)) == [["a"]]
    assert names_of(take(waiting)) == [["b", "c"]]
    assert names_of(take(waiting)) == [["b"], ["c"]]


async def test_who_has_left_is_dropped() -> None:
    gone = queued("a")
    gone.answer.cancel()
    waiting = deque([gone, queued("b")])
    assert names_of(take(waiting)) == [["b"]]
    assert not waiting


async def test_files_that_are_still_to_be_found_count(stage: Stage) -> None:
    assert {RELEASE, VOLSYNC}.isdisjoint(queued("a").move.files)
    catalog = parse_catalog(f"repository: acme/lab\nservices:\n{entry('sonarr')}", file="services.yaml")
    wanted = _promote(catalog, provenance())
    assert len(wanted.files) == 1
    assert SONARR not in wanted.files
