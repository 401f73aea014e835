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

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.state import State
from failover_api.errors import FailoverError, NotShownYet
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.moves.outcome import Outcome
from failover_api.sandbox import Sandbox
from failover_api.wiring import Components, open_failover
from tests.story.lab import HOMELAB, MOVES, PATHS, SERVICES
from tests.story.laws import Call, Laws
from tests.story.network import LAG_KNOWN_S, LAG_S, LATE_S, TROUBLE, WRITES, Network, hurried
from tests.story.persons import Person
from tests.support.stage import Stage

STEPS = 12  # of one schedule, at most
LOT = 10  # schedules that share a seed
CALLS = st.one_of(
    st.tuples(st.integers(0, 1), st.sampled_from(SERVICES), st.sampled_from(list(Action))),
    st.tuples(st.integers(0, 1), st.sampled_from(["all", "seen"]), st.sampled_from([Action.PROMOTE, Action.DEMOTE])),
)


class World(Person, Network, RuleBasedStateMachine):
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
        self.declare()
        self.replicas: list[Components] = [self.run(self._open(replica)) for replica in (0, 1)]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _open(self, replica: int) -> Components:
        settings = self.stage.settings(deadline_s=5.0)
        return await self.exits[replica].enter_async_context(open_failover(settings, rate_limit=RateLimit(())))

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
            if isinstance(self.calls[-1].answer, NotShownYet):  # the other replica has made our branch anew
                self.run(asyncio.sleep(LAG_KNOWN_S))
                self.alone(moved[-1].replica, name, action, supersede=True, force=True)
            self.check_all()
            self.check_has_moved(self.calls[-1])

    @rule(calls=st.lists(CALLS, min_size=2, max_size=6))
    def storm(self, calls: list[tuple[int, str, Action]]) -> None:
        if self.is_late:  # a replica does not know what the other's late write was made from
            calls = [(calls[0][0], *call[1:]) for call in calls]
        self.run(self.all_of([self.call(replica, name, action) for replica, name, action in calls]))

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
            return await self.replicas[replica].failover.status(name)

        self.sandbox.faults.clear()  # a read that lags behind another replica is not of now
        with contextlib.suppress(FailoverError):
            status = self.run(read())
            state: State = status.detection.state
            assert state is self.state(name, self.head), "a status is of now"
            last = status.last_move
            assert last is None or last.logged.sha not in self.persons, f"not ours: {last} of {name} is a person's"
            ours = [record.operation for record in self.records_of(name)][:1]
            assert ours == [last.record.operation for _ in ours if last and last.record], f"true: {last} is not {ours}"

    @rule(replica=st.integers(0, 1), name=st.sampled_from(SERVICES))
    def look_back(self, replica: int, name: str) -> None:
        self.sandbox.faults.clear()
        with contextlib.suppress(FailoverError):
            page = self.run(self.replicas[replica].failover.history(name, limit=100))
            told = {entry.logged.sha for entry in page.entries if entry.record is not None}
            assert told.isdisjoint(self.persons), f"not ours: the history of {name} tells {told & self.persons}"
            ours = {record.operation for record in self.records_of(name)}
            proved = {entry.record.operation for entry in page.entries if entry.record and entry.verified}
            assert ours <= proved, f"true: the history of {name} lacks {ours - proved}"

    @rule(replica=st.integers(0, 1))
    def restart(self, replica: int) -> None:
        """From then on it knows what it reads from then on."""
        self.run(self.exits[replica].aclose())
        self.exits[replica] = contextlib.AsyncExitStack()
        self.replicas[replica] = self.run(self._open(replica))
        self.own[replica] = 0

    async def all_of(self, calls: list[Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*calls)

    async def call(self, replica: int, name: str, action: Action, *, alone: bool = False, **how: Any) -> None:
        if self.is_late and replica != self.acted:
            await asyncio.sleep(LATE_S)  # what is left of a late write across replicas: nobody else knows of it
        self.acted = replica
        call = Call(f"call {len(self.calls)}", replica, name, action, bool(how.get("force")), alone)
        self.calls.append(call)
        call.start, call.own, call.oldest = len(self.heads) - 1, self.own[replica], self.oldest_seen(LAG_S)
        call.pulls = {pull.number: self.state_of(pull) for pull in self.all_pulls()}
        failover = self.replicas[replica].failover
        request = MoveRequest(by="maria", reason=call.reason, **how)
        try:
            if name in SERVICES:
                call.answer = await failover.move(name, action, request)
            else:
                call.answer = await failover.move_group(name, action, request)
        except FailoverError as exc:
            call.answer = exc
        call.end = len(self.heads) - 1
        self.ever |= {commit.sha for commit in self.log()}
        self.own[replica] = max(self.own[replica], self.head_made_by(call))
        self.check_answer(call)


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
