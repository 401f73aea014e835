"""Credentials: the App's key and JWT, tokens minted once and as narrow as the work, and nothing secret shown."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa

from failover_api.errors import ForgeError, ForgePermission, ForgeRateLimited, ForgeUnavailable
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.credentials import StaticToken
from tests.support.builders import REPO
from tests.support.clock import eventually
from tests.support.fake_github import (
    DATE,
    FILE_URL,
    MINT_URL,
    ROOT,
    Waits,
    answer,
    hang,
    minted,
    mints,
    refused,
)

# Minting


async def test_a_token_is_as_narrow_as_the_work(
    app: AppCredentials, api: respx.Router, rsa_key: rsa.RSAPrivateKey
) -> None:
    mint = api.post(MINT_URL).mock(return_value=minted())
    assert (await app.token(REPO)).value == "ghs_one"
    request = mint.calls[0].request
    assert json.loads(request.content) == {
        "repositories": ["homelab"],
        "permissions": {"contents": "write", "metadata": "read"},
    }
    bearer = request.headers["authorization"].removeprefix("Bearer ")
    assert jwt.decode(bearer, rsa_key.public_key(), algorithms=["RS256"])["iss"] == "1001"


async def test_twenty_callers_mint_once(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.02))
    tokens = await asyncio.gather(*(app.token(REPO) for _ in range(20)))
    assert {token.value for token in tokens} == {"ghs_1"}
    assert mint.call_count == 1
    await app.token(REPO)
    assert mint.call_count == 1


async def test_each_repository_has_a_token_of_its_own(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints())
    assert (await app.token(REPO)).value != (await app.token("acme/other")).value
    assert [json.loads(call.request.content)["repositories"] for call in mint.calls] == [["homelab"], ["other"]]


async def test_the_token_for_pull_requests_is_another_one(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints())
    for _ in range(2):
        assert (await app.token(REPO)).value == "ghs_1"
        assert (await app.token(REPO, pulls=True)).value == "ghs_2"
    assert [json.loads(call.request.content)["permissions"] for call in mint.calls] == [
        {"contents": "write", "metadata": "read"},
        {"contents": "write", "metadata": "read", "pull_requests": "write"},
    ]


async def test_twenty_callers_mint_each_of_the_two_once(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.02))
    tokens = await asyncio.gather(*(app.token(REPO, pulls=bool(i % 2)) for i in range(20)))
    assert len({token.value for token in tokens}) == mint.call_count == 2


async def test_an_app_that_may_not_propose_still_commits(app: AppCredentials, api: respx.Router) -> None:
    def mint(request: Any) -> respx.MockResponse:
        asked = json.loads(request.content)["permissions"]
        text = "The permissions requested are not granted to this installation."
        return refused(422, text) if "pull_requests" in asked else minted()

    api.post(MINT_URL).mock(side_effect=mint)
    with pytest.raises(ForgePermission, match="pull_requests: write"):
        await app.token(REPO, pulls=True)
    assert (await app.token(REPO)).value == "ghs_one"


@pytest.mark.parametrize("pulls", [False, True])
async def test_a_dropped_token_is_minted_anew_and_the_other_one_stays(
    app: AppCredentials, api: respx.Router, pulls: bool
) -> None:
    api.post(MINT_URL).mock(side_effect=mints())
    dropped, other = await app.token(REPO, pulls=pulls), await app.token(REPO, pulls=not pulls)
    assert app.drop(REPO, dropped)
    assert await app.token(REPO, pulls=not pulls) is other
    assert (await app.token(REPO, pulls=pulls)).value == "ghs_3"


async def test_a_ready_token_is_for_pull_requests_too() -> None:
    token = StaticToken(value="ghp_one")
    assert (await token.token(REPO, pulls=True)).value == (await token.token(REPO)).value == "ghp_one"


async def test_who_stops_waiting_does_not_stop_the_others_token(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.05))
    impatient = asyncio.create_task(app.token(REPO))
    patient = asyncio.create_task(app.token(REPO))
    await asyncio.sleep(0.01)
    impatient.cancel()
    assert (await patient).value == "ghs_1"
    assert impatient.cancelled()
    assert mint.call_count == 1


async def test_a_token_that_nobody_waits_for_any_more_is_kept(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.03))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await app.token(REPO)
    await asyncio.sleep(0.05)
    assert (await app.token(REPO)).value == "ghs_1"
    assert mint.call_count == 1


async def test_a_failed_mint_fails_all_who_wait_and_the_next_tries_again(
    app: AppCredentials, api: respx.Router
) -> None:
    replies = [refused(422, "The permissions requested are not granted to this installation."), minted()]
    mint = api.post(MINT_URL).mock(side_effect=replies)
    waiting = await asyncio.gather(*(app.token(REPO) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in waiting] == [ForgePermission] * 3
    assert (await app.token(REPO)).value == "ghs_one"
    assert mint.call_count == 2


async def test_a_mint_passes_over_a_fault(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=[httpx2.ReadTimeout("slow"), refused(502, "x"), minted()])
    assert (await app.token(REPO)).value == "ghs_one"
    assert mint.call_count == 3


async def test_a_mint_that_hangs_is_given_up_for_all_who_wait(app_client: GitHubClient, key_file: Path) -> None:
    asked = 0

    async def hang(*_: Any, **__: Any) -> Any:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)

    app = AppCredentials(app_id="1001", key_file=key_file, ask=hang, installation_id=2001, mint_timeout_s=0.05)
    started = time.monotonic()
    waiting = await asyncio.gather(*(app.token(REPO) for _ in range(3)), return_exceptions=True)
    assert time.monotonic() - started < 30
    assert [type(error) for error in waiting] == [ForgeUnavailable] * 3
    assert "a token for acme/homelab: no reply from GitHub in time" in str(waiting[0])
    assert asked == 1
    with pytest.raises(ForgeUnavailable):  # the next one asks anew
        await app.token(REPO)
    assert asked == 2


async def test_a_write_without_a_token_in_time_was_not_applied(app_client: GitHubClient, key_file: Path) -> None:
    app_client.credentials = AppCredentials(app_id="1001", key_file=key_file, ask=hang, mint_timeout_s=0.05)
    with pytest.raises(ForgeUnavailable) as error:
        await app_client.write("PUT", REPO, "/repos/acme/homelab/contents/a", {}, what="writing")
    assert error.value.outcome == "not-applied"


async def test_an_outage_is_not_multiplied(app_client: GitHubClient, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(return_value=refused(503, "x"))
    with pytest.raises(ForgeUnavailable):
        await app_client.get(REPO, "/repos/acme/homelab", what="reading")
    assert mint.call_count == 3


async def test_a_limited_mint_is_not_asked_again(app: AppCredentials, api: respx.Router) -> None:
    text = "You have exceeded a secondary rate limit."
    mint = api.post(MINT_URL).mock(return_value=refused(403, text, retry_after="30"))
    for _ in range(2):
        with pytest.raises(ForgeRateLimited):
            await app.token(REPO)
    assert mint.call_count == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refused(403, "This installation has been suspended"), "the App's installation is suspended"),
        (refused(404, "Not Found"), "is not, or no longer, installed on acme/homelab"),
        (refused(404, "Integration not found"), "Integration not found"),
        (refused(422, "The permissions requested are not granted to this installation."), "lacks a permission"),
        (
            refused(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            ),
            "or the repository",
        ),
        (refused(401, "A JSON web token could not be decoded"), "could not be decoded"),
        (refused(401, "'Issued at' claim ('iat') must be an Integer"), "'Issued at' claim"),
    ],
)
async def test_why_there_is_no_token_is_said(app: AppCredentials, api: respx.Router, reply: Any, said: str) -> None:
    api.post(MINT_URL).mock(return_value=reply)
    with pytest.raises(ForgePermission) as error:
        await app.token(REPO)
    assert said in error.value.detail
    assert error.value.slug == "github-permission"


LACKING = refused(422, "The permissions requested are not granted to this installation.")


@pytest.mark.parametrize(
    ("pulls", "granted", "missing"),
    [
        (True, {"contents": "write", "metadata": "read"}, "pull_requests: write is not granted"),
        (
            True,
            {"contents": "write", "metadata": "read", "pull_requests": "read"},
            "pull_requests: write is not granted",
        ),
        (False, {"contents": "read", "metadata": "read"}, "contents: write is not granted"),
        (True, {"metadata": "read"}, "contents: write, pull_requests: write is not granted"),
        (True, {"contents": "admin", "metadata": "write"}, "pull_requests: write is not granted"),
    ],
)
async def test_a_permission_that_is_not_granted_is_named(
    app: AppCredentials, api: respx.Router, pulls: bool, granted: dict[str, str], missing: str
) -> None:
    api.post(MINT_URL).mock(return_value=LACKING)
    api.get(f"{ROOT}/app/installations/2001").mock(return_value=answer(200, {"id": 2001, "permissions": granted}))
    with pytest.raises(ForgePermission) as error:
        await app.token(REPO, pulls=pulls)
    assert f": {missing}" in error.value.detail


@pytest.mark.parametrize("reply", [refused(403, "x"), refused(500, "x"), answer(200, {}), answer(200, [])])
async def test_a_refusal_is_told_though_nobody_can_explain_it(
    app: AppCredentials, api: respx.Router, reply: Any
) -> None:
    api.post(MINT_URL).mock(return_value=LACKING)
    api.get(f"{ROOT}/app/installations/2001").mock(return_value=reply)
    with pytest.raises(ForgePermission, match="lacks a permission"):
        await app.token(REPO)


@pytest.mark.parametrize("body", [None, [], {}, {"token": None}, {"token": ""}, {"token": "ghs_a\r\nx: y"}])
async def test_an_answer_without_a_token_is_an_error(app: AppCredentials, api: respx.Router, body: Any) -> None:
    api.post(MINT_URL).mock(return_value=answer(201, body))
    with pytest.raises(ForgeError, match="no token"):
        await app.token(REPO)


# Lifetime


@pytest.mark.parametrize(
    ("expires_at", "date", "lifetime_s"),
    [
        ("2027-01-15T09:00:00Z", DATE, 3600),
        ("2027-01-15T08:10:00Z", DATE, 600),
        ("2001-01-01T01:00:00Z", "Mon, 01 Jan 2001 00:00:00 GMT", 3600),  # our clock is decades ahead
        ("2099-01-01T01:00:00Z", "Thu, 01 Jan 2099 00:00:00 GMT", 3600),
        ("2027-01-15T09:00:00Z", "yesterday", 3600),
        ("soon", DATE, 3600),
    ],
)
async def test_a_token_lives_by_githubs_clock(
    app: AppCredentials, api: respx.Router, expires_at: str, date: str, lifetime_s: float
) -> None:
    api.post(MINT_URL).mock(return_value=minted(expires_at=expires_at, date=date))
    token = await app.token(REPO)
    assert token.expires_at - token.minted_at == pytest.approx(lifetime_s, abs=1)


async def test_a_token_is_renewed_early_and_nobody_waits(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.02, expires_at="2027-01-15T08:09:00Z"))
    assert (await app.token(REPO)).value == "ghs_1"
    assert (await app.token(REPO)).value == "ghs_1"  # nine minutes left: good, and being renewed
    await eventually(lambda: mint.call_count == 2)
    await asyncio.sleep(0.2)
    assert (await app.token(REPO)).value == "ghs_2"
    await app.aclose()


async def test_a_renewal_that_fails_leaves_the_token_in_use(app: AppCredentials, api: respx.Router) -> None:
    api.post(MINT_URL).mock(side_effect=[minted(expires_at="2027-01-15T08:09:00Z"), *[refused(503, "x")] * 9])
    for _ in range(3):
        assert (await app.token(REPO)).value == "ghs_one"
        await asyncio.sleep(0.01)
    await app.aclose()


async def test_a_token_with_a_minute_left_is_not_used_again(app: AppCredentials, api: respx.Router) -> None:
    api.post(MINT_URL).mock(side_effect=mints(expires_at="2027-01-15T08:00:50Z"))
    assert (await app.token(REPO)).value == "ghs_1"
    assert (await app.token(REPO)).value == "ghs_2"


async def test_a_dropped_token_is_minted_once_for_all(app_client: GitHubClient, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.01))
    app = app_client.credentials
    old = await app.token(REPO)
    assert app.drop(REPO, old)
    fresh = await app.token(REPO)
    assert app.drop(REPO, old)  # another caller, late
    assert await app.token(REPO) is fresh
    assert mint.call_count == 2


async def test_a_revoked_token_costs_one_mint(app_client: GitHubClient, api: respx.Router, waits: Waits) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints())

    def get(request: httpx2.Request) -> respx.MockResponse:
        good = request.headers["authorization"] == "Bearer ghs_2"
        return answer(200, {}) if good else refused(401, "Bad credentials")

    api.get(FILE_URL).mock(side_effect=get)
    url = "/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
    await asyncio.gather(*(app_client.get(REPO, url, what="reading") for _ in range(5)))
    assert mint.call_count == 2
    assert set(waits) == {1.0, 2.0}  # it was just minted: first it is given time


# The end


async def test_nothing_is_left_behind_at_the_end(app: AppCredentials, api: respx.Router) -> None:
    api.post(MINT_URL).mock(side_effect=mints(delay_s=30.0))
    waiting = asyncio.create_task(app.token(REPO))
    await asyncio.sleep(0.01)
    await app.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not [task for task in asyncio.all_tasks() if "_mint" in repr(task)]


async def test_closing_twice_is_closing(app: AppCredentials) -> None:
    await app.aclose()
    await app.aclose()
