"""Deliveries that are signed with a secret both sides know: HMAC-SHA-256 over the body, as `sha256=<hex>`."""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from failover_api.errors import NotReady, Unauthenticated, UnknownUrl
from failover_api.secret_file import read_secret


@dataclass(frozen=True, slots=True)
class SignedHook:
    """`setting` names the secret's file, `header` holds the signature; `sender` is whose secret it is."""

    path: str
    setting: str
    header: str
    sender: str

    def secret(self, file: Path | None) -> bytes:
        """Read each time, so that a new one holds at once. Raises UnknownUrl when none is set, NotReady."""
        if file is None:
            raise UnknownUrl(f"nothing is at '{self.path}': {self.setting} is not set")
        secret = read_secret(file, f"the secret of {self.sender}").strip()
        if not secret:  # everybody can sign with nothing
            raise NotReady(f"{file}: expected the secret of {self.sender}, the file is empty")
        return secret.encode()

    def has_signed(self, secret: bytes, body: bytes, given: str) -> bool:
        """Whether the signature given is that of this body."""
        expected = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))

    @property
    def refusal(self) -> Unauthenticated:
        return Unauthenticated(f"{self.header} does not sign this body with our secret")
