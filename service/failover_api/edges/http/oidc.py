"""Verification of OpenID Connect tokens.

Only keys that the issuer itself shows count, found by its discovery document. Nothing in a token says where keys are.

https://openid.net/specs/openid-connect-discovery-1_0.html
https://datatracker.ietf.org/doc/html/rfc8725
"""

import asyncio
import logging
import math
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from failover_api.connection_errors import explain_connection_error
from failover_api.core.access.model import Issuer
from failover_api.core.access.schema import is_safe_url
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import NotReady, Unauthenticated
from failover_api.host_clock import HostClock

ALGORITHMS = ("RS256", "ES256")
KEYS_S = 3600.0  # how long keys are used before they are asked for again
REFETCH_S = 30.0  # between two attempts to get them, whatever became of the first
TIMEOUT_S = 5.0
LEEWAY_S = 30.0  # by which clocks may differ
MAX_BYTES = 256 * 1024  # of an issuer's answer
MIN_RSA_BITS = 2048
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token says, and who vouches for it."""

    issuer: Issuer
    claims: Mapping[str, Any]


_FAULTS = {
    jwt.InvalidSignatureError: "its signature is not the issuer's",
    jwt.DecodeError: "it is damaged",
    jwt.InvalidAudienceError: "it is meant for another audience",
    jwt.InvalidIssuerError: "it is of another issuer",
    jwt.InvalidAlgorithmError: "its algorithm is not permitted",
    jwt.MissingRequiredClaimError: "it lacks exp, iss or aud",
}


def _fault(error: jwt.InvalidTokenError) -> str:
    """In plain words: the library's own text may hold what stands in the token."""
    return _FAULTS.get(type(error), "one of its claims is not what it should be")


class Verifier:
    """Verifies tokens. Holds the issuers' keys; `clock` is monotonic, in seconds.

    `wall` tells the time that tokens begin and end by: GitHub's, or as long as GitHub has told none the issuer's.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, wall: HostClock | None = None) -> None:
        self._clock, self._wall = clock, wall or HostClock()
        self._rings: dict[tuple[str, str | None], Keyring] = {}

    async def aclose(self) -> None:
        """Closes the connections."""
        for ring in self._rings.values():
            await ring.aclose()

    async def verify(self, token: str, issuers: Sequence[Issuer]) -> Verified:
        """Raises Unauthenticated, and NotReady when the issuer's keys cannot be had."""
        header, named = _unverified(token)
        candidates = [issuer for issuer in issuers if issuer.url == named.get("iss")]
        if not candidates:
            raise Unauthenticated("the token is of an issuer that is not configured")
        issuer = next((one for one in candidates if one.audience in _audiences(named)), None)
        if issuer is None:
            raise Unauthenticated(f"the token is meant for another audience, expected {candidates[0].audience!r}")
        ring = self._ring(issuer)
        key = await ring.key(header)
        now = (self._wall if self._wall.is_known else ring.wall).now()
        try:
            claims = jwt.decode(
                token,
                key=key.key,
                algorithms=[header["alg"]],
                issuer=issuer.url,
                audience=issuer.audience,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            _check_times(claims, now)
        except jwt.ExpiredSignatureError as exc:
            raise Unauthenticated("the token has expired") from exc
        except jwt.ImmatureSignatureError as exc:
            raise Unauthenticated("the token is not valid yet") from exc
        except jwt.InvalidTokenError as exc:
            raise Unauthenticated(f"the token does not hold: {_fault(exc)}") from exc
        return Verified(issuer, claims)

    def _ring(self, issuer: Issuer) -> "Keyring":
        at = (issuer.url, issuer.ca_file)
        if at not in self._rings:
            self._rings[at] = Keyring(issuer, clock=self._clock)
        return self._rings[at]


class Keyring:
    """The keys of one issuer, by their ids."""

    def __init__(self, issuer: Issuer, *, clock: Callable[[], float]) -> None:
        self._issuer, self._clock = issuer, clock
        self.wall = HostClock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = -float("inf")
        self._turn = asyncio.Lock()
        self._http: httpx2.AsyncClient | None = None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """The key that signed a token. Raises Unauthenticated when the issuer has none like that."""
        name, algorithm = header.get("kid"), header["alg"]
        if self._is_wanted(name):
            async with self._turn:  # who waited may find that it was done
                if self._is_wanted(name):
                    await self._fetch()
        if not self._keys:
            wait_s = max(1.0, self._tried_at + REFETCH_S - self._clock())
            raise NotReady(f"the keys of {self._issuer.url} cannot be read", retry_after_s=wait_s)
        key = self._keys.get(name)
        if key is None and name is None and len(self._keys) == 1:
            (key,) = self._keys.values()
        if key is None or key.algorithm_name != algorithm:
            raise Unauthenticated("the token is signed with a key that its issuer does not show")
        return key

    def _is_wanted(self, name: str | None) -> bool:
        """Whether the keys should be asked for: a new one is named, or they are old."""
        now = self._clock()
        is_old = now - self._fetched_at > KEYS_S
        is_new = name is not None and name not in self._keys
        return (is_old or is_new) and now - self._tried_at >= REFETCH_S

    async def _fetch(self) -> None:
        """Replaces the keys. When that fails, those that are known stay."""
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._read_keys()
        except (TimeoutError, OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as exc:
            _log.warning(
                "issuer's keys not read",
                extra={"issuer": self._issuer.url, "why": _why(exc, self._issuer.url)},
            )
            return
        self._keys, self._fetched_at = found, self._clock()
        _log.info("issuer's keys read", extra={"issuer": self._issuer.url, "keys": len(found)})

    async def _read_keys(self) -> dict[str | None, jwt.PyJWK]:
        """Raises ValueError when what is there is not what it should be."""
        place = f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration"
        document = await self._read_json(place)
        if document.get("issuer") != self._issuer.url:
            raise ValueError(f"{place} is of another issuer")
        where = document.get("jwks_uri")
        if not isinstance(where, str) or not is_safe_url(where) or _downgrades(self._issuer.url, where):
            raise ValueError(f"{place} has no https jwks_uri")
        listed = (await self._read_json(where)).get("keys")
        if not isinstance(listed, list):
            raise ValueError(f"{where} has no list of keys")
        return {one.key_id: one for one in map(_usable, listed) if one is not None}

    async def _read_json(self, url: str) -> dict[str, Any]:
        if self._http is None:
            self._http = await asyncio.to_thread(_connect, self._issuer.ca_file)
        body, asked_at = b"", time.monotonic()
        async with self._http.stream("GET", url, headers={"accept": "application/json"}) as response:
            self.wall.observe(response.headers, asked_at=asked_at)
            if response.status_code != 200:
                raise ValueError(f"{url} answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"{url} is larger than {MAX_BYTES:,} bytes")
        data = parse_json(body)
        if not isinstance(data, dict):
            raise ValueError(f"{url} is not a JSON object")
        return data


def _why(error: Exception, url: str) -> str:
    """What kept the keys from being read. A ValueError is our own sentence, of _read_keys()."""
    return str(error)[:200] if isinstance(error, ValueError) else explain_connection_error(error, url)


def _connect(ca_file: str | None) -> httpx2.AsyncClient:
    """In a thread: reading certificates takes its time."""
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
    return httpx2.AsyncClient(verify=verify, timeout=TIMEOUT_S, follow_redirects=False, trust_env=ca_file is None)


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand there, to know whom to ask. Raises Unauthenticated."""
    try:
        parts = jwt.api_jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as exc:
        raise Unauthenticated("the token is not known here") from exc
    header, claims = parts["header"], parts["payload"]
    if header.get("alg") not in ALGORITHMS or "crit" in header or "b64" in header:
        raise Unauthenticated(f"the token is not signed as expected: {' or '.join(ALGORITHMS)}")
    if not isinstance(header.get("kid"), str | None):
        raise Unauthenticated("the token names its key by something that is no text")
    return header, claims


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Raises as PyJWT does. https://www.rfc-editor.org/rfc/rfc7519#section-4.1"""
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if any(isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) for at in times.values()):
        raise jwt.DecodeError("exp, nbf and iat are numbers")
    if times["exp"] <= now - LEEWAY_S:
        raise jwt.ExpiredSignatureError
    if max(times.get("nbf", now), times.get("iat", now)) > now + LEEWAY_S:
        raise jwt.ImmatureSignatureError


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    named = claims.get("aud")
    return named if isinstance(named, list) else [named]


def _downgrades(issuer: str, url: str) -> bool:
    return issuer.startswith("https:") and not url.startswith("https:")


def _usable(listed: object) -> jwt.PyJWK | None:
    """A key for one of our algorithms, or None: an issuer may show others too."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(listed)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        return None
    return key if key.algorithm_name in ALGORITHMS else None
