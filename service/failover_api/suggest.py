"""`failover suggest`: entries for services.yaml, each read back by the catalog's own reader and planned both ways."""

import difflib
import textwrap
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from failover_api.config_file import ConfigFile
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Branch, Catalog
from failover_api.core.catalog.placeholders import REPOSITORY
from failover_api.core.catalog.suggestions import Suggestion, suggestions
from failover_api.core.planning.round_trip import try_round_trips
from failover_api.core.splice import MAX_BYTES, parse
from failover_api.errors import BadRequest, FailoverError, RepositoryTooLarge
from failover_api.forge.port import Forge
from failover_api.reading.folder_index import MAX_FILES_READ, could_be_manifest


@dataclass(frozen=True, slots=True)
class Suggested:
    """Entries that can be moved there and back, and what stands in the way of the others, by workload."""

    entries: tuple[Suggestion, ...]
    refused: Mapping[str, str]

    def text(self, *, repository: str | None) -> str:
        """A whole services.yaml for a repository; without one the entries alone, as they stand below `services:`."""
        body = "\n\n".join(textwrap.indent(entry.text, "  ") for entry in self.entries)
        todo = "  # TODO: the repository's own" if repository == REPOSITORY else ""
        head = f"repository: {repository}{todo}\n\nservices:\n" if repository else ""
        return f"{head}{body}\n" if self.entries else ""

    def body(self, *, repository: str | None) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "entries": [
                {
                    "name": entry.name,
                    "workload": entry.workload,
                    "file": entry.file,
                    "todo": entry.todo,
                    "names_node": entry.names_node,
                }
                for entry in self.entries
            ],
            "refused": [{"workload": workload, "detail": detail} for workload, detail in self.refused.items()],
            "text": self.text(repository=repository),
        }


def suggest(files: Mapping[str, bytes], *, name: str | None = None, without: Collection[str] = ()) -> Suggested:
    """Entries for the workloads of {path: bytes} that have a claim: of one by its name, or all but those in `without`.

    Raises BadRequest where no workload has that name.
    """
    found = suggestions(files)
    chosen = [each for each in found if each.name not in without] if name is None else _named(name, found)
    entries: list[Suggestion] = []
    refused: dict[str, str] = {}
    for suggestion in chosen:
        try:
            _prove(suggestion, files)
        except FailoverError as exc:
            refused[f"{suggestion.workload} ({suggestion.file})"] = exc.detail
        else:
            entries.append(suggestion)
    return Suggested(tuple(entries), refused)


def branch_to_read(catalog: ConfigFile[Catalog], repository: str | None, branch: str) -> Branch:
    """The branch that is named, else the catalog's first. Raises BadRequest where there is neither."""
    if repository is not None:
        return Branch(repository, branch)
    known = catalog.current().branches if catalog.error is None else ()
    if not known:
        raise BadRequest("which repository? Say --repository OWNER/NAME, or --path DIR for a working tree")
    return known[0]


def known_names(catalog: ConfigFile[Catalog]) -> Collection[str]:
    """The services that the catalog has already; none when it cannot be read."""
    return catalog.current().services.keys() if catalog.error is None else ()


async def read_branch(forge: Forge, branch: Branch) -> Mapping[str, bytes]:
    """The files of a branch that could be manifests. Raises RepositoryTooLarge, and as Forge.list_files()."""
    listed = await forge.list_files(branch, not_before=time.monotonic())
    entries = [entry for entry in listed if could_be_manifest(entry.path) and entry.size_bytes <= MAX_BYTES]
    if len(entries) > MAX_FILES_READ:
        text = f"{branch} has {len(entries)} files that could be manifests, more than {MAX_FILES_READ}"
        raise RepositoryTooLarge(f"{text}: clone it, and say --path DIR")
    return await forge.read_blobs(branch, entries)


def _named(name: str, found: Collection[Suggestion]) -> list[Suggestion]:
    chosen = [each for each in found if each.name == name]
    if not chosen:
        close = difflib.get_close_matches(name, [each.name for each in found], n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise BadRequest(f"no workload with a claim is named {name[:80]!r}{hint}")
    return chosen


def _prove(suggestion: Suggestion, files: Mapping[str, bytes]) -> None:
    """Reads the entry as services.yaml, and plans it there and back. Raises what refuses it."""
    text = f"repository: {REPOSITORY}\nservices:\n" + textwrap.indent(suggestion.text, "  ") + "\n"
    service = parse_catalog(text, file="services.yaml").service(suggestion.name)
    try_round_trips(service, {path: parse(files[path], file=path) for path in service.files})
