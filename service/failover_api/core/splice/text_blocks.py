"""YAML in the text of a block scalar (`|` or `>`): a ConfigMap's `values.yaml`, an inline patch.

A block stands in the file line by line, each behind the block's indentation. So a place in the text that the block says
has one place in the file, and an edit of the one is a patch of the other.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from failover_api.core.splice import layout, policy
from failover_api.core.splice.changes import Patch
from failover_api.core.splice.edits import Place
from failover_api.core.splice.trail import Trail
from failover_api.core.splice.yaml_tree import Reader, Tree, read_tree
from failover_api.errors import BlockScalar, ParseError, VerifyFailed

_LINE = re.compile(r"[^\r\n]*")
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A block scalar at `node` of `outer`, and its text read as YAML of its own.

    `inner_starts[i]` is where line i begins in the text that it says, `outer_starts[i]` in the file.
    """

    node: int
    outer: Tree
    inner: Tree
    inner_starts: list[int]
    outer_starts: list[int]

    def patch(self, patch: Patch) -> Patch:
        """What a patch of the text is in the file."""
        return Patch(self.place(patch.start), self.place(patch.end), patch.text)

    def place(self, inner: int) -> int:
        """Where a place of the text is in the file."""
        line = max(bisect_right(self.inner_starts, inner) - 1, 0)
        return self.outer_starts[line] + inner - self.inner_starts[line]

    def line(self, inner: int) -> int:
        """The line of the file on which a place of the text is."""
        return self.outer.line(self.place(inner))


def read_block(tree: Tree, trail: Trail, place: Place, reader: Reader) -> TextBlock:
    """The block at the end of a trail. Raises BlockScalar where there is none, ParseError where it holds no YAML."""
    node, line = trail.node, tree.line_of(trail.node)
    shape = tree.shapes[node]
    if not layout.is_block(shape) or shape.value is None:
        raise place.refusal(BlockScalar, "is no text in a block (`|` or `>`), which a path with `|` leads into", line)
    policy.check_untagged(shape, place, line)
    lines = _lines(tree, node, shape.value)
    if lines is None:
        raise place.refusal(VerifyFailed, "is a block whose lines cannot be told apart", line)
    try:
        inner = read_tree(shape.value, file="", reader=reader)
    except ParseError as exc:
        raise place.refusal(ParseError, f"holds text that {exc.detail}", line + (exc.line or 1)) from exc
    return TextBlock(node, tree, inner, [start for start, _ in lines], [start for _, start in lines])


def _lines(tree: Tree, node: int, text: str) -> list[tuple[int, int]] | None:
    """Where each line that is not empty begins, in the text and in the file; None when the two do not match.

    A folded block has a space, or fewer line breaks, where the file has a line break: the lines themselves are there.
    """
    found: list[tuple[int, int]] = []
    at, indent = 0, None
    start = layout.content_start(tree, node)
    for line_start, line in _source_lines(tree.text[start : layout.node_end(tree, node)], start):
        if indent is None and line.strip(" "):
            indent = _spaces(line) - _spaces(text.lstrip("\n"))
        content = line[indent:] if indent is not None else ""
        if not content:
            continue
        while not text.startswith(content, at):
            if text[at : at + 1] not in ("\n", " "):
                return None
            at += 1
        found.append((at, line_start + len(line) - len(content)))
        at += len(content)
    return found if found and not text[at:].strip("\n") else None


def _source_lines(source: str, offset: int) -> list[tuple[int, str]]:
    """The lines behind the block's header, each with its place in the file."""
    breaks = list(_BREAK.finditer(source))
    lines = []
    for each in breaks:
        match = _LINE.match(source, each.end())
        assert match is not None, "it may be empty"
        lines.append((offset + each.end(), match.group()))
    return lines


def _spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
