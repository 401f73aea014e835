"""What people are told without asking: which events, in which words.

Notice   one thing that happened, with the fields that a template of the catalog can name
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from failover_api.core.catalog.notification import FIELDS, Event
from failover_api.core.text.escaping import escape_markup

_URLS = ("commit", "pull_request")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened. `fields` has a text, perhaps an empty one, for each of FIELDS."""

    event: Event
    services: tuple[str, ...]
    title: str
    fields: Mapping[str, str]

    def written(self, template: str) -> str:
        """The text of a template that template_error() found no fault with."""
        return Template(template).substitute(self.fields)


def make_notice(event: Event, *, services: tuple[str, ...], title: str, message: str, **fields: str) -> Notice:
    """A notice; a field that is not given is empty. `text` is made here: what, who and why, where to look.

    What is told is text: a template of the catalog may have markup, its fields none.
    """
    given = {**dict.fromkeys(FIELDS, ""), **fields}
    given = {name: value if name in _URLS else escape_markup(value) for name, value in given.items()}
    message = escape_markup(message)
    given["url"] = given["pull_request"] or given["commit"]
    who = f"Asked for by {given['by']}" if given["by"] else ""
    why = f"{who}: {given['reason']}" if who and given["reason"] else who and f"{who}."
    given |= {"event": event.value, "service": escape_markup(", ".join(services)), "message": message}
    given["text"] = "\n".join(filter(None, (message, why, given["url"])))
    return Notice(event, services, escape_markup(title), given)
