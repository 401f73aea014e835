"""What `failover suggest` writes in place of what it cannot know, and a catalog that still has it."""

import re
from collections.abc import Iterator, Sequence

from failover_api.core.catalog.model import Catalog, Service, Side
from failover_api.core.wording import listed

OTHER_NODE = "the-other-node"
REPOSITORY = "owner/name"
MAX_NAMED = 5
_TODO = re.compile(r"#\s*TODO\b")


def placeholders(catalog: Catalog, text: str) -> Iterator[str]:
    """A sentence for each kind, with its count; `text` is the catalog's file."""
    services = list(catalog.services.values())
    if unnamed := [one for one in services if one.branch.repository == REPOSITORY]:
        yield f"{_named(unnamed)} {_has(unnamed)} `repository: {REPOSITORY}`: write the repository's own"
    if nowhere := [one for one in services if _is_nowhere(one)]:
        yield f"{_named(nowhere)} {_has(nowhere)} `{OTHER_NODE}`: write the node that has the copy"
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _TODO.search(line)]
    if lines:
        shown = ", ".join(map(str, lines[:MAX_NAMED])) + (" ..." if len(lines) > MAX_NAMED else "")
        what = "line has" if len(lines) == 1 else "lines have"
        yield f"{len(lines)} {what} a `# TODO`: correct each, then take the comment away (line {shown})"


def _is_nowhere(service: Service) -> bool:
    values = {switch.value(side) for switch in service.switches for side in Side}
    return OTHER_NODE in values or OTHER_NODE in (*service.primary_nodes, *service.backup_nodes)


def _has(services: Sequence[Service]) -> str:
    return "has" if len(services) == 1 else "have"


def _named(services: Sequence[Service]) -> str:
    names = [service.name for service in services]
    return names[0] if len(names) == 1 else f"{len(names)} services ({listed(names, MAX_NAMED)})"
