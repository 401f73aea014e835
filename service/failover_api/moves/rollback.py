"""What earlier commits did, read from Git's history before a plan that undoes some of it."""

from collections.abc import Mapping
from types import MappingProxyType

from failover_api.core.catalog.model import Action
from failover_api.core.planning.rollback import Undone
from failover_api.core.planning.strategy import is_unblocked
from failover_api.errors import Conflict, FailoverError
from failover_api.moves.move import Move
from failover_api.reading.history import History
from failover_api.reading.services import Observation, Observations

UndoneByService = Mapping[str, Undone]
NOTHING: UndoneByService = MappingProxyType({})


async def read_undone(
    history: History,
    move: Move,
    seen: Observations,
    head: str,
    *,
    not_before: float,
    first: UndoneByService = NOTHING,
) -> UndoneByService:
    """By service, as of `head`: what a rollback undoes; what unblocked a Deployment whose strategy a move puts back.

    `first` is what an earlier attempt of the same move has read. Raises NothingToRollBack, and Conflict when the newest
    move is another by now: whoever asked for a rollback has not seen that one, and it is not his to undo.
    """
    if move.action is not Action.ROLLBACK:
        return await _read_unblockings(history, move, seen, head, not_before) if move.puts_back else NOTHING
    name = move.services[0].name
    observed = seen[name]
    if isinstance(observed, FailoverError):
        return first
    undone = await history.undoable(observed.service, head, not_before=not_before)
    if name in first and first[name].operation != undone.operation:
        raise Conflict(f"{move.name} was moved by operation {undone.operation} meanwhile; look again and decide anew")
    return {name: undone}


async def _read_unblockings(
    history: History, move: Move, seen: Observations, head: str, not_before: float
) -> UndoneByService:
    """Of those services that stand unblocked now, by whomever."""
    observed = [each for service in move.services if isinstance(each := seen[service.name], Observation)]
    unblocked = [each for each in observed if is_unblocked(each.service, each.manifests)]
    found = await history.unblockings(unblocked, head, not_before=not_before) if unblocked else {}
    return {name: each.undone for name, each in found.items()}
