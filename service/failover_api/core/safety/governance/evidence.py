"""What an automatic move is based on, in lines for its commit (`Failover-Evidence`)."""

from collections.abc import Iterator, Sequence

from failover_api.core.safety.governance.holds import Case, how_known_off
from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts
from failover_api.core.safety.times import second
from failover_api.core.wording import cut

MAX_LINES = 10


def evidence_of_death(node: NodeVerdict, cases: Sequence[Case]) -> tuple[str, ...]:
    """One line each: the node, the view, what is known of it beyond, and what the services find on the other side."""
    return tuple(_lines(node, cases))[:MAX_LINES]


def evidence_of_alert(name: str, starts_at: float, cases: Sequence[Case]) -> tuple[str, ...]:
    """The same where an alert asks for it."""
    lines = [f"alert {cut(name)} fires since {second(starts_at)}", *_common(cases)]
    return tuple(dict.fromkeys(lines))[:MAX_LINES]  # the alert may be the witness too


def _lines(node: NodeVerdict, cases: Sequence[Case]) -> Iterator[str]:
    verdicts = cases[0].verdicts
    lost = second(node.died_at) if node.died_at is not None else "?"
    still = second(verdicts.now - node.still_s)
    yield f"node {cut(node.name)} ({cut(node.uid)}) is Unknown since {lost}, its Lease not renewed since {still}"
    yield from _common(cases)


def _common(cases: Sequence[Case]) -> Iterator[str]:
    verdicts = cases[0].verdicts
    yield _view(verdicts)
    yield from sorted({known for case in cases if (known := how_known_off(case))})
    targets = sorted({name for case in cases for name in case.service.targets if name in verdicts.nodes})
    for name in targets[:3]:
        since = verdicts.nodes[name].ready_since
        yield f"target {cut(name)} is {verdicts.nodes[name].state} since {second(since) if since is not None else '?'}"
    times = [case.service.data.as_of for case in cases if case.service.data.as_of is not None]
    if times:
        yield f"the oldest data is of {second(min(times))}"


def _view(verdicts: Verdicts) -> str:
    counted = [node for node in verdicts.nodes.values() if node.is_counted]
    return f"{sum(node.is_ready for node in counted)} of {len(counted)} nodes are Ready at {second(verdicts.now)}"
