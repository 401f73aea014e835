"""Credentials: the App's key and JWT, tokens minted once and as narrow as the work, and nothing secret shown."""

import asyncio
import base64
import json
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from failover_api.errors import ForgeError, ForgePermission, ForgeRateLimited, ForgeUnavailable, NotReady
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.app_key import AppKey
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.credentials import StaticToken, Token
from tests.support.fake_github import FILE_URL, ROOT, Waits, answer, client_with, refused

REPO = "acme/homelab"
MINT_URL = f"{ROOT}/app/installations/2001/access_tokens"
INSTALLATION_URL = f"{ROOT}/repos/acme/homelab/installation"
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def pem(key: Any, *, password: bytes | None = None) -> str:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> Path:
    file = tmp_path / "key.pem"
    file.write_text(pem(rsa_key), encoding="ascii")
    return file


@pytest.fixture
def client(http: httpx2.AsyncClient, api: respx.Router, waits: Waits, key_file: Path) -> GitHubClient:
    client = client_with(http, None, waits)
    client.credentials = AppCredentials(app_id="1001", key_file=key_file, ask=client.as_app, installation_id=2001)
    return client


async def ask_nobody(*_: Any, **__: Any) -> Any:
    raise AssertionError("nobody should be asked")


@pytest.fixture
def keyed(key_file: Path) -> AppCredentials:
    """The App without anybody to ask."""
    return AppCredentials(app_id="1001", key_file=key_file, ask=ask_nobody, installation_id=2001)


@pytest.fixture
def app(client: GitHubClient) -> AppCredentials:
    assert isinstance(client.credentials, AppCredentials)
    return client.credentials


def minted(value: str = "ghs_one", expires_at: str = "2027-01-15T09:00:00Z", date: str = DATE) -> respx.MockResponse:
    return answer(201, {"token": value, "expires_at": expires_at, "permissions": {}}, date=date)


def mints(*, delay_s: float = 0.0, **how: str) -> Callable[[Any], Any]:
    """ghs_1, ghs_2, ... each after `delay_s`."""
    count = 0

    async def mint(_: Any) -> respx.MockResponse:
        nonlocal count
        count += 1
        number = count
        await asyncio.sleep(delay_s)
        return minted(f"ghs_{number}", **how)

    return mint


# The JWT


def claims(app: AppCredentials, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return jwt.decode(app.jwt(), key.public_key(), algorithms=["RS256"])


def test_the_jwt_lives_nine_minutes_and_began_a_minute_ago(keyed: AppCredentials, rsa_key: rsa.RSAPrivateKey) -> None:
    now = time.time()
    held = claims(keyed, rsa_key)
    assert held["iss"] == "1001"
    assert abs(held["iat"] - (now - 60)) <= 2
    assert now + 530 <= held["exp"] <= now + 541
    assert set(held) == {"iss", "iat", "exp"}


def test_a_client_id_may_stand_for_the_app_id(key_file: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    app = AppCredentials(app_id="Iv23liabc", key_file=key_file, ask=ask_nobody)
    assert claims(app, rsa_key)["iss"] == "Iv23liabc"


def test_the_key_is_parsed_once(key_file: Path) -> None:
    key = AppKey("1001", key_file)
    key.jwt()
    parsed = key._key
    key.jwt()
    key.check()
    assert key._key is parsed


def test_checking_the_key_does_not_import_pygithub(key_file: Path) -> None:
    """It is large: an idle service does not pay for it."""
    script = (
        "import sys; from pathlib import Path; from failover_api.forge.github.app_key import AppKey;"
        f"AppKey('1', Path({str(key_file)!r})).check(); print('github' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_a_new_key_is_taken_without_restart(
    keyed: AppCredentials, key_file: Path, rsa_key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    assert claims(keyed, rsa_key)
    key_file.write_text(pem(other_key), encoding="ascii")
    assert claims(keyed, other_key)
    with pytest.raises(jwt.InvalidSignatureError):
        claims(keyed, rsa_key)


@pytest.fixture(scope="session")
def bad_keys(rsa_key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    key, good = rsa_key, pem(rsa_key)
    return {
        "nothing": b"",
        "not PEM": b"SECRETSECRETSECRET",
        "cut": good[: len(good) // 2].encode(),
        "garbled": good.replace("A", "!").encode(),
        "EC": pem(ec.generate_private_key(ec.SECP256R1())).encode(),
        "encrypted": pem(key, password=b"p").encode(),
        "public": key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "not text": b"\xff\xfe\x00" + good.encode(),
    }


KINDS_OF_KEY: dict[str, Callable[[str], str]] = {
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "with literal line ends": lambda text: text.replace("\n", "\\n"),
    "with literal CRLF": lambda text: text.replace("\n", "\\r\\n"),
    "in quotes, with literal line ends": lambda text: '"' + text.replace("\n", "\\n") + '"\n',
    "in single quotes": lambda text: f"'{text}'",
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 with line ends": lambda text: base64.encodebytes(text.encode()).decode(),
    "in base64, literal line ends inside": lambda text: base64.b64encode(text.replace("\n", "\\n").encode()).decode(),
    "with spaces for line ends": lambda text: text.replace("\n", " "),
    "on one line": lambda text: text.replace("\n", ""),
    "with a byte order mark": lambda text: f"\ufeff{text}",
    "after blank lines, indented": lambda text: "\n\n" + "".join(f"    {line}\n" for line in text.splitlines()),
}


@pytest.mark.parametrize("form", ["TraditionalOpenSSL", "PKCS8"])
@pytest.mark.parametrize("kind", KINDS_OF_KEY)
def test_a_key_is_taken_as_people_hand_it_over(
    keyed: AppCredentials, key_file: Path, rsa_key: rsa.RSAPrivateKey, kind: str, form: str
) -> None:
    private = getattr(serialization.PrivateFormat, form)
    text = rsa_key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()
    key_file.write_bytes(KINDS_OF_KEY[kind](text).encode())
    keyed.check_readable()
    assert claims(keyed, rsa_key)["iss"] == "1001"


@pytest.mark.parametrize("kind", ["nothing", "not PEM", "cut", "garbled", "EC", "encrypted", "public", "not text"])
def test_a_key_that_cannot_be_used_is_not_ready_and_not_shown(
    keyed: AppCredentials, key_file: Path, bad_keys: dict[str, bytes], kind: str
) -> None:
    key_file.write_bytes(bad_keys[kind])
    for use in (keyed.check_readable, keyed.jwt):
        with pytest.raises(NotReady) as error:
            use()
        assert str(key_file) in error.value.detail
        shown = "".join(traceback.format_exception(error.value))
        secrets = [line for line in bad_keys[kind].decode("latin-1").splitlines() if "-----" not in line and line]
        assert not [line for line in secrets if line in shown]
        assert error.value.__cause__ is None or isinstance(error.value.__cause__, OSError)


@pytest.mark.parametrize("missing", ["no file", "a directory"])
def test_a_key_that_cannot_be_read_is_not_ready(keyed: AppCredentials, key_file: Path, missing: str) -> None:
    key_file.unlink()
    if missing == "a directory":
        key_file.mkdir()
    with pytest.raises(NotReady, match="cannot read the GitHub App's key"):
        keyed.check_readable()


async def test_a_key_that_cannot_be_used_is_said_to_whoever_needs_a_token(tmp_path: Path) -> None:
    app = AppCredentials(app_id="1001", key_file=tmp_path / "gone", ask=ask_nobody, installation_id=2001)
    for _ in range(2):
        with pytest.raises(NotReady):
            await app.token(REPO)


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


async def test_a_mint_that_hangs_is_given_up_for_all_who_wait(client: GitHubClient, key_file: Path) -> None:
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


async def test_a_write_without_a_token_in_time_was_not_applied(client: GitHubClient, key_file: Path) -> None:
    async def hang(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    client.credentials = AppCredentials(app_id="1001", key_file=key_file, ask=hang, mint_timeout_s=0.05)
    with pytest.raises(ForgeUnavailable) as error:
        await client.write("PUT", REPO, "/repos/acme/homelab/contents/a", {}, what="writing")
    assert error.value.outcome == "not-applied"


async def test_an_outage_is_not_multiplied(client: GitHubClient, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(return_value=refused(503, "x"))
    with pytest.raises(ForgeUnavailable):
        await client.get(REPO, "/repos/acme/homelab", what="reading")
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


# The installation


@pytest.fixture
def lost_app(client: GitHubClient, key_file: Path) -> AppCredentials:
    """An App that is told of no installation."""
    return AppCredentials(app_id="1001", key_file=key_file, ask=client.as_app)


async def test_the_installation_is_found_by_the_repository_once(lost_app: AppCredentials, api: respx.Router) -> None:
    found = api.get(INSTALLATION_URL).mock(return_value=answer(200, {"id": 2001}))
    api.post(MINT_URL).mock(side_effect=mints())
    token = await lost_app.token(REPO)
    lost_app.drop(REPO, token)
    await lost_app.token(REPO)
    assert found.call_count == 1


async def test_an_app_that_is_not_installed_is_told_so(lost_app: AppCredentials, api: respx.Router) -> None:
    api.get(INSTALLATION_URL).mock(return_value=refused(404, "Not Found"))
    with pytest.raises(ForgePermission, match="is not installed on acme/homelab"):
        await lost_app.token(REPO)


OTHER_MINT_URL = f"{ROOT}/app/installations/1999/access_tokens"


async def test_a_fresh_id_that_is_refused_is_not_kept(lost_app: AppCredentials, api: respx.Router) -> None:
    found = api.get(INSTALLATION_URL).mock(side_effect=[answer(200, {"id": 1999}), answer(200, {"id": 2001})])
    other = api.post(OTHER_MINT_URL).mock(return_value=refused(404, "Not Found"))
    api.post(MINT_URL).mock(return_value=minted())
    with pytest.raises(ForgePermission, match="is not, or no longer, installed on acme/homelab"):
        await lost_app.token(REPO)
    assert (found.call_count, other.call_count) == (1, 1)  # it was fresh: nothing better to be had
    assert (await lost_app.token(REPO)).value == "ghs_one"


async def test_an_app_that_was_installed_anew_is_found_again(lost_app: AppCredentials, api: respx.Router) -> None:
    found = api.get(INSTALLATION_URL).mock(side_effect=[answer(200, {"id": 1999}), answer(200, {"id": 2001})])
    other = api.post(OTHER_MINT_URL).mock(side_effect=[minted("ghs_old"), refused(404, "Not Found")])
    mint = api.post(MINT_URL).mock(return_value=minted("ghs_new"))
    old = await lost_app.token(REPO)
    lost_app.drop(REPO, old)  # it ended with the installation
    assert (old.value, (await lost_app.token(REPO)).value) == ("ghs_old", "ghs_new")
    assert (found.call_count, other.call_count, mint.call_count) == (2, 2, 1)


async def test_an_app_that_was_uninstalled_is_told_so(lost_app: AppCredentials, api: respx.Router) -> None:
    found = api.get(INSTALLATION_URL).mock(side_effect=[answer(200, {"id": 2001}), refused(404, "Not Found")])
    mint = api.post(MINT_URL).mock(side_effect=[minted(), refused(404, "Not Found")])
    lost_app.drop(REPO, await lost_app.token(REPO))
    with pytest.raises(ForgePermission, match="is not installed on acme/homelab"):
        await lost_app.token(REPO)
    assert (found.call_count, mint.call_count) == (2, 2)


async def test_an_installation_that_keeps_its_id_is_tried_once_more_and_no_further(
    lost_app: AppCredentials, api: respx.Router
) -> None:
    found = api.get(INSTALLATION_URL).mock(return_value=answer(200, {"id": 2001}))
    mint = api.post(MINT_URL).mock(side_effect=[minted(), *[refused(404, "Not Found")] * 2])
    lost_app.drop(REPO, await lost_app.token(REPO))
    with pytest.raises(ForgePermission, match="no longer, installed") as error:
        await lost_app.token(REPO)
    assert (found.call_count, mint.call_count) == (2, 3)
    assert "FAILOVER_GITHUB_INSTALLATION_ID" not in error.value.detail


async def test_a_pinned_id_is_named_and_tried_once(app: AppCredentials, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(return_value=refused(404, "Not Found"))
    with pytest.raises(ForgePermission, match="FAILOVER_GITHUB_INSTALLATION_ID=2001"):
        await app.token(REPO)
    assert mint.call_count == 1


@pytest.mark.parametrize("body", [{}, [], {"id": None}, {"id": "x"}])
async def test_an_installation_without_id_is_an_error(lost_app: AppCredentials, api: respx.Router, body: Any) -> None:
    api.get(INSTALLATION_URL).mock(return_value=answer(200, body))
    with pytest.raises(ForgeError, match="no id"):
        await lost_app.token(REPO)


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
    await asyncio.sleep(0.05)
    assert mint.call_count == 2
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


async def test_a_dropped_token_is_minted_once_for_all(client: GitHubClient, api: respx.Router) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints(delay_s=0.01))
    app = client.credentials
    old = await app.token(REPO)
    assert app.drop(REPO, old)
    fresh = await app.token(REPO)
    assert app.drop(REPO, old)  # another caller, late
    assert await app.token(REPO) is fresh
    assert mint.call_count == 2


async def test_a_revoked_token_costs_one_mint(client: GitHubClient, api: respx.Router, waits: Waits) -> None:
    mint = api.post(MINT_URL).mock(side_effect=mints())

    def get(request: httpx2.Request) -> respx.MockResponse:
        good = request.headers["authorization"] == "Bearer ghs_2"
        return answer(200, {}) if good else refused(401, "Bad credentials")

    api.get(FILE_URL).mock(side_effect=get)
    url = "/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
    await asyncio.gather(*(client.get(REPO, url, what="reading") for _ in range(5)))
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


# A ready token


@pytest.mark.parametrize("text", ["ghp_one", " ghp_one\r\n", '"ghp_one"\n', "'ghp_one'", "ghs_" + "a.b" * 170])
async def test_a_ready_token_is_one_word(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    for token in (StaticToken(value=text), StaticToken(file=file)):
        token.check_readable()
        assert (await token.token(REPO)).value == text.strip("\ufeff \r\n\"'")


@pytest.mark.parametrize("text", ["", " \n", "two words", "two\nlines", "tök", "nul\x00", "esc\x1b[0m", "del\x7f"])
async def test_what_cannot_stand_in_a_header_is_not_ready_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    for token, source in ((StaticToken(value=text), "FAILOVER_GITHUB_TOKEN"), (StaticToken(file=file), str(file))):
        with pytest.raises(NotReady) as error:
            await token.token(REPO)
        assert source in error.value.detail
        assert not text.strip() or text.strip() not in error.value.detail


async def test_no_token_at_all_is_not_ready() -> None:
    with pytest.raises(NotReady, match="no GitHub credentials") as error:
        await StaticToken().token(REPO)
    for name in ("APP_ID", "PRIVATE_KEY_FILE", "TOKEN", "TOKEN_FILE"):
        assert re.search(rf"FAILOVER_GITHUB_{name}\b", error.value.detail)
    with pytest.raises(NotReady, match="no GitHub credentials"):
        StaticToken().check_readable()


async def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("ghp_one")
    token = StaticToken(file=file)
    old = await token.token(REPO)
    assert not token.drop(REPO, old)  # nothing better to be had
    file.write_text("ghp_two")
    assert token.drop(REPO, old)
    assert (await token.token(REPO)).value == "ghp_two"
    file.unlink()
    with pytest.raises(NotReady, match="cannot read the GitHub token"):
        token.check_readable()


async def test_a_replaced_token_file_is_tried_once_more(
    http: httpx2.AsyncClient, api: respx.Router, waits: Waits, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("ghp_one")
    client = client_with(http, StaticToken(file=file), waits)

    def get(request: httpx2.Request) -> respx.MockResponse:
        file.write_text("ghp_two")
        good = request.headers["authorization"] == "Bearer ghp_two"
        return answer(200, {}) if good else refused(401, "Bad credentials")

    route = api.get(FILE_URL).mock(side_effect=get)
    await client.get(REPO, "/repos/acme/homelab/contents/apps%2Fsonarr.yaml", what="reading")
    assert route.call_count == 2
    assert waits == []


def test_what_holds_a_secret_does_not_show_it(keyed: AppCredentials, key_file: Path) -> None:
    keyed.jwt()
    shown = repr(Token("ghs_secret", 0.0, 1.0)) + repr(StaticToken(value="ghs_secret")) + repr(keyed)
    assert "ghs_secret" not in shown
    assert "PRIVATE KEY" not in shown


@pytest.mark.parametrize(("repository", "key"), [("acme/homelab", "acme"), ("Acme/Other", "acme")])
def test_an_owner_is_one_account(keyed: AppCredentials, repository: str, key: str) -> None:
    assert keyed.key(repository) == key
