"""The replications, autoscalers and appliers of a branch, to be asked by claim, by workload and by file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from failover_api.core.search.folder_graph import FolderGraph, folders_around
from failover_api.core.search.neighbours import (
    AccessModes,
    Applier,
    Neighbour,
    Neighbours,
    Replication,
    Scaler,
    Strategy,
)
from failover_api.core.search.variables import ANYTHING, forms

MAX_KNOWN = 20_000  # in all; with more, nobody is told of any
MAX_CLAIMS_OF_ONE = 300  # that one replication stands for by its variables
RWOP = "ReadWriteOncePod"
NO_GRAPH = FolderGraph()
K = TypeVar("K")
L = TypeVar("L")
N = TypeVar("N", bound=Neighbour)


@dataclass(frozen=True, slots=True)
class Located(Generic[N]):
    """An object and its file."""

    file: str
    it: N

    @property
    def where(self) -> str:
        return f"{self.file}:{self.it.line}"

    @property
    def about(self) -> str:
        """As people say it: "ReplicationSource media/sonarr"."""
        namespace = f"{self.it.namespace}/" if self.it.namespace else ""
        return f"{self.it.kind} {namespace}{self.it.name}"

    def is_in(self, namespace: str | None) -> bool:
        """Whether it may be in that namespace: one that does not say where it is may be anywhere."""
        return namespace is None or self.it.namespace in (None, namespace) or "${" in self.it.namespace


@dataclass(frozen=True, slots=True)
class KnownNeighbours:
    """Of one branch."""

    by_claim: Mapping[str, tuple[Located[Replication], ...]] = field(default_factory=dict)
    by_target: Mapping[tuple[str, str], tuple[Located[Scaler], ...]] = field(default_factory=dict)
    by_values: Mapping[tuple[str, str], tuple[Located[Applier], ...]] = field(default_factory=dict)
    by_folder: Mapping[str, tuple[Located[Applier], ...]] = field(default_factory=dict)
    access_modes: Mapping[str, tuple[Located[AccessModes], ...]] = field(default_factory=dict)
    strategies: Mapping[str, tuple[Located[Strategy], ...]] = field(default_factory=dict)
    graph: FolderGraph = NO_GRAPH

    @property
    def count(self) -> int:
        """How many are kept."""
        indexes = (self.by_claim, self.by_target, self.by_values, self.by_folder, self.access_modes, self.strategies)
        return sum(len(located) for index in indexes for located in index.values()) + self.graph.count

    def replications(self, claim: str, namespace: str | None) -> list[Located[Replication]]:
        return [found for found in self.by_claim.get(claim, ()) if found.is_in(namespace)]

    def scalers(self, kind: str, name: str, namespace: str | None) -> list[Located[Scaler]]:
        return [found for found in self.by_target.get((kind, name), ()) if found.is_in(namespace)]

    def releases_of(self, kind: str, name: str, namespace: str | None) -> list[Located[Applier]]:
        """The HelmReleases that take values from a document."""
        return [found for found in self.by_values.get((kind, name), ()) if found.is_in(namespace)]

    def applying(self, path: str) -> tuple[Located[Applier], ...]:
        """What applies the folders that are built with a file: through what names it, as an overlay names its base.

        Of the folders that take all that is below them the innermost counts: what applies one further out has the
        inner one's Kustomization, and not the file. Where nothing is seen to build it, the folders around it do.
        """
        built = self.graph.building(path)
        own = built & self.by_folder.keys()
        held = {each for one in (path, *built - own) for each in self._innermost(self.graph.holding(one))}
        folders = own | held or set(self._innermost(folders_around(path)))
        return tuple(applier for folder in sorted(folders) for applier in self.by_folder[folder])

    def _innermost(self, folders: Iterable[str]) -> tuple[str, ...]:
        """The first of the folders that is applied; none where none is."""
        return tuple(islice((folder for folder in folders if folder in self.by_folder), 1))

    def strategy_below(self, path: str, name: str, namespace: str | None) -> Located[Strategy] | None:
        """The strategy of a Deployment of which a file says nothing: in another patch beside it, else in what these are
        laid over.
        """
        namers, graph = set(self.graph.namers(path)), self.graph
        others = [one for one in self.strategies.get(name, ()) if one.file != path and one.is_in(namespace)]
        below = [one for one in others if namers & graph.building(one.file)]
        return min(below, key=lambda one: namers.isdisjoint(graph.namers(one.file)), default=None)

    def is_for_one_pod(self, claim: str, namespace: str | None) -> bool:
        """Whether a claim is known to be ReadWriteOncePod, and nothing else."""
        found = [one for one in self.access_modes.get(claim, ()) if one.is_in(namespace)]
        return bool(found) and all(one.it.modes == {RWOP} for one in found)


def known_neighbours(
    files: Mapping[str, Neighbours], values: Mapping[str, set[str]], graph: FolderGraph = NO_GRAPH
) -> KnownNeighbours | None:
    """What the files, by path, say together; `values` are what variables stand for, `graph` is which folders are built
    with which. None when there is too much.
    """
    claims: dict[str, list[Located[Replication]]] = {}
    targets: dict[tuple[str, str], list[Located[Scaler]]] = {}
    sources: dict[tuple[str, str], list[Located[Applier]]] = {}
    folders: dict[str, list[Located[Applier]]] = {}
    modes: dict[str, list[Located[AccessModes]]] = {}
    strategies: dict[str, list[Located[Strategy]]] = {}
    count = graph.count
    for file, found in files.items():
        for replication in found.replications:
            for claim in _claims(replication.claim, values):
                claims.setdefault(claim, []).append(Located(file, replication))
                count += 1
        for scaler in found.scalers:
            targets.setdefault((scaler.target_kind, scaler.target), []).append(Located(file, scaler))
        for applier in found.appliers:
            for source in applier.values_from:
                sources.setdefault(source, []).append(Located(file, applier))
                count += 1
            if applier.path is not None:
                folders.setdefault(applier.path, []).append(Located(file, applier))
        for claim_modes in found.access_modes:
            modes.setdefault(claim_modes.name, []).append(Located(file, claim_modes))
        for strategy in found.strategies:
            strategies.setdefault(strategy.name, []).append(Located(file, strategy))
        count += len(found.scalers) + len(found.appliers) + len(found.access_modes) + len(found.strategies)
        if count > MAX_KNOWN:
            return None
    return KnownNeighbours(
        _frozen(claims),
        _frozen(targets),
        _frozen(sources),
        _frozen(folders),
        _frozen(modes),
        _frozen(strategies),
        graph,
    )


def _claims(name: str, values: Mapping[str, set[str]]) -> Iterator[str]:
    """The claims that a name stands for: with a variable that nobody gives a value, none is surely meant."""
    if "$" not in name and "{{" not in name:
        yield name
        return
    known = sorted(form for form in forms(name, values) if ANYTHING not in form)
    yield from known[:MAX_CLAIMS_OF_ONE]


def _frozen(index: dict[K, list[L]]) -> Mapping[K, tuple[L, ...]]:
    return {key: tuple(found) for key, found in index.items()}
