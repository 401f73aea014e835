"""Errors as problem+json (RFC 9457); the only table of HTTP statuses."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from failover_api.errors import FailoverError, InternalError, UnsafeMove

if TYPE_CHECKING:
    from failover_api.core.planning.change import Change

CURES: dict[str, str] = {
    "bad-request": "Correct what the message names, and ask again.",
    "unauthenticated": "Show a token that the access file knows; it may have expired, or be for another audience.",
    "forbidden": "Ask somebody who may, or have the access file's rule allow it.",
    "unknown-service": "Use a name of the catalog, config/services.yaml; it must be one that you may see.",
    "unknown-node": "Use a node of the cluster, or one that the catalog names; `failover nodes` lists them.",
    "unknown-group": "Use a group of the catalog, config/services.yaml, of which you may see every service.",
    "not-found": "Correct the URL.",
    "repository-not-found": "Correct repository and branch in the catalog, or install the App on that repository.",
    "method-not-allowed": "Use POST to move, GET to look.",
    "body-too-large": "Send less.",
    "unsupported-media-type": "Send JSON.",
    "manifest-drifted": "Look at the value. Put it right in Git or the catalog, or overwrite it: ask again with force.",
    "conflict": "Ask again: others were writing at the same time.",
    "operation-pending": "Merge or close what is named; supersede closes a pull request that no person has pushed to.",
    "branch-protected": "Give the service policy or fallback pull_request, or let the App past the rule.",
    "relocation-running": "Wait for its end, or abort it: `failover relocate SERVICE --abort`, before the cutover.",
    "cluster-needed": "Let the service see its cluster: components cluster-view and automatic, or a kubeconfig.",
    "node-alive": "Look again: it is heard of. Cordon it, or evacuate it, if its services should leave.",
    "unsafe-move": "Do what the hazards say, or accept each that stops it, and ask again.",
    "nothing-to-roll-back": "Use promote or demote: Git knows of no move to undo.",
    "changed-since": "Look at the commit. What a person changed is not undone; use promote or demote.",
    "precondition-failed": "Look at the new dry run, and ask again if it is still what you want.",
    "manifest-not-found": "Correct the entry in the catalog: path, kind, name and namespace.",
    "manifest-ambiguous": "Say in the catalog which one is meant: path, kind, name and namespace.",
    "manifest-invalid": "Put right what the message names, in the manifest or in the catalog; force does not help.",
    "switch-not-found": "Add the key to the manifest, or correct its path in the catalog.",
    "idempotency-key-reused": "Use a key of its own for each request.",
    "repository-too-large": "Name the path of each service in the catalog.",
    "cannot-plan": "Write the key of the catalog that `detail` names; else edit the manifest by hand, and report it.",
    "too-many-requests": "Wait as long as told, then show a valid token, or look less often.",
    "internal-error": "See where the service is before you ask again. Please report it, with the log.",
    "github-error": "Ask again; see GitHub's status page if it goes on.",
    "github-permission": "Give the App, or the job's token, the permission the message names, or a way past the rule.",
    "not-ready": "Correct what the message names: catalog, credentials, or where the service is reached.",
    "github-rate-limited": "Wait as long as told, and ask again.",
    "github-unavailable": "Ask again; when GitHub stays down, change the cluster by hand, and Git when it is back.",
    "outcome-unknown": "See where the service is before you ask again: the change may have been made.",
}

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:failover-api:problem:"

STATUSES: dict[str, int] = {
    "bad-request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "unknown-service": 404,
    "unknown-group": 404,
    "unknown-node": 404,
    "not-found": 404,
    "repository-not-found": 404,
    "method-not-allowed": 405,
    "manifest-drifted": 409,
    "conflict": 409,
    "branch-protected": 409,
    "operation-pending": 409,
    "relocation-running": 409,
    "cluster-needed": 409,
    "node-alive": 409,
    "unsafe-move": 409,
    "nothing-to-roll-back": 409,
    "changed-since": 409,
    "precondition-failed": 412,
    "body-too-large": 413,
    "unsupported-media-type": 415,
    "manifest-not-found": 422,
    "manifest-ambiguous": 422,
    "manifest-invalid": 422,
    "switch-not-found": 422,
    "repository-too-large": 422,
    "cannot-plan": 422,
    "idempotency-key-reused": 422,
    "too-many-requests": 429,
    "internal-error": 500,
    "github-error": 502,
    "github-permission": 502,
    "not-ready": 503,
    "github-rate-limited": 503,
    "github-unavailable": 503,
    "outcome-unknown": 504,
}
RETRY_AFTER_S = 5.0  # for a 503 that says nothing better


def status_of(error: FailoverError) -> int:
    return STATUSES[error.slug]


def problem(error: FailoverError, *, instance: str | None) -> dict[str, Any]:
    """The problem object of an error. `instance` is the request's id; a group's has all that were refused."""
    told = {
        "type": f"{TYPE_PREFIX}{error.slug}",
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail,
        "instance": instance,
        "outcome": error.outcome,
    }
    if isinstance(error, UnsafeMove):
        told |= _unsafe(error)
    if error.refused:
        told["refused"] = [refused(name, one) for name, one in error.refused.items()]
    return told


def _unsafe(error: UnsafeMove) -> dict[str, Any]:
    """What the move would come to, as its dry run would say it."""
    from failover_api.core.text.diff import unified_diff  # a step of a job has this table too, and no library
    from failover_api.moves.outcome import told

    plans = [plan for outcome in error.outcomes for plan in outcome.plans]
    hazards = [hazard for outcome in error.outcomes for hazard in outcome.hazards] or error.hazards
    diffs = [unified_diff(plan.old, plan.new) for plan in plans]
    diffs += [f"{step.label}\n{step.diff}" for step in error.steps if step.diff]  # patch passes over a line between
    return {
        "hazards": [asdict(hazard) for hazard in dict.fromkeys(hazards)],  # those of several parts, each once
        "changes": [_change(change) for one in (*plans, *error.steps) for change in one.changes],
        "diff": "".join(diffs),
        "message": told(error.outcomes, group=error.group) or error.message,
    }


def _change(change: "Change") -> dict[str, Any]:
    """As models.ChangeBody has it: a mapping is a text of YAML, and JSON has no infinity."""
    values = {"old": change.old, "new": change.new}
    return {**asdict(change), **{key: _plain(value) for key, value in values.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        from failover_api.core.splice.shown import shown

        return shown(value)
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def refused(service: str, error: FailoverError) -> dict[str, Any]:
    """A service for whose sake its group was refused, or that was left out."""
    return {
        "service": service,
        "type": f"{TYPE_PREFIX}{error.slug}",
        "title": error.title,
        "detail": error.detail,
        "hazards": [asdict(hazard) for hazard in error.hazards] if isinstance(error, UnsafeMove) else [],
    }


def headers(error: FailoverError) -> dict[str, str]:
    """How to authenticate, or Retry-After in whole seconds, where the status has one."""
    if status_of(error) == 401:  # https://datatracker.ietf.org/doc/html/rfc6750#section-3
        return {"WWW-Authenticate": 'Bearer realm="failover-api"'}
    if status_of(error) != 503 and error.retry_after_s is None:
        return {}
    wait_s = RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
    return {"Retry-After": str(max(1, math.ceil(wait_s)))}


def internal() -> InternalError:
    """What a defect of ours looks like from outside: nothing of it."""
    return InternalError("a defect in failover-api; its log has the traceback under this request's id")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem, as the documentation lists it."""

    slug: str
    status: int
    cure: str


def kinds() -> list[Kind]:
    """All there are, by status."""
    return [Kind(slug, STATUSES[slug], CURES[slug]) for slug in sorted(STATUSES, key=STATUSES.__getitem__)]


def help_url(slug: str) -> str:
    """Where the documentation says what to do about it, below the service's own URL."""
    return f"/docs#{slug}"


def cure(slug: str) -> str:
    """What to do, or nothing when the problem is one that we do not know."""
    return CURES.get(slug, "")
