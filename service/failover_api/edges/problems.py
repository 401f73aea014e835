"""Errors as problem+json (RFC 9457); the only table of HTTP statuses."""

import math
from typing import Any

from failover_api.errors import FailoverError, InternalError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:failover-api:problem:"

STATUSES: dict[str, int] = {
    "bad-request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "unknown-service": 404,
    "unknown-group": 404,
    "not-found": 404,
    "repository-not-found": 404,
    "method-not-allowed": 405,
    "manifest-drifted": 409,
    "conflict": 409,
    "branch-protected": 409,
    "operation-pending": 409,
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
    if error.refused:
        told["refused"] = [_refused(name, one) for name, one in error.refused.items()]
    return told


def _refused(service: str, error: FailoverError) -> dict[str, Any]:
    return {
        "service": service,
        "type": f"{TYPE_PREFIX}{error.slug}",
        "title": error.title,
        "detail": error.detail,
        "hazards": [],
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
