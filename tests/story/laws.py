"""What must hold after each step of a schedule (see schedules.py), and of each answer.

whole        no commit of ours leaves a service with some switches on each side
once         no operation has two commits on the branch
kept         our commits change switches only, and none that a person put on neither side, unless told to; a
             rollback changes only what is still as the undone move left it
true         an answer says what happened: what is called written is there, what is called not applied never comes,
             neither as a commit nor as a pull request, and what this call did is called changed
own          what needs no write is never answered as of before the replica's own last write
one open     a service has at most one open pull request
one key      an idempotency key has at most one operation
not ours     what a person pushed to a branch of ours stays there, and what a person wrote is none of our moves
in vain      where one is open already, a call that nobody acts beside opens no other only to close it again
way back     when all is quiet, what was moved can be moved back, but over what a person pushed
finished     what may merge by itself, does
sound        no answer is a defect of ours
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from failover_api.core.catalog.model import Action, Catalog
from failover_api.core.planning.state import State, detect
from failover_api.core.splice import parse
from failover_api.core.text.trailers import Record, read_records
from failover_api.errors import FailoverError, InternalError, OperationPending
from failover_api.moves.outcome import GroupOutcome, Outcome
from failover_api.sandbox import Sandbox
from failover_api.sandbox.hosting.repository import PullRequest

PUSHED = "Pushed"  # how a person's commit on a branch of ours begins


@dataclass
class Call:
    """One call of a replica. `start` and `end` are places in the list of the branch's heads."""

    reason: str
    replica: int
    name: str
    action: Action
    force: bool
    alone: bool  # nobody else acts meanwhile
    answer: Any = None
    oldest: int = 0  # the oldest head that a read may show, as a place in that list
    start: int = 0
    end: int = 0
    own: int = 0  # the head that the replica's last write made
    pulls: dict[int, str] = field(default_factory=dict)  # {number: state} before it

    def __str__(self) -> str:
        told = self.answer
        if isinstance(told, Outcome):
            pull = told.pull_request and f"#{told.pull_request.number} {told.pull_request.state}"
            commit = told.commit and told.commit.sha[:7]
            told = f"changed {told.changed}, commit {commit}, pull request {pull}, warnings {told.warnings}"
        return f"{self.reason} ({self.action} {self.name} on replica {self.replica}, answered {told!r})"


class Laws:
    """The laws over one repository. `variants` are the names that each file of a service has had, newest last."""

    sandbox: Sandbox
    repository: str
    catalog: Catalog
    variants: dict[str, list[list[str]]]

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.persons: set[str] = set()  # a person's commits that look like ours
        self.kept: dict[str, tuple[str, int]] = {}  # {mark: a service's file} of a person's edits on the branch
        self.pushed: dict[str, tuple[int, str]] = {}  # {commit: (pull request, text)} on branches of ours
        self.left: dict[str, list[object]] = {}  # the values that an operation left its service with
        self.ever: set[str] = set()  # all commits that were on the branch
        self.checked: set[str] = set()
        self.lagging = self.is_late = self.troubled = False

    # What is there

    @property
    def bare(self) -> Any:
        return self.sandbox.repositories[self.repository].bare

    @property
    def head(self) -> str:
        return self.sandbox.head(repository=self.repository)

    @property
    def heads(self) -> list[str]:
        """All that the branch was at, oldest first."""
        return [sha for sha in self.bare.heads("main") if sha]

    def log(self) -> list[Any]:
        return self.sandbox.log(repository=self.repository)

    def state(self, name: str, commit: str) -> State:
        return detect(self.catalog.services[name], self.manifests(name, commit)).state

    def manifests(self, name: str, commit: str) -> dict[str, Any]:
        """By today's names, whatever they were called at the commit."""
        return {names[-1]: parse(self.at(commit, name, i), file=names[-1]) for i, names in self.files(name)}

    def files(self, name: str) -> Iterable[tuple[int, list[str]]]:
        return enumerate(self.variants[name])

    def at(self, commit: str, name: str, i: int) -> bytes:
        """File `i` of a service at a commit."""
        tree = self.bare.commit(commit).tree
        for path in reversed(self.variants[name][i]):
            if found := self.bare.entry(tree, path):
                content: bytes = self.bare.blob(found.sha)
                return content
        raise AssertionError(f"{self.variants[name][i]} is not at {commit}")

    def pulls(self) -> list[PullRequest]:
        """The open pull requests, oldest first."""
        return [pull for pull in self.all_pulls() if pull.is_open]

    def all_pulls(self) -> list[PullRequest]:
        return list(self.sandbox.repositories[self.repository].pulls.values())

    def ours(self, commit: Any) -> tuple[Record, ...]:
        """What a commit of ours says; nothing for a person's, whatever it says."""
        is_a_persons = commit.sha in self.persons or commit.message.startswith(PUSHED)  # a rebase gives it another sha
        return () if is_a_persons else read_records(commit.message)

    def records_of(self, name: str) -> list[Record]:
        """What our commits on the branch say of a service, newest first."""
        return [record for commit in self.log() for record in self.ours(commit) if record.service == name]

    def oldest_seen(self, lag_s: float) -> int:
        """The place of the oldest head that a read shows which lags, by so long or by one commit."""
        heads = self.heads
        then = self.bare.head_ago("main", lag_s)
        return min(len(heads) - 1 - heads[::-1].index(then), max(0, len(heads) - 2))

    def written_by(self, call: Call) -> list[str]:
        return [c.sha for c in self.log() for record in self.ours(c) if record.provenance.reason == call.reason]

    # After each step

    def check_all(self) -> None:
        commits = self.log()
        self.ever |= {commit.sha for commit in commits}
        operations: dict[str, str] = {}
        keys: dict[str, str] = {}
        for commit in reversed(commits):
            for record in self.ours(commit):
                key = f"{record.operation} {record.service}"
                assert operations.setdefault(key, commit.sha) == commit.sha, f"once: {key} was written twice"
                if record.provenance.key:
                    first = keys.setdefault(record.provenance.key, record.operation)
                    assert first == record.operation, f"one key: {record.operation} came after {first}"
                if commit.sha not in self.checked:
                    self.check_commit(commit, record)
            self.checked.add(commit.sha)
        for mark, (name, i) in self.kept.items():
            assert mark in self.at(commits[0].sha, name, i).decode(), f"kept: {mark} of {name} was lost"
        self.check_pull_requests()

    def check_commit(self, commit: Any, record: Record) -> None:
        service, name = self.catalog.services[record.service], record.service
        left = detect(service, self.manifests(name, commit.sha))
        self.left[f"{record.operation} {name}"] = [reading.value for reading in left.readings]
        if record.action != "rollback":
            assert left.state.value == record.after in {"primary", "backup"}, f"whole: {record} left it {left.state}"
        if len(commit.parents) != 1:
            return
        was = detect(service, self.manifests(name, commit.parents[0]))
        for old, new in zip(was.readings, left.readings, strict=True):
            overwritten = old.state is State.UNKNOWN and old.value != new.value
            assert not overwritten or record.provenance.force or record.action == "rollback", (
                f"kept: {record} overwrote {old}"
            )
        if record.reverts:
            undone = self.left[f"{record.reverts} {name}"]
            for old, new, then in zip(was.readings, left.readings, undone, strict=True):
                assert old.value in (new.value, then), f"kept: {record} undid a person's change: {old}"
        for i, names in self.files(name):
            one, other = (self.at(sha, name, i).split(b"\n") for sha in (commit.parents[0], commit.sha))
            assert len(one) == len(other), f"kept: {record} changed the lines of {names[-1]}"
            lines = {reading.line for reading in was.readings if reading.file == names[-1]}
            changed = {at for at, (a, b) in enumerate(zip(one, other, strict=True), 1) if a != b}
            assert changed <= lines, f"kept: {record} changed lines {changed - lines} of {names[-1]}"

    def check_pull_requests(self) -> None:
        pulls = self.pulls()
        moved = [record.service for pull in pulls for record in read_records(pull.body or "")]
        assert len(moved) == len(set(moved)), f"one open: {moved}"
        branches = {pull.number: pull.head for pull in pulls}
        for sha, (number, text) in self.pushed.items():
            if number in branches:
                tip = self.sandbox.read("pushed.txt", branches[number], repository=self.repository)
                assert tip == text.encode(), f"not ours: {sha} of #{number} was overwritten"
        if not self.troubled:
            for pull in pulls:
                tip = self.sandbox.log(pull.head, repository=self.repository)[0]
                for said, done in zip(read_records(pull.body or ""), read_records(tip.message), strict=False):
                    assert said.action == done.action, f"true: #{pull.number} says {said.action}: {done.action}"
                    assert ("over" in pull.title) is (done.action == "promote") or done.action == "rollback", (
                        f"true: #{pull.number} is titled {pull.title} and does {done.action}"
                    )

    # Answers

    def check_answer(self, call: Call) -> None:
        """Right behind the call, and once more in the end."""
        assert not isinstance(call.answer, InternalError), f"sound: {call}"
        if isinstance(call.answer, FailoverError):
            if call.answer.outcome == "not-applied" and not self.is_taken_up(call):
                assert not self.written_by(call), f"true: {call} said not applied"
                open_ones = [read_records(pull.body or "") for pull in self.pulls()]
                reasons = {record.provenance.reason for records in open_ones for record in records}
                assert call.reason not in reasons, f"true: {call} said not applied, and is proposed"
            return
        for part in call.answer.parts if isinstance(call.answer, GroupOutcome) else (call.answer,):
            self.check_outcome(call, part)

    def is_taken_up(self, call: Call) -> bool:
        """Whether another call for the same move goes on, or may yet, from what this one has left on its branch."""
        alike = [other for other in self.calls if other is not call and other.action is call.action]
        commits = [other.answer.commit for other in alike if isinstance(other.answer, Outcome) and other.answer.commit]
        told = {record.provenance.reason for commit in commits for record in self.records(commit.sha)}
        return call.reason in told or any(other.answer is None for other in alike)

    def check_outcome(self, call: Call, outcome: Outcome) -> None:
        if outcome.commit is not None:
            operations = {record.operation for record in self.records(outcome.commit.sha)}
            assert outcome.operation in operations, f"true: {call}"
            if outcome.pull_request is None:
                assert outcome.commit.sha in self.ever, f"true: {call} names a commit that never was on the branch"
            return
        assert not outcome.changed, f"true: {call} changed something and names no commit"
        moved = {record.service for sha in self.written_by(call) for record in self.records(sha)}
        is_told = any("may have done it" in warning for warning in outcome.warnings)
        is_silent = not is_told and not moved.isdisjoint(plan.service.name for plan in outcome.plans)
        assert not is_silent, f"true: {call} said nothing was to do"
        if call.action is Action.ROLLBACK:
            return
        for plan in outcome.plans:
            there = {self.state(plan.service.name, sha).value for sha in self.since(call)}
            assert call.action.target.value in there, f"true: {call} said {plan.service.name} is there"

    def head_made_by(self, call: Call) -> int:
        """The place of the commit that the replica knows it has made on the branch; 0 when there is none."""
        answer = call.answer
        if not isinstance(answer, Outcome) or not answer.changed or answer.pull_request or not answer.commit:
            return 0
        return self.heads.index(answer.commit.sha) if answer.commit.sha in self.heads else 0

    def since(self, call: Call) -> list[str]:
        """The heads that an answer may be of: those of its time, and where reads lag some before, down to its own."""
        start = max(call.oldest, call.own) if self.lagging else call.start
        return self.heads[start : call.end + 1]

    def check_what_it_did(self, call: Call) -> None:
        """Of a call that nobody else acted beside: what became of pull requests is what it says."""
        if not call.alone or self.is_late:
            return
        states = {pull.number: self.state_of(pull) for pull in self.all_pulls()}
        closed = [number for number, state in states.items() if state == "closed" and number not in call.pulls]
        open_before = [number for number in self.about(call.name) if call.pulls.get(number) == "open"]
        in_vain = closed if open_before and not self.troubled else []
        assert not in_vain, f"in vain: {call} opened {in_vain} beside {open_before}"
        for number, state in states.items():
            if call.pulls.get(number) == state or number in closed:
                continue
            is_pushed_to = number in {number for number, _ in self.pushed.values()}
            assert state != "closed" or not is_pushed_to, (
                f"not ours: {call} closed #{number}, a person has pushed to it"
            )
            if number in self.about(call.name) and isinstance(call.answer, Outcome):
                is_told = call.answer.changed or any(f"/pull/{number} was closed" in w for w in call.answer.warnings)
                assert is_told, f"true: {call} says it changed nothing, but #{number} is {state}"

    def about(self, name: str) -> list[int]:
        """The pull requests that move a service, or one of a group."""
        names = {name, *self.catalog.groups.get(name, ())}
        moved = {pull.number: {r.service for r in read_records(pull.body or "")} for pull in self.all_pulls()}
        return [number for number, services in moved.items() if services & names]

    def was_pushed_to(self, branch: str) -> bool:
        """Whether there is something on a branch of ours that neither we nor the base have."""
        try:
            commits = self.sandbox.log(branch, repository=self.repository)
        except KeyError:
            return False
        return any(commit.sha not in self.ever and not self.ours(commit) for commit in commits)

    @staticmethod
    def state_of(pull: PullRequest) -> str:
        return "open" if pull.is_open else "merged" if pull.merged_at else "closed"

    def check_finished(self, call: Call) -> None:
        """What was opened with auto-merge, and is told without a warning, merges by itself."""
        answer = call.answer
        if not isinstance(answer, Outcome) or answer.pull_request is None or answer.warnings:
            return
        if self.catalog.services[call.name].pull_request.auto_merge is False:
            return
        pull = self.sandbox.repositories[self.repository].pulls[answer.pull_request.number]
        waits = pull.is_open and pull.auto_merge is None
        assert not waits, f"finished: {call}: #{pull.number} is open and nothing merges it"
        if answer.pull_request.state == "open":
            assert pull.is_open or self.is_late, f"true: {call} says that #{pull.number} is open"

    def check_nothing_else_is_open(self, call: Call) -> None:
        """Who is told that there is nothing to do, is not moved by a pull request that was open all the time."""
        if self.lagging:
            return
        if call.answer.changed or call.answer.pull_request is not None:
            self.check_no_other_has_a_purpose(call)
            return
        for pull in self.pulls():
            for record in read_records(pull.body or ""):
                other_way = record.service == call.name and record.action != call.action.value
                assert not other_way or record.provenance.reason == call.reason, (
                    f"true: {call}, but #{pull.number} is open"
                )

    def check_no_other_has_a_purpose(self, call: Call) -> None:
        """After a commit on the branch, what it did or undid is proposed no more, but where a person has pushed to."""
        if call.answer.pull_request is not None or call.answer.warnings or self.is_late:
            return
        for pull in self.pulls():
            alone = [record.service for record in read_records(pull.body or "")] == [call.name]
            assert not alone or self.was_pushed_to(pull.head), f"true: {call}, but #{pull.number} is open"

    def check_has_moved(self, call: Call) -> None:
        """Of a forced call that supersedes what is open, when all is quiet."""
        groups = [f"group-{group}" for group, names in self.catalog.groups.items() if call.name in names]
        pushed_to = [name for name in (call.name, *groups) if self.was_pushed_to(f"failover/{name}")]
        may_stay = isinstance(call.answer, OperationPending) and pushed_to
        assert may_stay or isinstance(call.answer, Outcome), f"way back: {call}"

    def records(self, sha: str) -> tuple[Record, ...]:
        return read_records(self.bare.commit(sha).message)
