"""What comes nearest to a manifest that was looked for and is not there: a sentence each, the nearest first."""

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from failover_api.core.search.contents import Contents, Holding
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
class Surroundings:
    """What a search saw besides the copies it looked for.

    `held` is what files have that were searched, `outside` what others have; `patches` are files that kustomizations
    lay over others; `links` are symlinks; `others` are files of the searched folder whatever they are.
    """

    held: Mapping[str, Contents]
    outside: Mapping[str, Contents] = field(default_factory=dict)
    patches: frozenset[str] = frozenset()
    links: Sequence[str] = ()
    others: Sequence[str] = ()


def near_misses(wanted: Selector, names: Iterable[str], around: Surroundings, told: Sequence[Found] = ()) -> str:
    """The nearest, as a part of a sentence that begins with `; nearest: `; "" when nothing comes near.

    `names` are those that a path may have in it to be about the service; `told` is what is known already.
    """
    known = {path for _, path, _ in told}
    found = list(told)
    found += [miss for miss in _among(wanted, around) if miss[1] not in known]
    found += _by_name(tuple(name.lower() for name in names if name), around)
    if not found:
        found += _alike(wanted, around.held)
    sentences = list(dict.fromkeys(sentence for *_, sentence in sorted(found)))
    more = f"; and {len(sentences) - SENTENCES} more" if len(sentences) > SENTENCES else ""
    return f"; nearest: {'; '.join(sentences[:SENTENCES])}{more}" if sentences else ""


def near_path(path: str, paths: Iterable[str]) -> str:
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


def _among(wanted: Selector, around: Surroundings) -> Iterator[Found]:
    for path, contents in around.held.items():
        for holding in contents.documents:
            problem = _problem(wanted, holding, path, around)
            if problem is not None:
                yield problem[0], path, f"{one_line(path)}:{holding.line} {problem[1]}"
    for path, contents in around.outside.items():
        for holding in contents.documents:
            if _is_it(wanted, holding) and holding.namespace in (None, wanted.namespace):
                yield 1, path, f"{one_line(path)}:{holding.line} has it, but is outside `search`"


def _problem(wanted: Selector, holding: Holding, path: str, around: Surroundings) -> tuple[int, str] | None:
    """How far off a document is, and why it is not the one; None when it is quite another."""
    if "${" in holding.name and holding.kind == wanted.kind and _may_be(wanted, holding.name):
        return 3, f"has the name {cut(holding.name)}, which Flux fills in"
    if holding.name != wanted.name:
        return None
    fits = holding.namespace in (None, wanted.namespace)
    if holding.kind != wanted.kind:
        return (2 if fits else 4), f"has {_described(holding)}, another kind"
    if path in around.patches:
        return 0, "is a patch of it: a kustomization names the file under `patches`"
    if holding.in_list:
        return 0, "has it inside a list; only a document of its own is edited"
    if fits:
        return None
    if "${" in (holding.namespace or ""):
        return 1, f"has it with the namespace {cut(holding.namespace or '')}, which Flux fills in"
    kustomization = _gives_namespace(wanted, path, around.held)
    if kustomization:
        return 1, f"has {_described(holding)}: {one_line(kustomization)} gives it the namespace {wanted.namespace}"
    return 2, f"has {_described(holding)}, another namespace"


def _by_name(names: Sequence[str], around: Surroundings) -> Iterator[Found]:
    """Files that are never read, of which the path says that they may be about it."""
    for path in around.links:
        if _names(path, names):
            yield 1, path, f"{one_line(path)} is a symlink; only a regular file is edited"
    for path in around.others:
        form = _OTHER_FORMS.get(posixpath.splitext(path)[1].lower())
        if form is not None and _names(path, names):
            yield 3, path, f"{one_line(path)} is {form}; only YAML and JSON are edited"


def _alike(wanted: Selector, held: Mapping[str, Contents]) -> Iterator[Found]:
    """The documents of that kind whose name is nearly the same."""
    named: dict[str, list[tuple[str, Holding]]] = {}
    for path, contents in held.items():
        for holding in contents.documents:
            if holding.kind == wanted.kind and len(holding.name) <= NAME_LENGTH and len(named) < NAMES_COMPARED:
                named.setdefault(holding.name, []).append((path, holding))
    for name in difflib.get_close_matches((wanted.name or "")[:NAME_LENGTH], named, n=2, cutoff=_LIKENESS):
        path, holding = named[name][0]
        yield 5, path, f"{one_line(path)}:{holding.line} has {_described(holding)}, a name like it"


def _gives_namespace(wanted: Selector, path: str, held: Mapping[str, Contents]) -> str:
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


def _is_it(wanted: Selector, holding: Holding) -> bool:
    return (holding.kind, holding.name) == (wanted.kind, wanted.name)


def _may_be(wanted: Selector, name: str) -> bool:
    """Whether the text around the variables fits: `${APP}-web` may be tea-web."""
    before, after = name.partition("${")[0], name.rpartition("}")[2]
    return (wanted.name or "").startswith(before) and (wanted.name or "").endswith(after)


def _names(path: str, names: Sequence[str]) -> bool:
    lower = path.lower()
    return any(name in lower for name in names)


def _described(holding: Holding) -> str:
    name = f"{cut(holding.namespace)}/{cut(holding.name)}" if holding.namespace else cut(holding.name)
    return f"{cut(holding.kind)} {name}{' in a list' if holding.in_list else ''}"
