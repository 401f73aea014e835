"""What VolSync, Kubernetes and people do to a relocation, one by one. Each of these has lost data somewhere."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import ReplicationKind, Via
from failover_api.core.safety.observed import Condition
from failover_api.core.safety.relocation import ladder
from failover_api.core.safety.relocation.gitview import Made
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.places import ABSENT
from failover_api.core.safety.relocation.proofs import Quiet, quiet_text, stamp
from failover_api.core.safety.relocation.quiet import still
from failover_api.core.safety.relocation.sight import Ends, Holder, Running
from failover_api.core.safety.relocation.steps import Ending, Step
from failover_api.core.safety.relocation.table import BEFORE_CUTOVER, Cause, Position
from failover_api.core.safety.relocation.tags import parse_tag
from failover_api.core.safety.relocation.values import manual, paused
from tests.core.safety.relocation.ground import CLAIM, NODE, OPERATION, PAIRS, REPLICAS, subject
from tests.core.safety.relocation.stand import NOW, STEP_S, Stand

TOWARDS, AWAY = PAIRS[Side.PRIMARY], PAIRS[Side.BACKUP]
POD = Holder("sonarr-1", "b", "k3s-w2")
DURING = [position for position in Position if position.step is not None]


def at(position: Position) -> Stand:
    is_by_repository = position in {Position.RESTORE, Position.FINAL_RESTORE}
    return Stand(subject(via=Via.REPOSITORY if is_by_repository else Via.DIRECT)).at(position)


# The way up


def test_five_steps_lead_home() -> None:
    stand = Stand()
    labels = [stand.go().commit.label for _ in range(5)]
    assert labels == ["1/5 reverse", "2/5 quiesce", "3/5 final-sync", "4/5 cutover", "5/5 protect"]
    assert stand.decide().state is State.DONE
    assert stand.tags == []
    assert (stand.values[CLAIM], stand.values[NODE], stand.values[REPLICAS]) == ("a", "k3s-w1", 1)
    assert [stand.values[paused(end)] for end in (*TOWARDS.both, *AWAY.both)] == [True, True, False, False]


def test_the_other_direction_is_the_same_ladder() -> None:
    stand = Stand(subject(Side.BACKUP), {paused(end): ABSENT for end in AWAY.both})
    for _ in range(5):
        stand.go()
    assert stand.decide().state is State.DONE
    assert stand.values[CLAIM] == "b"
    assert [stand.values[paused(end)] for end in (*AWAY.both, *TOWARDS.both)] == [True, True, False, False]


def test_what_was_added_is_taken_away_again() -> None:
    unparked = frozenset(paused(end) for end in AWAY.both)
    stand = Stand(subject(unparked=unparked), {REPLICAS: ABSENT}).at(Position.CUTOVER)
    assert stand.values[REPLICAS] == 1
    stand.go()
    assert stand.values[REPLICAS] is ABSENT
    assert [stand.values[place] for place in unparked] == [ABSENT, ABSENT]


def test_a_number_of_replicas_comes_back() -> None:
    assert Stand(None, {REPLICAS: 3}).at(Position.CUTOVER).values[REPLICAS] == 3


def test_a_tag_of_a_person_comes_back() -> None:
    place = manual(TOWARDS.source)
    assert Stand(None, {place: "first"}).at(Position.PROTECT).values[place] == "first"


def test_a_tag_that_another_operation_left_behind_does_not() -> None:
    place = manual(AWAY.source)
    stand = Stand(None, {place: "failover-01jdaaaaaaaaaaaaaaaaaaaaab-3-1"}).at(Position.PROTECT)
    assert stand.values[place] is ABSENT


# Before it


@pytest.mark.parametrize("side", ["origin_down", "target_down"])
def test_a_node_that_is_not_ready_stops_it_before_the_first_step(side: str) -> None:
    stand = Stand()
    decision = stand.decide(stand.sight(**{side: ("k3s-w1",)}))
    assert (decision.state, decision.commit) == (State.STOPPED, None)
    assert "k3s-w1 is not ready" in decision.reason


def test_an_app_that_does_not_run_is_not_begun_with() -> None:
    decision = Stand(None, {REPLICAS: 0}).decide()
    assert (decision.state, decision.commit) == (State.STOPPED, None)
    assert "is 0" in decision.reason


def test_a_service_between_its_sides_is_not_begun_with() -> None:
    decision = Stand(None, {CLAIM: "a"}).decide()
    assert (decision.state, decision.commit) == (State.STOPPED, None)
    assert "is not on backup" in decision.reason


def test_a_service_that_is_there_is_done_without_a_commit() -> None:
    decision = Stand(None, {CLAIM: "a", NODE: "k3s-w1"}).decide()
    assert (decision.state, decision.commit) == (State.DONE, None)


# Tags


def test_no_tag_is_used_twice() -> None:
    stand = at(Position.FINAL_SYNC)
    seen = [*stand.tags]
    for _ in range(4):
        stand.go(stand.source(result="Failed"))
        seen += stand.tags
    assert [len(seen), len(set(seen))] == [10, 5]
    assert {parse_tag(tag).operation for tag in seen} == {OPERATION}


def test_a_tag_that_an_older_sync_has_answered_proves_nothing() -> None:
    """The scheduled sync that ran when the tag was set notes the tag at its end."""
    stand = at(Position.FINAL_SYNC)
    began_before_s = stand.now - 10 - (stand.made[-1].at - 60)
    decision = stand.decide(stand.source(last_sync_duration_s=began_before_s))
    assert decision.edge is not None
    assert decision.edge.cause is Cause.UNPROVED
    assert "not known to have begun after" in decision.commit.proof


def test_the_old_image_after_unpausing_is_enough_for_the_first_step_alone() -> None:
    weeks_s = 30 * 86_400.0
    first = at(Position.REVERSE)
    assert first.decide(first.source(last_sync_duration_s=weeks_s)).edge.cause is Cause.BROUGHT
    last = at(Position.FINAL_SYNC)
    assert last.decide(last.source(last_sync_duration_s=weeks_s)).edge.cause is Cause.UNPROVED


def test_when_a_sync_ended_says_nothing_of_its_data() -> None:
    stand = at(Position.FINAL_SYNC)
    decision = stand.decide(stand.source(last_sync_at=stand.now, last_sync_duration_s=600.0))
    assert decision.edge.cause is Cause.UNPROVED


@pytest.mark.parametrize("began_s", [-1.0, 0.0, 1.0, 1.9])
def test_a_sync_that_began_at_the_same_moment_proves_nothing(began_s: float) -> None:
    """Times have whole seconds."""
    stand = at(Position.FINAL_SYNC)
    began = stand.made[-1].at + began_s
    sight = stand.source(last_sync_at=stand.now, last_sync_duration_s=stand.now - began)
    assert stand.decide(sight).edge.cause is Cause.UNPROVED


def test_two_seconds_later_it_does() -> None:
    stand = at(Position.FINAL_SYNC)
    began = stand.made[-1].at + 2.0
    sight = stand.source(last_sync_at=stand.now, last_sync_duration_s=stand.now - began)
    assert stand.decide(sight).edge.cause is Cause.PROVED


@pytest.mark.parametrize(
    "ahead", [{"last_sync_at": NOW + 100_000}, {"last_sync_duration_s": -50.0}, {"last_sync_duration_s": None}]
)
def test_times_that_run_backwards_or_ahead_prove_nothing(ahead: dict[str, float]) -> None:
    stand = at(Position.FINAL_SYNC)
    decision = stand.decide(stand.source(**ahead))
    assert decision.edge.cause is Cause.UNPROVED


@pytest.mark.parametrize("position", [Position.REVERSE, Position.FINAL_SYNC])
@pytest.mark.parametrize("result", ["Failed", ""])
def test_well_on_one_end_alone_is_not_well(position: Position, result: str) -> None:
    stand = at(position)
    for sight in (stand.source(result=result), stand.destination(result=result)):
        decision = stand.decide(sight)
        assert decision.edge is None or decision.edge.cause is Cause.UNPROVED


def test_an_end_that_waits_for_another_that_has_ended_gets_another_tag() -> None:
    """An older sync answered the tag on the source; its destination waits for a source that is idle."""
    stand = at(Position.REVERSE)
    stand.now += 60
    waits = stand.destination(sync_started_at=stand.now - 50, last_manual="old")
    ended = replace(waits.towards.source, last_sync_at=stand.now - 55)
    decision = stand.decide(replace(waits, towards=replace(waits.towards, source=ended)))
    assert decision.edge.cause is Cause.UNPROVED
    assert {parse_tag(tag).number for tag in stand.tags} == {1}


def test_a_sync_is_not_done_while_it_cleans_up() -> None:
    stand = at(Position.REVERSE)
    decision = stand.decide(stand.source(synchronizing=Condition("Synchronizing", "False", "CleaningUp")))
    assert (decision.edge, decision.state) == (None, State.RUNNING)
    assert "cleans up" in decision.reason


def test_no_tag_is_set_while_a_sync_runs_that_could_answer_it() -> None:
    quiet = at(Position.QUIESCE)
    assert quiet.decide(quiet.source(sync_started_at=quiet.now)).commit is None
    final = at(Position.FINAL_SYNC)
    final.generation += 1
    sight = final.source(sync_started_at=final.now, result="Failed")
    assert final.decide(sight).commit is None


def test_a_first_sync_at_creation_counts_by_its_beginning() -> None:
    """A pair that is made anew in the middle syncs at once, whatever its trigger says, and notes the tag."""
    stand = at(Position.FINAL_SYNC)
    new = stand.source(last_manual="", last_sync_at=None, last_sync_duration_s=None, sync_started_at=stand.now)
    assert stand.decide(new).edge is None
    assert stand.decide().edge.cause is Cause.PROVED


def test_a_pair_that_does_not_exist_yet_is_waited_for() -> None:
    stand = at(Position.REVERSE)
    decision = stand.decide(stand.sight(towards=Ends()))
    assert (decision.edge, decision.state) == (None, State.WAITING)
    assert "is not in the cluster" in decision.reason


# The app


@pytest.mark.parametrize("holder", [POD, Holder("backup-29411", "b"), Holder("browser", "a"), Holder("mover", "b")])
def test_a_pod_that_has_a_claim_is_waited_for_and_named(holder: Holder) -> None:
    stand = at(Position.QUIESCE)
    decision = stand.decide(stand.sight(holders=(holder,)))
    assert decision.edge is None
    assert f"Pod {holder.name} still has {holder.claim}" in decision.reason


def test_a_mover_of_the_pair_may_have_it_until_the_cutover() -> None:
    mover = Holder("volsync-dst", "a", is_mover=True)
    quiet = at(Position.QUIESCE)
    assert quiet.decide(quiet.sight(holders=(mover,))).edge.cause is Cause.QUIET
    final = at(Position.FINAL_SYNC)
    decision = final.decide(final.sight(holders=(mover,)))
    assert decision.edge is None
    assert "Pod volsync-dst still has a" in decision.reason


@pytest.mark.parametrize(
    "workload",
    [
        None,
        Running("sonarr", "uid-1", 8, 8, 1),
        Running("sonarr", "uid-1", 8, 7, 0),
        Running("sonarr", "uid-1", None, None, 0),
    ],
)
def test_an_app_that_is_not_seen_to_have_stopped_has_not(workload: Running | None) -> None:
    stand = at(Position.QUIESCE)
    assert stand.decide(stand.sight(workload=workload)).edge is None


def test_what_ran_on_a_node_that_does_not_answer_may_still_write() -> None:
    stand = at(Position.QUIESCE)
    decision = stand.decide(stand.sight(origin_down=("k3s-w2",)))
    assert (decision.edge, decision.state) == (None, State.WAITING)


def test_who_scales_back_up_is_waited_for() -> None:
    stand = at(Position.FINAL_SYNC)
    decision = stand.decide(stand.sight(workload=Running("sonarr", "uid-1", 8, 8, 1), holders=(POD,)))
    assert (decision.edge, decision.state) == (None, State.WAITING)


def test_who_scaled_up_and_down_again_makes_the_final_sync_worthless() -> None:
    """Nobody has seen it: the generation has."""
    stand = at(Position.FINAL_SYNC)
    stand.generation = 9
    decision = stand.go()
    assert decision.edge.cause is Cause.UNPROVED
    assert "may have run again" in stand.made[-1].proof
    assert stand.decide().edge.cause is Cause.PROVED


def test_a_workload_that_was_made_anew_does_too() -> None:
    stand = at(Position.FINAL_SYNC)
    decision = stand.decide(stand.sight(workload=Running("sonarr", "uid-2", 7, 7, 0)))
    assert decision.edge.cause is Cause.UNPROVED


def test_a_job_that_came_and_went_does_too() -> None:
    stand = at(Position.FINAL_SYNC)
    job = Holder("backup-29411", "b", has_ended=True, created_at=stand.made[-1].at + 3)
    assert stand.decide(stand.sight(holders=(job,))).edge.cause is Cause.UNPROVED


def test_what_ended_long_before_does_not() -> None:
    stand = at(Position.FINAL_SYNC)
    job = Holder("backup-29410", "b", has_ended=True, created_at=stand.made[-1].at - 3600)
    assert stand.decide(stand.sight(holders=(job,))).edge.cause is Cause.PROVED


@pytest.mark.parametrize("proof", ["trust me", f"quiet at 2026-11-29T21:45:00Z at generation {'1' * 5000} of uid-1"])
def test_a_proof_that_a_person_has_mended_is_none(proof: str) -> None:
    stand = at(Position.FINAL_SYNC)
    stand.made[-1] = replace(stand.made[-1], proof=proof)
    assert stand.go().edge.cause is Cause.UNPROVED
    assert stand.decide().edge.cause is Cause.PROVED


# Time


@pytest.mark.parametrize("position", [Position.QUIESCE, Position.FINAL_SYNC, Position.FINAL_RESTORE])
def test_what_takes_too_long_is_undone_and_the_app_started_where_it_was(position: Position) -> None:
    stand = at(position)
    stand.now += 10_000
    stand.go(stand.sight(holders=(POD,)))
    assert stand.values == stand.former
    assert stand.decide().state is State.STOPPED
    assert stand.made[-1].ending is Ending.STOPPED
    assert "took longer than" in stand.made[-1].proof


def test_what_is_proved_at_last_goes_on_however_late_it_is() -> None:
    stand = at(Position.FINAL_SYNC)
    stand.now += 10_000
    assert stand.decide().edge.cause is Cause.PROVED


def test_our_own_clock_counts_where_the_others_disagree() -> None:
    stand = at(Position.QUIESCE)
    stand.now -= 100_000
    assert stand.decide(stand.sight(holders=(POD,))).edge is None
    assert stand.decide(stand.sight(holders=(POD,), waited_s=61.0)).edge.cause is Cause.LATE


@pytest.mark.parametrize("position", [Position.REVERSE, Position.RESTORE, Position.PROTECT])
def test_a_step_without_a_limit_is_spoken_of_every_quarter_of_an_hour(position: Position) -> None:
    stand = at(position)
    began = stand.now - 20.0
    for minutes, words in ((14, 0), (15, 1), (31, 2)):
        stand.now = began + minutes * 60.0
        decision = stand.decide(stand.sight(unseen="the cluster does not answer"))
        assert (decision.words, decision.limit_s, decision.reason) == (words, None, "the cluster does not answer")


def test_a_cutover_that_does_not_come_up_is_told_and_not_undone() -> None:
    """The target may have written already."""
    stand = at(Position.CUTOVER)
    stand.now += 10_000
    decision = stand.decide(stand.sight(is_serving=False, why_not_serving="It crashes."))
    assert (decision.state, decision.edge) == (State.WAITING, None)
    assert decision.reason == "It crashes. It takes longer than 1m."


# Nodes that die, a cluster that is not seen, Flux that lags


@pytest.mark.parametrize("position", DURING)
@pytest.mark.parametrize("side", ["origin_down", "target_down"])
def test_a_node_that_dies_in_a_step_is_told_and_nothing_is_cut_over_to_it(position: Position, side: str) -> None:
    stand = at(position)
    nodes = {side: ("k3s-w9",)}
    serves = position is Position.CUTOVER and side == "origin_down"
    decision = stand.decide(stand.sight(**nodes, is_serving=serves))
    assert decision.edge is None or decision.edge.end in {
        Position.FINAL_SYNC,
        Position.FINAL_RESTORE,
        Position.RESTORE,
        Position.PROTECT,
        Position.DONE,
    }
    if decision.edge is None:
        assert decision.state is State.WAITING
        assert "k3s-w9" in decision.reason


@pytest.mark.parametrize("position", [Position.FINAL_SYNC, Position.FINAL_RESTORE])
@pytest.mark.parametrize("side", ["origin_down", "target_down"])
def test_a_node_that_dies_while_the_last_sync_is_waited_for_is_named_with_the_way_out(
    position: Position, side: str
) -> None:
    """The app is down meanwhile."""
    stand = at(position)
    going = {"sync_started_at": stand.now, "last_manual": "old"}
    sight = stand.source(**going) if position is Position.FINAL_SYNC else stand.destination(**going)
    alive = stand.decide(sight)
    dead = stand.decide(replace(sight, **{side: ("k3s-w9",)}))
    assert (alive.edge, alive.cure, dead.edge, dead.state) == (None, "", None, State.WAITING)
    assert dead.reason.startswith("Node k3s-w9 is not ready")
    assert dead.reason.endswith(alive.reason) is (side == "target_down")
    assert "abort" in dead.cure


@pytest.mark.parametrize("position", DURING)
def test_what_is_not_seen_lets_nothing_go_on(position: Position) -> None:
    stand = at(position)
    decision = stand.decide(stand.sight(unseen="the cluster does not answer"))
    assert (decision.edge, decision.state, decision.reason) == (None, State.WAITING, "the cluster does not answer")


@pytest.mark.parametrize("position", [position for position in DURING if position is not Position.PROTECT])
def test_a_flux_that_lags_is_waited_for(position: Position) -> None:
    """The cluster is still as the step before left it."""
    stand = at(position)
    before = Stand(stand.subject)
    while ladder.position_of(before.subject, before.git()) is not position:
        behind = before.sight()
        before.go()
    stale = replace(behind, now=stand.now)
    assert stand.decide(stale).edge is None


def test_protection_is_not_proved_by_a_sync_from_before_it_served() -> None:
    stand = at(Position.PROTECT)
    source = stand.end(AWAY.source, last_sync_duration_s=500.0)
    decision = stand.decide(stand.sight(away=Ends(source, stand.end(AWAY.destination))))
    assert (decision.edge, decision.state) == (None, State.RUNNING)


def test_protection_takes_both_ends() -> None:
    stand = at(Position.PROTECT)
    source, destination = stand.end(AWAY.source), stand.end(AWAY.destination)
    for spoiled in (
        Ends(source, replace(destination, last_sync_at=stand.now - 500)),
        Ends(source, replace(destination, result="Failed")),
        Ends(replace(source, result="Failed"), destination),
        Ends(None, destination),
        Ends(source, None),
    ):
        assert stand.decide(stand.sight(away=spoiled)).edge is None


def test_by_repository_a_newer_backup_hides_what_was_restored_before_it_and_that_is_said() -> None:
    """So it is after each backup, until its restore: done or not, neither Git nor the cluster keeps that."""
    stand = at(Position.RESTORE).at(Position.PROTECT)
    stand.now += 600.0
    away = stand.sight().away
    assert away.source is not None
    assert away.destination is not None
    for restored_at, words in ((stand.now - 300.0, "of the one before nobody keeps"), (NOW, "has not ended on its")):
        restored = replace(away.destination, last_sync_at=restored_at)
        decision = stand.decide(
            replace(stand.sight(), away=Ends(replace(away.source, last_sync_at=stand.now), restored))
        )
        assert (decision.state, words in decision.reason) == (State.RUNNING, True)


def test_nothing_is_protected_before_what_brought_the_data_is_seen_to_be_parked() -> None:
    stand = at(Position.CUTOVER)
    assert stand.decide(stand.destination(is_paused=False)).edge is None


def test_the_app_is_not_stopped_while_what_would_write_into_its_side_is_not_parked() -> None:
    stand = Stand(None, {paused(end): ABSENT for end in AWAY.both})
    stand.go()
    assert [stand.values[paused(end)] for end in AWAY.both] == [True, True]
    runs = Ends(stand.end(AWAY.source), stand.end(AWAY.destination, is_paused=False))
    assert stand.decide(stand.sight(away=runs)).edge is None


# People


@pytest.mark.parametrize("position", BEFORE_CUTOVER)
def test_an_abort_puts_back_what_was(position: Position) -> None:
    stand = at(position)
    stand.go(is_aborted=True)
    assert stand.values == stand.former
    decision = stand.decide()
    assert (decision.position, decision.state, decision.commit) == (Position.ABORTED, State.STOPPED, None)


@pytest.mark.parametrize("position", [Position.CUTOVER, Position.PROTECT])
def test_after_the_cutover_an_abort_is_not_heeded(position: Position) -> None:
    stand = at(position)
    assert stand.decide(is_aborted=True).edge == stand.decide().edge


def test_a_replication_into_the_side_in_use_is_not_put_back() -> None:
    stand = Stand(None, {paused(end): ABSENT for end in AWAY.both}).at(Position.QUIESCE)
    stand.go(is_aborted=True)
    assert [stand.values[paused(end)] for end in AWAY.both] == [True, True]
    assert stand.values[REPLICAS] == 1


@pytest.mark.parametrize("position", BEFORE_CUTOVER)
def test_a_person_who_edits_a_switch_in_the_middle_wins(position: Position) -> None:
    stand = at(position)
    stand.put(NODE, "k3s-w7")
    decision = stand.go()
    assert decision.edge.cause is Cause.CHANGED
    assert stand.values == {**stand.former, NODE: "k3s-w7"}
    assert "nodeSelector" in decision.reason


@pytest.mark.parametrize("position", [Position.REVERSE, Position.QUIESCE, Position.FINAL_SYNC])
def test_what_was_moved_before_the_first_commit_came_ends_it(position: Position) -> None:
    """It was proposed, and merged after a person had moved the app: the sync would overwrite the side in use."""
    stand = at(position)
    for each in stand.subject.switches:
        stand.former[each.place] = each.new
        stand.put(each.place, each.new)
    decision = stand.go()
    assert (decision.edge.cause, decision.edge.end) == (Cause.CHANGED, Position.STOPPED)
    assert "was not on backup when it began" in decision.reason
    assert [stand.values[paused(end)] for end in (*TOWARDS.both, *AWAY.both)] == [True] * 4
    assert (stand.values[CLAIM], stand.values[REPLICAS], stand.tags) == ("a", 1, [])


def test_a_person_who_starts_the_app_again_wins() -> None:
    stand = at(Position.FINAL_SYNC)
    stand.put(REPLICAS, 2)
    stand.go()
    assert stand.values == {**stand.former, REPLICAS: 2}


def test_a_person_who_takes_a_tag_away_wins() -> None:
    stand = at(Position.FINAL_SYNC)
    stand.put(manual(TOWARDS.source), ABSENT)
    stand.go()
    assert stand.values == stand.former


def test_a_move_in_the_middle_ends_it_and_starts_the_app() -> None:
    stand = at(Position.FINAL_SYNC)
    stand.values |= {CLAIM: "a", NODE: "k3s-w1"}
    stand.moved_by = "01JDBBBBBBBBBBBBBBBBBBBBBB"
    stand.go()
    assert stand.values == {**stand.former, CLAIM: "a", NODE: "k3s-w1"}


def test_after_the_cutover_a_person_keeps_what_they_have_and_the_tags_go() -> None:
    stand = at(Position.CUTOVER)
    stand.put(NODE, "k3s-w7")
    stand.go()
    assert stand.made[-1].ending is Ending.LEFT
    assert (stand.tags, stand.values[CLAIM], stand.values[NODE]) == ([], "a", "k3s-w7")


def test_a_tag_stays_that_alone_keeps_a_replication_from_the_side_in_use() -> None:
    """Somebody unpaused it after the cutover: without the tag its schedule would begin."""
    stand = at(Position.CUTOVER)
    stand.put(paused(TOWARDS.source), False)
    stand.go()
    assert stand.values[manual(TOWARDS.source)] is not ABSENT
    assert stand.values[manual(TOWARDS.destination)] is ABSENT


def test_writing_that_it_is_not_paused_is_no_edit() -> None:
    stand = Stand(None, {paused(end): ABSENT for end in TOWARDS.both}).at(Position.REVERSE)
    stand.put(paused(TOWARDS.source), False)
    assert stand.decide().edge.cause is Cause.BROUGHT


def test_git_that_cannot_be_read_is_waited_for() -> None:
    stand = at(Position.FINAL_SYNC)
    stand.now += 10_000
    git = stand.git(unreadable="apps/media/sonarr.yaml is not YAML")
    decision = ladder.decide(stand.subject, git, stand.sight())
    assert (decision.edge, decision.state) == (None, State.WAITING)
    assert "is not YAML" in decision.reason


# Replies that are lost, and two of us


def test_who_has_no_reply_looks_at_git_and_goes_on_from_there() -> None:
    """The commit was made: what is decided next is the next step, not the same one."""
    stand = Stand()
    for position in (Position.REVERSE, Position.QUIESCE, Position.FINAL_SYNC, Position.CUTOVER, Position.PROTECT):
        first = stand.go()
        assert first.edge.end is position
        again = stand.decide()
        assert again.edge.start is position


def test_two_of_us_decide_the_same() -> None:
    for position in DURING:
        stand = at(position)
        assert stand.decide() == stand.decide()


# By a person's word, and without one


def test_by_a_persons_word_the_app_stops_and_the_word_is_asked_for() -> None:
    stand = Stand(subject(kind=ReplicationKind.MANUAL)).at(Position.QUIESCE)
    waits = stand.decide()
    assert (waits.state, waits.step, waits.edge) == (State.WAITING, Step.FINAL_SYNC, None)
    assert "say when it is there" in waits.reason
    assert waits.limit_s == 180.0
    stand.go(vouched_by="alice")
    assert stand.made[-1].step is Step.CUTOVER
    assert "alice says that the data is on primary" in stand.made[-1].proof


def test_a_word_that_comes_before_the_app_has_stopped_is_not_heeded() -> None:
    stand = Stand(subject(kind=ReplicationKind.MANUAL)).at(Position.QUIESCE)
    decision = stand.decide(stand.sight(holders=(POD,)), vouched_by="alice")
    assert (decision.edge, decision.step) == (None, Step.QUIESCE)


def test_a_word_that_does_not_come_starts_the_app_again() -> None:
    stand = Stand(subject(kind=ReplicationKind.MANUAL)).at(Position.QUIESCE)
    stand.now += 181
    stand.go()
    assert stand.values == stand.former


def test_where_nothing_is_brought_it_stops_moves_and_starts() -> None:
    stand = Stand(subject(kind=ReplicationKind.NONE))
    assert [stand.go().commit.label for _ in range(3)] == ["2/5 quiesce", "4/5 cutover", "5/5 protect"]
    assert stand.decide().state is State.DONE
    assert stand.values == {CLAIM: "a", NODE: "k3s-w1", REPLICAS: 1}


# By repository


def test_by_repository_the_destination_restores_when_the_source_has_ended() -> None:
    stand = Stand(subject(via=Via.REPOSITORY))
    labels = [stand.go().commit.label for _ in range(7)]
    reverse, final = ["1/5 reverse"] * 2, ["3/5 final-sync"] * 2
    assert labels == [*reverse, "2/5 quiesce", *final, "4/5 cutover", "5/5 protect"]
    assert stand.decide().state is State.DONE
    assert stand.tags == []


def test_a_restore_that_began_before_the_backup_ended_proves_nothing() -> None:
    stand = at(Position.FINAL_RESTORE)
    sight = stand.destination(last_sync_duration_s=15.0)
    assert stand.decide(sight).edge.cause is Cause.UNPROVED


def test_a_made_commit_that_is_unknown_here_is_no_end() -> None:
    """A step of an older version may be followed by one of ours."""
    stand = at(Position.REVERSE)
    stand.made.insert(0, Made(Step.REVERSE, stand.now - 500, "x"))
    assert ladder.position_of(stand.subject, stand.git()) is Position.REVERSE


@pytest.mark.parametrize("position", [Position.QUIESCE, Position.FINAL_SYNC, Position.FINAL_RESTORE])
@pytest.mark.parametrize("side", ["origin_down", "target_down"])
def test_a_node_that_stays_away_while_the_app_is_stopped_ends_it_long_before_its_time(
    position: Position, side: str
) -> None:
    """Nothing can be synced without it, and until then the app would serve nowhere."""
    stand = at(position)
    stand.go(stand.sight(**{side: ("k3s-w9",)}, lost=("k3s-w9",)))
    assert stand.values == stand.former
    assert (stand.made[-1].ending, stand.decide().state) == (Ending.STOPPED, State.STOPPED)
    assert "k3s-w9 has not been ready" in stand.made[-1].proof


def test_a_lost_node_that_is_not_seen_ends_nothing() -> None:
    stand = at(Position.FINAL_SYNC)
    sight = stand.sight(target_down=("k3s-w9",), lost=("k3s-w9",), unseen="the cluster does not answer")
    assert stand.decide(sight).edge is None


def test_nothing_is_stopped_and_not_synced_while_a_node_of_the_target_is_away() -> None:
    stand = at(Position.QUIESCE)
    decision = stand.decide(stand.sight(target_down=("k3s-w9",)))
    assert (decision.edge, decision.state) == (None, State.WAITING)


@pytest.mark.parametrize("position", [Position.CUTOVER, Position.PROTECT])
def test_who_brings_the_app_back_by_hand_is_not_overwritten_by_the_replication_away(position: Position) -> None:
    """It has run since the fifth step, and it writes to where the app is again."""
    stand = at(position)
    for switch in stand.subject.switches:
        stand.put(switch.place, switch.old)
    decision = stand.go()
    assert decision.edge.cause is Cause.CHANGED
    assert stand.subject.away is not None
    assert [stand.values[paused(end)] for end in stand.subject.away.both] == [True, True]


def test_what_they_have_unpaused_there_themselves_stays() -> None:
    stand = at(Position.CUTOVER)
    assert stand.subject.away is not None
    theirs = paused(stand.subject.away.source)
    stand.put(theirs, False)
    for switch in stand.subject.switches:
        stand.put(switch.place, switch.old)
    stand.go()
    assert stand.values[theirs] is False


@pytest.mark.parametrize("position", [Position.REVERSE, Position.RESTORE])
def test_an_app_that_is_lost_with_its_node_is_not_kept_from_failing_over(position: Position) -> None:
    """The first sync may take hours, and nothing moves by itself what is being relocated."""
    stand = at(position)
    going = {"sync_started_at": stand.now, "last_manual": "old"}
    sight = stand.source(**going) if position is Position.REVERSE else stand.destination(**going)
    assert stand.decide(replace(sight, target_down=("k3s-w1",), lost=("k3s-w1",))).edge is None
    decision = stand.go(replace(sight, origin_down=("k3s-w2",), lost=("k3s-w2",)))
    assert decision.edge.cause is Cause.LOST
    assert stand.values == stand.former


def test_a_first_sync_that_never_ends_well_is_asked_for_less_and_less_often() -> None:
    """It has no limit, and each tag is a commit."""
    stand = at(Position.REVERSE)
    began, tags = stand.now, 0
    while stand.now - began < 3600.0:
        if stand.decide(stand.source(result="Failed")).commit is not None:
            stand.go(stand.source(result="Failed"))
            tags += 1
        stand.now += 10.0
    assert 5 <= tags <= 9


def test_a_last_sync_that_cannot_be_proved_is_not_a_commit_a_second() -> None:
    """VolSync's clock is behind: no sync ever seems to have begun after the app had stopped."""
    stand = at(Position.FINAL_SYNC)
    began, tags = stand.now, 0
    while stand.now - began < 100.0:
        now = stand.now
        sight = stand.source(last_sync_at=stand.now - 60.0)
        if stand.decide(sight).commit is not None:
            stand.go(sight)
            tags += 1
        stand.now = now + 2.0
    assert 5 <= tags <= 8


def test_a_clock_that_is_set_back_while_the_app_is_stopped_costs_one_more_sync() -> None:
    """Else none would be known to have begun after the app had stopped until it is as late again."""
    stand = at(Position.FINAL_SYNC)
    stand.now -= 600.0
    again = stand.go()
    assert (again.edge.cause, again.commit.label) == (Cause.UNPROVED, "3/5 final-sync")
    assert again.commit.proof.startswith(f"quiet at {stamp(stand.now - STEP_S)} at")
    assert stand.decide().edge.cause is Cause.PROVED


def test_the_last_sync_is_asked_for_once_the_app_has_stood_still_for_a_moment() -> None:
    """One that begins in the second in which that was seen proves nothing, and has to be made twice."""
    stand = Stand().at(Position.QUIESCE)
    early = stand.decide(stand.sight(quiet_since=stand.now - 1.9))
    assert (early.commit, early.state, early.reason.startswith("The app has stopped.")) == (None, State.RUNNING, True)
    due = stand.decide(stand.sight(quiet_since=stand.now - 2.0))
    assert due.commit is not None
    assert due.commit.proof == quiet_text(Quiet(stand.now - 2.0, stand.generation, "uid-1"))


def test_how_long_it_has_stood_still_counts_from_when_it_was_last_seen_otherwise() -> None:
    stand = Stand().at(Position.QUIESCE)
    first = still(None, stand.sight())
    assert first == Quiet(stand.now, 7, "uid-1")
    later = replace(stand.sight(), now=stand.now + 1.0)
    assert still(first, later) == first
    assert still(first, replace(later, unseen="The cluster does not answer.")) is None
    for other in (replace(later, workload=Running("sonarr", "uid-1", 9, 9, 0)), replace(later, now=stand.now - 60.0)):
        again = still(first, other)
        assert again is not None
        assert again.at == other.now
