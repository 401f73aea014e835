"""A commit that changes no file: it only says something, as its trailers do, of the commit that it follows."""

import time

from failover_api.core.catalog.model import Branch
from failover_api.errors import WriteUnknown
from failover_api.forge.port import Forge
from failover_api.forge.values import Commit, Snapshot


async def make_empty_commit(forge: Forge, branch: Branch, head: str, message: str) -> Commit:
    """Makes it, if `head` is still the newest; where the reply is lost it is looked for, since whoever made it tells.

    Raises WriteConflict, and WriteUnknown where it is not there yet.
    """
    try:
        return await forge.commit(Snapshot(branch, {}, head), {}, message)
    except WriteUnknown:
        now = time.monotonic()
        newest = await forge.head(branch, not_before=now)
        for logged in await forge.log(branch, at=newest, not_before=now):
            if logged.parents[:1] == (head,) and logged.message.strip() == message.strip():
                return logged.commit
        raise
