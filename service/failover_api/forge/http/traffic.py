"""Events of the traffic to the Git host, for metrics: requests completed, refused, retried; the quota.

A listener is called in the event loop and has to return at once. An exception of it is logged, and fails no request.
Events hold nothing secret: no URL, no body, no token.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from failover_api.errors import FailoverError
from failover_api.forge.http.reply import Reply
from failover_api.forge.http.transport import Request

OTHER = "other"
Resource = Literal["core", "graphql"]
_log = logging.getLogger(__name__)

# Which steps of a path name a kind of resource; the others name one of that kind.
_REST: Mapping[str, tuple[int, ...]] = {
    "branches": (0,),
    "commits": (0,),
    "compare": (0,),
    "contents": (0,),
    "git": (0, 1),
    "installation": (0,),
    "issues": (0, 2),
    "pulls": (0, 2),
    "rules": (0, 1),
}
# By the operation of queries.py: as GitHub's reference names a mutation, or what a query reads.
_GRAPHQL: Mapping[str, str] = {
    "CreateCommit": "createCommitOnBranch",
    "UpdateRefs": "updateRefs",
    "EnableAutoMerge": "enablePullRequestAutoMerge",
    "EnqueuePullRequest": "enqueuePullRequest",
    "IsQueued": "isInMergeQueue",
    "FileMode": "mode",
    "FilesAtRef": "files",
    "FilesAtHead": "files",
    "ModesAtHead": "modes",
    "Blobs": "blobs",
}
ENDPOINTS = frozenset(
    {
        *(
            "app",
            "app/installations",
            "app/installations/access_tokens",
            "repository",
            "branches",
            "commits",
            "compare",
            "contents",
        ),
        *("git/blobs", "git/commits", "git/refs", "git/trees", "installation", "rules/branches"),
        *("issues/comments", "issues/labels", "pulls", "pulls/merge", "pulls/requested_reviewers", "pulls/reviews"),
        *(f"graphql: {name}" for name in _GRAPHQL.values()),
        OTHER,
    }
)
_OPERATION = re.compile(r"(?:query|mutation) (\w+)")


@dataclass(frozen=True, slots=True)
class Quota:
    """GitHub's primary limit, as a reply states it. `reset_at` is by GitHub's wall clock (s)."""

    resource: Resource
    limit: int
    remaining: int
    reset_at: int


@dataclass(frozen=True, slots=True)
class RequestCompleted:
    """One request and its reply. `endpoint` is one of ENDPOINTS; `status` is None when there was no reply.

    `conditional`: it was sent with If-None-Match. `account` is whose quota it counts against: the owner of an
    installation, "app" (the App's own) or "token". `clock_offset_s` is how far our clock is ahead of GitHub's; None
    when it is not known.
    """

    method: str
    endpoint: str
    status: int | None
    duration_s: float
    account: str
    conditional: bool
    quota: Quota | None
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class WriteStarted:
    """A request that changes something is about to be sent."""


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A reply that is an error, and what it means."""

    endpoint: str
    error: FailoverError


@dataclass(frozen=True, slots=True)
class RequestRetried:
    """A request is sent once more: GitHub was not available, or did not accept the token."""

    reason: Literal["unavailable", "token"]


@dataclass(frozen=True, slots=True)
class CredentialsRejected:
    """The credentials do not suffice: NotReady when they cannot be read, else what GitHub says of them."""

    error: FailoverError


TrafficEvent = WriteStarted | RequestCompleted | RequestRefused | RequestRetried | CredentialsRejected
TrafficListener = Callable[[TrafficEvent], None]


def ignore_traffic(event: TrafficEvent) -> None:
    """A listener that does nothing."""


def notify(listener: TrafficListener, event: TrafficEvent) -> None:
    """Calls the listener, and logs its exception."""
    try:
        listener(event)
    except Exception:  # noqa: BLE001 - a listener's defect is not the request's
        _log.exception("a watcher failed")


def endpoint_of(request: Request) -> str:
    """Which of ENDPOINTS it is for: without any name, path or number."""
    endpoint = _graphql_of(request.json) if request.graphql else _rest_of(request.url.partition("?")[0])
    return endpoint if endpoint in ENDPOINTS else OTHER


def resource_of(request: Request) -> Resource:
    """Which of GitHub's primary limits it counts against."""
    return "graphql" if request.graphql else "core"


def request_completed(
    request: Request, reply: Reply | None, *, account: str, duration_s: float, clock_offset_s: float | None = None
) -> RequestCompleted:
    """The event of a request; `reply` is None when there was none."""
    status, quota = (None, None) if reply is None else (reply.status, _quota(request, reply))
    return RequestCompleted(
        method=request.method,
        endpoint=endpoint_of(request),
        status=status,
        duration_s=duration_s,
        account=account,
        conditional=request.etag is not None,
        quota=quota,
        clock_offset_s=clock_offset_s,
    )


def request_refused(request: Request, error: FailoverError) -> RequestRefused:
    """The event of a reply that is an error."""
    return RequestRefused(endpoint_of(request), error)


def _quota(request: Request, reply: Reply) -> Quota | None:
    """The quota that a reply states; None when it states none.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
    """
    limit, remaining, reset_at = (reply.headers.get(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    try:
        return Quota(resource_of(request), int(limit or ""), int(remaining or ""), int(reset_at or ""))
    except ValueError:
        return None


def _graphql_of(body: object) -> str:
    text = body.get("query") if isinstance(body, dict) else None
    operation = _OPERATION.match(text) if isinstance(text, str) else None
    return f"graphql: {_GRAPHQL.get(operation[1])}" if operation else OTHER


def _rest_of(path: str) -> str:
    """`/repos/OWNER/NAME/...`, or the App's own."""
    steps = path.strip("/").split("/")
    if steps[0] != "repos":
        return "/".join(step for step in steps if not step.isdecimal())
    below = steps[3:]
    if not below:
        return "repository"
    return "/".join(below[i] for i in _REST.get(below[0], ()) if i < len(below))
