"""Who is asking: the App with its key, its one installation, the tokens it minted, or the person with a token.

Statuses and texts: https://docs.github.com/en/rest/apps/apps and
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import functools
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from failover_api.sandbox.github.answer import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.hosting.world import World

Kind = Literal["none", "jwt", "installation", "token"]

INSTALLATION_ID = 2001
TOKEN_LIFETIME_S = 3600
JWT_LIFETIME_S = 600

_LEVELS = {"read": 1, "write": 2, "admin": 3}
_ALL_ACCESS = dict.fromkeys(("contents", "pull_requests", "issues", "metadata", "administration", "workflows"), "write")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a request acts as, and what it may do. `repositories` None: all of them."""

    kind: Kind
    login: str
    key: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] | None = None

    def may(self, needed: str) -> bool:
        """`needed` is written as in X-Accepted-GitHub-Permissions: 'contents=write', alternatives by '; '."""
        return any(self._has(*alternative.split("=")) for alternative in needed.split("; "))

    def _has(self, name: str, level: str) -> bool:
        return _LEVELS.get(self.permissions.get(name, ""), 0) >= _LEVELS[level]

    def sees(self, full_name: str) -> bool:
        if self.kind not in ("installation", "token"):
            return False
        return self.repositories is None or full_name.lower() in self.repositories


@dataclass(frozen=True, slots=True)
class Minted:
    """An installation token."""

    token: str
    expires_at: float
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None


class Identities:
    """The App, its installation and its tokens. `permissions` is what the installation was granted."""

    def __init__(self, app_id: str, world: World) -> None:
        self.app_id = app_id
        self.client_id = f"Iv23sandbox{app_id}"
        self.slug = "sandbox-app"
        self.permissions: dict[str, str] = {
            "contents": "write",
            "issues": "write",
            "metadata": "read",
            "pull_requests": "write",
        }
        self.installed = True
        self.suspended_at: float | None = None
        self._minted: dict[str, Minted] = {}
        self._world = world

    @property
    def private_key_pem(self) -> str:
        return _key()[0]

    def revoke(self) -> None:
        """Every installation token stops working, as when its hour is over."""
        self._minted.clear()

    def kind(self, authorization: str) -> Kind:
        token = _bearer(authorization)
        if not token:
            return "none"
        if token.startswith("ghs_"):
            return "installation"
        return "jwt" if token.count(".") == 2 else "token"

    def actor(self, authorization: str) -> Actor:
        """Raises Refused 401 for credentials that are not known, 403 while the installation is suspended."""
        match self.kind(authorization):
            case "none":
                return Actor("none", "", "anonymous")
            case "jwt":
                self._check_jwt(_bearer(authorization))
                return Actor("jwt", f"{self.slug}[bot]", f"app {self.app_id}")
            case "installation":
                return self._installation_actor(_bearer(authorization))
            case "token":
                if not secrets.compare_digest(_bearer(authorization).encode(), self._world.token.encode()):
                    raise Refused(401, "Bad credentials")
                return Actor("token", self._world.login, "user ID 1", _ALL_ACCESS)

    def mint(self, fields: Mapping[str, Any], repositories: Mapping[int, str]) -> Minted:
        """A token for the installation; `repositories` are those it can be for, {id: owner/name}."""
        if not self.installed:
            raise Refused(404, "Not Found")
        if self.suspended_at is not None:
            raise Refused(403, "This installation has been suspended")
        token = "ghs_" + ".".join(secrets.token_urlsafe(size) for size in (48, 240, 96))
        expires_at = self._world.now() + TOKEN_LIFETIME_S
        minted = Minted(token, expires_at, self._granted(fields.get("permissions")), _chosen(fields, repositories))
        self._minted[token] = minted
        return minted

    def _granted(self, permissions: Mapping[str, str] | None) -> dict[str, str]:
        if not permissions:
            return dict(self.permissions)
        for name, level in permissions.items():
            if _LEVELS.get(self.permissions.get(name, ""), 0) < _LEVELS.get(level, 9):
                raise Refused(422, "The permissions requested are not granted to this installation.")
        return {"metadata": "read", **permissions}

    def _installation_actor(self, token: str) -> Actor:
        minted = self._minted.get(token)
        if minted is None or not self.installed or minted.expires_at <= self._world.now():
            raise Refused(401, "Bad credentials")
        if self.suspended_at is not None:
            raise Refused(403, "This installation has been suspended")
        key = f"installation ID {INSTALLATION_ID}"
        held = {name: level for name, level in minted.permissions.items() if name in self.permissions}
        return Actor("installation", f"{self.slug}[bot]", key, held, minted.repositories)

    def _check_jwt(self, token: str) -> None:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError as exc:
            raise Refused(401, "A JSON web token could not be decoded") from exc
        if "iss" not in claims:
            raise Refused(401, "Missing 'issuer' claim ('iss') in assertion")
        if str(claims["iss"]) not in (self.app_id, self.client_id):
            raise Refused(404, "Integration not found")
        self._check_signature(token)
        self._check_times(claims)

    def _check_signature(self, token: str) -> None:
        unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False}
        unchecked |= {"verify_aud": False, "verify_sub": False}
        try:
            jwt.decode(token, _key()[1], algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]  # PyJWT types options as a TypedDict
        except jwt.PyJWTError as exc:
            raise Refused(401, "A JSON web token could not be decoded") from exc

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._world.now()
        expires, issued = claims.get("exp"), claims.get("iat")
        if expires is None:
            raise Refused(401, "Missing 'expiration time' claim ('exp') in assertion")
        if not isinstance(expires, (int, float)) or expires <= now:
            text = "must be a numeric value representing the future time at which the assertion expires"
            raise Refused(401, f"'Expiration time' claim ('exp') {text}")
        if expires > now + JWT_LIFETIME_S:
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int) or issued > now:
            text = "must be an Integer representing the time that the assertion was issued"
            raise Refused(401, f"'Issued at' claim ('iat') {text}")


def _chosen(fields: Mapping[str, Any], repositories: Mapping[int, str]) -> frozenset[str] | None:
    names, ids = fields.get("repositories"), fields.get("repository_ids")
    if names is None and ids is None:
        return None
    by_name = {full.partition("/")[2].lower(): full.lower() for full in repositories.values()}
    chosen = [by_name.get(str(name).lower()) for name in names or ()]
    chosen += [repositories[i].lower() if i in repositories else None for i in ids or ()]
    if None in chosen:
        text = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise Refused(422, text)
    return frozenset(name for name in chosen if name)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


_MAKING = threading.Lock()  # whoever asks while a key is made would make one of his own


def _key() -> tuple[str, rsa.RSAPublicKey]:
    """One key a process, as PEM and its public half: making one takes a tenth of a second, and nobody needs two."""
    with _MAKING:
        return _new_key()


@functools.cache
def _new_key() -> tuple[str, rsa.RSAPublicKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return pem, key.public_key()
