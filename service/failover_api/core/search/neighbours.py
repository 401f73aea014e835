"""What a file says that concerns the move of a service: replication, autoscalers, and what applies the files.

replications    VolSync's sources and destinations, by the claim as it is written
scalers         what sets the replicas of a workload
appliers        Flux's Kustomizations and HelmReleases, Argo CD's Applications: what they apply, and whether they do
access_modes    of claims
strategies      of Deployments, where they are written out
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import TypeVar

from failover_api.core.search.claim_sources import MAX_LENGTH, roots
from failover_api.core.search.fields import down, elements, entries, text
from failover_api.core.splice import Manifest
from failover_api.core.splice.yaml_tree import Tree

MAX_OBJECTS = 200  # of one file, of each sort
FLUX, ARGO = "kustomize.toolkit.fluxcd.io", "argoproj.io"
PAUSED_AT_ZERO = "autoscaling.keda.sh/paused-replicas"
_SPEAKS = re.compile(
    rb"Replication(?:Source|Destination)|HorizontalPodAutoscaler|ScaledObject|PersistentVolumeClaim|HelmRelease"
    rb"|kustomize\.toolkit\.fluxcd\.io|argoproj\.io"
)
_STRATEGIES = (b"Recreate", b"RollingUpdate")
N = TypeVar("N", bound="Neighbour")
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "on", "On"})


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An object of another manifest. `line` counts from 1; `namespace` is None where it does not say."""

    kind: str
    name: str
    namespace: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Replication(Neighbour):
    """VolSync's half at one claim. `is_paused`: it does nothing by itself any more; None where a variable says that.

    A manual trigger is as good as a pause: what it asks for is done once, and no schedule counts beside it.
    """

    claim: str
    is_paused: bool | None


@dataclass(frozen=True, slots=True)
class Scaler(Neighbour):
    """What sets the replicas of a workload; `holds_at_zero` while it is paused there."""

    target_kind: str
    target: str
    holds_at_zero: bool


@dataclass(frozen=True, slots=True)
class Applier(Neighbour):
    """What applies a folder (`path`), or the values of other documents (`values_from`: (kind, name)).

    `stopped` says why it applies nothing, "" when it does; `repository` is the URL that it names, if it does.
    """

    path: str | None
    values_from: tuple[tuple[str, str], ...]
    repository: str
    stopped: str


@dataclass(frozen=True, slots=True)
class AccessModes(Neighbour):
    """Of a claim that is written out."""

    modes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Strategy(Neighbour):
    """Of a Deployment: `type` as it is written, `line` where."""

    type: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Of one file."""

    replications: tuple[Replication, ...] = ()
    scalers: tuple[Scaler, ...] = ()
    appliers: tuple[Applier, ...] = ()
    access_modes: tuple[AccessModes, ...] = ()
    strategies: tuple[Strategy, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About how much memory they take."""
        return sum(_size(one) for sort in fields(self) for one in getattr(self, sort.name))


NONE = Neighbours()


def _size(one: Neighbour) -> int:
    texts = (value for field in fields(one) if isinstance(value := getattr(one, field.name), str))
    return 300 + sum(map(len, texts)) + 150 * len(getattr(one, "values_from", ()))


def speaks_of_neighbours(data: bytes) -> bool:
    """Whether the file has to be parsed for them."""
    has_strategy = b"Deployment" in data and any(word in data for word in _STRATEGIES)
    return has_strategy or _SPEAKS.search(data) is not None


def read_neighbours(manifest: Manifest) -> Neighbours:
    """What the file says."""
    tree = manifest.tree
    found = [one for root in islice(roots(manifest), 4 * MAX_OBJECTS) for one in _objects(tree, root)]
    if not found:
        return NONE

    return Neighbours(
        replications=_those(found, Replication),
        scalers=_those(found, Scaler),
        appliers=_those(found, Applier),
        access_modes=_those(found, AccessModes),
        strategies=_those(found, Strategy),
    )


def _those(found: Iterable[Neighbour], sort: type[N]) -> tuple[N, ...]:
    return tuple(islice((one for one in found if isinstance(one, sort)), MAX_OBJECTS))


def _objects(tree: Tree, root: int) -> Iterator[Neighbour]:
    name, namespace = text(tree, root, "metadata", "name"), text(tree, root, "metadata", "namespace")
    kind = text(tree, root, "kind")
    if not kind or not name or len(name) > MAX_LENGTH or len(namespace or "") > MAX_LENGTH:
        return
    about = (kind, name, namespace, tree.line_of(root))
    group = (text(tree, root, "apiVersion") or "").partition("/")[0]
    match kind:
        case "ReplicationSource":
            yield from _replication(tree, root, about, text(tree, root, "spec", "sourcePVC"))
        case "ReplicationDestination":
            movers = (mover for _, mover in islice(entries(tree, down(tree, root, "spec")), MAX_OBJECTS))
            claims = (text(tree, mover, "destinationPVC") for mover in movers)
            yield from _replication(tree, root, about, next(filter(None, claims), None))
        case "HorizontalPodAutoscaler" | "ScaledObject":
            yield from _scaler(tree, root, about)
        case "Kustomization" if group == FLUX:
            yield _kustomization(tree, root, about)
        case "Application" if group == ARGO:
            yield from _application(tree, root, about)
        case "HelmRelease":
            sources = islice(elements(tree, down(tree, root, "spec", "valuesFrom")), MAX_OBJECTS)
            named = ((text(tree, source, "kind"), text(tree, source, "name")) for source in sources)
            values = tuple((source, of) for source, of in named if source and of and len(of) <= MAX_LENGTH)
            yield Applier(*about, None, values, "", _suspended(tree, root))
        case "Deployment":
            yield from _strategy(tree, root, about)
        case "PersistentVolumeClaim":
            modes = (tree.scalar_text(mode) for mode in elements(tree, down(tree, root, "spec", "accessModes")))
            yield AccessModes(*about, frozenset(mode for mode in islice(modes, 4) if mode and len(mode) < 40))


_About = tuple[str, str, str | None, int]


def _replication(tree: Tree, root: int, about: _About, claim: str | None) -> Iterator[Replication]:
    paused = text(tree, root, "spec", "paused")
    is_idle = bool(text(tree, root, "spec", "trigger", "manual"))
    is_paused = is_idle or (None if "${" in (paused or "") else is_true(paused))
    if claim and len(claim) <= MAX_LENGTH:
        yield Replication(*about, claim, is_paused)


def _scaler(tree: Tree, root: int, about: _About) -> Iterator[Scaler]:
    target = down(tree, root, "spec", "scaleTargetRef")
    name, kind = text(tree, target, "name"), text(tree, target, "kind") or "Deployment"  # as KEDA takes it
    held = text(tree, root, "metadata", "annotations", PAUSED_AT_ZERO) == "0"
    if name and len(name) <= MAX_LENGTH and len(kind) <= MAX_LENGTH:
        yield Scaler(*about, kind, name, held)


def _strategy(tree: Tree, root: int, about: _About) -> Iterator[Strategy]:
    found = down(tree, root, "spec", "strategy", "type")
    said = None if found is None else tree.scalar_text(found)
    if found is not None and said and len(said) <= MAX_LENGTH:
        kind, name, namespace, _ = about
        yield Strategy(kind, name, namespace, tree.line_of(found), said)


def _kustomization(tree: Tree, root: int, about: _About) -> Applier:
    return Applier(*about, _folder(text(tree, root, "spec", "path") or "."), (), "", _suspended(tree, root))


def _application(tree: Tree, root: int, about: _About) -> Iterator[Applier]:
    """Argo CD's. https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/"""
    spec = down(tree, root, "spec")
    automated = down(tree, spec, "syncPolicy", "automated")
    is_off = automated is None or text(tree, automated) is not None or _is_false(text(tree, automated, "enabled"))
    one, several = down(tree, spec, "source"), elements(tree, down(tree, spec, "sources"))
    for source in islice((each for each in (one, *several) if each is not None), 20):
        path, url = text(tree, source, "path"), text(tree, source, "repoURL") or ""
        if path and len(url) <= 500:
            yield Applier(*about, _folder(path), (), url, "has no automated sync" if is_off else "")


def _suspended(tree: Tree, root: int) -> str:
    return "is suspended (`spec.suspend: true`)" if is_true(text(tree, root, "spec", "suspend")) else ""


def _folder(path: str) -> str | None:
    """With a final "/", "" for the whole repository; None for one that is filled in, or leads out of it."""
    if "${" in path or "{{" in path or len(path) > MAX_LENGTH or not path.isprintable():
        return None
    folder = posixpath.normpath(path.lstrip("/") or ".")
    return None if folder.startswith("..") else "" if folder == "." else f"{folder}/"


def is_true(value: str | None) -> bool:
    """As Kubernetes reads a bool."""
    return value in _TRUE


def _is_false(value: str | None) -> bool:
    return value in {"false", "False", "FALSE", "no", "No", "off", "Off"}
