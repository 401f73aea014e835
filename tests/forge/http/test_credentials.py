"""A ready token, by itself or in a file; and what all credentials keep to themselves."""

import re
from pathlib import Path

import httpx2
import pytest
import respx

from failover_api.errors import NotReady
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.http.credentials import StaticToken, Token
from tests.support.builders import REPO
from tests.support.fake_github import FILE_URL, Waits, answer, client_with, refused


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
