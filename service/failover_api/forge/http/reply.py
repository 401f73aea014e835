"""An HTTP reply of the host, with its JSON, its error text and its time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from failover_api.forge.http.wrong_host import describe_wrong_host
from failover_api.host_clock import date_of

_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply. `headers` has lower-case names; `data` is the parsed JSON, None when there is none.

    Its repr leaves out the body, which may hold a token or a file.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    data: Any = field(repr=False)
    root: str = ""  # the REST root that was asked

    @property
    def message(self) -> str:
        """The host's error text on one line, with the fields that it names as wrong."""
        details = [_detail(error) for error in self.errors]
        return _one_line(": ".join(filter(None, (message_text(self.data), "; ".join(filter(None, details))))))

    @property
    def full_message(self) -> str:
        """The same with its line breaks: GitHub lists violated rules one a line."""
        text = self.data.get("message") if isinstance(self.data, dict) else None
        return "\n".join([str(text or ""), *map(_detail, self.errors)])

    @property
    def errors(self) -> list[Any]:
        """The `errors` of a GraphQL reply, or of a refusal by REST."""
        errors = self.data.get("errors") if isinstance(self.data, dict) else None
        return errors if isinstance(errors, list) else [errors] if errors else []

    def sent_at(self, *, otherwise: float) -> float:
        """When it was sent, by the host's wall clock (s), since ours may be wrong; `otherwise` when it does not say."""
        sent_at = date_of(self.headers)
        return otherwise if sent_at is None else sent_at

    @property
    def wrong_host(self) -> str | None:
        """What answered instead of GitHub, in words; None when it may well be GitHub."""
        return describe_wrong_host(
            status=self.status, headers=self.headers, body=self.body, data=self.data, root=self.root
        )


def message_text(data: Any) -> str:
    text = data.get("message") if isinstance(data, dict) else None
    return _one_line(text) if isinstance(text, str) else ""


def _detail(error: Any) -> str:
    """One of the `errors` of a refusal: a text, or a field and what is wrong with it.

    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
    """
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    named = (error[key] for key in ("resource", "field", "code") if error.get(key) and isinstance(error[key], str))
    return message_text(error) or " ".join(named)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_TEXT]
