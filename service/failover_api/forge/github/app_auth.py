"""Installation tokens of a GitHub App: minted with the App's key, cached, and renewed before they expire.

Requests with the App's JWT go through the same HTTP client as all others, so that the deadline holds for them.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from cachetools import LRUCache, TLRUCache

from failover_api.errors import FileNotFound, ForgeError, ForgePermission, ForgeUnavailable
from failover_api.forge.github.app_key import AppKey
from failover_api.forge.github.replies import BadCredentials, is_permission_missing
from failover_api.forge.http.credentials import Token, is_one_word
from failover_api.forge.http.reply import Reply
from failover_api.host_clock import HostClock

LIFETIME_S = 3600.0  # of a token, when GitHub does not say
REFRESH_BEFORE_S = 600.0  # mint the next token in the background from here on
MINT_TIMEOUT_S = 25.0
RESIGN_FROM_S = 5.0  # a refused JWT is signed again if our clock was wrong by as much
DROP_BEFORE_S = 60.0  # a token with less left than this is not used
# No more than the work needs. Merging needs both.
PERMISSIONS = {"contents": "write", "metadata": "read"}
PULLS_PERMISSIONS = {**PERMISSIONS, "pull_requests": "write"}

Ask = Callable[..., Awaitable[Reply]]
_TokenKey = tuple[str, bool]  # a repository, and whether the token is for its pull requests


class AppCredentials:
    """Installation tokens of a GitHub App: one for each repository, and another one for its pull requests.

    An installation that has not granted pull requests still takes direct commits. Tokens are cached until shortly
    before they expire, minted once however many wait for one (single flight), and renewed in the background before
    anybody has to wait. The key file is read again when it changes.
    """

    def __init__(
        self,
        *,
        app_id: str,
        key_file: Path,
        ask: Ask,
        installation_id: int | None = None,
        mint_timeout_s: float = MINT_TIMEOUT_S,
        clock: HostClock | None = None,
    ) -> None:
        self._app_id, self._ask, self._mint_timeout_s = app_id, ask, mint_timeout_s
        self._clock = clock or HostClock()
        self._key = AppKey(app_id, key_file, clock=self._clock)
        self._installation_id = installation_id
        self._installations: LRUCache[str, int] = LRUCache(1024)
        self._tokens: TLRUCache[_TokenKey, Token] = TLRUCache(
            1024, ttu=lambda _, token, __: token.expires_at - DROP_BEFORE_S, timer=time.monotonic
        )
        self._minting: dict[_TokenKey, asyncio.Task[Token]] = {}

    def key(self, repository: str) -> str:
        return repository.partition("/")[0].lower()  # an installation belongs to one account

    async def token(self, repository: str, *, pulls: bool = False) -> Token:
        key = (repository, pulls)
        token = self._tokens.get(key)
        if token is None:
            return await asyncio.shield(
                self._mint_once(key)
            )  # a caller that is cancelled must not cancel it for others
        if token.expires_at - time.monotonic() < REFRESH_BEFORE_S:
            self._mint_once(key)
        return token

    def drop(self, repository: str, token: Token) -> bool:
        for key in ((repository, False), (repository, True)):
            if self._tokens.get(key) is token:
                self._tokens.pop(key, None)
        return True

    def check_readable(self) -> None:
        self._key.check()

    def secret(self) -> bytes:
        return self._key.secret()

    async def aclose(self) -> None:
        minting = list(self._minting.values())
        for task in minting:
            task.cancel()
        await asyncio.gather(*minting, return_exceptions=True)

    def jwt(self) -> str:
        """A JWT of the App, good for some minutes. Raises NotReady when the key cannot be used."""
        return self._key.jwt()

    async def as_app(self, method: str, url: str, *, what: str, json: object = None) -> Reply:
        """A request with the App's JWT. It is repeated once when its refusal shows that our clock was wrong."""
        signed_by_s = self._clock.offset_s
        try:
            return await self._ask(method, url, bearer=self.jwt(), what=what, json=json)
        except BadCredentials:
            if abs(self._clock.offset_s - signed_by_s) < RESIGN_FROM_S:
                raise
        return await self._ask(method, url, bearer=self.jwt(), what=what, json=json)

    async def installation(self, repository: str) -> int:
        """The installation's id, from the settings or from the repository."""
        if self._installation_id is not None:
            return self._installation_id
        known = self._installations.get(repository)
        if known is None:
            what = f"the App's installation on {repository}"
            try:
                reply = await self.as_app("GET", f"/repos/{repository}/installation", what=what)
            except FileNotFound as exc:
                raise ForgePermission(
                    f"the GitHub App {self._app_id} is not installed on {repository} (or there is no such repository)"
                ) from exc
            try:
                known = self._installations[repository] = int(reply.data["id"])
            except (KeyError, TypeError, ValueError) as exc:
                raise ForgeError(f"{what}: GitHub's answer has no id") from exc
        return known

    def _mint_once(self, key: _TokenKey) -> asyncio.Task[Token]:
        task = self._minting.get(key)
        if task is None or task.done():
            task = self._minting[key] = asyncio.create_task(self._mint(key))
            task.add_done_callback(lambda done: self._minted(key, done))
        return task

    def _minted(self, key: _TokenKey, task: "asyncio.Task[Token]") -> None:
        if self._minting.get(key) is task:
            del self._minting[key]
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio would log it: nobody waits for a renewal in the background

    async def _mint(self, key: _TokenKey) -> Token:
        """Mints within `mint_timeout_s`: nobody waits for it longer than that."""
        try:
            async with asyncio.timeout(self._mint_timeout_s):
                return await self._ask_for_token(key)
        except TimeoutError as exc:
            raise ForgeUnavailable(f"{_named(key)}: no reply from GitHub in time") from exc

    async def _ask_for_token(self, key: _TokenKey) -> Token:
        what = _named(key)
        reply = await self._granted(key, what)
        value = reply.data.get("token") if isinstance(reply.data, dict) else None
        if not isinstance(value, str) or not is_one_word(value):
            raise ForgeError(f"{what}: GitHub's answer has no token")
        now = time.monotonic()
        token = Token(value, now, now + _lifetime_s(reply))
        if token.expires_at - DROP_BEFORE_S > now:
            self._tokens[key] = token
        return token

    async def _granted(self, key: _TokenKey, what: str) -> Reply:
        """The reply to a mint. After a 404 once more: an App that was reinstalled has another installation id."""
        repository, pulls = key
        permissions = PULLS_PERMISSIONS if pulls else PERMISSIONS
        kept = repository in self._installations
        installation = await self.installation(repository)
        try:
            return await self.as_app(
                "POST",
                f"/app/installations/{installation}/access_tokens",
                json={"repositories": [repository.partition("/")[2]], "permissions": permissions},
                what=what,
            )
        except ForgePermission as exc:
            if not is_permission_missing(exc):
                raise
            raise ForgePermission(exc.detail + await self._lacking(installation, permissions)) from exc
        except FileNotFound as exc:
            self._installations.pop(repository, None)
            if not kept:
                raise ForgePermission(self._not_installed(repository, exc.detail)) from exc
        return await self._granted(key, what)

    async def _lacking(self, installation: int, permissions: Mapping[str, str]) -> str:
        """Which permissions are not granted, for people; "" when GitHub does not tell."""
        try:
            reply = await self.as_app("GET", f"/app/installations/{installation}", what="the App's installation")
            granted = dict(reply.data["permissions"])
        except Exception:  # noqa: BLE001 - what only explains must not hide the refusal
            return ""
        missing = [f"{name}: {level}" for name, level in permissions.items() if not _covers(granted.get(name), level)]
        if not missing:
            return ""
        return f": {', '.join(missing)} is not granted; set it in the App, then accept it in its installation"

    def _not_installed(self, repository: str, detail: str) -> str:
        pinned = self._installation_id
        named = "" if pinned is None else f" as FAILOVER_GITHUB_INSTALLATION_ID={pinned}"
        return f"the GitHub App {self._app_id} is not, or no longer, installed on {repository}{named} ({detail})"


def _named(key: _TokenKey) -> str:
    """For people: an installation that has not granted a permission refuses the mint without saying which."""
    repository, pulls = key
    return f"a token for {repository}" + (" with pull_requests: write" if pulls else "")


def _covers(granted: object, level: str) -> bool:
    return granted in {"write", "admin"} or granted == level


def _lifetime_s(reply: Reply) -> float:
    """How long a token lives, by GitHub's own clock: ours may be wrong."""
    try:
        expires_at = datetime.fromisoformat(reply.data["expires_at"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return LIFETIME_S
    return expires_at - reply.sent_at(otherwise=expires_at - LIFETIME_S)
