"""One of the replicas leads, by a Lease: it is looked at, taken and renewed every second.

It saves calls, and is no lock: whoever believes to lead may be wrong for some seconds, and Git's compare-and-swap lets
only one commit through. The same Lease keeps what the replicas share, as annotations; any of them writes those.
"""

import asyncio
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from failover_api.cluster.port import LeaseStore
from failover_api.core.automatic.election import Annotations, Candidate, LeaseRecord, Step, Terms, released
from failover_api.deadline import ATTEMPTS, back_off
from failover_api.errors import ClusterFailure, ClusterUnavailable, ObjectChanged, ObjectMissing

LEASE_NAME = "failover-api-guard"
_AT_ONCE = 3  # steps without a pause, while others write between our read and our write
_JITTER = 0.2
_log = logging.getLogger(__name__)


def holder_name() -> str:
    """This process as a holder. A process that starts anew is another one, even under the same name and number."""
    return f"{socket.gethostname()[:100]}_{os.getpid()}_{secrets.token_hex(5)}"


class Leader:
    """A candidate for the Lease. `along` makes of the annotations what is written with each renewal of ours.

    `monotonic` and `sleep` are those of time and asyncio, unless a test moves them.
    """

    def __init__(
        self,
        lease: LeaseStore,
        *,
        name: str = "",
        terms: Terms = Terms(),  # noqa: B008 - a frozen value
        along: Callable[[Annotations], Annotations] = dict,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._lease, self.along = lease, along
        self._monotonic, self._sleep = monotonic, sleep
        self._candidate = Candidate(name or holder_name(), terms)
        self._writing = asyncio.Lock()  # our own writes must not make each other fail
        self._failure, self._was_leading = "", False  # as the log has it
        self._gone: LeaseRecord | None = None  # a Lease that was there, and is not any more

    @property
    def name(self) -> str:
        return self._candidate.name

    @property
    def leads(self) -> bool:
        """Whether this process may act now; asked anew before each act."""
        return self._candidate.leads(self._monotonic())

    @property
    def is_led(self) -> bool:
        """Whether this process sees that some replica leads."""
        return self._candidate.is_held(self._monotonic())

    @property
    def record(self) -> LeaseRecord | None:
        """The Lease as it was read or written last."""
        return self._candidate.record

    @property
    def failure(self) -> str:
        """Why the Lease cannot be read or written, "" when it can."""
        return self._failure

    async def run(self) -> None:
        """Until it is cancelled. No failure ends it."""
        while True:
            began = self._monotonic()
            await self.step()
            retry_s = self._candidate.terms.retry_s
            jitter_s = 0.0 if self.leads else retry_s * _JITTER * random.random()  # noqa: S311 - so that not all come at once
            await self._sleep(max(0.0, retry_s + jitter_s - (self._monotonic() - began)))

    async def step(self) -> None:
        """One look at the Lease, and what follows from it."""
        try:
            async with self._writing:
                await self._step()
        except ClusterFailure as exc:
            self._failed(exc)
        except Exception as exc:  # noqa: BLE001 - a defect of ours must not leave the replicas without a leader
            _log.exception("a look at the Lease failed by a defect")
            self._failure = f"a defect of ours: {type(exc).__name__}"
        else:
            if self._failure:
                _log.info("the Lease is reached again")
            self._failure = ""
        self._tell()

    async def _step(self) -> None:
        """Raises ClusterFailure."""
        for _ in range(_AT_ONCE):
            if not self.leads or self._candidate.record is None:
                await self._look()
            step = self._candidate.next_step(self._monotonic())
            if step is Step.WAIT:
                return
            try:
                await self._claim(step)
            except ObjectChanged:
                await self._look()
            except ObjectMissing:
                if step is Step.CREATE:  # it is the namespace that is missing
                    raise
                self._saw(None)
            else:
                return
        raise ClusterUnavailable("the Lease keeps changing")

    async def _look(self) -> None:
        self._saw(await self._lease.read())

    def _saw(self, record: LeaseRecord | None) -> None:
        self._gone = None if record is not None else self._candidate.record or self._gone
        self._candidate = self._candidate.saw(record, self._monotonic())

    @property
    def _annotations(self) -> Annotations:
        """Those of the Lease. Those of a Lease that somebody deleted still count: a pause must not end so."""
        record = self._candidate.record or self._gone
        return record.annotations if record is not None else {}

    async def _claim(self, step: Step) -> None:
        claim = self._candidate.claim(step, await self._lease.now())
        claim = replace(claim, annotations=self.along(self._annotations))
        sent_at = self._monotonic()
        written = await (self._lease.create(claim) if step is Step.CREATE else self._lease.replace(claim))
        self._candidate = self._candidate.wrote(written, sent_at, self._monotonic())

    def _failed(self, exc: ClusterFailure) -> None:
        if not self._failure:
            _log.warning("the Lease is not reached", extra={"detail": exc.detail})
        self._failure = exc.detail

    def _tell(self) -> None:
        led, self._was_leading = self._was_leading, self.leads
        if self._was_leading and not led:
            _log.info("this replica leads", extra={"holder": self.name})
        elif led and not self._was_leading:
            _log.warning("this replica leads no longer", extra={"holder": self.name, "detail": self._failure})

    async def edit(self, change: Callable[[Annotations], Annotations]) -> LeaseRecord:
        """Changes the annotations by `change`, which may be called several times. Any replica may, whoever leads.

        Raises ClusterFailure, and whatever `change` raises.
        """
        for attempt in range(1, ATTEMPTS + 1):
            async with self._writing:
                try:
                    return await self._edit(change)
                except (ObjectChanged, ObjectMissing) as exc:
                    failure = exc
            if attempt < ATTEMPTS:
                await back_off(attempt)
        raise failure

    async def _edit(self, change: Callable[[Annotations], Annotations]) -> LeaseRecord:
        await self._look()
        record = self._candidate.record
        changed = change(self._annotations)
        if record is None:
            record = await self._lease.create(LeaseRecord(duration_s=1, annotations=changed))
        elif changed != record.annotations:
            record = await self._lease.replace(replace(record, annotations=changed))
        self._saw(record)
        return record

    async def look(self) -> LeaseRecord | None:
        """The Lease as it is now. Raises ClusterFailure."""
        async with self._writing:
            await self._look()
        return self.record

    async def release(self) -> None:
        """Leaves the Lease to others, at once, if it is ours. Raises nothing: it ends by itself too."""
        async with self._writing:
            record, leads = self._candidate.record, self.leads
            self._candidate, self._was_leading = self._candidate.stepped_down(), False
            if record is None or not leads:
                return
            try:
                await self._lease.replace(released(record, await self._lease.now()))
            except ClusterFailure as exc:
                _log.info("the Lease could not be left, and ends by itself", extra={"detail": exc.detail})
            else:
                _log.info("this replica leaves the Lease", extra={"holder": self.name})
