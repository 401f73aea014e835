"""Catalog entries for what a repository's manifests hold: a claim, and the node it is tied to, by workload.

    Deployment, StatefulSet   the claims of the pod's volumes, the pod's node selector
    HelmRelease               app-template's places below `spec.values`; of other charts, keys that name a claim
    Flux Kustomization        a variable of `postBuild.substitute` that stands for a claim
    VolSync                   the ReplicationDestination's claim as the other side, a pair of them as `replication`;
                              of what is no pair, `paused` as a switch

What the manifests do not say is written as a guess with a `# TODO` beside it. Whether an entry can be moved is for the
planner to say: this only looks.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.catalog.model import CLAIM_KEYS
from failover_api.core.catalog.node_labels import HOSTNAME, may_name_a_node
from failover_api.core.catalog.placeholders import OTHER_NODE
from failover_api.core.catalog.replication import DESTINATION, SOURCE
from failover_api.core.catalog.replication_suggestions import (
    VolSyncEnd,
    images_of,
    pairs_from,
    replication_lines,
    volsync_end,
)
from failover_api.core.catalog.schema import NAME
from failover_api.core.splice import DocumentId, Manifest, parse
from failover_api.core.splice.merges import field as value_of
from failover_api.core.splice.paths import Path, Where, format_path
from failover_api.core.splice.scalars import write
from failover_api.errors import ManifestError

WORKLOADS = {"Deployment": "deployment", "StatefulSet": "statefulset", "HelmRelease": "helmrelease"}
_POD: Path = ("spec", "template", "spec")
_VALUES: Path = ("spec", "values")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::[-=][^}]*)?\}")
_OF_A_NODE = re.compile(r"NODE|HOST|ROLE|ZONE|SIDE|SITE|WORKER", re.IGNORECASE)
_OF_A_CLAIM = re.compile(r"CLAIM|PVC|VOLUME", re.IGNORECASE)
_YAML = (".yaml", ".yml")
_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text in a manifest that an entry would move."""

    path: Path
    value: str
    volume: str = ""  # of a claim: the volume's name, where the short form can name it


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One service. `text` is its entry below `services:`, without indentation; `todo` counts its `# TODO`."""

    name: str
    file: str
    workload: str  # Deployment media/sonarr
    text: str
    todo: int
    names_node: bool = True  # it says where the pod goes, not the claim alone


@dataclass(slots=True)
class _Document:
    file: str
    manifest: Manifest
    id: DocumentId

    @property
    def root(self) -> int:
        return self.manifest.tree.documents[self.id.index].root

    def text(self, *keys: str) -> str | None:
        """The text at these keys."""
        tree, node = self.manifest.tree, self.root
        for key in keys:
            found = value_of(tree, node, key)
            if found is None:
                return None
            node = found
        return tree.scalar_text(node)

    def node(self, path: Sequence[str]) -> int | None:
        """The node at these keys."""
        node: int | None = self.root
        for key in path:
            node = None if node is None else value_of(self.manifest.tree, node, key)
        return node


@dataclass(slots=True)
class _Repository:
    """What is known of all files together."""

    documents: list[_Document] = field(default_factory=list)
    namespaces: dict[str, str] = field(default_factory=dict)  # by folder, from kustomizations
    ends: list[VolSyncEnd] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> Iterator[_Document]:
        return (document for document in self.documents if document.id.kind in kinds)


def suggestions(files: Mapping[str, bytes]) -> list[Suggestion]:
    """Entries for {path: bytes}, by file. What is no YAML is passed over."""
    repository = _read(files)
    repository.ends = [_end(document) for document in repository.of_kind(SOURCE, DESTINATION)]
    nodes = _other_nodes(repository)
    taken: set[str] = set()
    found = []
    for document in repository.of_kind(*WORKLOADS):
        entry = _Entry(repository, document, nodes)
        if not entry.claims:
            continue
        name = _name(document, entry.namespace, taken)
        if name is not None:
            taken.add(name)
            found.append(entry.suggestion(name))
    return found


def _read(files: Mapping[str, bytes]) -> _Repository:
    repository = _Repository()
    for path in sorted(files):
        if not path.endswith(_YAML):
            continue
        try:
            manifest = parse(files[path], file=path)
        except ManifestError:
            continue
        for document in (_Document(path, manifest, each) for each in manifest.documents):
            repository.documents.append(document)
            if document.id.kind in (None, "Kustomization") and (namespace := document.text("namespace")):
                repository.namespaces.setdefault(posixpath.dirname(path), namespace)
            target = document.text("spec", "targetNamespace")
            folder = document.text("spec", "path")
            if document.id.kind == "Kustomization" and target and folder:
                repository.namespaces[posixpath.normpath(folder.lstrip("./"))] = target
    return repository


def _end(document: _Document) -> VolSyncEnd:
    kind, name, namespace = document.id.kind or "", document.id.name or "", document.id.namespace or ""
    return volsync_end(document, kind=kind, name=name, namespace=namespace, file=document.file)


def _other_nodes(repository: _Repository) -> Mapping[str, tuple[str, ...]]:
    """The values of each node label that the repository's workloads select, the frequent first."""
    counts: dict[str, Counter[str]] = {}
    for document in repository.of_kind(*WORKLOADS):
        for label in _node_labels(document):
            if "$" not in label.value:
                counts.setdefault(str(label.path[-1]), Counter())[label.value] += 1
    return {key: tuple(value for value, _ in counter.most_common()) for key, counter in counts.items()}


def _name(document: _Document, namespace: str, taken: set[str]) -> str | None:
    """A name of a service that is free; None where the workload's is none."""
    own = document.id.name or ""
    for name in (own, f"{namespace}-{own}", f"{own}-{(document.id.kind or '').lower()}"):
        if NAME.fullmatch(name) and not name.startswith("group-") and name not in taken:
            return name
    return None


class _Entry:
    """One workload: what of it would move, and where that is."""

    def __init__(self, repository: _Repository, document: _Document, nodes: Mapping[str, tuple[str, ...]]) -> None:
        self._repository, self._document, self._nodes = repository, document, nodes
        self.claims = list(dict.fromkeys(_claims(document)))
        self._labels = list(_node_labels(document))[:1]
        folders = _upwards(posixpath.dirname(document.file))
        inherited = next((repository.namespaces[folder] for folder in folders if folder in repository.namespaces), "")
        self.namespace = document.id.namespace or inherited
        self._todo = 0
        self._notes: list[str] = []
        self._paired: tuple[VolSyncEnd, ...] = ()

    def suggestion(self, name: str) -> Suggestion:
        kind = self._document.id.kind or ""
        is_short = self._is_short()
        lines = [*self._short(kind), *self._pairs(kind)] if is_short else []
        switches = [] if is_short else [*self._switches()]
        switches += self._replication()
        if not self._labels:
            what = f"no node is named, so only the claim moves; a nodeSelector would go to {self._node_place(kind)}"
            self._notes.append(self._guess("", what).strip())
        body = [*lines, *(["switches:", *switches] if switches else []), *self._notes]
        place = f"{self.namespace}/" if self.namespace else ""
        text = "\n".join([f"{name}:", *(f"  {line}" for line in body)])
        return Suggestion(
            name, self._document.file, f"{kind} {place}{self._document.id.name}", text, self._todo, bool(self._labels)
        )

    def _is_short(self) -> bool:
        """Whether the short form can name all of it: no variable, and each claim where it expects one."""
        are_named = all(claim.volume for claim in self.claims)
        alone = len(self.claims) == 1 and self._document.id.kind == "HelmRelease"
        are_here = not any(map(self._variable_of, (*self._labels, *self.claims)))
        return are_here and (are_named or alone)

    def _short(self, kind: str) -> Iterator[str]:
        yield f"{WORKLOADS[kind]}: {_plain(self._document.id.name or '')}"
        yield (
            f"namespace: {_plain(self.namespace)}" if self.namespace else self._guess("namespace: default", "which one")
        )
        yield f"path: {_plain(self._document.file)}"
        for label in self._labels:
            yield from self._short_label(label, kind)
        if kind == "Deployment" and self._waits_for_dead_nodes():
            yield "unblock: rolling  # its strategy is Recreate, which waits for the pod of a dead node for ever"
        if len(self.claims) == 1:
            (claim,) = self.claims
            place = f"volume_name: {_plain(claim.volume)}" if claim.volume else f"claim_path: {_below(claim.path)}"
            yield from (place, f"primary_pvc: {_plain(claim.value)}", self._backup("backup_pvc: ", claim))
            return
        yield "volumes:"
        for claim in self.claims:
            yield f"  - name: {_plain(claim.volume)}"
            yield f"    primary_pvc: {_plain(claim.value)}"
            yield self._backup("    backup_pvc: ", claim)

    def _waits_for_dead_nodes(self) -> bool:
        """Whether the strategy is Recreate, written so that it can be changed and put back."""
        document, tree = self._document, self._document.manifest.tree
        strategy = document.node(("spec", "strategy"))
        if strategy is None or tree.shapes[strategy].kind != "mapping":
            return False
        names = [tree.scalar_text(key) for key, _ in tree.entries(strategy)]
        return names == ["type"] and document.text("spec", "strategy", "type") == "Recreate"

    def _short_label(self, label: Scalar, kind: str) -> Iterator[str]:
        if kind == "HelmRelease" and label.path[:-1] != (*_VALUES, "defaultPodOptions", "nodeSelector"):
            yield f"node_path: {_below(label.path)}"
        else:
            yield f"node_label_key: {_plain(str(label.path[-1]))}"
        yield f"primary_node_label: {_plain(label.value)}"
        yield self._other_node("backup_node_label: ", label, str(label.path[-1]))

    def _node_place(self, kind: str) -> str:
        """Where a node selector would stand."""
        if kind != "HelmRelease":
            return format_path((*_POD, "nodeSelector"))
        is_app_template = any(claim.volume for claim in self.claims)
        return "spec.values.defaultPodOptions" if is_app_template else "the chart's own place for it below spec.values"

    def _switches(self) -> Iterator[str]:
        for label in self._labels:
            document, scalar = self._variable_of(label) or (self._document, label)
            yield from self._switch(document, scalar, self._other_node("backup: ", scalar, str(label.path[-1])))
        for claim in self.claims:
            document, scalar = self._variable_of(claim) or (self._document, claim)
            yield from self._switch(document, scalar, self._backup("backup: ", scalar))

    def _switch(self, document: _Document, scalar: Scalar, backup: str) -> Iterator[str]:
        yield f"  - file: {_plain(document.file)}"
        yield f"    kind: {_plain(document.id.kind or '')}"
        yield f"    name: {_plain(document.id.name or '')}"
        yield f"    path: {_plain(format_path(scalar.path))}"
        yield f"    primary: {_plain(scalar.value)}"
        yield f"    {backup}"

    def _pairs(self, kind: str) -> Iterator[str]:
        """`replication`, for the first claim that has a pair: there is one of them in a service."""
        ends = self._ends
        for claim in self.claims:
            lines, named, todo = replication_lines(ends, claim.value, self.namespace)
            if lines and not self._paired:
                self._paired, self._todo = named, self._todo + todo
                yield from lines
                yield from self._quiesce() if kind == "HelmRelease" else ()
            elif lines:
                what = (
                    f"the pair of {claim.value}: a service has one, so make it a claim of the same volume, or a service"
                )
                self._notes.append(self._guess("", what).strip())
            for image in () if lines else images_of(ends, claim.value):
                what = (
                    f"`copyMethod: Direct` in {image.file}, or `replication: {{kind: manual}}`: {image.name} makes an"
                )
                self._notes.append(self._guess("", f"{what} image for a new claim").strip())

    @property
    def _ends(self) -> list[VolSyncEnd]:
        """Those that can be the service's."""
        return [end for end in self._repository.ends if not end.namespace or end.namespace == self.namespace]

    def _quiesce(self) -> Iterator[str]:
        """The number that stops what a HelmRelease makes."""
        tree, node = self._document.manifest.tree, self._document.node(("spec", "values", "controllers"))
        is_mapping = node is not None and tree.shapes[tree.resolve(node)].kind == "mapping"
        names = [tree.scalar_text(key) for key, _ in tree.entries(tree.resolve(node))] if is_mapping and node else []
        if len(names) == 1 and names[0]:
            path = _plain(format_path((*_VALUES, "controllers", names[0], "replicas")))
            yield f"quiesce: {{path: {path}, running: 1}}"
            return
        yield self._guess("quiesce: {path: spec.values.replicas, running: 1}", "the chart's own number of replicas")

    def _replication(self) -> Iterator[str]:
        """`paused` of the VolSync objects that copy one of the claims, so that the old copy does not come back."""
        values = {claim.value for claim in self.claims}
        paired = {(end.file, end.name) for end in self._paired if end.kind == SOURCE}
        for source in self._repository.of_kind(SOURCE):
            if source.text("spec", "sourcePVC") not in values or (source.file, source.id.name) in paired:
                continue
            if source.text("spec", "paused") is None:
                what = f"spec.paused: false in {source.file}, and a switch on it: it must not copy the old data over"
                self._notes.append(self._guess("", what).strip())
                continue
            yield f"  - file: {_plain(source.file)}"
            yield "    kind: ReplicationSource"
            yield f"    name: {_plain(source.id.name or '')}"
            yield "    path: spec.paused"
            yield "    primary: false"
            yield "    backup: true"

    def _variable_of(self, scalar: Scalar) -> tuple[_Document, Scalar] | None:
        """The Kustomization's variable that a claim or a node is, where it stands for nothing else by its name."""
        match = _VARIABLE.fullmatch(scalar.value)
        words = _OF_A_NODE if scalar in self._labels else _OF_A_CLAIM
        if match is None or not words.search(match[1]):
            return None
        folders = set(_upwards(posixpath.dirname(self._document.file)))
        for document in self._repository.of_kind("Kustomization"):
            folder = document.text("spec", "path")
            value = document.text("spec", "postBuild", "substitute", match[1])
            if folder and value and posixpath.normpath(folder.lstrip("./")) in folders:
                return document, Scalar(("spec", "postBuild", "substitute", match[1]), value)
        return None

    def _backup(self, lead: str, claim: Scalar) -> str:
        """The claim on the other side: where VolSync brings it, or a destination of its name does; else a guess."""
        targets = {target.claim for _, target in pairs_from(self._ends, claim.value)}
        if len(targets) == 1:
            return f"{lead}{_plain(targets.pop())}"
        for destination in self._repository.of_kind("ReplicationDestination"):
            tree = destination.manifest.tree
            for path, node in _scalars(destination, ("spec",)):
                target = tree.scalar_text(node)
                is_ours = destination.id.name in {self._document.id.name, claim.value} or (target or "").startswith(
                    claim.value
                )
                if path[-1] == "destinationPVC" and target and target != claim.value and is_ours:
                    return f"{lead}{_plain(target)}"
        return self._guess(f"{lead}{_plain(f'{claim.value}-backup')}", "the claim of the copy on the other node")

    def _other_node(self, lead: str, label: Scalar, key: str) -> str:
        others = [value for value in self._nodes.get(key, ()) if value != label.value]
        if len(others) == 1:
            return f"{lead}{_plain(others[0])}"
        return self._guess(f"{lead}{_plain(OTHER_NODE)}", "the node that has the copy")

    def _guess(self, text: str, what: str) -> str:
        self._todo += 1
        return f"{text}  # TODO: {what}"


def _claims(document: _Document) -> Iterator[Scalar]:
    """The claims that a workload names."""
    if document.id.kind == "HelmRelease":
        yield from _claims_of_values(document)
        return
    tree = document.manifest.tree
    volumes = document.node((*map(str, _POD), "volumes"))
    if volumes is None or tree.shapes[tree.resolve(volumes)].kind != "sequence":
        return
    for item in tree.items(tree.resolve(volumes)):
        claim = value_of(tree, item, "persistentVolumeClaim")
        name = _text_of(document, item, "name")
        value = None if claim is None else _text_of(document, claim, "claimName")
        if name and value:
            path = (*_POD, "volumes", Where("name", name), "persistentVolumeClaim", "claimName")
            yield Scalar(path, value, name)


def _claims_of_values(document: _Document) -> Iterator[Scalar]:
    tree = document.manifest.tree
    for path, node in _scalars(document, ("spec", "values")):
        value = tree.scalar_text(node)
        if str(path[-1]).lower() in CLAIM_KEYS and value:
            is_place = path[:3] == (*_VALUES, "persistence") and path[4:] == ("existingClaim",)
            yield Scalar(path, value, str(path[3]) if is_place else "")


def _node_labels(document: _Document) -> list[Scalar]:
    """The labels of the pod's node selector that can name a node, the host's name first."""
    start = ("spec", "values") if document.id.kind == "HelmRelease" else (*map(str, _POD), "nodeSelector")
    found = []
    for path, node in _scalars(document, start):
        value = document.manifest.tree.scalar_text(node)
        if len(path) > 1 and path[-2] == "nodeSelector" and value and may_name_a_node(str(path[-1]), value):
            found.append(Scalar(path, value))
    return sorted(found, key=lambda label: (label.path[-1] != HOSTNAME, len(label.path)))


def _scalars(document: _Document, start: Sequence[str]) -> Iterator[tuple[Path, int]]:
    """Every scalar below a place, by its path through mappings; lists are not entered."""
    tree, node = document.manifest.tree, document.node(start)
    stack: list[tuple[Path, int]] = [] if node is None else [(tuple(start), node)]
    while stack:
        path, node = stack.pop()
        shape = tree.shapes[node]
        if shape.kind == "mapping" and len(path) < _DEPTH:
            below = [((*path, text), value) for key, value in tree.entries(node) if (text := tree.scalar_text(key))]
            stack += reversed(below)
        elif shape.kind in ("scalar", "alias") and tree.scalar_text(node) is not None:
            yield path, node


def _text_of(document: _Document, node: int, key: str) -> str | None:
    found = value_of(document.manifest.tree, node, key)
    return None if found is None else document.manifest.tree.scalar_text(found)


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those above it."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


def _below(path: Path) -> str:
    return _plain(format_path(path[len(_VALUES) :]))


def _plain(text: str) -> str:
    return write(text)[0]
