"""The round, about once a second, of the replica that leads: observe, judge, ask the gates, move.

    observe    nodes and Leases from the watch; Git only while a node is in question
    judge      core/safety/judgement: in what state each node is
    govern     core/safety/governance: acts, and what holds the others
    move       failover.py, as anybody's move; its permit is a look at nodes and Leases that are listed anew

Whatever is decided is thrown away with the leadership: another leader begins with `starting`. Nothing of it is raised:
what fails is logged, and the next round decides anew.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import partial

from cachetools import LRUCache

from failover_api.automatic.alert_mover import Written
from failover_api.automatic.control import Control
from failover_api.automatic.facts import GitReader, GitView, facts_of, git_facts
from failover_api.automatic.fencer import Fencer, is_applied
from failover_api.automatic.homecoming import Homecoming
from failover_api.automatic.last_look import LastLook
from failover_api.automatic.sharing import annotations_of, book_of, report_of, with_fences, with_returns
from failover_api.automatic.telling import Teller
from failover_api.cluster.port import Cluster
from failover_api.core.automatic.notes import read_notes
from failover_api.core.automatic.report import Report
from failover_api.core.catalog.automatic import Automatic, Failback
from failover_api.core.catalog.model import Catalog, Side
from failover_api.core.planning.request import PERMIT_LASTS_S, MoveRequest
from failover_api.core.safety.governance import (
    ALERT,
    Act,
    AlertOrder,
    Permit,
    Proposal,
    Refused,
    Return,
    ServiceFacts,
    Situation,
    Tally,
    decide,
    recheck,
    returns,
)
from failover_api.core.safety.governance.decisions import is_in_question, on_no_node
from failover_api.core.safety.judgement import Memory, Verdicts, sample_of, step, with_flaps
from failover_api.core.safety.observed import View
from failover_api.core.safety.surroundings import ClusterLook
from failover_api.core.wording import cut
from failover_api.errors import ClusterFailure, FailoverError, NotPermitted
from failover_api.events import Events
from failover_api.failover import Failover
from failover_api.host_clock import HostClock
from failover_api.moves.evacuation import NodeOutcome

ROUND_S = 1.0
GIT_EVERY_S, GIT_AT_REST_S = 10.0, 60.0
GIT_HOMEWARD_S = 20.0  # while something may go home: what was read longer ago than 30 s holds it
FACTS_AT_REST_S = 10.0
AGAIN_S = 30.0  # an act that was refused is not tried again before
LIST_TIMEOUT_S = 2.0
MAX_KEPT = 1024
NO_EVENT = ("", "")
_UNPLAIN = re.compile(r"[^A-Za-z0-9._-]+")  # what an alert is called is said by its sender
_log = logging.getLogger(__name__)


class Guard:
    """Acts for one cluster. `git_clock` is the Git host's. `monotonic` and `sleep` are those of time and asyncio,
    unless a test moves them.
    """

    def __init__(
        self,
        cluster: Cluster,
        catalog: Callable[[], Catalog],
        failover: Failover,
        control: Control,
        events: Events,
        *,
        git_clock: HostClock,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._cluster, self._catalog, self._failover = cluster, catalog, failover
        self._control, self._git_clock = control, git_clock
        self._monotonic, self._sleep = monotonic, sleep
        self._git = GitReader(failover, monotonic=monotonic)
        self._teller = Teller(events)
        self._fencer = Fencer(cluster.node_fence(timeout_s=LIST_TIMEOUT_S), control, monotonic=monotonic)
        self._home = Homecoming(
            lambda *how: failover.relocations.start(*how),
            self._may_return,
            running=lambda: failover.relocations.running(),
            catalog=catalog,
            monotonic=monotonic,
        )
        self._memory: Memory | None = None  # None: this process does not lead
        self._situation: Situation | None = None  # of the last round
        self._found: tuple[GitView, float, tuple[ServiceFacts, ...]] | None = None
        self._tally = Tally()
        self._report: Report | None = None
        self._acting: dict[str, asyncio.Task[None]] = {}
        self._rest_until: LRUCache[str, float] = LRUCache(MAX_KEPT)  # by key of what was refused
        self._proposed: LRUCache[str, tuple[str, ...]] = LRUCache(MAX_KEPT)  # by key: of these a pull request is open
        control.report = lambda: self._report
        control.leader.along = self._along

    async def run(self) -> None:
        """Until it is cancelled; then what is being written is waited for, and the Lease is left to others."""
        leading = asyncio.create_task(self._control.leader.run())
        try:
            while True:
                await self.round()
                await self._sleep(ROUND_S)
        finally:
            await self._end(leading)

    async def _end(self, leading: "asyncio.Task[None]") -> None:
        if acting := list(self._acting.values()):
            await asyncio.wait(acting, timeout=self._failover.deadline_s)
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        for task in self._acting.values():
            task.cancel()
        await asyncio.gather(*self._acting.values(), return_exceptions=True)
        await asyncio.gather(self._fencer.aclose(), self._home.aclose())
        await self._git.aclose()
        self._control.report = lambda: None
        self._control.leader.along = dict
        await self._control.leader.release()

    async def round(self) -> None:
        """One look, and what follows from it."""
        try:
            if self._control.leader.leads:
                await self._round()
            else:
                self._forget()
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            _log.exception("a round of automatic failover failed by a defect")

    def _forget(self) -> None:
        if self._memory is not None:
            self._memory = self._situation = self._report = None
            self._teller.forget()

    async def _round(self) -> None:
        view = self._cluster.view()
        situation = self._situation = self._judged(view, at_rest_s=FACTS_AT_REST_S)
        decisions = decide(situation)
        self._tally = self._tally.after(situation.verdicts, decisions)
        self._fence(situation, view)
        home = returns(situation)
        report = with_fences(report_of(situation, decisions), self._fencer.said)
        in_turn = self._home.in_turn(home)
        self._report = with_returns(report, in_turn, self._home.why_not)
        self._want_git(situation, is_anyone_away=bool(home))
        self._teller.tell(situation, decisions)
        for act in map(self._without_waves, decisions.acts):
            if act.services:
                self._begin(act, partial(self.write, act))
        for proposal, act in decisions.proposals:
            if proposal is Proposal.PULL_REQUEST and self._proposed.get(act.key) != act.services:
                self._begin(act, partial(self._propose, act))
        self._teller.tell_returns(in_turn, situation.verdicts.now)
        self._teller.tell_stuck(home, self._home.why_not, situation.verdicts.now)
        self._home.round(home)

    def _fence(self, situation: Situation, view: View) -> None:
        """Where a person attests that a node is off, and its services were moved away: the taint out-of-service."""
        look = ClusterLook(view, situation.verdicts.now, True, situation.verdicts.monotonic)
        services, fenced = self._catalog().services.values(), self._control.notes.fenced
        self._fencer.round(
            situation, services, fenced, lambda name: is_applied(self._git.view.statuses.get(name), look)
        )

    # Judging

    @property
    def _rules(self) -> Automatic:
        return self._catalog().automatic

    def _judged(self, view: View, event: tuple[str, str] = NO_EVENT, *, at_rest_s: float = 0.0) -> Situation:
        """One sample more, and all that is known with it, for an event: its trigger and its key.

        What is known of services may be so old while no node is in question.
        """
        now, monotonic = self._cluster.clock.now(), self._monotonic()
        if self._memory is None:
            notes = self._control.notes
            self._memory = with_flaps(notes.flaps, now=now, monotonic=monotonic)
            self._tally = notes.tally
        sample = sample_of(view, now=now, monotonic=monotonic)
        self._memory, verdicts = step(self._memory, sample, self._rules)
        is_at_rest = not any(is_in_question(node) for node in verdicts.nodes.values())
        facts = self._facts(view, verdicts, event, at_rest_s if is_at_rest else 0.0)
        git_now = self._git_clock.now() if self._git_clock.is_known else None
        book = book_of(self._control.notes).current(verdicts)
        return Situation(verdicts, self._rules, facts, git_facts(self._git.view, git_now), book)

    def _facts(
        self, view: View, verdicts: Verdicts, event: tuple[str, str], oldest_s: float
    ) -> tuple[ServiceFacts, ...]:
        git, now, known = self._git.view, verdicts.monotonic, self._found
        if known is not None and known[0] is git and now - known[1] < oldest_s:
            return known[2]
        look = ClusterLook(view, verdicts.now, True, now)
        found = facts_of(git, look, self._failover.waves.unmoved(*event))
        self._found = (git, now, found) if event == NO_EVENT else None
        return found

    def _want_git(self, situation: Situation, *, is_anyone_away: bool) -> None:
        """Git is read while a node is in question, with a close look at what is on it; else as seldom as will do."""
        nodes = {node.name for node in situation.verdicts.nodes.values() if is_in_question(node)}
        on_it = [service.name for service in situation.services if service.active in nodes]
        if nodes and self._git.view.is_unread:
            self._git.want((), within_s=0.0)
        elif nodes:
            is_known = set(on_it) <= self._git.view.around.keys()
            self._git.want(on_it, within_s=GIT_EVERY_S if is_known else ROUND_S)
        elif self._git.view.is_unread or on_no_node(situation) or situation.rules.failback is not Failback.NONE:
            away = (facts.name for facts in situation.services if facts.side is Side.BACKUP and not facts.last_move)
            within_s = GIT_HOMEWARD_S if is_anyone_away else GIT_AT_REST_S
            self._git.want(away, within_s=within_s)  # what brought them there may be long ago

    # Acting

    def _without_waves(self, act: Act) -> Act:
        """Without what moves in a later wave of the same event, or is held there: that is decided already."""
        under_way = self._failover.waves.members_of_event(act.trigger, act.key)
        return _only(act, [name for name in act.services if name not in under_way])

    def _begin(self, act: Act, write: Callable[[], Awaitable[Written]]) -> None:
        """Unless it is under way, or was refused a moment ago."""
        if act.key in self._acting or self._monotonic() < self._rest_until.get(act.key, 0.0):
            return
        self._teller.acting(act)
        task = self._acting[act.key] = asyncio.create_task(self._carry_out(act, write))
        task.add_done_callback(lambda _: self._acting.pop(act.key, None))

    async def _carry_out(self, act: Act, write: Callable[[], Awaitable[Written]]) -> None:
        """Moves what the act names. What refuses it is told, and decided on anew later."""
        try:
            written = await write()
        except FailoverError as exc:
            self._rest(act)
            self._teller.refused(act, exc.slug, exc.detail)
        except Exception:  # noqa: BLE001 - a defect of ours must not end the watching
            self._rest(act)
            _log.exception("an automatic move failed by a defect", extra={"node": act.node})
        else:
            if written.holds or written.refused:
                self._rest(act)
                self._teller.refused(act, "refused", "; ".join(written.refused.values()))

    def _rest(self, act: Act) -> None:
        self._rest_until[act.key] = self._monotonic() + AGAIN_S

    async def _propose(self, act: Act) -> Written:
        """Opens the pull request that a person has to merge; once, and nothing more. Raises as write()."""
        written = await self._write(act, None, lambda one: partial(self._permit_to_propose, one))
        if not written.refused and not written.holds:
            self._proposed[act.key] = act.services
        return written

    async def write(self, act: Act, order: AlertOrder | None = None) -> Written:
        """Writes what an act names, if it is still permitted right before that. Raises as Failover.evacuate()."""
        return await self._write(act, order, lambda one: partial(self._permit, one, order))

    async def _write(
        self, act: Act, order: AlertOrder | None, permit_of: Callable[[Act], Callable[[], Awaitable[Permit | Refused]]]
    ) -> Written:
        def check_of(one: Act) -> LastLook:
            return LastLook(permit_of(one), self._monotonic, lambda: self._control.leader.leads)

        check = check_of(act)
        request = MoveRequest(
            by=act.trigger,
            key=act.key,
            skip_refused=True,
            trigger=act.trigger,
            evidence=act.evidence,
            permit=check,
            permit_for=lambda names: check_of(_only(act, names)),
        )
        try:
            if order is not None and order.node is None:
                name = f"alert {_UNPLAIN.sub('-', order.alert.name)[:60]}"
                outcome = await self._failover.promote_together(name, act.services, request)
            else:
                outcome = await self._failover.evacuate(act.node, request, only=act.services)
        except NotPermitted:
            if check.holds:
                return Written(holds=check.holds)
            raise
        finally:
            self._git.moved(act.services)
        return _written(act, outcome)

    async def _permit(self, act: Act, order: AlertOrder | None) -> Permit | Refused:
        """Decides once more, on nodes and Leases that are listed now. Raises NotPermitted, ClusterFailure."""
        return recheck(act, await self._looked_again((act.trigger, act.key)), order)

    async def _permit_to_propose(self, act: Act) -> Permit | Refused:
        """The same of a pull request that waits for a person."""
        situation = await self._looked_again((act.trigger, act.key))
        heard_at = situation.verdicts.heard_at
        is_so = heard_at is not None and heard_at > act.decided_at
        for proposal, again in decide(situation).proposals if is_so else ():
            if proposal is Proposal.PULL_REQUEST and again.key == act.key and {*act.services} <= {*again.services}:
                return Permit(act, situation.verdicts.monotonic + PERMIT_LASTS_S)
        raise NotPermitted("it is decided otherwise now")

    async def _looked_again(self, event: tuple[str, str] = NO_EVENT) -> Situation:
        listed = await self._cluster.list_nodes(timeout_s=LIST_TIMEOUT_S)
        if self._memory is None or not self._control.leader.leads:
            raise NotPermitted("this replica leads no longer")
        return self._judged(replace(self._cluster.view(), nodes=listed.nodes, leases=listed.leases), event)

    def _may_return(self, one: Return) -> Callable[[], Awaitable[None]]:
        """Asked right before a relocation home begins: on nodes that are listed now it has to be so still."""

        async def check() -> None:
            if operation := (await self._failover.group_relocations.to_come()).get(one.service):
                raise NotPermitted(f"{cut(one.service)} is relocated with operation {operation}, once its turn comes")
            try:
                situation = await self._looked_again()
            except ClusterFailure as exc:
                raise NotPermitted(f"nodes and Leases could not be listed: {exc.detail}") from exc
            now = next((each for each in returns(situation) if each.key == one.key), None)
            if now is None or now.holds or not now.is_act:
                why = now.holds[0].detail if now is not None and now.holds else f"{cut(one.node)} is not well any more"
                raise NotPermitted(f"{cut(one.service)} does not go home now: {why}")

        return check

    # Alerts

    async def situation(self, order: AlertOrder) -> Situation:
        """All that is known now, with a close look at what an alert is about. Raises NotReady if another leads."""
        self._control.must_lead()
        await self._git.read(self._meant(order))
        self._control.must_lead()
        return self._judged(self._cluster.view(), (ALERT, order.alert.key))

    def _meant(self, order: AlertOrder) -> Collection[str]:
        if order.node is None:
            return order.services
        catalog = self._catalog().services.values()
        named = {each.name for each in catalog if order.node in {*each.primary_nodes, *each.backup_nodes}}
        known = self._situation.services if self._situation is not None else ()
        return named | {facts.name for facts in known if facts.is_on(order.node)}

    # What is told

    def _along(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        """What goes along with each renewal of the Lease."""
        if self._memory is None or self._report is None or self._situation is None:
            return annotations
        try:
            notes = read_notes(annotations)
            return annotations_of(annotations, notes, self._situation, self._memory, self._tally, self._report)
        except Exception:  # noqa: BLE001 - what is told must not cost the leadership
            _log.exception("what is seen could not be written into the Lease by a defect")
            return annotations

    @property
    def report(self) -> Report | None:
        """As of the last round of this process; None while it does not lead."""
        return self._report


def _only(act: Act, names: Collection[str]) -> Act:
    """The act for these of its services."""
    return replace(act, services=tuple(name for name in act.services if name in names))


def _written(act: Act, outcome: NodeOutcome) -> Written:
    """What came of an act. Somebody may have moved some of its services since it was decided: those are there."""
    refused = {name: error.detail for part in outcome.parts for name, error in part.refused.items()}
    plans = [(part, plan) for part in outcome.parts for plan in part.plans]
    in_waves = outcome.waves.operation if outcome.waves is not None else None
    return Written(
        operation=next((part.operation for part in outcome.parts if part.operation), in_waves),
        is_pending=any(part.is_pending for part in outcome.parts),
        there=(
            *(plan.service.name for part, plan in plans if not part.changed),
            *(name for name in act.services if name not in outcome.order),
        ),
        refused=refused,
    )
