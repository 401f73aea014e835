"""The pages of a move: show what it would change, then confirm exactly that.

look        the dry run, with what has to be asked for where it is refused
confirm     the move, bound to the manifests that were shown and to a key of its own: a form that is sent twice
            moves once, and gives the same outcome
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from ulid import ULID

from failover_api.core.access.model import Caller
from failover_api.core.planning.request import MoveRequest, checked_key
from failover_api.core.planning.wave_progress import OperationState
from failover_api.core.safety.hazard import Hazard, Severity, hazard_from, merged
from failover_api.edges import problems
from failover_api.edges.board.advice import advice_on
from failover_api.edges.board.form_moves import FormMove, services_of
from failover_api.edges.board.forms import Form
from failover_api.edges.board.pages import Pages
from failover_api.edges.board.rollouts import rollouts_of
from failover_api.edges.board.sides import FileDiff, side_by_side
from failover_api.edges.http.etags import etag_of, versions_of
from failover_api.edges.models.body import Body
from failover_api.edges.models.waves import WaveBody
from failover_api.edges.move_request import read_pairs
from failover_api.edges.targets import Moved
from failover_api.errors import FailoverError, PreconditionFailed, UnsafeMove
from failover_api.wiring import Components

OWN_FIELDS = ("token", "shown", "key")  # of the form, beside those of a MoveRequest
_REFUSALS = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked for where a move is refused. `said`: it was."""

    key: str
    label: str
    help: str
    said: bool
    value: str = "true"

    @property
    def id(self) -> str:
        return self.key if self.value == "true" else f"{self.key}-{self.value.replace(':', '-')}"


# Key, label, what it means, and the refusals that it answers (None: any of a group's services).
_QUESTIONS: tuple[tuple[str, str, str, frozenset[str] | None], ...] = (
    (
        "force",
        "Move it all the same",
        "The value that somebody set is overwritten. It stays in Git's history, and a rollback brings it back.",
        frozenset({"manifest-drifted"}),
    ),
    (
        "supersede",
        "Let the other pull request give way",
        "An open pull request for the other side is closed with a comment. One that a person pushed to is left alone.",
        frozenset({"operation-pending"}),
    ),
    (
        "skip_refused",
        "Leave out what is refused",
        "The others move; those that are refused stay where they are.",
        None,
    ),
)


class Moves:
    """The pages of moves."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def look(self, request: Request, components: Components, caller: Caller, move: FormMove) -> Response:
        """What the move would change. Raises what refuses it, where nothing can be asked for."""
        asked = read_pairs(ticked(request.query_params.multi_items()), move.keys)
        return await self._rehearse(request, components, caller, move, asked)

    async def confirm(
        self, request: Request, components: Components, caller: Caller, move: FormMove, form: Form
    ) -> Response:
        """Makes the move that was shown; when it would be another by now, shows that one."""
        asked = read_pairs(ticked(form.without(OWN_FIELDS)), move.keys)
        try:
            move_request = MoveRequest(
                by=caller.name,
                versions=shown_versions(form),
                key=checked_key([form.one("key")]),
                **asked,
            )
            moved = await move.carry_out(move_request)
        except PreconditionFailed:
            return await self._rehearse(request, components, caller, move, asked, stale=True)
        except FailoverError as exc:
            return self._refused(request, caller, move, asked, exc)
        return self._done(request, components, caller, move, moved)

    async def _rehearse(
        self,
        request: Request,
        components: Components,
        caller: Caller,
        move: FormMove,
        asked: dict[str, Any],
        *,
        stale: bool = False,
    ) -> Response:
        try:
            moved = await move.carry_out(MoveRequest(by=caller.name, dry_run=True, **asked))
        except FailoverError as exc:
            return self._refused(request, caller, move, asked, exc)
        body: Any = moved.body
        facts = {
            "outcome": body,
            "may_make": move.may_make(services_of(body)),
            "files": _files(moved),
            "hazards": _hazards(moved),
            "shown": etag_of(moved.version, b""),
            "key": f"board-{ULID()}",
            "questions": _questions(move, asked, None),
            "deadline_s": components.settings.deadline_s,
        }
        status = problems.STATUSES[PreconditionFailed.slug] if stale else 200
        return self._page(request, caller, move, asked, status, stale=stale, **facts)

    def _refused(
        self, request: Request, caller: Caller, move: FormMove, asked: dict[str, Any], error: FailoverError
    ) -> Response:
        questions = _questions(move, asked, error)
        if not questions:
            raise error
        facts = {"refusal": error, "advice": advice_on(error), "questions": questions, **unsafe_facts(error)}
        return self._page(request, caller, move, asked, problems.status_of(error), **facts)

    def _page(
        self, request: Request, caller: Caller, move: FormMove, asked: dict[str, Any], status: int, **facts: Any
    ) -> Response:
        empty: dict[str, Any] = {"outcome": None, "refusal": None, "stale": False, "files": [], "hazards": []}
        told = {**empty, **facts, "move": move, "reason": asked.get("reason", "")}
        return self._pages.page(request, "move.html", caller, status=status, **told)

    def _done(self, request: Request, components: Components, caller: Caller, move: FormMove, moved: Moved) -> Response:
        body: Any = moved.body
        facts = {
            "follow": rollouts_of(components, moved),
            "move": move,
            "outcome": body,
            "files": _files(moved),
            "hazards": _hazards(moved),
            "pending": any(pull.state == "open" for pull in _all(body, "pull_requests", "pull_request")),
            "heading": _heading(move, moved),
            "commits": _all(body, "commits", "commit"),
            "pulls": _all(body, "pull_requests", "pull_request"),
        }
        return self._pages.page(request, "done.html", caller, status=202 if moved.is_pending else 200, **facts)


def shown_versions(form: Form) -> frozenset[str]:
    """The versions of the manifests that were shown. Raises PreconditionFailed for anything else, `*` included."""
    versions = versions_of(form.one("shown"))
    if versions is None:
        raise PreconditionFailed("the form does not say which manifests were shown")
    return versions


def _questions(move: FormMove, asked: dict[str, Any], refusal: FailoverError | None) -> list[Question]:
    """Those that answer the refusal, and those that were asked for already."""
    fitting = [
        Question(key, label, explained, said=bool(asked.get(key)))
        for key, label, explained, slugs in _QUESTIONS
        if key in move.keys and (asked.get(key) or (refusal is not None and _answers(slugs, refusal)))
    ]
    return [*stop_questions(asked.get("accept", frozenset()), refusal), *fitting]


def stop_questions(accepted: frozenset[str], refusal: FailoverError | None) -> list[Question]:
    """Each stop by itself, of a group's services each by itself too; where nothing refuses it all that are accepted."""
    if refusal is None:
        names = ", ".join(sorted(accepted))
        told = f"{names}: it moves although this would stop it, and the commit says so."
        return [Question("accept", "Accepted", told, said=True, value=names.replace(" ", ""))] if accepted else []
    each = refusal.refused.items() if refusal.refused else [("", refusal)]
    stops = {
        (f"{name}:{hazard.slug}" if name else hazard.slug): hazard
        for name, error in each
        if isinstance(error, UnsafeMove) and error.may_be_accepted
        for hazard in error.hazards
        if hazard.severity is Severity.STOP
    }
    return [
        Question("accept", f"Accept {value}", hazard.detail, said=value in accepted, value=value)
        for value, hazard in stops.items()
    ]


def ticked(items: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a form, with all that are ticked of one key as one."""
    ticked = [value for key, value in items if key == "accept"]
    others = [(key, value) for key, value in items if key != "accept"]
    return [*others, ("accept", ",".join(ticked))] if ticked else others


def unsafe_facts(error: FailoverError) -> dict[str, Any]:
    """What an unsafe move would come to, for the page that asks what is accepted."""
    if not isinstance(error, UnsafeMove):
        return {}
    plans = [plan for outcome in error.outcomes for plan in outcome.plans]
    hazards = [hazard for outcome in error.outcomes for hazard in outcome.hazards] or error.hazards
    return {"hazards": merged(hazards), "files": [file for plan in plans for file in side_by_side(plan.old, plan.new)]}


def _answers(slugs: frozenset[str] | None, refusal: FailoverError) -> bool:
    if slugs is None:
        return problems.status_of(refusal) in _REFUSALS
    return not slugs.isdisjoint({refusal.slug, *(one.slug for one in refusal.refused.values())})


def _heading(move: FormMove, moved: Moved) -> str:
    body: Any = moved.body
    if waves := getattr(body, "waves", None):
        return f"{move.name}: {_of_waves(waves)}"
    if moved.is_pending:
        several = len(_all(body, "pull_requests", "pull_request")) > 1
        waits = f"{'pull requests are' if several else 'a pull request is'} open"
        return f"{move.name}: {'moved in part, ' if body.policy == 'mixed' else ''}{waits}"
    if not body.changed:
        return f"{move.name}: nothing to do"
    return move.in_part if _leaves_some(body) else move.done


def _of_waves(waves: Sequence[WaveBody]) -> str:
    begun = sum(wave.state is not OperationState.WAITING for wave in waves)
    if begun == len(waves):
        return "all waves are begun"
    return f"wave {max(begun, 1)} of {len(waves)} is made"


def _leaves_some(body: Any) -> bool:
    """Whether a service stays where it is, since it was left out or nobody knows its node."""
    left_out = any(hasattr(member, "error") for member in getattr(body, "services", ()))
    return left_out or bool(getattr(body, "unplaced", ()))


def _hazards(moved: Moved) -> list[Hazard]:
    """A kind that many services of a group have is said once."""
    body: Any = moved.body
    return merged([hazard_from(hazard.model_dump()) for hazard in body.hazards])


def _files(moved: Moved) -> list[FileDiff]:
    return [file for plan in moved.plans for file in side_by_side(plan.old, plan.new)]


def _all(body: Body, several: str, one: str) -> Sequence[Any]:
    """Commits or pull requests: a group on several branches has several."""
    found = getattr(body, several, None)
    single = getattr(body, one)
    return found if found is not None else [single] if single is not None else []
