"""A dry run on a working tree: the use cases themselves, with the tree in place of a Git host."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from failover_api.core.catalog.model import Catalog
from failover_api.errors import BadRequest, RepositoryTooLarge
from failover_api.events import Events
from failover_api.failover import Failover
from failover_api.forge.port import Forge
from failover_api.reading.working_tree import TreeBranch, WorkingTree, read_folder


async def open_tree(catalog: Catalog, folder: Path, names: Sequence[str], *, deadline_s: float) -> Failover:
    """The use cases, for dry runs of these services: no credentials, no network.

    What only the host knows is not there: no history, no pull requests. Whatever would write fails. Raises
    UnknownService, and BadRequest for a folder that cannot be read, or services of several repositories.
    """
    services = [catalog.service(name) for name in names]
    repositories = list(dict.fromkeys(service.branch.repository for service in services))
    if len(repositories) > 1:
        raise BadRequest(f"{folder} is a tree of one repository, and the services are of {' and '.join(repositories)}")
    tree = TreeBranch(repositories[0], f"the working tree {folder}")
    here = replace(
        catalog, services={**catalog.services, **{each.name: replace(each, branch=tree) for each in services}}
    )
    files = WorkingTree(read_folder(folder, also={path for service in services for path in service.files}))
    # What a dry run asks a host is all there; the rest is for writes.
    failover = Failover(cast(Forge, files), lambda: here, deadline_s=deadline_s, events=Events())
    with contextlib.suppress(RepositoryTooLarge):  # then fewer hazards are found, and the outcome says so
        await failover.look_around(tree)
    return failover
