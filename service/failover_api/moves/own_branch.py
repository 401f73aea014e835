"""The branch of a pull request of ours, and our commit on it.

A branch that is there already may be of an earlier call that was left half done, of a pull request that was closed or
merged, or a person's. The first is gone on from, the second made anew, the third left alone.
"""

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator

from failover_api.core.message import Asked, asked_of, commit_message, headline_of
from failover_api.core.proposal import pull_request_text
from failover_api.core.trailers import Record, read_records
from failover_api.errors import BranchProtected, CannotPlan, GitHubPermission, OperationPending, WriteConflict
from failover_api.forge.port import Commit, Forge, PullRequest, has_no_room
from failover_api.moves.task import Task
from failover_api.moves.tip import Base, Tip, Tips
from failover_api.observation import snapshot_of

_LINK = re.compile(r"/blob/([0-9a-f]{40}|[0-9a-f]{64})/")


class OwnBranch:
    """The branch of one task's pull request."""

    def __init__(self, task: Task, *, forge: Forge, tips: Tips, not_before: float) -> None:
        self._task, self._forge, self._tips, self._not_before = task, forge, tips, not_before
        self.branch = task.head_branch
        self.has_replaced = False  # another wish was on it, whose call may open ours yet
        self._made: dict[str, str] = {}  # our commits of this call, and what each was made on

    async def with_commit(self, base: Base) -> tuple[Commit, Asked]:
        """Brings it to hold our commit on the base, and says whose wish that is.

        Raises OperationPending for a branch that is not ours or is in the way, GitHubPermission for a rule against
        it, WriteConflict and WriteUnknown when it has to be looked at anew.
        """
        with _by_its_rules():
            try:
                await self._forge.create_branch(self.branch, base.head)
            except WriteConflict:
                head = await self._forge.branch_head(self.branch)
            else:
                head = base.head
            if head is None:
                await self._check_room()
                raise WriteConflict(f"{self.branch} is gone again")
            if head == base.head:
                return await self._commit(base), self._task.asked
            return await self._going_on_from(head, base)

    async def check_is_free(self, base: Base) -> None:
        """Raises OperationPending where with_commit() would, before anything gives way for it."""
        head = await self._forge.branch_head(self.branch)
        if head is None:
            await self._check_room()
        elif head != base.head:
            await self._looked_at(head, base)

    async def anew(self, base: Base, head: str, asked: Asked) -> Commit:
        """Moves it from `head` to one commit on the base. Raises WriteConflict when it is elsewhere by now."""
        message = commit_message([(plan, asked) for plan in base.thought.plans])
        with _by_its_rules():
            commit = await self._forge.make_commit(self._task.branch, base.head, base.files, message)
            self._made[commit.sha] = base.head
            await self._forge.move_branch(self.branch, head, commit.sha)
        return commit

    async def _check_room(self) -> None:
        """Raises OperationPending when a branch has the name of one of ours' folders, or ours is one of its."""
        for name in await self._forge.branches_in_the_way(self.branch):
            raise OperationPending(
                f"branch {name} of {self.branch.repository} is in the way: Git has no room for {self.branch.name} "
                "beside it; rename or delete it"
            )

    async def _going_on_from(self, head: str, base: Base) -> tuple[Commit, Asked]:
        tip, is_current = await self._looked_at(head, base)
        if tip is None:
            return await self._afresh(head, base)
        asked, record = self._task.asked, next(iter(tip.records.values()), None)
        if record is not None and is_same_wish(self._task, record, base):
            asked = asked_of(record)
            if is_current and tip.commit is not None:
                return tip.commit, asked
        self.has_replaced = self.has_replaced or (record is not None and asked is self._task.asked)
        return await self.anew(base, head, asked), asked

    async def _looked_at(self, head: str, base: Base) -> tuple[Tip | None, bool]:
        """What is on it, and whether that is current; None when nothing there counts any more."""
        pulls = await self._forge.pull_requests(
            self._task.branch, self.branch.name, not_before=time.monotonic(), any_base=True
        )
        for pull in pulls:
            if pull.state == "open" and pull.base != self._task.branch.name:
                raise OperationPending(
                    f"{pull.url} is open from {self.branch} into {pull.base}: merge or close it first"
                )
            if pull.state == "open":
                raise WriteConflict(f"a pull request from {self.branch} is open after all")
        if any(pull.head == head for pull in pulls):  # what a closed one had, stays with it
            return None, False
        tip = await self._tips.read(self._task, head, base, planned_at=self._made.get(head))
        if tip.comparison.is_whole and not tip.comparison.commits:  # it was merged, or never had a commit
            return None, False
        return tip, await self._is_current(tip, base)

    async def _afresh(self, head: str, base: Base) -> tuple[Commit, Asked]:
        """From where the base is: no pull request looks at it meanwhile."""
        await self._forge.move_branch(self.branch, head, base.head)
        return await self._commit(base), self._task.asked

    async def _is_current(self, tip: Tip, base: Base) -> bool:
        if self._task.supersede and not tip.strangers:
            return False
        where = f"branch {self.branch} has no pull request"
        return await self._tips.is_current(self._task, tip, base, where, not_before=self._not_before)

    async def _commit(self, base: Base) -> Commit:
        """On the branch, which is where the base is."""
        snapshot = snapshot_of(self.branch, base.seen, base.seen, base.head)
        message = commit_message([(plan, self._task.asked) for plan in base.thought.plans])
        commit = await self._forge.commit(snapshot, base.files, message)
        if commit.parents and commit.parents != (base.head,):  # a single file is compared with itself only
            raise WriteConflict(f"somebody pushed to {self.branch} meanwhile")
        self._made[commit.sha] = base.head
        return commit


@contextlib.contextmanager
def _by_its_rules() -> Iterator[None]:
    """No policy helps against a rule that wants a pull request for the very branch of one."""
    try:
        yield
    except BranchProtected as exc:
        raise GitHubPermission(
            f"{exc.said}; the rule is about the branch of the pull request itself: leave `failover/**` out of it, or "
            "let the App past it (its bypass list)"
        ) from exc


def check_base(task: Task) -> None:
    """Raises CannotPlan where the base leaves no room for the branch that the pull request would come from."""
    own, base = task.head_branch.name, task.branch.name
    if own == base or has_no_room(own, base):
        raise CannotPlan(
            f"{task.name} goes to branch {base}, which leaves no room for {own}, where its pull request comes from"
        )


def is_same_wish(task: Task, record: Record, base: Base) -> bool:
    """Whether a commit of ours was made for what the task asks; of a rollback, for undoing the same move."""
    if record.action != task.action.value:
        return False
    reverts = {plan.reverts for plan in base.thought.plans} - {None}
    return not reverts or record.reverts in reverts


def text_of(base: Base, commit: Commit, asked: Asked) -> tuple[str, str]:
    """The pull request's title and body."""
    root = commit.url.partition("/commit")[0]
    plans = [(plan, asked) for plan in base.thought.plans if plan.changes]
    return pull_request_text(plans, at=base.head, root=root)


def is_text_of(pull: PullRequest, tip: Tip) -> bool:
    """Whether a pull request says what its commit does: its trailers are the commit's, its links lead to its base.

    One without any has been written anew by a person.
    """
    said = {record.service: record for record in read_records(pull.body)}
    at = planned_at(pull.body)
    return (not said or said == tip.records) and at in {None, tip.began}


def planned_at(body: str) -> str | None:
    """The commit of the base that a pull request of ours was planned from, as its links say."""
    link = _LINK.search(body)
    return link[1] if link else None


def is_title_of_ours(pull: PullRequest) -> bool:
    """Whether the title is still the one that goes with the body; else it is a person's."""
    return pull.title == headline_of(read_records(pull.body))


def with_force(asked: Asked, *, force: bool) -> Asked:
    """The same wish, forced if one of those who share it forces it."""
    return dataclasses.replace(asked, force=asked.force or force)
