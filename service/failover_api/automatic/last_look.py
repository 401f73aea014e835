"""The last look before a write of a move that nobody asked for: what was decided has to be true still."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from failover_api.core.safety.governance import Hold, Permit, Refused
from failover_api.errors import ClusterFailure, NotPermitted

_log = logging.getLogger(__name__)


class LastLook:
    """Asked right before a write: the permit of one act. `holds` are what refused it last, by service.

    `permit` decides once more, `monotonic` is time.monotonic(), `leads` whether this process leads.
    """

    def __init__(
        self,
        permit: Callable[[], Awaitable[Permit | Refused]],
        monotonic: Callable[[], float],
        leads: Callable[[], bool],
    ) -> None:
        self._permit, self._monotonic, self._leads = permit, monotonic, leads
        self.holds: Mapping[str, tuple[Hold, ...]] = {}

    async def __call__(self) -> None:
        """Raises NotPermitted."""
        try:
            answer = await self._permit()
        except NotPermitted:
            raise
        except ClusterFailure as exc:
            raise NotPermitted(f"nodes and Leases could not be listed: {exc.detail}") from exc
        except Exception as exc:
            _log.exception("a permit failed by a defect")
            raise NotPermitted(f"a defect of ours: {type(exc).__name__}") from exc
        if isinstance(answer, Refused):
            self.holds = answer.holds
            whys = [f"{name}: {hold.gate}: {hold.detail}" for name, holds in answer.holds.items() for hold in holds[:1]]
            raise NotPermitted("; ".join(whys[:5]))
        if not answer.holds_at(self._monotonic()) or not self._leads():
            raise NotPermitted("it took too long to look once more, or this replica leads no longer")
