"""What a file of a repository holds, as far as the search for a manifest needs it.

documents       kind, name and namespace of each document, and of the items of a `kind: List`
patches         the files that a kustomization applies as patches: they are no manifests of their own
problem         why the file cannot be read
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern

from failover_api.core.search.fields import down, elements, text
from failover_api.core.splice import DocumentId, Manifest, Selector, parse
from failover_api.core.splice.merges import field
from failover_api.core.splice.paths import Path
from failover_api.core.splice.yaml_tree import Tree
from failover_api.errors import AmbiguousItem, ManifestError, ManifestInvalid, NotAMapping, SwitchNotFound

MAX_DOCUMENTS = 1000  # of one file
EXACT = 2  # the best rank()
_WANTED = re.compile(rb"Deployment|StatefulSet|DaemonSet|HelmRelease|CronJob|ReplicationSource|ReplicationDestination")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document of a file, or an item of a `kind: List`. `line` counts from 1."""

    kind: str
    name: str
    namespace: str | None
    line: int
    in_list: bool = False


@dataclass(frozen=True, slots=True)
class FileSummary:
    """Of one file. `patches` are the paths as a kustomization names them, `namespace` the one that it gives to all."""

    documents: tuple[DocumentSummary, ...] = ()
    patches: tuple[str, ...] = ()
    namespace: str | None = None
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.documents or self.patches or self.namespace or self.problem)

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        names = sum(len(document.name) + len(document.namespace or "") for document in self.documents)
        patches = sum(100 + len(patch) for patch in self.patches)
        return 300 + 200 * len(self.documents) + names + patches + len(self.problem)


EMPTY = FileSummary()


def is_kustomization(path: str) -> bool:
    """Whether it has a name that kustomize looks for."""
    return posixpath.basename(path) in KUSTOMIZATIONS


def summarize_file(path: str, data: bytes) -> FileSummary:
    """Summarizes a file. Most hold nothing that is looked for, which a search for the words tells without parsing."""
    is_kustomize = is_kustomization(path)
    if not is_kustomize and _WANTED.search(data) is None:
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
    patches = tuple(dict.fromkeys(patch for root in roots for patch in patches_in(tree, root)))
    return FileSummary(documents, patches, next(filter(None, (text(tree, root, "namespace") for root in roots)), None))


def patch_files(summaries: Iterable[tuple[str, FileSummary]]) -> frozenset[str]:
    """The paths of all patches that kustomizations name. `summaries` are (path, summary) of any files."""
    return frozenset(
        posixpath.normpath(posixpath.join(posixpath.dirname(path), patch))
        for path, summary in summaries
        for patch in summary.patches
    )


def rank(document: DocumentSummary | DocumentId, wanted: Selector) -> int:
    """How well a document matches: EXACT with the right namespace, 1 without a namespace, 0 when it is another."""
    if (document.kind, document.name) != (wanted.kind, wanted.name):
        return 0
    if wanted.namespace is None or document.namespace == wanted.namespace:
        return EXACT
    return 1 if document.namespace is None else 0


def missing_key(manifest: Manifest, document: DocumentId, paths: Sequence[Path]) -> ManifestError | None:
    """The error for the first of the paths that leads nowhere in the document; None when all are there."""
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
    """Whether it is only a part of a workload, as a patch is: no chart, and no container with an image."""
    tree = manifest.tree
    root = tree.documents[document.index].root
    if document.kind == "HelmRelease":  # https://fluxcd.io/flux/components/helm/helmreleases/
        charts = (down(tree, root, "spec", "chart", "spec", "chart"), down(tree, root, "spec", "chartRef", "name"))
        return all(chart is None for chart in charts)
    containers = down(tree, root, "spec", "template", "spec", "containers")
    return not any(field(tree, container, "image") is not None for container in elements(tree, containers))


def summarize(manifest: Manifest) -> tuple[DocumentSummary, ...]:
    """The documents that have a kind and a name, and the items of lists: at most MAX_DOCUMENTS."""
    return tuple(_summaries(manifest))


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
    for item, _ in zip(elements(tree, field(tree, root, "items")), range(at_most), strict=False):
        start = tree.starts[item]
        line, counted = line + tree.text.count("\n", counted, start), start
        kind, metadata = text(tree, item, "kind"), field(tree, item, "metadata")
        name, namespace = text(tree, metadata, "name"), text(tree, metadata, "namespace")
        if kind and name:
            yield DocumentSummary(intern(kind), name, namespace, line, in_list=True)


def patches_in(tree: Tree, root: int) -> Iterator[str]:
    """The files under `patches` and its older forms; a patch that is written there inline is no file."""
    for key in _PATCHES:
        for item in elements(tree, field(tree, root, key)):
            path = text(tree, item, "path") or tree.scalar_text(item)
            if path and "\n" not in path and not path.lstrip().startswith(("{", "[")):
                yield path
