"""YAML as configuration: text to plain data, and from a location in the data back to its line.

Keys are always text. Aliases and merges (`<<`) are followed; a mapping's own keys win over merged ones, wherever its
`<<` stands. A plain scalar on whose type YAML readers differ (`yes`, `010`, a date) becomes an AmbiguousScalar: its
type is never guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.splice.merges import is_merge
from failover_api.core.splice.scalars import NULLS, read_plain
from failover_api.core.splice.yaml_tree import DEFAULT_READER, Reader, Tree, read_tree
from failover_api.core.wording import one_line
from failover_api.errors import ConfigInvalid, ParseError

MAX_CHARACTERS = 1024 * 1024  # what a ConfigMap can hold
MAX_ERRORS = 100  # reported at once
WHOLE_FILE = "(file)"  # in place of a key, for an error of the whole file
_STRING_TAGS = (None, "!", "tag:yaml.org,2002:str")

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class AmbiguousScalar:
    """Plain text that is a bool, a number or a date to some readers of YAML and a string to others."""

    text: str


@dataclass(frozen=True, slots=True)
class Config:
    """A file of configuration. `data` is made of dict, list, str, int, float, bool, None and AmbiguousScalar."""

    data: object
    tree: Tree
    root: int

    def positions(self, locations: Sequence[Location]) -> list[int]:
        """For each location, the position in the text of its deepest part that exists."""
        children = _Children(self.tree)
        return [self.tree.starts[self._key(location, children)] for location in locations]

    def _key(self, location: Location, children: "_Children") -> int:
        key = node = self.root
        for step in location:
            child = children.find(node, step)
            if child is None:
                break
            key, node = child
        return key


def read_config(text: str, *, file: str, reader: Reader = DEFAULT_READER) -> Config:
    """Reads the one document of a file. Raises ConfigInvalid."""
    if len(text) > MAX_CHARACTERS:
        raise config_error(
            file, 1, WHOLE_FILE, f"is too large: {len(text)} characters, expected at most {MAX_CHARACTERS}"
        )
    try:
        tree = read_tree(text.removeprefix("\ufeff"), file="", reader=reader)
    except ParseError as exc:
        raise config_error(file, exc.line or 1, WHOLE_FILE, exc.detail) from exc
    roots = [document.root for document in tree.documents if tree.scalar_text(document.root) not in NULLS]
    match roots:
        case [root]:
            return Config(_Constructor(tree, file).build(root, ()), tree, root)
        case []:
            raise config_error(file, 1, WHOLE_FILE, "is empty")
        case [_, second, *_]:
            detail = f"has {len(roots)} documents, expected one"
            raise config_error(file, tree.line_of(second), WHOLE_FILE, detail)
    raise AssertionError(roots)  # pragma: no cover - a list is empty, has one item or more


def config_error(file: str, line: int, key: str, detail: str) -> ConfigInvalid:
    """An error in the form that all have: `FILE:LINE: KEY: message`."""
    return ConfigInvalid(one_line(f"{file}:{line}: {key or WHOLE_FILE}: {detail}"))


def invalid_config(file: str, config: Config, errors: Sequence[tuple[Location, Callable[[], str]]]) -> ConfigInvalid:
    """All errors as one, in the order of the file, at most MAX_ERRORS. `errors`: (location, maker of the message)."""
    positions = config.positions([location for location, _ in errors])
    placed = sorted(zip(positions, errors, strict=True), key=lambda pair: pair[0])[:MAX_ERRORS]
    in_order = [
        config_error(file, config.tree.line(position), format_location(location), message())
        for position, (location, message) in placed
    ]
    first = in_order[0]
    first.errors = tuple(error.detail for error in in_order)
    return first


def format_location(location: Location) -> str:
    """`services.plex.switches[0].file`; nothing for the whole file."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


class _Constructor:
    """Makes data of nodes. What is aliased is built once and shared, so that aliases of aliases cannot grow it."""

    def __init__(self, tree: Tree, file: str) -> None:
        self.tree, self.file = tree, file
        self.built: dict[int, object] = {}
        self.open: set[int] = set()

    def build(self, node: int, location: Location) -> object:
        target = self.tree.resolve(node)
        if target in self.built:
            return self.built[target]
        if target in self.open:
            raise self._error(node, location, "holds itself, through an alias")
        self.open.add(target)
        match self.tree.shapes[target].kind:
            case "mapping":
                value: object = self._mapping(target, location)
            case "sequence":
                value = [self.build(item, (*location, at)) for at, item in enumerate(self.tree.items(target))]
            case "scalar":
                value = self._scalar(target, location)
            case _:
                name = self.tree.shapes[target].value
                raise self._error(node, location, f"has the alias *{name} without an anchor &{name} above it")
        self.open.remove(target)
        self.built[target] = value
        return value

    def _mapping(self, node: int, location: Location) -> dict[str, object]:
        own: dict[str, object] = {}
        first: dict[str, int] = {}
        merged: dict[str, object] = {}
        for key, value in self.tree.entries(node):
            name = self.tree.scalar_text(key)
            if name is None:
                raise self._error(key, location, "has a mapping or a list as a key, expected text")
            child = (*location, name)
            if name in first:
                raise self._error(key, child, f"is there twice, first in line {self.tree.line_of(first[name])}")
            first[name] = key
            if is_merge(self.tree.shapes[key]):
                merged = self._merge(value, child)
            else:
                own[name] = self.build(value, child)
        return {**merged, **own}

    def _merge(self, node: int, location: Location) -> dict[str, object]:
        merged: dict[str, object] = {}
        for source in _sources(self.tree, node):
            mapping = self.build(source, location)
            if not isinstance(mapping, dict):
                raise self._error(source, location, "expected a mapping to merge, or a list of them")
            for key, value in mapping.items():
                merged.setdefault(key, value)
        return merged

    def _scalar(self, node: int, location: Location) -> object:
        shape = self.tree.shapes[node]
        text = shape.value or ""
        if shape.tag not in _STRING_TAGS:
            raise self._error(node, location, f"has the tag {shape.tag}, expected none")
        if shape.tag is not None or shape.style:
            return text
        reading = read_plain(text)
        return AmbiguousScalar(text) if reading.ambiguous else reading.value

    def _error(self, node: int, location: Location, detail: str) -> ConfigInvalid:
        return config_error(self.file, self.tree.line_of(node), format_location(location), detail)


class _Children:
    """The (key, value) nodes below a node; for an item of a list both are the item. Each mapping is read once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.known: dict[int, Mapping[int | str | None, tuple[int, int]]] = {}

    def find(self, parent: int, step: int | str) -> tuple[int, int] | None:
        """The child at a step, through aliases and merges; a mapping's own keys win over merged ones."""
        pending, seen = [parent], set()
        while pending:
            node = self.tree.resolve(pending.pop())
            if node in seen:
                continue
            seen.add(node)
            children = self._of(node)
            if step in children:
                return children[step]
            if None in children:
                pending += reversed(list(_sources(self.tree, children[None][1])))
        return None

    def _of(self, node: int) -> Mapping[int | str | None, tuple[int, int]]:
        if node not in self.known:
            match self.tree.shapes[node].kind:
                case "mapping":
                    self.known[node] = {self._name(key): (key, value) for key, value in self.tree.entries(node)}
                case "sequence":
                    self.known[node] = {at: (item, item) for at, item in enumerate(self.tree.items(node))}
                case _:
                    self.known[node] = {}
        return self.known[node]

    def _name(self, key: int) -> str | None:
        """The text of a key; None of what merges."""
        return None if is_merge(self.tree.shapes[key]) else self.tree.scalar_text(key)


def _sources(tree: Tree, node: int) -> Iterator[int]:
    """What a `<<` merges; where two have a key, the first wins. https://yaml.org/type/merge.html"""
    target = tree.resolve(node)
    return tree.items(target) if tree.shapes[target].kind == "sequence" else iter((node,))
