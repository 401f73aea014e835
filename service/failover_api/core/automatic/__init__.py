"""Automatic failover, pure: who leads among the replicas, what they share, and what they say of it.

election    what a look at their Lease means
notes       what is kept in its annotations
report      what the leader sees and would do
alive       whether a person may say of a node that it is off
"""

from failover_api.errors import UnknownUrl


def no_pause(id_: str) -> UnknownUrl:
    """The error for a pause that is not in force, and for one that the caller may not know of."""
    return UnknownUrl(f"no pause {id_[:40]!r} is in force")
