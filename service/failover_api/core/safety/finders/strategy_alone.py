"""strategy-alone: the type of a strategy is moved, and Kubernetes refuses it, now or on the way back.

Under server-side apply RollingUpdate leaves behind a `rollingUpdate` that the server filled in and nobody owns.
Recreate may not stand beside one, so it is refused unless the manifest had written the block itself, and drops it now:
then its owner takes it away. The whole of it, a part of it, or `{}` will do; null will not. Flux applies nothing of a
Kustomization in which one object is refused.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from collections.abc import Iterator
from enum import Enum, auto

from failover_api.core.safety.documents import Document
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import ServiceMove
from failover_api.core.safety.workloads import (
    DEPLOYMENT,
    RECREATE,
    RELEASE,
    ROLLING,
    Strategy,
    strategies_in_values,
    strategy_of,
)
from failover_api.core.wording import cut

SLUG = "strategy-alone"
_CURE = (
    "Take the switch on the strategy out of the catalog, and let the manifest say RollingUpdate with "
    "`rollingUpdate: {maxSurge: 0, maxUnavailable: 1}` on both sides. To get out when it is stuck: apply the manifest "
    "once with the whole block, then without it."
)
_OF_A_RELEASE = (
    "Take the switch on the strategy out of the catalog, and let the values say RollingUpdate on both sides; or write "
    "`upgrade.serverSideApply: disabled`."
)


class _Apply(Enum):
    """How a release is applied, as far as it says."""

    SERVER = auto()
    CLIENT = auto()
    UNKNOWN = auto()


def strategy_alone(move: ServiceMove, surroundings: Surroundings) -> Iterator[Hazard]:
    """One for each workload whose strategy the move changes."""
    for document in move.documents:
        if document.kind == DEPLOYMENT:
            yield from _of_deployment(document)
        elif document.kind == RELEASE:
            yield from _of_release(document)


def _of_deployment(document: Document) -> Iterator[Hazard]:
    before, after = strategy_of(document.before), strategy_of(document.after)
    if before.type != after.type:
        yield from _hazard(document, ("spec", "strategy", "type"), _severity(before, after), _CURE)


def _of_release(document: Document) -> Iterator[Hazard]:
    """A chart writes the block only beside RollingUpdate, if its values have one at all."""
    how = _how_applied(document)
    new = dict(strategies_in_values(document.after))
    for way, old in strategies_in_values(document.before):
        types = (old, new.get(way, old))
        if how is _Apply.CLIENT or set(types) != {RECREATE, ROLLING}:
            continue
        beside = way[:-1]
        has_block = document.before.has(*beside, "rollingUpdate")
        before, after = (Strategy(kind, has_block and kind == ROLLING) for kind in types)
        severity = _severity(before, after)
        if severity is not None and how is _Apply.UNKNOWN:
            severity = Severity.WARN
        yield from _hazard(document, way, severity, _OF_A_RELEASE, is_sure=how is _Apply.SERVER)


def _how_applied(document: Document) -> _Apply:
    """Helm 4 installs by server-side apply, and upgrades as it has installed.

    https://fluxcd.io/flux/components/helm/helmreleases/
    """
    upgrade = document.after.text("spec", "upgrade", "serverSideApply")
    install = document.after.text("spec", "install", "serverSideApply")
    if upgrade == "disabled" or (upgrade != "enabled" and install == "false"):
        return _Apply.CLIENT
    return _Apply.SERVER if upgrade == "enabled" else _Apply.UNKNOWN


def _severity(before: Strategy, after: Strategy) -> Severity | None:
    """A stop where this very step is refused, a warning where the way back is; None where neither is."""
    if _is_refused(before, after):
        return Severity.STOP
    return Severity.WARN if _is_refused(after, before) else None


def _is_refused(before: Strategy, after: Strategy) -> bool:
    return after.type == RECREATE and (after.has_block or not before.has_block)


def _hazard(
    document: Document, way: tuple[str, ...], severity: Severity | None, cure: str, *, is_sure: bool = True
) -> Iterator[Hazard]:
    if severity is None:
        return
    old, new = document.before.text(*way) or ROLLING, document.after.text(*way) or ROLLING
    what = f"{cut(document.label)}: the strategy is moved from {cut(old)} to {cut(new)}"
    refuses = "Kubernetes refuses" if is_sure else "Kubernetes refuses, where the release was installed by Helm 4,"
    if new == RECREATE:
        said = f"{what}, which {refuses} (422) while a `rollingUpdate` block is left that it filled in itself."
    else:
        said = f"{what}, and {refuses} the way back to Recreate (422): the `rollingUpdate` that it fills in stays."
    yield Hazard(SLUG, severity, document.label, document.where(*way), f"{said} {_then(document)}", cure)


def _then(document: Document) -> str:
    if document.kind == RELEASE:
        return "The upgrade then fails."
    return "Flux then applies nothing of that Kustomization."
