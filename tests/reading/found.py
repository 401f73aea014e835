"""Where a manifest was found."""

from failover_api.wiring import Components
from tests.support.acts import promote
from tests.support.stage import deployment


async def place(components: Components, name: str = "web") -> str:
    """The file that the service was found in."""
    outcome = await promote(components, name, force=True, dry_run=True)
    (file,) = {reading.file for reading in outcome.plan.before.readings}
    return file


OTHERS = (
    deployment("db", "shop") + "---\n" + deployment("web", "elsewhere") + "---\nkind: Service\nmetadata: {name: web}\n"
)
