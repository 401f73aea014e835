"""The second commit of a move with `unblock: rolling`, which puts the strategy back once the app serves."""

from dataclasses import replace

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.request import TIDY, MoveRequest, Provenance
from failover_api.core.text.trailers import Record
from failover_api.moves.move import Move


def tidying(service: Service, operation: str | None, record: Record | None) -> Move:
    """The move that tidies up after an operation (None: after any), by the same person and for the same reason.

    `record` is what the commit says that unblocked the service. Where that is another operation's, or there is none,
    nothing is left to be done.
    """
    if record is None or operation not in (None, record.operation) or record.action not in set(Action):
        return Move((service,), Action.PROMOTE, MoveRequest(""), Provenance(operation or "", "", "", step=TIDY))
    asked = record.provenance
    provenance = replace(asked, group=None, force=False, key=None, step=TIDY)
    request = MoveRequest(by=asked.by, reason=asked.reason)
    return Move((service,), Action(record.action), request, provenance)
