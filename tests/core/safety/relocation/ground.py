"""A relocation as a value, with what a test is not about filled in: sonarr, its claims a (primary) and b (backup)."""

from typing import Any

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import RelocationLimits, ReplicationKind, Via
from failover_api.core.safety.relocation.places import ABSENT, Document, Place, Standing
from failover_api.core.safety.relocation.subject import Ends, SideSwitch, Subject
from failover_api.core.safety.relocation.values import manual, paused
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import parse_path

OPERATION = "01JDAAAAAAAAAAAAAAAAAAAAAA"
CLAIMS = {Side.PRIMARY: "a", Side.BACKUP: "b"}
NODES = {Side.PRIMARY: "k3s-w1", Side.BACKUP: "k3s-w2"}


def document(kind: str, name: str) -> Document:
    return Document(Selector(kind, name, "media"), f"apps/media/{name}.yaml")


APP = document("Deployment", "sonarr")
REPLICAS = Place(APP, parse_path("spec.replicas"))
CLAIM = Place(APP, parse_path("spec.template.spec.volumes[name=data].persistentVolumeClaim.claimName"))
NODE = Place(APP, parse_path('spec.template.spec.nodeSelector["kubernetes.io/hostname"]'))
PAIRS = {
    side: Ends(
        document("ReplicationSource", f"sonarr-to-{CLAIMS[side]}"), document("ReplicationDestination", CLAIMS[side])
    )
    for side in Side
}  # by the side that they bring data to


def subject(
    target: Side = Side.PRIMARY, kind: ReplicationKind = ReplicationKind.VOLSYNC, via: Via = Via.DIRECT, **changes: Any
) -> Subject:
    has_pairs = kind is ReplicationKind.VOLSYNC
    plain: dict[str, Any] = {
        "service": "sonarr",
        "operation": OPERATION,
        "target": target,
        "kind": kind,
        "quiesce": REPLICAS,
        "switches": (
            SideSwitch(CLAIM, CLAIMS[target.other], CLAIMS[target]),
            SideSwitch(NODE, NODES[target.other], NODES[target]),
        ),
        "via": via,
        "towards": PAIRS[target] if has_pairs else None,
        "away": PAIRS[target.other] if has_pairs else None,
        "limits": RelocationLimits(quiesce_s=60.0, final_sync_s=120.0, cutover_s=60.0),
    }
    return Subject(**{**plain, **changes})


def former(moved: Subject, changes: dict[Place, Standing] | None = None) -> dict[Place, Standing]:
    """Before it: the app on the side that is left, the replication towards the target born parked, the other parked."""
    values: dict[Place, Standing] = {moved.quiesce: 1, **{each.place: each.old for each in moved.switches}}
    for pair in (moved.towards, moved.away):
        for end in pair.both if pair is not None else ():
            values |= {paused(end): True, manual(end): ABSENT}
    return {**values, **(changes or {})}
