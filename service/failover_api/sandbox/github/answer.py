"""What endpoints give back: an answer, or a refusal with GitHub's status and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, or bytes to be sent as they are. `etag` as sent; None: made from body and credentials."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


class Refused(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        url: str = DOCS,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.url = url
        self.errors = errors
        self.headers = dict(headers or {})

    @property
    def sentence(self) -> str:
        """Why, without the frame of a validation error."""
        return str(next((error.get("message") for error in self.errors or ()), None) or self.message)

    def answer(self, request_id: str) -> Answer:
        body: dict[str, Any] = {"message": self.message.replace("{request_id}", request_id)}
        if self.errors is not None:
            body["errors"] = self.errors
        return Answer({**body, "documentation_url": self.url, "status": str(self.status)}, self.status, self.headers)


def invalid(resource: str, *, field: str | None = None, code: str = "custom", message: str | None = None) -> Refused:
    """422 Validation Failed, with one entry in `errors`."""
    entry = {"resource": resource, "code": code}
    if field:
        entry["field"] = field
    if message:
        entry["message"] = message
    return Refused(422, "Validation Failed", errors=[entry])


def not_supplied(name: str) -> Refused:
    return Refused(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
