"""unsynced-overwritten, of any other move than a relocation: it leads to where a relocation is just bringing the data.

Its first sync may have sent an old image, and none has ended since the app stopped: what stands there is no copy.
"""

from collections.abc import Iterator

from failover_api.core.catalog.model import Side
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Replication
from failover_api.core.safety.relocation.marks import ends_towards, is_filled
from failover_api.core.safety.scene import Scene
from failover_api.core.wording import cut, shell_word


def unsynced_overwritten(scene: Scene) -> Iterator[Hazard]:
    """One for the service; none of a move that is a step further ahead."""
    side = scene.expected.side
    if scene.move.is_to_come or not scene.claims or side.value not in set(Side):
        return
    one = next(filter(is_filled, ends_towards(scene.move.service, Side(side.value), scene.view)), None)
    if one is not None:
        yield _hazard(scene, one, Side(side.value))


def _hazard(scene: Scene, one: Replication, side: Side) -> Hazard:
    service = scene.move.service.name
    relocate = f"failover relocate {shell_word(service)}"
    return Hazard(
        "unsynced-overwritten",
        Severity.STOP,
        f"{one.kind} {cut(one.namespace)}/{cut(one.name)}",
        None,
        f"A relocation of {service} to {side} is under way (tag {cut(one.manual)}): until its final sync has ended "
        f"what stands on {side} is no copy to start on, and what is synced next overwrites what the app writes there.",
        f"Let it go on (`{relocate} --to {side}`), or abort it first (`{relocate} --abort`).",
    )
