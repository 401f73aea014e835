"""What a rollback undoes, read from Git's history before it is planned."""

from failover_api.core.catalog.model import Action
from failover_api.core.planning.rollback import Undone
from failover_api.errors import Conflict, FailoverError
from failover_api.moves.move import Move
from failover_api.reading.history import History
from failover_api.reading.services import Observations


async def read_undone(
    history: History, move: Move, seen: Observations, head: str, *, not_before: float, first: Undone | None = None
) -> Undone | None:
    """Of a rollback the newest move of its service as of `head`; of any other move, and of a service unread, `first`.

    `first` is what an earlier attempt of the same move was to undo. Raises NothingToRollBack, and Conflict when the
    newest move is another by now: whoever asked has not seen that one, and it is not his to undo.
    """
    observed = seen[move.services[0].name]
    if move.action is not Action.ROLLBACK or isinstance(observed, FailoverError):
        return first
    undone = await history.undoable(observed.service, head, not_before=not_before)
    if first is not None and first.operation != undone.operation:
        raise Conflict(f"{move.name} was moved by operation {undone.operation} meanwhile; look again and decide anew")
    return undone
