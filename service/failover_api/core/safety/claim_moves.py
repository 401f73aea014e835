"""The claims that an app leaves and takes with a move, wherever the catalog's switches say so.

a claim's own switch            its values
a variable of a Kustomization   `postBuild.substitute`: its values, or the names that are made with them
two workloads' replicas         the claims of the one that goes to sleep, and of the one that wakes up
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from failover_api.core.catalog.model import Side
from failover_api.core.planning.state import Reading
from failover_api.core.safety.documents import Document
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove, SwitchMove
from failover_api.core.safety.workloads import REPLICAS
from failover_api.core.search.claim_references import names_with
from failover_api.core.search.known_claims import KnownClaims
from failover_api.core.splice import Value
from failover_api.core.splice.shown import quoted

_OF_A_CLAIM = re.compile(r"CLAIM|PVC|VOLUME", re.IGNORECASE)
_OF_ITS_FORM = re.compile(r"SIZE|CAPACITY|CLASS|MODE|SNAPSHOT|PATH", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClaimMove:
    """A claim that is left, and the one that is taken for it: "" where there is none.

    `left_by` and `taken_by` are the switches that say so. `namespace` is None where it is not known.
    """

    old: str
    new: str
    left_by: SwitchMove
    taken_by: SwitchMove
    namespace: str | None
    names: tuple[str, ...]  # of both sides, as the catalog or the manifests have them

    @property
    def leaves_backup(self) -> bool:
        """Whether it leaves backup's claim, or any other, for primary's."""
        switch = self.left_by.reading.switch
        is_home = self.left_by.old == switch.backup or self.left_by.new == switch.primary
        return switch.primary != switch.backup and is_home


def claim_moves(move: ServiceMove, surroundings: Surroundings) -> list[ClaimMove]:
    """All of them, in the order of the switches, then those of sleeping workloads."""
    return [*_of_switches(move, surroundings.claims), *_of_workloads(move)]


def claim_names(move: ServiceMove, surroundings: Surroundings) -> list[tuple[str, str | None]]:
    """The claims of both sides, moved or not, each with the namespace it is in."""
    named = [
        (name, _namespace(reading))
        for reading in move.readings
        for side in Side
        for name in _names(reading, reading.switch.value(side), move, surroundings.claims)
    ]
    named += [(name, one.namespace) for one in _of_workloads(move) for name in one.names]
    return list(dict.fromkeys(named))


def _of_switches(move: ServiceMove, known: KnownClaims | None) -> Iterator[ClaimMove]:
    for one in move.switches:
        old, new = (_names(one.reading, value, move, known) for value in (one.old, one.new))
        sides = [name for side in Side for name in _names(one.reading, one.reading.switch.value(side), move, known)]
        for left, taken in zip(old, new, strict=False):
            if isinstance(one.new, str):
                yield ClaimMove(left, taken, one, one, _namespace(one.reading), tuple(sides))


def _names(reading: Reading, value: Value, move: ServiceMove, known: KnownClaims | None) -> list[str]:
    """The claims that a value of a switch stands for: none where it is about anything else."""
    shown = value if isinstance(value, str) else quoted(value)
    if reading.switch.is_claim:
        return [shown] if value is not None else []
    variable = reading.switch.variable
    if not variable or not isinstance(value, str):
        return []
    templates = known.named_with(variable, _folder(reading, move)) if known is not None else ()
    if templates:
        return [names_with(template, variable, value) for template in templates]
    is_known = known is not None and any(str(reading.switch.value(side)) in known.places for side in Side)
    return [shown] if is_known or _says_claim(variable) else []


def _says_claim(variable: str) -> bool:
    """By its name alone, which is all there is where the manifests that use it were not looked at."""
    return _OF_A_CLAIM.search(variable) is not None and _OF_ITS_FORM.search(variable) is None


def _folder(reading: Reading, move: ServiceMove) -> str | None:
    """The folder that the Kustomization of a reading applies."""
    for document in move.documents:
        if (document.file, document.label) == (reading.file, reading.document):
            return document.before.text("spec", "path")
    return None


def _namespace(reading: Reading) -> str | None:
    """Of the claim: a Kustomization is not where what it applies is."""
    return None if reading.switch.variable else reading.namespace


def _of_workloads(move: ServiceMove) -> Iterator[ClaimMove]:
    """What the workloads that go to sleep leave to those that wake up; a claim that both have is not left."""
    asleep = [(one, document) for one, document in _scaled(move) if _is_none(one.new)]
    awake = [(one, document) for one, document in _scaled(move) if _is_none(one.old)]
    old = {claim: one for one, document in asleep for claim in document.claims}
    new = {claim: one for one, document in awake for claim in document.claims}
    left = [claim for claim in old if claim not in new]
    taken = [claim for claim in new if claim not in old]
    for one, other in zip_longest(left, taken, fillvalue=""):
        by = old.get(one) or new[other]
        names = tuple(filter(None, (one, other)))
        yield ClaimMove(one, other, by, new.get(other) or by, by.reading.namespace, names)


def _scaled(move: ServiceMove) -> Iterator[tuple[SwitchMove, Document]]:
    """The switches of replicas, each with its document."""
    for one in move.switches:
        if one.reading.switch.path[-1] in REPLICAS:
            place = (one.reading.file, one.reading.document)
            yield from ((one, each) for each in move.documents if (each.file, each.label) == place)


def _is_none(value: Value) -> bool:
    return value == 0 and not isinstance(value, bool)
