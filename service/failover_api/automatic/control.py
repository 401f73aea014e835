"""What people say about automatic failover, and what is told of it: kept in the Lease, so on any replica.

A replica that does not lead tells what the leader last wrote there, with its time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ulid import ULID

from failover_api.automatic.leader import LEASE_NAME, Leader
from failover_api.cluster.port import Cluster, Right
from failover_api.core.automatic import notes as noting
from failover_api.core.automatic.alive import why_alive
from failover_api.core.automatic.election import LeaseRecord, why_nobody_leads
from failover_api.core.automatic.notes import Fenced, Notes, read_notes, written
from failover_api.core.automatic.report import Report, report_from
from failover_api.core.catalog.automatic import IS_OFF, Mode
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.governance import Ack, Attestation, Pause, Witness
from failover_api.core.safety.observed import Lease, Node
from failover_api.core.wording import cut
from failover_api.errors import (
    BadRequest,
    ClusterFailure,
    ClusterForbidden,
    ClusterNeeded,
    NodeAlive,
    NotReady,
    ObjectMissing,
    UnknownNode,
    UnknownUrl,
)

MAX_PAUSE_S = 30 * 86_400.0
LEASE_TIMEOUT_S = 2.0  # for one request: two have room within the time in which a holder has to renew
REPEATS_S = 20.0
_FRESH_S = 15.0  # of a holder whom this process does not watch


@dataclass(frozen=True, slots=True)
class Standing:
    """All there is to tell. `leader` is None when nobody leads; `report` is of the leader, None: there is none yet."""

    mode: Mode
    leader: str | None
    now: float
    notes: Notes
    report: Report | None
    reason: str = ""
    is_blind: bool = False  # the Lease is not reached: it is told as it was

    @property
    def view(self) -> str:
        """The state of the whole view: off where nobody looks."""
        if self.mode is not Mode.NONE and self.is_blind:
            return "blind"
        if self.mode is Mode.NONE or self.leader is None:
            return "off"
        return self.report.view if self.report is not None else "starting"


class Control:
    """`cluster` is where the Lease is. `leader` is this process as a candidate, whether it runs for it or not.

    `report` is set by whoever makes one in this process: then it is told as it is now, and not as it was written.
    """

    def __init__(self, cluster: Cluster, catalog: Callable[[], Catalog], *, namespace: str | None) -> None:
        self._cluster, self._catalog, self._namespace = cluster, catalog, namespace
        self._lease = cluster.lease(LEASE_NAME, namespace, timeout_s=LEASE_TIMEOUT_S)
        self.leader = Leader(self._lease)
        self.report: Callable[[], Report | None] = lambda: None
        self._parsed: tuple[LeaseRecord | None, Notes] | None = None

    @property
    def notes(self) -> Notes:
        """As they were read last; parsed once."""
        record = self.leader.record
        if self._parsed is None or self._parsed[0] is not record:
            self._parsed = (record, _notes(record))
        return self._parsed[1]

    def judged(self) -> Report | None:
        """What the replica that leads makes of the nodes, as far as it is known here, without asking anybody."""
        own = self.report() if self.leader.leads else None
        return own or report_from(self.notes.status)

    async def standing(self) -> Standing:
        """Raises ClusterNeeded where the Lease may not be read."""
        mode, unreached = self._catalog().automatic.mode, ""
        try:
            record = await self._asked()
        except NotReady as exc:
            record, unreached = self.leader.record, exc.detail
        now = self._cluster.clock.now()
        notes = noting.current(_notes(record), now)
        own = self.report() if self.leader.leads else None
        report = own or (report_from(notes.status) if mode is not Mode.NONE else None)
        leader = self._holder(record, now)
        nobody = why_nobody_leads(record, LEASE_NAME, self.leader.failure) if leader is None else ""
        reason = unreached or nobody or (report.reason if report is not None else "")
        return Standing(
            mode, leader, now, notes, report, IS_OFF if mode is Mode.NONE else reason, is_blind=bool(unreached)
        )

    def _holder(self, record: LeaseRecord | None, now: float) -> str | None:
        """Whoever leads, as far as it can be seen from here."""
        if self.leader.leads:
            return self.leader.name
        if record is None or not record.holder or record.renewed_at is None:
            return None
        return cut(record.holder) if now - record.renewed_at < max(record.duration_s, _FRESH_S) else None

    def must_lead(self) -> None:
        """Raises NotReady where another replica leads, or none."""
        if not self.leader.leads:
            record = self.leader.record
            who = f"{cut(record.holder)} leads" if record is not None and record.holder else "no replica leads yet"
            raise NotReady(f"this replica does not lead: {who}", retry_after_s=5.0)

    # What people say

    async def pause(
        self, *, by: str, reason: str, until: float | None, services: tuple[str, ...], lasts_s: float | None = None
    ) -> Pause:
        """Nothing moves by itself until then (API server's clock, s), or for so long; or some services do not.

        Both None: for as long as a pause may be. Raises BadRequest, UnknownService; ClusterNeeded where the Lease may
        not be used, NotReady while the API server does not answer.
        """
        if not reason.strip():
            raise BadRequest("reason: expected why it is paused")
        for service in services:
            self._catalog().service(service)
        now = await self._now()
        ends_at = until if until is not None else now + (MAX_PAUSE_S if lasts_s is None else lasts_s)
        if not now < ends_at <= now + MAX_PAUSE_S + 60:
            raise BadRequest("until: expected a time to come, within 30 days")
        pause = Pause(str(ULID()), by, now, ends_at, reason, services)
        await self._edit(lambda notes: noting.paused(noting.made_readable(notes, now, str(ULID())), pause))
        return pause

    async def pause_of(self, id_: str, knows: Callable[[str], bool] = lambda _: True) -> Pause:
        """Raises UnknownUrl when there is none, it is over, or it is of a service that whoever asks does not know."""
        notes = noting.current(_notes(await self._asked()), self._cluster.clock.now())
        found = next((pause for pause in notes.pauses if pause.id == id_), None)
        if found is None or not all(map(knows, found.services)):
            raise _no_pause(id_)
        return found

    async def resume(self, id_: str) -> None:
        """Ends a pause. Raises UnknownUrl when there is none."""

        def change(notes: Notes) -> Notes:
            left = noting.resumed(notes, id_)
            if left is None:
                raise _no_pause(id_)
            return left

        await self._edit(change)

    async def acknowledge(self, *, by: str, service: str = "", node: str = "") -> Ack:
        """A person has seen to it: it blocks nothing more. Raises UnknownService, UnknownNode, and as pause()."""
        if service:
            self._catalog().service(service)
        if node and node not in self._named_nodes():  # those need no cluster that answers
            await self._node(node)
        ack = Ack(by, await self._now(), service, node)
        await self._edit(lambda notes: noting.acknowledged(notes, ack))
        return ack

    async def attest(self, node: str, *, by: str, reason: str) -> Attestation:
        """A person says that the node is off, also one that is gone from the cluster, where the catalog names it.

        Raises UnknownNode, NodeAlive, and as pause().
        """
        now = await self._now()
        found, lease = await self._node(node)
        if why := why_alive(found, lease, now=now, monotonic=time.monotonic()):
            raise NodeAlive(f"{why}; nobody can say that it is off")
        uid, renewed_at = found.uid if found is not None else "", lease.renewed_at if lease is not None else None
        attestation = Attestation(str(ULID()), by, now, reason, node, uid, renewed_at)
        await self._edit(lambda notes: noting.attested(notes, attestation))
        return attestation

    async def withdraw(self, node: str, id_: str | None = None) -> None:
        """Takes back what was said of a node. Raises UnknownUrl when nothing was."""

        def change(notes: Notes) -> Notes:
            left = noting.withdrawn(notes, node, id_)
            if left is None:
                raise UnknownUrl(f"nobody has said that the node {node[:80]!r} is off")
            return left

        await self._edit(change)

    # What alerts say

    async def testify(self, witness: Witness) -> str:
        """An alert says that a node is off; again, when it comes again. Raises as pause().

        Why it counts for nothing as things are, "" when it may count: it is kept all the same.
        """
        heard = replace(witness, heard_at=await self._now())
        known = (replace(each, heard_at=0.0) == witness and _was_heard(each, heard) for each in self.notes.witnesses)
        if not any(known):
            await self._edit(lambda notes: noting.witnessed(notes, heard))
        nodes = self._cluster.view().nodes
        if nodes.why_unseen() or ("", witness.node) in nodes.objects or witness.node in self._named_nodes():
            return ""
        return f"the cluster has no node {cut(witness.node)}: expected a node's name in Kubernetes"

    async def take_back(self, fingerprint: str) -> bool:
        """It does not say so any more; whether it had. Raises as pause()."""
        await self._asked()
        if noting.taken_back(self.notes, fingerprint) is None:
            return False
        await self._edit(lambda notes: noting.taken_back(notes, fingerprint) or notes)
        return True

    # What we have done to nodes

    async def note_fenced(self, node: str, uid: str) -> None:
        """The node is about to be tainted: whoever leads later has to take that off again. Raises as pause()."""
        fenced = Fenced(node, uid, await self._now())
        await self._edit(lambda notes: noting.with_fenced(notes, fenced))

    async def forget_fenced(self, node: str) -> None:
        """The taint is off again. Raises as pause()."""
        await self._edit(lambda notes: noting.without_fenced(notes, node) or notes)

    # The Lease and the cluster

    async def _now(self) -> float:
        """The API server's time: it is asked, so that it has told it."""
        await self._asked()
        return self._cluster.clock.now()

    async def _asked(self) -> LeaseRecord | None:
        try:
            return await self.leader.look()
        except ClusterFailure as exc:
            raise _told(exc) from exc

    async def _edit(self, change: Callable[[Notes], Notes]) -> None:
        def annotations(before: dict[str, str]) -> dict[str, str]:
            notes = noting.current(read_notes(before), self._cluster.clock.now())
            return written(change(notes), before)

        try:
            await self.leader.edit(lambda before: annotations(dict(before)))
        except ClusterFailure as exc:
            raise _told(exc) from exc

    async def rights(self) -> Sequence[Right]:
        """What we may do with the Lease. Raises ClusterFailure."""
        return await self._cluster.review_lease(LEASE_NAME, self._namespace)

    async def _node(self, name: str) -> tuple[Node | None, Lease | None]:
        """The node and its Lease, as they are seen; None: the cluster does not have it, or has none any more.

        Raises NotReady; UnknownNode for a node that the catalog does not name either.
        """
        view = await self._cluster.look(frozenset())
        node = view.nodes.objects.get(("", name))
        for seen in (view.nodes, view.leases):
            if why := seen.why_unseen():
                raise NotReady(f"the nodes of the cluster are not seen: {why}", retry_after_s=5.0)
        if node is None and name not in self._named_nodes():
            raise UnknownNode(f"neither the cluster nor the catalog has a node {name[:80]!r}")
        lease = next((lease for lease in view.leases.objects.values() if lease.node == name), None)
        return node, lease

    def _named_nodes(self) -> frozenset[str]:
        services = (each for each in self._catalog().services.values() if not each.is_elsewhere)
        return frozenset(node for each in services for node in (*each.primary_nodes, *each.backup_nodes))


def _was_heard(known: Witness, heard: Witness) -> bool:
    """Whether it was heard a moment ago: a storm of repeats is not written down each time."""
    return heard.heard_at - known.heard_at < REPEATS_S


def _no_pause(id_: str) -> UnknownUrl:
    return UnknownUrl(f"no pause {id_[:40]!r} is in force")


def _notes(record: LeaseRecord | None) -> Notes:
    return read_notes(record.annotations) if record is not None else Notes()


def _told(failure: ClusterFailure) -> ClusterNeeded | NotReady:
    if isinstance(failure, ClusterForbidden | ObjectMissing):
        return ClusterNeeded(f"the Lease by which one replica leads may not be used: {failure.detail}")
    return NotReady(f"the Lease by which one replica leads is not reached: {failure.detail}", retry_after_s=5.0)
