"""Adding keys: behind the last entry of a mapping, with their missing parents, in the style of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from failover_api.core.splice import layout, policy
from failover_api.core.splice.changes import Change, Patch
from failover_api.core.splice.edits import ANY, Edit, Place
from failover_api.core.splice.paths import Step
from failover_api.core.splice.replacement import is_in_flow, is_json
from failover_api.core.splice.scalars import Value, write
from failover_api.core.splice.trail import Trail
from failover_api.core.splice.yaml_tree import Shape, Tree
from failover_api.errors import (
    IndexOutOfRange,
    ItemNotFound,
    NotAMapping,
    OverlappingEdits,
    TypeMismatch,
    UnexpectedOldValue,
    VerifyFailed,
)

Entries = dict[str, "Value | Entries"]
_DEFAULT_STEP = 2


@dataclass(frozen=True, slots=True)
class Addition:
    """All that one pass adds to one mapping, or to a null that becomes one."""

    trail: Trail
    place: Place
    entries: Entries = field(default_factory=dict)

    def put(self, tree: Tree, trail: Trail, edit: Edit, place: Place) -> None:
        """Add the edit's value under the keys that are missing. Raises where the edit cannot be an addition."""
        line = tree.line_of(trail.node)
        policy.check_unshared(tree, trail, edit, place)
        if (edit.expect is not ANY and edit.expect is not None) or edit.expect_raw is not None:
            raise place.refusal(UnexpectedOldValue, f"is not there, expected {edit.expect_raw or edit.expect!r}", line)
        entries = self.entries
        *parents, last = [_expect_key(step, place, line) for step in trail.rest]
        for parent in parents:
            inner = entries.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise place.refusal(OverlappingEdits, f"would get {parent!r} twice", line)
            entries = inner
        if last in entries:
            raise place.refusal(OverlappingEdits, f"would get {last!r} twice", line)
        entries[last] = _checked(edit.value, edit, place, line)


def add(tree: Tree, addition: Addition) -> Change:
    """Write an addition where its mapping ends."""
    node, place = addition.trail.node, addition.place
    flow = is_in_flow(tree, addition.trail.nodes)
    if tree.shapes[node].kind == "scalar":
        return _replace_null(tree, addition, flow=flow)
    patches, shapes = _flow_entries(tree, addition) if flow else _block_entries(tree, addition)
    end = tree.after[node] - 1
    return Change(end, end, tuple(shapes), patches, place)


def _expect_key(step: Step, place: Place, line: int) -> str:
    if isinstance(step, str):
        policy.check_characters(step, place, line)
        return step
    kind = IndexOutOfRange if isinstance(step, int) else ItemNotFound
    raise place.refusal(kind, "needs a list item that is not there, and list items are never made", line)


def _checked(value: object, edit: Edit, place: Place, line: int) -> "Value | Entries":
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _checked(inner, edit, place, line) for key, inner in value.items()}
    if isinstance(value, str):
        policy.check_value(value, edit, place, line)
    if value is None or isinstance(value, str | int | float):
        return value
    raise place.refusal(TypeMismatch, f"would get a {type(value).__name__}, expected a scalar or a mapping", line)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes entries as text, and collects in `shapes` the events that they must read as."""

    quoted: bool = False
    step: int = _DEFAULT_STEP
    shapes: list[Shape] = field(default_factory=list)

    def flow(self, entries: Entries) -> str:
        return ", ".join(self._flow_entry(key, value) for key, value in entries.items())

    def block(self, entries: Entries, indent: int) -> Iterator[str]:
        for key, value in entries.items():
            head = " " * indent + self._scalar(key, flow=False) + ":"
            if isinstance(value, dict) and value:
                yield head
                self.shapes.append(Shape("mapping", None, "block"))
                yield from self.block(value, indent + self.step)
                self.shapes.append(Shape("/mapping", None, "block"))
            else:
                yield f"{head} {self._value(value, flow=False)}"

    def braces(self, entries: Entries, shape: Shape) -> str:
        self.shapes.append(shape)
        text = "{" + self.flow(entries) + "}"
        self.shapes.append(Shape("/mapping", None, "flow"))
        return text

    def _flow_entry(self, key: str, value: "Value | Entries") -> str:
        return f"{self._scalar(key, flow=True)}: {self._value(value, flow=True)}"

    def _value(self, value: "Value | Entries", *, flow: bool) -> str:
        if isinstance(value, dict):
            return self.braces(value, Shape("mapping", None, "flow"))
        return self._scalar(value, flow=flow)

    def _scalar(self, value: Value, *, flow: bool) -> str:
        token, text, style = write(value, style='"' if self.quoted else "", flow=flow)
        self.shapes.append(Shape("scalar", text, style))
        return token


def _block_entries(tree: Tree, addition: Addition) -> tuple[tuple[Patch, ...], list[Shape]]:
    node = addition.trail.node
    first_key = next(tree.entries(node))[0]
    indent = layout.column(tree.text, layout.entry_start(tree, first_key))
    writer = _Writer(step=_step(tree, addition.trail))
    lines = list(writer.block(addition.entries, indent))
    return (_lines_behind(tree, node, lines, addition.place),), writer.shapes


def _lines_behind(tree: Tree, node: int, lines: list[str], place: Place) -> Patch:
    text, end = tree.text, layout.node_end(tree, node)
    if not layout.is_rest_blank(text, end):
        raise place.refusal(VerifyFailed, "shares its last line with something else", tree.line(end))
    end = layout.line_end(text, end)
    own, behind = layout.own_line_break(text, end), layout.line_break(text, end)
    if behind:
        return Patch(end + len(behind), end + len(behind), "".join(line + own for line in lines))
    return Patch(end, end, "".join(own + line for line in lines))


def _flow_entries(tree: Tree, addition: Addition) -> tuple[tuple[Patch, ...], list[Shape]]:
    node, place = addition.trail.node, addition.place
    writer = _Writer(quoted=is_json(tree, addition.trail.nodes))
    added = writer.flow(addition.entries)
    start = layout.content_start(tree, node) + 1
    if tree.text[start - 1] != "{":
        raise place.refusal(NotAMapping, "is a pair without braces: nothing can be added to it", tree.line_of(node))
    entries = list(tree.entries(node))
    if not entries:
        return (_fill_braces(tree.text, start, tree.ends[tree.after[node] - 1] - 1, added),), writer.shapes
    return _behind_flow_entry(tree, entries[-1], added), writer.shapes


def _fill_braces(text: str, start: int, end: int, added: str) -> Patch:
    if start < end and not text[start:end].strip(" \t"):
        return Patch(start, end, f" {added} ")
    return Patch(start, start, added)


def _behind_flow_entry(tree: Tree, entry: tuple[int, int], added: str) -> tuple[Patch, ...]:
    text, start, end = tree.text, layout.entry_start(tree, entry[0]), layout.node_end(tree, entry[1])
    comma = layout.skip_gap(text, end)
    has_comma = text[comma : comma + 1] == ","
    line_end = layout.line_end(text, end)
    own_line = layout.is_first_on_line(text, start) and layout.is_rest_blank(text, comma + 1 if has_comma else end)
    if not own_line or not layout.line_break(text, line_end) or (has_comma and comma > line_end):
        return (Patch(end, end, f", {added}"),)
    indent = text[layout.line_start(text, start) : start]
    line = layout.line_break(text, line_end) + indent + added
    return (
        (Patch(line_end, line_end, line + ","),)
        if has_comma
        else (Patch(end, end, ","), Patch(line_end, line_end, line))
    )


def _replace_null(tree: Tree, addition: Addition, *, flow: bool) -> Change:
    node, place = addition.trail.node, addition.place
    shape, (start, end) = tree.shapes[node], layout.token(tree, node)
    if start == end and not flow:
        writer = _Writer(step=_step(tree, addition.trail))
        lines = list(writer.block(addition.entries, _indent_under(tree, addition.trail, writer.step)))
        shapes = (Shape("mapping", None, "block", shape.anchor), *writer.shapes, Shape("/mapping", None, "block"))
        return Change(node, node + 1, shapes, (_lines_behind(tree, node, lines, place),), place)
    writer = _Writer(quoted=is_json(tree, addition.trail.nodes))
    text = writer.braces(addition.entries, Shape("mapping", None, "flow", shape.anchor))
    patch = Patch(start, end, text if start < end else f" {text}")
    return Change(node, node + 1, tuple(writer.shapes), (patch,), place)


def _indent_under(tree: Tree, trail: Trail, step: int) -> int:
    if trail.key is not None:
        return layout.column(tree.text, layout.entry_start(tree, trail.key)) + step
    return layout.column(tree.text, layout.empty_place(tree, trail.node)[0]) - 1 + step


def _step(tree: Tree, trail: Trail) -> int:
    """How far a mapping in a mapping is indented: around this place, else where the document first has one."""
    for outer, inner in zip(reversed(trail.nodes[:-1]), reversed(trail.nodes), strict=False):
        if step := _step_between(tree, outer, inner):
            return step
    root = trail.nodes[0]
    for node in range(root, tree.after[root]):
        if tree.shapes[node].kind == "mapping" and tree.shapes[node].style == "block":
            for _, value in tree.entries(node):
                if step := _step_between(tree, node, value):
                    return step
    return _DEFAULT_STEP


def _step_between(tree: Tree, outer: int, inner: int) -> int:
    blocks = all(tree.shapes[node][0::2][:2] == ("mapping", "block") for node in (outer, inner))
    return _mapping_column(tree, inner) - _mapping_column(tree, outer) if blocks else 0


def _mapping_column(tree: Tree, mapping: int) -> int:
    return layout.column(tree.text, layout.entry_start(tree, next(tree.entries(mapping))[0]))
