"""Who leads among the replicas: what a look at their Lease means. Time comes in; nothing is asked or written here.

    nobody wrote it, or it was released, or nobody renewed it for as long as it says      take it
    it is ours                                                                            renew it
    somebody else's                                                                       wait

Whether it was renewed is told by a change that we saw, never by its times: they are of another clock. A write of
anything else in it (a pause, an attestation) is no renewal. A holder leads for `renew_s` after he sent his last
renewal that was confirmed, which is before anybody else takes the Lease.

The rules are those of client-go: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from failover_api.core.safety.times import second
from failover_api.core.wording import cut, one_line

_WHAT_TO_DO = (
    "Another one takes it within seconds, if `failover serve` or `failover guard` runs with this catalog and reaches "
    "the API server; `failover check` says whether it may use the Lease."
)
MAX_DURATION_S = 60  # a Lease that says more would be nobody's for as long
Annotations = Mapping[str, str]
NO_ANNOTATIONS: Annotations = {}


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A Lease that is written by us. `holder` is "" when nobody has it; times are by the API server's clock (s).

    `annotations` are all of them, whoever wrote them. `version` names what was read, "" for what is not there yet.
    `rest` is the object as it was read, for what is not ours to change.
    """

    holder: str = ""
    duration_s: int = 0
    acquired_at: float | None = None
    renewed_at: float | None = None
    transitions: int = 0
    annotations: Annotations = field(default_factory=lambda: NO_ANNOTATIONS)
    version: str = ""
    rest: object = field(default=None, repr=False, compare=False)

    @property
    def renewal(self) -> tuple[object, ...]:
        """What a renewal changes, and nothing else does."""
        return self.holder, self.acquired_at, self.renewed_at, self.transitions


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a Lease lasts, for how long after a renewal its holder leads, and how often it is looked at (s)."""

    lease_s: float = 8.0
    renew_s: float = 5.0
    retry_s: float = 1.0


class Step(StrEnum):
    """What a candidate does next."""

    CREATE = "create"
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one replica knows of the election. `seen_since` is when the last renewal was seen, by our monotonic clock.

    `renewed_at` is when our own last renewal that was confirmed was sent, None while we do not hold the Lease.
    """

    name: str
    terms: Terms = Terms()
    record: LeaseRecord | None = None
    seen_since: float = 0.0
    renewed_at: float | None = None

    def leads(self, now: float) -> bool:
        """Whether we may still act as the holder at `now` (monotonic)."""
        return self.renewed_at is not None and now - self.renewed_at < self.terms.renew_s

    def is_held(self, now: float) -> bool:
        """Whether somebody leads, as far as it was seen: whoever it is renews the Lease."""
        record = self.record
        return self.leads(now) or (
            record is not None and record.holder != "" and now - self.seen_since < _lasts_s(record, self.terms)
        )

    def saw(self, record: LeaseRecord | None, now: float) -> "Candidate":
        """The Lease was read, or is not there."""
        is_news = record is None or self.record is None or record.renewal != self.record.renewal
        lost = record is None or record.holder != self.name
        return replace(
            self,
            record=record,
            seen_since=now if is_news else self.seen_since,
            renewed_at=None if lost else self.renewed_at,
        )

    def next_step(self, now: float) -> Step:
        """What to do about the Lease as it was seen last."""
        record = self.record
        if record is None:
            return Step.CREATE
        if self.renewed_at is not None:
            return Step.RENEW if self.leads(now) else Step.TAKE
        if record.holder in {"", self.name}:
            return Step.TAKE
        return Step.TAKE if now - self.seen_since >= _lasts_s(record, self.terms) else Step.WAIT

    def claim(self, step: Step, at: float) -> LeaseRecord:
        """The Lease as this step writes it, at a time of the API server (s). What else is in it stays."""
        before = self.record or LeaseRecord()
        is_new = step is not Step.RENEW
        return replace(
            before,
            holder=self.name,
            duration_s=round(self.terms.lease_s) or 1,
            acquired_at=at if is_new else before.acquired_at,
            renewed_at=at,
            transitions=before.transitions + (1 if step is Step.TAKE else 0),
        )

    def wrote(self, record: LeaseRecord, sent_at: float, now: float) -> "Candidate":
        """What we sent at `sent_at` (monotonic) was confirmed."""
        return replace(self, record=record, seen_since=now, renewed_at=sent_at)

    def stepped_down(self) -> "Candidate":
        """We lead no longer, whatever the Lease says."""
        return replace(self, renewed_at=None)


def why_nobody_leads(record: LeaseRecord | None, lease: str, failure: str = "") -> str:
    """In words, with what to do. `record` None: there is none. `failure` is what keeps this process from it."""
    if failure:
        why = f"this replica does not get its Lease: {one_line(failure)}"
    elif record is None:
        why = f"nobody has made its Lease {lease} yet"
    else:
        at = "" if record.renewed_at is None else f" since {second(record.renewed_at)}"
        who = f"{cut(record.holder)} did, and has not renewed" if record.holder else "nobody holds"
        why = f"{who} its Lease {lease}{at}"
    return f"No replica leads: {why}. {_WHAT_TO_DO}"


def released(record: LeaseRecord, at: float) -> LeaseRecord:
    """The Lease as a holder leaves it who ends: anybody may take it at once."""
    return replace(record, holder="", duration_s=1, renewed_at=at)


def _lasts_s(record: LeaseRecord, terms: Terms) -> float:
    """Never less than our own terms: a Lease is not taken early for what somebody wrote into it."""
    return max(terms.lease_s, float(min(record.duration_s, MAX_DURATION_S)))
