"""What comes nearest to a manifest that was looked for and is not there: a sentence each, the nearest first."""

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.search.file_summary import DocumentSummary, FileSummary
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
Found = tuple[int, str, str]  # how far off, the path, the sentence


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a search saw besides the copies it looked for.

    `held` is what files have that were searched, `outside` what others have; `patches` are files that kustomizations
    lay over others; `links` are symlinks; `others` are files of the searched folder whatever they are.
    """

    held: Mapping[str, FileSummary]
    outside: Mapping[str, FileSummary] = field(default_factory=dict)
    patches: frozenset[str] = frozenset()
    links: Sequence[str] = ()
    others: Sequence[str] = ()


def near_misses(wanted: Selector, names: Iterable[str], context: SearchContext, told: Sequence[Found] = ()) -> str:
    """The nearest, as a part of a sentence that begins with `; nearest: `; "" when nothing comes near.

    `names` are those that a path may have in it to be about the service; `told` is what is known already.
    """
    known = {path for _, path, _ in told}
    found = list(told)
    found += [miss for miss in _among(wanted, context) if miss[1] not in known]
    found += _by_name(tuple(name.lower() for name in names if name), context)
    if not found:
        found += _alike(wanted, context.held)
    sentences = list(dict.fromkeys(sentence for *_, sentence in sorted(found)))
    more = f"; and {len(sentences) - SENTENCES} more" if len(sentences) > SENTENCES else ""
    return f"; nearest: {'; '.join(sentences[:SENTENCES])}{more}" if sentences else ""


def nearest_path(path: str, paths: Iterable[str]) -> str:
    """The file that is meant, probably: of the same name elsewhere, or of a name that is nearly the same."""
    everything = [other for other in paths if len(other) <= PATH_LENGTH]
    name = posixpath.basename(path)
    same = [other for other in everything if posixpath.basename(other).lower() == name.lower()]
    beside = [other for other in everything if posixpath.dirname(other) == posixpath.dirname(path)]
    for some in (same, beside):
        close = difflib.get_close_matches(path[:PATH_LENGTH], some[:PATHS_COMPARED], n=1, cutoff=0.6)
        if close:
            return close[0]
    return ""


def _among(wanted: Selector, context: SearchContext) -> Iterator[Found]:
    for path, summary in context.held.items():
        for document in summary.documents:
            problem = _problem(wanted, document, path, context)
            if problem is not None:
                yield problem[0], path, f"{one_line(path)}:{document.line} {problem[1]}"
    for path, summary in context.outside.items():
        for document in summary.documents:
            if _is_it(wanted, document) and document.namespace in (None, wanted.namespace):
                yield 1, path, f"{one_line(path)}:{document.line} has it, but is outside `search`"


def _problem(wanted: Selector, document: DocumentSummary, path: str, context: SearchContext) -> tuple[int, str] | None:
    """How far off a document is, and why it is not the one; None when it is quite another."""
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
    kustomization = _gives_namespace(wanted, path, context.held)
    if kustomization:
        return 1, f"has {_described(document)}: {one_line(kustomization)} gives it the namespace {wanted.namespace}"
    return 2, f"has {_described(document)}, another namespace"


def _by_name(names: Sequence[str], context: SearchContext) -> Iterator[Found]:
    """Files that are never read, of which the path says that they may be about it."""
    for path in context.links:
        if _names(path, names):
            yield 1, path, f"{one_line(path)} is a symlink; only a regular file is edited"
    for path in context.others:
        form = _OTHER_FORMS.get(posixpath.splitext(path)[1].lower())
        if form is not None and _names(path, names):
            yield 3, path, f"{one_line(path)} is {form}; only YAML and JSON are edited"


def _alike(wanted: Selector, held: Mapping[str, FileSummary]) -> Iterator[Found]:
    """The documents of that kind whose name is nearly the same."""
    named: dict[str, list[tuple[str, DocumentSummary]]] = {}
    for path, summary in held.items():
        for document in summary.documents:
            if document.kind == wanted.kind and len(document.name) <= NAME_LENGTH and len(named) < NAMES_COMPARED:
                named.setdefault(document.name, []).append((path, document))
    for name in difflib.get_close_matches((wanted.name or "")[:NAME_LENGTH], named, n=2, cutoff=_LIKENESS):
        path, document = named[name][0]
        yield 5, path, f"{one_line(path)}:{document.line} has {_described(document)}, a name like it"


def _gives_namespace(wanted: Selector, path: str, held: Mapping[str, FileSummary]) -> str:
    """The kustomization above the file that gives everything the namespace that is wanted."""
    folder = posixpath.dirname(path)
    while True:
        for name in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
            above = posixpath.join(folder, name)
            if above in held and held[above].namespace == wanted.namespace:
                return above
        if not folder:
            return ""
        folder = posixpath.dirname(folder)


def _is_it(wanted: Selector, document: DocumentSummary) -> bool:
    return (document.kind, document.name) == (wanted.kind, wanted.name)


def _may_be(wanted: Selector, name: str) -> bool:
    """Whether the text around the variables fits: `${APP}-web` may be tea-web."""
    before, after = name.partition("${")[0], name.rpartition("}")[2]
    return (wanted.name or "").startswith(before) and (wanted.name or "").endswith(after)


def _names(path: str, names: Sequence[str]) -> bool:
    lower = path.lower()
    return any(name in lower for name in names)


def _described(document: DocumentSummary) -> str:
    name = f"{cut(document.namespace)}/{cut(document.name)}" if document.namespace else cut(document.name)
    return f"{cut(document.kind)} {name}{' in a list' if document.in_list else ''}"
