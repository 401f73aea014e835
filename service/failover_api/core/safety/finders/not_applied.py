"""suspended, ssa-ignored: the change is in Git, and nothing applies it.

https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
"""

from collections.abc import Iterator

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.search.known_neighbours import KnownNeighbours, Located
from failover_api.core.search.neighbours import FLUX, Applier
from failover_api.core.wording import cut

_SUSPEND = ("spec", "suspend")
_IGNORED = {f"{FLUX}/ssa": {"ifnotpresent", "ignore"}, f"{FLUX}/reconcile": {"disabled"}}


def suspended(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each that is: a document of the service, its release, what applies its folder."""
    told: set[str] = set()
    for document in filter(_is_concerned, move.documents):
        if document.kind in {"HelmRelease", "Kustomization"} and document.after.is_true(*_SUSPEND):
            told.add(document.label)
            yield _suspended(document.label, document.where(*_SUSPEND), "is suspended (`spec.suspend: true`)")
        for applier in _stopped(document, move, surroundings.neighbours):
            if applier.about not in told:
                told.add(applier.about)
                yield _suspended(applier.about, applier.where, applier.it.stopped)


def ssa_ignored(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each document that Flux leaves alone once it is there."""
    for document in filter(_is_concerned, move.documents):
        for where in ("annotations", "labels"):
            for key, words in _IGNORED.items():
                said = document.after.text("metadata", where, key)
                if said is not None and said.lower() in words:
                    yield Hazard(
                        "ssa-ignored",
                        Severity.WARN,
                        document.label,
                        document.where("metadata", where, key),
                        f"{cut(document.label)} has `{key}: {cut(said)}`, so Flux does not apply a change to it.",
                        f"Take it out of the {where}, or make the change in the cluster as well.",
                    )


def _is_concerned(document: Document) -> bool:
    """Whether the move changes more than whether it is applied: two may take turns at that."""
    return any(path != _SUSPEND for path in document.moved)


def _stopped(document: Document, move: ServiceMove, known: KnownNeighbours | None) -> list[Located[Applier]]:
    """What should apply the document, and does not. Where one of several does, it is applied."""
    if known is None:
        return []
    releases = known.releases_of(document.kind, document.name, document.namespace)
    appliers = [one for one in known.applying(document.file) if _is_of(one, move)]
    stopped = [one for one in releases if one.it.stopped]
    if appliers and all(one.it.stopped for one in appliers):
        stopped += appliers
    own = {(other.file, other.kind, other.name) for other in move.documents}  # told as the document that it is
    return [one for one in stopped if (one.file, one.it.kind, one.it.name) not in own]


def _is_of(applier: Located[Applier], move: ServiceMove) -> bool:
    """Whether it applies this repository. Flux's names a source, which is taken to be the one it stands in."""
    url = applier.it.repository
    if not url:
        return True
    return url.rstrip("/").removesuffix(".git").lower().endswith(f"/{move.service.branch.repository.lower()}") or (
        url.removesuffix(".git").lower().endswith(f":{move.service.branch.repository.lower()}")
    )


def _suspended(about: str, where: str, why: str) -> Hazard:
    is_argo = about.startswith("Application ")
    cure = (
        "Give it `spec.syncPolicy.automated`, or sync it by hand after the move."
        if is_argo
        else "Resume it (`suspend: false`) with the move or before it."
    )
    by = "Argo CD" if is_argo else "Flux"
    return Hazard(
        "suspended", Severity.WARN, about, where, f"{cut(about)} {why}: {by} does not apply the change by itself.", cure
    )
