"""What people are told without asking: which events, in which words.

Notification   an entry of the catalog: who is told, of what, in whose words
Notice         one thing that happened, with the fields that a template can name
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from string import Template

from failover_api.core.inert import unmarked


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
BY_DEFAULT = frozenset(Event) - {Event.REFUSED}

FIELDS = (
    "action", "by", "commit", "event", "from", "group", "message", "operation", "pull_request", "reason", "service",
    "text", "to", "url",
)  # fmt: skip
_URLS = ("commit", "pull_request")


@dataclass(frozen=True, slots=True)
class Notification:
    """Who is told of what. `url_file` is a file of apprise URLs, `services` are globs."""

    url_file: str
    events: frozenset[Event] = BY_DEFAULT
    services: tuple[str, ...] = ("*",)
    template: str = "$text"

    def wants(self, notice: "Notice") -> bool:
        return notice.event in self.events and any(
            fnmatchcase(service, pattern) for service in notice.services for pattern in self.services
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened. `fields` has a text, perhaps an empty one, for each of FIELDS."""

    event: Event
    services: tuple[str, ...]
    title: str
    fields: Mapping[str, str]

    def written(self, template: str) -> str:
        """The text of a template that fault_of() found no fault with."""
        return Template(template).substitute(self.fields)


def fault_of(template: str) -> str | None:
    """What is wrong with a template; None: nothing. A `$` of its own is written `$$`."""
    parsed = Template(template)
    if not parsed.is_valid():
        return "has a `$` that begins no field; a `$` of its own is written `$$`"
    unknown = next((name for name in parsed.get_identifiers() if name not in FIELDS), None)
    if unknown is not None:
        return f"has the unknown field ${unknown[:60]}, expected {', '.join(f'${name}' for name in FIELDS)}"
    return None


def make_notice(event: Event, *, services: tuple[str, ...], title: str, message: str, **fields: str) -> Notice:
    """A notice; a field that is not given is empty. `text` is made here: what, who and why, where to look.

    What is told is text: a template of the catalog may have markup, its fields none.
    """
    given = {**dict.fromkeys(FIELDS, ""), **fields}
    given = {name: value if name in _URLS else unmarked(value) for name, value in given.items()}
    message = unmarked(message)
    given["url"] = given["pull_request"] or given["commit"]
    who = f"Asked for by {given['by']}" if given["by"] else ""
    why = f"{who}: {given['reason']}" if who and given["reason"] else who and f"{who}."
    given |= {"event": event.value, "service": unmarked(", ".join(services)), "message": message}
    given["text"] = "\n".join(filter(None, (message, why, given["url"])))
    return Notice(event, services, unmarked(title), given)
