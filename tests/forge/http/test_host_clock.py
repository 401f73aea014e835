"""GitHub's clock is the one that counts: ours may be wrong, and be put right while we run."""

import logging
import time
from email.utils import formatdate
from pathlib import Path

import jwt
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from failover_api.errors import ForgePermission
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.traffic import RequestCompleted
from failover_api.host_clock import HostClock
from tests.support.builders import REPO
from tests.support.fake_github import MINT_URL, REPOSITORY_URL, answer, refused

NOW = 1_800_000_000.4
IAT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
PAST = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion ends"
)
FAR = "'Expiration time' claim ('exp') is too far in the future"
NO_JWT = "A JSON web token could not be decoded"


class Times:
    """The clocks of this machine, set by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = NOW, 50.0

    def clock(self) -> HostClock:
        return HostClock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def dated(at: float, **more: str) -> dict[str, str]:
    return {"date": formatdate(at, usegmt=True), **more}


@pytest.fixture
def times() -> Times:
    return Times()


def test_without_an_answer_it_is_our_own_time(times: Times) -> None:
    clock = times.clock()
    assert (clock.now(), clock.offset_s, clock.is_known, clock.is_off) == (NOW, 0.0, False, False)
    assert clock.in_words() == "GitHub has not told its time"


@pytest.mark.parametrize(
    ("ahead_s", "said"),
    [
        (61, "61 s ahead of GitHub"),
        (-540, "540 s behind GitHub"),
        (7200, "7,200 s ahead of GitHub"),
        (0, "agrees with GitHub's"),
    ],
)
def test_the_offset_is_known_from_one_answer(times: Times, ahead_s: int, said: str) -> None:
    clock = times.clock()
    clock.observe(dated(NOW - ahead_s), asked_at=times.monotonic)
    assert clock.offset_s == pytest.approx(ahead_s, abs=0.6)
    assert clock.in_words() == said
    assert clock.is_off == (abs(ahead_s) > 30)


def test_our_clock_put_right_is_right_at_once(times: Times) -> None:
    clock = times.clock()
    clock.observe(dated(NOW - 600), asked_at=times.monotonic)
    before = clock.now()
    times.wall -= 600  # NTP
    assert clock.now() == before
    assert abs(clock.offset_s) < 1
    times.go(100)
    assert clock.now() == pytest.approx(before + 100)


def test_an_answer_from_a_cache_is_of_another_time(times: Times) -> None:
    clock = times.clock()
    clock.observe(dated(NOW - 300, age="300"), asked_at=times.monotonic)
    assert not clock.is_known


@pytest.mark.parametrize(
    "headers", [{}, {"date": "yesterday"}, {"date": ""}, {"date": "Fri, 99 Foo 2027 08:00:00 GMT"}]
)
def test_an_answer_without_a_time_changes_nothing(times: Times, headers: dict[str, str]) -> None:
    clock = times.clock()
    clock.observe(headers, asked_at=times.monotonic)
    assert not clock.is_known


def test_a_slow_answer_does_not_move_what_is_known_better(times: Times) -> None:
    clock = times.clock()
    clock.observe(dated(NOW), asked_at=times.monotonic)
    asked_at = times.monotonic
    times.go(9)
    clock.observe(dated(NOW + 1), asked_at=asked_at)
    assert abs(clock.offset_s) <= 1


@given(
    ahead_s=st.floats(-1e5, 1e5),
    answers=st.lists(st.tuples(st.floats(0, 500), st.floats(0, 3), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_the_offset_is_never_further_off_than_an_answer_took(
    ahead_s: float, answers: list[tuple[float, float, float]]
) -> None:
    times = Times()
    clock = times.clock()
    for pause_s, took_s, on_the_way in answers:
        times.go(pause_s)
        asked_at, sent_at = times.monotonic, times.wall + took_s * on_the_way - ahead_s
        times.go(took_s)
        clock.observe(dated(sent_at), asked_at=asked_at)
    assert abs(clock.offset_s - ahead_s) <= 1.001 + max(took for _, took, _ in answers)


def test_a_wrong_clock_is_one_line_of_the_log(times: Times, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = times.clock()
    for _ in range(5):
        times.go(10)
        clock.observe(dated(times.wall - 61), asked_at=times.monotonic)
    assert [(r.levelname, r.message) for r in caplog.records] == [("WARNING", "this machine's clock is wrong")]
    assert vars(caplog.records[0])["offset_s"] in (60, 61)
    times.wall += 100
    clock.observe(dated(times.wall - 161), asked_at=times.monotonic)
    times.wall -= 161
    clock.observe(dated(times.wall), asked_at=times.monotonic)
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING", "INFO"]


# What is signed with it


@pytest.fixture
def app(client: GitHubClient, tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> AppCredentials:
    file = tmp_path / "key.pem"
    form = serialization.PrivateFormat.TraditionalOpenSSL
    file.write_bytes(rsa_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    made = AppCredentials(app_id="1001", key_file=file, ask=client.as_app, installation_id=2001, clock=client.clock)
    client.credentials = made
    return made


@pytest.mark.parametrize("text", [IAT, PAST, FAR, NO_JWT])
@pytest.mark.parametrize("ahead_s", [61, -540, 86_400])
async def test_a_jwt_that_was_refused_for_our_clock_is_signed_anew(
    app: AppCredentials, api: respx.Router, rsa_key: rsa.RSAPrivateKey, text: str, ahead_s: int
) -> None:
    theirs = time.time() - ahead_s
    date = formatdate(theirs, usegmt=True)
    minted = {"token": "ghs_one", "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(theirs + 3600))}
    mint = api.post(MINT_URL).mock(side_effect=[refused(401, text, date=date), answer(201, minted, date=date)])
    token = await app.token(REPO)
    assert token.value == "ghs_one"
    assert token.expires_at - time.monotonic() == pytest.approx(3600, abs=5)
    bearer = mint.calls.last.request.headers["authorization"].removeprefix("Bearer ")
    options = {"verify_exp": False, "verify_iat": False}
    held = jwt.decode(bearer, rsa_key.public_key(), algorithms=["RS256"], options=options)  # type: ignore[arg-type]  # a TypedDict
    assert held["iat"] == pytest.approx(theirs - 60, abs=3)
    assert held["exp"] == pytest.approx(theirs + 540, abs=3)


async def test_a_jwt_that_was_refused_for_something_else_is_refused_once(
    app: AppCredentials, api: respx.Router
) -> None:
    date = formatdate(time.time(), usegmt=True)
    mint = api.post(MINT_URL).mock(return_value=refused(401, NO_JWT, date=date))
    with pytest.raises(ForgePermission, match="could not be decoded"):
        await app.token(REPO)
    assert mint.call_count == 1


async def test_a_refusal_without_a_time_says_to_look_at_the_clock(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(return_value=refused(401, IAT))
    with pytest.raises(ForgePermission, match="is the clock of this machine right"):
        await app.token(REPO)
    assert mint.call_count == 1


async def test_the_reset_of_a_limit_is_reckoned_by_githubs_clock(client: GitHubClient, api: respx.Router) -> None:
    """The refusal itself has no Date, an earlier answer had."""
    theirs = time.time() - 7200
    told: list[object] = []
    client._listener = told.append
    ok = answer(200, {}, date=formatdate(theirs, usegmt=True))
    used_up = refused(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=f"{theirs + 90:.0f}")
    api.get(f"{REPOSITORY_URL}/x").mock(side_effect=[ok, used_up])
    await client.get(REPO, "/repos/acme/homelab/x", what="x")
    with pytest.raises(Exception, match=r"wait (89|90|91) s"):
        await client.get(REPO, "/repos/acme/homelab/x", what="x")
    offsets = [one.clock_offset_s for one in told if isinstance(one, RequestCompleted)]
    assert offsets == [pytest.approx(7200, abs=1.1)] * 2


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",  # a second later no calendar could show it
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Tue, 01 Dec 2026 00:00:00 +999999",
    ],
)
def test_a_date_that_no_calendar_shows_is_none(times: Times, date: str) -> None:
    clock = times.clock()
    clock.observe({"date": date}, asked_at=times.monotonic)
    assert not clock.is_known
