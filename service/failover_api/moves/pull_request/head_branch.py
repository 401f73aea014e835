"""The branch of a pull request of ours, and our commit on it.

A branch that is there already may be of an earlier call that was left half done, of a pull request that was closed or
merged, or a person's. The first is gone on from, the second made anew, the third left alone.
"""

import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from failover_api.core.planning.request import Provenance
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.text.trailers import Record
from failover_api.errors import BranchProtected, CannotPlan, ForgePermission, OperationPending, WriteConflict
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, is_name_conflict
from failover_api.moves.move import Move
from failover_api.moves.pull_request.branch_content import Base, BranchContent, BranchReader
from failover_api.reading.services import snapshot_of

LOOKS = 4  # at the commit of another move, whose call may be about to open it: half a second, or some more
UNDER_WAY_S = 60.0  # a commit may be of a call that has not ended yet; clocks may differ, too


class HeadBranch:
    """The branch of one move's pull request."""

    def __init__(self, move: Move, *, forge: Forge, branch_reader: BranchReader, not_before: float) -> None:
        self._move, self._forge, self._branch_reader, self._not_before = move, forge, branch_reader, not_before
        self.branch = move.head_branch
        self.has_replaced = False  # another move was on it, whose call may open ours yet
        self._looks: Counter[str] = Counter()
        self._made: dict[str, str] = {}  # our commits of this call, and what each was made on

    async def check(self, base: Base) -> None:
        """Raises OperationPending where with_commit() would, before anything is written."""
        there = await self._forge.conflicting_branches(self.branch)
        self._check_room(there)
        head = there.get(self.branch.name)
        if head is not None and head != base.head:
            with contextlib.suppress(WriteConflict):  # one is open, and is weighed as such
                await self._ours(head, base)

    async def with_commit(self, base: Base) -> tuple[Commit, Provenance]:
        """Brings it to hold our commit on the base, and says who asked for that: an earlier call, where its
        commit is gone on with.

        Raises OperationPending for a branch that is not ours or is in the way, ForgePermission for a rule against
        it, WriteConflict and WriteUnknown when it has to be looked at anew.
        """
        with by_its_rules():
            try:
                await self._forge.create_branch(self.branch, base.head)
            except WriteConflict:  # it is there: of an earlier call, of a closed pull request, or a person's
                head = await self._forge.branch_head(self.branch)
            else:
                head = base.head
            if head is None:
                self._check_room(await self._forge.conflicting_branches(self.branch))
                raise WriteConflict(f"{self.branch} is gone again")
            if head == base.head:
                return await self._commit(base), self._move.provenance
            return await self._going_on_from(head, base)

    async def anew(self, base: Base, head: str, provenance: Provenance) -> Commit:
        """Moves it from `head` to one commit on the base. Raises WriteConflict when it is elsewhere by now."""
        with by_its_rules():
            commit = await self._forge.make_commit(self._move.branch, base.head, base.files, base.message(provenance))
            self._made[commit.sha] = base.head
            await self._forge.move_branch(self.branch, head, commit.sha)
        return commit

    def _check_room(self, there: Iterable[str]) -> None:
        """Raises OperationPending when a branch has the name of one of ours' folders, or ours is one of its."""
        for name in there:
            if name != self.branch.name:
                raise OperationPending(
                    f"branch {name} of {self.branch.repository} is in the way: Git has no room for {self.branch.name} "
                    "beside it; rename or delete it"
                )

    async def _going_on_from(self, head: str, base: Base) -> tuple[Commit, Provenance]:
        found = await self._ours(head, base)
        if found is None:
            return await self._afresh(head, base)
        content, is_current = found
        provenance, record = self._move.provenance, next(iter(content.records.values()), None)
        if record is not None and is_same_move(self._move, record, base):
            provenance = record.provenance
            if is_current and content.commit is not None:
                return content.commit, provenance
        elif record is not None:
            self._check_is_left(content)
        self.has_replaced = self.has_replaced or (record is not None and provenance is self._move.provenance)
        return await self.anew(base, head, provenance), provenance

    def _check_is_left(self, content: BranchContent) -> None:
        """Raises WriteConflict while the call of another move may be under way: who was first opens it."""
        made_at = seconds_of(content.comparison.commits[-1].at)
        now = seconds_of(self._move.provenance.at)
        self._looks[content.head] += 1
        may_be_young = made_at is None or now is None or now - made_at < UNDER_WAY_S
        if may_be_young and self._looks[content.head] < LOOKS:
            raise WriteConflict(f"another move is being proposed from {self.branch}")

    async def _ours(self, head: str, base: Base) -> tuple[BranchContent, bool] | None:
        """What was left on the branch, and whether it is current; None when it is done with.

        Raises OperationPending where it is not ours.
        """
        pulls = await self._forge.pull_requests(
            self._move.branch, self.branch.name, not_before=time.monotonic(), any_base=True
        )
        for pull in pulls:
            if pull.state == "open" and pull.base != self._move.branch.name:
                raise OperationPending(
                    f"{pull.url} is open from {self.branch} into {pull.base}: merge or close it first"
                )
            if pull.state == "open":
                raise WriteConflict(f"a pull request from {self.branch} is open after all")
        if any(pull.head == head for pull in pulls):  # what a closed one had stays with it, a person's push included
            return None
        content = await self._branch_reader.read(self._move, head, base, planned_at=self._made.get(head))
        if content.comparison.is_whole and not content.comparison.commits:  # it was merged, or never had a commit
            return None
        return content, await self._is_current(content, base)

    async def _afresh(self, head: str, base: Base) -> tuple[Commit, Provenance]:
        """From where the base is: no pull request looks at it meanwhile."""
        await self._forge.move_branch(self.branch, head, base.head)
        return await self._commit(base), self._move.provenance

    async def _is_current(self, content: BranchContent, base: Base) -> bool:
        if content.gives_way_to(self._move):
            return False
        where = f"branch {self.branch} has no pull request"
        return await self._branch_reader.is_current(self._move, content, base, where, not_before=self._not_before)

    async def _commit(self, base: Base) -> Commit:
        """On the branch, which is where the base is."""
        snapshot = snapshot_of(self.branch, base.seen, base.seen, base.head)
        commit = await self._forge.commit(snapshot, base.files, base.message(self._move.provenance))
        if commit.parents and commit.parents != (base.head,):  # a single file is compared with itself only
            raise WriteConflict(f"somebody pushed to {self.branch} meanwhile")
        self._made[commit.sha] = base.head
        return commit


@contextlib.contextmanager
def by_its_rules() -> Iterator[None]:
    """No policy helps against a rule that wants a pull request for the very branch of one."""
    try:
        yield
    except BranchProtected as exc:
        raise ForgePermission(
            f"{exc.said}; the rule is about the branch of the pull request itself: leave `failover/**` out of it, or "
            "let the App past it (its bypass list)"
        ) from exc


def check_base(move: Move) -> None:
    """Raises CannotPlan where the base leaves no room for the branch that the pull request would come from."""
    own, base = move.head_branch.name, move.branch.name
    if own == base or is_name_conflict(own, base):
        raise CannotPlan(
            f"{move.name} goes to branch {base}, which leaves no room for {own}, where its pull request comes from"
        )


def is_same_move(move: Move, record: Record, base: Base) -> bool:
    """Whether a commit of ours was made for what the move asks; of a rollback, for undoing the same move."""
    if (record.action, record.provenance.step) != (move.action.value, move.provenance.step):
        return False
    if move.is_tidy and record.operation != move.provenance.operation:
        return False
    reverts = {plan.reverts for plan in base.move_plan.plans} - {None}
    return not reverts or record.reverts in reverts


def with_force(provenance: Provenance, *, force: bool) -> Provenance:
    """The same, forced if one of those who ask for it forces it."""
    return dataclasses.replace(provenance, force=provenance.force or force)
