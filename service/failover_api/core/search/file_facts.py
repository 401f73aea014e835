"""What a file says that matters to others: the claims of the repository, and the neighbours of a service.

A file is parsed once for both, and most are not parsed at all: a search for words tells that they say nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.core.search.claim_sources import ClaimSources, read_claim_sources, speaks_of_claims
from failover_api.core.search.file_summary import is_kustomization
from failover_api.core.search.folder_graph import folder_graph
from failover_api.core.search.known_claims import KnownClaims, known_claims, variable_values
from failover_api.core.search.known_neighbours import KnownNeighbours, known_neighbours
from failover_api.core.search.kustomize_files import KustomizeFile, read_kustomize_file
from failover_api.core.search.neighbours import NONE, Neighbours, read_neighbours, speaks_of_neighbours
from failover_api.core.splice import Manifest, parse
from failover_api.errors import ManifestInvalid


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Of one file."""

    claims: ClaimSources
    neighbours: Neighbours = NONE
    kustomize: KustomizeFile | None = None

    @property
    def size_bytes(self) -> int:
        """About how much memory they take."""
        builds = self.kustomize.size_bytes if self.kustomize is not None else 0
        return self.claims.size_bytes + self.neighbours.size_bytes + builds


@dataclass(frozen=True, slots=True)
class BranchKnowledge:
    """Of all files of a branch together. `neighbours` is None where there are too many to tell."""

    claims: KnownClaims
    neighbours: KnownNeighbours | None

    @property
    def count(self) -> int:
        """How many things are kept."""
        return self.claims.count + (self.neighbours.count if self.neighbours else 0)


def read_file_facts(path: str, data: bytes) -> FileFacts:
    """Parses the file if it has to."""
    speaks, builds = speaks_of_neighbours(data), is_kustomization(path)
    manifest = _parsed(path, data) if speaks or builds or speaks_of_claims(data) else None
    neighbours = read_neighbours(manifest) if speaks and manifest is not None else NONE
    kustomize = read_kustomize_file(manifest) if builds and manifest is not None else None
    return FileFacts(read_claim_sources(data, manifest), neighbours, kustomize)


def branch_knowledge(files: Mapping[str, FileFacts]) -> BranchKnowledge:
    """What the files, by path, say together."""
    claims = {path: facts.claims for path, facts in files.items()}
    values = variable_values(claims.values())
    neighbours = {path: facts.neighbours for path, facts in files.items()}
    graph = folder_graph({path: facts.kustomize for path, facts in files.items() if facts.kustomize is not None})
    return BranchKnowledge(known_claims(claims), known_neighbours(neighbours, values, graph))


def _parsed(path: str, data: bytes) -> Manifest | None:
    try:
        return parse(data, file=path)
    except ManifestInvalid:
        return None
