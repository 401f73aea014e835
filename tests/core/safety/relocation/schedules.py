"""Schedules: a world, two replicas of ours that go on with one relocation, faults and people, all from one seed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import Via
from failover_api.core.safety.relocation import ladder, values
from failover_api.core.safety.relocation.ladder import Decision, State
from failover_api.core.safety.relocation.places import ABSENT, Place, Standing
from failover_api.core.safety.relocation.proofs import Quiet, serving_at
from failover_api.core.safety.relocation.quiet import still
from failover_api.core.safety.relocation.sight import Sight
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.table import DOWN, ENDS, SEEN_TWICE, Edge, Position
from failover_api.core.safety.relocation.values import manual, paused
from tests.core.safety.relocation.ground import CLAIMS, REPLICAS, former, subject
from tests.core.safety.relocation.volsync_model import End, Pair
from tests.core.safety.relocation.world import World

LOOK_S = 10.0  # by which what is seen may lag, with the time until the commit
SLACK_S = 40.0  # until somebody looks, and the commit is made
LONGEST_S = 700


@dataclass
class Replica:
    """One of ours: it looks now and then, and is sometimes away."""

    looks_at: float = 0.0
    away_until: float = 0.0
    is_asked_to_abort: bool = False
    pending: tuple[int, Decision] | None = None  # decided, and not sent yet
    sends_at: float = 0.0
    quiet: Quiet | None = None  # since when it has seen the app stopped

    def sees(self, world: World) -> Sight:
        """As whoever goes on with it sees it."""
        sight = world.sight()
        is_asked = ladder.position_of(world.subject, world.git()) is Position.QUIESCE
        self.quiet = still(self.quiet, sight) if is_asked else None
        return replace(sight, quiet_since=None if self.quiet is None else self.quiet.at)


@dataclass
class Run:
    """What came of a schedule."""

    seed: int
    world: World
    replicas: list[Replica]
    faults: set[str]
    edges: set[Edge] = field(default_factory=set)
    last: Decision | None = None
    is_touched: bool = False  # a person has edited what the relocation works on
    theirs: dict[Place, Standing] = field(default_factory=dict)  # what they have put there
    steps: list[str] = field(default_factory=list)

    @property
    def wrongs(self) -> list[str]:
        return self.world.wrongs


FAULTS = (
    "node",
    "cut",
    "flux",
    "volsync",
    "scaler",
    "job",
    "person",
    "abort",
    "lost",
    "away",
    "skew",
    "unparked",
    "new",
)


def run(seed: int, *, faults: set[str] | None = None) -> Run:
    """Runs one schedule. Without `faults` fate chooses up to four kinds of them."""
    random = Random(seed)  # noqa: S311 - a schedule is to be the same again
    kinds = set(random.sample(FAULTS, random.choice((0, 1, 1, 2, 3, 4)))) if faults is None else faults
    it = Run(seed, _world(random, kinds), [Replica(), Replica()], kinds)
    for _ in range(LONGEST_S):
        _befall(it, random)
        it.world.tick()
        for replica in it.replicas:
            _act(it, replica, random)
        if it.last is not None and it.last.position in ENDS and it.world.random.random() < 0.1:
            break
    _judge(it)
    return it


def _world(random: Random, faults: set[str]) -> World:
    target = random.choice(list(Side))
    via = random.choice((Via.DIRECT, Via.DIRECT, Via.REPOSITORY))
    moved = subject(target, via=via)
    changes: dict[Place, Standing] = {}
    assert moved.towards is not None
    assert moved.away is not None
    is_born_parked = random.random() < 0.6
    if not is_born_parked:
        changes |= {paused(end): random.choice((False, ABSENT)) for end in moved.towards.both}
    if "unparked" in faults:
        changes |= {paused(end): ABSENT for end in moved.away.both}
    if random.random() < 0.3:
        changes[REPLICAS] = ABSENT
    was = former(moved, changes)
    now = 1_000_000.0
    pairs = {side: _pair(side, via, random, now, faults) for side in Side}
    world = World(moved, random, pairs, was, flux_lag=random.choice((3, 10, 20)))
    world.skew = random.choice((-40.0, -3.0, 8.0, 25.0)) if "skew" in faults else random.choice((0.0, 0.4, -0.6))
    world.is_watched = "unparked" not in faults
    for end, document in world.ends():
        end.is_paused = was[paused(document)] is True
        if "new" in faults and end in pairs[target].ends:
            end.exists, end.last_sync_at, end.duration_s = random.random() < 0.5, None, None
    _differ(world)
    return world


def _pair(side: Side, via: Via, random: Random, now: float, faults: set[str]) -> Pair:
    source = End(f"sonarr-to-{CLAIMS[side]}", "ReplicationSource", CLAIMS[side.other])
    destination = End(CLAIMS[side], "ReplicationDestination", CLAIMS[side])
    for end in (source, destination):
        end.last_sync_at, end.duration_s, end.result = now - 3600.0, 5.0, "Successful"
    source.schedule_s = random.choice((60, 120) if via is Via.REPOSITORY else (60, 120, 0))
    destination.schedule_s = random.choice((0, 90)) if via is Via.REPOSITORY else 0
    if random.random() < 0.5:  # paused while a sync was under way: its image is of then
        source.started_at, source.image = now - 1800.0, frozenset(range(15))
    return Pair(source, destination, via is Via.REPOSITORY, random, fails=0.15 if "volsync" in faults else 0.0)


def _differ(world: World) -> None:
    """What was written where the app is, and what the other side has left of its own."""
    origin, target = CLAIMS[world.subject.origin], CLAIMS[world.subject.target]
    world.disks[origin].content |= set(range(100, 140))
    world.disks[target].content |= set(range(200, 205))
    world.acknowledged += [(number, world.now, world.subject.origin) for number in range(100, 140)]


def _befall(it: Run, random: Random) -> None:
    for fault in sorted(it.faults):
        if fault in _BEFALLS and random.random() < 0.02:
            _BEFALLS[fault](it, random)
    for machine in it.world.machines.values():
        if not machine.is_well and random.random() < 0.02:
            machine.is_on = machine.is_linked = True
    for applier in it.world.appliers.values():
        if applier.is_suspended and random.random() < 0.03:
            applier.is_suspended = False


def _node(it: Run, random: Random) -> None:
    it.world.machines[random.choice(list(Side))].is_on = False


def _cut(it: Run, random: Random) -> None:
    it.world.machines[random.choice(list(Side))].is_linked = False


def _flux(it: Run, random: Random) -> None:
    random.choice(list(it.world.appliers.values())).is_suspended = True


def _scaler(it: Run, random: Random) -> None:
    it.world.scale(random.choice((0, 1, 1)))


def _job(it: Run, random: Random) -> None:
    it.world.start(it.world.side, 1, random.randint(2, 6))


def _abort(it: Run, random: Random) -> None:
    random.choice(it.replicas).is_asked_to_abort = True


def _away(it: Run, random: Random) -> None:
    """For a while; some come back as another process, which remembers nothing."""
    replica = random.choice(it.replicas)
    replica.away_until = it.world.now + random.randint(10, 120)
    if random.random() < 0.5:
        replica.quiet = None


def _person(it: Run, random: Random) -> None:
    """Edits one of the places, once."""
    world = it.world
    if it.is_touched or not world.git().made:
        return
    it.is_touched, world.is_watched = True, False
    place = random.choice(values.places(world.subject))
    if place.path == paused(place.document).path:
        changes: dict[Place, Standing] = {place: random.choice((True, False, ABSENT))}
    elif place.path == manual(place.document).path:
        changes = {place: random.choice((ABSENT, "by-hand"))}
    elif place == REPLICAS:
        changes = {place: random.choice((0, 1, 2))}
    else:
        is_back = random.random() < 0.5
        changes = {each.place: each.old if is_back else each.new for each in world.subject.switches}
    if place.path != paused(place.document).path:
        it.theirs = {place: value for place, value in changes.items() if not values.same(value, world.values[place])}
    world.put(changes)


_BEFALLS: dict[str, Callable[[Run, Random], None]] = {
    "node": _node,
    "cut": _cut,
    "flux": _flux,
    "scaler": _scaler,
    "job": _job,
    "abort": _abort,
    "away": _away,
    "person": _person,
}


def _act(it: Run, replica: Replica, random: Random) -> None:
    world = it.world
    if world.now < replica.away_until:
        return
    if replica.pending is not None:
        if world.now >= replica.sends_at:
            _send(it, replica, random)
        return
    if world.now < replica.looks_at:
        return
    replica.looks_at = world.now + random.randint(1, 5)
    decision = ladder.decide(world.subject, world.git(), replica.sees(world), is_aborted=replica.is_asked_to_abort)
    it.last = decision
    _check_words(it, decision)
    if decision.commit is not None:
        replica.pending, replica.sends_at = (len(world.versions), decision), world.now + random.choice((0, 0, 1, 4))
    elif decision.edge is not None:
        it.edges.add(decision.edge)


def _send(it: Run, replica: Replica, random: Random) -> None:
    assert replica.pending is not None
    head, decision = replica.pending
    commit, replica.pending = decision.commit, None
    if "lost" in it.faults and random.random() < 0.2:
        return  # the request is lost
    assert commit is not None
    assert commit.edits, f"{commit.label} writes nothing"
    if not _is_still_so(it, replica, decision):
        return
    if it.world.write(head, commit.edits, commit.label, commit.proof):
        it.steps.append(commit.label)
        if decision.edge is not None:
            it.edges.add(decision.edge)
        if decision.edge is not None and decision.edge.end is Position.QUIESCE:
            it.world.is_watched = not it.is_touched
    if "lost" in it.faults and random.random() < 0.2:
        replica.looks_at = it.world.now + 3  # its reply is: we do not know, and look


def _is_still_so(it: Run, replica: Replica, decision: Decision) -> bool:
    """The look right before the write: what has come late is decided anew."""
    if decision.edge is None or decision.edge.cause not in SEEN_TWICE:
        return True
    return ladder.decide(it.world.subject, it.world.git(), replica.sees(it.world)).edge == decision.edge


def _check_words(it: Run, decision: Decision) -> None:
    """Stopped for longer than the step may take, there is a word of it."""
    if decision.position not in {*DOWN, Position.CUTOVER} or decision.state is not State.RUNNING:
        return
    began = it.world.git().began(decision.position.step or Step.CUTOVER)
    limits = it.world.subject.limits
    limit = {Position.QUIESCE: limits.quiesce_s, Position.CUTOVER: limits.cutover_s}.get(
        decision.position, limits.final_sync_s
    )
    if decision.edge is None and began is not None and it.world.now - began > limit + SLACK_S:
        it.wrongs.append(f"{decision.position} takes {it.world.now - began:.0f} s, and nobody says so")


def _judge(it: Run) -> None:
    """What has to be true in the end."""
    world, end = it.world, it.last.position if it.last is not None else Position.READY
    if end is Position.DONE:
        _judge_done(it)
    if end in {Position.STOPPED, Position.ABORTED} and not it.is_touched:
        kept = {paused(document) for document in (world.subject.away.both if world.subject.away else ())}
        left = [place.name for place, was in world.former.items() if place not in kept and world.values[place] != was]
        it.wrongs.extend([f"{name} is not as it was" for name in left])
    if end in ENDS and not (it.is_touched and end is Position.LEFT):
        it.wrongs.extend([f"tag {tag} is left behind" for tag in world.tags_in_git()])
    over = [place.name for place, value in it.theirs.items() if world.values[place] != value]
    it.wrongs.extend([f"what a person has put at {name} is gone" for name in over])
    is_calm = not it.faults
    if is_calm and end is not Position.DONE:
        it.wrongs.append(f"nothing went wrong, and it has come to {end}: {it.last.reason if it.last else ''}")


def _judge_done(it: Run) -> None:
    world = it.world
    made = [version for version in world.versions if version.label]
    if not any(version.label == Step.CUTOVER.label for version in made):
        it.wrongs.append("it is done without a cutover")
        return
    if it.is_touched:
        return
    committed = {version.label: version for version in made}
    until = committed[Step.CUTOVER.label].at - LOOK_S
    held = {side: world.disks[CLAIMS[side]].content for side in Side}
    target, origin = world.subject.target, world.subject.origin
    left = [number for number, at, side in world.acknowledged if side is origin and at <= until]
    lost = [number for number in left if number not in held[target]]
    if lost and "unparked" not in it.faults:
        it.wrongs.append(f"{len(lost)} bytes are lost that were acknowledged on the side that was left")
    served = [(number, at) for number, at, side in world.acknowledged if side is target]
    if any(number not in held[target] for number, _ in served):
        it.wrongs.append("bytes are lost that were written on the target")
    since = serving_at(committed[Step.PROTECT.label].proof) or world.now
    copied = world.pairs[origin].brought  # the next one may be under way already
    if any(at <= since - LOOK_S and number not in copied for number, at in served):
        it.wrongs.append("it is said to be protected, and the side that was left has not what was written before")
