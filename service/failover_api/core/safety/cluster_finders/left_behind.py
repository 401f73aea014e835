"""data-left-behind, where the catalog says how the data comes home: then nobody leaves it behind by mistake.

What Git alone warns of stops the move here, also where the app does not run on backup now: a pod that was ready once
leaves no trace when another has taken its place.
"""

from collections.abc import Iterator

from failover_api.core.safety.finders.data_left_behind import SLUG, brings_nothing
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.scene import Scene
from failover_api.core.wording import cut


def data_left_behind(scene: Scene) -> Iterator[Hazard]:
    """One for the service, with all its claims."""
    service = scene.move.service
    left = [claim for claim in scene.claims if claim.old and claim.new and claim.leaves_backup]
    if service.replication is None or brings_nothing(service) or not left or scene.move.is_to_come:
        return
    pairs = ", ".join(dict.fromkeys(f"{cut(claim.old)} -> {cut(claim.new)}" for claim in left))
    yield Hazard(
        SLUG,
        Severity.STOP,
        left[0].left_by.reading.document,
        left[0].left_by.where,
        f"What {service.name} wrote on backup stays behind ({pairs}): primary goes on with the data it had before.",
        f"`failover relocate {service.name} --to primary` brings it home first.",
    )
