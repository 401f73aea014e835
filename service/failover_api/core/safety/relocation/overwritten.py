"""unsynced-overwritten: what the target took after its own last sync is on its claim alone, and comes home to be lost.

A node that dies between two syncs keeps what it has taken since the last one. The way home copies over that. After a
relocation there is nothing of the kind: its final sync began when the app had stopped.
"""

from dataclasses import dataclass

from failover_api.core.planning.request import RELOCATE
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import View
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.replication import named
from failover_api.core.safety.times import minute
from failover_api.core.wording import cut

SLUG = "unsynced-overwritten"


@dataclass(frozen=True, slots=True)
class Moved:
    """The newest move of a service: `action` and `after` as its trailers have them, `at` by the Git host (s).

    `commits` are its commit's first parent and itself; none where that is not known.
    """

    action: str
    after: str
    at: float | None
    commits: tuple[str, ...] = ()


def unsynced_overwritten(subject: Subject, view: View | None, moved: Moved | None) -> Hazard | None:
    """None where the target has nothing of its own: the app was never there, or left it by a relocation."""
    away = subject.away
    if subject.towards is None or away is None or view is None:
        return None
    if moved is None or moved.action == RELOCATE or moved.after != subject.origin.value:
        return None
    selector = away.source.selector
    namespaces = [selector.namespace] if selector.namespace else []
    source = next(iter(named(view.replication_sources, selector.name or "", namespaces)), None)
    as_of = source.data_as_of if source is not None else None
    if as_of is not None and moved.at is not None and as_of >= moved.at:
        return None
    since = f"from {minute(as_of)}" if as_of is not None else "from a time that nobody can tell"
    until = f" to {minute(moved.at)}" if moved.at is not None else ""
    name = cut(away.source.name)
    return Hazard(
        SLUG,
        Severity.STOP,
        name,
        None,
        f"What {subject.service} wrote on {subject.target} {since}{until} was never copied ({name}): the sync home "
        f"overwrites it.",
        f"Take a snapshot of the claim on {subject.target} first, and look at what is in it; then accept it, once.",
    )
