"""A move in waves on a terminal: its waves before it, and how far it is until it has come to its end.

A running service goes on by itself, and is only asked; without one the command goes on, each time that it looks.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence

from failover_api.edges.cli.backend import Backend, Body, Refused
from failover_api.edges.cli.progress import PASSING
from failover_api.edges.printable import one_line

POLL_S = 2.0
RUNNING, DONE, STOPPED = "running", "done", "stopped"


def is_running(outcome: Body) -> bool:
    """Whether waves of it are still to come."""
    return bool(outcome.get("operation")) and any(_is_open(wave) for wave in outcome.get("waves") or ())


def has_stopped(outcome: Body) -> bool:
    """Whether it has come to its end already, and not all of it serves."""
    waves = outcome.get("waves") or ()
    return not is_running(outcome) and any(wave["state"] == STOPPED for wave in waves)


def _is_open(wave: Body) -> bool:
    return wave["state"] in (RUNNING, "waiting")


def wave_lines(waves: Sequence[Body]) -> Iterator[str]:
    """Each wave on a line."""
    for number, wave in enumerate(waves, 1):
        reason = f": {wave['reason']}" if wave["reason"] else ""
        names = ", ".join(wave["services"])
        yield one_line(f"wave {number}/{len(waves)} {wave['state']} ({names}){reason}")


def follow(
    backend: Backend,
    outcome: Body,
    *,
    told: Callable[[str], None],
    end: float = math.inf,
    sleep: Callable[[float], None] = time.sleep,
) -> Body:
    """The operation once all of it has come to its end, or it is `end` (time.monotonic()). Raises Refused.

    What passes (GitHub or the service is away for a while) is waited for too.
    """
    operation, said = {"state": RUNNING, "waves": outcome["waves"]}, set[str]()
    tidied: set[str] = set()
    while True:
        for line in wave_lines(operation["waves"]):
            if line not in said:
                said.add(line)
                told(line)
        _tidy(backend, outcome["operation"], operation["waves"], tidied)
        if operation["state"] != RUNNING or time.monotonic() >= end:
            return operation
        sleep(min(POLL_S, max(0.0, end - time.monotonic())))
        try:
            operation = backend.operation(outcome["operation"])
        except Refused as exc:
            if exc.problem.get("status") not in PASSING:
                raise
            told(f"still waiting: {one_line(str(exc.problem.get('detail', '')))}")


def ended(backend: Backend, outcome: Body, operation: Body) -> Body:
    """The outcome with what has become of all its waves."""
    name, count = one_line(outcome.get("group") or outcome.get("node") or ""), len(operation["waves"])
    stopped = (
        f"{name}: it has stopped, and not all of it serves. Mend what its waves name, then ask for the same again."
    )
    message = f"{name}: all {count} waves are done." if operation["state"] == DONE else stopped
    if operation["state"] == RUNNING:
        message = f"{name}: it is under way."
    sides = {service["service"]: service["side"] for service in backend.list_all()["services"]}
    services = []
    for member in outcome["services"]:
        side = sides.get(member["service"])
        changed = member["from"] != member["to"] == side
        services.append({**member, "changed": changed, "to": member["to"] if changed else side or member["from"]})
    return {**outcome, "message": message, "waves": operation["waves"], "services": services}


def _tidy(backend: Backend, operation: str, waves: Sequence[Body], tidied: set[str]) -> None:
    """Once the services of a wave serve: what their moves have changed beside their values is put back."""
    for name in (name for wave in waves if wave["state"] == DONE for name in wave["services"]):
        if name not in tidied:
            tidied.add(name)
            backend.tidy(name, operation)
