"""GitHub's error replies as our errors: every status and text that is not a success is mapped here.

    refusal(reply)            an HTTP reply of 300 and above
    graphql_refusal(reply)    the `errors` of a GraphQL reply, whose status is 200 all the same

A missing reply is mapped in http/transport. GitHub distinguishes most causes only by the text of `message`: those texts
are in tables here, and in `rules`.
"""

import re
from collections.abc import Mapping
from typing import Any

from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.rules import parse_violations
from failover_api.forge.http.reply import Reply, message_text
from failover_api.forge.http.transport import UNAVAILABLE_WAIT_S

# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SECONDARY_WAIT_S = 60.0
LONGEST_WAIT_S = 3600.0  # GitHub counts by the hour


class TokenNotActiveYet(ForgePermission):
    """403 (or a 401 of a new token): GitHub's machines may take some seconds to know a token that was just minted."""


class BadCredentials(ForgePermission):
    """401: the token is not, or no longer, valid."""


class UnsupportedQuery(ForgeError):
    """GraphQL refused the query itself: this GitHub (an old Enterprise Server) does not know a field of it."""


class AlreadyMergeable(ForgeError):
    """Auto-merge is refused because the pull request can be merged at once."""


class MergeQueueRequired(ForgeError):
    """Only a merge queue may merge into the branch."""


# A lost race: what should be replaced has changed or is gone, or what should be created exists.
_LOST_RACE = re.compile(
    r"does not match [0-9a-f]{7,64}|is at [0-9a-f]+ but expected|expected to be at [0-9a-f]+|"
    r"Expected branch to point to|Update is not a fast forward|Reference update failed|Reference does not exist|"
    r"Reference already exists|A pull request already exists|No commits between|PullRequest head invalid|"
    r"Base branch was modified"
)
_MERGE_QUEUE = re.compile(r"merge queue", re.IGNORECASE)
_NO_DRAFTS = re.compile(r"Draft pull requests are not supported", re.IGNORECASE)
_CLEAN = re.compile(r"in clean status")
_SECONDARY = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_PRIMARY = re.compile(r"rate limit (already )?exceeded", re.IGNORECASE)
_SURELY_REFUSED = {"UNPROCESSABLE", "BRANCH_PROTECTION_RULE_VIOLATION", "INSUFFICIENT_SCOPES"}
# Both are seen; the documentation names neither. https://github.com/yanyongyu/githubkit/issues/271
_LIMITED_KINDS = {"RATE_LIMIT", "RATE_LIMITED"}
_OF_TIME = re.compile(r"'(Issued at|Expiration time)' claim")
_NOT_GRANTED = re.compile(
    r"permissions requested are not granted|not accessible to the parent installation", re.IGNORECASE
)


def refusal(reply: Reply, *, now: float, what: str, writing: bool) -> FailoverError:
    """The error for a reply of 300 and above. `now` is GitHub's wall clock (s); `what` names the request in words."""
    limited = rate_limited(reply, now=now)
    if limited is not None:
        return limited
    if reply.wrong_host is not None:
        return ForgeError(f"{what}: {reply.wrong_host}")
    text = f"{what}: GitHub answered {reply.status}" + (f" ({reply.message})" if reply.message else "")
    match reply.status:
        case 301 | 302 | 307 | 308:
            return RepositoryNotFound(f"{text}: the repository was renamed or moved; name its new place in the catalog")
        case 401:
            clock = ": is the clock of this machine right?" if _OF_TIME.search(reply.message) else ""
            return BadCredentials(text + clock)
        case 403:
            return _forbidden(reply, text)
        case 404:
            return FileNotFound(text)
        case 405 if _MERGE_QUEUE.search(reply.message):
            return MergeQueueRequired(text)
        case 405 if _LOST_RACE.search(reply.message):
            return WriteConflict(text)
        case 409:
            return _conflict(reply, text)
        case 422 if _NOT_GRANTED.search(reply.message):
            return ForgePermission(f"{text}: the App's installation lacks a permission or the repository")
        case 422 if (rule_error := _rule_error(reply.full_message, text)) is not None:
            return rule_error
        case 422 if _LOST_RACE.search(reply.message) or '"sha" wasn\'t supplied' in reply.message:
            return WriteConflict(text)
        case status if status >= 500 or status == 408:
            return WriteUnknown(text) if writing else _unavailable(text, reply)
        case _:
            return ForgeError(text)


def is_draft_refused(error: ForgeError) -> bool:
    """Whether a pull request was refused for being a draft."""
    return _NO_DRAFTS.search(error.detail) is not None


def rate_limited(reply: Reply, *, now: float) -> ForgeRateLimited | None:
    """The error for a rate limit, with how long to wait; None for other replies. `now` is GitHub's wall clock (s)."""
    if reply.status not in {403, 429}:
        return None
    used_up = reply.headers.get("x-ratelimit-remaining") == "0"
    wait_s = _wait_s(reply, now=now, used_up=used_up)
    texted = _SECONDARY.search(reply.message) or _PRIMARY.search(reply.message)
    if reply.status == 403 and wait_s is None and not texted:
        return None
    primary = used_up or _PRIMARY.search(reply.message)  # in doubt it is the secondary one, which stops everything
    return _limited(wait_s, secondary=bool(_SECONDARY.search(reply.message)) or not primary)


def graphql_refusal(reply: Reply, *, now: float, what: str, writing: bool, pulls: bool = False) -> FailoverError:
    """The error for a GraphQL reply with `errors`, by the first of them. `now` is GitHub's wall clock (s)."""
    first = reply.errors[0] if isinstance(reply.errors[0], dict) else {}
    message, kind = message_text(first), first.get("type")
    kind = kind if isinstance(kind, str) else ""
    text = f"{what}: GitHub answered {kind or 'an error'} ({message})"
    data = reply.data.get("data")
    if writing and isinstance(data, dict) and any(data.values()):  # carried out, and an error came after that
        return WriteUnknown(text)
    secondary = bool(_SECONDARY.search(message))
    if kind in _LIMITED_KINDS or _PRIMARY.search(message) or secondary:
        return _limited(_wait_s(reply, now=now, used_up=not secondary), secondary=secondary)
    if kind == "STALE_DATA" or _LOST_RACE.search(message):
        return WriteConflict(text)
    if _CLEAN.search(message):
        return AlreadyMergeable(text)
    if pulls and _MERGE_QUEUE.search(message):
        return MergeQueueRequired(text)
    rule_error = _rule_error(str(first.get("message") or ""), text)
    if rule_error is not None:
        return rule_error
    if kind == "FORBIDDEN" or "not accessible by" in message:
        needed = f"{'pull_requests' if pulls else 'contents'}: {'write' if writing else 'read'}"
        return TokenNotActiveYet(f"{text}: the credentials need the permission {needed}")
    if kind == "NOT_FOUND":
        return RepositoryNotFound(text)
    if "Something went wrong" in message or "timeout" in message.lower():
        return WriteUnknown(text) if writing else _unavailable(text, reply)
    if _never_ran(reply, first):
        return UnsupportedQuery(text)
    return WriteUnknown(text) if writing and kind not in _SURELY_REFUSED else ForgeError(text)


def _never_ran(reply: Reply, first: Mapping[str, Any]) -> bool:
    """Whether the query was refused before it ran. https://spec.graphql.org/October2021/#sec-Data

    The error of a mutation that ran may have `locations` too, but then the reply has `data`, if only null.
    """
    return "locations" in first and "data" not in reply.data


def is_permission_missing(error: ForgePermission) -> bool:
    """Whether a token was refused because the installation has not granted a permission."""
    return "permissions requested are not granted" in error.detail


def _unavailable(text: str, reply: Reply) -> ForgeUnavailable:
    return ForgeUnavailable(text, retry_after_s=_seconds(reply, "retry-after") or UNAVAILABLE_WAIT_S)


def _limited(wait_s: float | None, *, secondary: bool) -> ForgeRateLimited:
    wait_s = SECONDARY_WAIT_S if wait_s is None else min(LONGEST_WAIT_S, max(1.0, wait_s))
    which = "the secondary rate limit" if secondary else "the rate limit"
    text = f"GitHub asks us to wait {wait_s:.0f} s ({which})"
    return ForgeRateLimited(text, retry_after_s=wait_s, secondary=secondary)


def _wait_s(reply: Reply, *, now: float, used_up: bool) -> float | None:
    """How long the headers ask us to wait. `used_up`: the primary limit is used up, so its reset counts."""
    wait_s = _seconds(reply, "retry-after")
    reset = _seconds(reply, "x-ratelimit-reset")
    if wait_s is None and used_up and reset is not None:
        return reset - reply.sent_at(otherwise=now)
    return wait_s


def _forbidden(reply: Reply, text: str) -> FailoverError:
    rule_error = _rule_error(reply.full_message, text)
    if rule_error is not None:
        return rule_error
    needed = reply.headers.get("x-accepted-github-permissions", "").replace("=", ": ")
    hint = f": the credentials need the permission {needed}" if needed else ""
    if "suspended" in reply.message:
        hint = ": the App's installation is suspended"
    fresh = "not accessible by" in reply.message
    return (TokenNotActiveYet if fresh else ForgePermission)(text + hint)


def _conflict(reply: Reply, text: str) -> FailoverError:
    if _LOST_RACE.search(reply.message):
        return WriteConflict(text)
    rule_error = _rule_error(reply.full_message, text)
    if isinstance(rule_error, ForgePermission) and reply.message.startswith("Could not update file"):
        return Conflict(rule_error.detail)  # classic protection's way to say it
    if rule_error is not None:
        return rule_error
    if "repository is empty" in reply.message.lower():
        return RepositoryNotFound(text)
    return Conflict(text)


def _rule_error(message: str, text: str) -> FailoverError | None:
    """The error when rules of the branch refused a write. BranchProtected: a pull request would comply with them."""
    violations = parse_violations(message)
    if violations is None:
        return None
    if violations.needs_pull_request:
        advice = "the service needs `policy: pull_request` (or `fallback: pull_request`)"
        return BranchProtected(f"{text}; {advice}", said=text)
    return ForgePermission(f"{text}; no pull request gets around that: {violations.advice}")


def _seconds(reply: Reply, header: str) -> float | None:
    text = reply.headers.get(header, "")
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else None
