"""The progress of a move on a terminal: its steps as they happen, and the wait for a merge."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from failover_api.edges.cli.backend import Backend, Body, Refused
from failover_api.edges.printable import one_line

if TYPE_CHECKING:  # `failover serve` does without rich: 4 MB of memory
    from rich.console import Console

POLL_S = 3.0  # between two looks at a pull request
PASSING = frozenset({429, 502, 503, 504})  # problems that the next look may not meet


@contextmanager
def steps(console: "Console") -> Iterator[Callable[[str], None]]:
    """Gives what to tell a step to. On a terminal it shows them in one line; a step that begins anew is a new line."""
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.text import Text

    done: list[str] = []
    with console.status("") as status:

        def show(step: str) -> None:
            if done and done[-1] == step:
                return
            if step in done:  # once more from the start: what was done so far stays to be read
                console.print(Text("  " + ", ".join(done), style="dim"))
                done.clear()
            done.append(one_line(step))
            status.update(Text(", ".join(done) + " ..."))

        yield show


def pending_of(outcome: Body) -> list[str]:
    """The URLs of an outcome's open pull requests."""
    return [pull["url"] for pull in _pulls(outcome) if pull["state"] == "open"]


def is_closed(outcome: Body) -> bool:
    """Whether somebody has closed what was proposed."""
    return any(pull["state"] == "closed" for pull in _pulls(outcome))


def _pulls(outcome: Body) -> list[Body]:
    return outcome.get("pull_requests") or [pull for pull in (outcome["pull_request"],) if pull]


def wait_for_merge(
    backend: Backend,
    outcome: Body,
    *,
    told: Callable[[str], None],
    end: float = math.inf,
    sleep: Callable[[float], None] = time.sleep,
) -> Body:
    """The outcome once nobody has to be waited for: its pull requests are merged or closed, or it is `end`.

    `end` is a time of time.monotonic(). What passes (GitHub or the service is away for a while) is waited for too.
    Raises Refused for the rest.
    """
    left = dict.fromkeys(pending_of(outcome), frozenset(names_of(outcome)))  # URL -> the services it moves
    ended: dict[str, str] = {}
    told(f"waiting for the merge of {', '.join(map(one_line, left))}")
    while left and time.monotonic() < end:
        sleep(min(POLL_S, max(0.0, end - time.monotonic())))
        try:
            services = {service["service"]: service for service in backend.list_all()["services"]}
        except Refused as exc:
            if exc.problem.get("status") not in PASSING:
                raise
            told(f"still waiting: {one_line(str(exc.problem.get('detail', '')))}")
            continue
        mine = [services[name] for name in names_of(outcome) if name in services]
        if any(service.get("error") for service in mine):
            continue  # whether it is still open cannot be told now
        for url, names in list(left.items()):
            if holders := {service["service"] for service in mine if _url(service["pull_request"]) == url}:
                left[url] = frozenset(holders)
                continue
            moved = _is_moved(outcome, [service for service in mine if service["service"] in names])
            ended[url] = "merged" if moved else "closed"
            del left[url]
    return _with_states(outcome, ended)


def _url(pull: Body | None) -> str | None:
    return pull["url"] if pull else None


def names_of(outcome: Body) -> list[str]:
    """The services of an outcome."""
    return [member["service"] for member in outcome["services"]] if "services" in outcome else [outcome["service"]]


def _is_moved(outcome: Body, services: list[Body]) -> bool:
    """Whether what was proposed is on the branch: by its operation, or by where the services are."""
    operations = {service["last_move"]["operation"] for service in services if service["last_move"]}
    return outcome["operation"] in operations or all(service["side"] == outcome["to"] for service in services)


def _with_states(outcome: Body, ended: Mapping[str, str]) -> Body:
    def renewed(pull: Any) -> Any:
        return {**pull, "state": ended.get(pull["url"], pull["state"])} if pull else pull

    new = {**outcome, "pull_request": renewed(outcome["pull_request"])}
    if "pull_requests" in outcome:
        new["pull_requests"] = [renewed(pull) for pull in outcome["pull_requests"]]
    return new
