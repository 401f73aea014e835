"""What the API server refuses, as Status objects with the texts that clients match on.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.objects.kinds import Kind


class ApiError(Exception):
    """An answer other than success: `code`, `reason`, message and details of a Status."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details or {}

    @property
    def status(self) -> Object:
        body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": self.message, "reason": self.reason}
        if self.details:
            body["details"] = self.details
        return {**body, "code": self.code}


def _details(kind: Kind, name: str, **more: object) -> Object:
    details: Object = {"name": name} if name else {}
    if kind.group:
        details["group"] = kind.group
    return {**details, "kind": kind.plural, **more}


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str, *causes: tuple[str, str]) -> ApiError:
    """422; `causes` are (field, message) pairs, a message such as `Forbidden: may not ...`."""
    reasons = {"Forbidden": "FieldValueForbidden", "Required value": "FieldValueRequired"}
    told = [f"{field}: {message}" for field, message in causes]
    text = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    listed = [
        {"reason": reasons.get(message.partition(":")[0], "FieldValueInvalid"), "message": message, "field": field}
        for field, message in causes
    ]
    titled = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = _details(kind, name, causes=listed) | {"kind": kind.kind}
    return ApiError(422, "Invalid", f'{titled} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    """403 of an admission plug-in."""
    return ApiError(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {why}', _details(kind, name))


def patch_failed(why: str) -> ApiError:
    message = "the server rejected our request due to an error in our request"
    causes = [{"reason": "UnexpectedServerResponse", "message": why}]
    return ApiError(422, "Invalid", message, {"causes": causes})


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def gone(current: int, asked: int) -> ApiError:
    return expired(f"too old resource version: {asked} ({current})")
