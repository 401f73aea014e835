"""One commit for all who wait: from the first look to a commit that is known to be there.

    look        optimistic: any copy will do, since the write is a compare-and-swap against it
    think       pure; a refusal or "nothing to do" counts only when the copy was validated
    commit      lost the race: look again, think again, all of them
                lost the reply: look for the operations in Git's history, then go on as after a lost race

Each ticket has its own answer: what refuses one never refuses its neighbours. The same operations are carried by every
attempt, so that they are found whichever of them landed.
"""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence

from failover_api.backoff import ATTEMPTS, back_off
from failover_api.core.catalog import Branch
from failover_api.core.trailers import read_records
from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    ForgeFailure,
    GitHubError,
    GitHubRateLimited,
    Interrupted,
    ManifestError,
    OutcomeUnknown,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.port import Commit, Forge
from failover_api.moves.repeats import Repeats
from failover_api.moves.task import Overlay, Step, Task, Thought
from failover_api.moves.ticket import Answer, Draft, Ticket
from failover_api.observation import Observer, Seen, snapshot_of
from failover_api.outcome import Outcome

_log = logging.getLogger(__name__)
READ_BACK_WAITS_S = (0.0, 0.3, 1.0, 2.0)


class Batch:
    """Tickets of one branch, no service twice."""

    def __init__(self, tickets: Sequence[Ticket], *, forge: Forge, observer: Observer, repeats: Repeats) -> None:
        self._tickets = list(tickets)
        self._forge, self._observer, self._repeats = forge, observer, repeats
        self._branch: Branch = tickets[0].task.branch
        self._started = time.monotonic()
        self._since = self._started  # what is read for the attempt under way is not older
        self._lost: Draft | None = None  # written, and no reply (yet)
        self._put_off: list[Ticket] = []
        self._untold: dict[Ticket, str] = {}  # why nobody knows whether a lost write of it is what is there

    async def run(self) -> list[Ticket]:
        """Answers every ticket, but those it gives back: they have to wait, and were not written."""
        try:
            given_back = await self._attempt_until_known()
        except FailoverError as exc:
            await self._end(exc)
        except Exception:  # noqa: BLE001 - it must not end the branch's other moves
            _log.exception("writing failed by a defect")
            await self._end(_defect())
        else:
            return [*self._put_off, *given_back]
        return self._put_off

    async def rehearse(self) -> None:
        """Answers what a run would do, and writes nothing."""
        try:
            seen, head = await self._look(self._tickets, self._started)
            for ticket, thought in (await self._think(seen, head, self._tickets)).items():
                if isinstance(thought, Thought):
                    thought = ticket.task.outcome(thought, dry_run=True, changed=thought.has_changes)
                ticket.settle(thought)
        except FailoverError as exc:
            await self._end(exc)

    @property
    def _live(self) -> list[Ticket]:
        """Those that still need an answer, or of whose write nobody knows yet; without those that are put off."""
        here = [ticket for ticket in self._tickets if ticket not in self._put_off]
        return [ticket for ticket in here if ticket.is_open or ticket.may_have_landed]

    async def _attempt_until_known(self) -> list[Ticket]:
        optimistic = all(ticket.task.versions is None and not ticket.task.needs_history for ticket in self._tickets)
        not_before = None if optimistic else self._started
        last: FailoverError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._tell(Step.RETRYING)
                await back_off(attempt)
            if not self._live:
                return []
            self._since = self._started if not_before is None else not_before
            try:
                draft = await self._draft(not_before)
            except WriteConflict as exc:  # it moved while it was read
                last, not_before = exc, time.monotonic()
                continue
            if draft is None:
                return []
            try:
                self._landed(draft, await self._write(draft))
                return []
            except WriteConflict as exc:
                last = exc
            except WriteUnknown as exc:
                last = exc
                await self._find_if_possible(draft)
            except GitHubRateLimited:
                if self._lost is not None or not self._forge.write_wait_s(self._branch):
                    raise
                return self._live
            except (BranchProtected, Conflict, GitHubError) as exc:
                if len(draft.parts) == 1 or self._lost is not None:
                    raise
                return await self._one_by_one(draft, exc)
            not_before = time.monotonic()
        names = ", ".join(ticket.task.name for ticket in self._live)
        raise Conflict(f"{names} could not be written in {ATTEMPTS} tries; the last: {last}")

    async def _draft(self, not_before: float | None) -> Draft | None:
        """The next commit; None when there is nothing to write. Tickets that need no write are answered here."""
        while True:
            tickets = self._live
            if not tickets:
                return None
            seen, head, thoughts = await self._validated(tickets, not_before)
            if self._lost is not None:
                await self._resolve(self._lost, seen, head, thoughts)
            self._put_some_off(seen, thoughts)
            if tickets == self._live:
                break  # else somebody left: nobody else's plan may hold what was theirs
        parts: list[tuple[Ticket, Thought]] = []
        for ticket, thought in thoughts.items():
            if isinstance(thought, Thought) and thought.has_changes:
                parts.append((ticket, thought))
            elif isinstance(thought, Thought):
                ticket.settle(self._nothing_to_do(ticket, thought))
            elif isinstance(thought, FailoverError) and ticket.may_have_landed:  # refused now, and may land yet
                ticket.settle(ticket.unknown(thought.detail))
            else:
                ticket.settle(thought)
        if not parts:
            return None
        names = [service.name for ticket, _ in parts for service in ticket.task.services]
        with_history = any(ticket.task.needs_history for ticket, _ in parts)
        return Draft(seen, snapshot_of(self._branch, seen, names, head, with_history=with_history), tuple(parts))

    def _nothing_to_do(self, ticket: Ticket, thought: Thought) -> Outcome:
        outcome, why = ticket.task.outcome(thought, changed=False), self._untold.get(ticket)
        if why is None:
            return outcome
        text = (
            f"operation {ticket.task.asked.operation} of this call may have done it: its write got no reply, and {why}"
        )
        return dataclasses.replace(outcome, warnings=(*outcome.warnings, text))

    def _put_some_off(self, seen: Seen, thoughts: Mapping[Ticket, Answer]) -> None:
        """Those after whom an earlier write, whose reply was lost, could land as if they had never been.

        It lands where it finds the files as they were: so nobody may bring them back, or find them so and leave.
        """
        moving = {ticket: thought for ticket, thought in thoughts.items() if isinstance(thought, Thought)}
        planned = {path: data for thought in moving.values() for path, data in thought.files.items()}
        for ticket, thought in moving.items():
            if ticket.may_have_landed:
                continue
            files = ticket.files_after(seen, planned)
            wait_s = self._forge.late_wait_s(self._branch, files, writing=thought.has_changes)
            if wait_s:
                self._put_off.append(ticket)
                ticket.put_off(wait_s)

    async def _validated(
        self, tickets: Sequence[Ticket], not_before: float | None
    ) -> tuple[Seen, str | None, dict[Ticket, Answer]]:
        """Only what is current may be refused, or need no write."""
        if not_before is None:
            try:
                seen, head = await self._look(tickets, None)
                thoughts = await self._think(seen, head, tickets)
                if all(isinstance(thought, Thought) and thought.is_all_change for thought in thoughts.values()):
                    return seen, head, thoughts
            except (ManifestError, RepositoryNotFound):
                pass  # said again, if it is still so
            not_before = self._started
        seen, head = await self._look(tickets, not_before)
        return seen, head, await self._think(seen, head, tickets)

    async def _look(self, tickets: Sequence[Ticket], not_before: float | None) -> tuple[Seen, str | None]:
        """The services, and the head they were all read at; None when a single file was read by itself."""
        self._tell(Step.READING)
        tasks = [ticket.task for ticket in tickets]
        services = [service for task in tasks for service in task.services]
        at_head = any(task.needs_history for task in tasks)
        return await self._observer.observe_together(self._branch, services, not_before=not_before, at_head=at_head)

    async def _think(self, seen: Seen, head: str | None, tickets: Sequence[Ticket]) -> dict[Ticket, Answer]:
        """Each ticket's plans on top of those before it, its first outcome if it came before, or what refuses it."""
        self._tell(Step.PLANNING)
        overlay: Overlay = {}
        thoughts: dict[Ticket, Answer] = {}
        bound = [ticket for ticket in tickets if ticket.task.needs_history] if head is not None else []
        prepared = await asyncio.gather(
            *(self._prepared(ticket.task, seen, head or "") for ticket in bound), return_exceptions=True
        )
        firsts = dict(zip(bound, prepared, strict=True))
        for ticket in tickets:
            first = firsts.get(ticket)
            try:
                if isinstance(first, BaseException):
                    raise first
                thoughts[ticket] = first or ticket.task.think(seen, overlay)
            except FailoverError as exc:
                thoughts[ticket] = exc
            except Exception:  # noqa: BLE001 - it must not end its neighbours
                _log.exception("planning failed by a defect")
                thoughts[ticket] = _defect()
            await asyncio.sleep(0)  # hundreds may be planned here: let others have a turn
        return thoughts

    async def _prepared(self, task: Task, seen: Seen, head: str) -> Outcome | None:
        """The first outcome of its key; else reads what its plan needs from the history."""
        first = await self._repeats.first_outcome(task, seen, head, not_before=self._since)
        if first is None:
            await task.prepare(seen, head, not_before=self._since)
        return first

    async def _one_by_one(self, draft: Draft, error: FailoverError) -> list[Ticket]:
        """GitHub refused the commit as a whole: one of its parts may be what it refuses. Two of them: it is general."""
        given_back: list[Ticket] = []
        refused = 0
        for ticket, _ in draft.parts:
            if refused == 2:
                ticket.settle(error)
                continue
            alone = Batch([ticket], forge=self._forge, observer=self._observer, repeats=self._repeats)
            given_back += await alone.run()
            refused = refused + 1 if _is_refused(ticket, error) else 0
        return given_back

    def _tell(self, step: Step) -> None:
        for ticket in self._live:
            ticket.tell(step)

    async def _write(self, draft: Draft) -> Commit:
        self._tell(Step.WRITING)
        before = self._lost
        self._hold(draft)
        try:
            return await self._forge.commit(draft.snapshot, draft.files, draft.message)
        except WriteUnknown:
            raise
        except FailoverError:
            self._hold(before)  # surely not carried out
            raise

    def _hold(self, draft: Draft | None) -> None:
        """Keeps a write that has no reply (yet), and tells its tickets."""
        for ticket in self._tickets:
            ticket.may_have_landed = draft is not None and any(ticket is other for other, _ in draft.parts)
        self._lost = draft

    def _landed(self, draft: Draft, commit: Commit, operations: frozenset[str] | None = None) -> None:
        """Answers the tickets of a draft that landed; `operations` are those that its commit names."""
        self._hold(None)
        for ticket, thought in draft.parts:
            if operations is None or ticket.task.asked.operation in operations:
                ticket.settle(ticket.task.outcome(thought, changed=True, commit=commit))

    async def _resolve(self, lost: Draft, seen: Seen, head: str | None, thoughts: Mapping[Ticket, Answer]) -> None:
        """A write that had no reply. While the files stand as it found them it may land yet; later it never will.

        Raises what keeps the history from us, unless the files say that all is done.
        """
        if lost.versions_in(seen) == lost.versions_in(lost.seen):
            return
        try:
            found = await self._find(lost, READ_BACK_WAITS_S, head=head)
        except ForgeFailure as exc:
            if any(not _is_done(thoughts.get(ticket)) for ticket, _ in lost.parts):
                raise
            self._untold |= {ticket: exc.detail for ticket, _ in lost.parts}
            found = False
        if found is None:
            raise WriteUnknown("the files changed, and the history does not show yet by whom")
        if not found:
            self._hold(None)

    async def _find_if_possible(self, lost: Draft, waits_s: Sequence[float] = (0.0,)) -> None:
        try:
            await self._find(lost, waits_s)
        except FailoverError as exc:  # what the files say has to do
            _log.warning("a lost write could not be looked for", extra={"problem": exc.slug, "detail": exc.detail})
        except Exception:  # noqa: BLE001 - those who wait need their answer all the same
            _log.exception("looking for a lost write failed by a defect")

    async def _find(self, lost: Draft, waits_s: Sequence[float], *, head: str | None = None) -> bool | None:
        """Looks for a lost write in the history up to `head`, or after each wait up to where the branch is then.

        None while the branch, which may lag behind its files, still shows what the write was to replace.
        """
        ticket, thought = lost.parts[0]
        path = next(path for plan in thought.plans for path in plan.new)
        for wait_s in waits_s if head is None else (0.0,):
            await asyncio.sleep(wait_s)
            at, is_past = head, True
            if at is None:
                now = await self._forge.read(self._branch, [path], not_before=time.monotonic(), at_head=True)
                at, is_past = now.head, now.files[path] != lost.snapshot.files[path]
            # The oldest that names it: a person's revert may quote ours.
            for logged in reversed(await self._forge.log(self._branch, path, at=at, not_before=None)):
                operations = frozenset(record.operation for record in read_records(logged.message))
                if ticket.task.asked.operation in operations:
                    self._forge.landed(lost.snapshot, lost.files, logged.sha)
                    self._landed(lost, logged.commit, operations)
                    return True
            if is_past:
                return False
        return None

    async def _end(self, error: FailoverError) -> None:
        """Answers everybody. While a write has no reply, it may be what caused the error."""
        lost = self._lost
        if lost is not None and not isinstance(error, OutcomeUnknown):
            await self._find_if_possible(lost, READ_BACK_WAITS_S)
        for ticket in self._live:
            ticket.settle(ticket.unknown(error.detail) if ticket.may_have_landed else error)


def _defect() -> Interrupted:
    return Interrupted("a defect in failover-api; its log has the traceback")


def _is_done(answer: Answer | None) -> bool:
    return isinstance(answer, Outcome) or (isinstance(answer, Thought) and not answer.has_changes)


def _is_refused(ticket: Ticket, error: FailoverError) -> bool:
    """Whether the ticket met the same kind of error."""
    if ticket.is_open or ticket.answer.cancelled():
        return False
    met = ticket.answer.exception()
    return isinstance(met, FailoverError) and met.slug == error.slug
