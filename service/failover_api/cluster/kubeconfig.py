"""A kubeconfig file: which cluster a context means, and what is shown to it.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/

What we cannot do is refused by name, and never left out silently: whoever is impersonated, for example, may see less.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from failover_api.cluster.access import Access, Endpoint, Login, Pem, Plugin
from failover_api.core.config.yaml import AmbiguousScalar, read_config
from failover_api.errors import ClusterUnavailable, ConfigInvalid, NotReady
from failover_api.secret_file import read_secret

EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_UNSUPPORTED = ("as", "as-uid", "as-groups", "as-user-extra", "auth-provider", "username", "password")


def kubeconfig_access(file: Path, context: str | None = None) -> Access:
    """What `context`, or the current one, says. Raises ClusterUnavailable."""
    try:
        data = read_config(read_secret(file, "the kubeconfig"), file=str(file)).data
    except (NotReady, ConfigInvalid) as exc:
        raise ClusterUnavailable(exc.detail) from exc
    return _Reader(file, data).access(context)


class _Reader:
    def __init__(self, file: Path, data: object) -> None:
        self._file, self._data = file, data

    def access(self, context: str | None) -> Access:
        name = context or self._text(self._data, "current-context")
        if not name:
            raise self._error("has no current-context: set FAILOVER_CLUSTER_CONTEXT")
        chosen = self._named("contexts", "context", name)
        cluster = self._named("clusters", "cluster", self._text(chosen, "cluster"))
        endpoint = self._endpoint(cluster)
        user_name = self._text(chosen, "user")
        user = self._named("users", "user", user_name) if user_name else {}
        return Access(
            what=f"context {name} of {self._file}",
            endpoint=endpoint,
            login=self._login(user, cluster),
            namespace=self._text(chosen, "namespace") or "default",
        )

    def _named(self, of: str, key: str, name: str) -> Mapping[str, Any]:
        entries = self._data.get(of) if isinstance(self._data, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and _plain(entry.get("name")) == name:
                found = entry.get(key)
                return found if isinstance(found, dict) else {}
        raise self._error(f"has no {key} {name!r}")

    def _endpoint(self, cluster: Mapping[str, Any]) -> Endpoint:
        url = self._text(cluster, "server").rstrip("/")
        parts = _split(url)
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise self._error("names no server like https://HOST:6443")
        proxy = self._text(cluster, "proxy-url") or None
        is_verified = cluster.get("insecure-skip-tls-verify") is not True
        return Endpoint(
            url=url,
            authorities=self._pem(cluster, "certificate-authority") if is_verified else None,
            is_verified=is_verified,
            server_name=self._text(cluster, "tls-server-name"),
            proxy=proxy,
            uses_environment_proxy=proxy is None,
        )

    def _login(self, user: Mapping[str, Any], cluster: Mapping[str, Any]) -> Login:
        if unsupported := [key for key in _UNSUPPORTED if user.get(key)]:
            raise self._error(
                f"has {', '.join(unsupported)}, which is not supported: use a token, a certificate or exec"
            )
        token_file = self._text(user, "tokenFile")
        return Login(
            token=self._text(user, "token") or None,
            token_file=self._path(token_file) if token_file else None,
            certificate=self._pem(user, "client-certificate"),
            key=self._pem(user, "client-key"),
            plugin=self._plugin(user["exec"], cluster) if isinstance(user.get("exec"), dict) else None,
        )

    def _plugin(self, given: Mapping[str, Any], cluster: Mapping[str, Any]) -> Plugin:
        command, version = self._text(given, "command"), self._text(given, "apiVersion")
        if version not in EXEC_VERSIONS:
            raise self._error(f"has exec of {version or 'no apiVersion'}, expected {' or '.join(EXEC_VERSIONS)}")
        if not command:
            raise self._error("has exec without a command")
        if self._text(given, "interactiveMode") == "Always":
            raise self._error(f"has exec with {command}, which asks at a terminal: nobody is there to answer")
        arguments, variables = given.get("args"), given.get("env")
        return Plugin(
            command=str(self._path(command)) if "/" in command else command,
            arguments=tuple(map(_plain, arguments)) if isinstance(arguments, list) else (),
            environment=tuple(
                (self._text(each, "name"), self._text(each, "value"))
                for each in (variables if isinstance(variables, list) else [])
                if isinstance(each, dict) and self._text(each, "name")
            ),
            api_version=version,
            is_told_cluster=given.get("provideClusterInfo") is True,
            hint=self._text(given, "installHint"),
            config=_exec_config(cluster),
        )

    def _pem(self, entry: Mapping[str, Any], key: str) -> Pem | None:
        """The data itself wins over a file, as in kubectl."""
        if data := self._text(entry, f"{key}-data"):
            try:
                return Pem(data=base64.b64decode(data, validate=True).decode("ascii"))
            except (binascii.Error, UnicodeDecodeError):
                raise self._error(f"has {key}-data that is not PEM in base64") from None
        file = self._text(entry, key)
        return Pem(file=self._path(file)) if file else None

    def _path(self, name: str) -> Path:
        """Relative to the kubeconfig."""
        return self._file.parent / Path(name).expanduser() if name.startswith("~") else self._file.parent / name

    def _text(self, entry: object, key: str) -> str:
        return _plain(entry.get(key)) if isinstance(entry, dict) else ""

    def _error(self, detail: str) -> ClusterUnavailable:
        return ClusterUnavailable(f"{self._file}: {detail}")


def _plain(value: object) -> str:
    """Text, also where it looks like a number or a date to some readers of YAML."""
    match value:
        case str():
            return value.strip()
        case AmbiguousScalar():
            return value.text
        case bool() | None:
            return ""
        case int() | float():
            return str(value)
        case _:
            return ""


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _exec_config(cluster: Mapping[str, Any]) -> object:
    """https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#client-authentication-k8s-io-v1-Cluster"""
    extensions = cluster.get("extensions")
    for each in extensions if isinstance(extensions, list) else []:
        if isinstance(each, dict) and _plain(each.get("name")) == "client.authentication.k8s.io/exec":
            return each.get("extension")
    return None
