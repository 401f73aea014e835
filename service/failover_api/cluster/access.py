"""How a cluster is reached, as values: where its API server is, and what is shown to it.

`kubeconfig` and `in_cluster` make them; `credentials` and `client` use them.
"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from failover_api.errors import ClusterUnavailable, NotReady
from failover_api.secret_file import read_secret

MAX_PEM_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pem:
    """Certificates or a key, as they are or in a file that is read when they are needed."""

    data: str = field(default="", repr=False)
    file: Path | None = None

    def read(self, what: str) -> str:
        """Raises ClusterUnavailable."""
        if self.file is None:
            return self.data
        try:
            return read_secret(self.file, what)
        except NotReady as exc:
            raise ClusterUnavailable(exc.detail) from exc


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server. Without `authorities` those of this machine are trusted; `server_name` is what TLS asks for."""

    url: str
    authorities: Pem | None = None
    is_verified: bool = True
    server_name: str = ""
    proxy: str | None = None
    uses_environment_proxy: bool = False

    @property
    def is_encrypted(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def may_see_token(self) -> bool:
        """Whether a token can be sent: in the clear only to this machine, and through no proxy."""
        return self.is_encrypted or (self.proxy is None and _is_loopback(urlsplit(self.url).hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A program that gives credentials. `environment` is added to ours; `hint` says where to get the program.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    command: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    api_version: str
    is_told_cluster: bool = False
    hint: str = ""
    config: object = None  # what the kubeconfig says to the program about this cluster


@dataclass(frozen=True, slots=True)
class Login:
    """What is shown to the API server: a token, a client certificate, what a program gives, or nothing."""

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    plugin: Plugin | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A cluster that can be asked. `what` says in words which one."""

    what: str
    endpoint: Endpoint
    login: Login
    namespace: str = "default"
