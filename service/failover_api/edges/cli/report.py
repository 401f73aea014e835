"""`failover report`: what came of an operation, in Markdown: the timeline, the hazards, the evidence, what is next."""

from collections.abc import Iterator, Sequence
from typing import Any

from failover_api.core.safety.rollout.steps import is_overruled
from failover_api.core.text.escaping import escape_markup
from failover_api.edges.cli.backend import Backend, Refused, refused
from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line
from failover_api.errors import UnknownUrl

Body = dict[str, Any]

_LOOKED_THROUGH = 100  # commits of each service, for an operation that is nobody's newest
_ACTIONS = {"promote": "Failover", "demote": "Failback", "rollback": "Rollback", "relocate": "Relocation"}


def find(backend: Backend, operation: str) -> Body:
    """The moves of an operation, with how far each has come; and its waves, if it has any.

    Of one that nobody has merged yet its `proposals`. Raises Refused when nobody has it.
    """
    services = [service for service in backend.list_all()["services"] if not service.get("error")]
    newest = [each for each in services if _operation(each["last_move"]) == operation]
    if newest and newest[0]["last_move"]["action"] != "relocate":  # whose steps are in the history alone
        moves = [_move(backend, each, each["last_move"]) for each in newest]
    else:
        moves = list(_earlier(backend, newest or services, operation))
    waves = backend.waves(operation)
    proposals = [] if moves or waves is not None else list(_proposed(backend, services, operation))
    if not (moves or proposals) and waves is None:
        raise refused(UnknownUrl(f"no service's history has the operation {operation[:40]!r}"))
    of_waves = {"state": waves["state"], "waves": waves["waves"]} if waves is not None else {}
    return {"operation": operation, **of_waves, "moves": moves, **({"proposals": proposals} if proposals else {})}


def _operation(entry: Body | None) -> str | None:
    return entry["operation"] if entry else None


def _earlier(backend: Backend, services: list[Body], operation: str) -> Iterator[Body]:
    for service in services:
        entries = backend.history(service["service"], limit=_LOOKED_THROUGH, cursor=None)["entries"]
        for entry in entries:
            if _operation(entry) == operation:
                yield _move(backend, service, entry)


def _proposed(backend: Backend, services: list[Body], operation: str) -> Iterator[Body]:
    for service in services:
        name, pull = service["service"], service["pull_request"]
        try:
            rollout = backend.rollout(name, operation=operation) if pull else None
        except Refused:  # another operation's
            continue
        if rollout is not None:
            yield {"service": name, "pull_request": pull, "rollout": rollout}


def _move(backend: Backend, service: Body, entry: Body) -> Body:
    name = service["service"]
    return {
        "service": name,
        "entry": entry,
        "rollout": backend.rollout(name, operation=entry["operation"]),
        "cluster": service.get("cluster"),
        "replication": service.get("replication"),
        "nodes": service.get("nodes") or {},
    }


def markdown(body: Body, *, utc: bool) -> str:
    """The whole page."""
    waves = body.get("waves") or []
    names = [move["service"] for move in body["moves"]]
    names += [name for wave in waves for name in wave["services"] if name not in names]
    names += [proposal["service"] for proposal in body.get("proposals") or []]
    lines = [f"# {_title(body['moves'])} of {', '.join(map(_text, names))}", "", *_head(body, utc=utc)]
    if waves:
        lines += ["", "## Waves", "", *_waves(waves), "", *_waves_next(body)]
    for proposal in body.get("proposals") or []:
        pull = proposal["pull_request"]
        lines += [
            "",
            f"## {_text(proposal['service'])}: proposed",
            "",
            "### Timeline",
            "",
            *_timeline(proposal, utc=utc),
        ]
        lines += [
            "",
            "### What to do next",
            "",
            f"- Somebody has to merge pull request {pull['number']}: {_text(pull['url'])}",
        ]
    for move in body["moves"]:
        lines += ["", f"## {_text(move['service'])}: {move['entry']['from']} to {move['entry']['to']}"]
        lines += ["", "### Timeline", "", *_timeline(move, utc=utc)]
        if steps := move["entry"].get("steps"):
            lines += ["", "### Steps", "", *_steps(steps, utc=utc)]
        lines += ["", "### Hazards", "", *_hazards(move)]
        lines += ["", "### Evidence", "", *_evidence(move, utc=utc)]
        lines += ["", "### Age of the data", "", *_data(move, utc=utc)]
        lines += ["", "### What to do next", "", *_next(move)]
    return "\n".join(lines) + "\n"


def _title(moves: Sequence[Body]) -> str:
    actions = {move["entry"]["action"] for move in moves}
    return _ACTIONS.get(actions.pop(), "Move") if len(actions) == 1 else "Move"


def _head(body: Body, *, utc: bool) -> Iterator[str]:
    yield f"- Operation: {_code(body['operation'])}"
    if not body["moves"]:
        yield "- Nothing of it is written yet."
        return
    first = min((move["entry"] for move in body["moves"]), key=lambda entry: str(entry["time"]))
    yield f"- Asked for by: {_text(first['by'])}"
    if first["reason"]:
        yield f"- Reason: {_text(first['reason'])}"
    yield f"- Committed: {shown_time(first['time'], utc=utc, seconds=True)}"


def _waves(waves: Sequence[Body]) -> Iterator[str]:
    """In which order its services move, and how far each wave is."""
    yield "| wave | services | state | commit | |"
    yield "|---|---|---|---|---|"
    for number, wave in enumerate(waves, 1):
        commits = wave.get("commits") or [wave["commit"]]
        shown = " ".join(_code(commit["sha"][:12]) for commit in commits if commit)
        cells = (", ".join(map(_text, wave["services"])), _text(wave["state"]), shown, _text(wave["reason"]))
        yield f"| {number}/{len(waves)} | {' | '.join(cells)} |"


def _waves_next(body: Body) -> Iterator[str]:
    """What is still to come, and what will not come by itself."""
    if body["state"] == "running":
        yield "It is under way: each wave goes on by itself once what it waits for serves."
    moved = {move["service"] for move in body["moves"]}
    stopped = [wave for wave in body["waves"] if wave["state"] == "stopped"]
    left = [name for wave in stopped for name in wave["services"] if name not in moved]
    if stopped:
        yield "It has come to a stop where the table says so: mend what did not come up."
    if left:
        yield f"Not moved: {', '.join(map(_text, left))}. Each stays where it is until somebody moves it by hand."
    if body["state"] == "done":
        yield "All of it is done."


def _timeline(move: Body, *, utc: bool) -> Iterator[str]:
    yield "| step | time | |"
    yield "|---|---|---|"
    for step in move["rollout"]["steps"]:
        time = shown_time(step["at"], utc=utc, seconds=True) if step["at"] else "not yet, or not known"
        yield f"| {step['name']} | {time} | {_text(step['detail'])} |"


def _steps(steps: list[Body], *, utc: bool) -> Iterator[str]:
    """The commits of a relocation, each with what was seen that let it be made."""
    yield "| step | time | commit | proof |"
    yield "|---|---|---|---|"
    for step in steps:
        time = shown_time(step["at"], utc=utc, seconds=True)
        yield f"| {_text(step['step'])} | {time} | {_code(step['commit']['sha'][:12])} | {_text(step['proof'])} |"


def _hazards(move: Body) -> Iterator[str]:
    """Those of now, and what the commit says; nobody keeps what else was warned of before the move."""
    found, accepted = move["rollout"]["hazards"], move["entry"].get("accepted") or ()
    for hazard in found:
        said = f"{_text(hazard['detail'])} {_text(hazard['cure'])}"
        yield f"- {_text(hazard['severity'])} {_code(hazard['slug'])}: {said}"
    if accepted:
        yield f"- Accepted by who asked for it: {', '.join(map(_code, accepted))}."
    if not found and not accepted:
        yield "None is seen now. What was warned of before the move is not kept, but for what was accepted."


def _evidence(move: Body, *, utc: bool) -> Iterator[str]:
    entry, cluster = move["entry"], move["cluster"]
    if trigger := entry.get("trigger"):
        yield f"- Nobody asked for it ({_text(trigger)}). It was based on this:"
        yield from (f"  - {_text(line)}" for line in entry.get("evidence") or ())
    yield f"- Commit {_code(entry['commit']['sha'])}: {_text(entry['commit']['url'])}"
    yield f"- {_proof(entry)}"
    if pull := entry["pull_request"]:
        yield f"- Pull request {pull['number']}, {_text(pull['state'])}: {_text(pull['url'])}"
    if not cluster:
        yield "- The cluster is not seen from here."
        return
    place = " on ".join(_text(part) for part in (cluster["pod"], cluster["node"]) if part)
    seen = shown_time(cluster["seen_at"], utc=utc, seconds=True)
    yield f"- Seen in the cluster at {seen}: {cluster['stage']}{f', {place}' if place else ''}"


def _proof(entry: Body) -> str:
    match entry.get("verified"):
        case True:
            return "Its diff does what it says: each value went from the one side to the other."
        case _:
            return "Whether its diff does what it says cannot be proved under the present catalog."


def _data(move: Body, *, utc: bool) -> Iterator[str]:
    replication = move["replication"]
    if not replication:
        yield "No replication is seen: how old the data was on the side it moved to is not known."
        return
    as_of = replication.get("data_as_of")
    when = f"of {shown_time(as_of, utc=utc, seconds=True)}" if as_of else "of a time that is not known"
    kind, state, reason = (_text(replication.get(key, "")) for key in ("kind", "state", "reason"))
    yield f"The copy on the other side now ({kind}) is {state}, with data {when}. {reason}".rstrip()


def _next(move: Body) -> Iterator[str]:
    rollout, entry, name = move["rollout"], move["entry"], move["service"]
    if blocked := rollout["blocked"]:
        yield f"- It is blocked: {_text(blocked['reason'])} {_text(blocked['cure'])}"
        yield f"- Or undo it: {_code(f'failover rollback {name}')}. A blocked app may start by itself, hours later."
    elif rollout["commit"] is None:
        yield "- Somebody has to merge the pull request."
    elif rollout["steps"] and is_overruled(said := rollout["steps"][-1]["detail"]):
        yield f"- {_text(said[:1].upper() + said[1:])}: {_code(f'failover rollout {name}')}."
    elif entry["to"] == "backup" and move["replication"]:
        home = _code(f"failover relocate {name} --to primary")
        yield f"- {_how_far(move)} What is written there is there alone: {home} brings it home, and moves it back."
    else:
        yield f"- {_how_far(move)} {_data_care(move)}".rstrip()
        if entry["to"] == "backup":
            yield f"- Then {_code(f'failover demote {name} --dry-run')} shows what that would do."


def _how_far(move: Body) -> str:
    rollout, name = move["rollout"], move["service"]
    if rollout["done"]:
        return "It serves."
    if move["cluster"] is None:
        return f"Whether it serves is not seen from here: {_code('kubectl get pods -o wide')}."
    return f"It is {_text(rollout['stage'])}: {_code(f'failover rollout {name}')} shows how far it has come."


def _data_care(move: Body) -> str:
    """Of all moves a relocation alone copies data: what was written on a side that another left may be there alone."""
    entry = move["entry"]
    if entry["to"] == "backup":
        return "Bring what is written there home before it goes back: sync it to primary first."
    if entry["from"] == entry["to"]:
        return ""
    if entry["action"] == "relocate":
        return "What was written on backup came with it: the steps have the proof."
    return (
        "What it wrote on backup stays in the volume that it left, where it has one of its own there and nobody has "
        "synced it: keep that until nothing is missed."
    )


def _text(text: str) -> str:
    """Text from outside, on one line, with no markup in it but what stands in backticks: that is there to be pasted.

    Inside of those nothing is markup, and so nothing is escaped there.
    """
    parts = one_line(str(text)).split("`")
    if len(parts) % 2 == 0 or not all(map(_is_code, parts[1::2])):
        return escape_markup("`".join(parts))
    return "".join(f"`{part}`" if i % 2 else escape_markup(part) for i, part in enumerate(parts))


def _is_code(part: str) -> bool:
    return bool(part.strip()) and "|" not in part  # a pipe would end a cell of a table, there too


def _code(text: str) -> str:
    return f"`{one_line(text).replace('`', '')}`"
