"""replication-left, source-may-return: VolSync works on a claim of the service, and the move leaves it as it is.

VolSync knows nothing of a failover. A source that is not paused goes on copying the claim that was left; when its node
comes back, it copies the old data over what was written since, if the destination still takes it.
https://volsync.readthedocs.io
"""

from collections.abc import Iterator, Sequence

from failover_api.core.catalog.replication import SOURCE
from failover_api.core.planning.parking import Unpaused
from failover_api.core.safety.claim_moves import claim_moves, claim_names
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.search.known_neighbours import Located
from failover_api.core.search.neighbours import Replication
from failover_api.core.wording import cut, shell_word

MAX_NAMED = 5
_Found = Located[Replication]


def replication_left(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for the service, with all that is not moved with it. Only a move to another claim leaves any behind."""
    known = surroundings.neighbours
    if known is None or not claim_moves(move, surroundings):
        return
    found = (one for name, namespace in claim_names(move, surroundings) for one in known.replications(name, namespace))
    left = [one for one in dict.fromkeys(found) if not _is_moved(one, move) and one.it.is_paused is not True]
    if left:
        names = _names(left)
        yield Hazard(
            "replication-left",
            Severity.WARN,
            left[0].about,
            left[0].where,
            f"{names} {'works' if len(left) == 1 else 'work'} on claims of {move.service.name} and "
            f"{'is' if len(left) == 1 else 'are'} not moved with it: after the move what is copied or backed up is the "
            "claim that was left.",
            _cure(left),
        )


def source_may_return(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for the service: a destination that still takes data into a claim that the app moves to.

    With `replication` in the catalog: for each end that this very move should pause, and cannot.
    """
    if move.unpaused:
        yield from (_not_paused(move, one) for one in move.unpaused)
        return
    known = surroundings.neighbours
    if known is None:
        return
    targets = [(claim.new, claim.namespace) for claim in claim_moves(move, surroundings)]
    into = [one for target in targets for one in known.replications(*target) if one.it.kind == "ReplicationDestination"]
    open_ones = [one for one in dict.fromkeys(into) if not _is_stopped(one, move)]
    if open_ones and not _has_stopped_sources(move, surroundings):
        names = _names(open_ones)
        yield Hazard(
            "source-may-return",
            Severity.WARN,
            open_ones[0].about,
            open_ones[0].where,
            f"{names} still {'writes' if len(open_ones) == 1 else 'write'} into claims that {move.service.name} moves "
            "to. When the old node comes back, its source sends the data of before the move over what was written "
            "since.",
            _cure(open_ones),
        )


def _not_paused(move: ServiceMove, one: Unpaused) -> Hazard:
    kind, _, name = one.about.partition(" ")
    namespace, _, bare = name.rpartition("/")
    where = f" -n {shell_word(namespace)}" if namespace else ""
    patch = f"""kubectl patch {kind.lower()} {shell_word(bare)}{where} --type merge -p '{{"spec":{{"paused":true}}}}'"""
    return Hazard(
        "source-may-return",
        Severity.WARN,
        one.about,
        one.where,
        f"{one.about} belongs to the `replication` of {move.service.name}, and this move does not pause it: "
        f"{one.why}. When the old node comes back, it may send the data of before the move over the newer.",
        "If it is urgent, move first. Before the old node comes back, set `spec.paused: true` in Git, or for now "
        f"`{patch}`. Then mend the manifest, or what the catalog says of it.",
    )


def _cure(found: Sequence[_Found]) -> str:
    """One whose claim is a variable stands for many apps: a switch in it would stop the replication of all of them."""
    if any("$" in one.it.claim for one in found):
        return (
            "Many apps share it: let its `paused` be a variable, and switch that in the `postBuild.substitute` of the "
            "app's own Kustomization."
        )
    return "Add a switch on `spec.paused` of source and destination to the catalog: the same commit then stops both."


def _has_stopped_sources(move: ServiceMove, surroundings: Surroundings) -> bool:
    """Whether every source of a claim that is left is paused after the move, and there is one."""
    assert surroundings.neighbours is not None
    left = [(claim.old, claim.namespace) for claim in claim_moves(move, surroundings)]
    found = [one for claim in left for one in surroundings.neighbours.replications(*claim)]
    sources = [one for one in found if one.it.kind == SOURCE]
    return bool(sources) and all(_is_stopped(one, move) for one in sources)


def _is_moved(one: _Found, move: ServiceMove) -> bool:
    """Whether a switch of the service stands in it, be it on the right side already."""
    return any(_is_same(one, document.file, document.kind, document.name) for document in move.documents)


def _is_stopped(one: _Found, move: ServiceMove) -> bool:
    for document in move.documents:
        if _is_same(one, document.file, document.kind, document.name):
            return document.after.is_true("spec", "paused")
    return one.it.is_paused is not False  # a variable that is filled in may say so


def _is_same(one: _Found, file: str, kind: str, name: str) -> bool:
    return (one.file, one.it.kind, one.it.name) == (file, kind, name)


def _names(found: Sequence[_Found]) -> str:
    names = list(dict.fromkeys(cut(one.about) for one in found))
    more = [f"{len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else []
    *first, last = [*names[:MAX_NAMED], *more]
    return f"{', '.join(first)} and {last}" if first else last
