"""What an answer of the API server means, when it is not what was asked for. The only place that looks at statuses.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from failover_api.cluster.fields import message, number, text
from failover_api.core.untrusted_json import parse_json
from failover_api.core.wording import cut
from failover_api.errors import (
    ClusterFailure,
    ClusterForbidden,
    ClusterInvalid,
    ClusterRejected,
    ClusterUnauthenticated,
    ClusterUnavailable,
    KindNotInstalled,
    ObjectChanged,
    ObjectMissing,
    VersionExpired,
)

MAX_WAIT_S = 60.0
_GONE = {"Expired", "Gone"}
_TAKEN = {"AlreadyExists", "Conflict"}  # of the answers with 409; admission may use that code for anything
_TOO_LARGE_VERSION = "Too large resource version"  # as after a restore of etcd: our version is of another history


def failure_of(status: int, headers: Mapping[str, str], body: bytes, what: str) -> ClusterFailure:
    """The error that a refusal means. `what` says what was asked, for people."""
    if 300 <= status < 400:
        to = cut(urlsplit(headers.get("location", "")).hostname or "elsewhere")
        return ClusterUnavailable(f"{what}: the server sends us to {to}, where nothing secret is sent: correct its URL")
    try:
        data = parse_json(body)
    except ValueError:
        data = None
    if status == 404 and text(data, "reason") == "NotFound" and text(data, "details", "name"):
        return ObjectMissing(f"{what}: {message(data, 'message') or 'it is not there'}")
    if status == 404 and not is_page(body):  # an unknown group is answered with a plain text
        return KindNotInstalled(f"{what}: the cluster does not know this kind")
    if text(data, "kind") != "Status":
        return not_kubernetes(status, body, what)
    return _of_status(status, data, what, headers)


def failure_in_watch(data: object, what: str) -> ClusterFailure:
    """The error that an ERROR of a watch means: it has the code that an answer would have had."""
    return _of_status(number(data, "code") or 0, data, what, {})


def _of_status(status: int, data: object, what: str, headers: Mapping[str, str]) -> ClusterFailure:
    reason, said = text(data, "reason"), message(data, "message")
    detail = f"{what}: {said or reason or f'status {status}'}"
    if status == 410 or reason in _GONE or _TOO_LARGE_VERSION in said:
        return VersionExpired(detail)
    match status:
        case 401:
            return ClusterUnauthenticated(f"{what}: the API server does not accept our credentials (401)")
        case 403:
            return ClusterForbidden(detail)
        case 409 if reason in _TAKEN:
            return ObjectChanged(detail)
        case 400:
            return ClusterRejected(detail)
        case 422:
            return ClusterInvalid(detail)
        case _:
            return ClusterUnavailable(detail, retry_after_s=_wait_s(headers, data))


def _wait_s(headers: Mapping[str, str], data: object) -> float | None:
    said = headers.get("retry-after", "")
    asked = int(said) if said.isdecimal() and len(said) < 9 else number(data, "details", "retryAfterSeconds")
    return None if asked is None else max(0.0, min(float(asked), MAX_WAIT_S))


def not_kubernetes(status: int, body: bytes, what: str) -> ClusterUnavailable:
    """For an answer that is none of the Kubernetes API."""
    form = "a page of HTML" if is_page(body) else "half an answer, or none of Kubernetes" if body else "nothing"
    return ClusterUnavailable(f"{what}: the server answered {form} (status {status}): is it an API server?")


def is_page(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"
