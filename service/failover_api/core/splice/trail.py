"""The trail: the nodes from a document's root along a path, as far as the path leads."""

from dataclasses import dataclass, replace

from failover_api.core.splice import alternatives, merges
from failover_api.core.splice.edits import Place
from failover_api.core.splice.paths import Inside, Path, Step, Where, format_path
from failover_api.core.splice.scalars import NULLS
from failover_api.core.splice.yaml_tree import Shape, Tree
from failover_api.errors import (
    AliasInPath,
    AmbiguousItem,
    DuplicateKey,
    IndexOutOfRange,
    ItemNotFound,
    KeyFromMerge,
    ManifestError,
    NotAMapping,
    PathNotFound,
)


@dataclass(frozen=True, slots=True)
class Trail:
    """The nodes from the root to the deepest one found, that one's key, and the missing `rest` of the path."""

    nodes: tuple[int, ...]
    key: int | None = None
    rest: Path = ()

    @property
    def node(self) -> int:
        """The deepest node found."""
        return self.nodes[-1]


def walk(tree: Tree, root: int, place: Place) -> Trail:
    """Follows the path. A missing key ends the trail; anything else in the way raises its own kind of ManifestError."""
    nodes, key = [root], None
    for depth, step in enumerate(place.path):
        reached = _PathNode(tree, nodes[-1], key, depth, place).follow(step)
        if reached is None:
            return Trail(tuple(nodes), key, place.path[depth:])
        key, node = reached
        nodes.append(node)
    return Trail(tuple(nodes), key)


def path_not_found(tree: Tree, trail: Trail, place: Place) -> ManifestError:
    """The error for a trail that ends too early."""
    depth = len(place.path) - len(trail.rest)
    node = _PathNode(tree, trail.node, trail.key, depth, place)
    there = alternatives.describe_children(tree, trail.node, str(trail.rest[0])) or "it is null"
    return node.missing_error(PathNotFound, f"has no key {trail.rest[0]!r}", there=there)


def is_null(shape: Shape) -> bool:
    """A plain null, written or not."""
    return shape.kind == "scalar" and shape.style == "" and shape.tag is None and shape.value in NULLS


@dataclass(frozen=True, slots=True)
class _PathNode:
    """A node on the path, and the next step from it."""

    tree: Tree
    node: int
    key: int | None
    depth: int
    place: Place

    def follow(self, step: Step) -> tuple[int | None, int] | None:
        """The (key, node) the step leads to; None for a missing key."""
        if self.tree.shapes[self.node].kind == "alias":
            raise self.error(AliasInPath, f"{self.name} (line {self.line}) is an alias: what is in it is shared")
        match step:
            case str():
                return self._follow_key(step)
            case Where():
                return None, self._follow_where(step)
            case int():
                return None, self._follow_index(step)
            case Inside():  # pragma: no cover - a path is split there before it is walked
                raise AssertionError(f"{self.name} is walked into a text block")

    @property
    def name(self) -> str:
        """The path that leads here; of the root, `the top`."""
        place = self.place
        return (
            replace(place, path=place.path[: self.depth]).name if self.depth else format_path(place.block) or "the top"
        )

    @property
    def line(self) -> int:
        """The line of this node, or of its key."""
        return self.tree.line_of(self.node if self.key is None else self.key)

    def error(self, kind: type[ManifestError], detail: str) -> ManifestError:
        """An error about this node."""
        return self.place.error(kind, detail, self.line)

    def missing_error(self, kind: type[ManifestError], detail: str, *, line: int = 0, there: str = "") -> ManifestError:
        """An error about what is, or is not, under this node; `there` says what is there instead."""
        name = f"under {self.name}" if self.depth or self.place.block else "at the top"
        tail = f"; {there}" if there else ""
        return self.place.error(kind, f"{detail} {name} (line {self.line}){tail}", line or self.line)

    def _follow_key(self, name: str) -> tuple[int | None, int] | None:
        if is_null(self.tree.shapes[self.node]):
            return None
        self._expect("mapping", f"a mapping with the key {name!r}", name)
        entries: dict[str, tuple[int, int]] = {}
        for key, value in self.tree.entries(self.node):
            text = self.tree.scalar_text(key)
            if text is not None and entries.setdefault(text, (key, value))[0] != key:
                raise self.missing_error(DuplicateKey, f"has the key {text!r} again", line=self.tree.line_of(key))
        if name not in entries and merges.is_merged(self.tree, self.node, name):
            raise self.missing_error(KeyFromMerge, f"has the key {name!r} only through '<<'")
        if name in entries and (behind := merges.hidden_by(self.tree, self.node, name)) is not None:
            raise self._hidden(name, entries[name][1], *behind)
        return entries.get(name)

    def _hidden(self, name: str, own: int, merge: int, merged: int) -> ManifestError:
        tree, line = self.tree, self.tree.line_of(merge)
        detail = (
            f"has the key {name!r} ({merges.shown(tree, own)}, line {tree.line_of(own)}) and again through the '<<' "
            f"behind it ({merges.shown(tree, merged)}, line {tree.line_of(merged)}): `kubectl apply` takes the second, "
            f"kustomize the first; put '<<' first"
        )
        return self.missing_error(KeyFromMerge, detail, line=line)

    def _follow_where(self, where: Where) -> int:
        items = self._items(where)
        matching = [item for item in items if self._matches(item, where)]
        if len(matching) > 1:
            lines = ", ".join(str(self.tree.line_of(item)) for item in matching[: alternatives.SHOWN])
            detail = f"has {len(matching)} items with {where.key} {where.value!r}"
            raise self.missing_error(AmbiguousItem, detail, there=f"they are on the lines {lines}")
        if not matching:
            raise self.missing_error(
                ItemNotFound, f"has no item with {where.key} {where.value!r}", there=self._others(items, where)
            )
        return matching[0]

    def _others(self, items: list[int], where: Where) -> str:
        values = [value for item in items if (value := alternatives.name_of(self.tree, item, where.key)) is not None]
        if values and not alternatives.may_be_secret(where.key):
            return f"{where.key} is {alternatives.list_names(values, where.value)}"
        return f"{len(values)} of its {len(items)} items have {where.key}" if items else "it is empty"

    def _follow_index(self, index: int) -> int:
        items = self._items(index)
        if not 0 <= index < len(items):
            raise self.missing_error(IndexOutOfRange, f"has no item {index}, only {len(items)}")
        return items[index]

    def _items(self, step: Step) -> list[int]:
        if is_null(self.tree.shapes[self.node]):
            return []
        name = step.value if isinstance(step, Where) else ""
        self._expect("sequence", f"a list with the item {format_path((step,))}", name)
        return list(self.tree.items(self.node))

    def _matches(self, item: int, where: Where) -> bool:
        values = merges.texts(self.tree, item, where.key)
        if len(values) > 1 and where.value in values:
            names = " or ".join(map(repr, sorted(text or "" for text in values)))
            detail = f"has an item (line {self.tree.line_of(item)}) whose {where.key} is {names}, as readers differ"
            raise self.missing_error(KeyFromMerge, detail, line=self.tree.line_of(item))
        return values == {where.value}

    def _expect(self, kind: str, wanted: str, wanted_name: str) -> None:
        actual = self.tree.shapes[self.node].kind
        if actual != kind:
            name = {"sequence": "list"}.get(actual, actual)
            there = alternatives.describe_children(self.tree, self.node, wanted_name)
            tail = f"; {there}" if there else ""
            raise self.error(NotAMapping, f"{self.name} (line {self.line}) is a {name}, expected {wanted}{tail}")
