"""Waiting for what comes after the commit: applied in the cluster, or serving there.

Nothing here can undo or repeat a move: it looks, until what was asked for is seen or the time is up.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from failover_api.edges.cli.backend import Backend, Body, Refused
from failover_api.edges.cli.options import Milestone
from failover_api.edges.cli.progress import PASSING, names_of
from failover_api.edges.printable import one_line

POLL_S = 2.0
DEFAULT_S = 600.0
UNTIDY = "it serves, and its strategy is not put back"
_NOT_APPLIED = frozenset({"waiting-for-apply", "absent", "unknown"})
_UNTOLD = ("not seen", "not known")


@dataclass(frozen=True, slots=True)
class Patience:
    """What is waited for, and for how long (s); None: as long as it takes."""

    until: Milestone
    timeout_s: float | None

    @property
    def needs_cluster(self) -> bool:
        return self.until is not Milestone.MERGED


def patience(until: Milestone | None, timeout: str | None, *, wait: bool) -> Patience | None:
    """What the options mean; None: nothing is waited for. Raises ValueError, saying what is wrong."""
    if until is None and not wait:
        if timeout is not None:
            raise ValueError("--timeout goes with --until or --wait")
        return None
    until = until or Milestone.MERGED
    if timeout is None:
        return Patience(until, None if until is Milestone.MERGED else DEFAULT_S)
    from failover_api.core.config.duration import is_duration, seconds_of

    if not is_duration(timeout):
        raise ValueError("--timeout: expected a duration like 90s, 5m or 2h")
    return Patience(until, seconds_of(timeout))


def unseen(services: Sequence[Body], names: Sequence[str]) -> list[str]:
    """Those of `services` (of a list) with these names of which nothing in the cluster can be seen from here."""
    by_name = {service["service"]: service for service in services}
    return [name for name in names if name in by_name and not _is_seen(by_name[name])]


def _is_seen(service: Body) -> bool:
    cluster: Body = service.get("cluster") or {"stage": "unknown"}
    return str(cluster["stage"]) != "unknown"


def tells_applied(backend: Backend, service: str) -> bool:
    """Whether something tells what of this service is applied: as of its newest move, so one that was never moved may
    be told of, too, and nobody knows it yet.
    """
    try:
        steps: list[Body] = backend.rollout(service)["steps"]
    except Refused:
        return False
    applied = next((step for step in steps if step["name"] == "applied"), None)
    return applied is not None and bool(applied["at"] or not applied["detail"].startswith(_UNTOLD))


def wait_for_cluster(
    backend: Backend,
    outcome: Body,
    patience: Patience,
    *,
    told: Callable[[str], None],
    left_s: float | None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, str]:
    """What is still to come when the time is up: {service: why}; nothing when all has come. Raises Refused.

    What never comes, since Git says otherwise by now, is not waited for.
    """
    end = None if left_s is None else clock() + left_s
    waiting: dict[str, str | None] = dict.fromkeys(names_of(outcome))
    given_up: dict[str, str] = {}
    told(f"waiting until {', '.join(map(one_line, waiting))} {_is(len(waiting))} {patience.until}")
    while True:
        for name, said in list(waiting.items()):
            found = _look(backend, name, outcome, patience.until)
            if found.why != said:
                told(f"{one_line(name)}: {found.why}" if found.why else f"{one_line(name)} is {patience.until}")
            waiting[name] = found.why
            if not found.why or found.is_final:
                del waiting[name]
            if found.is_final:
                given_up[name] = found.why
        if not waiting or (end is not None and clock() >= end):
            return {**given_up, **{name: why or "" for name, why in waiting.items()}}
        sleep(POLL_S if end is None else max(0.0, min(POLL_S, end - clock())))


def _look(backend: Backend, name: str, outcome: Body, until: Milestone) -> "_Found":
    found = _found(backend, name, outcome["operation"], until)
    if found.why or until is not Milestone.SERVING or not outcome["operation"] or not outcome["changed"]:
        return found
    try:
        backend.tidy(name, outcome["operation"])
    except Refused as exc:
        is_passing = exc.problem.get("status") in PASSING
        why = f"{UNTIDY}: {one_line(str(exc.problem.get('detail', '')))}"
        return _Found(why, is_final=not is_passing)
    return found


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


@dataclass(frozen=True, slots=True)
class _Found:
    """`why` it has not come, in words; "" when it has. `is_final`: and it never will."""

    why: str = ""
    is_final: bool = False


def _found(backend: Backend, name: str, operation: str | None, until: Milestone) -> _Found:
    try:
        if operation is None:  # nothing was to be done: where it is counts
            return _Found(_of_state(backend.status(name).get("cluster"), until))
        rollout = backend.rollout(name, operation=operation)
    except Refused as exc:
        if exc.problem.get("status") not in PASSING:
            raise
        return _Found(f"not seen just now: {one_line(str(exc.problem.get('detail', '')))}")
    if rollout["done"] or (until is Milestone.APPLIED and _has_applied(rollout)):
        return _Found()
    if overruled := _overruled(rollout):
        return _Found(one_line(overruled), is_final=True)
    blocked = rollout["blocked"]
    if blocked:
        return _Found(one_line(f"blocked: {blocked['reason']} {blocked['cure']}".strip()))
    return _Found(one_line(_where(rollout)))


def _overruled(rollout: Body) -> str:
    """Why nothing comes of it any more; "" while something may."""
    from failover_api.core.safety.rollout.steps import is_overruled  # `failover --help` should not wait for it

    return next((step["detail"] for step in rollout["steps"] if is_overruled(step["detail"])), "")


def _has_applied(rollout: Body) -> bool:
    return any(step["name"] == "applied" and step["at"] for step in rollout["steps"])


def _where(rollout: Body) -> str:
    """The first step that has not come."""
    missing = next((step for step in rollout["steps"] if not step["at"]), None)
    if missing is None:
        return str(rollout["stage"])
    detail = f" ({missing['detail']})" if missing["detail"] else ""
    return f"{rollout['stage']}, not {missing['name']} yet{detail}"


def _of_state(cluster: Body | None, until: Milestone) -> str:
    if cluster is None:
        return "not seen from here"
    stage = cluster["stage"]
    has_come = stage == "serving" if until is Milestone.SERVING else stage not in _NOT_APPLIED
    return "" if has_come else one_line(f"{stage}: {cluster['reason']} {cluster['cure']}".strip())
