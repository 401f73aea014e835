"""`failover suggest`: entries for services.yaml, each read back by the catalog's own reader and planned both ways."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Action, Service
from failover_api.core.catalog.suggestions import Suggestion, suggestions
from failover_api.core.planning.plan import plan
from failover_api.core.splice import parse
from failover_api.errors import FailoverError


@dataclass(frozen=True, slots=True)
class Suggested:
    """Entries that can be moved there and back, and what stands in the way of the others, by workload."""

    entries: tuple[Suggestion, ...]
    refused: Mapping[str, str]

    def text(self, *, repository: str) -> str:
        """A whole services.yaml."""
        body = "\n\n".join(textwrap.indent(entry.text, "  ") for entry in self.entries)
        return f"repository: {repository}\n\nservices:\n{body}\n" if self.entries else ""


def suggest(files: Mapping[str, bytes], *, names: Sequence[str] = ()) -> Suggested:
    """Entries for the workloads of {path: bytes} that have a claim; `names`: of these alone."""
    entries: list[Suggestion] = []
    refused: dict[str, str] = {}
    for suggestion in suggestions(files):
        if names and suggestion.name not in names:
            continue
        try:
            _prove(suggestion, files)
        except FailoverError as exc:
            refused[f"{suggestion.workload} ({suggestion.file})"] = exc.detail
        else:
            entries.append(suggestion)
    return Suggested(tuple(entries), refused)


def _prove(suggestion: Suggestion, files: Mapping[str, bytes]) -> None:
    """Reads the entry as services.yaml, and plans it there and back. Raises what refuses it."""
    text = "repository: owner/name\nservices:\n" + textwrap.indent(suggestion.text, "  ") + "\n"
    service = parse_catalog(text, file="services.yaml").service(suggestion.name)
    moved = _move(service, files, Action.PROMOTE)
    _move(service, {**files, **moved}, Action.DEMOTE)


def _move(service: Service, files: Mapping[str, bytes], action: Action) -> Mapping[str, bytes]:
    manifests = {path: parse(files[path], file=path) for path in service.files}
    return plan(service, manifests, action).new
