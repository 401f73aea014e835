"""A service's `replication`, as far as VolSync's objects in a repository tell it; the rest is a `# TODO`.

A source and a destination are a pair when the source's address is that of the destination's service, or both name one
Secret, and both have the same mover. https://volsync.readthedocs.io/en/stable/usage/rsync-tls.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from failover_api.core.catalog.replication import DESTINATION, MOVERS, SOURCE, Via
from failover_api.core.splice.scalars import write

_SERVICE_OF = re.compile(r"volsync-rsync(?:-tls)?-dst-([^.:/]+)")


class Texts(Protocol):
    """A document that can be asked for the text at some keys."""

    def text(self, *keys: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class VolSyncEnd:
    """One end; "" for what its manifest does not say."""

    kind: str
    name: str
    namespace: str
    file: str
    claim: str
    mover: str
    copy_method: str
    secret: str
    address: str

    @property
    def is_for_a_new_claim(self) -> bool:
        """Whether a destination makes an image, and does not write into a claim that an app has."""
        return self.copy_method != "Direct"


def volsync_end(document: Texts, *, kind: str, name: str, namespace: str, file: str) -> VolSyncEnd:
    """What a manifest says."""
    movers = (*MOVERS[Via.DIRECT], *MOVERS[Via.REPOSITORY])
    keys = ("copyMethod", "keySecret", "sshKeys", "repository", "rcloneConfig", "destinationPVC", "address")
    mover = next((each for each in movers if any(document.text("spec", each, key) for key in keys)), "")

    def said(*of: str) -> str:
        return next((text for key in of if (text := document.text("spec", mover, key))), "")

    claim = document.text("spec", "sourcePVC") if kind == SOURCE else said("destinationPVC")
    secret = said("keySecret", "sshKeys", "repository", "rcloneConfig")
    return VolSyncEnd(kind, name, namespace, file, claim or "", mover, said("copyMethod"), secret, said("address"))


def pairs_from(ends: Iterable[VolSyncEnd], claim: str) -> list[tuple[VolSyncEnd, VolSyncEnd]]:
    """Those that bring what is in a claim to another one."""
    known = list(ends)
    sources = [end for end in known if end.kind == SOURCE and end.claim == claim]
    targets = [end for end in known if end.kind == DESTINATION and end.claim not in {"", claim}]
    return [(source, target) for source in sources for target in targets if _is_pair(source, target)]


def _is_pair(source: VolSyncEnd, target: VolSyncEnd) -> bool:
    is_near = not source.namespace or not target.namespace or source.namespace == target.namespace
    if not source.mover or source.mover != target.mover or not is_near:
        return False
    service = _SERVICE_OF.search(source.address)
    return service[1] == target.name if service else bool(source.secret) and source.secret == target.secret


def replication_lines(
    ends: Sequence[VolSyncEnd], claim: str, namespace: str
) -> tuple[list[str], tuple[VolSyncEnd, ...], int]:
    """`replication` of a service with this claim on primary; the ends that it names; and how many `# TODO` it has.

    Without lines where there is no pair of which the destination writes into a claim.
    """
    away = [pair for pair in pairs_from(ends, claim) if not pair[1].is_for_a_new_claim]
    if len(away) != 1:
        return [], (), 0
    source, target = away[0]
    home = [pair for pair in pairs_from(ends, target.claim) if pair[1].claim == claim and pair[0].mover == source.mover]
    lines = ["replication:", "  kind: volsync"]
    lines += ["  via: repository"] if source.mover in MOVERS[Via.REPOSITORY] else []
    lines.append(f"  to_backup: {_pair(source, target, namespace)}")
    if len(home) == 1 and not home[0][1].is_for_a_new_claim:
        return [*lines, f"  to_primary: {_pair(*home[0], namespace)}"], (source, target, *home[0]), 0
    what = "two pairs lead home: name one" if len(home) > 1 else f"a pair from {target.claim} to {claim}"
    lines.append(f"  # TODO: to_primary: {{source: ..., destination: ...}}: {what}, both ends born with `paused: true`")
    return lines, (source, target), 1


def images_of(ends: Sequence[VolSyncEnd], claim: str) -> Iterator[VolSyncEnd]:
    """The destinations that belong to a claim, and make an image for a new one."""
    sources = [end for end in ends if end.kind == SOURCE and end.claim == claim]
    return (
        end
        for end in ends
        if end.kind == DESTINATION and end.is_for_a_new_claim and any(_is_pair(source, end) for source in sources)
    )


def _pair(source: VolSyncEnd, target: VolSyncEnd, namespace: str) -> str:
    said = source.namespace or target.namespace
    keys = {"source": source.name, "destination": target.name}
    keys |= {"namespace": said} if said and said != namespace else {}
    keys |= {"file": source.file} if source.file == target.file else {}
    return f"{{{', '.join(f'{key}: {write(value)[0]}' for key, value in keys.items())}}}"
