"""What people, and alerts, have said: pauses, acknowledgements, attestations, witnesses.

It is kept where the next leader finds it. Times are by the API server's clock (s).
"""

from dataclasses import dataclass

from failover_api.core.safety.judgement.verdicts import NodeVerdict, Verdicts

_KEPT_S = 24 * 3600.0  # a clock may be wrong by hours
ACKS_KEPT_S = 30 * 24 * 3600.0
CONTRADICTED_S = 60.0


@dataclass(frozen=True, slots=True)
class Pause:
    """No automatic move of these services, until then; none named: of any."""

    id: str
    by: str
    at: float
    until: float
    reason: str
    services: tuple[str, ...] = ()

    def holds(self, service: str, now: float) -> bool:
        return now < self.until and (not self.services or service in self.services)


@dataclass(frozen=True, slots=True)
class Ack:
    """A person has seen the last automatic move of a service, or what became of a node; the other is ""."""

    by: str
    at: float
    service: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person says that the node is off. It holds for the node with this UID, as long as its Lease has this value.

    `uid` is "" where the cluster had no such node any more.
    """

    id: str
    by: str
    at: float
    reason: str
    node: str
    uid: str
    renewed_at: float | None = None

    def holds(self, node: NodeVerdict) -> bool:
        is_it = (self.node, self.uid) == (node.name, node.uid)
        return is_it and not node.is_ready and is_same_renewal(self.renewed_at, node.renewed_at)

    def holds_in(self, verdicts: Verdicts) -> bool:
        """Whether it holds by what is seen: of a node that is not there, or unseen, until its Lease is renewed."""
        if self.node in verdicts.nodes:
            return self.holds(verdicts.nodes[self.node])
        renewed_at = verdicts.lone_leases.get(self.node)
        return renewed_at is None or is_same_renewal(self.renewed_at, renewed_at)


@dataclass(frozen=True, slots=True)
class Witness:
    """A firing alert that means that the node is off. `starts_at` is by its sender, `heard_at` when it came last."""

    fingerprint: str
    node: str
    name: str
    starts_at: float
    heard_at: float = 0.0

    def holds(self, node: NodeVerdict, now: float) -> bool:
        """Whether it may still be true: not of a node that lives, once its Lease had the time to stand still."""
        return not (node.is_ready and node.is_alive and now - self.heard_at > CONTRADICTED_S)


@dataclass(frozen=True, slots=True)
class Book:
    """All of it, in the order in which it came."""

    pauses: tuple[Pause, ...] = ()
    acks: tuple[Ack, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    witnesses: tuple[Witness, ...] = ()

    def current(self, verdicts: Verdicts) -> "Book":
        """Without what is long over: pauses that have ended, what was said of nodes that were heard of since.

        While nothing is heard of a node, or it is not there, what was said of it stays.
        """
        now, nodes = verdicts.now, verdicts.nodes
        return Book(
            tuple(pause for pause in self.pauses if now < pause.until + _KEPT_S),
            tuple(ack for ack in self.acks if now - ack.at < ACKS_KEPT_S),
            tuple(one for one in self.attestations if one.holds_in(verdicts)),
            tuple(one for one in self.witnesses if one.node not in nodes or one.holds(nodes[one.node], now)),
        )


EMPTY_BOOK = Book()


def is_same_renewal(one: float | None, other: float | None) -> bool:
    """Whether these are one renewal of a Lease: two are ten seconds apart, and a time may have lost its fractions."""
    return one is other if one is None or other is None else abs(one - other) < 1.0
