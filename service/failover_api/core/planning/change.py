"""One change of a plan: a value of a manifest, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.splice import Value

Entries = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Change:
    """One value that changes. `line` is where it stood before, or where what it is put behind stands, from 1.

    Mostly a scalar; where a mapping comes or goes, None is on the other side.
    """

    file: str
    document: str
    path: str
    line: int
    old: Value | Entries
    new: Value | Entries
