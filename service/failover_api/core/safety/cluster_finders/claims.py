"""claim-missing, -pending, -lost, -empty, -elsewhere: the claim that a move leads to cannot be used there.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from collections.abc import Iterator

from failover_api.core.hazard_slugs import OF_A_CLAIM
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Claim, Volume
from failover_api.core.safety.scene import Scene
from failover_api.core.wording import cut, listed

LAZY = "WaitForFirstConsumer"
_MAX_NODES = 3


def claim_missing(scene: Scene) -> Iterator[Hazard]:
    """One for each claim that is not there, or will not be for long."""
    for name in _names(scene):
        claim = scene.claim(name)
        if claim is None:
            yield _hazard(
                "claim-missing",
                scene,
                name,
                f"The claim {cut(name)} is not in the namespace {cut(scene.namespace or '')}: the pod would wait for "
                "it.",
                "Make it, or correct its name in the catalog. Was it pruned?",
            )
        elif claim.deletion_at is not None:
            yield _hazard(
                "claim-missing",
                scene,
                name,
                f"The claim {cut(name)} is being deleted, and is gone when its last user ends: no new pod gets it.",
                "Find who deleted it, and make it anew; keep its volume (`persistentVolumeReclaimPolicy: Retain`).",
            )


def claim_lost(scene: Scene) -> Iterator[Hazard]:
    """One for each claim whose volume is gone."""
    for claim in _there(scene):
        if claim.phase == "Lost":
            yield _hazard(
                "claim-lost",
                scene,
                claim.name,
                f"The volume of the claim {cut(claim.name)} is gone, and its data with it.",
                "Restore it from a backup first.",
            )


def claim_pending(scene: Scene) -> Iterator[Hazard]:
    """One for each claim that waits for a volume, and not for the app."""
    for claim in _there(scene):
        is_meant = _is_accepted(scene, claim) and bool(scene.view.storage_classes.why_unseen())
        if claim.phase == "Pending" and not _is_made_by_the_app(scene, claim) and not is_meant:
            yield _hazard(
                "claim-pending",
                scene,
                claim.name,
                f"The claim {cut(claim.name)} has no volume yet: the pod would wait for it.",
                "Look at its events: the provisioner, the storage class.",
            )


def claim_empty(scene: Scene) -> Iterator[Hazard]:
    """One for each claim whose volume would be made for the app. The catalog may accept it of a claim."""
    for claim in _there(scene):
        if claim.phase == "Pending" and _is_made_by_the_app(scene, claim) and not _is_accepted(scene, claim):
            yield _hazard(
                OF_A_CLAIM,
                scene,
                claim.name,
                f"The claim {cut(claim.name)} was never filled: its class ({cut(claim.storage_class)}) makes a volume "
                "for the first pod, so the app would start on a new, empty one.",
                "Bring the data there first: let its replication run once. Where the app needs none of it, write "
                f"`accept: [{OF_A_CLAIM}={cut(claim.name)}]` in the catalog.",
            )


def claim_elsewhere(scene: Scene) -> Iterator[Hazard]:
    """One for each claim whose volume none of the side's nodes can use; one for all where no node can use them all."""
    nodes, told = scene.nodes or [], False
    sent = " or ".join(cut(node.name) for node in nodes[:_MAX_NODES])
    for claim in _there(scene) if nodes else ():
        volume = scene.view.volumes.objects.get(("", claim.volume)) if claim.phase == "Bound" else None
        if volume is not None and not any(map(volume.is_usable_on, nodes)):
            told = True
            yield _hazard(
                "claim-elsewhere",
                scene,
                claim.name,
                f"The volume of the claim {cut(claim.name)} is {_place(scene, volume)}, and the app would be sent to "
                f"{sent}: the pod could not be scheduled.",
                "Claim and node are of different sides: correct them in the catalog.",
            )
    names = [claim.name for claim in _there(scene)]
    if nodes and not told and not scene.usable_nodes(names):
        yield _hazard(
            "claim-elsewhere",
            scene,
            names[0],
            f"None of {sent} can use the volumes of {listed([*map(cut, names)], _MAX_NODES)} together: the pod could "
            "not be scheduled.",
            "Bring the claims of this side to one machine.",
        )


def _names(scene: Scene) -> list[str]:
    """The claims that the move leads to; none where nobody may look, or knows where."""
    namespace = scene.namespace
    if not namespace or scene.view.claims.why_unseen(namespace):
        return []
    return sorted(scene.place.claims)


def _there(scene: Scene) -> Iterator[Claim]:
    for name in _names(scene):
        claim = scene.claim(name)
        if claim is not None and claim.deletion_at is None:
            yield claim


def _is_accepted(scene: Scene, claim: Claim) -> bool:
    """Whether the catalog says that it is meant to be empty."""
    return f"{OF_A_CLAIM}={claim.name}" in scene.move.service.accept


def _is_made_by_the_app(scene: Scene, claim: Claim) -> bool:
    """Whether its volume is made when the first pod uses it, and no volume is kept for it already."""
    storage_class = scene.view.storage_classes.objects.get(("", claim.storage_class))
    is_kept = claim.volume or any(
        volume.claim == (claim.namespace, claim.name) for volume in scene.view.volumes.objects.values()
    )
    return storage_class is not None and storage_class.binding_mode == LAZY and not is_kept


def _place(scene: Scene, volume: Volume) -> str:
    found = sorted(node.name for node in scene.place.known.values() if volume.is_usable_on(node))
    return f"on {' or '.join(map(cut, found[:_MAX_NODES]))}" if found else "on no node that there is"


def _hazard(slug: str, scene: Scene, name: str, detail: str, cure: str) -> Hazard:
    where = next((claim.taken_by.where for claim in scene.claims if claim.new == name), None)
    about = f"PersistentVolumeClaim {cut(scene.namespace or '')}/{cut(name)}"
    return Hazard(slug, Severity.STOP, about, where, detail, cure)
