"""The settings of the process: FAILOVER_* variables of the environment. Nothing is read at import."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from failover_api.core.config.secret_text import bare
from failover_api.errors import NotReady

PREFIX = "FAILOVER_"
GITHUB_API = "https://api.github.com"
MAX_SUB_PATH = 200  # characters
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUB_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
# The first segments of our own paths.
OWN_SEGMENTS = frozenset({
    "api", "automatic", "cards", "docs", "groups", "healthz", "hooks", "metrics", "nodes", "openapi.json",
    "operations", "readyz", "schema", "services", "signin", "signout", "static", "version",
})  # fmt: skip
SERVER_LIKE = "a URL like https://failover.example.org"


def base_url(value: str) -> str:
    """A URL to which paths can be added, without a password, query or fragment. Raises ValueError."""
    parts = urlsplit(value)
    is_base = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    if not is_base or parts.username is not None or parts.query or parts.fragment or not value.isprintable():
        raise ValueError("not the base of an API")
    if " " in value or "\\" in value:
        raise ValueError("not a URL")
    return value.rstrip("/")


def server_url(value: str) -> str:
    """As base_url(); a scheme may be left out. Then it is https, but for names that no public host can have.

    So a token never goes to another machine in the clear unless somebody wrote `http://`. Raises ValueError.
    """
    if "://" in value:
        return base_url(value)
    host = (urlsplit(f"//{value}").hostname or "").rstrip(".")
    return base_url(f"{'http' if _is_local(host) else 'https'}://{value}")


def sub_path(value: str) -> str:
    """A path of plain segments, "" for the root itself. Raises ValueError.

    It begins every link and redirect: nothing is in it that could be taken for a host, or for the end of a header.
    """
    path = value.removesuffix("/")
    if not _SUB_PATH.fullmatch(path) or len(path) > MAX_SUB_PATH or {".", ".."} & set(path.split("/")):
        raise ValueError("not a path")
    return path


def root_path(value: str) -> str:
    """As sub_path(); none that begins as a path of ours does. Raises ValueError.

    With a proxy that takes it off, /api/x could be that path or one of ours.
    """
    path = sub_path(value)
    if path and path.split("/")[1] in OWN_SEGMENTS:
        raise ValueError("begins like a path of ours")
    return path


def namespace(value: str) -> str:
    """The name of a namespace. Raises ValueError."""
    if not _NAMESPACE.fullmatch(value):
        raise ValueError("not a label of DNS")
    return value


def _is_local(host: str) -> bool:
    """Loopback, or a name of this machine or cluster: a single label, `.svc`, `.local`, `.localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return "." not in host or host.endswith((".svc", ".local", ".localhost"))


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Url = Annotated[str, AfterValidator(base_url)]
_RootPath = Annotated[str, AfterValidator(root_path)]
_Server = Annotated[str, AfterValidator(server_url)]
_Namespace = Annotated[str, AfterValidator(namespace)]


class Settings(BaseModel):
    """FAILOVER_* variables, one field each. A variable set to nothing counts as unset.

    `description` is what an error says was expected; the value itself is never shown. docs/SETTINGS.md is made of the
    sentences below the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    config: Path = Path("config/services.yaml")
    """The catalog: what can move."""
    access: Path = Path("config/access.yaml")
    """Who may call."""
    github_url: _Url = Field(default=GITHUB_API, description=f"a URL like {GITHUB_API} or https://HOST/api/v3")
    """GitHub's API; of a GitHub Enterprise Server `https://HOST/api/v3`."""
    github_app_id: str | None = None
    """The App's id, or its client id."""
    github_installation_id: int | None = Field(default=None, gt=0, description="a number above 0")
    """The App's installation; without it, it is found from the repository."""
    github_private_key_file: Path | None = None
    """The App's key, PEM; also in base64, in quotes or with `\\n` for line ends. Read again when it changes."""
    github_token: SecretStr | None = None
    """A token that may write contents, instead of an App."""
    github_token_file: Path | None = None
    """The same, in a file that is read again when it changes."""
    github_share: float = Field(default=1.0, gt=0, le=1, description="a number above 0 and at most 1")
    """This process's share of what GitHub lets an installation write. Without it the command line and the action
    take 0.2; `manifests/base` sets 0.4 for each of two replicas.
    """
    deadline_s: float = Field(default=30.0, gt=0, le=3600, description="seconds, above 0 and at most 3600")
    """How long one whole operation may take."""
    receive_timeout_s: float = Field(default=10.0, gt=0, le=3600, description="seconds, above 0 and at most 3600")
    """Within what time a request must have arrived."""
    concurrency: int = Field(default=2000, gt=0, description="a number above 0")
    """How many requests are answered at once: so many that look, and so many that move."""
    log_format: Annotated[Literal["json", "text"], BeforeValidator(_lower)] = Field(
        default="json", description="json or text"
    )
    """How logs are written."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="debug, info, warning or error"
    )
    """From what level on they are written."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535, description="a port, 1 to 65535")
    """A port of its own for `/metrics`; without it they are on the API's port, for callers who may view."""
    webhook_secret_file: Path | None = None
    """The secret of GitHub's webhook, in a file; without it there is no webhook."""
    flux_events_secret_file: Path | None = None
    """The secret that signs Flux's notifications (`/hooks/flux`), in a file; without it there is no such hook."""
    root_path: _RootPath = Field(
        default="",
        description="a path like /failover, and not below one of our own (/api, /docs, /services ...)",
    )
    """The path below which a proxy shows us, such as `/failover`; the proxy may take it off or leave it. It begins
    with none of our own paths, such as `/api` or `/docs`.
    """
    cluster: str = "auto"
    """The cluster to look at: a kubeconfig file, none, or auto: a pod's `serve` looks at its own, all else at none."""
    cluster_context: str | None = None
    """The context of that kubeconfig; without it the current one."""
    cluster_timeout_s: float = Field(default=2.0, gt=0, le=60, description="seconds, above 0 and at most 60")
    """For one look at the cluster; nothing waits longer for it."""
    lease_namespace: _Namespace | None = Field(default=None, description="the name of a namespace")
    """Where the Lease is by which one of the replicas leads (automatic failover). Without it: the pod's own namespace,
    or that of the kubeconfig's context.
    """
    server: _Server | None = Field(default=None, description=SERVER_LIKE)
    """Command line: call this service."""
    token: SecretStr | None = None
    """Command line: with this token."""

    @field_validator("*", mode="before")
    @classmethod
    def _bare(cls, value: object, info: ValidationInfo) -> object:
        """Without the line ends and quotes that a file or a shell adds. If nothing is left, it counts as unset."""
        if not isinstance(value, str) or info.field_name is None:
            return value
        return bare(value) or cls.model_fields[info.field_name].default

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings of this process. Raises NotReady naming each variable that is wrong."""
        given = {name.upper(): value for name, value in environ.items() if value}
        variables = {field: f"{PREFIX}{field.upper()}" for field in cls.model_fields}
        try:
            settings = cls.model_validate({field: given[name] for field, name in variables.items() if name in given})
        except ValidationError as exc:
            names = dict.fromkeys(str(error["loc"][0]) for error in exc.errors())
            raise NotReady("; ".join(map(cls._say, names))) from exc
        if (settings.github_app_id is None) != (settings.github_private_key_file is None):
            raise NotReady("a GitHub App needs both FAILOVER_GITHUB_APP_ID and FAILOVER_GITHUB_PRIVATE_KEY_FILE")
        return settings

    def with_share(self, share: float) -> Self:
        """The settings with this share of GitHub's limits, unless the environment sets another."""
        return self if "github_share" in self.model_fields_set else self.model_copy(update={"github_share": share})

    @property
    def credentials_used(self) -> tuple[str, tuple[str, ...]]:
        """The variable of the credentials that are used, and those that are set but not used: an App has priority."""
        given = {
            "FAILOVER_GITHUB_APP_ID": self.github_app_id,
            "FAILOVER_GITHUB_TOKEN_FILE": self.github_token_file,
            "FAILOVER_GITHUB_TOKEN": self.github_token,
        }
        used, *unused = [name for name, value in given.items() if value is not None] or [""]
        return used, tuple(unused)

    @classmethod
    def _say(cls, name: str) -> str:
        return f"{PREFIX}{name.upper()}: expected {cls.model_fields[name].description}"
