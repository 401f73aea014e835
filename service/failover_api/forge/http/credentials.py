"""Credentials: the protocol by which requests get their token, and a ready token from the environment or a file."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from failover_api.core.config.secret_text import bare
from failover_api.errors import NotReady
from failover_api.secret_file import read_secret


@dataclass(frozen=True, slots=True)
class Token:
    """A token. `minted_at` and `expires_at` are times of time.monotonic()."""

    value: str = field(repr=False)
    minted_at: float
    expires_at: float

    def age_s(self) -> float:
        return time.monotonic() - self.minted_at


class Credentials(Protocol):
    """Gives tokens for the Authorization header."""

    def key(self, repository: str) -> str:
        """The account whose rate limit requests about this repository count against: "acme", "token"."""
        ...

    async def token(self, repository: str, *, pulls: bool = False) -> Token:
        """A token that is good for this repository, and for its pull requests when `pulls`.

        Raises NotReady when nothing can be read.
        """
        ...

    def drop(self, repository: str, token: Token) -> bool:
        """Forgets a token that was refused; True when a new one may be had."""
        ...

    def check_readable(self) -> None:
        """Raises NotReady when the key or the token cannot be used. Makes no request."""
        ...

    def secret(self) -> bytes:
        """A secret that all processes with these credentials share, and nobody else. Raises as check_readable()."""
        ...

    async def aclose(self) -> None:
        """Ends the work in the background."""
        ...


class StaticToken:
    """A ready token, from the environment or from a file that is read again each time."""

    def __init__(self, *, value: str | None = None, file: Path | None = None) -> None:
        self._value, self._file = value, file

    def key(self, repository: str) -> str:
        return "token"

    async def token(self, repository: str, *, pulls: bool = False) -> Token:
        return Token(self._read(), float("-inf"), float("inf"))

    def drop(self, repository: str, token: Token) -> bool:
        return self._read() != token.value

    def check_readable(self) -> None:
        self._read()

    def secret(self) -> bytes:
        return self._read().encode()

    async def aclose(self) -> None:
        pass

    def _read(self) -> str:
        if self._file is None and self._value is None:
            raise NotReady(
                "no GitHub credentials: set FAILOVER_GITHUB_APP_ID and FAILOVER_GITHUB_PRIVATE_KEY_FILE, "
                "or FAILOVER_GITHUB_TOKEN, or FAILOVER_GITHUB_TOKEN_FILE"
            )
        value = (self._value or "") if self._file is None else read_secret(self._file, "the GitHub token")
        token = bare(value)
        if not is_one_word(token):
            source = "FAILOVER_GITHUB_TOKEN" if self._file is None else str(self._file)
            raise NotReady(f"{source}: expected a GitHub token, one word of ASCII")
        return token


def is_one_word(token: str) -> bool:
    """Whether it can be sent in a header."""
    return token.isascii() and token.isprintable() and bool(token) and " " not in token
