"""What no automatic move may do, checked by the truth of a schedule and by what each leader was shown.

It is written without the product's own judgement: it reads the plane, the log of what a leader was shown, and the
history of Git and people, and knows the rules by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

DAY_S = 86_400.0
GAP_S = 30.0 + 1e-6  # times of a schedule are sums, which are rounded


@dataclass(frozen=True)
class Shown:
    """What a leader was shown at a moment (s of the schedule): one kind, `nodes`, `leases` or `pods`, as it was."""

    at: float
    kind: str
    raw: Mapping[str, Any]

    @property
    def objects(self) -> dict[str, tuple[Any, ...]]:
        """Rows by name: uid, condition, its time, cordoned, tainted, marked; the Lease's time; service, node, ready."""
        if self.kind == "leases":
            return {name: (one.renewed_at,) for name, one in self.raw.items()}
        if self.kind == "pods":
            rows = [(service, pod.node, pod.is_ready) for service, pods in self.raw.items() for pod in pods]
            return {str(index): row for index, row in enumerate(rows)}
        return {
            name: (
                *(one.uid, one.ready, one.ready_since),
                *(one.is_unschedulable, one.is_evicted, one.is_out_of_service),
            )
            for name, one in self.raw.items()
        }


@dataclass(frozen=True)
class Commit:
    """A move in Git, by whom. `at` is by the Git host's clock."""

    at: float
    service: str
    to: str
    by: str
    key: str = ""


@dataclass(frozen=True)
class Written:
    """An automatic commit, and who wrote it: all that the oracle is asked about.

    `event` is the death that it is for, as UID and time; of an alert its fingerprint and start. `is_forced`: the alert
    says that what is Ready is broken.
    """

    at: float
    git_at: float
    leader: "Leader"
    node: str
    uid: str
    event: tuple[str, float]
    services: tuple[str, ...]
    is_alert: bool = False
    is_forced: bool = False


@dataclass
class Leader:
    """What a leader was shown since it began; one that is restarted is another. `checked_at` is its last look."""

    began: float
    shown: list[Shown] = field(default_factory=list)
    read_git_at: float = float("-inf")
    checked_at: float = float("-inf")

    def back(self, kind: str, at: float) -> Iterator[Shown]:
        """What it was shown of a kind up to then, the newest first."""
        return (each for each in reversed(self.shown) if each.kind == kind and each.at <= at)


@dataclass(frozen=True)
class Rules:
    """The catalog's, as numbers."""

    dead_for_s: float
    block_s: float
    max_services: int
    fence: str
    max_data_age_s: float
    ignored: frozenset[str] = frozenset()


@dataclass
class Truth:
    """What has really been, in seconds of the schedule, but for `git_at`."""

    rules: Rules
    commits: list[Commit] = field(default_factory=list)
    acks: list[tuple[float, str]] = field(default_factory=list)  # git_at, service or node
    pauses: list[tuple[float, float, frozenset[str]]] = field(default_factory=list)  # from, until (s), services
    attested: list[tuple[float, float, str, object]] = field(default_factory=list)  # from, until, uid, lease
    fires: list[tuple[float, float, str]] = field(default_factory=list)  # from, until, node
    written: list[Written] = field(default_factory=list)
    began_at: float = 0.0

    def now(self, at: float) -> float:
        """A moment of the schedule as a time."""
        return self.began_at + at


def violations(truth: Truth, new: Written, targets: dict[str, str], data: dict[str, float]) -> Iterator[str]:
    """Everything that is wrong with a commit. `targets` are the services' nodes, `data` the age of what they find."""
    nodes, leases = (next(new.leader.back(kind, new.at), None) for kind in ("nodes", "leases"))
    if nodes is None or leases is None:
        yield "nothing was ever shown"
        return
    yield from _fresh(new, nodes, leases)
    if not new.is_alert:
        yield from _dead(truth.rules, new)
    elif truth.now(new.at) - new.event[1] > 3605.0:
        yield "the alert is old"
    yield from _of_the_view(truth.rules, new, nodes)
    yield from _of_people(truth, new, listed_at=min(nodes.at, leases.at))
    yield from _of_services(truth, new, nodes, leases, targets, data)
    yield from _fenced(truth, new, nodes, leases)


def _fresh(new: Written, nodes: Shown, leases: Shown) -> Iterator[str]:
    if new.at - new.leader.checked_at > 2.0 + 1e-6:
        yield f"it was checked {new.at - new.leader.checked_at:.1f} s before the write"
    if new.at - min(nodes.at, leases.at) > 4.0 + 1e-6:
        yield f"nodes and Leases were listed {new.at - min(nodes.at, leases.at):.1f} s before the write"
    if new.at - new.leader.read_git_at > 32.0:
        yield "Git was read more than 30 s before"
    pods = next(new.leader.back("pods", new.at), None)
    if pods is None or new.at - pods.at > 32.0:
        yield "pods were seen more than 30 s before"


def _dead(rules: Rules, new: Written) -> Iterator[str]:
    """Shown silent, without a break, for `dead_for`: both its condition and its Lease."""
    for kind in ("nodes", "leases"):
        first, last = None, new.at
        value: object = None
        for shown in new.leader.back(kind, new.at):
            now = _said(kind, shown, new.node)
            if last - shown.at > GAP_S or now is None or (value is not None and now != value):
                break
            first, last, value = shown.at, shown.at, now
        seen_s = new.at - first if first is not None else 0.0
        if seen_s < rules.dead_for_s:
            yield f"{new.node} was seen dead by its {kind} for {seen_s:.0f} s only"


def _said(kind: str, shown: Shown, node: str) -> object:
    """What makes it dead, None where it is not."""
    row = shown.objects.get(node)
    if row is None:
        return None
    if kind == "leases":
        return row
    uid, ready, since, is_cordoned, *_ = row
    return (uid, since) if ready == "Unknown" and not is_cordoned else None


def _of_the_view(rules: Rules, new: Written, nodes: Shown) -> Iterator[str]:
    if new.at - new.leader.began < 60.0:
        yield "it was starting"
    counted = {name: row for name, row in nodes.objects.items() if name not in rules.ignored}
    bad = [name for name, row in counted.items() if not row[3] and (row[1] != "True" or _is_still(new, name))]
    if len(bad) >= 2 and 100 * len(bad) > 49 * len(counted):
        yield f"a storm: {len(bad)} of {len(counted)}"
    for name in counted:
        if _untainted_s(new, name) > 60.0:
            yield f"Kubernetes' own storm: {name} has no taint"


def _is_still(new: Written, name: str) -> bool:
    """Whether its Lease was shown unchanged for 25 s."""
    newest = next(new.leader.back("leases", new.at))
    for shown in new.leader.back("leases", new.at):
        if shown.objects.get(name) != newest.objects.get(name):
            return False
        if newest.at - shown.at >= 25.0 and newest.objects.get(name) is not None:
            return True
    return False


def _untainted_s(new: Written, name: str) -> float:
    """For how long it was shown Unknown, without a break, if it has no NoExecute taint now."""
    first, last, since = new.at, new.at, None
    for index, shown in enumerate(new.leader.back("nodes", new.at)):
        row = shown.objects.get(name)
        if row is None or row[1] != "Unknown" or (index == 0 and row[4]) or last - shown.at > GAP_S:
            break
        if since is not None and row[2] != since:
            break
        first, last, since = shown.at, shown.at, row[2]
    return next(new.leader.back("nodes", new.at)).at - first


def _of_people(truth: Truth, new: Written, *, listed_at: float) -> Iterator[str]:
    for service in new.services:
        for begins, ends, services in truth.pauses:
            if begins <= listed_at < ends - 1.0 and (not services or service in services):
                yield f"{service} is paused"
        yield from _blocked(truth, new, service)
    row = next(new.leader.back("nodes", new.at)).objects.get(new.node)
    if row is None and not new.is_alert:
        yield f"{new.node} is not there"
    elif row is not None and row[3]:
        yield f"{new.node} is cordoned"
    if new.node in truth.rules.ignored:
        yield f"{new.node} is ignored"


def _blocked(truth: Truth, new: Written, service: str) -> Iterator[str]:
    own = [commit for commit in truth.commits if commit.service == service]
    if not own:
        return
    last = own[-1]
    names = {service, new.node}
    is_acked = any(at >= last.at and name in names for at, name in truth.acks)
    if last.by == "automatic" and new.git_at - last.at < truth.rules.block_s and not is_acked:
        yield f"{service} was moved automatically {new.git_at - last.at:.0f} s before"


def _of_services(
    truth: Truth, new: Written, nodes: Shown, leases: Shown, targets: dict[str, str], data: dict[str, float]
) -> Iterator[str]:
    pods = next(new.leader.back("pods", new.at), None)
    for service in new.services:
        target = nodes.objects.get(targets[service])
        if target is None or target[1] != "True" or target[3] or _is_still(new, targets[service]):
            yield f"{service} goes to {targets[service]}, which is not ready"
        for pod in pods.objects.values() if pods is not None else ():
            owner, where, is_ready = pod
            row = nodes.objects.get(str(where))
            if owner == service and is_ready and row is not None and row[1] == "True" and not new.is_forced:
                yield f"{service} is still serving"
        if data[service] > truth.rules.max_data_age_s + 2.0:
            yield f"{service} starts with data that is {data[service]:.0f} s old"
        same = [one for one in truth.written if service in one.services and one.event == new.event]
        if same:
            yield f"{service} was moved for this event already"
    last = {commit.service: commit.by for commit in truth.commits}
    of_event = {service for one in truth.written if one.event == new.event for service in one.services}
    of_event = {service for service in of_event if last[service] == "automatic"}  # nobody has taken it back
    is_acked = any(name == new.node for _, name in truth.acks)
    if len(of_event | set(new.services)) > truth.rules.max_services and not is_acked:
        yield "more services than one event may move"


def _fenced(truth: Truth, new: Written, nodes: Shown, leases: Shown) -> Iterator[str]:
    listed_at, lease = min(nodes.at, leases.at), leases.objects.get(new.node)
    row = nodes.objects.get(new.node, ("", "", 0.0, False, False, False))
    lives = row[1] in {"True", "False"} and not _is_still(new, new.node)
    if truth.rules.fence == "none" or (new.is_alert and lives):
        return
    said = [
        1 for begins, ends, uid, of in truth.attested if begins <= listed_at < ends and uid == new.uid and of == lease
    ]
    heard = [1 for begins, ends, node in truth.fires if begins <= listed_at < ends and node == new.node]
    pods = next(new.leader.back("pods", new.at))
    on_it = [pod for pod in pods.objects.values() if pod[1] == new.node and pod[0] in new.services]
    is_marked = row[5] and not on_it
    if not said and not is_marked and not (truth.rules.fence == "witness" and heard):
        yield f"nothing says that {new.node} is off"


def flips(leader: Leader, node: str, at: float) -> int:
    """How often the node was lost within the last half hour, as this leader was shown without a gap, uncordoned."""
    leases = {shown.at for shown in leader.shown if shown.kind == "leases"}
    seen = [shown for shown in leader.shown if shown.kind == "nodes" and shown.at in leases]
    if not seen or node not in seen[-1].objects:
        return 0
    return sum(_is_flip(before, after, node) for before, after in pairwise(seen) if at - after.at <= 1790.0)


def _is_flip(before: Shown, after: Shown, node: str) -> bool:
    if node not in before.objects or node not in after.objects or after.at - before.at > 25.0:
        return False
    (_, was, _, was_cordoned, *_), (_, is_, _, is_cordoned, *_) = before.objects[node], after.objects[node]
    return (was, is_) == ("True", "Unknown") and not was_cordoned and not is_cordoned
