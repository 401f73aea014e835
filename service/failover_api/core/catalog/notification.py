"""The catalog's `notifications`: who is told of what, and the fields a template can name."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from string import Template


class Event(StrEnum):
    """What can be told."""

    MOVED = "moved"
    PROPOSED = "proposed"
    MERGED = "merged"
    REFUSED = "refused"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome-unknown"
    ROLLED_BACK = "rolled-back"


# A refusal is the answer to somebody who reads it already; the rest concerns people who did not ask.
DEFAULT_EVENTS = frozenset(Event) - {Event.REFUSED}


FIELDS = (
    "action", "by", "commit", "event", "from", "group", "message", "operation", "pull_request", "reason", "service",
    "text", "to", "url",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notification:
    """Who is told of what. `url_file` is a file of apprise URLs, `services` are globs."""

    url_file: str
    events: frozenset[Event] = DEFAULT_EVENTS
    services: tuple[str, ...] = ("*",)
    template: str = "$text"

    def wants(self, event: Event, services: Iterable[str]) -> bool:
        """Whether it is about one of these services at least."""
        return event in self.events and any(
            fnmatchcase(service, pattern) for service in services for pattern in self.services
        )


def template_error(template: str) -> str | None:
    """What is wrong with a template; None: nothing. A `$` of its own is written `$$`."""
    parsed = Template(template)
    if not parsed.is_valid():
        return "has a `$` that begins no field; a `$` of its own is written `$$`"
    unknown = next((name for name in parsed.get_identifiers() if name not in FIELDS), None)
    if unknown is not None:
        return f"has the unknown field ${unknown[:60]}, expected {', '.join(f'${name}' for name in FIELDS)}"
    return None
