"""What is asked for, by whom and why: a MoveRequest as a caller made it, the Provenance that its commit tells of it."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from failover_api.core.hazard_slugs import SLUGS
from failover_api.core.planning.waves import Wave
from failover_api.core.wording import cut, is_printable
from failover_api.errors import BadRequest

MAX_REASON_LENGTH = 200
MAX_ACCEPTED = 100  # stops, each named for a service
RELOCATE = "relocate"  # the action of a relocation's commits
CUTOVER = "4/5 cutover"  # the one of them that moves anything
TIDY = "2/2 tidy"  # the second commit of a move with `unblock: rolling`, which puts the strategy back
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who asked for a move and why. `at` is RFC 3339 in UTC, `operation` a ULID, `key` an Idempotency-Key's digest.

    `step` is the part of the operation that a commit is, where it has several; `wave` is which of its waves.
    `trigger` is what asked for it where nobody did, `evidence` what that was based on.
    """

    operation: str
    by: str
    at: str
    reason: str = ""
    group: str | None = None
    force: bool = False
    key: str | None = None
    step: str | None = None
    wave: Wave | None = None
    trigger: str | None = None
    evidence: tuple[str, ...] = ()

    @property
    def part(self) -> tuple[str, str | None]:
        """What one commit carries out: an operation, or a step or wave of it, or a step of what is its wave."""
        if self.wave is None:
            return self.operation, self.step
        return self.operation, " ".join(filter(None, (f"wave {self.wave.number}", self.step)))


def catalog_group(group: str | None) -> str:
    """The group as the catalog names it; "" for none, and where a node or an alert stands in its place.

    Those have a blank in them, and no group can be named so.
    """
    return group if group and " " not in group else ""


PERMIT_LASTS_S = 2.0  # a write that is sent later needs another one
# Awaited right before a write: raises a FailoverError that says why it may not be made after all.
Permit = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """How a caller asks for a move; every edge makes one, and it is carried unchanged to the plan.

    `versions` are those that an If-Match takes, None: any; `key` is an Idempotency-Key. `supersede`: an open pull
    request for the other side is closed. `skip_refused`: a group moves without those of its services that are refused.
    `accept` are the hazards that do not stop it: SLUG, or SERVICE:SLUG for one service of a group.

    Where nobody asks, `trigger` says what does (`automatic`, `alert`) and `evidence` what that is based on; `permit` is
    asked before each write; `permit_for` gives that of some of the services, which move in a later wave.
    """

    by: str
    reason: str = ""
    force: bool = False
    dry_run: bool = False
    versions: frozenset[str] | None = None
    key: str | None = None
    supersede: bool = False
    skip_refused: bool = False
    accept: frozenset[str] = frozenset()
    trigger: str | None = None
    evidence: tuple[str, ...] = ()
    permit: Permit | None = field(default=None, repr=False, compare=False)
    permit_for: Callable[[Collection[str]], Permit] | None = field(default=None, repr=False, compare=False)

    def accepts(self, service: str, slug: str) -> bool:
        """Whether a hazard of this kind does not stop the service."""
        return slug in self.accept or f"{service}:{slug}" in self.accept

    def provenance(self, operation: str, *, at: str, group: str | None = None) -> Provenance:
        """What a commit tells of it. Without the key of a dry run, which answers as of now and uses up none."""
        key = None if self.key is None or self.dry_run else idempotency_digest(self.by, self.key)
        return Provenance(
            operation=operation,
            by=self.by,
            at=at,
            reason=self.reason,
            group=group,
            force=self.force,
            key=key,
            trigger=self.trigger,
            evidence=self.evidence,
        )


def idempotency_digest(caller: str, key: str) -> str:
    """What stands in Git for a caller's Idempotency-Key: hex SHA-256 of caller NUL key."""
    return hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()


def checked_reason(text: str) -> str:
    """A reason as it may stand in a commit. Raises BadRequest for one that is long or would not stay on its line."""
    if len(text) > MAX_REASON_LENGTH:
        raise BadRequest(f"reason: {len(text)} characters, expected at most {MAX_REASON_LENGTH}")
    stray = next((char for char in text if not is_printable(char)), None)
    if stray is not None:
        raise BadRequest(f"reason: expected printable text on one line; it holds U+{ord(stray):04X}")
    return text.strip()


def checked_accept(given: Sequence[str]) -> frozenset[str]:
    """The hazards that are accepted. Raises BadRequest for one that is no hazard's slug, and for too many."""
    if len(given) > MAX_ACCEPTED:
        raise BadRequest(f"accept: {len(given)} hazards, expected at most {MAX_ACCEPTED}")
    for accepted in given:
        slug = accepted.rpartition(":")[2]
        if slug not in SLUGS:
            raise BadRequest(f"accept: {cut(slug)!r} is no hazard; expected one of {', '.join(SLUGS)}")
    return frozenset(given)


def checked_key(given: Sequence[str]) -> str | None:
    """The key, or None when none is given. Raises BadRequest for several, and for one that is not printable ASCII."""
    if not given:
        return None
    if len(given) > 1:
        raise BadRequest("Idempotency-Key: is there twice")
    key = given[0].strip(" \t")
    if not _KEY.fullmatch(key):
        raise BadRequest(f"Idempotency-Key: expected 1 to 255 printable ASCII characters, not {key[:40]!r}")
    return key
