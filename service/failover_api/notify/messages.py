"""What there is to tell of a move that ended, or of a merge: nothing of a dry run, or where nothing changed."""

from collections.abc import Sequence

from failover_api.core.catalog.model import Action, Service
from failover_api.core.catalog.notification import Event
from failover_api.core.planning.plan import Plan
from failover_api.core.planning.request import RELOCATE, catalog_group
from failover_api.core.text.notice import Notice, make_notice
from failover_api.core.text.sentence import destination, names_of
from failover_api.core.text.trailers import Record
from failover_api.errors import FailoverError
from failover_api.events import AutomaticTold, Blocked, Merged, MoveEnded, RelocationTold, Serving, verdict
from failover_api.moves.outcome import Outcome

MAX_DETAIL = 500
_EVENTS = {"refused": Event.REFUSED, "failed": Event.FAILED, "unknown": Event.OUTCOME_UNKNOWN}
_UNDONE = {
    Event.REFUSED: ("{name} was not {moved}", "{name} was not {moved}: {detail}"),
    Event.FAILED: ("{name} could not be {moved}", "{name} could not be {moved}: {detail}"),
    Event.OUTCOME_UNKNOWN: (
        "Nobody knows yet whether {name} was {moved}",
        "Nobody knows yet whether {name} was {moved}. Look before you try again: {detail}",
    ),
}
_MOVED = {Action.PROMOTE: "moved to backup", Action.DEMOTE: "moved to primary", Action.ROLLBACK: "rolled back"}


def notice_of(ended: MoveEnded) -> Notice | None:
    """One notice for a move, a group's too; None when there is nothing to tell."""
    if ended.dry_run:
        return None
    if ended.error is not None:
        return _of_error(ended, ended.error)
    return None if ended.news is None else _of_outcome(ended, ended.news)


def notice_of_merge(merged: Merged) -> Notice:
    """Who asked for it and why, as the pull request says."""
    first, names = merged.records[0], [record.service for record in merged.records]
    route = f" from {first.before} to {first.after}" if len(names) == 1 else _to([r.after for r in merged.records])
    what = names[0] if len(names) == 1 else f"{len(names)} services ({names_of(names)})"
    return make_notice(
        Event.MERGED,
        services=tuple(names),
        title=f"{_named(names, first.provenance.group)}: pull request #{merged.number} is merged",
        message=f"Pull request #{merged.number} is merged: {what} moved{route}.",
        group=first.provenance.group or "",
        action=first.action,
        by=first.provenance.by,
        reason=first.provenance.reason,
        operation=first.operation,
        commit=merged.commit,
        pull_request=merged.url,
        **{"from": _common([r.before for r in merged.records]), "to": _common([r.after for r in merged.records])},
    )


def notice_of_serving(serving: Serving) -> Notice:
    """On which node, and how long it took."""
    name, where = serving.service.name, f" on {serving.node}" if serving.node else ""
    took = f", {serving.took_s:.0f} s after the commit" if serving.took_s is not None else ""
    title = f"{name} serves{where}"
    return _of_rollout(Event.SERVING, serving.service, serving.record, title, f"{title}{took}.")


def notice_of_blocked(blocked: Blocked) -> Notice:
    """Why, and what to do."""
    name = blocked.service.name
    message = f"{name} is moved in Git, and does not come up: {blocked.reason} {blocked.cure}".strip()
    return _of_rollout(Event.BLOCKED, blocked.service, blocked.record, f"{name} does not come up", message)


def notice_of_automatic(told: AutomaticTold) -> Notice:
    """As it was said."""
    return make_notice(told.about, services=told.services, title=told.title, message=told.message)


def notice_of_relocation(told: RelocationTold) -> Notice:
    """As it was said."""
    return make_notice(
        told.about,
        services=(told.service,),
        title=told.title,
        message=told.message,
        action=RELOCATE,
        by=told.by,
        reason=told.reason,
        operation=told.operation,
        commit=told.commit,
        **{"from": told.target.other.value, "to": told.target.value},
    )


def _of_rollout(event: Event, service: Service, record: Record, title: str, message: str) -> Notice:
    return make_notice(
        event,
        services=(service.name,),
        title=title,
        message=message,
        group=record.provenance.group or "",
        action=record.action,
        by=record.provenance.by,
        reason=record.provenance.reason,
        operation=record.operation,
        **{"from": record.before, "to": record.after},
    )


def event_of(outcome: Outcome) -> Event:
    """Of an outcome that changed something."""
    if outcome.pull_request is not None:
        return Event.MERGED if outcome.pull_request.state == "merged" else Event.PROPOSED
    return Event.ROLLED_BACK if outcome.action is Action.ROLLBACK else Event.MOVED


def event_of_error(error: FailoverError) -> Event:
    return _EVENTS[verdict(error)]


def _of_outcome(ended: MoveEnded, outcome: Outcome) -> Notice:
    event, pull = event_of(outcome), outcome.pull_request
    moving = [plan for plan in outcome.plans if plan.changes] or list(outcome.plans)
    names = [plan.service.name for plan in moving]
    return make_notice(
        event,
        services=tuple(names),
        title=_title(event, moving, _named(names, ended.group), pull.number if pull else 0),
        message=outcome.sentence(group=ended.group),
        **_asked(ended),
        operation=outcome.operation or ended.operation,
        commit=outcome.commit.url if outcome.commit else "",
        pull_request=pull.url if pull else "",
        **{"from": _common([plan.before.state for plan in moving]), "to": _common([plan.after for plan in moving])},
    )


def _of_error(ended: MoveEnded, error: FailoverError) -> Notice:
    event = event_of_error(error)
    title, message = _UNDONE[event]
    said = {
        "name": _named(ended.services, ended.group),
        "moved": _MOVED[ended.action],
        "detail": error.detail[:MAX_DETAIL],
    }
    return make_notice(
        event,
        services=ended.services,
        title=title.format(**said),
        message=message.format(**said),
        **_asked(ended),
        operation=ended.operation,
    )


def _title(event: Event, moving: Sequence[Plan], name: str, number: int) -> str:
    match event:
        case Event.PROPOSED:
            return f"{name}: pull request #{number} waits for a review"
        case Event.MERGED:
            return f"{name}: pull request #{number} is merged"
        case Event.ROLLED_BACK:
            return f"{name} rolled back"
        case _:
            where = destination(moving)
            return f"{name} moved to {where}" if where else f"{name} moved"


def _asked(ended: MoveEnded) -> dict[str, str]:
    return {"action": ended.action.value, "group": ended.group or "", "by": ended.by, "reason": ended.reason}


def _named(names: Sequence[str], group: str | None) -> str:
    return f"Group {name}" if (name := catalog_group(group)) else names_of(names)


def _common(states: Sequence[str]) -> str:
    """The state of all of them; nothing when they differ."""
    return str(states[0]) if len(set(states)) == 1 else ""


def _to(states: Sequence[str]) -> str:
    where = _common(states)
    return f" to {where}" if where else ""
