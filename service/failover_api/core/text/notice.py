"""A notification's text: one event, with the fields that a template of the catalog can use."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from failover_api.core.catalog.notification import FIELDS, Event
from failover_api.core.text.escaping import escape_markup

_URLS = ("commit", "pull_request")
_NOBODY = {"automatic": "Automatic failover asked for it", "alert": "An alert asked for it"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One event. `fields` has a text, perhaps an empty one, for each of FIELDS."""

    event: Event
    services: tuple[str, ...]
    title: str
    fields: Mapping[str, str]

    def written(self, template: str) -> str:
        """The text of a template that template_error() found no fault with."""
        return Template(template).substitute(self.fields)


def make_notice(event: Event, *, services: tuple[str, ...], title: str, message: str, **fields: str) -> Notice:
    """A notice; a field that is not given is empty. Its field `text` says what, who and why, and where to look.

    Fields are escaped: markup may come from a template, never from a field.
    """
    given = {**dict.fromkeys(FIELDS, ""), **fields}
    given = {name: value if name in _URLS else escape_markup(value) for name, value in given.items()}
    message = escape_markup(message)
    given["url"] = given["pull_request"] or given["commit"]
    who = _NOBODY.get(given["by"], f"Asked for by {given['by']}") if given["by"] else ""
    why = f"{who}: {given['reason']}" if who and given["reason"] else who and f"{who}."
    given |= {"event": event.value, "service": escape_markup(", ".join(services)), "message": message}
    given["text"] = "\n".join(filter(None, (message, why, given["url"])))
    return Notice(event, services, escape_markup(title), given)
