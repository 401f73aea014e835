"""Did you mean: the services or groups whose names are close to one that is not known."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from failover_api.edges.cli.backend import Names, Refused
from failover_api.edges.problems import TYPE_PREFIX

_SHOWN = 3
_NAMES: dict[str, Callable[[Names], Iterable[str]]] = {
    f"{TYPE_PREFIX}unknown-service": lambda names: names.services,
    f"{TYPE_PREFIX}unknown-group": lambda names: names.groups,
}


def add_near_names(problem: dict[str, Any], name: str | None, names: Callable[[], Names]) -> None:
    """Adds `did you mean ...?` to the problem of an unknown name. `names` are those that the caller may know."""
    of_kind = _NAMES.get(str(problem.get("type")))
    if of_kind is None or name is None:
        return
    try:
        known = of_kind(names())
    except Refused:  # who cannot be asked cannot help
        return
    near = difflib.get_close_matches(name, known, n=_SHOWN)
    if near:
        problem["detail"] = f"{problem.get('detail', '')}; did you mean {' or '.join(near)}?"
