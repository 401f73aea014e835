"""The HTTP client to GitHub: connections that stay open for hours, and are renewed when they turn out to be dead.

A router that forgets an idle connection does not say so: the next request on it gets no reply. It has then forgotten
the others too, so after a failure all of them are replaced by new ones.
"""

import os
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

import httpx2

from failover_api.errors import NotReady

T = TypeVar("T")
RENEW_AFTER_S = 60.0  # younger connections are not forgotten; and at most one renewal in this time
MAX_CONNECTIONS = 20


class Connections:
    """The current HTTP client. `make` makes a new one."""

    def __init__(self, make: Callable[[], httpx2.AsyncClient], *, renew_after_s: float = RENEW_AFTER_S) -> None:
        self._make, self._renew_after_s = make, renew_after_s
        self.current = make()
        self._made_at = time.monotonic()
        self._replaced: list[httpx2.AsyncClient] = []

    async def failed(self, client: httpx2.AsyncClient) -> None:
        """A request on `client` had no reply: makes new connections, unless the current ones are new."""
        if client is not self.current or time.monotonic() - self._made_at < self._renew_after_s:
            return
        # Requests of others may still be under way on `client`: it is closed with the next renewal.
        unused, self._replaced = self._replaced, [client]
        self.current, self._made_at = self._make(), time.monotonic()
        for old in unused:
            await old.aclose()

    async def aclose(self) -> None:
        for client in (*self._replaced, self.current):
            await client.aclose()


def open_connections() -> Connections:
    """Connections that are kept however long they idle: a promote at night should not pay for a TLS handshake."""
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=None)
    return from_environment(lambda tls: Connections(lambda: httpx2.AsyncClient(verify=tls, limits=limits)))


def from_environment(make: Callable[[ssl.SSLContext], T]) -> T:
    """Calls `make` with the certificate authorities that the environment names. Raises NotReady when it is wrong.

    httpx2 reads the proxies (HTTPS_PROXY and so on) from the environment itself.
    """
    tls = _trusted()
    try:
        return make(tls)
    except (ImportError, ValueError, httpx2.InvalidURL) as exc:  # what they say may hold the proxy's password
        raise NotReady("HTTP_PROXY, HTTPS_PROXY, ALL_PROXY: expected a URL like http://HOST:PORT") from exc


def _trusted() -> ssl.SSLContext:
    """The authorities of this machine, or those that SSL_CERT_FILE or SSL_CERT_DIR name. Raises NotReady."""
    try:
        return httpx2.create_ssl_context()
    except OSError as exc:  # an SSLError too
        place = os.environ.get("SSL_CERT_FILE") or "the certificates of this machine"
        reason = exc.strerror if isinstance(exc, FileNotFoundError | PermissionError) else "no certificate in PEM form"
        raise NotReady(f"SSL_CERT_FILE: {place}: cannot read the authorities to trust ({reason})") from exc
