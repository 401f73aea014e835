"""What a relocation costs all the same: what the target has of its own, and what is not copied.

unsynced-overwritten: what the target took after its own last sync is on its claim alone, and comes home to be lost.

A node that dies between two syncs keeps what it has taken since the last one. The way home copies over that. After a
relocation there is nothing of the kind: its final sync began when the app had stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from failover_api.core.planning.request import RELOCATE
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Replication, Seen, View
from failover_api.core.safety.relocation.places import Document
from failover_api.core.safety.relocation.subject import Ends, Subject
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
    """None where the target has nothing of its own: the app left it by a relocation, or it is overwritten already.

    A sync that began after the move away from there proves nothing: the app went on writing until it was stopped. Where
    Git does not say what has brought the app to where it is, a person may have, by hand.
    """
    towards, away = subject.towards, subject.away
    if towards is None or view is None:
        return None
    is_known = moved is not None and moved.after == subject.origin.value
    if is_known and moved is not None and moved.action == RELOCATE:
        return None
    if not is_known and _runs(towards, view):
        return None
    source = _end(view.replication_sources, away.source) if away is not None else None
    as_of = source.data_as_of if source is not None else None
    since = f"since {minute(as_of)}" if as_of is not None else "since a time that nobody can tell"
    left = f", which it left at {minute(moved.at)}," if is_known and moved is not None and moved.at is not None else ""
    name = f" ({cut(away.source.name)})" if away is not None else ""
    return Hazard(
        SLUG,
        Severity.STOP,
        cut((away or towards).source.name),
        None,
        f"What {subject.service} wrote on {subject.target}{left} {since} was never copied{name}: the sync to "
        f"{subject.target} overwrites it.",
        f"Take a snapshot of the claim on {subject.target} first, and look at what is in it; then accept it, once.",
    )


def left_behind(service: str, subject: Subject, claims: Sequence[str]) -> Hazard | None:
    """data-left-behind, of a relocation: claims of the service that its replication does not copy."""
    if not claims or subject.towards is None:
        return None
    name, names = cut(subject.towards.source.name), ", ".join(map(cut, claims))
    return Hazard(
        "data-left-behind",
        Severity.STOP,
        name,
        None,
        f"{name} does not copy {names}: what {service} has written there stays on {subject.origin}.",
        "Bring that data over by yourself, or be sure that nothing in it is needed; then accept it.",
    )


def _runs(towards: Ends, view: View) -> bool:
    """Whether it is seen to write to the target all the time: what was there of its own is gone by now."""
    ends = (
        _end(view.replication_sources, towards.source),
        _end(view.replication_destinations, towards.destination),
    )
    return all(one is not None and not one.is_paused and one.data_as_of is not None for one in ends)


def _end(seen: Seen[Replication], document: Document) -> Replication | None:
    selector = document.selector
    namespaces = [selector.namespace] if selector.namespace else []
    return next(iter(named(seen, selector.name or "", namespaces)), None)
