"""What is close to a manifest that was not found: of each near miss a sentence, the closest first."""

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from failover_api.core.search.file_summary import KUSTOMIZATIONS, DocumentSummary, FileSummary, rank
from failover_api.core.splice import Selector
from failover_api.core.wording import cut, one_line

SENTENCES = 5
# Likeness is quadratic in the length of what is compared, and names come from foreign files.
NAMES_COMPARED, NAME_LENGTH = 300, 63
PATHS_COMPARED, PATH_LENGTH = 100, 160
_LIKENESS = 0.75
_OTHER_FORMS = {
    ".jsonnet": "Jsonnet",
    ".libsonnet": "Jsonnet",
    ".cue": "CUE",
    ".tmpl": "a template",
    ".tpl": "a template",
    ".gotmpl": "a template",
    ".j2": "a template",
}


class NearMiss(NamedTuple):
    """A file that was perhaps meant. The smaller the `distance`, the closer; `sentence` says why it is not the one."""

    distance: int
    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a search has read. `searched` are the files of the folder, `outside` some of other folders, by path.

    `patches` are files that kustomizations apply as patches, `links` are symlinks, `others` all paths of the folder,
    whatever their format.
    """

    searched: Mapping[str, FileSummary]
    outside: Mapping[str, FileSummary] = field(default_factory=dict)
    patches: frozenset[str] = frozenset()
    links: Sequence[str] = ()
    others: Sequence[str] = ()


def near_misses(wanted: Selector, names: Iterable[str], context: SearchContext, known: Sequence[NearMiss] = ()) -> str:
    """The closest, as the end of a sentence: `; nearest: ...`. "" when nothing is close.

    `names`: a path that contains one of them may be about the service. `known` are near misses found before.
    """
    known_paths = {miss.path for miss in known}
    misses = list(known)
    misses += [miss for miss in _among(wanted, context) if miss.path not in known_paths]
    misses += _by_name(tuple(name.lower() for name in names if name), context)
    if not misses:
        misses += _alike(wanted, context.searched)
    sentences = list(dict.fromkeys(miss.sentence for miss in sorted(misses)))
    more = f"; and {len(sentences) - SENTENCES} more" if len(sentences) > SENTENCES else ""
    return f"; nearest: {'; '.join(sentences[:SENTENCES])}{more}" if sentences else ""


def nearest_path(path: str, paths: Iterable[str]) -> str:
    """The file that was probably meant: of the same name in another folder, or of a similar name in this one; or ""."""
    candidates = [other for other in paths if len(other) <= PATH_LENGTH]
    name = posixpath.basename(path)
    of_same_name = [other for other in candidates if posixpath.basename(other).lower() == name.lower()]
    of_same_folder = [other for other in candidates if posixpath.dirname(other) == posixpath.dirname(path)]
    for others in (of_same_name, of_same_folder):
        close = difflib.get_close_matches(path[:PATH_LENGTH], others[:PATHS_COMPARED], n=1, cutoff=0.6)
        if close:
            return close[0]
    return ""


def _among(wanted: Selector, context: SearchContext) -> Iterator[NearMiss]:
    """Documents that match but for something."""
    for path, summary in context.searched.items():
        for document in summary.documents:
            if (mismatch := _mismatch(wanted, document, path, context)) is not None:
                distance, reason = mismatch
                yield NearMiss(distance, path, f"{one_line(path)}:{document.line} {reason}")
    for path, summary in context.outside.items():
        for document in summary.documents:
            if rank(document, wanted):
                yield NearMiss(1, path, f"{one_line(path)}:{document.line} has it, but is outside `search`")


def _mismatch(wanted: Selector, document: DocumentSummary, path: str, context: SearchContext) -> tuple[int, str] | None:
    """The distance of a document, and why it is not the one; None when it is not close."""
    if "${" in document.name and document.kind == wanted.kind and _may_be(wanted, document.name):
        return 3, f"has the name {cut(document.name)}, which Flux fills in"
    if document.name != wanted.name:
        return None
    fits = document.namespace in (None, wanted.namespace)
    if document.kind != wanted.kind:
        return (2 if fits else 4), f"has {_described(document)}, another kind"
    if path in context.patches:
        return 0, "is a patch of it: a kustomization names the file under `patches`"
    if document.in_list:
        return 0, "has it inside a list; only a document of its own is edited"
    if fits:
        return None
    if "${" in (document.namespace or ""):
        return 1, f"has it with the namespace {cut(document.namespace or '')}, which Flux fills in"
    kustomization = _gives_namespace(wanted, path, context.searched)
    if kustomization:
        return 1, f"has {_described(document)}: {one_line(kustomization)} gives it the namespace {wanted.namespace}"
    return 2, f"has {_described(document)}, another namespace"


def _by_name(names: Sequence[str], context: SearchContext) -> Iterator[NearMiss]:
    """Files that are never read, but whose path contains one of the names."""
    for path in context.links:
        if _contains(path, names):
            yield NearMiss(1, path, f"{one_line(path)} is a symlink; only a regular file is edited")
    for path in context.others:
        form = _OTHER_FORMS.get(posixpath.splitext(path)[1].lower())
        if form is not None and _contains(path, names):
            yield NearMiss(3, path, f"{one_line(path)} is {form}; only YAML and JSON are edited")


def _alike(wanted: Selector, searched: Mapping[str, FileSummary]) -> Iterator[NearMiss]:
    """The documents of that kind with a similar name."""
    by_name: dict[str, list[tuple[str, DocumentSummary]]] = {}
    for path, summary in searched.items():
        for document in summary.documents:
            if document.kind == wanted.kind and len(document.name) <= NAME_LENGTH and len(by_name) < NAMES_COMPARED:
                by_name.setdefault(document.name, []).append((path, document))
    for name in difflib.get_close_matches((wanted.name or "")[:NAME_LENGTH], by_name, n=2, cutoff=_LIKENESS):
        path, document = by_name[name][0]
        yield NearMiss(5, path, f"{one_line(path)}:{document.line} has {_described(document)}, a name like it")


def _gives_namespace(wanted: Selector, path: str, searched: Mapping[str, FileSummary]) -> str:
    """The kustomization in a folder above the file that gives everything the wanted namespace; or ""."""
    folder = posixpath.dirname(path)
    while True:
        for name in KUSTOMIZATIONS:
            kustomization = posixpath.join(folder, name)
            if kustomization in searched and searched[kustomization].namespace == wanted.namespace:
                return kustomization
        if not folder:
            return ""
        folder = posixpath.dirname(folder)


def _may_be(wanted: Selector, name: str) -> bool:
    """Whether the text around the variables fits: `${APP}-web` may be tea-web."""
    before, after = name.partition("${")[0], name.rpartition("}")[2]
    return (wanted.name or "").startswith(before) and (wanted.name or "").endswith(after)


def _contains(path: str, names: Sequence[str]) -> bool:
    lower = path.lower()
    return any(name in lower for name in names)


def _described(document: DocumentSummary) -> str:
    name = f"{cut(document.namespace)}/{cut(document.name)}" if document.namespace else cut(document.name)
    return f"{cut(document.kind)} {name}{' in a list' if document.in_list else ''}"
