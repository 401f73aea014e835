"""YAML as a flat list of events, each with its exact position in the text.

A node is the number of its first event: a tree to walk, a list to compare, and no recursion over either.
Values are never constructed and aliases never expanded, so the work is linear in the text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ruamel.yaml import events
from ruamel.yaml.error import YAMLError

from failover_api.core.splice import go_yaml
from failover_api.core.splice.readers import DEFAULT_READER, Reader, read_fast, read_pure
from failover_api.errors import ParseError

__all__ = ["DEFAULT_READER", "Document", "Reader", "Shape", "Tree", "read_fast", "read_pure", "read_tree"]

MAX_DEPTH = 200
MAX_EVENTS = 100_000  # 20 MB, and a move reads twice; manifests as people write them have some thousand
MAX_EXPANDED = 1_000_000


class Shape(NamedTuple):
    """An event without its position. Two texts with the same shapes mean the same."""

    kind: str
    value: str | None = None
    style: str = ""
    anchor: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its root node, the event behind it, and its aliases that no anchor defines.

    One that is not `read` is behind a `...`, where kubectl and Flux no longer look.
    """

    root: int
    end: int
    undefined: tuple[int, ...]
    read: bool = True


@dataclass(frozen=True, slots=True)
class Tree:
    """The events of a text. `after[i]` is the event behind node i; `anchors` maps an alias to what it stands for.

    `lines` gives the line of a place where the text is a part of a file.
    """

    text: str
    shapes: list[Shape]
    starts: list[int]
    ends: list[int]
    after: list[int]
    documents: tuple[Document, ...]
    anchors: Mapping[int, int]
    lines: Callable[[int], int] | None = field(default=None, compare=False)

    def line(self, place: int) -> int:
        """The line of a place in the text, from 1."""
        return self.lines(place) if self.lines else self.text.count("\n", 0, place) + 1

    def line_of(self, node: int) -> int:
        """The line on which a node starts."""
        return self.line(self.starts[node])

    def resolve(self, node: int) -> int:
        """The node itself, or what it is an alias of."""
        return self.anchors.get(node, node)

    def scalar_text(self, node: int) -> str | None:
        """The text of a scalar, also through an alias; None for a mapping or a list."""
        shape = self.shapes[self.resolve(node)]
        return shape.value if shape.kind == "scalar" else None

    def entries(self, mapping: int) -> Iterator[tuple[int, int]]:
        """The (key, value) nodes of a mapping."""
        key = mapping + 1
        while self.shapes[key].kind != "/mapping":
            value = self.after[key]
            yield key, value
            key = self.after[value]

    def items(self, sequence: int) -> Iterator[int]:
        """The nodes of a list."""
        item = sequence + 1
        while self.shapes[item].kind != "/sequence":
            yield item
            item = self.after[item]

    def values(self, mapping: int, name: str) -> list[int]:
        """The nodes under each key of this name; more than one is a duplicate key."""
        return [value for key, value in self.entries(mapping) if self.scalar_text(key) == name]


def read_tree(text: str, *, file: str, reader: Reader = DEFAULT_READER) -> Tree:
    """Reads a text without its byte order mark. Raises ParseError, also when it is too deep or too large."""
    if text.startswith("\ufeff"):
        raise ParseError("is not YAML: it starts with two byte order marks", file=file, line=1)
    cuts = go_yaml.separators(text, file)
    try:
        builder = _read(go_yaml.without_marks(text), text, file, reader)
    except YAMLError as exc:
        raise _parse_error(exc, text, file) from exc
    if go_yaml.may_have_json_escapes(text):
        go_yaml.check_escapes(text, file, builder.double_quoted())
    return builder.tree(cuts)


def _read(readable: str, text: str, file: str, reader: Reader) -> "_Builder":
    """Reads the text as it is, then with placeholders where the reader stopped, with guesses at more of them first."""
    try:
        return _Builder(text, file).take(reader(readable))
    except YAMLError as exc:
        placeholders, first = go_yaml.Placeholders(readable), exc
    stopped = first
    while placeholders.hide(_problem(stopped), _place(stopped)):
        try:
            builder = _Builder(text, file).take(reader(placeholders.text))
            if builder.restore_placeholders(placeholders):
                return builder
        except YAMLError as exc:
            stopped = exc
            if placeholders.can_hide(_problem(exc), _place(exc)):
                continue  # it came further: hide that, too
        if not placeholders.take_back_guesses():
            break
        stopped = first  # a guess may have broken what was right: once more from the beginning, without guesses
    raise stopped


def _problem(exc: YAMLError) -> str:
    return getattr(exc, "problem", None) or getattr(exc, "reason", None) or "it cannot be read"


def _place(exc: YAMLError) -> int:
    mark = getattr(exc, "problem_mark", None)
    place: int = mark.index if mark is not None else getattr(exc, "position", 0)
    return place


def _parse_error(exc: YAMLError, text: str, file: str) -> ParseError:
    problem, place = _problem(exc), _place(exc)
    if "Unicode character" in problem and (escape := go_yaml.half_character(text, place)):
        problem = go_yaml.about_escape(escape)
    hint = "; a chart template is not a manifest" if "{{" in text else ""
    return ParseError(f"is not YAML: {problem}{hint}", file=file, line=text.count("\n", 0, place) + 1)


_KINDS = {
    events.ScalarEvent: "scalar",
    events.AliasEvent: "alias",
    events.MappingStartEvent: "mapping",
    events.MappingEndEvent: "/mapping",
    events.SequenceStartEvent: "sequence",
    events.SequenceEndEvent: "/sequence",
    events.DocumentStartEvent: "document",
    events.DocumentEndEvent: "/document",
}


class _Builder:
    """Collects events into a tree. Raises ParseError as soon as they pass a bound."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.shapes: list[Shape] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.after: list[int] = []
        self.open: list[int] = []

    def take(self, stream: Iterator[Any]) -> "_Builder":
        """Read all events."""
        for event in stream:
            kind = _KINDS.get(type(event))
            if kind is not None:
                self.add(kind, event)
            if len(self.shapes) > MAX_EVENTS:
                raise ParseError(f"has more than {MAX_EVENTS} nodes", file=self.file)
        return self

    def restore_placeholders(self, placeholders: go_yaml.Placeholders) -> bool:
        """Takes the placeholders out of what was read. False when one of them has hidden the end of a scalar."""
        for at, shape in enumerate(self.shapes):
            if shape.value:
                value = placeholders.restore(shape.value, shape.style)
                if value is None:
                    return False
                self.shapes[at] = shape._replace(value=value)
        return True

    def double_quoted(self) -> Iterator[tuple[int, int]]:
        """The spans of the scalars in double quotes."""
        for shape, start, end in zip(self.shapes, self.starts, self.ends, strict=True):
            if shape.style == '"':
                yield start, end

    def tree(self, cuts: Sequence[int]) -> Tree:
        """The tree of a text that is cut there."""
        anchors, documents = _bind(self.shapes)
        if len(documents) > 1:
            read = go_yaml.is_read(cuts, [(self.ends[each.root - 1], self._is_empty(each.root)) for each in documents])
            pairs = zip(documents, read, strict=True)
            documents = tuple(document if seen else replace(document, read=False) for document, seen in pairs)
        tree = Tree(self.text, self.shapes, self.starts, self.ends, self.after, documents, anchors)
        if anchors and _expanded_size(tree) > MAX_EXPANDED:
            raise ParseError(f"expands to more than {MAX_EXPANDED} nodes through its aliases", file=self.file)
        return tree

    def _is_empty(self, node: int) -> bool:
        return self.shapes[node] == Shape("scalar", "")

    def add(self, kind: str, event: Any) -> None:
        at = len(self.shapes)
        self.starts.append(event.start_mark.index)
        self.ends.append(event.end_mark.index)
        self.after.append(at + 1)
        match kind:
            case "scalar":
                self.shapes.append(Shape(kind, event.value, event.style or "", event.anchor, event.tag))
            case "alias":
                self.shapes.append(Shape(kind, event.anchor))
            case "mapping" | "sequence":
                style = "flow" if event.flow_style else "block"
                self.shapes.append(Shape(kind, None, style, event.anchor, event.tag))
                self.enter(at)
            case "/mapping" | "/sequence":
                start = self.open.pop()
                self.shapes.append(Shape(kind, None, self.shapes[start].style))
                self.after[start] = at + 1
            case _:
                self.shapes.append(Shape(kind))

    def enter(self, node: int) -> None:
        self.open.append(node)
        if len(self.open) > MAX_DEPTH:
            line = self.text.count("\n", 0, self.starts[node]) + 1
            raise ParseError(f"is nested more than {MAX_DEPTH} levels deep", file=self.file, line=line)


def _bind(shapes: list[Shape]) -> tuple[dict[int, int], tuple[Document, ...]]:
    """Bind each alias to the last anchor of its name above it in the same document."""
    bound: dict[int, int] = {}
    documents: list[Document] = []
    named: dict[str, int] = {}
    undefined: list[int] = []
    root = 0
    for at, (kind, value, _, anchor, _) in enumerate(shapes):
        if kind == "document":
            root, named, undefined = at + 1, {}, []
        elif kind == "/document":
            documents.append(Document(root, at, tuple(undefined)))
        elif kind == "alias":
            _bind_alias(at, value or "", named, bound, undefined)
        elif anchor is not None:
            named[anchor] = at
    return bound, tuple(documents)


def _bind_alias(at: int, name: str, named: dict[str, int], bound: dict[int, int], undefined: list[int]) -> None:
    if name in named:
        bound[at] = named[name]
    else:
        undefined.append(at)


def _expanded_size(tree: Tree) -> int:
    """How many nodes the text would have with its aliases written out, counted without writing them out."""
    sizes: dict[int, int] = {}
    open_nodes: list[int] = []
    totals = [0]
    for at, shape in enumerate(tree.shapes):
        match shape.kind:
            case "mapping" | "sequence":
                open_nodes.append(at)
                totals.append(1)
            case "/mapping" | "/sequence":
                size = sizes[open_nodes.pop()] = min(totals.pop(), MAX_EXPANDED)
                totals[-1] += size
            case "alias":
                totals[-1] += sizes.get(tree.resolve(at), 1)
            case _:
                totals[-1] += 1
    return totals[0]
