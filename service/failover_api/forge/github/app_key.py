"""A GitHub App's private key: read from its file again when that changes, and used to sign JWTs.

The key is parsed once, by cryptography, which takes 42 ms. PyGithub makes the JWT; it is large, so it is imported with
the first one.
"""

from pathlib import Path
from typing import Any

from failover_api.core.config.secret_text import pem_of
from failover_api.errors import NotReady
from failover_api.host_clock import HostClock
from failover_api.secret_file import read_secret

# iat is set 60 s back and exp 540 s ahead: 600 fails when GitHub's clock is behind ours.
JWT_LIFETIME_S = 540


class AppKey:
    """Signs JWTs of the App. `clock` is GitHub's: its time is what a JWT is checked against."""

    def __init__(self, app_id: str, file: Path, *, clock: HostClock | None = None) -> None:
        self._app_id, self._file, self._clock = app_id, file, clock or HostClock()
        self._pem = ""
        self._key: Any = None
        self._auth: Any = None

    def check(self) -> None:
        """Raises NotReady when the key cannot be read or used."""
        pem = read_secret(self._file, "the GitHub App's key")
        if self._key is None or pem != self._pem:
            self._key, self._auth, self._pem = _parse(pem, self._file), None, pem

    def secret(self) -> bytes:
        """The key itself, however its file writes it. Raises NotReady when it cannot be used."""
        self.check()
        return pem_of(self._pem).encode()

    def jwt(self) -> str:
        """A JWT of the App, good for some minutes. Raises NotReady when the key cannot be used."""
        self.check()
        if self._auth is None:
            self._auth = _app_auth(self._app_id, self._key, self._clock)
        return str(self._auth.create_jwt())


def _parse(pem: str, file: Path) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem_of(pem).encode(), password=None)
    except (TypeError, UnsupportedAlgorithm, ValueError):  # what they say is of no use here, and near to a secret
        raise NotReady(f"{file}: expected an RSA private key in PEM form, without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise NotReady(f"{file}: expected an RSA private key, as GitHub makes them")
    return key


def _app_auth(app_id: str, key: Any, clock: HostClock) -> Any:
    import jwt
    from github import Auth

    def sign(payload: dict[str, Any]) -> str:
        """PyGithub reads the wall clock of this machine."""
        ahead_s = round(clock.offset_s)
        times = {name: payload[name] - ahead_s for name in ("iat", "exp")}
        return jwt.encode({**payload, **times}, key, algorithm="RS256")

    return Auth.AppAuth(app_id, sign_func=sign, jwt_expiry=JWT_LIFETIME_S)
