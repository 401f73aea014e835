"""An Idempotency-Key that comes again: its first outcome, as Git has it.

The key stands in the trailers as a digest. It is looked for in the newest hundred commits of the service's files
and of the branch and, where pull requests are made, in their bodies and on their branch. What was merged goes before
what is open, and that before what was closed: one that came too late is not what came of it. Anybody can write a key
there: a commit that did not do what it says is no first outcome.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from failover_api.concurrency import together
from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.rollback import reconstruct_plan
from failover_api.core.planning.state import Detection, State
from failover_api.core.text.audit import Finding, Verdict
from failover_api.core.text.trailers import Record, read_records
from failover_api.errors import FailoverError, IdempotencyKeyReused, ManifestDrifted
from failover_api.forge.port import Forge
from failover_api.forge.values import LoggedCommit, PullRequest
from failover_api.moves.move import Move
from failover_api.moves.outcome import Outcome
from failover_api.reading.history import History
from failover_api.reading.pull_requests import OWN_BRANCHES, may_be_proposed
from failover_api.reading.services import Observation, Observations

SERVICES_SEARCHED = 10  # of a group: their files' histories; the branch's has the others


@dataclass(frozen=True, slots=True)
class _KeyedCommit:
    """A commit whose trailers have the key, by service; and the pull request that it belongs to."""

    records: Mapping[str, Record]
    commit: LoggedCommit
    pull_request: PullRequest | None
    text: str  # that has the records


class Idempotency:
    """Looks for keys in Git."""

    def __init__(self, forge: Forge, history: History) -> None:
        self._forge, self._history = forge, history

    async def first_outcome(self, move: Move, seen: Observations, head: str, *, not_before: float) -> Outcome | None:
        """The outcome of the key's first use, as of `head`; None when it left no trace, or was left half done.

        Raises IdempotencyKeyReused when the key was used for another move.
        """
        if move.provenance.key is None:
            return None
        pulls = await self._pull_requests(move, not_before)
        commits = await self._commits(move, seen, head)
        first = await self._believed(move, seen, head, _keyed_commits(move.provenance.key, commits, pulls))
        if first is None:
            first = await self._believed(move, seen, head, await self._on_head_branch(move, head, pulls))
        if first is None:
            return None
        _check_same_move(move, first.records)
        if not any(service.name in first.records for service in move.services):
            return None  # the part of a group that is on another branch, or under the other policy
        if first.commit.sha not in {commit.sha for commit in commits} and first.pull_request is None:
            return None  # a commit on its branch, but no pull request yet: to be gone on with
        for observed in (seen[service.name] for service in move.services):
            if isinstance(observed, Observation):
                self._forge.answered_with(observed.snapshot)
        plans = [await self._plan(move, service, seen, head, first) for service in move.services]
        left_out = [plan for plan in plans if _was_left_out(plan, first.records)]
        return Outcome(
            action=move.action,
            policy=move.policy,
            plans=tuple(plan for plan in plans if plan not in left_out),
            version="",
            changed=True,
            commit=first.commit.commit,
            pull_request=first.pull_request,
            operation=next(iter(first.records.values())).operation,
            refused={plan.service.name: _left_out(plan) for plan in left_out},
            is_repeat=True,
        )

    async def _believed(
        self, move: Move, seen: Observations, head: str, commits: Iterable[_KeyedCommit]
    ) -> _KeyedCommit | None:
        """The first that is ours, with those of its records that are true.

        Raises IdempotencyKeyReused for one that may be ours, and cannot be proved.
        """
        for keyed in commits:
            if keyed.records.keys() <= move.siblings:
                continue  # of another part of the same request
            observations = [seen[service.name] for service in move.services if service.name in keyed.records]
            findings = {
                observed.service.name: await self._judged(observed.service, keyed, head)
                for observed in observations
                if isinstance(observed, Observation)
            }
            edits = {name for name, finding in findings.items() if not finding.is_ours}
            if observations and len(edits) == len(findings):
                continue  # nothing of it is true of what the move is about, as far as that can be read
            if observations and Verdict.PROVED not in {finding.verdict for finding in findings.values()}:
                raise _in_doubt(keyed, findings)  # to answer with it may be a lie, to move again a second move
            records = {name: record for name, record in keyed.records.items() if name not in edits}
            return dataclasses.replace(keyed, records=records)
        return None

    async def _judged(self, service: Service, keyed: _KeyedCommit, head: str) -> Finding:
        change = await self._history.change(service, keyed.commit, head)
        return await self._history.judge(service, change, keyed.records[service.name], keyed.text)

    async def _commits(self, move: Move, seen: Observations, head: str) -> list[LoggedCommit]:
        observations = [seen[service.name] for service in move.services[:SERVICES_SEARCHED]]
        files = (observed.service.files for observed in observations if isinstance(observed, Observation))
        paths = dict.fromkeys(path for paths in files for path in paths)
        listings = await together(
            self._forge.log(move.branch, path, at=head, not_before=None) for path in (*paths, None)
        )
        return [commit for listing in listings for commit in listing]

    async def _pull_requests(self, move: Move, not_before: float) -> list[PullRequest]:
        """The newest of the move's own branch, and of all of ours: the key may have been used for another move.

        In the order in which they count.
        """
        if not any(map(may_be_proposed, move.services)):
            return []
        own, all_of_ours = await together(
            self._forge.pull_requests(move.branch, head, not_before=not_before)
            for head in (move.head_branch.name, None)
        )
        ours = (pull for pull in all_of_ours if pull.branch.startswith(OWN_BRANCHES))
        return sorted({pull.number: pull for pull in (*own, *ours)}.values(), key=_rank)

    async def _on_head_branch(self, move: Move, head: str, pulls: Iterable[PullRequest]) -> list[_KeyedCommit]:
        """The key in a pull request's body, or on the branch that has none yet."""
        if not any(map(may_be_proposed, move.services)):
            return []
        assert move.provenance.key is not None
        pull = next((pull for pull in pulls if _with_key(move.provenance.key, pull.body)), None)
        if pull is not None and pull.merge_commit is not None:  # by a commit that says nothing of it, or long ago
            merge = (await self._forge.log(move.branch, at=pull.merge_commit, not_before=None))[0]
            return [_KeyedCommit(_with_key(move.provenance.key, pull.body), merge, pull, pull.body)]
        tip = pull.head if pull else await self._forge.branch_head(move.head_branch)
        if tip is None:
            return []
        beyond = await self._forge.compare(move.branch, head, tip)
        commits = _keyed_commits(move.provenance.key, beyond.commits[::-1], ())
        return [dataclasses.replace(keyed, pull_request=pull) for keyed in commits]

    async def _plan(self, move: Move, service: Service, seen: Observations, head: str, first: _KeyedCommit) -> Plan:
        """What the commit did to the service, as far as today's catalog can tell."""
        record = first.records.get(service.name)
        observed = seen[service.name]
        if isinstance(observed, Observation) and first.commit.parents:
            service = observed.service
            try:
                manifests_around = await self._history.manifests_around(
                    service, await self._history.change(service, first.commit, head)
                )
                return reconstruct_plan(service, manifests_around.before, manifests_around.after, move.action)
            except FailoverError:
                pass
        before_state, after_state = (_state(record.before), _state(record.after)) if record else (State.UNKNOWN,) * 2
        return Plan(service, move.action, Detection(before_state, ()), after_state, (), {}, {})


def _in_doubt(keyed: _KeyedCommit, findings: Mapping[str, Finding]) -> IdempotencyKeyReused:
    name, finding = next((name, finding) for name, finding in findings.items() if finding.is_ours)
    return IdempotencyKeyReused(
        f"the Idempotency-Key stands in commit {keyed.commit.sha[:12]}, which says that it moved {name}, and that "
        f"cannot be proved: {finding.why}; look where it is, then use a new key"
    )


def _keyed_commits(key: str, commits: Iterable[LoggedCommit], pulls: Iterable[PullRequest]) -> Iterator[_KeyedCommit]:
    """Those with the key, by their own trailers or by those of the pull request that was merged as one of them."""
    by_merge = {pull.merge_commit: pull for pull in pulls if pull.state == "merged"}
    by_record: dict[tuple[str, str], PullRequest] = {}
    for pull in pulls:
        for record in read_records(pull.body):
            by_record.setdefault((record.operation, record.service), pull)
    for commit in {commit.sha: commit for commit in commits}.values():
        merged = by_merge.get(commit.sha)
        text = commit.message
        records = _with_key(key, text)
        if not records and merged is not None:
            text, records = merged.body, _with_key(key, merged.body)
        if records:
            record = next(iter(records.values()))
            yield _KeyedCommit(records, commit, merged or by_record.get((record.operation, record.service)), text)


def _rank(pull: PullRequest) -> tuple[int, int]:
    """Merged before open before closed; of those alike, the older first."""
    return ("merged", "open", "closed").index(pull.state), pull.number


def _was_left_out(plan: Plan, records: Mapping[str, Record]) -> bool:
    """Whether a group's commit went without it, though it was not there already."""
    target = plan.action.target.value if plan.action is not Action.ROLLBACK else ""
    return plan.service.name not in records and not plan.changes and plan.after.value != target


def _left_out(plan: Plan) -> FailoverError:
    return ManifestDrifted(f"{plan.service.name}: was left out; it was {plan.after} then")


def _state(word: str) -> State:
    """A state as a trailer says it; a person may have written anything there."""
    return State(word) if word in set(State) else State.UNKNOWN


def _with_key(key: str, text: str) -> dict[str, Record]:
    return {record.service: record for record in read_records(text) if record.provenance.key == key}


def _check_same_move(move: Move, records: Mapping[str, Record]) -> None:
    for record in records.values():
        if record.service in move.siblings:
            continue
        first = (record.provenance.group or record.service, record.action, record.provenance.force)
        if first != (move.name, move.action.value, move.provenance.force):
            forced = " with force" if record.provenance.force else ""
            raise IdempotencyKeyReused(
                f"the Idempotency-Key was used for another request: {record.action} of {first[0]}{forced}, operation "
                f"{record.operation}; use a new key"
            )
