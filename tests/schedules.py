"""A world for Hypothesis: two replicas, a person, and a network that loses things.

Each step is one act; after each, the laws below hold. A call is known in Git by its reason, new for every call.

    whole        no commit of ours leaves a service with some switches on each side
    once         no operation has two commits on the branch
    kept         our commits change switches only, and none that a person put on neither side, unless told to; a
                 rollback changes only what is still as the undone move left it
    true         an answer says what happened: what is called written is there, what is called not applied never comes
    one open     a service has at most one open pull request
    one key      an idempotency key has at most one operation
    not ours     what a person pushed to a branch of ours stays there
"""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from failover_api import backoff
from failover_api.core.catalog import Action
from failover_api.core.catalog_text import parse_catalog
from failover_api.core.splice import parse
from failover_api.core.state import State, detect
from failover_api.core.trailers import Record, read_records
from failover_api.errors import FailoverError
from failover_api.failover import Wish
from failover_api.forge import files, heads, late
from failover_api.moves import batch
from failover_api.outcome import GroupOutcome, Outcome
from failover_api.sandbox import Fault, Sandbox
from failover_api.sandbox.call import Refused
from failover_api.sandbox.repository import MergeMethod, PullRequest
from failover_api.wiring import House, open_failover
from tests.stage import FILES, PLEX, RADARR, RELEASE, SONARR, VOLSYNC, Stage, deployment, entry

DIRECT = ["sonarr", "plex"]
REVIEWED = ["radarr", "jelly"]
SERVICES = [*DIRECT, *REVIEWED]
JELLY = ["apps/jelly/app.yaml", "apps/jelly/sync.yaml"]
PATHS = {"sonarr": [SONARR], "plex": [RELEASE, VOLSYNC], "radarr": [RADARR], "jelly": JELLY}
CATALOG = (
    entry("sonarr", "media", f"path: {SONARR}")
    + PLEX
    + entry("radarr", "media", f"path: {RADARR}", "policy: pull_request")
    + """\
  jelly:
    policy: pull_request
    switches:
      - {file: apps/jelly/app.yaml, kind: Deployment, path: spec.template.spec.nodeSelector.role, primary: primary, backup: backup}
      - {file: apps/jelly/sync.yaml, kind: ReplicationSource, path: spec.paused, primary: false, backup: true}
"""  # noqa: E501 - one switch a line
)
GROUPS = "groups:\n  all: [sonarr, plex]\n  seen: [radarr, jelly]\n"
HOMELAB = {
    **FILES,
    JELLY[0]: deployment("jelly").encode(),
    JELLY[1]: b"kind: ReplicationSource\nmetadata: {name: jelly}\nspec:\n  paused: false\n",
}
MOVES = [Action.PROMOTE, Action.DEMOTE]
SPURIOUS = {"message": f"{SONARR} is at {'a' * 40} but expected {'b' * 40}"}
WRITES: list[dict[str, str]] = [
    {"method": "PUT"},
    {"operation": "createCommitOnBranch"},
    {"operation": "updateRefs"},
    {"method": "POST", "path": "*/git/refs"},
    {"method": "POST", "path": "*/pulls"},
    {"method": "POST", "path": "*/git/commits"},
]
LATE_S = 0.2
STEPS = 12  # of one schedule, at most
TROUBLE: list[tuple[str, dict[str, Any]]] = [
    ("lost_reply", {}),
    ("lost_request", {}),
    ("late", {"seconds": 0.05}),
    ("late", {"seconds": LATE_S}),
    ("status", {"status": 502}),
    ("status_after", {"status": 502}),
    ("status", {"status": 409, "body": SPURIOUS}),
    ("race", {}),
    ("truncated", {}),
]


WISHES = st.one_of(
    st.tuples(st.integers(0, 1), st.sampled_from(SERVICES), st.sampled_from(list(Action))),
    st.tuples(st.integers(0, 1), st.sampled_from(["all", "seen"]), st.sampled_from([Action.PROMOTE, Action.DEMOTE])),
)


@dataclass
class Call:
    """One call of a replica."""

    reason: str
    name: str
    action: Action
    force: bool
    answer: Any = None
    heads: list[str] = field(default_factory=list)  # of the branch, from its start to its end


class World(RuleBasedStateMachine):
    """`sandbox` and `url` are set by whoever runs it."""

    sandbox: Sandbox
    url: str
    repositories = itertools.count()
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        World.runs += 1
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        repository = f"acme/world-{next(World.repositories)}"
        self.sandbox.add_repository(repository, HOMELAB)
        self.stage = Stage(self.sandbox, self.url, repository, Path(self.folder.name))
        self.stage.declare(CATALOG, top=GROUPS)
        self.catalog = parse_catalog(self.stage.catalog_file.read_text(), file="services.yaml")
        self.exits = contextlib.AsyncExitStack()
        self.houses: list[House] = self.run(self._open())
        self.calls: list[Call] = []
        self.marks = itertools.count()
        self.kept: dict[str, str] = {}  # {mark: path} of a person's edits on the branch
        self.pushed: dict[str, tuple[str, str]] = {}  # {commit: (branch, text)} on branches of ours
        self.lagging = self.is_late = False
        self.checked: set[str] = set()
        self.operations: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.left: dict[str, list[object]] = {}  # the values that an operation left its service with

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _open(self) -> list[House]:
        settings = self.stage.settings(deadline_s=5.0)
        return [await self.exits.enter_async_context(open_failover(settings)) for _ in range(2)]

    def teardown(self) -> None:
        try:
            self.sandbox.faults.clear()
            if self.is_late:
                time.sleep(LATE_S)  # what comes late has come
            self.laws()
            for call in self.calls:
                self.check_answer(call)
        finally:
            self.run(self.exits.aclose())
            self.runner.close()
            self.folder.cleanup()
            self.sandbox.remove_repository(self.stage.repository)

    # Acts of the replicas

    @rule(
        replica=st.integers(0, 1), name=st.sampled_from(SERVICES), action=st.sampled_from(list(Action)), how=st.data()
    )
    def move(self, replica: int, name: str, action: Action, how: st.DataObject) -> None:
        force = action is not Action.ROLLBACK and how.draw(st.sampled_from([False, False, False, True]))
        supersede = how.draw(st.booleans())
        key = how.draw(st.sampled_from([None, None, "key"]))
        self.run(self.all_of([self.call(replica, name, action, force=force, supersede=supersede, key=key)]))
        if isinstance(self.calls[-1].answer, Outcome):
            self.check_nothing_else_is_open(self.calls[-1])

    @rule(wishes=st.lists(WISHES, min_size=2, max_size=6))
    def storm(self, wishes: list[tuple[int, str, Action]]) -> None:
        self.run(self.all_of([self.call(replica, name, action) for replica, name, action in wishes]))

    @rule(
        replica=st.integers(0, 1),
        group=st.sampled_from(["all", "seen"]),
        action=st.sampled_from([Action.PROMOTE, Action.DEMOTE]),
        skip=st.booleans(),
        supersede=st.booleans(),
    )
    def group(self, replica: int, group: str, action: Action, skip: bool, supersede: bool) -> None:
        self.run(self.all_of([self.call(replica, group, action, skip_refused=skip, supersede=supersede)]))

    @rule(
        replica=st.integers(0, 1),
        name=st.sampled_from(DIRECT),
        action=st.sampled_from(MOVES),
        trouble=st.sampled_from(TROUBLE),
    )
    def move_through_trouble(
        self, replica: int, name: str, action: Action, trouble: tuple[str, dict[str, Any]]
    ) -> None:
        """A write of this very move meets something."""
        for where in WRITES[:2]:
            self.lose(trouble, where)
        self.run(self.all_of([self.call(replica, name, action)]))
        self.sandbox.faults.clear()

    @rule(name=st.sampled_from(SERVICES), action=st.sampled_from(MOVES))
    def ask_again_with_the_key(self, name: str, action: Action) -> None:
        """On the other replica, after it may have gone back."""
        key, back = f"key {next(self.marks)}", MOVES[1 - MOVES.index(action)]
        self.run(self.all_of([self.call(0, name, action, key=key)]))
        self.run(self.all_of([self.call(0, name, back)]))
        self.run(self.all_of([self.call(1, name, action, key=key)]))

    @rule(replica=st.integers(0, 1), name=st.sampled_from(SERVICES))
    def look(self, replica: int, name: str) -> None:
        async def read() -> State:
            return (await self.houses[replica].failover.status(name)).detection.state

        self.sandbox.faults.clear()  # a read that lags behind another replica is not of now
        with contextlib.suppress(FailoverError):
            assert self.run(read()) is self.state(name, self.head), "a status is of now"

    async def all_of(self, calls: list[Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*calls)
        if self.is_late:  # what lands late, lands before the content it was made from can be there again
            await asyncio.sleep(LATE_S)

    async def call(self, replica: int, name: str, action: Action, **how: Any) -> None:
        call = Call(f"call {len(self.calls)}", name, action, bool(how.get("force")))
        self.calls.append(call)
        call.heads.append(self.head)
        failover = self.houses[replica].failover
        wish = Wish(by="maria", reason=call.reason, **how)
        try:
            if name in SERVICES:
                call.answer = await failover.move(name, action, wish)
            else:
                call.answer = await failover.move_group(name, action, wish)
        except FailoverError as exc:
            call.answer = exc
        call.heads.append(self.head)
        self.check_answer(call)

    # Acts of a person

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def edit(self, name: str, soon: bool) -> None:
        """A comment in a file of the service: now, or between our read and our write."""
        path, mark = PATHS[name][-1], f"# mark-{next(self.marks)}"

        def act() -> None:
            self.stage.commit({path: (self.stage.read(path) or b"") + f"{mark}\n".encode()}, f"Edit {mark}")
            self.kept[mark] = path

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def drift(self, name: str, soon: bool) -> None:
        """A switch on neither side."""
        path = PATHS[name][0]

        def act() -> None:
            text = (self.stage.read(path) or b"").decode()
            for value in ("role: primary", "role: backup", "hostname: k3s-w1", "hostname: k3s-w2"):
                text = text.replace(value, f"{value.partition(':')[0]}: elsewhere")
            self.stage.commit({path: text}, "Drift")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(["plex", "jelly"]), soon=st.booleans())
    def half(self, name: str, soon: bool) -> None:
        """One of two files put to the other side."""
        path = PATHS[name][1]

        def act() -> None:
            text = (self.stage.read(path) or b"").decode()
            old, new = ("true", "false") if "paused: true" in text else ("false", "true")
            self.stage.commit({path: text.replace(f"paused: {old}", f"paused: {new}")}, "Half")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES))
    def restore(self, name: str) -> None:
        """Everything as it was in the beginning, as a revert does."""
        self.kept = {mark: path for mark, path in self.kept.items() if path not in PATHS[name]}
        self.stage.commit({path: HOMELAB[path] for path in PATHS[name]}, f"Revert {name}")

    @rule()
    def other_work(self) -> None:
        self.stage.commit({"README.md": f"{next(self.marks)}\n"}, "Other work")

    @rule(method=st.sampled_from(["squash", "merge", "rebase"]), which=st.integers(0, 3))
    def merge(self, method: MergeMethod, which: int) -> None:
        pulls = self.pulls()
        if pulls:
            with contextlib.suppress(Refused):  # a conflict: the person leaves it
                number = pulls[which % len(pulls)].number
                self.sandbox.merge(number, method, repository=self.stage.repository)

    @rule(which=st.integers(0, 3), delete=st.booleans())
    def close(self, which: int, delete: bool) -> None:
        pulls = self.pulls()
        if pulls:
            pull = pulls[which % len(pulls)]
            self.sandbox.close_pull(pull.number, repository=self.stage.repository)
            self.forget_pushes(pull.head)
            if delete:
                self.sandbox.set_branch(pull.head, None, repository=self.stage.repository)

    @rule(which=st.integers(0, 3))
    def push(self, which: int) -> None:
        """A commit on a branch of ours."""
        pulls = self.pulls()
        if pulls:
            branch = pulls[which % len(pulls)].head
            text = f"pushed {next(self.marks)}\n"
            self.forget_pushes(branch)
            self.pushed[self.stage.commit({"pushed.txt": text}, "Pushed", branch)] = (branch, text)

    def pulls(self) -> list[PullRequest]:
        """The open pull requests, oldest first."""
        return [pull for pull in self.sandbox.repositories[self.stage.repository].pulls.values() if pull.is_open]

    def forget_pushes(self, branch: str) -> None:
        self.pushed = {sha: place for sha, place in self.pushed.items() if place[0] != branch}

    # Acts of the network

    @rule(trouble=st.sampled_from(TROUBLE), where=st.sampled_from(WRITES))
    def lose(self, trouble: tuple[str, dict[str, Any]], where: dict[str, str]) -> None:
        kind, how = trouble
        self.is_late |= kind == "late"
        self.sandbox.faults.add(Fault(kind, **where, **how))  # type: ignore[arg-type] - sampled

    @rule(
        times=st.integers(1, 2),
        path=st.sampled_from(["*/contents/*", "*/branches/*", "*/pulls*", "*/commits*", "/graphql"]),
    )
    def lag(self, times: int, path: str) -> None:
        self.lagging = True
        self.sandbox.faults.add(Fault("stale", method="POST" if path == "/graphql" else "GET", path=path, times=times))

    # Laws

    @property
    def head(self) -> str:
        return self.sandbox.head(repository=self.stage.repository)

    def state(self, name: str, commit: str) -> State:
        return detect(self.catalog.services[name], self.manifests(name, commit)).state

    def manifests(self, name: str, commit: str) -> dict[str, Any]:
        return {path: parse(self.at(commit, path), file=path) for path in PATHS[name]}

    def at(self, commit: str, path: str) -> bytes:
        bare = self.sandbox.repositories[self.stage.repository].bare
        found = bare.entry(bare.commit(commit).tree, path)
        assert found is not None
        return bare.blob(found.sha)

    @invariant()
    def laws(self) -> None:
        commits = self.sandbox.log(repository=self.stage.repository)
        for commit in reversed(commits):
            if commit.sha not in self.checked:
                self.checked.add(commit.sha)
                for record in read_records(commit.message):
                    self.check_commit(commit, record)
        for mark, path in self.kept.items():
            assert mark in self.at(commits[0].sha, path).decode(), f"kept: {mark} of {path} was lost"
        self.check_pull_requests()

    def check_commit(self, commit: Any, record: Record) -> None:
        service = self.catalog.services[record.service]
        key = f"{record.operation} {record.service}"
        assert self.operations.setdefault(key, commit.sha) == commit.sha, f"once: {key} was written twice"
        if record.idempotency:
            first = self.keys.setdefault(record.idempotency, record.operation)
            assert first == record.operation, f"one key: {record.operation} came after {first}"
        left = detect(service, self.manifests(record.service, commit.sha))
        self.left[key], state = [reading.value for reading in left.readings], left.state
        if record.action != "rollback":
            assert state.value == record.after in {"primary", "backup"}, f"whole: {record} left it {state}"
        if len(commit.parents) != 1:
            return
        before, after = (self.manifests(record.service, sha) for sha in (commit.parents[0], commit.sha))
        was = detect(service, before)
        for old, new in zip(was.readings, detect(service, after).readings, strict=True):
            overwritten = old.state is State.UNKNOWN and old.value != new.value
            assert not overwritten or record.force or record.action == "rollback", f"kept: {record} overwrote {old}"
        if record.reverts:
            undone = self.left[f"{record.reverts} {record.service}"]
            for old, new, then in zip(was.readings, left.readings, undone, strict=True):
                assert old.value in (new.value, then), f"kept: {record} undid a person's change: {old}"
        for path in PATHS[record.service]:
            one, other = (self.at(sha, path).split(b"\n") for sha in (commit.parents[0], commit.sha))
            assert len(one) == len(other), f"kept: {record} changed the lines of {path}"
            lines = {reading.line for reading in was.readings if reading.file == path}
            changed = {i for i, (a, b) in enumerate(zip(one, other, strict=True), 1) if a != b}
            assert changed <= lines, f"kept: {record} changed lines {changed - lines} of {path}"

    def check_pull_requests(self) -> None:
        pulls = self.pulls()
        moved = [record.service for pull in pulls for record in read_records(pull.body or "")]
        assert len(moved) == len(set(moved)), f"one open: {moved}"
        for sha, (branch, text) in self.pushed.items():
            if branch in {pull.head for pull in pulls}:
                tip = self.sandbox.read("pushed.txt", branch, repository=self.stage.repository)
                assert tip == text.encode(), f"not ours: {sha} on {branch} was overwritten"

    # Answers

    def check_answer(self, call: Call) -> None:
        if isinstance(call.answer, FailoverError):
            if call.answer.outcome == "not-applied":
                assert not self.written_by(call), f"true: {call} said not applied"
            return
        parts = call.answer.parts if isinstance(call.answer, GroupOutcome) else (call.answer,)
        for part in parts:
            self.check_outcome(call, part)

    def check_outcome(self, call: Call, outcome: Outcome) -> None:
        if outcome.commit is not None:
            operations = {record.operation for record in self.records(outcome.commit.sha)}
            assert outcome.operation in operations, f"true: {call}"
            if outcome.pull_request is None:
                on_branch = {commit.sha for commit in self.sandbox.log(repository=self.stage.repository)}
                assert outcome.commit.sha in on_branch, f"true: {call} names a commit that is not on the branch"
            return
        assert not outcome.changed, f"true: {call} changed something and names no commit"
        moved = {record.service for sha in self.written_by(call) for record in self.records(sha)}
        assert moved.isdisjoint(plan.service.name for plan in outcome.plans), f"true: {call} said nothing was to do"
        if call.action is Action.ROLLBACK:
            return
        for plan in outcome.plans:
            there = {self.state(plan.service.name, sha).value for sha in self.since(call)}
            assert call.action.target.value in there, f"true: {call} said {plan.service.name} is there"

    def since(self, call: Call) -> list[str]:
        """The heads the branch had while the call went on."""
        log = [commit.sha for commit in self.sandbox.log(repository=self.stage.repository)]
        start, end = log.index(call.heads[0]), log.index(call.heads[-1])
        return log[end : start + (4 if self.lagging else 1)]

    def check_nothing_else_is_open(self, call: Call) -> None:
        """Who is told that there is nothing to do, is not moved by a pull request that was open all the time."""
        if call.answer.changed or call.answer.pull_request is not None or self.lagging:
            return
        for pull in self.pulls():
            for record in read_records(pull.body or ""):
                other_way = record.service == call.name and record.action != call.action.value
                assert not other_way or record.reason == call.reason, f"true: {call}, but #{pull.number} is open"

    def records(self, sha: str) -> tuple[Record, ...]:
        return read_records(self.sandbox.repositories[self.stage.repository].bare.commit(sha).message)

    def written_by(self, call: Call) -> list[str]:
        return [
            commit.sha
            for commit in self.sandbox.log(repository=self.stage.repository)
            for record in read_records(commit.message)
            if record.reason == call.reason
        ]


@contextlib.contextmanager
def hurried() -> Any:
    """Shorter waits: a schedule takes a tenth of the time, in the same order."""
    with (
        patch.object(batch, "READ_BACK_WAITS_S", (0.0, 0.05, 0.1, 0.1)),
        patch.object(backoff, "BACKOFF_S", 0.005),
        patch.object(files, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(heads, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(late, "LAND_S", 2 * LATE_S),
        patch.object(httpx2, "create_ssl_context", return_value=httpx2.create_ssl_context()),  # 40 ms for each house
    ):
        yield


def run(sandbox: Sandbox, url: str, schedules: int, *, shrink: bool = True) -> None:
    """Runs so many schedules; a violation raises, made as short as can be when `shrink`."""
    World.sandbox, World.url = sandbox, url
    sandbox.limits.requests_per_hour = 1_000_000_000
    phases = [Phase.reuse, Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    how = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        phases=phases,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with hurried():
        run_state_machine_as_test(World, settings=how)
    sandbox.faults.clear()
    sandbox.requests.clear()
