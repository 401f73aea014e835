"""`unblock: rolling`: a Deployment whose strategy waits for no dead node, for as long as a move needs that.

    strategy: {type: Recreate}     waits for the old pod to end, which a pod on a dead node never does
    what a promote makes of it     {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
    what a demote puts back        the former text, byte for byte: the type as it was written, without the block

The block is written out, and nothing but Recreate is changed: Kubernetes refuses a type that goes back to Recreate
while its own defaults of `rollingUpdate` stand, and what Flux owns of a block goes with it. A strategy without a type
is a RollingUpdate. That the strategy stands so says nothing of who wrote it: only what a commit of ours made of
Recreate is put back. The strategy is never part of a side.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.catalog.model import Service, Workload
from failover_api.core.planning.change import Change, Entries
from failover_api.core.planning.state import document_name, is_same
from failover_api.core.splice import Edit, Manifest, Selector
from failover_api.core.splice.paths import Path, format_path
from failover_api.errors import CannotPlan, ManifestError, SwitchNotFound

RECREATE, ROLLING_UPDATE = "Recreate", "RollingUpdate"
# A first pod may end before the new one is there: with ReadWriteOncePod claims there are never two on one volume.
ENTRIES: Entries = {"maxSurge": 0, "maxUnavailable": 1}
_STRATEGY: Path = ("spec", "strategy")
_TYPE: Path = (*_STRATEGY, "type")
_BLOCK: Path = (*_STRATEGY, "rollingUpdate")
BLOCK_TEXT = format_path(_BLOCK)
_UNBLOCKED = ((ROLLING_UPDATE, ("type", "rollingUpdate")), (ROLLING_UPDATE, ("rollingUpdate", "type")))
_ADVICE = "; `unblock: rolling` changes it with a promote: mend it, or take `unblock` out of the catalog"

Manifests = Mapping[str, Manifest]


@dataclass(frozen=True, slots=True)
class StrategyEdits:
    """What changes of one Deployment's strategy, and the edits of its `file` that change it."""

    file: str
    edits: tuple[Edit, ...]
    changes: tuple[Change, Change]


def unblocking(service: Service, manifests: Manifests) -> StrategyEdits | None:
    """What a promote of a located service changes; None where nothing is to be changed.

    Raises ManifestError, saying so, when the strategy cannot be changed and put back.
    """
    found = _located(service, manifests)
    if found is None:
        return None
    workload, file, manifest = found
    try:
        kind = manifest.find(workload.selector, _TYPE)
    except SwitchNotFound:
        return None
    except ManifestError as exc:
        raise _advised(exc) from exc
    if kind.value in (None, ROLLING_UPDATE):
        return None
    edits = _unblocking_edits(workload.selector)
    try:
        _check_alone(manifest, file, workload)
        manifest.apply(edits)
    except ManifestError as exc:
        raise _advised(exc) from exc
    return _with_changes(workload, file, manifest, edits, (RECREATE, ROLLING_UPDATE), (None, ENTRIES))


def putting_back(service: Service, now: Manifests, former: Manifests) -> StrategyEdits | None:
    """What puts the strategy of `former` back; None unless Recreate stood there, and what we make of it stands now."""
    found, before = _located(service, now), _located(service, former)
    if not (found and before and is_unblocked(service, now) and is_recreate(service, former)):
        return None
    workload, file, manifest = found
    kind = before[2].find(workload.selector, _TYPE)
    edits = (
        Edit(workload.selector, _TYPE, op="restore", value=RECREATE, raw=kind.raw, expect=ROLLING_UPDATE),
        Edit(workload.selector, _BLOCK, op="delete"),
    )
    return _with_changes(workload, file, manifest, edits, (ROLLING_UPDATE, RECREATE), (ENTRIES, None))


def rewriting(service: Service, now: Manifests, former: Manifests) -> StrategyEdits | None:
    """What makes the strategy what it is in `former`: there or back, whichever of the two a rollback undoes."""
    if is_recreate(service, now) and is_unblocked(service, former):
        return unblocking(service, now)
    return putting_back(service, now, former)


def is_recreate(service: Service, manifests: Manifests) -> bool:
    """Whether the Deployment's strategy is Recreate alone; False where it cannot be read."""
    found = _located(service, manifests)
    return found is not None and _read(found[2], found[0].selector) == (RECREATE, ("type",))


def is_unblocked(service: Service, manifests: Manifests) -> bool:
    """Whether the Deployment's strategy is exactly what a promote makes of it; False where it cannot be read."""
    found = _located(service, manifests)
    return found is not None and _is_unblocked(found[2], found[0].selector)


def without_unblocking(manifest: Manifest) -> Manifest:
    """The manifest without the blocks that a promote adds: what is left has as many lines as before."""
    selectors = (Selector(index=document.index) for document in manifest.documents if document.kind == "Deployment")
    edits = [Edit(selector, _BLOCK, op="delete") for selector in selectors if _is_unblocked(manifest, selector)]
    return manifest.apply(edits) if edits else manifest


def _is_unblocked(manifest: Manifest, selector: Selector) -> bool:
    if _read(manifest, selector) not in _UNBLOCKED:
        return False
    try:
        keys = manifest.keys(selector, _BLOCK)
        values = [manifest.find(selector, (*_BLOCK, key)).value for key in ENTRIES]
    except ManifestError:
        return False
    return sorted(map(str, keys)) == sorted(ENTRIES) and all(map(is_same, values, ENTRIES.values()))


def _read(manifest: Manifest, selector: Selector) -> tuple[object, tuple[str | None, ...]] | None:
    """The strategy's type, and its keys; None where it cannot be read."""
    try:
        return manifest.find(selector, _TYPE).value, manifest.keys(selector, _STRATEGY)
    except ManifestError:
        return None


def _located(service: Service, manifests: Manifests) -> tuple[Workload, str, Manifest] | None:
    workload = service.unblocked
    if workload is None or workload.file is None or workload.file not in manifests:
        return None
    return workload, workload.file, manifests[workload.file]


def _unblocking_edits(selector: Selector) -> tuple[Edit, ...]:
    return (
        Edit(selector, _TYPE, value=ROLLING_UPDATE, expect=RECREATE),
        Edit(selector, _BLOCK, op="add", value=ENTRIES),
    )


def _with_changes(
    workload: Workload,
    file: str,
    manifest: Manifest,
    edits: tuple[Edit, ...],
    kinds: tuple[str, str],
    blocks: tuple[Entries | None, Entries | None],
) -> StrategyEdits:
    """The edits with what they change: the type and the block, each before and after."""
    name, line = document_name(manifest, workload.selector), manifest.find(workload.selector, _TYPE).line
    changes = (
        Change(file, name, format_path(_TYPE), line, *kinds),
        Change(file, name, BLOCK_TEXT, line, *blocks),
    )
    return StrategyEdits(file, edits, changes)


def _check_alone(manifest: Manifest, file: str, workload: Workload) -> None:
    """Raises CannotPlan for what stands beside the type, be it null: Kubernetes may refuse the way back with it."""
    others = [str(key) for key in manifest.keys(workload.selector, _STRATEGY) if key != "type"]
    if others:
        detail = f"{format_path(_STRATEGY)} has {', '.join(others)} beside the type, expected the type alone"
        raise CannotPlan(detail, file=file, line=manifest.find(workload.selector, _TYPE).line)


def _advised(error: ManifestError) -> ManifestError:
    """The error, with what to do about it: a service without `unblock` would not meet it."""
    told = copy.copy(error)
    told.detail = f"{error.detail}{_ADVICE}"
    told.args = (told.detail,)
    return told
