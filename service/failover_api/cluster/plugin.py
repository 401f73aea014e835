"""Runs a credential plugin, in bounded time, and reads what it prints.

https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.cluster.access import Endpoint, Plugin
from failover_api.cluster.fields import text, value_at
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.untrusted_json import parse_json
from failover_api.core.wording import cut
from failover_api.errors import ClusterFailure, ClusterUnauthenticated

TIMEOUT_S = 15.0
_MAX_BYTES = 1024 * 1024
_OUR_OWN = ("FAILOVER_", "GITHUB_", "GH_")  # secrets that are none of the program's business


@dataclass(frozen=True, slots=True)
class Identity:
    """What is shown to the API server. `expires_at` is in seconds since 1970; None: when it is refused."""

    token: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    expires_at: float | None = None


async def run_plugin(plugin: Plugin, endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S) -> Identity:
    """What the program gives. Its stderr is not kept: nobody knows what stands there. Raises ClusterFailure."""
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(plugin, endpoint),
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        hint = f": {cut(plugin.hint)}" if plugin.hint else ""
        raise _error(plugin, f"cannot be run ({getattr(exc, 'strerror', None) or 'not a command'}){hint}") from exc
    try:
        async with asyncio.timeout(timeout_s):
            printed = await _read(process, plugin)
            code = await process.wait()
    except TimeoutError as exc:
        raise _error(plugin, f"was not done within {timeout_s:g} s") from exc
    finally:
        await _end(process)
    if code != 0:
        raise _error(plugin, f"ended with exit code {code}: run it by hand to see why")
    return _identity(plugin, printed)


async def _read(process: asyncio.subprocess.Process, plugin: Plugin) -> bytes:
    assert process.stdout is not None
    printed = bytearray()
    while chunk := await process.stdout.read(65536):
        printed += chunk
        if len(printed) > _MAX_BYTES:
            raise _error(plugin, f"printed more than {_MAX_BYTES} bytes")
    return bytes(printed)


async def _end(process: asyncio.subprocess.Process) -> None:
    """The program with all that it has started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await process.communicate()  # wait() alone never ends while unread output holds its pipe back


def _environment(plugin: Plugin, endpoint: Endpoint) -> Mapping[str, str]:
    """Ours, without our own secrets."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OUR_OWN)}
    spec: dict[str, object] = {"interactive": False}
    if plugin.is_told_cluster:
        spec["cluster"] = {
            "server": endpoint.url,
            "insecure-skip-tls-verify": not endpoint.is_verified,
            "config": plugin.config,
        }
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    return {**own, **dict(plugin.environment), "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _identity(plugin: Plugin, printed: bytes) -> Identity:
    try:
        data = parse_json(printed)
    except ValueError as exc:
        raise _error(plugin, "printed no JSON") from exc
    if value_at(data, "kind") != "ExecCredential" or value_at(data, "apiVersion") != plugin.api_version:
        raise _error(plugin, f"printed no ExecCredential of {plugin.api_version}")
    status = value_at(data, "status")
    given = Identity(
        token=_text(status, "token"),
        certificate=_text(status, "clientCertificateData"),
        key=_text(status, "clientKeyData"),
        expires_at=_expiry(plugin, text(status, "expirationTimestamp")),
    )
    if given.token is None and (given.certificate is None or given.key is None):
        raise _error(plugin, "gave neither a token nor a certificate with its key")
    return given


def _text(status: object, key: str) -> str | None:
    value = value_at(status, key)
    return value if isinstance(value, str) and value else None


def _expiry(plugin: Plugin, said: str) -> float | None:
    if not said:
        return None
    expires_at = seconds_of(said)
    if expires_at is None:
        raise _error(plugin, "gave an expirationTimestamp that is no time")
    return expires_at


def _error(plugin: Plugin, what: str) -> ClusterFailure:
    return ClusterUnauthenticated(f"the credential plugin {cut(plugin.command)} {what}")
