"""What others use of an installation's limits slows down our own writes, as far as GitHub's replies show it."""

import itertools

import pytest

from failover_api.forge.http.rate_limit import MINUTE, RateLimit
from failover_api.forge.http.shared_limits import MINUTE_S
from tests.support.clock import Clock
from tests.support.rate_limit import KEY, take_all

RESET = 1_800_003_600


class GitHub:
    """Counts what everybody asks for."""

    def __init__(self, rate_limit: RateLimit, clock: Clock) -> None:
        assert rate_limit.others is not None
        self.others, self.clock, self.used, self.reset_at = rate_limit.others, clock, 0, RESET

    def asked_by_others(self, requests: int) -> None:
        self.used += requests

    def ask(self, *, free: bool = False, left_s: float = 1800.0) -> None:
        """We ask, and have a reply."""
        self.others.sent(KEY, "core")
        self.used += not free
        self.others.replied(KEY, "core", free=free)
        self.others.counted(KEY, "core", used=self.used, reset_at=self.reset_at, left_s=left_s)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def rate_limit(time: Clock) -> RateLimit:
    return RateLimit.of_share(1.0, clock=time)


@pytest.fixture
def github(rate_limit: RateLimit, time: Clock) -> GitHub:
    return GitHub(rate_limit, time)


def test_alone_nothing_is_held_back(rate_limit: RateLimit, time: Clock, github: GitHub) -> None:
    for _ in range(200):
        github.ask()
        github.ask(free=True)
        time.now += 0.1
    assert take_all(rate_limit) == MINUTE[0]


def test_what_others_have_just_used_is_not_used_again(rate_limit: RateLimit, time: Clock, github: GitHub) -> None:
    github.ask()
    github.asked_by_others(50)
    time.now += 30
    github.ask()
    assert take_all(rate_limit) == 76 - 50
    assert rate_limit.wait_s(KEY) == pytest.approx(MINUTE_S)
    time.now += MINUTE_S
    assert take_all(rate_limit) > 30


def test_reading_never_takes_all_from_our_writes(rate_limit: RateLimit, time: Clock, github: GitHub) -> None:
    """What is more than anybody may write is surely reading."""
    for _ in range(3):
        github.ask()
        github.asked_by_others(400)
        time.now += 10
    assert take_all(rate_limit) == 15
    assert 0 < rate_limit.wait_s(KEY) <= MINUTE_S
    time.now += rate_limit.wait_s(KEY)
    assert take_all(rate_limit) >= 1


def test_what_was_used_long_ago_is_no_reason_to_wait(rate_limit: RateLimit, time: Clock, github: GitHub) -> None:
    github.used = 600  # in the half hour of the window that is over
    github.ask(left_s=1800.0)
    assert take_all(rate_limit) == MINUTE[0]
    time.now += 3000
    github.asked_by_others(60)
    github.ask()
    assert take_all(rate_limit) == MINUTE[0]


def test_who_is_started_anew_sees_what_was_used_a_moment_ago(rate_limit: RateLimit, github: GitHub) -> None:
    github.used = 60
    github.ask(left_s=3600.0 - 20)
    assert take_all(rate_limit) == 76 - 60


def test_requests_under_way_are_not_taken_for_others(rate_limit: RateLimit, time: Clock) -> None:
    others = rate_limit.others
    assert others is not None
    for _ in range(40):
        others.sent(KEY, "core")
    for used in itertools.chain(range(40, 20, -1), range(1, 21)):  # the replies come in any order
        others.replied(KEY, "core", free=False)
        others.counted(KEY, "core", used=used, reset_at=RESET, left_s=1000.0)
    assert take_all(rate_limit) == MINUTE[0]


def test_a_new_window_and_a_late_reply_of_the_old_one_are_no_others(
    rate_limit: RateLimit, time: Clock, github: GitHub
) -> None:
    github.used = 30
    github.ask(left_s=60.0)
    github.used, github.reset_at = 0, RESET + 3600
    github.ask(left_s=3600.0)
    github.others.counted(KEY, "core", used=32, reset_at=RESET, left_s=0.0)
    github.ask(left_s=3600.0)
    assert take_all(rate_limit) == MINUTE[0]


def test_a_request_that_was_lost_hides_others_only_for_a_moment(rate_limit: RateLimit, github: GitHub) -> None:
    github.ask()
    for _ in range(5):  # GitHub never had them
        github.others.sent(KEY, "core")
        github.others.replied(KEY, "core", free=False)
    github.ask()
    github.asked_by_others(50)
    github.ask()
    assert take_all(rate_limit) == 76 - 50


def test_a_process_with_a_share_keeps_to_that_whatever_others_do() -> None:
    assert RateLimit.of_share(0.4).others is None


def test_an_hour_of_others_is_counted_too(rate_limit: RateLimit, time: Clock, github: GitHub) -> None:
    sent = together = 0
    for others in range(1, 3600 // 20):
        github.asked_by_others(1)
        github.ask()
        now = take_all(rate_limit)
        sent, together = sent + now, sent + now + others if now else together
        time.now += 20
    assert 490 <= together <= 494
