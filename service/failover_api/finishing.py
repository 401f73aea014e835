"""What comes after a pull request is open: labels, reviewers, auto-merge.

What fails here is a warning, not a failure of the failover.
"""

import dataclasses
from collections.abc import Awaitable

from failover_api.core.catalog import Branch, PullRequestOptions
from failover_api.errors import FailoverError
from failover_api.forge.port import Forge, PullRequest
from failover_api.outcome import Outcome

CALLS_TO_OPEN = 3  # branch, commit, pull request


def calls_of(options: PullRequestOptions) -> int:
    """How many writes a pull request takes."""
    reviewers = bool(options.reviewers or options.team_reviewers)
    return CALLS_TO_OPEN + bool(options.labels) + reviewers + bool(options.auto_merge)


async def finish(forge: Forge, base: Branch, options: PullRequestOptions, answer: Outcome) -> Outcome:
    """The answer with its warnings, and with what auto-merge has merged at once."""
    pull = answer.pull_request
    assert pull is not None, "it has been opened"
    warnings: list[str] = []
    if options.labels:
        await _attempt(warnings, "labels", forge.add_labels(base, pull.number, options.labels))
    if options.reviewers or options.team_reviewers:
        asking = forge.request_reviewers(base, pull.number, options.reviewers, options.team_reviewers)
        await _attempt(warnings, "reviewers", asking)
    if options.auto_merge:
        method = None if options.auto_merge is True else options.auto_merge
        merging = forge.enable_auto_merge(base, pull, method)
        if await _attempt(warnings, "auto-merge", merging):
            pull = dataclasses.replace(pull, state="merged")
    return dataclasses.replace(answer, pull_request=pull, warnings=tuple(warnings))


async def _attempt(warnings: list[str], what: str, step: Awaitable[PullRequest | bool | None]) -> bool:
    try:
        return bool(await step)
    except FailoverError as exc:
        warnings.append(f"{what}: {exc.detail}")
        return False
