"""What is shown to the API server, and when it is read anew: each minute, when it expires, and when it is refused."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from failover_api.cluster.access import Endpoint, Login
from failover_api.cluster.plugin import Identity, run_plugin
from failover_api.core.config.secret_text import bare
from failover_api.errors import ClusterFailure, ClusterUnauthenticated, NotReady
from failover_api.secret_file import read_secret

REREAD_S = 60.0  # Kubernetes changes a pod's token long before it expires
_EARLY_S = 10.0  # before its expiry, a plugin is asked again
_FAILED_S = 5.0  # so long, a failed plugin is not run again


class Credentials:
    """The identity of a login. `now` is the wall clock by which a plugin's expiry is judged."""

    def __init__(self, login: Login, endpoint: Endpoint, *, now: Callable[[], float]) -> None:
        self._login, self._endpoint, self._now = login, endpoint, now
        self._known: Identity | None = None
        self._read_at = 0.0
        self._running: asyncio.Task[Identity] | None = None
        self._failure: tuple[float, ClusterFailure] | None = None

    async def current(self, refused: Identity | None = None) -> Identity:
        """The identity to show, other than one that was `refused`, if there is another. Raises ClusterFailure."""
        if self._known is None or self._known == refused or self._is_old(self._known):
            self._known = await (self._of_plugin() if self._login.plugin else asyncio.to_thread(self._of_files))
            self._read_at = time.monotonic()
        return self._known

    def _is_old(self, known: Identity) -> bool:
        if self._login.plugin is not None:
            return known.expires_at is not None and self._now() > known.expires_at - _EARLY_S
        return time.monotonic() - self._read_at > REREAD_S

    def _of_files(self) -> Identity:
        """A token file wins over a token, as in kubectl."""
        login = self._login
        token = login.token
        if login.token_file is not None:
            try:
                token = bare(read_secret(login.token_file, "the cluster's token"))
            except NotReady as exc:
                raise ClusterUnauthenticated(exc.detail) from exc
        if token is not None and not _is_word(token):
            raise ClusterUnauthenticated(f"{login.token_file or 'the kubeconfig'}: expected a token, one word of ASCII")
        certificate = login.certificate.read("the client certificate") if login.certificate else None
        return Identity(token, certificate, login.key.read("the client key") if login.key else None)

    async def _of_plugin(self) -> Identity:
        """All who ask meanwhile wait for the same run; one who stops waiting does not end it."""
        if self._failure is not None and time.monotonic() - self._failure[0] < _FAILED_S:
            raise self._failure[1]
        if self._running is None or self._running.done():
            assert self._login.plugin is not None
            self._running = asyncio.create_task(run_plugin(self._login.plugin, self._endpoint))
        try:
            given = await asyncio.shield(self._running)
        except ClusterFailure as exc:
            self._failure = (time.monotonic(), exc)
            raise
        own = self._of_files()  # a kubeconfig may have a certificate beside the plugin
        token = given.token if given.token is None or _is_word(given.token) else ""
        if token == "":
            raise ClusterUnauthenticated("the credential plugin gave a token that is not one word of ASCII")
        return Identity(token, given.certificate or own.certificate, given.key or own.key, given.expires_at)

    async def aclose(self) -> None:
        if self._running is not None and not self._running.done():
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError, ClusterFailure):
                await self._running


def _is_word(token: str) -> bool:
    return token.isascii() and token.isprintable() and bool(token) and " " not in token
