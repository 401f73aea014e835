"""Where an App is installed: found by the repository, and found again."""

from pathlib import Path
from typing import Any

import pytest
import respx

from failover_api.errors import ForgeError, ForgePermission
from failover_api.forge.github.app_auth import AppCredentials
from failover_api.forge.github.client import GitHubClient
from tests.support.builders import REPO
from tests.support.fake_github import INSTALLATION_URL, MINT_URL, ROOT, answer, minted, mints, refused


@pytest.fixture
def lost_app(app_client: GitHubClient, key_file: Path) -> AppCredentials:
    """An App that is told of no installation."""
    return AppCredentials(app_id="1001", key_file=key_file, ask=app_client.as_app)


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
