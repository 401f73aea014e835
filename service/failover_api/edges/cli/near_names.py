"""Did you mean: the services, groups or nodes whose names are close to one that is not known."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from failover_api.edges.cli.backend import Kind, Refused
from failover_api.edges.problems import TYPE_PREFIX

_SHOWN = 3
_KINDS: dict[str, Kind] = {
    f"{TYPE_PREFIX}unknown-service": "service",
    f"{TYPE_PREFIX}unknown-group": "group",
    f"{TYPE_PREFIX}unknown-node": "node",
}


def add_near_names(problem: dict[str, Any], name: str | None, names: Callable[[Kind], Sequence[str]]) -> None:
    """Adds `did you mean ...?` to the problem of an unknown name. `names` gives those that the caller may know."""
    kind = _KINDS.get(str(problem.get("type")))
    if kind is None or name is None:
        return
    try:
        known = names(kind)
    except Refused:  # who cannot be asked cannot help
        return
    near = difflib.get_close_matches(name, known, n=_SHOWN)
    if near:
        problem["detail"] = f"{problem.get('detail', '')}; did you mean {' or '.join(near)}?"
