"""Who leads: what a look at the Lease means, and that of any number of replicas at most one does."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.core.automatic.election import Candidate, LeaseRecord, Step, Terms, released, why_nobody_leads

A, B = Candidate("a"), Candidate("b")
HELD = LeaseRecord("b", 8, 100.0, 100.0, 3, {"k": "v"}, "7")


def test_a_lease_that_is_not_there_is_made() -> None:
    seen = A.saw(None, 10)
    assert seen.next_step(10) is Step.CREATE
    made = seen.claim(Step.CREATE, 50.0)
    assert (made.holder, made.duration_s, made.acquired_at, made.renewed_at, made.transitions) == ("a", 8, 50, 50, 0)


def test_a_released_one_is_taken_at_once() -> None:
    assert A.saw(released(HELD, 101.0), 10).next_step(10) is Step.TAKE


def test_one_that_others_hold_is_taken_only_when_nothing_was_renewed_for_as_long_as_it_lasts() -> None:
    seen = A.saw(HELD, 10)
    assert [seen.next_step(at) for at in (10, 17.9, 18)] == [Step.WAIT, Step.WAIT, Step.TAKE]
    again = seen.saw(HELD, 15)
    assert again.next_step(18) is Step.TAKE, "a look without a change is no renewal"
    renewed = again.saw(replace(HELD, renewed_at=101.0, version="8"), 17)
    assert [renewed.next_step(at) for at in (18, 24.9, 25)] == [Step.WAIT, Step.WAIT, Step.TAKE]


def test_a_write_of_annotations_is_no_renewal() -> None:
    seen = A.saw(HELD, 10).saw(replace(HELD, annotations={"k": "w"}, version="8"), 17)
    assert seen.next_step(18) is Step.TAKE


@pytest.mark.parametrize(("said_s", "lasts_s"), [(0, 8), (1, 8), (15, 15), (60, 60), (2**40, 60)])
def test_what_a_lease_says_of_its_length_holds_within_bounds(said_s: int, lasts_s: int) -> None:
    seen = A.saw(replace(HELD, duration_s=said_s), 0)
    assert (seen.next_step(lasts_s - 0.1), seen.next_step(lasts_s)) == (Step.WAIT, Step.TAKE)


def test_taking_it_counts_a_transition_and_keeps_what_others_wrote() -> None:
    claim = A.saw(HELD, 0).claim(Step.TAKE, 200.0)
    assert claim == LeaseRecord("a", 8, 200.0, 200.0, 4, {"k": "v"}, "7")
    renewal = A.saw(HELD, 0).wrote(claim, 9, 9).claim(Step.RENEW, 201.0)
    assert renewal == LeaseRecord("a", 8, 200.0, 201.0, 4, {"k": "v"}, "7")


def test_a_holder_leads_for_five_seconds_after_he_sent_his_last_renewal() -> None:
    leader = A.wrote(replace(HELD, holder="a"), sent_at=10, now=12)
    assert [leader.leads(at) for at in (12, 14.9, 15, 100)] == [True, True, False, False]


def test_a_holder_who_was_cut_off_begins_anew() -> None:
    leader = A.wrote(replace(HELD, holder="a"), sent_at=10, now=10)
    assert leader.next_step(14) is Step.RENEW
    assert leader.next_step(16) is Step.TAKE
    assert leader.saw(HELD, 16).next_step(16) is Step.WAIT, "another took it meanwhile"


def test_a_process_that_starts_anew_does_not_hold_what_its_predecessor_held() -> None:
    assert Candidate("host_7_abc").saw(replace(HELD, holder="host_7_xyz"), 0).next_step(1) is Step.WAIT


def test_a_lost_lease_is_led_no_longer() -> None:
    leader = A.wrote(replace(HELD, holder="a"), 10, 10)
    assert not leader.saw(HELD, 11).leads(11)
    assert not leader.saw(None, 11).leads(11)
    assert leader.saw(replace(HELD, holder="a", annotations={}), 11).leads(11)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, int, float]]:
    act = st.tuples(
        st.sampled_from(["step", "step", "step", "slow", "lost", "note", "release"]),
        st.integers(0, 2),
        st.floats(0.0, 4.0),
    )
    return draw(st.lists(act, max_size=60))


@given(stories())
@settings(max_examples=400, deadline=None)
def test_at_most_one_of_three_leads_at_any_moment(story: list[tuple[str, int, float]]) -> None:
    """Each with a clock of its own; a reply may come late or never; anybody may write a note."""
    candidates = [Candidate(name) for name in "abc"]
    ahead = [0.0, 1000.0, -50.0]  # of each one's monotonic clock
    stored: LeaseRecord | None = None
    version, now = 0, 0.0
    for act, who, passes_s in story:
        me, mine = candidates[who], now + ahead[who]
        match act:
            case "note" if stored is not None:
                version += 1
                stored = replace(stored, annotations={"n": str(version)}, version=str(version))
            case "release" if stored is not None and me.leads(mine):
                version += 1
                stored = replace(released(stored, now), version=str(version))
                candidates[who] = me.stepped_down()
            case "step" | "slow" | "lost":
                if not me.leads(mine):
                    me = me.saw(stored, mine)
                step = me.next_step(mine)
                if step is not Step.WAIT:
                    claim = me.claim(step, now)
                    if (stored.version if stored else "") == claim.version:
                        version += 1
                        stored = replace(claim, version=str(version))
                        now += passes_s if act == "slow" else 0.0
                        me = me if act == "lost" else me.wrote(stored, mine, now + ahead[who])
                    else:
                        me = me.saw(stored, mine)
                candidates[who] = me
        now += passes_s
        leading = [each.name for each, off in zip(candidates, ahead, strict=True) if each.leads(now + off)]
        assert len(leading) <= 1, leading


AT = 1_796_068_800.0


@pytest.mark.parametrize(
    ("record", "failure", "why"),
    [
        (None, "", "nobody has made its Lease guard yet"),
        (LeaseRecord(), "", "nobody holds its Lease guard"),
        (released(LeaseRecord("pod-1"), AT), "", "nobody holds its Lease guard since 2026-11-30 20:00:00 UTC"),
        (
            LeaseRecord("pod-1", renewed_at=AT),
            "",
            "pod-1 did, and has not renewed its Lease guard since 2026-11-30 20:00:00 UTC",
        ),
        (None, "leases is forbidden", "this replica does not get its Lease: leases is forbidden"),
    ],
)
def test_why_nobody_leads_and_what_to_do(record: LeaseRecord | None, failure: str, why: str) -> None:
    said = why_nobody_leads(record, "guard", failure)
    assert said.startswith(f"No replica leads: {why}. Another one takes it within seconds, if `failover serve` or")
    assert "`failover check`" in said


def test_terms_leave_a_gap_between_two_leaders() -> None:
    terms = Terms()
    assert terms.retry_s < terms.renew_s < terms.lease_s
