"""The seam: every status and text of GitHub that is not a success, as one of our errors.

    refusal(reply)            what an HTTP reply means
    graphql_refusal(reply)    what the `errors` of a GraphQL reply mean
    lost(error, ...)          what it means that there is no reply

GitHub tells most causes apart only by the text of `message`; the texts stand in tables here and nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    FileNotFound,
    GitHubError,
    GitHubPermission,
    GitHubRateLimited,
    GitHubUnavailable,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)

# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SECONDARY_WAIT_S = 60.0
UNAVAILABLE_WAIT_S = 5.0
_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply. `headers` has lower-case names; `data` is the parsed JSON, None when there is none."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any

    @property
    def message(self) -> str:
        """GitHub's own text, on one line."""
        text = self.data.get("message") if isinstance(self.data, dict) else None
        return " ".join(str(text or "").split())[:_MAX_TEXT]


class FreshlyRefused(GitHubPermission):
    """401 or 403 that a token just minted may get for some seconds."""


class BadCredentials(GitHubPermission):
    """401: the token is not, or no longer, valid."""


_STALE = re.compile(
    r"does not match [0-9a-f]{7,64}|is at [0-9a-f]+ but expected|expected to be at [0-9a-f]+|"
    r"Expected branch to point to|Update is not a fast forward|Reference update failed"
)
_PROTECTED = re.compile(
    r"Repository rule violations found|Changes must be made through a pull request|protected branch|"
    r"approving review|required status check|Required status check|Protected branch",
)
_SECONDARY = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_PRIMARY = re.compile(r"rate limit exceeded", re.IGNORECASE)
_NOT_GRANTED = re.compile(r"permissions requested are not granted", re.IGNORECASE)


def refusal(reply: Reply, *, now: float, what: str, writing: bool) -> FailoverError:
    """The error for a reply of 300 and above. `now` is the wall clock (s); `what` says what was asked, for people."""
    limited = rate_limited(reply, now=now)
    if limited is not None:
        return limited
    text = f"{what}: GitHub answered {reply.status}" + (f" ({reply.message})" if reply.message else "")
    match reply.status:
        case 301 | 302 | 307 | 308:
            return RepositoryNotFound(f"{text}: the repository was renamed or moved; name its new place in the catalog")
        case 401:
            return BadCredentials(text)
        case 403:
            return _forbidden(reply, text)
        case 404:
            return FileNotFound(text)
        case 409:
            return _conflict(reply, text)
        case 422 if _NOT_GRANTED.search(reply.message):
            return GitHubPermission(f"{text}: the App's installation lacks a permission it needs")
        case 422 if _PROTECTED.search(reply.message):
            return _protected(text)
        case 422 if _STALE.search(reply.message) or '"sha" wasn\'t supplied' in reply.message:
            return WriteConflict(text)
        case status if status >= 500 or status == 408:
            return WriteUnknown(text) if writing else GitHubUnavailable(text, retry_after_s=UNAVAILABLE_WAIT_S)
        case _:
            return GitHubError(text)


def rate_limited(reply: Reply, *, now: float) -> GitHubRateLimited | None:
    """Whether, and how long, GitHub asks us to wait. `now` is the wall clock (s)."""
    if reply.status not in {403, 429}:
        return None
    wait_s = _seconds(reply.headers.get("retry-after"))
    if wait_s is None and reply.headers.get("x-ratelimit-remaining") == "0":
        reset = _seconds(reply.headers.get("x-ratelimit-reset"))
        wait_s = None if reset is None else max(1.0, reset - now)
    hinted = wait_s is not None
    texted = _SECONDARY.search(reply.message) or _PRIMARY.search(reply.message)
    if not (reply.status == 429 or hinted or texted):
        return None
    wait_s = SECONDARY_WAIT_S if wait_s is None else max(1.0, wait_s)
    which = "the secondary rate limit" if _SECONDARY.search(reply.message) else "the rate limit"
    return GitHubRateLimited(f"GitHub asks us to wait {wait_s:.0f} s ({which})", retry_after_s=wait_s)


def graphql_refusal(errors: Sequence[Mapping[str, Any]], *, what: str, writing: bool) -> FailoverError:
    """The error for a GraphQL reply with `errors`; the status is 200 all the same."""
    message = " ".join(str(errors[0].get("message", "")).split())[:_MAX_TEXT]
    kind = str(errors[0].get("type", ""))
    text = f"{what}: GitHub answered {kind or 'an error'} ({message})"
    if kind == "RATE_LIMITED" or _PRIMARY.search(message) or _SECONDARY.search(message):
        return GitHubRateLimited(
            f"GitHub asks us to wait {SECONDARY_WAIT_S:.0f} s ({message})", retry_after_s=SECONDARY_WAIT_S
        )
    if kind == "STALE_DATA" or _STALE.search(message):
        return WriteConflict(text)
    if _PROTECTED.search(message):
        return _protected(text)
    if kind == "FORBIDDEN" or "not accessible by" in message:
        return GitHubPermission(f"{text}: the credentials need the permission contents: write")
    if kind == "NOT_FOUND":
        return RepositoryNotFound(text)
    if "Something went wrong" in message or "timeout" in message.lower():
        return WriteUnknown(text) if writing else GitHubUnavailable(text, retry_after_s=UNAVAILABLE_WAIT_S)
    return GitHubError(text)


def lost(error: Exception, *, what: str, sent: bool, writing: bool) -> FailoverError:
    """No reply, or half of one. `sent` is False when the request surely never left."""
    text = f"{what}: no reply from GitHub ({type(error).__name__})"
    if writing and sent:
        return WriteUnknown(text)
    return GitHubUnavailable(text, retry_after_s=UNAVAILABLE_WAIT_S)


def _forbidden(reply: Reply, text: str) -> FailoverError:
    if _PROTECTED.search(reply.message):
        return _protected(text)
    needed = reply.headers.get("x-accepted-github-permissions", "").replace("=", ": ")
    hint = f": the credentials need the permission {needed}" if needed else ""
    if "suspended" in reply.message:
        hint = ": the App's installation is suspended"
    fresh = "not accessible by" in reply.message
    return (FreshlyRefused if fresh else GitHubPermission)(text + hint)


def _conflict(reply: Reply, text: str) -> FailoverError:
    if _STALE.search(reply.message):
        return WriteConflict(text)
    if _PROTECTED.search(reply.message):
        return _protected(text)
    if "repository is empty" in reply.message.lower():
        return RepositoryNotFound(text)
    return Conflict(text)


def _protected(text: str) -> BranchProtected:
    return BranchProtected(f"{text}; the service needs `policy: pull_request` (or `fallback: pull_request`)")


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
