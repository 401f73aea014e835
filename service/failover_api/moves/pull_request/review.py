"""What comes after a pull request is open: labels, reviewers, auto-merge.

    open         what is missing is asked for, whoever opened it and however often it is asked for
    a lost reply is read back from the pull request itself
    merged by us its branch is deleted, so that a request that comes late opens nothing from it

What fails here is a warning, not a failure of the failover.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Awaitable, Callable, Sequence

from failover_api.core.catalog.model import Branch, PullRequestOptions, Service
from failover_api.deadline import back_off
from failover_api.errors import (
    Conflict,
    FailoverError,
    ForgeError,
    ForgePermission,
    ForgeUnavailable,
    WriteUnknown,
)
from failover_api.forge.port import Forge
from failover_api.forge.values import PullRequest
from failover_api.moves.outcome import Outcome

CALLS_TO_OPEN = 3  # branch, commit, pull request
MERGE_ATTEMPTS = 4


def calls_of(options: PullRequestOptions) -> int:
    """How many writes a pull request takes."""
    wanted = (options.labels, options.reviewers, options.team_reviewers, options.auto_merge)
    return CALLS_TO_OPEN + sum(map(bool, wanted))


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


def missing_in(pull: PullRequest, options: PullRequestOptions) -> PullRequestOptions:
    """What of the options a pull request has not got, as far as it shows.

    One that was to be a draft and is none has either been made ready by a person, or there are no drafts: whoever
    wanted to look at it first is not passed by.
    """
    return dataclasses.replace(
        options,
        labels=_without(options.labels, pull.labels),
        reviewers=_without(options.reviewers, pull.reviewers),
        team_reviewers=_without(options.team_reviewers, pull.team_reviewers),
        auto_merge=False if pull.auto_merge or (options.draft and not pull.is_draft) else options.auto_merge,
    )


async def finish(
    forge: Forge, base: Branch, options: PullRequestOptions, answer: Outcome, *, is_new: bool, message: str = ""
) -> Outcome:
    """The answer with its warnings, and with what auto-merge has merged at once; `is_new`: nobody has reviewed it.

    `message` as in Finishing.
    """
    assert answer.pull_request is not None, "it has been opened"
    finishing = Finishing(forge, base, answer.pull_request, list(answer.warnings), message)
    await finishing.give(missing_in(answer.pull_request, options), is_new=is_new)
    return dataclasses.replace(
        answer,
        changed=answer.changed or finishing.has_merged,
        pull_request=finishing.pull,
        warnings=tuple(finishing.warnings),
    )


class Finishing:
    """Of one pull request. `has_merged`: it was merged, and by us.

    `message` is the one that its merge has to have as a whole; "": whatever the repository makes of it will do.
    """

    def __init__(self, forge: Forge, base: Branch, pull: PullRequest, warnings: list[str], message: str = "") -> None:
        self._forge, self._base = forge, base
        self._body = message.partition("\n")[2].strip("\n")
        self.pull, self.warnings, self.has_merged = pull, warnings, False

    async def give(self, missing: PullRequestOptions, *, is_new: bool) -> None:
        forge, base, number = self._forge, self._base, self.pull.number
        users, teams = missing.reviewers, missing.team_reviewers
        if missing.labels:
            await self._attempt("labels", lambda: forge.add_labels(base, number, missing.labels))
        if (users or teams) and not is_new:
            users, teams = await self._not_yet_heard(users, teams)
        # Apart: an App may ask a team only with a permission of the organisation, and its refusal is of the whole
        # request.
        await self._ask("reviewers", users, lambda names: forge.request_reviewers(base, number, names, ()))
        await self._ask("team reviewers", teams, lambda names: forge.request_reviewers(base, number, (), names))
        if missing.auto_merge:
            await self._let_merge(None if missing.auto_merge is True else missing.auto_merge)

    async def _not_yet_heard(
        self, users: tuple[str, ...], teams: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Without those who have reviewed it; a team is one of whose people nobody knows."""
        try:
            heard = await self._forge.reviewed_by(self._base, self.pull.number)
        except FailoverError as exc:
            self.warnings.append(f"reviewers: {exc.detail}")
            return (), ()
        return _without(users, heard), () if heard else teams

    async def _ask(self, what: str, names: Sequence[str], ask: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """All of them; one by one when they are refused, since GitHub refuses all for one that it does not know."""
        if not names:
            return
        try:
            await _twice(lambda: ask(names))
        except ForgeError as exc:
            if len(names) == 1 or isinstance(exc, ForgePermission):
                self.warnings.append(f"{what}: {exc.detail}")
                return
            for name in names:
                await self._attempt(f"{what}: {name}", functools.partial(ask, [name]))
        except FailoverError as exc:
            self.warnings.append(f"{what}: {exc.detail}")

    async def _attempt(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await _twice(step)
        except FailoverError as exc:
            self.warnings.append(f"{what}: {exc.detail}")

    async def _let_merge(self, method: str | None) -> None:
        """Until it is known to be merged, to wait for that, or not to be merged by itself."""
        is_lost = False
        for attempt in range(MERGE_ATTEMPTS):
            if attempt:
                await back_off(attempt)
            try:
                self.has_merged = await self._forge.enable_auto_merge(self._base, self.pull, method, message=self._body)
                break
            except FailoverError as exc:
                refusal = exc
            is_lost = is_lost or isinstance(refusal, WriteUnknown)
            if await self._is_settled(is_lost=is_lost):
                break
            if not isinstance(refusal, (Conflict, ForgeUnavailable, WriteUnknown)):
                await self._let_queue(refusal)
                break
        else:
            self.warnings.append(f"auto-merge: {refusal.detail}")
        if self.has_merged:
            self.pull = dataclasses.replace(self.pull, state="merged")
            await self._delete_branch()

    async def _is_settled(self, *, is_lost: bool) -> bool:
        """Looks at it: whether there is nothing left to try. `is_lost`: a merge of ours may have had no reply."""
        try:
            now = await self._forge.pull_request(self._base, self.pull.number)
        except FailoverError:
            return False
        if now.state == "merged":
            self.has_merged, self.pull = is_lost, dataclasses.replace(self.pull, state="merged")
        elif now.state == "closed":
            self.pull = dataclasses.replace(self.pull, state="closed")
            self.warnings.append("auto-merge: it was closed meanwhile")
        elif now.head != self.pull.head:
            self.warnings.append(f"auto-merge: commit {now.head[:12]} was pushed meanwhile, and is not ours to merge")
        return now.state != "open" or now.head != self.pull.head or now.auto_merge

    async def _let_queue(self, refusal: FailoverError) -> None:
        """Where auto-merge is not allowed there may be a queue all the same."""
        is_queued = False
        with contextlib.suppress(FailoverError):  # what refused auto-merge is what to tell
            is_queued = isinstance(refusal, ForgeError) and await self._forge.enqueue(self._base, self.pull)
        if not is_queued:
            self.warnings.append(f"auto-merge: {refusal.detail}")

    async def _delete_branch(self) -> None:
        """A request to open it that comes only now would open another, with nothing in it."""
        with contextlib.suppress(FailoverError):
            await self._forge.delete_branch(Branch(self._base.repository, self.pull.branch), self.pull.head)


async def _twice(step: Callable[[], Awaitable[None]]) -> None:
    """Asks; once more after a passing fault, since asking twice does no harm."""
    try:
        await step()
    except (ForgeUnavailable, WriteUnknown):
        await step()


def _without(wanted: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """Names are the same in any case, to GitHub."""
    known = {name.casefold() for name in there}
    return tuple(name for name in wanted if name.casefold() not in known)
