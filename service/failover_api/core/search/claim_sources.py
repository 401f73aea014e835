"""What a file says about claims: which ones it makes or fills, and what the variables in their names stand for.

claims          by the name as it is written: `sonarr`, `${APP}-data`, `{{ .Release.Name }}`
variables       values that Flux puts in place of `${NAME}`
affixes         what a kustomization puts before and behind all names
names           of all documents: operators and charts name claims after them
references      what workloads are given by variables: `${APP_CLAIM}`

Any other reference (`claimName`, `existingClaim`) says nothing: it is what is looked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from failover_api.core.search.claim_references import claim_references
from failover_api.core.search.fields import down, elements, entries, text
from failover_api.core.splice import Manifest
from failover_api.core.splice.yaml_tree import Tree

MAX_CLAIMS, MAX_VARIABLES, MAX_NAMES = 500, 1000, 1000  # of one file
MAX_LENGTH = 253  # of a name that Kubernetes takes
ORDINAL = "\0"  # in a name: the number that a StatefulSet gives
_DEPTH = 24
_SPEAKS_OF_CLAIMS = re.compile(
    rb"PersistentVolume|Replication|volumeClaimTemplates|substitute|HelmRelease|DataVolume|kind: Grafana"
    rb"|name(?:Prefix|Suffix):|/metadata/name|^  [A-Z][A-Z0-9_]*: ",
    re.MULTILINE,
)
_NAME = re.compile(rb"^(?:- )? {0,4}name: *[\"']?([a-z0-9][-a-z0-9.]*)", re.MULTILINE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RENAMED = re.compile(r"path: *[\"']?/metadata/name[\"']?\s+value: *[\"']?([^\s\"']+)")
_TEMPLATED_NAME = re.compile(rb"^ *name: *[\"']?([^\"']*\{\{.*\}\}[^\"']*)[\"']?\s*$")
_OF_A_VOLUME = frozenset({"size", "accessMode", "accessModes", "storageClass", "storageClassName"})


@dataclass(frozen=True, slots=True)
class ClaimName:
    """A claim as its file names it. `line` counts from 1. `is_guess`: a chart or an operator may make it."""

    name: str
    line: int
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class ClaimSources:
    """Of one file."""

    claims: tuple[ClaimName, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    affixes: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()
    references: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        texts = [claim.name for claim in self.claims] + [value for pair in self.variables for value in pair]
        return 300 + sum(100 + len(each) for each in (*texts, *self.names, *self.references))


def speaks_of_claims(data: bytes) -> bool:
    """Whether the file has to be parsed for its claims."""
    return _SPEAKS_OF_CLAIMS.search(data) is not None


def read_claim_sources(data: bytes, manifest: Manifest | None) -> ClaimSources:
    """What the file says. Most say only names, which needs no parsing; `manifest` is None where it is no YAML."""
    references = claim_references(data)
    names = frozenset(match[1][:MAX_LENGTH].decode() for match in islice(_NAME.finditer(data), MAX_NAMES))
    if not speaks_of_claims(data):
        return ClaimSources(names=names, references=references)
    if manifest is None:
        return ClaimSources(claims=tuple(islice(_of_a_template(data), MAX_CLAIMS)), names=names, references=references)
    found = _Reader(manifest.tree)
    for root in roots(manifest):
        if len(found.claims) >= MAX_CLAIMS:
            break
        found.read(root)
    claims = tuple(islice(dict.fromkeys(found.claims), MAX_CLAIMS))
    variables, affixes = tuple(found.variables[:MAX_VARIABLES]), tuple(found.affixes[:10])
    return ClaimSources(claims, variables, affixes, names, references)


def _of_a_template(data: bytes) -> Iterator[ClaimName]:
    """A Helm template is no YAML: each name in it may be that of a claim."""
    if b"kind: PersistentVolumeClaim" in data or b"volumeClaimTemplates" in data:
        for number, line in enumerate(data.split(b"\n"), 1):
            if len(line) <= MAX_LENGTH and (match := _TEMPLATED_NAME.match(line)):
                yield ClaimName(match[1].decode(errors="replace").strip(), number)


def roots(manifest: Manifest) -> Iterator[int]:
    """Of the documents, and of the items of lists."""
    for document in manifest.documents:
        root = manifest.tree.documents[document.index].root
        yield root
        if document.kind and document.kind.endswith("List"):
            yield from elements(manifest.tree, down(manifest.tree, root, "items"))


class _Reader:
    """Collects from one document after the other."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.claims: list[ClaimName] = []
        self.variables: list[tuple[str, str]] = []
        self.affixes: list[tuple[str, str]] = []

    def read(self, root: int) -> None:
        tree = self._tree
        name = text(tree, root, "metadata", "name") or ""
        match text(tree, root, "kind"):
            case "PersistentVolumeClaim":
                self._claim(root, "metadata", "name")
                for source in ("dataSource", "dataSourceRef"):
                    if text(tree, root, "spec", source, "kind") == "PersistentVolumeClaim":
                        self._claim(root, "spec", source, "name")
            case "PersistentVolume":
                self._claim(root, "spec", "claimRef", "name")
            case "DataVolume":
                self._claim(root, "metadata", "name")
            case "StatefulSet":
                templates = elements(tree, down(tree, root, "spec", "volumeClaimTemplates"))
                for template in islice(templates, MAX_CLAIMS):
                    if claim := text(tree, template, "metadata", "name"):
                        self.claims.append(ClaimName(f"{claim}-{name}-{ORDINAL}", tree.line_of(template)))
            case "ReplicationSource":
                self._claim(root, "spec", "sourcePVC")
            case "ReplicationDestination":
                # A mover without a claim of its own makes one: https://volsync.readthedocs.io
                self._guess(root, *(f"volsync-{name}-{end}" for end in ("dest", "dst")))
                for _, mover in islice(entries(tree, down(tree, root, "spec")), MAX_CLAIMS):
                    self._claim(mover, "destinationPVC")
            case "HelmRelease":
                self._release(root, name)
            case "Grafana":  # https://grafana.github.io/grafana-operator/
                self._guess(root, f"{name}-pvc")
            case "ConfigMap":
                self._variables(down(tree, root, "data"))
            case "Kustomization" | "Component" | None:
                self._variables(down(tree, root, "spec", "postBuild", "substitute"))
                self._kustomize(root)

    def _claim(self, node: int, *keys: str) -> None:
        place = down(self._tree, node, *keys)
        name = None if place is None else self._tree.scalar_text(place)
        if place is not None and name and len(name) <= MAX_LENGTH:
            self.claims.append(ClaimName(name, self._tree.line_of(place)))

    def _guess(self, node: int, *names: str) -> None:
        line = self._tree.line_of(node)
        self.claims += [ClaimName(name, line, is_guess=True) for name in names if len(name) <= MAX_LENGTH]

    def _variables(self, mapping: int | None) -> None:
        for name, value in entries(self._tree, mapping):
            said = self._tree.scalar_text(value)
            if said is not None and _VARIABLE.fullmatch(name) and len(name) + len(said) <= MAX_LENGTH:
                self.variables.append((name, said))

    def _kustomize(self, root: int) -> None:
        prefix, suffix = (text(self._tree, root, key) or "" for key in ("namePrefix", "nameSuffix"))
        if prefix or suffix:
            self.affixes.append((prefix, suffix))
        for holder in (root, down(self._tree, root, "spec")):
            for patch in islice(elements(self._tree, down(self._tree, holder, "patches")), MAX_CLAIMS):
                renamed = _RENAMED.search(text(self._tree, patch, "patch") or "")
                if renamed and len(renamed[1]) <= MAX_LENGTH:
                    self.claims.append(ClaimName(renamed[1], self._tree.line_of(patch)))

    def _release(self, root: int, name: str) -> None:
        """A chart's claims are named after the release: its only one like it, others with keys of the values behind."""
        tree = self._tree
        said = (text(tree, root, "spec", "releaseName"), text(tree, root, "spec", "values", "fullnameOverride"))
        releases = list(dict.fromkeys(filter(None, (name, *said))))
        self._guess(root, *releases)
        for keys, node in islice(_volumes(tree, down(tree, root, "spec", "values")), MAX_CLAIMS // 10):
            self._guess(node, *(f"{release}-{key}" for release in releases for key in keys))


def _volumes(tree: Tree, values: int | None) -> Iterator[tuple[list[str], int]]:
    """The mappings of a chart's values that ask for a volume, each with the keys on the way to it."""
    pending: list[tuple[list[str], int]] = [] if values is None else [([], values)]
    while pending:
        keys, node = pending.pop()
        below = list(entries(tree, node))
        named = {key for key, _ in below}
        if keys and named & _OF_A_VOLUME and not (text(tree, node, "existingClaim") or text(tree, node, "claimName")):
            own = text(tree, node, "suffix") or text(tree, node, "nameOverride")
            yield ([*keys, own] if own else keys), node
        if len(keys) < _DEPTH:
            pending += [([*keys, key], value) for key, value in below]
