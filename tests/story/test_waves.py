"""A group moves in waves: the real service, GitHub's sandbox, and a simulated cluster that obeys Git."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.errors import NotPermitted, UnknownUrl
from failover_api.moves.outcome import GroupOutcome, WaveReport
from failover_api.operations.wave_operation import WaveOperation
from failover_api.wiring import Components
from tests.support.stage import Stage
from tests.support.waves import WavesLab, declare, file_of, manifest, waves_lab

pytestmark = pytest.mark.usefixtures("without_sockets")

BY = MoveRequest("ops-laptop", reason="k3s-w1 is down")


async def promote(components: Components, request: MoveRequest = BY, action: Action = Action.PROMOTE) -> GroupOutcome:
    return await components.failover.move_group("all", action, request)


async def go_on(components: Components, operation: str | None) -> WaveReport:
    assert operation is not None
    found = await components.failover.waves.find(operation)
    assert found is not None
    found.read_at = float("-inf")
    await components.failover.waves.advance(found)
    return found.report


def report_of(outcome: GroupOutcome) -> WaveReport:
    assert outcome.waves is not None
    return outcome.waves


def states(report: WaveReport) -> list[str]:
    return [str(wave.state) for wave in report.waves]


async def test_a_group_moves_wave_by_wave(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await promote(components)
            report = report_of(outcome)
            assert (report.state, states(report)) == ("running", ["running", "waiting", "waiting"])
            assert lab.waves == [("1/3", ["db", "relay"])]
            assert set(outcome.later) == {"app", "mail", "web"}
            assert states(await go_on(components, report.operation)) == ["running", "waiting", "waiting"]
            lab.apply("db")
            assert states(await go_on(components, report.operation)) == ["running", "waiting", "waiting"], (
                "relay is not"
            )
            lab.apply("relay")
            assert states(await go_on(components, report.operation)) == ["done", "running", "waiting"]
            assert lab.waves[1:] == [("2/3", ["app", "mail"])]
            lab.apply("app", "mail")
            assert states(await go_on(components, report.operation)) == ["done", "done", "running"]
            lab.apply("web")
            last = await go_on(components, report.operation)
            assert (last.state, states(last)) == ("done", ["done"] * 3)
            assert lab.waves[2:] == [("3/3", ["web"])]
            assert {lab.side(name) for name in ("db", "relay", "app", "mail", "web")} == {"backup"}


async def test_the_trailers_tell_all_of_it(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            await promote(components)
    (message,) = stage.moves
    assert "Failover-Wave: 1/3\nFailover-Members: db, relay, app, mail, web\nFailover-Wave-Sizes: 2, 2, 1\n" in message
    assert "Failover-Group: all\n" in message


async def test_a_demote_goes_the_other_way_round(stage: Stage, tmp_path: Path) -> None:
    after = {"db": (), "app": ("db",)}
    with waves_lab(stage, tmp_path, after) as lab:
        stage.commit({file_of(name): manifest(name, "backup").replace("pvc-", "pvc-") for name in after})
        for name in after:
            text = (stage.read(file_of(name)) or b"").decode().replace(f'"pvc-{name}"', f'"pvc-{name}-backup"')
            stage.commit({file_of(name): text})
        lab.apply(*after)
        lab.cluster.advance(20)
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await promote(components, action=Action.DEMOTE)
            assert lab.waves == [("1/2", ["app"])]
            lab.apply("app")
            await go_on(components, report_of(outcome).operation)
            assert lab.waves[1:] == [("2/2", ["db"])]


async def test_another_replica_goes_on_from_the_trailers(stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = report_of(await promote(components)).operation
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            assert operation is not None
            seen = await components.failover.operation(operation)
            assert states(seen) == ["running", "waiting", "waiting"]
            assert seen.waves[0].commits[0].sha
            lab.apply("db", "relay")
            assert states(await go_on(components, operation)) == ["done", "running", "waiting"]
        assert lab.waves == [("1/3", ["db", "relay"]), ("2/3", ["app", "mail"])]
        assert all(f"Failover-Operation: {operation}" in message for message in stage.moves)
        assert all("Failover-Requested-By: ops-laptop" in message for message in stage.moves)
        assert all("Reason: k3s-w1 is down" in message for message in stage.moves)


async def test_many_replicas_make_one_commit_a_wave(stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    with waves_lab(stage, tmp_path) as lab:
        async with (
            stage.open(cluster=str(lab.kubeconfig)) as one,
            stage.open(cluster=str(lab.kubeconfig)) as two,
            stage.open(cluster=str(lab.kubeconfig)) as three,
        ):
            operation = report_of(await promote(one)).operation
            for names in (("db", "relay"), ("app", "mail"), ("web",)):
                lab.apply(*names)
                await asyncio.gather(*(go_on(each, operation) for each in (one, two, three)))
            found = [await go_on(each, operation) for each in (one, two, three)]
    assert lab.waves == [("1/3", ["db", "relay"]), ("2/3", ["app", "mail"]), ("3/3", ["web"])]
    assert [report.state for report in found] == ["done"] * 3


async def test_one_that_does_not_come_up_holds_what_waits_for_it_alone(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path, top="wave_timeout: 4s") as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            report = report_of(await promote(components))
            lab.apply("relay")
            while lab.waves[1:] == []:
                report = await go_on(components, report.operation)
            assert lab.waves[1:] == [("2/3", ["mail"])]
            lab.apply("mail")
            last = await go_on(components, report.operation)
    assert (last.state, states(last)) == ("stopped", ["stopped"] * 3)
    assert "db: did not serve within 4 s: waiting-for-apply" in last.waves[0].reason
    assert last.waves[1].reason == "app: waits for db"
    assert last.waves[2].reason == "web: waits for app, db"


async def test_a_move_of_a_person_stops_what_waits_for_it(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            report = report_of(await promote(components))
            lab.apply("db")
            await go_on(components, report.operation)
            await components.failover.move("db", Action.ROLLBACK, MoveRequest("somebody"))
            lab.apply("db", "relay")
            found = await go_on(components, report.operation)
    assert found.waves[0].reason.startswith("db: moved again since, by operation ")
    assert lab.waves[2:] == [("2/3", ["mail"])]


async def test_one_that_is_there_already_counts_when_it_serves(stage: Stage, tmp_path: Path) -> None:
    after = {"db": (), "app": ("db",)}
    with waves_lab(stage, tmp_path, after) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            await components.failover.move("db", Action.PROMOTE, BY)
            waiting = report_of(await promote(components))
            assert (waiting.state, states(waiting)) == ("running", ["running", "waiting"]), (
                "it does not serve there yet"
            )
            lab.apply("db")
            outcome = await promote(components)
            assert states(report_of(outcome)) == ["done", "running"]
            assert lab.side("app") == "backup"
            assert lab.waves[1:] == [("2/2", ["app"])]


async def test_what_was_there_before_is_none_of_its_own_also_after_a_restart(stage: Stage, tmp_path: Path) -> None:
    """Its own time to serve began with another operation, and is over: that is no reason to call this one stopped."""
    with waves_lab(stage, tmp_path, {"db": (), "app": ("db",)}) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            await components.failover.move("db", Action.PROMOTE, BY)
            lab.apply("db")
            operation = report_of(await promote(components)).operation
        async with stage.open(cluster=str(lab.kubeconfig)) as restarted:
            assert operation is not None
            found = await restarted.failover.waves.find(operation)
            assert found is not None
            found.began_at += 60  # the other was long before, and not within the same second
            found.written.clear()
            found.read_at = float("-inf")
            await restarted.failover.waves.advance(found)
            assert found.written.keys() == {"app"}


async def test_without_a_cluster_it_is_one_commit_and_a_warning(stage: Stage) -> None:
    after = {"db": (), "app": ("db",)}
    stage.commit({file_of(name): manifest(name) for name in after})
    declare(stage, after)
    async with stage.open() as components:
        outcome = await promote(components)
    assert outcome.waves is None
    assert len(stage.moves) == 1
    assert outcome.warnings == ("whether db serves is not seen from here, so what is after it does not wait for it",)
    assert "Failover-Wave" not in stage.moves[0]


async def test_a_dry_run_shows_the_waves_and_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await promote(components, MoveRequest("me", dry_run=True))
    report = report_of(outcome)
    assert report.operation is None
    assert [wave.services for wave in report.waves] == [("db", "relay"), ("app", "mail"), ("web",)]
    assert sum(len(part.plans) for part in outcome.parts) == 5
    assert stage.moves == []


async def test_one_that_is_refused_refuses_all_before_anything_is_written(stage: Stage, tmp_path: Path) -> None:
    from failover_api.errors import ManifestDrifted

    with waves_lab(stage, tmp_path) as lab:
        stage.replace(file_of("web"), '"role": "primary"', '"role": "elsewhere"')
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            with pytest.raises(ManifestDrifted):
                await promote(components)
            assert stage.moves == []
            outcome = await promote(components, MoveRequest("me", skip_refused=True))
            assert set(outcome.parts[0].refused) == {"web"}
            assert lab.waves == [("1/3", ["db", "relay"])]


async def test_the_same_key_again_is_the_same_operation(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            keyed = MoveRequest("me", key="k1")
            first = report_of(await promote(components, keyed))
            again = report_of(await promote(components, keyed))
            assert again.operation == first.operation
            assert len(stage.moves) == 1
            lab.apply("db", "relay")
            await go_on(components, first.operation)
            assert states(report_of(await promote(components, keyed))) == ["done", "running", "waiting"]
            assert len(stage.moves) == 2


def test_a_forged_commit_is_not_gone_on_with() -> None:
    """Trailers are text: a commit can name only members of its group."""
    from failover_api.core.planning.request import Provenance
    from failover_api.core.planning.waves import Wave
    from failover_api.core.text.trailers import Record
    from failover_api.operations.wave_operation import taken_up
    from tests.support.catalog_text import parsed

    text = "repository: a/b\nservices:\n" + "".join(
        f"  {name}: {{namespace: m, deployment: {name}, primary_node_label: a, backup_node_label: b}}\n"
        for name in ("db", "app", "safe")
    )
    catalog = parsed(f"{text}groups: {{all: [db, app]}}\nnodes: {{primary: k3s-w1, backup: k3s-w2}}\n")

    def told(*members: str, group: str | None = "all") -> WaveOperation | None:
        provenance = Provenance("01JD", "me", "", group=group, wave=Wave(1, tuple((name,) for name in members)))
        return taken_up(Record("db", "promote", "primary", "backup", provenance), 0.0, catalog, is_proved=True)

    def on_node(node: str, trigger: str | None = None) -> WaveOperation | None:
        wave = Wave(1, (("db",), ("safe",)), node=node)
        provenance = Provenance("01JD", "me", "", group="x", wave=wave, trigger=trigger)
        return taken_up(Record("db", "promote", "primary", "backup", provenance), 0.0, catalog, is_proved=True)

    assert on_node("k3s-w1") is not None
    assert on_node("k3s-w2") is None, "they are promoted, and so not from there"
    assert on_node("*") is None
    assert on_node("*", "alert") is not None, "each of its waves needs a permit"
    assert told("db", "app") is not None
    assert told("db", "safe") is None
    assert told("db", "app", group=None) is None
    assert told("app") is None, "it does not name itself"
    assert told("db", "gone") is None


# Pull requests


async def test_a_wave_waits_for_the_merge(stage: Stage, tmp_path: Path) -> None:
    after = {"db": (), "app": ("db",), "mail": ()}
    with waves_lab(stage, tmp_path, after, db=["policy: pull_request"]) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await promote(components)
            report = report_of(outcome)
            assert (report.state, states(report)) == ("running", ["running", "waiting"])
            assert lab.waves == [("1/2", ["mail"])]
            (pull,) = stage.pulls()
            assert "Failover-Wave: 1/2" in pull["body"]
            lab.apply("mail")
            waiting = await go_on(components, report.operation)
            assert waiting.waves[0].reason == "db: a pull request waits for its merge"
            stage.merge(pull["number"])
            assert states(await go_on(components, report.operation)) == ["running", "waiting"]
            lab.apply("db")
            assert states(await go_on(components, report.operation)) == ["done", "running"]
            assert lab.side("app") == "backup"


async def test_a_pull_request_that_is_closed_holds_what_waits_for_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.operations.wave_operation.CLOSED_S", 0.0)
    after = {"db": (), "app": ("db",), "mail": ()}
    with waves_lab(stage, tmp_path, after, db=["policy: pull_request"]) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            report = report_of(await promote(components))
            lab.apply("mail")
            stage.close(stage.pulls()[0]["number"])
            found = await go_on(components, report.operation)
    assert (found.state, states(found)) == ("stopped", ["stopped", "stopped"])
    assert found.waves[0].reason == "db: its pull request was closed"
    assert found.waves[1].reason == "app: waits for db"


async def test_a_replica_takes_up_what_is_only_proposed(stage: Stage, tmp_path: Path) -> None:
    after = {"db": (), "app": ("db",)}
    policies = {name: ["policy: pull_request"] for name in after}
    with waves_lab(stage, tmp_path, after, **policies) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = report_of(await promote(components)).operation
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            assert operation is not None
            assert states(await components.failover.operation(operation)) == ["running", "waiting"]
        assert lab.waves == []


# Without rights in a cluster


async def test_what_flux_applied_is_enough(stage: Stage) -> None:
    """Flux tells that it applied the commit, and nothing of pods is seen."""
    import time

    from failover_api.reading.flux_reports import FluxReport

    def applied(revision: str) -> FluxReport:
        message = "Deployment/media/db configured\nDeployment/media/app configured"
        return FluxReport("Kustomization", "flux-system", "apps", f"main@sha1:{revision}", time.time(), False, message)

    after = {"db": (), "app": ("db",)}
    stage.commit({file_of(name): manifest(name) for name in after})
    declare(stage, after)
    async with stage.open() as components:
        components.failover.flux_reports.take(applied(stage.sandbox.head(repository=stage.repository)))
        outcome = await promote(components)
        report = report_of(outcome)
        assert outcome.warnings == ()
        assert states(await go_on(components, report.operation)) == ["running", "waiting"]
        components.failover.flux_reports.take(applied(stage.sandbox.head(repository=stage.repository)))
        assert states(await go_on(components, report.operation)) == ["done", "running"]
        assert len(stage.moves) == 2
        components.failover.flux_reports.take(applied(stage.sandbox.head(repository=stage.repository)))
        assert (await go_on(components, report.operation)).state == "done"


async def test_a_replica_that_sees_nothing_goes_on_with_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = report_of(await promote(components)).operation
        lab.apply("db", "relay")
        async with stage.open() as components:
            seen = await go_on(components, operation)
    assert states(seen) == ["running", "waiting", "waiting"]
    assert len(stage.moves) == 1


# Faults


@pytest.mark.parametrize("kind", ["lost_reply", "lost_request", "status", "race", "stale", "lag"])
async def test_a_fault_in_the_middle_makes_no_second_commit(stage: Stage, tmp_path: Path, kind: str) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            report = report_of(await promote(components))
            lab.apply("db", "relay")
            how = {"status": 502} if kind == "status" else {}
            stage.fault(kind, operation="createCommitOnBranch", **how)
            await go_on(components, report.operation)
            found = await go_on(components, report.operation)
    assert [number for number, _ in lab.waves] == ["1/3", "2/3"]
    assert states(found) == ["done", "running", "waiting"]


# Looked at later


async def whole(components: Components, lab: WavesLab) -> str:
    """A move of all of it, to its end; gives the operation."""
    operation = report_of(await promote(components)).operation
    assert operation is not None
    for names in (("db", "relay"), ("app", "mail"), ("web",)):
        lab.apply(*names)
        await go_on(components, operation)
    return operation


async def test_what_has_ended_stays_as_it_was(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = await whole(components, lab)
            assert (await components.failover.operation(operation)).state == "done"
            await components.failover.move("db", Action.DEMOTE, MoveRequest("me"))
            assert (await go_on(components, operation)).state == "done"
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            later = await components.failover.operation(operation)
            assert (later.state, later.waves[0].reason) == ("done", "db: moved again since")
            await components.failover.move_group("all", Action.DEMOTE, MoveRequest("me"))


async def test_one_of_which_all_was_moved_again_is_found_in_the_log(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = await whole(components, lab)
            for name in ("db", "relay", "app", "mail", "web"):
                await components.failover.move(name, Action.DEMOTE, MoveRequest("me"))
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            later = await components.failover.operation(operation)
            assert (later.state, states(later)) == ("done", ["done"] * 3)
            assert len({commit.sha for wave in later.waves for commit in wave.commits}) == 3
            with pytest.raises(UnknownUrl):
                await components.failover.operation("01JDAAAAAAAAAAAAAAAAAAAAAA")


async def test_what_nobody_has_gone_on_with_is_over(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day later nobody expects the second wave any more."""
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = report_of(await promote(components)).operation
        lab.apply("db", "relay")
        monkeypatch.setattr("failover_api.operations.wave_sight.RESUME_S", -400.0)
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            found = await go_on(components, operation)
    assert (found.state, states(found)) == ("stopped", ["done", "stopped", "stopped"])
    assert found.waves[2].reason == "web: nobody has gone on with it in time"
    assert len(stage.moves) == 1


# Several at once


async def test_the_same_asked_again_is_the_operation_that_is_under_way(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            first = report_of(await promote(components)).operation
            again = await promote(components, MoveRequest("somebody impatient"))
            assert report_of(again).operation == first
            assert not any(part.changed for part in again.parts)
            assert set(again.later) == {"app", "mail", "web"}
        async with stage.open(cluster=str(lab.kubeconfig)) as other:
            assert report_of(await promote(other)).operation == first
        assert len(stage.moves) == 1


async def test_what_others_have_brought_there_is_there(stage: Stage, tmp_path: Path) -> None:
    """Whoever moves one of them on by hand stops nothing, as long as it is to where it was to go."""
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            operation = report_of(await promote(components)).operation
            await components.failover.move("app", Action.PROMOTE, MoveRequest("somebody impatient"))
            lab.apply("db", "relay", "app")
            await go_on(components, operation)
            lab.apply("mail")
            await go_on(components, operation)
            lab.apply("web")
            found = await go_on(components, operation)
    assert found.state == "done"
    assert lab.waves == [("1/3", ["db", "relay"]), ("", ["app"]), ("2/3", ["mail"]), ("3/3", ["web"])]


async def test_the_way_back_stops_the_way_there(stage: Stage, tmp_path: Path) -> None:
    with waves_lab(stage, tmp_path) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            there = report_of(await promote(components)).operation
            lab.apply("db", "relay")
            back = report_of(await promote(components, action=Action.DEMOTE))
            lab.apply("db", "relay")
            assert (await go_on(components, there)).state == "stopped"
            assert (await go_on(components, back.operation)).state == "done"
            assert {lab.side(name) for name in ("db", "relay", "app", "mail", "web")} == {"primary"}


# What nobody asked for


class Permits:
    """Remembers for whom a permit was asked; refuses while `why` says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.why = ""

    def __call__(self, names: Collection[str]) -> Callable[[], Awaitable[None]]:
        async def permit() -> None:
            self.asked.append(tuple(names))
            if self.why:
                raise NotPermitted(self.why)

        return permit


def automatic(permits: Permits, *names: str) -> MoveRequest:
    return MoveRequest(
        "automatic",
        key="node-1",
        skip_refused=True,
        trigger="automatic",
        evidence=("k3s-w1 is dead",),
        permit=permits(names),
        permit_for=permits,
    )


async def test_each_wave_of_an_automatic_move_needs_a_permit(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.RETRY_S", 0.0)
    after = {"db": (), "app": ("db",)}
    permits = Permits()
    with waves_lab(stage, tmp_path, after) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await components.failover.evacuate("k3s-w1", automatic(permits, "db", "app"), only=["db", "app"])
            assert outcome.waves is not None
            operation = outcome.waves.operation
            assert permits.asked == [("db", "app")]
            assert components.failover.waves.members_of_event("automatic", "node-1") == {"db", "app"}
            lab.apply("db")
            permits.why = "paused"
            assert states(await go_on(components, operation)) == ["done", "waiting"]
            assert permits.asked[1:] == [("app",)]
            assert len(lab.waves) == 1
            permits.why = ""
            assert states(await go_on(components, operation)) == ["done", "running"]
    assert lab.waves == [("1/2", ["db"]), ("2/2", ["app"])]
    assert all("Failover-Trigger: automatic\nFailover-Evidence: k3s-w1 is dead\n" in each for each in stage.moves)
    assert all("Failover-Requested-By: automatic\n" in message for message in stage.moves)


async def test_another_leader_goes_on_with_a_permit_of_its_own(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    after = {"db": (), "app": ("db",)}
    permits = Permits()
    with waves_lab(stage, tmp_path, after) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await components.failover.evacuate("k3s-w1", automatic(permits, "db", "app"), only=["db", "app"])
            assert outcome.waves is not None
            operation = outcome.waves.operation
        lab.apply("db")
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            assert states(await go_on(components, operation)) == ["done", "waiting"], "it leads not"
            assert len(lab.waves) == 1
            again = await components.failover.evacuate("k3s-w1", automatic(permits, "app"), only=["app"])
            assert again.waves is not None
            assert (again.waves.operation, states(again.waves)) == (operation, ["done", "running"])
    assert lab.waves == [("1/2", ["db"]), ("2/2", ["app"])]
    assert permits.asked[1:] == [("app",)]


async def test_what_an_event_has_held_is_not_moved_by_it_after_all(stage: Stage, tmp_path: Path) -> None:
    after = {"db": (), "app": ("db",)}
    permits = Permits()
    with waves_lab(stage, tmp_path, after, top="wave_timeout: 1s") as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            outcome = await components.failover.evacuate("k3s-w1", automatic(permits, "db", "app"), only=["db", "app"])
            assert outcome.waves is not None
            found = outcome.waves
            while found.state == "running":
                found = await go_on(components, found.operation)
            assert found.waves[1].reason == "app: waits for db"
            again = await components.failover.evacuate("k3s-w1", automatic(permits, "app"), only=["app"])
            assert again.parts == ()
            assert components.failover.waves.members_of_event("automatic", "node-1") == {"db", "app"}
    assert lab.waves == [("1/2", ["db"])]


# Schedules


FAULTS = ("lost_reply", "lost_request", "status", "race", "stale")


async def schedule(stage: Stage, folder: Path, seed: int) -> None:
    """Replicas come, die and meet faults, services come up in any order: each wave is one commit, in its time."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
    names = [f"s{number}" for number in range(chance.randint(3, 5))]
    after = {name: [one for one in names[:at] if chance.random() < 0.5] for at, name in enumerate(names)}
    after[names[-1]] = [names[0]]
    with waves_lab(stage, folder, after) as lab:
        async with contextlib.AsyncExitStack() as opened:

            async def replica() -> Components:
                return await opened.enter_async_context(stage.open(cluster=str(lab.kubeconfig)))

            replicas = [await replica() for _ in range(3)]
            operation = report_of(await promote(replicas[0])).operation
            serving: set[str] = set()
            for _ in range(200):
                moved = {name for _, wave in lab.waves for name in wave}
                for name in moved:
                    assert set(after[name]) <= serving, f"{name} moved before {set(after[name]) - serving}"
                if chance.random() < 0.3 and moved - serving:
                    lab.apply(name := chance.choice(sorted(moved - serving)))
                    serving.add(name)
                if chance.random() < 0.2:
                    kind = chance.choice(FAULTS)
                    stage.fault(kind, method="PUT", **({"status": 502} if kind == "status" else {}))
                    stage.fault(kind, operation="createCommitOnBranch", **({"status": 502} if kind == "status" else {}))
                if chance.random() < 0.1:
                    replicas[chance.randrange(3)] = await replica()
                acting = chance.sample(replicas, chance.randint(1, 3))
                found = await asyncio.gather(*(go_on(one, operation) for one in acting))
                stage.sandbox.faults.clear()
                if all(report.state == "done" for report in found):
                    break
            numbers = [number for number, _ in lab.waves]
            assert found[0].state == "done", (seed, found, lab.waves)
            assert len(numbers) == len(set(numbers)) == len(found[0].waves), (seed, lab.waves)
            assert sorted(name for _, wave in lab.waves for name in wave) == names


@pytest.mark.long
@pytest.mark.parametrize("seed", range(41))
async def test_many_schedules_of_replicas_and_faults(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("failover_api.operations.wave_runner.OTHERS_WAIT_S", 0.0)
    monkeypatch.setattr("failover_api.operations.wave_runner.RETRY_S", 0.0)
    await schedule(stage, tmp_path, seed)
