"""`unblock: rolling`: the strategy goes with a promote and comes back byte for byte, whichever way the service goes."""

import asyncio

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.core.text.trailers import read_all_records, read_records
from failover_api.errors import ManifestError, OperationPending
from failover_api.events import MoveEnded
from failover_api.moves.outcome import Outcome
from failover_api.reading.status import Status
from failover_api.wiring import Components
from tests.support.acts import BY_PULL_REQUEST, demote, move, number, promote
from tests.support.stage import RADARR, SONARR, Stage, deployment, entry

RECREATE = "  # it has a lock file\n  strategy:\n    type: 'Recreate' # one at a time\n"
ROLLING = """\
  # it has a lock file
  strategy:
    type: 'RollingUpdate' # one at a time
    rollingUpdate:
      maxSurge: 0
      maxUnavailable: 1
"""
START = deployment("sonarr").replace("  replicas: 1\n", f"  replicas: 1\n{RECREATE}")
HOME = START.encode()
THERE = (
    START.replace(RECREATE, ROLLING)
    .replace("role: primary", "role: backup")
    .replace('"pvc-sonarr"', '"pvc-sonarr-backup"')
).encode()
TIDIED = THERE.decode().replace(ROLLING, RECREATE).encode()
SERVICE = entry("sonarr", "media", "unblock: rolling")


@pytest.fixture
def lab(stage: Stage) -> Stage:
    stage.commit({SONARR: HOME})
    stage.declare(SERVICE)
    return stage


async def tidy(components: Components, outcome: Outcome) -> Outcome:
    assert outcome.operation is not None
    return await components.failover.tidy("sonarr", outcome.operation)


def paths(outcome: Outcome) -> list[str]:
    return [change.path.rpartition("spec.")[2] for change in outcome.plan.changes]


async def test_there_and_back_is_one_commit_each_and_the_very_same_bytes(lab: Stage) -> None:
    async with lab.open() as components:
        there = await promote(components)
        assert (lab.read(SONARR), there.all_warnings) == (THERE, ())
        assert paths(there)[2:] == ["strategy.type", "strategy.rollingUpdate"]
        back = await demote(components)
    assert (lab.read(SONARR), back.all_warnings) == (HOME, ())
    assert paths(back)[2:] == ["strategy.type", "strategy.rollingUpdate"]
    assert len(lab.moves) == 2
    assert "    spec.strategy.type: Recreate -> RollingUpdate\n" in lab.moves[1]
    assert "    spec.strategy.rollingUpdate: null -> {maxSurge: 0, maxUnavailable: 1}\n" in lab.moves[1]
    assert "    spec.strategy.rollingUpdate: {maxSurge: 0, maxUnavailable: 1} -> null\n" in lab.moves[0]


async def test_a_warm_promote_is_one_request_still(lab: Stage) -> None:
    async with lab.open() as components:
        await components.failover.status("sonarr")
        lab.requests.clear()
        await promote(components)
        assert len(lab.requests) == 1


async def test_the_dry_run_says_the_same_and_writes_nothing(lab: Stage) -> None:
    async with lab.open() as components:
        rehearsed = await promote(components, dry_run=True)
        assert lab.read(SONARR) == HOME
        done = await promote(components)
        assert rehearsed.plan.new == done.plan.new == {SONARR: THERE}
        home = await demote(components, dry_run=True)
        assert (home.plan.new, lab.read(SONARR)) == ({SONARR: HOME}, THERE)


async def test_asked_again_on_backup_it_changes_nothing(lab: Stage) -> None:
    async with lab.open() as components:
        await tidy(components, await promote(components))
        again = await promote(components)
    assert (again.changed, lab.read(SONARR)) == (False, TIDIED)


async def test_a_strategy_that_a_person_wrote_like_ours_stays(lab: Stage) -> None:
    lab.commit({SONARR: START.replace(RECREATE, ROLLING)})
    async with lab.open() as components:
        await promote(components)
        assert lab.read(SONARR) == THERE
        back = await demote(components)
    assert lab.read(SONARR) == START.replace(RECREATE, ROLLING).encode()
    assert "strategy.type" not in paths(back)


async def test_a_persons_strategy_wins_even_where_it_looks_like_ours(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        lab.commit({SONARR: TIDIED}, "One at a time, please")
        lab.commit({SONARR: THERE.replace(b":1.0", b":1.1")}, "No, rolling for good")
        assert not (await tidy(components, first)).changed
        await demote(components)
    assert lab.read(SONARR) == START.replace(RECREATE, ROLLING).replace(":1.0", ":1.1").encode()


async def test_other_commits_on_the_file_since_do_not_hide_who_did_it(lab: Stage) -> None:
    async with lab.open() as components:
        await promote(components)
        for tag in range(1, 13):
            lab.replace(SONARR, f":1.{tag - 1}", f":1.{tag}")
        await demote(components)
    assert lab.read(SONARR) == START.replace(":1.0", ":1.12").encode()


async def test_a_demote_after_a_hand_made_return_and_another_promote_still_puts_it_back(lab: Stage) -> None:
    async with lab.open() as components:
        await promote(components)
        lab.commit({SONARR: START.replace(RECREATE, ROLLING)}, "Home by hand")
        await promote(components)
        await demote(components)
    assert lab.read(SONARR) == HOME


async def test_what_stands_in_the_way_refuses_the_promote_and_not_the_demote(lab: Stage) -> None:
    odd = START.replace("type: 'Recreate'", "type: 'Recreate'\n    rollingUpdate:")
    lab.commit({SONARR: odd})
    async with lab.open() as components:
        with pytest.raises(
            ManifestError,
            match=r"has rollingUpdate beside the type, expected the type alone; `unblock: rolling` changes it",
        ):
            await promote(components)
        lab.commit({SONARR: odd.replace("role: primary", "role: backup")})
        await demote(components)
        assert lab.read(SONARR) == odd.encode()


# Tidying


async def test_tidying_is_a_second_commit_of_the_same_operation(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components, reason="k3s-w1 is down")
        second = await tidy(components, first)
    assert lab.read(SONARR) == TIDIED
    assert (second.changed, second.operation, second.plan.after) == (True, first.operation, State.BACKUP)
    assert second.sentence().startswith(f"the strategy of sonarr is put back in Git: 2 values in {SONARR}; ")
    message = lab.moves[0]
    headline, _, body = message.partition("\n\n")
    assert headline == "Put back the strategy of sonarr"
    assert body.startswith("Deployment media/sonarr stays on backup, and has its former strategy again.\n")
    (record,) = read_all_records(message)
    assert (record.action, record.before, record.after) == ("promote", "backup", "backup")
    assert (record.operation, record.provenance.step) == (first.operation, "2/2 tidy")
    assert (record.provenance.by, record.provenance.reason) == ("maria", "k3s-w1 is down")
    assert "Failover-Step: 2/2 tidy\n" in message
    assert read_records(message) == ()


async def test_it_is_no_entry_of_its_own_and_the_status_names_the_promote(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        await tidy(components, first)
        page = await components.failover.history("sonarr", limit=10)
        status = await components.failover.status("sonarr")
        (listed,) = await components.failover.list_all()
    told = [(entry.record and entry.record.operation, entry.subject) for entry in page.entries]
    assert told[0] == (first.operation, "Fail over sonarr to backup")
    assert "Put back" not in str(told)
    assert status.detection.state is State.BACKUP
    for each in (status, listed):
        assert isinstance(each, Status)
        assert each.last_move is not None
        assert each.last_move.subject == "Fail over sonarr to backup"


async def test_a_commit_that_only_says_it_tidied_is_shown_as_an_edit(lab: Stage) -> None:
    async with lab.open() as components:
        await tidy(components, await promote(components))
        forged = lab.moves[0]
        lab.commit({SONARR: TIDIED.replace(b":1.0", b":6.6")}, forged)
        page = await components.failover.history("sonarr", limit=10)
    assert page.entries[0].subject == "Put back the strategy of sonarr"
    assert page.entries[0].record is None


async def test_a_rollback_undoes_the_whole_operation(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        await tidy(components, first)
        undone = await move(components, action=Action.ROLLBACK)
    assert lab.read(SONARR) == HOME
    assert undone.plan.reverts == first.operation


async def test_a_rollback_before_it_does_too_and_then_nothing_is_left_to_tidy(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        await move(components, action=Action.ROLLBACK)
        assert lab.read(SONARR) == HOME
        assert not (await tidy(components, first)).changed
        await move(components, action=Action.ROLLBACK)
        assert lab.read(SONARR) == THERE
        assert not (await tidy(components, first)).changed  # that was another operation
        await demote(components)
    assert lab.read(SONARR) == HOME


async def test_it_is_done_once_whoever_asks(lab: Stage) -> None:
    async with lab.open() as one, lab.open() as other:
        first = await promote(one)
        outcomes = await asyncio.gather(*(tidy(each, first) for each in (one, other, one, other)))
    assert lab.read(SONARR) == TIDIED
    assert len(lab.moves) == 2
    assert any(outcome.changed for outcome in outcomes)


async def test_after_a_demote_and_for_an_unknown_operation_there_is_nothing_to_tidy(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        unknown = await components.failover.tidy("sonarr", "01JDBBBBBBBBBBBBBBBBBBBBBB")
        await demote(components)
        late = await tidy(components, first)
    assert (unknown.changed, late.changed, lab.read(SONARR)) == (False, False, HOME)
    assert len(lab.moves) == 2


async def test_what_moves_nothing_meets_no_hazard(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        second = await tidy(components, first)
    assert "rolling-on-one-volume" in [hazard.slug for hazard in first.hazards]
    assert second.hazards == ()


async def test_whoever_names_no_operation_means_the_one_that_did_it(lab: Stage) -> None:
    async with lab.open() as components:
        assert not (await components.failover.tidy("sonarr")).changed
        first = await promote(components)
        second = await components.failover.tidy("sonarr")
        assert not (await components.failover.tidy("sonarr")).changed
    assert (second.operation, lab.read(SONARR), len(lab.moves)) == (first.operation, TIDIED, 2)


async def test_its_lost_reply_is_found_by_its_step_and_not_taken_for_the_promote(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        lab.fault("lost_reply", operation="createCommitOnBranch")
        second = await tidy(components, first)
    assert lab.read(SONARR) == TIDIED
    assert len(lab.moves) == 2
    assert second.commit is not None
    assert first.commit is not None
    assert second.commit.sha != first.commit.sha


async def test_one_that_never_arrived_is_not_taken_for_done(lab: Stage) -> None:
    """The promote of the same operation is in the history: it is not what is looked for."""
    async with lab.open() as components:
        first = await promote(components)
        lab.fault("lost_request", operation="createCommitOnBranch")
        second = await tidy(components, first)
    assert (second.changed, lab.read(SONARR), len(lab.moves)) == (True, TIDIED, 2)


async def test_a_tidying_that_lost_its_race_looks_again(lab: Stage) -> None:
    async with lab.open() as components:
        first = await promote(components)
        lab.before_write(lambda: lab.replace(SONARR, "maxSurge: 0", "maxSurge: 1"))
        second = await tidy(components, first)
    assert not second.changed
    assert lab.read(SONARR) == THERE.replace(b"maxSurge: 0", b"maxSurge: 1")


async def test_who_subscribed_is_told_what_it_is(lab: Stage) -> None:
    told: list[MoveEnded] = []
    async with lab.open() as components:
        components.events.subscribe(MoveEnded, told.append)
        await tidy(components, await promote(components))
    assert [(event.is_tidy, event.news is not None) for event in told] == [(False, True), (True, True)]


# Keys, groups and batches


@pytest.mark.parametrize("tidied", [False, True])
async def test_a_key_that_comes_again_has_the_first_outcome(lab: Stage, tidied: bool) -> None:
    async with lab.open() as components:
        first = await promote(components, key="k1")
        if tidied:
            await tidy(components, first)
        again = await promote(components, key="k1")
    assert again.is_repeat
    assert (again.operation, again.plan.changes) == (first.operation, first.plan.changes)
    assert again.commit is not None
    assert first.commit is not None
    assert again.commit.sha == first.commit.sha


async def test_a_key_of_a_demote_has_its_first_outcome_too(lab: Stage) -> None:
    async with lab.open() as components:
        await promote(components)
        first = await demote(components, key="k2")
        again = await demote(components, key="k2")
    assert (again.is_repeat, again.plan.changes) == (True, first.plan.changes)
    assert lab.read(SONARR) == HOME


BOTH = entry("sonarr", "media", "unblock: rolling") + entry("radarr", "media", "unblock: rolling")


async def test_two_services_of_one_file_go_there_and_back_in_one_commit(stage: Stage) -> None:
    both = START + "---\n" + START.replace("sonarr", "radarr")
    stage.commit({SONARR: both, RADARR: None})
    stage.declare(BOTH + "groups: {all: [sonarr, radarr]}\n")
    request = MoveRequest(by="maria")
    async with stage.open() as components:
        await components.failover.move_group("all", Action.PROMOTE, request)
        assert (stage.read(SONARR) or b"").count(b"RollingUpdate") == 2
        await components.failover.move_group("all", Action.DEMOTE, request)
        assert stage.read(SONARR) == both.encode()
        assert len(stage.moves) == 2
        for name in ("sonarr", "radarr"):
            page = await components.failover.history(name, limit=10)
            assert [entry.record and entry.record.action for entry in page.entries[:2]] == ["demote", "promote"]


async def test_who_unblocked_many_is_one_look_at_the_branch(stage: Stage) -> None:
    names = [f"app{number}" for number in range(12)]
    files = {name: START.replace("sonarr", name) for name in names}
    stage.commit({f"apps/{name}.yaml": text for name, text in files.items()})
    entries = "".join(entry(name, "media", f"path: apps/{name}.yaml", "unblock: rolling") for name in names)
    stage.declare(f"{entries}groups: {{all: [{', '.join(names)}]}}\n")
    request = MoveRequest(by="maria")
    async with stage.open() as components:
        await components.failover.move_group("all", Action.PROMOTE, request)
        stage.replace("apps/app3.yaml", ":1.0", ":1.1")
        stage.requests.clear()
        await components.failover.move_group("all", Action.DEMOTE, request)
    assert len(stage.requests) < 12
    for name in names:
        version = ":1.1" if name == "app3" else ":1.0"
        assert stage.read(f"apps/{name}.yaml") == files[name].replace(":1.0", version).encode()


async def test_callers_written_together_each_keep_their_strategy(stage: Stage) -> None:
    both = START + "---\n" + START.replace("sonarr", "radarr")
    stage.commit({SONARR: both, RADARR: None})
    stage.declare(BOTH)
    async with stage.open() as components:
        await asyncio.gather(promote(components), promote(components, "radarr"))
        first = stage.moves
        await asyncio.gather(demote(components), demote(components, "radarr"))
    assert stage.read(SONARR) == both.encode()
    assert len(first) <= 2


async def test_a_neighbour_in_the_file_sees_no_edit_in_it(stage: Stage) -> None:
    """What was done to one Deployment's strategy is no person's edit of another service of the file."""
    both = START + "---\n" + START.replace("sonarr", "radarr")
    stage.commit({SONARR: both, RADARR: None}, "Start")
    stage.declare(BOTH)
    async with stage.open() as components:
        first = await promote(components)
        await tidy(components, first)
        await promote(components)
        await demote(components)
        page = await components.failover.history("radarr", limit=10)
    assert [entry.subject for entry in page.entries] == ["Start", "Initial commit"]


async def test_a_rollback_of_one_leaves_the_other_in_the_file_alone(stage: Stage) -> None:
    both = START + "---\n" + START.replace("sonarr", "radarr")
    stage.commit({SONARR: both, RADARR: None})
    stage.declare(BOTH + "groups: {all: [sonarr, radarr]}\n")
    async with stage.open() as components:
        await components.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria"))
        await move(components, "radarr", Action.ROLLBACK)
    assert stage.read(SONARR) == THERE + b"---\n" + START.replace("sonarr", "radarr").encode()


async def test_a_lost_reply_of_the_promote_is_found(lab: Stage) -> None:
    async with lab.open() as components:
        lab.fault("lost_reply", method="PUT", times=1)
        outcome = await promote(components)
    assert (outcome.changed, lab.read(SONARR), len(lab.moves)) == (True, THERE, 1)


async def test_a_demote_that_lost_its_race_plans_on_what_is_there(lab: Stage) -> None:
    async with lab.open() as components:
        await promote(components)
        lab.before_write(lambda: lab.replace(SONARR, ":1.0", ":1.1"))
        await demote(components)
    assert lab.read(SONARR) == HOME.replace(b":1.0", b":1.1")


# By pull request

PROPOSED = entry("sonarr", "media", "unblock: rolling", BY_PULL_REQUEST)


@pytest.fixture
def proposed(lab: Stage) -> Stage:
    lab.declare(PROPOSED)
    return lab


METHODS = ("squash", "merge", "rebase")


@pytest.mark.parametrize("method", METHODS)
async def test_by_pull_request_it_goes_there_and_back(proposed: Stage, method: str) -> None:
    async with proposed.open() as components:
        there = await promote(components)
        assert proposed.read(SONARR, "failover/sonarr") == THERE
        (pull,) = proposed.pulls()
        row = "| `spec.strategy.rollingUpdate` | `null` | `{maxSurge: 0, maxUnavailable: 1}` |"
        assert row in pull["body"]
        proposed.merge(number(there), method)
        back = await demote(components)
        assert proposed.read(SONARR, "failover/sonarr") == HOME
        again = await demote(components)
        assert (again.changed, number(again)) == (False, number(back))
        proposed.merge(number(back), method)
    assert proposed.read(SONARR) == HOME


async def test_a_squash_that_says_nothing_is_known_by_its_pull_request(proposed: Stage) -> None:
    async with proposed.open() as components:
        there = await promote(components)
        proposed.merge(number(there), "squash", commit_title=f"Failover (#{number(there)})", commit_message="")
        back = await demote(components)
        assert proposed.read(SONARR, "failover/sonarr") == HOME
    assert back.changed


@pytest.mark.parametrize("method", METHODS)
async def test_tidying_is_proposed_too_and_no_entry_when_it_is_merged(proposed: Stage, method: str) -> None:
    async with proposed.open() as components:
        first = await promote(components)
        assert not (await tidy(components, first)).changed  # it is not merged yet
        proposed.merge(number(first), method)
        second = await tidy(components, first)
        assert (second.changed, second.operation) == (True, first.operation)
        (pull,) = proposed.pulls()
        assert pull["title"] == "Put back the strategy of sonarr"
        again = await tidy(components, first)
        assert (again.changed, number(again)) == (False, number(second))
        proposed.merge(number(second), method)
        assert proposed.read(SONARR) == TIDIED
        assert not (await tidy(components, first)).changed
        page = await components.failover.history("sonarr", limit=10)
        assert [entry.record and entry.record.operation for entry in page.entries[:2]] == [first.operation, None]
        undone = await move(components, action=Action.ROLLBACK)
        assert proposed.read(SONARR, "failover/sonarr") == HOME
        assert undone.plan.reverts == first.operation


async def test_an_open_tidying_gives_way_to_a_move_and_is_left_alone_by_what_changes_nothing(proposed: Stage) -> None:
    async with proposed.open() as components:
        first = await promote(components)
        proposed.merge(number(first))
        second = await tidy(components, first)
        assert not (await promote(components)).changed
        assert [pull["number"] for pull in proposed.pulls()] == [number(second)]
        back = await demote(components)
        assert [pull["number"] for pull in proposed.pulls()] == [number(back)]
        proposed.merge(number(back))
    assert proposed.read(SONARR) == HOME


async def test_an_open_move_is_not_passed_by(proposed: Stage) -> None:
    async with proposed.open() as components:
        first = await promote(components)
        proposed.merge(number(first))
        await demote(components)
        with pytest.raises(OperationPending):
            await tidy(components, first)


async def test_a_person_who_pushed_to_the_tidying_is_not_overruled(proposed: Stage) -> None:
    async with proposed.open() as components:
        first = await promote(components)
        proposed.merge(number(first))
        await tidy(components, first)
        proposed.commit({SONARR: TIDIED + b"# mine\n"}, "Mine", "failover/sonarr")
        with pytest.raises(OperationPending):
            await demote(components)


async def test_a_protected_branch_gets_a_pull_request_for_the_tidying(stage: Stage) -> None:
    stage.commit({SONARR: HOME})
    stage.declare(entry("sonarr", "media", "unblock: rolling", "fallback: pull_request"))
    async with stage.open() as components:
        first = await promote(components)
        stage.sandbox.protect(repository=stage.repository)
        second = await tidy(components, first)
    assert second.pull_request is not None
    assert stage.read(SONARR, "failover/sonarr") == TIDIED


@pytest.mark.parametrize("method", METHODS)
async def test_a_group_by_pull_request_goes_there_and_back(stage: Stage, method: str) -> None:
    other = START.replace("sonarr", "radarr")
    stage.commit({SONARR: HOME, RADARR: other})
    services = PROPOSED + entry("radarr", "media", "unblock: rolling", BY_PULL_REQUEST)
    stage.declare(f"{services}groups: {{all: [sonarr, radarr]}}\n")
    request = MoveRequest(by="maria")
    async with stage.open() as components:
        (there,) = (await components.failover.move_group("all", Action.PROMOTE, request)).parts
        stage.merge(number(there), method)
        (back,) = (await components.failover.move_group("all", Action.DEMOTE, request)).parts
        (again,) = (await components.failover.move_group("all", Action.DEMOTE, request)).parts
        assert (again.changed, number(again)) == (False, number(back))
        stage.merge(number(back), method)
    assert (stage.read(SONARR), stage.read(RADARR)) == (HOME, other.encode())


async def test_one_whose_strategy_is_odd_may_be_skipped_and_the_others_go(stage: Stage) -> None:
    odd = START.replace("sonarr", "radarr").replace("type: 'Recreate'", "type: 'Recreate'\n    rollingUpdate:")
    stage.commit({SONARR: HOME, RADARR: odd})
    stage.declare(f"{BOTH}groups: {{all: [sonarr, radarr]}}\n")
    async with stage.open() as components:
        with pytest.raises(ManifestError, match=r"radarr: .*take `unblock` out of the catalog"):
            await components.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria"))
        assert stage.read(SONARR) == HOME
        request = MoveRequest(by="maria", skip_refused=True)
        (part,) = (await components.failover.move_group("all", Action.PROMOTE, request)).parts
    assert (stage.read(SONARR), stage.read(RADARR)) == (THERE, odd.encode())
    assert list(part.refused) == ["radarr"]
