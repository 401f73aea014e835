"""A world for Hypothesis: two replicas that were warmed at different times, a person, and a bad network.

Each step is one act; after each, the laws of laws.py hold. A call is known in Git by its reason, new for every call.
"""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from failover_api import backoff
from failover_api.core.catalog import Action
from failover_api.core.catalog_text import parse_catalog
from failover_api.core.state import State
from failover_api.errors import FailoverError
from failover_api.failover import Wish
from failover_api.forge import files, heads, lag, late
from failover_api.forge.circuit import Circuit
from failover_api.forge.pace import Pace
from failover_api.moves import batch
from failover_api.outcome import Outcome
from failover_api.sandbox import Fault, Sandbox
from failover_api.sandbox.call import Refused
from failover_api.sandbox.repository import MergeMethod
from failover_api.wiring import House, open_failover
from tests.laws import PUSHED, Call, Laws
from tests.stage import FILES, PLEX, RADARR, RELEASE, SONARR, VOLSYNC, Stage, deployment, entry

DIRECT = ["sonarr", "plex"]
REVIEWED = ["radarr", "jelly"]
SERVICES = [*DIRECT, *REVIEWED, "kavita", "lidarr"]
JELLY = ["apps/jelly/app.yaml", "apps/jelly/sync.yaml"]
KAVITA = "apps/kavita/app.yaml"
LIDARR = "apps/lidarr/app.yaml"
PATHS = {
    "sonarr": [SONARR],
    "plex": [RELEASE, VOLSYNC],
    "radarr": [RADARR],
    "jelly": JELLY,
    "kavita": [KAVITA],
    "lidarr": [LIDARR],
}
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
    + entry("kavita", "media", f"path: {KAVITA}", "policy: pull_request", "pull_request: {auto_merge: true}")
    + entry("lidarr", "media", f"path: {LIDARR}", "fallback: pull_request")
)
GROUPS = "groups:\n  all: [sonarr, plex]\n  seen: [radarr, jelly]\n"
HOMELAB = {
    **FILES,
    JELLY[0]: deployment("jelly").encode(),
    JELLY[1]: b"kind: ReplicationSource\nmetadata: {name: jelly}\nspec:\n  paused: false\n",
    KAVITA: deployment("kavita").encode(),
    LIDARR: deployment("lidarr").encode(),
}
MOVES = [Action.PROMOTE, Action.DEMOTE]
SPURIOUS = {"message": f"{SONARR} is at {'a' * 40} but expected {'b' * 40}"}
WRITES: list[dict[str, str]] = [
    {"method": "PUT", "path": "*/contents/*"},
    {"operation": "createCommitOnBranch"},
    {"operation": "updateRefs"},
    {"operation": "enablePullRequestAutoMerge"},
    {"method": "PUT", "path": "*/merge"},
    {"method": "PATCH", "path": "*/pulls/*"},
    {"method": "POST", "path": "*/git/refs"},
    {"method": "POST", "path": "*/pulls"},
    {"method": "POST", "path": "*/git/commits"},
]
READS = ["*/contents/*", "*/branches/*", "*/pulls*", "*/commits*", "/graphql"]
LATE_S = 0.2
LAG_S = 0.6  # how long reads may lag
LAG_KNOWN_S = LAG_S + 0.2  # how long after a write of ours they are known to
STEPS = 12  # of one schedule, at most
LOT = 10  # schedules that share a seed
TROUBLE: list[tuple[str, dict[str, Any]]] = [
    ("lost_reply", {}),
    ("lost_request", {}),
    ("late", {"seconds": 0.05}),
    ("late", {"seconds": LATE_S}),
    ("status", {"status": 502}),
    ("status_after", {"status": 502}),
    ("status", {"status": 403, "body": {"message": "Resource not accessible by integration"}}),
    ("status", {"status": 409, "body": SPURIOUS}),
    ("race", {}),
    ("truncated", {}),
    ("bad_json", {}),
    ("rate_limit_secondary", {"retry_after": 1}),
]
NOT_READ: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 502}),
    ("status", {"status": 404, "body": {"message": "Not Found"}}),
    ("rate_limit_primary", {"seconds": 1}),
    ("rate_limit_secondary", {"retry_after": 1}),
    ("bad_json", {}),
]


OPEN = Circuit.open
WISHES = st.one_of(
    st.tuples(st.integers(0, 1), st.sampled_from(SERVICES), st.sampled_from(list(Action))),
    st.tuples(st.integers(0, 1), st.sampled_from(["all", "seen"]), st.sampled_from([Action.PROMOTE, Action.DEMOTE])),
)


class World(Laws, RuleBasedStateMachine):
    """`sandbox` and `url` are set by whoever runs it."""

    sandbox: Sandbox
    url: str
    repositories = itertools.count()
    runs = 0

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Laws.__init__(self)
        World.runs += 1
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.repository = f"acme/world-{next(World.repositories)}"
        self.sandbox.add_repository(self.repository, HOMELAB)
        self.variants = {name: [[path] for path in paths] for name, paths in PATHS.items()}
        self.stage = Stage(self.sandbox, self.url, self.repository, Path(self.folder.name))
        self.exits = [contextlib.AsyncExitStack(), contextlib.AsyncExitStack()]
        self.marks = itertools.count()
        self.own = [0, 0]  # the head that each replica's last write made, as a place among `heads`
        self.acted = 0  # the replica that acted last
        self.quiet_at = 0.0  # time.monotonic(): what looks like lag is believed from then on
        self.declare()
        self.houses: list[House] = [self.run(self._open(replica)) for replica in (0, 1)]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _open(self, replica: int) -> House:
        settings = self.stage.settings(deadline_s=5.0)
        return await self.exits[replica].enter_async_context(open_failover(settings, pace=Pace(())))

    def declare(self) -> None:
        """The catalog, with the names that the files have on the branch."""
        text = CATALOG
        for name, paths in PATHS.items():
            for first, names in zip(paths, self.variants[name], strict=True):
                names.sort(key=lambda path: self.stage.read(path) is not None)
                text = text.replace(first, names[-1])
        self.stage.declare(text, top=GROUPS)
        self.catalog = parse_catalog(self.stage.catalog_file.read_text(), file="services.yaml")
        for house in getattr(self, "houses", ()):
            house.catalog.reload()

    def path(self, name: str, i: int) -> str:
        """What file `i` of a service is called on the branch now."""
        return self.variants[name][i][-1]

    def teardown(self) -> None:
        try:
            self.sandbox.faults.clear()
            if self.is_late:
                time.sleep(LATE_S)  # what comes late has come
            self.check_all()
            self.go_back()
            for call in self.calls:
                self.check_answer(call)
        finally:
            for exits in self.exits:
                self.run(exits.aclose())
            self.runner.close()
            self.folder.cleanup()
            self.sandbox.remove_repository(self.repository)

    @invariant()
    def laws(self) -> None:
        self.check_all()

    # Acts of the replicas

    @rule(
        replica=st.integers(0, 1), name=st.sampled_from(SERVICES), action=st.sampled_from(list(Action)), how=st.data()
    )
    def move(self, replica: int, name: str, action: Action, how: st.DataObject) -> None:
        force = action is not Action.ROLLBACK and how.draw(st.sampled_from([False, False, False, True]))
        supersede = how.draw(st.booleans())
        key = how.draw(st.sampled_from([None, None, "key"]))
        self.alone(replica, name, action, force=force, supersede=supersede, key=key)

    def alone(self, replica: int, name: str, action: Action, **how: Any) -> None:
        """One call, beside which nobody else acts but a person between our read and our write."""
        alone = not self.stage.acts_to_come
        self.run(self.all_of([self.call(replica, name, action, alone=alone, **how)]))
        call = self.calls[-1]
        self.check_what_it_did(call)
        self.check_finished(call)
        if isinstance(call.answer, Outcome):
            self.check_nothing_else_is_open(call)

    def go_back(self) -> None:
        """When all is quiet, what was moved last can be moved the other way."""
        moved = [call for call in self.calls if call.name in SERVICES and call.action in MOVES]
        if moved:
            self.sandbox.unprotect(repository=self.repository)
            self.run(asyncio.sleep(max(0.0, self.quiet_at - time.monotonic())))
            name, action = moved[-1].name, MOVES[1 - MOVES.index(moved[-1].action)]
            self.alone(moved[-1].replica, name, action, supersede=True, force=True)
            self.check_all()
            self.check_has_moved(self.calls[-1])

    @rule(wishes=st.lists(WISHES, min_size=2, max_size=6))
    def storm(self, wishes: list[tuple[int, str, Action]]) -> None:
        if self.is_late:  # a replica does not know what the other's late write was made from
            wishes = [(wishes[0][0], *wish[1:]) for wish in wishes]
        self.run(self.all_of([self.call(replica, name, action) for replica, name, action in wishes]))

    @rule(
        replica=st.integers(0, 1),
        group=st.sampled_from(["all", "seen"]),
        action=st.sampled_from([Action.PROMOTE, Action.DEMOTE]),
        skip=st.booleans(),
        supersede=st.booleans(),
    )
    def group(self, replica: int, group: str, action: Action, skip: bool, supersede: bool) -> None:
        self.alone(replica, group, action, skip_refused=skip, supersede=supersede)

    @rule(
        replica=st.integers(0, 1),
        name=st.sampled_from(SERVICES),
        action=st.sampled_from(MOVES),
        trouble=st.sampled_from(TROUBLE),
        more=st.sampled_from([None, *TROUBLE]),
    )
    def move_through_trouble(
        self,
        replica: int,
        name: str,
        action: Action,
        trouble: tuple[str, dict[str, Any]],
        more: tuple[str, dict[str, Any]] | None,
    ) -> None:
        """The writes of this very move meet something, and then the same or something else; then it is asked again."""
        for where in WRITES:
            self.lose(trouble, where)
        for where in WRITES if more else ():
            assert more is not None
            self.lose(more, where)
        self.run(self.all_of([self.call(replica, name, action)]))
        self.sandbox.faults.clear()
        self.alone(replica, name, action)

    @rule(name=st.sampled_from(SERVICES), action=st.sampled_from(MOVES))
    def ask_again_with_the_key(self, name: str, action: Action) -> None:
        """On the other replica, after it may have gone back."""
        key, back = f"key {next(self.marks)}", MOVES[1 - MOVES.index(action)]
        self.run(self.all_of([self.call(0, name, action, key=key)]))
        self.run(self.all_of([self.call(0, name, back)]))
        self.run(self.all_of([self.call(1, name, action, key=key)]))

    @rule(name=st.sampled_from(SERVICES), action=st.sampled_from(MOVES))
    def one_key_on_both(self, name: str, action: Action) -> None:
        key = f"key {next(self.marks)}"
        if not self.is_late:
            self.run(self.all_of([self.call(replica, name, action, key=key) for replica in (0, 1)]))

    @rule(replica=st.integers(0, 1), name=st.sampled_from(SERVICES))
    def look(self, replica: int, name: str) -> None:
        async def read() -> Any:
            return await self.houses[replica].failover.status(name)

        self.sandbox.faults.clear()  # a read that lags behind another replica is not of now
        with contextlib.suppress(FailoverError):
            status = self.run(read())
            state: State = status.detection.state
            assert state is self.state(name, self.head), "a status is of now"
            last = status.last_move
            assert last is None or last.logged.sha not in self.persons, f"not ours: {last} of {name} is a person's"

    @rule(replica=st.integers(0, 1), name=st.sampled_from(SERVICES))
    def look_back(self, replica: int, name: str) -> None:
        self.sandbox.faults.clear()
        with contextlib.suppress(FailoverError):
            page = self.run(self.houses[replica].failover.history(name, limit=100))
            told = {entry.logged.sha for entry in page.entries if entry.record is not None}
            assert told.isdisjoint(self.persons), f"not ours: the history of {name} tells {told & self.persons}"
            ours = {commit.sha for commit in self.log() for record in self.ours(commit) if record.service == name}
            assert ours <= told, f"true: the history of {name} lacks {ours - told}"

    @rule(replica=st.integers(0, 1))
    def restart(self, replica: int) -> None:
        """From then on it knows what it reads from then on."""
        self.run(self.exits[replica].aclose())
        self.exits[replica] = contextlib.AsyncExitStack()
        self.houses[replica] = self.run(self._open(replica))
        self.own[replica] = 0

    async def all_of(self, calls: list[Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*calls)

    async def call(self, replica: int, name: str, action: Action, *, alone: bool = False, **how: Any) -> None:
        if self.is_late and replica != self.acted:
            await asyncio.sleep(LATE_S)  # what is left of a late write across replicas: nobody else knows of it
        self.acted = replica
        call = Call(f"call {len(self.calls)}", replica, name, action, bool(how.get("force")), alone)
        self.calls.append(call)
        call.start, call.own = len(self.heads) - 1, self.own[replica]
        call.pulls = {pull.number: self.state_of(pull) for pull in self.all_pulls()}
        failover = self.houses[replica].failover
        wish = Wish(by="maria", reason=call.reason, **how)
        try:
            if name in SERVICES:
                call.answer = await failover.move(name, action, wish)
            else:
                call.answer = await failover.move_group(name, action, wish)
        except FailoverError as exc:
            call.answer = exc
        call.end = len(self.heads) - 1
        self.ever |= {commit.sha for commit in self.log()}
        self.own[replica] = max(self.own[replica], self.head_made_by(call))
        self.check_answer(call)

    # Acts of a person

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def edit(self, name: str, soon: bool) -> None:
        """A comment in a file of the service: now, or between our read and our write."""
        i, mark = len(PATHS[name]) - 1, f"# mark-{next(self.marks)}"

        def act() -> None:
            path = self.path(name, i)
            self.stage.commit({path: (self.stage.read(path) or b"") + f"{mark}\n".encode()}, f"Edit {mark}")
            self.kept[mark] = name, i

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def drift(self, name: str, soon: bool) -> None:
        """A switch on neither side."""

        def act() -> None:
            path = self.path(name, 0)
            text = (self.stage.read(path) or b"").decode()
            for value in ("role: primary", "role: backup", "hostname: k3s-w1", "hostname: k3s-w2"):
                text = text.replace(value, f"{value.partition(':')[0]}: elsewhere")
            self.stage.commit({path: text}, "Drift")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(["plex", "jelly"]), soon=st.booleans())
    def half(self, name: str, soon: bool) -> None:
        """One of two files put to the other side."""

        def act() -> None:
            path = self.path(name, 1)
            text = (self.stage.read(path) or b"").decode()
            old, new = ("true", "false") if "paused: true" in text else ("false", "true")
            self.stage.commit({path: text.replace(f"paused: {old}", f"paused: {new}")}, "Half")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES))
    def restore(self, name: str) -> None:
        """Everything as it was in the beginning, as a revert does."""
        self.kept = {mark: place for mark, place in self.kept.items() if place[0] != name}
        changes = {self.path(name, i): HOMELAB[path] for i, path in enumerate(PATHS[name])}
        self.stage.commit(changes, f"Revert {name}")

    @rule(which=st.integers(0, 3))
    def revert(self, which: int) -> None:
        """Undoes one of our newest commits, and quotes its whole message, trailers and all."""
        commits = [commit for commit in self.log() if self.ours(commit) and len(commit.parents) == 1][:4]
        if not commits:
            return
        commit = commits[which % len(commits)]
        changes: dict[str, Any] = {}
        for name in {record.service for record in self.ours(commit)}:
            for i, names in self.files(name):
                then, before = self.at(commit.sha, name, i), self.at(commit.parents[0], name, i)
                if self.at(self.head, name, i) != then:
                    return  # it does not apply any more
                if before != then:
                    changes[names[-1]] = before
        quoted = f'Revert "{commit.message.splitlines()[0]}"\n\nThis reverts commit {commit.sha}.\n\n{commit.message}'
        self.persons.add(self.stage.commit(changes, quoted))

    @rule(name=st.sampled_from(SERVICES), action=st.sampled_from(MOVES), which=st.integers(0, 3))
    def invent(self, name: str, action: Action, which: int) -> None:
        """A contributor's text ends with trailers that nobody wrote, or with those of another commit."""
        before, after = ("primary", "backup") if action is Action.PROMOTE else ("backup", "primary")
        invented = (
            f"Failover-Service: {name}\nFailover-Action: {action}\nFailover-From: {before}\nFailover-To: {after}\n"
            f"Failover-Operation: 01JD{next(self.marks):022}\nFailover-Requested-By: maria\n"
            "Failover-Requested-At: 2026-11-23T04:00:00Z"
        )
        ours = [commit.message for commit in self.log() if self.ours(commit)][:which]
        text = f"Add a note (#7)\n\n{ours[-1] if ours else invented}"
        self.persons.add(self.stage.commit({f"notes/{next(self.marks)}.md": "A note.\n"}, text))

    @rule(name=st.sampled_from(SERVICES))
    def rename(self, name: str) -> None:
        """`git mv` of a service's first file, and of its path in the catalog."""
        old = self.path(name, 0)
        content = self.stage.read(old)
        assert content is not None
        new = f"apps/moved-{next(self.marks)}/{old.rpartition('/')[2]}"
        self.variants[name][0].append(new)
        self.stage.commit({old: None, new: content}, f"Move {name}")
        self.declare()

    @rule(back=st.integers(1, 3), work=st.booleans())
    def force_push(self, back: int, work: bool) -> None:
        """The branch goes back, and may then go another way."""
        log = self.log()
        target = log[min(back, len(log) - 1)].sha
        self.sandbox.set_branch("main", target, repository=self.repository)
        if work:
            self.stage.commit({"README.md": f"{next(self.marks)}\n"}, "Other work")
        self.declare()
        self.quiet_at = time.monotonic() + LAG_KNOWN_S
        there = {mark: place for mark, place in self.kept.items() if mark in self.at(target, *place).decode()}
        self.kept = there

    @rule(on=st.booleans())
    def protect(self, on: bool) -> None:
        """From now on, or no more, the branch takes pull requests only."""
        if on:
            self.sandbox.protect(approvals=0, repository=self.repository)
        else:
            self.sandbox.unprotect(repository=self.repository)

    @rule()
    def other_work(self) -> None:
        self.stage.commit({"README.md": f"{next(self.marks)}\n"}, "Other work")

    @rule(method=st.sampled_from(["squash", "merge", "rebase"]), which=st.integers(0, 3))
    def merge(self, method: MergeMethod, which: int) -> None:
        pulls = self.pulls()
        if pulls:
            with contextlib.suppress(Refused):  # a conflict: the person leaves it
                number = pulls[which % len(pulls)].number
                self.sandbox.merge(number, method, repository=self.repository)

    @rule(which=st.integers(0, 3), delete=st.booleans())
    def close(self, which: int, delete: bool) -> None:
        pulls = self.pulls()
        if pulls:
            pull = pulls[which % len(pulls)]
            self.sandbox.close_pull(pull.number, repository=self.repository)
            self.forget_pushes(pull.head)
            if delete:
                self.sandbox.set_branch(pull.head, None, repository=self.repository)

    @rule(which=st.integers(0, 3), quoting=st.booleans())
    def push(self, which: int, quoting: bool) -> None:
        """A commit on a branch of ours, which may quote the one before it."""
        pulls = self.pulls()
        if pulls:
            branch = pulls[which % len(pulls)].head
            text = f"pushed {next(self.marks)}\n"
            self.forget_pushes(branch)
            quoted = self.sandbox.log(branch, repository=self.repository)[0].message if quoting else ""
            self.pushed[self.stage.commit({"pushed.txt": text}, f"{PUSHED}\n\n{quoted}", branch)] = (branch, text)

    def forget_pushes(self, branch: str) -> None:
        self.pushed = {sha: place for sha, place in self.pushed.items() if place[0] != branch}

    # Acts of the network

    @rule(trouble=st.sampled_from(TROUBLE), where=st.sampled_from(WRITES))
    def lose(self, trouble: tuple[str, dict[str, Any]], where: dict[str, str]) -> None:
        kind, how = trouble
        self.is_late |= kind == "late"
        self.troubled = True
        self.sandbox.faults.add(Fault(kind, **where, **how))  # type: ignore[arg-type] - sampled

    @rule(trouble=st.sampled_from(NOT_READ), path=st.sampled_from(READS), times=st.integers(1, 4))
    def lose_reads(self, trouble: tuple[str, dict[str, Any]], path: str, times: int) -> None:
        kind, how = trouble
        self.troubled = True
        method = "POST" if path == "/graphql" else "GET"
        self.sandbox.faults.add(Fault(kind, method=method, path=path, times=times, **how))  # type: ignore[arg-type] - sampled

    @rule(times=st.integers(1, 2), path=st.sampled_from(READS))
    def stale(self, times: int, path: str) -> None:
        self.lagging = self.troubled = True
        self.sandbox.faults.add(Fault("stale", method="POST" if path == "/graphql" else "GET", path=path, times=times))

    @rule(times=st.integers(1, 12), seconds=st.sampled_from([0.05, 0.2, LAG_S]))
    def lag(self, times: int, seconds: float) -> None:
        """Every read, of whatever kind, is answered as things were so long ago."""
        self.lagging = self.troubled = True
        for path in READS:
            method = "POST" if path == "/graphql" else "GET"
            self.sandbox.faults.add(Fault("lag", method=method, path=path, times=times, seconds=seconds))


def _open_shortly(self: Circuit, key: str, wait_s: float, *, secondary: bool) -> None:
    OPEN(self, key, wait_s / 20, secondary=secondary)


@contextlib.contextmanager
def hurried() -> Any:
    """Shorter waits: a schedule takes a tenth of the time, in the same order."""
    with (
        patch.object(batch, "READ_BACK_WAITS_S", (0.0, 0.05, 0.1, 0.1)),
        patch.object(backoff, "BACKOFF_S", 0.005),
        patch.object(files, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(heads, "WAITS_S", (0.01, 0.03, 0.06)),
        patch.object(late, "LAND_S", 2 * LATE_S),
        patch.object(lag, "LAG_S", LAG_KNOWN_S),
        patch.object(Circuit, "open", _open_shortly),
        patch.object(httpx2, "create_ssl_context", return_value=httpx2.create_ssl_context()),  # 40 ms for each house
    ):
        yield


def run(sandbox: Sandbox, url: str, schedules: int, *, seed: int, shrink: bool = True) -> None:
    """Runs so many schedules; a violation raises, made as short as can be when `shrink`.

    In lots, each with a seed of its own: Hypothesis makes later ones of a lot like earlier ones.
    """
    World.sandbox, World.url = sandbox, url
    sandbox.limits.requests_per_hour = 1_000_000_000
    how = settings(
        max_examples=LOT,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    end = World.runs + schedules
    with hurried():
        while World.runs < end:
            lot = with_seed(seed)(type("World", (World,), {}))
            try:
                run_state_machine_as_test(lot, settings=how)
            except BaseException as exc:
                exc.add_note(f"seed {seed}")
                raise
            seed += 1
    sandbox.faults.clear()
    sandbox.requests.clear()
