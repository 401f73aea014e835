"""GitHub's words for what the host refuses, and for faults that have none of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from failover_api.sandbox.github.answer import Refused, invalid

if TYPE_CHECKING:
    from failover_api.sandbox.hosting.faults import Fault
    from failover_api.sandbox.hosting.refusal import Reason, Refusal
    from failover_api.sandbox.hosting.repository import Rule

_INVALID_FIELD: dict[Reason, str] = {"unknown_head": "head", "unknown_base": "base", "unknown_state": "state"}
_INVALID: dict[Reason, str] = {
    "already_open": "A pull request already exists for {owner}:{head}.",
    "drafts_not_supported": "Draft pull requests are not supported in this repository.",
    "no_commits": "No commits between {base} and {head}",
}
_NOT_REOPENED: dict[Reason, str] = {
    "already_merged": "Merged pull requests cannot be reopened.",
    "branch_deleted": "The {branch} branch has been deleted.",
    "no_new_commits": "There are no new commits between {base} and {head}.",
    "head_rewritten": "The {head} branch was force-pushed or recreated.",
}
# https://github.com/pascalgn/automerge-action/issues/235
_MERGE_QUEUE_ONLY = "Changes must be made through the merge queue"
_NOT_MERGED: dict[Reason, str] = {
    "still_a_draft": "Pull Request is still a draft",
    "not_mergeable": "Pull Request is not mergeable",
    "not_rebasable": "This branch can't be rebased",
    "merge_queue_only": _MERGE_QUEUE_ONLY,
    "base_moved": "Base branch was modified. Review and try the merge again.",
}
_METHODS = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
_MERGE_URL = "https://docs.github.com/rest/pulls/pulls#merge-a-pull-request"

_PRIMARY_TEXT = (
    "API rate limit exceeded for {who}. If you reach out to GitHub Support for help, "
    "please include the request ID {{request_id}}."
)
_PRIMARY_URL = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
_SECONDARY_TEXT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID {request_id}."
)
_SECONDARY_URL = f"{_PRIMARY_URL}#about-secondary-rate-limits"


def refused(refusal: Refusal) -> Refused:
    """Status and text of a refusal."""
    reason, facts = refusal.reason, refusal.facts
    if field := _INVALID_FIELD.get(reason):
        return invalid("PullRequest", field=field, code="invalid")
    if text := _INVALID.get(reason):
        return invalid("PullRequest", message=text.format(**facts))
    if text := _NOT_REOPENED.get(reason):
        message = f"state cannot be changed. {text.format(**facts)}"
        return invalid("PullRequest", field="state", code="invalid", message=message)
    match reason:
        case "requests_exhausted":
            return Refused(403, _PRIMARY_TEXT.format(**facts), url=_PRIMARY_URL)
        case "writes_exhausted":
            headers = {"Retry-After": str(math.ceil(facts["wait_s"]))}
            return Refused(403, _SECONDARY_TEXT, url=_SECONDARY_URL, headers=headers)
        case "method_not_allowed":
            text = f"{_METHODS[facts['method']]} are not allowed on this repository."
        case "rule_unmet":
            rule, pull = facts["rule"], facts["pull"]
            missing = _missing(rule, pull.passed_checks, len(pull.approvals))
            text = _by_ruleset(missing) if rule.kind == "ruleset" else missing
        case _:
            text = _NOT_MERGED[reason]
    return Refused(405, text, url=_MERGE_URL)


def violation(rule: Rule) -> str:
    """Why a direct write to a branch with this rule is refused."""
    if rule.queue:
        return _by_ruleset(_MERGE_QUEUE_ONLY)
    by_pull_request = "Changes must be made through a pull request."
    return _by_ruleset(by_pull_request) if rule.kind == "ruleset" else _missing(rule, set(), 0) or by_pull_request


def of_fault(fault: Fault, now: float) -> Refused:
    """`now` in seconds since the epoch."""
    match fault.kind:
        case "rate_limit_primary":
            reset = str(int(now + fault.seconds))
            headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000"}
            headers |= {"X-RateLimit-Reset": reset, "X-RateLimit-Resource": "core"}
            text = _PRIMARY_TEXT.format(who="installation ID 2001")
            return Refused(fault.status or 403, text, url=_PRIMARY_URL, headers=headers)
        case "rate_limit_secondary":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            headers |= {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Resource": "core"}
            return Refused(fault.status or 403, _SECONDARY_TEXT, url=_SECONDARY_URL, headers=headers)
        case "token_not_ready":
            return Refused(fault.status or 401, "Bad credentials")
    return Refused(fault.status or 500, "Server Error", headers=fault.headers)


def _by_ruleset(text: str) -> str:
    return f"Repository rule violations found\n\n{text}\n\n"


def _missing(rule: Rule, passed: set[str], approvals: int) -> str:
    """What a pull request still waits for; empty when it may be merged."""
    if approvals < rule.approvals:
        reviews = "review is" if rule.approvals == 1 else "reviews are"
        return f"At least {rule.approvals} approving {reviews} required by reviewers with write access."
    waiting = [check for check in rule.checks if check not in passed]
    if len(waiting) == 1:
        return f'Required status check "{waiting[0]}" is expected.'
    return f"{len(waiting)} of {len(rule.checks)} required status checks are expected." if waiting else ""
