"""An outcome in one sentence: "sonarr moved from primary to backup in Git: 2 values in apps/sonarr.yaml; Flux ..."."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import Action, Policy
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import State
from failover_api.core.text.next_step import APPLIED, watch_command
from failover_api.core.wording import listed, one_line

MAX_NAMES = 10  # of services or files
_SIDES = frozenset({State.PRIMARY, State.BACKUP})

# By what happened to a move, or would: `{pull}` is "Pull request #12", `{route}` " from primary to backup".
_MOVED = {
    "written": "{what} moved{route} in Git",
    "rehearsed": "{what} would move{route}",
    "proposed": "{what} would move{route} by a pull request",
    "pending": "{what} would move{route} by a pull request that is open already",
    "opened": "{pull} moves {what}{route} when it is merged",
    "open": "{pull} is already open and moves {what}{route} when it is merged",
    "merged": "{pull} is merged and moved {what}{route} in Git",
    "closed": "{pull} was closed without a merge and did not move {what}{route}",
}
_ROLLED_BACK = {
    "written": "{what} rolled back{route} in Git",
    "rehearsed": "{what} would roll back{route}",
    "proposed": "{what} would roll back{route} by a pull request",
    "pending": "{what} would roll back{route} by a pull request that is open already",
    "opened": "{pull} rolls {what} back{route} when it is merged",
    "open": "{pull} is already open and rolls {what} back{route} when it is merged",
    "merged": "{pull} is merged and rolled {what} back{route} in Git",
    "closed": "{pull} was closed without a merge and did not roll {what} back{route}",
}
_TIDIED = {
    "written": "the strategy of {what} is put back in Git",
    "rehearsed": "the strategy of {what} would be put back",
    "proposed": "the strategy of {what} would be put back by a pull request",
    "pending": "the strategy of {what} would be put back by a pull request that is open already",
    "opened": "{pull} puts the strategy of {what} back when it is merged",
    "open": "{pull} is already open and puts the strategy of {what} back when it is merged",
    "merged": "{pull} is merged and put the strategy of {what} back in Git",
    "closed": "{pull} was closed without a merge and did not put the strategy of {what} back",
}
_UNWRITTEN = frozenset({"rehearsed", "proposed", "pending"})
_IN_GIT = frozenset({"written", "merged"})


@dataclass(frozen=True, slots=True)
class Part:
    """What came of services that went together, or would in a dry run.

    `pull_request` is its number and state (open, merged, closed); `changed`: by this call, not by an earlier one.
    `refused` are the services of the group that were left out.
    """

    plans: Sequence[Plan]
    dry_run: bool = False
    changed: bool = True
    pull_request: tuple[int, str] | None = None
    refused: Sequence[str] = ()

    @property
    def event(self) -> str:
        """What happened, as a key of the tables above."""
        state = self.pull_request[1] if self.pull_request else None
        if self.dry_run:
            return self._rehearsed if self.changed else "pending"
        if state == "open":
            return "opened" if self.changed else "open"
        return state or "written"

    @property
    def _rehearsed(self) -> str:
        """Only what all of it would be made by."""
        policies = {plan.service.policy for plan in self.plans if _is_moving(plan)}
        return "proposed" if policies == {Policy.PULL_REQUEST} else "rehearsed"

    @property
    def is_moving(self) -> bool:
        return any(map(_is_moving, self.plans))


def sentence(
    plans: Sequence[Plan],
    *,
    group: str | None = None,
    dry_run: bool = False,
    changed: bool = True,
    pull_request: tuple[int, str] | None = None,
    refused: Sequence[str] = (),
) -> str:
    """As message(), of one Part."""
    return message([Part(plans, dry_run, changed, pull_request, refused)], group=group)


def message(parts: Sequence[Part], *, group: str | None = None) -> str:
    """What a move did, or a dry run would do; `group` where it is a group's.

    The parts of a dry run are one sentence: what would move, then what is already there, and last that nothing was
    written.
    """
    if len(parts) > 1 and all(part.dry_run for part in parts):
        ordered = sorted(parts, key=lambda part: not part.is_moving)
        text = "; ".join(_clauses(part, group) for part in ordered)
        texts = [text + _ending(ordered[0])]
    else:
        texts = [_clauses(part, group) + _ending(part) for part in parts]
    return " ".join(f"{text}." if group is None else f"{group}: {text}." for text in texts)


def _clauses(part: Part, group: str | None) -> str:
    number = part.pull_request[0] if part.pull_request else 0
    pull = f"Pull request #{number}" if group is None else f"pull request #{number}"
    if group is None and len(part.plans) == 1:
        return _of_one(part.plans[0], part.event, pull)
    return "; ".join(_of_several(part.plans, part.refused, part.event, pull))


def _ending(part: Part) -> str:
    if not part.is_moving:
        return "; nothing to do"
    if part.event in _UNWRITTEN:
        return ". Nothing was written"
    return _next_step(part.plans) if part.event in _IN_GIT else ""


def destination(plans: Iterable[Plan]) -> str:
    """Where the plans lead: "backup", "its former values"; "" when they lead to different states."""
    plans = list(plans)
    states = {plan.after for plan in plans}
    if len(states) > 1:
        return ""
    if states <= _SIDES:
        return states.pop().value
    return f"{'its' if len(plans) == 1 else 'their'} former values"


def names_of(names: Iterable[str]) -> str:
    """The names, or the first MAX_NAMES of them: "sonarr, radarr and 7 more"."""
    return listed([one_line(name) for name in names], MAX_NAMES)


def _next_step(plans: Sequence[Plan]) -> str:
    command = watch_command(plan for plan in plans if _is_moving(plan))
    return f"; {APPLIED}{f' ({command} shows it)' if command else ''}"


def _is_moving(plan: Plan) -> bool:
    """Whether it moves anything. An old pull request's plan may have no changes: then its states tell."""
    return bool(plan.changes) or plan.before.state is not plan.after


def _of_one(plan: Plan, event: str, pull: str) -> str:
    name = plan.service.name
    if not _is_moving(plan):
        return f"{name} is already {_place([plan])} in Git"
    if plan.is_tidy:
        return _TIDIED[event].format(what=name, pull=pull) + _values(plan)
    route = f" from {plan.before.state} to {destination([plan])}"
    return _clause(plan.action, event, what=name, pull=pull, route=route) + _values(plan)


def _of_several(plans: Sequence[Plan], refused: Sequence[str], event: str, pull: str) -> list[str]:
    moving = [plan for plan in plans if _is_moving(plan)]
    there = [plan for plan in plans if not _is_moving(plan)]
    parts: list[str] = []
    if moving:
        where = destination(moving)
        route = f" to {where}" if where else ""
        clause = _clause(moving[0].action, event, what=_counted(moving), pull=pull, route=route)
        parts.append(f"{clause} ({_services(moving)})")
    if there:
        parts.append(f"{_already(there, event, is_rest=bool(moving))} ({_services(there)})")
    if refused:
        would = "would be " if moving and event in _UNWRITTEN else ""
        parts.append(f"{len(refused)} {would}left out ({names_of(refused)})")
    return parts


def _already(there: Sequence[Plan], event: str, *, is_rest: bool) -> str:
    if not is_rest:
        return f"{_counted(there)} {'is' if len(there) == 1 else 'are'} already {_place(there)} in Git"
    was, were = ("was", "were") if event == "written" else ("is", "are")
    return f"{len(there)} {was if len(there) == 1 else were} already there"


def _clause(action: Action, event: str, *, what: str, pull: str, route: str) -> str:
    table = _ROLLED_BACK if action is Action.ROLLBACK else _MOVED
    return table[event].format(what=what, pull=pull, route=route)


def _place(plans: Sequence[Plan]) -> str:
    where = destination(plans)
    if where in _SIDES:
        return f"on {where}"
    return f"at {where}" if where else "there"


def _counted(plans: Sequence[Plan]) -> str:
    return f"{len(plans)} service{'' if len(plans) == 1 else 's'}"


def _services(plans: Iterable[Plan]) -> str:
    return names_of(plan.service.name for plan in plans)


def _values(plan: Plan) -> str:
    count = len(plan.changes)
    return f": {count} value{'' if count == 1 else 's'} in {names_of(plan.new)}" if count else ""
