"""What comes after a pull request is open: labels, reviewers, auto-merge.

What fails here is a warning, not a failure of the failover.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence

from failover_api.core.catalog import Branch, PullRequestOptions, Service
from failover_api.errors import FailoverError, GitHubUnavailable, WriteUnknown
from failover_api.forge.port import Forge, PullRequest
from failover_api.outcome import Outcome

CALLS_TO_OPEN = 3  # branch, commit, pull request


def calls_of(options: PullRequestOptions) -> int:
    """How many writes a pull request takes."""
    asked = (options.labels, options.reviewers, options.team_reviewers, options.auto_merge)
    return CALLS_TO_OPEN + sum(map(bool, asked))


def options_of(services: Sequence[Service]) -> PullRequestOptions:
    """For one service its own. For a group everything that one asks for, but auto-merge only if all want it."""
    wanted = [service.pull_request for service in services]
    methods = {options.auto_merge for options in wanted}
    named = methods - {True, False}
    return PullRequestOptions(
        labels=tuple(dict.fromkeys(label for options in wanted for label in options.labels)),
        reviewers=tuple(dict.fromkeys(user for options in wanted for user in options.reviewers)),
        team_reviewers=tuple(dict.fromkeys(team for options in wanted for team in options.team_reviewers)),
        draft=any(options.draft for options in wanted),
        auto_merge=False if False in methods or len(named) > 1 else next(iter(named), True),
    )


async def finish(forge: Forge, base: Branch, options: PullRequestOptions, answer: Outcome) -> Outcome:
    """The answer with its warnings, and with what auto-merge has merged at once."""
    opened = answer.pull_request
    assert opened is not None, "it has been opened"
    pull: PullRequest = opened
    warnings = list(answer.warnings)
    if options.labels:
        await _attempt(warnings, "labels", lambda: forge.add_labels(base, pull.number, options.labels))
    # Apart: an App may ask a team only with a permission of the organisation, and its refusal is of the whole request.
    users, teams = options.reviewers, options.team_reviewers
    if users:
        await _attempt(warnings, "reviewers", lambda: forge.request_reviewers(base, pull.number, users, ()))
    if teams:
        await _attempt(warnings, "team reviewers", lambda: forge.request_reviewers(base, pull.number, (), teams))
    if options.auto_merge:
        method = None if options.auto_merge is True else options.auto_merge
        if await _attempt(
            warnings, "auto-merge", lambda: forge.enable_auto_merge(base, pull, method), repeatable=False
        ):
            opened = dataclasses.replace(pull, state="merged")
    return dataclasses.replace(answer, pull_request=opened, warnings=tuple(warnings))


async def _attempt(
    warnings: list[str], what: str, step: Callable[[], Awaitable[bool | None]], *, repeatable: bool = True
) -> bool:
    """Asks; once more after a passing fault, where asking twice does no harm."""
    try:
        return bool(await step())
    except (GitHubUnavailable, WriteUnknown) as exc:
        if repeatable:
            return await _attempt(warnings, what, step, repeatable=False)
        warnings.append(f"{what}: {exc.detail}")
    except FailoverError as exc:
        warnings.append(f"{what}: {exc.detail}")
    return False
