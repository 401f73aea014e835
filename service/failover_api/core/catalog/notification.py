"""The catalog's `notifications`: which events go to whom, and the fields that a template can use."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from string import Template


class Event(StrEnum):
    """What people can be notified of."""

    MOVED = "moved"
    PROPOSED = "proposed"
    MERGED = "merged"
    REFUSED = "refused"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome-unknown"
    ROLLED_BACK = "rolled-back"
    SERVING = "serving"
    BLOCKED = "blocked"
    SUSPECT = "suspect"  # these are of automatic failover
    ACTING = "acting"
    HELD = "held"
    FAILBACK = "failback"
    RELOCATING = "relocating"  # it has begun, or it waits; its cutover is `moved`
    RELOCATED = "relocated"
    RELOCATION_STOPPED = "relocation-stopped"


# A refusal is read at once by whoever asked; the other events concern people who did not ask.
DEFAULT_EVENTS = frozenset(Event) - {Event.REFUSED}


FIELDS = (
    "action", "by", "commit", "event", "from", "group", "message", "operation", "pull_request", "reason", "service",
    "text", "to", "url",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry: events of services that go to the apprise URLs in `url_file`. `services` are globs."""

    url_file: str
    events: frozenset[Event] = DEFAULT_EVENTS
    services: tuple[str, ...] = ("*",)
    template: str = "$text"

    def wants(self, event: Event, services: Iterable[str]) -> bool:
        """Whether the event goes to them: of at least one of these services."""
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
