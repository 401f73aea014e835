"""data-old, data-age-unknown, sync-in-flight, source-may-return: what VolSync has brought, and goes on bringing.

Data is as old as the beginning of the sync that brought it: lastSyncTime - lastSyncDuration of the source. A
destination without a trigger always says that it is synchronizing, so only the source is asked; but where one restores
from a repository, the data is also at least as old as the beginning of that.
https://volsync.readthedocs.io
"""

from collections.abc import Iterator

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.state import State
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Replication
from failover_api.core.safety.replication import OLD_S, DataCopy, copy_of
from failover_api.core.safety.scene import Scene
from failover_api.core.safety.times import length, minute
from failover_api.core.wording import cut

_WHY = "An app that starts on an old copy goes on from there, and what was written since is missing."


def data_old(scene: Scene) -> Iterator[Hazard]:
    """The copy is older than the catalog allows, or than a day."""
    allowed = scene.move.service.max_data_age_s
    limit_s = OLD_S if allowed is None else allowed
    for copy in _copies_that_matter(scene):
        if copy.youngest is None or scene.now - copy.youngest[0] <= limit_s:
            continue
        as_of, end = copy.youngest
        at_best = " at best" if end in copy.restores else ""
        limit = f"older than `max_data_age: {length(limit_s)}` allows" if allowed is not None else "more than a day old"
        yield Hazard(
            "data-old",
            _severity(scene),
            _about(end),
            None,
            f"The data in {cut(copy.new)} is of {minute(as_of)}{at_best}, {limit} ({end.kind} {cut(end.name)})."
            f"{_failed(end)} {_WHY}",
            "Let it sync once more, if the source still can; else weigh what is lost against the time until the node "
            "is back.",
        )


def data_age_unknown(scene: Scene) -> Iterator[Hazard]:
    """Nobody can tell how old the copy is, and somebody wants to know, or it has never been made."""
    service = scene.move.service
    for copy in _copies_that_matter(scene):
        if not (why := copy.why_undated) or (not copy.is_made and service.max_data_age_s is None):
            continue
        claim = f"PersistentVolumeClaim {cut(scene.namespace or '')}/{cut(copy.new)}"
        about = _about(copy.undated) if copy.undated is not None else claim
        yield Hazard(
            "data-age-unknown",
            _severity(scene),
            about,
            None,
            f"How old the data in {cut(copy.new)} is, nobody can tell: {why}. {_WHY}",
            "Let it sync once. Where the data is brought in another way, write `accept: [data-age-unknown]` in the "
            "catalog.",
        )


def sync_in_flight(scene: Scene) -> Iterator[Hazard]:
    """A sync has begun and has not ended: what it has brought so far may be torn."""
    for copy in _copies(scene):
        for source in copy.sources if copy.is_made else ():
            if source.sync_started_at is not None:
                yield Hazard(
                    "sync-in-flight",
                    _severity(scene),
                    _about(source),
                    None,
                    f"A sync of {cut(copy.old)} (ReplicationSource {cut(source.name)}) began at "
                    f"{minute(source.sync_started_at)} and has not ended: if its node died, {cut(copy.new)} may be "
                    "half old and half new.",
                    "If the node lives, wait for its end. If not, be ready to restore from a backup.",
                )


def source_may_return(scene: Scene) -> Iterator[Hazard]:
    """A destination takes data into a claim that the app moves to, and goes on with it after the move.

    Of an end that the move should pause and cannot, Git knows the reason, and that is told.
    """
    if scene.move.unpaused:
        return
    for copy in _copies(scene, only_to_backup=False):
        open_ones = [one for one in copy.destinations if not _is_stopped(one, scene)]
        is_cut = copy.sources and all(_is_stopped(source, scene) for source in copy.sources)
        if open_ones and not is_cut:
            first = open_ones[0]
            yield Hazard(
                "source-may-return",
                Severity.WARN,
                _about(first),
                None,
                f"{_about(first)} still writes into {cut(copy.new)}. When the old node comes back, its source sends "
                "the data of before the move over what was written since.",
                "Add a switch on `spec.paused` of source and destination to the catalog: the same commit then stops "
                "both.",
            )


def _copies_that_matter(scene: Scene) -> Iterator[DataCopy]:
    """Where the catalog says that nothing needs to be brought, their age is of no interest."""
    replication = scene.move.service.replication
    if replication is None or replication.kind is not ReplicationKind.NONE:
        yield from _copies(scene)


def _copies(scene: Scene, *, only_to_backup: bool = True) -> Iterator[DataCopy]:
    """For each claim that changes. None where replication may not be looked at."""
    namespace, view = scene.namespace, scene.view
    is_to_backup = scene.expected.side is State.BACKUP or _leads_to_backup(scene)
    if not namespace or scene.move.is_to_come or (only_to_backup and not is_to_backup):
        return
    if view.replication_sources.why_unseen(namespace) or view.replication_destinations.why_unseen(namespace):
        return
    for claim in scene.claims:
        if claim.old and claim.new:
            yield copy_of(view, namespace, claim.old, claim.new, scene.now)


def _leads_to_backup(scene: Scene) -> bool:
    return any(claim.taken_by.new == claim.taken_by.reading.switch.backup for claim in scene.claims)


def _is_stopped(one: Replication, scene: Scene) -> bool:
    """Whether it does nothing by itself after the move: as the commit leaves it, else as it is now."""
    for document in scene.move.documents:
        if document.is_of(one.kind, one.name, one.namespace):
            return document.after.is_true("spec", "paused")
    return one.is_paused


def _severity(scene: Scene) -> Severity:
    return Severity.WARN if scene.move.service.max_data_age_s is None else Severity.STOP


def _failed(end: Replication) -> str:
    return " Its last sync failed." if end.result == "Failed" else ""


def _about(one: Replication) -> str:
    return f"{one.kind} {cut(one.namespace)}/{cut(one.name)}"
