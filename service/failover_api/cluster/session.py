"""Connections to an API server that show one certificate, or none; and whom they trust."""

import ssl
import tempfile
import time
from pathlib import Path

import httpx2

from failover_api.cluster.access import MAX_PEM_BYTES, Endpoint
from failover_api.cluster.plugin import Identity
from failover_api.errors import ClusterUnavailable

_IDLE_S = 30.0


class Session:
    """Connections that show one certificate, or none. Raises ClusterUnavailable."""

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        self._shown = (identity.certificate, identity.key)
        self.made_at = time.monotonic()
        try:
            self.http = httpx2.AsyncClient(
                verify=_tls(endpoint, identity),
                proxy=endpoint.proxy,
                trust_env=endpoint.uses_environment_proxy and endpoint.is_encrypted,  # a proxy would read the token
                limits=httpx2.Limits(max_connections=None, keepalive_expiry=_IDLE_S),
            )
        except (ImportError, ValueError, httpx2.InvalidURL) as exc:  # what they say may hold the proxy's password
            raise ClusterUnavailable("the proxy of the cluster: expected a URL like http://HOST:PORT") from exc

    def shows(self, identity: Identity) -> bool:
        """Whether it shows the certificate of this identity. A token is sent with each request by itself."""
        return self._shown == (identity.certificate, identity.key)


def _tls(endpoint: Endpoint, identity: Identity) -> ssl.SSLContext:
    """As Go trusts: many clusters' own authorities leave out what the strict mode of newer Pythons asks for."""
    authorities = endpoint.authorities.read("the cluster's authorities") if endpoint.authorities else None
    try:
        if authorities is not None and not authorities.strip():
            raise ValueError("empty: it would mean those of this machine")
        context = ssl.create_default_context(cadata=authorities)
    except (ssl.SSLError, ValueError) as exc:
        raise ClusterUnavailable("the cluster's certificate-authority holds no certificate in PEM form") from exc
    context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    if not endpoint.is_verified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if identity.certificate is not None and identity.key is not None:
        _show_certificate(context, identity.certificate, identity.key)
    return context


def _show_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python reads them from files only: these are ours alone, and gone at once."""
    if len(certificate) + len(key) > MAX_PEM_BYTES:
        raise ClusterUnavailable("the client certificate is too large")
    try:
        with tempfile.TemporaryDirectory(prefix="failover-") as folder:
            file = Path(folder) / "client.pem"
            file.touch(mode=0o600)
            file.write_text(f"{certificate}\n{key}\n", encoding="utf-8")
            context.load_cert_chain(file, password="")  # an encrypted key is refused, and not asked for
    except (OSError, ValueError) as exc:  # an SSLError too
        raise ClusterUnavailable("the client certificate and its key are not in PEM form, or no pair") from exc
