"""What a file of a repository holds, as far as a search for a manifest asks.

documents       kind, name and namespace of each workload, those inside a `kind: List` too
patches         the files that a kustomization lays over others: they are no manifests of their own
problem         why it cannot be read
"""

import posixpath
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sys import intern

from failover_api.core.splice import DocumentId, Manifest, Selector, parse
from failover_api.core.splice.merges import field
from failover_api.core.splice.paths import Path
from failover_api.core.splice.yaml_tree import Tree
from failover_api.errors import AmbiguousItem, ManifestError, ManifestInvalid, NotAMapping, SwitchNotFound

MAX_DOCUMENTS = 1000  # of one file
_WORKLOADS = re.compile(rb"Deployment|StatefulSet|DaemonSet|HelmRelease|CronJob")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document of a file, or an item of one that is a list."""

    kind: str
    name: str
    namespace: str | None
    line: int
    in_list: bool = False


@dataclass(frozen=True, slots=True)
class FileSummary:
    """Of one file. `patches` are paths as a kustomization names them, `namespace` is the one that it gives to all."""

    documents: tuple[DocumentSummary, ...] = ()
    patches: tuple[str, ...] = ()
    namespace: str | None = None
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.documents or self.patches or self.namespace or self.problem)

    @property
    def size_bytes(self) -> int:
        """About what it takes to keep it."""
        names = sum(len(one.name) + len(one.namespace or "") for one in self.documents)
        patches = sum(100 + len(patch) for patch in self.patches)
        return 300 + 200 * len(self.documents) + names + patches + len(self.problem)


EMPTY = FileSummary()


def is_kustomization(path: str) -> bool:
    """By the name that kustomize looks for."""
    return posixpath.basename(path) in _KUSTOMIZATIONS


def summarize_file(path: str, data: bytes) -> FileSummary:
    """What a file holds. Most hold no workload, and are not parsed to know that."""
    is_kustomize = is_kustomization(path)
    if not is_kustomize and _WORKLOADS.search(data) is None:
        return EMPTY
    try:
        manifest = parse(data, file=path)
    except ManifestInvalid as exc:
        return FileSummary(problem=exc.detail)
    documents = summarize(manifest)
    if not is_kustomize:
        return FileSummary(documents) if documents else EMPTY
    tree = manifest.tree
    roots = [document.root for document in tree.documents]
    patches = tuple(dict.fromkeys(patch for root in roots for patch in _patches(tree, root)))
    return FileSummary(documents, patches, next(filter(None, (_text(tree, root, "namespace") for root in roots)), None))


def patch_files(paths: Sequence[tuple[str, FileSummary]]) -> frozenset[str]:
    """The paths that these kustomizations, each by its own path, name under `patches`."""
    return frozenset(
        posixpath.normpath(posixpath.join(posixpath.dirname(path), patch))
        for path, contents in paths
        for patch in contents.patches
    )


def rank(holding: DocumentSummary | DocumentId, wanted: Selector) -> int:
    """How well a document matches: 2 with the right namespace, 1 with none, 0 when it is another."""
    if (holding.kind, holding.name) != (wanted.kind, wanted.name):
        return 0
    if wanted.namespace is None or holding.namespace == wanted.namespace:
        return 2
    return 1 if holding.namespace is None else 0


def missing_key(manifest: Manifest, document: DocumentId, paths: Sequence[Path]) -> ManifestError | None:
    """The first of the paths whose key the document has not, as the error that says so; None when it has all."""
    for path in paths:
        try:
            manifest.find(Selector(index=document.index), path)
        except AmbiguousItem:
            continue
        except (SwitchNotFound, NotAMapping) as exc:
            return exc
        except ManifestError:
            continue  # the key is there; whether it can be edited is another question
    return None


def is_partial(manifest: Manifest, document: DocumentId) -> bool:
    """Whether it only lays something over a workload: no pod would come of it by itself."""
    root = manifest.tree.documents[document.index].root
    pod = _down(manifest.tree, root, "spec", "template", "spec", "containers")
    if pod is None or manifest.tree.shapes[manifest.tree.resolve(pod)].kind != "sequence":
        return True
    containers = manifest.tree.items(manifest.tree.resolve(pod))
    return not any(field(manifest.tree, container, "image") is not None for container in containers)


def summarize(manifest: Manifest) -> tuple[DocumentSummary, ...]:
    """The documents that have a kind and a name, and the items of lists."""
    return tuple(_summaries(manifest))


def pack(data: bytes) -> bytes:
    """A file as it is kept, to be read once more."""
    return zlib.compress(data, 1)


def unpack(packed: bytes) -> bytes:
    """The inverse of pack()."""
    return zlib.decompress(packed)


def _summaries(manifest: Manifest) -> Iterator[DocumentSummary]:
    left = MAX_DOCUMENTS
    for document in manifest.documents:
        if left <= 0:
            return
        root = manifest.tree.documents[document.index].root
        if document.kind and document.kind.endswith("List"):
            for item in _items(manifest.tree, root, left):
                left -= 1
                yield item
        elif document.kind and document.name:
            left -= 1
            namespace = document.namespace and intern(document.namespace)
            yield DocumentSummary(intern(document.kind), document.name, namespace, document.line)


def _items(tree: Tree, root: int, at_most: int) -> Iterator[DocumentSummary]:
    line, counted = 1, 0
    for item, _ in zip(_elements(tree, field(tree, root, "items")), range(at_most), strict=False):
        start = tree.starts[item]
        line, counted = line + tree.text.count("\n", counted, start), start
        kind, metadata = _text(tree, item, "kind"), field(tree, item, "metadata")
        name, namespace = _text(tree, metadata, "name"), _text(tree, metadata, "namespace")
        if kind and name:
            yield DocumentSummary(intern(kind), name, namespace, line, in_list=True)


def _patches(tree: Tree, root: int) -> Iterator[str]:
    """The files under `patches` and its older forms; what is written there inline is none."""
    for key in _PATCHES:
        for item in _elements(tree, field(tree, root, key)):
            path = _text(tree, item, "path") or tree.scalar_text(item)
            if path and "\n" not in path and not path.lstrip().startswith(("{", "[")):
                yield path


def _elements(tree: Tree, node: int | None) -> Iterator[int]:
    if node is not None and tree.shapes[tree.resolve(node)].kind == "sequence":
        yield from tree.items(tree.resolve(node))


def _text(tree: Tree, node: int | None, key: str) -> str | None:
    value = field(tree, node, key)
    return None if value is None else tree.scalar_text(value)


def _down(tree: Tree, node: int | None, *keys: str) -> int | None:
    for key in keys:
        node = field(tree, node, key)
    return node
