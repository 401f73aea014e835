"""Where a manifest was found."""

from failover_api.core.catalog.model import Branch
from failover_api.wiring import Components
from tests.support.acts import promote
from tests.support.stage import Stage, deployment


async def known_around(web: Stage, components: Components) -> None:
    """Has the other manifests read, as a first dry run does: what is counted from here on is the search."""
    await components.failover.look_around(Branch(web.repository, "main"))
    web.requests.clear()


async def place(components: Components, name: str = "web") -> str:
    """The file that the service was found in."""
    outcome = await promote(components, name, force=True, dry_run=True)
    (file,) = {reading.file for reading in outcome.plan.before.readings}
    return file


OTHERS = (
    deployment("db", "shop") + "---\n" + deployment("web", "elsewhere") + "---\nkind: Service\nmetadata: {name: web}\n"
)
