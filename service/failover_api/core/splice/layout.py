"""Positions in the text that the events do not give: tokens without anchor and tag, empty values, ends of blocks.

The readers' marks begin at an anchor or tag, overshoot behind block scalars, and differ for empty values.
"""

import re

from failover_api.core.splice.yaml_tree import Shape, Tree

# libyaml, and so every Go reader, also breaks lines at NEL, LS and PS.
_BREAKS = "\r\n\x85\u2028\u2029"
_BREAK = re.compile(f"\r\n|[{_BREAKS}]")
_GAP = re.compile(rf"(?:[ \t{_BREAKS}]+|\#[^{_BREAKS}]*)*")
_PROPERTY = re.compile(r"&[^\s,\[\]{}]+|!<[^>\s]*>|![^\s,\[\]{}]*")


def token(tree: Tree, node: int) -> tuple[int, int]:
    """Start and end of a scalar or alias, without anchor and tag; both the same for an empty value."""
    shape = tree.shapes[node]
    if is_empty(shape):
        place, _ = empty_place(tree, node)
        return place, place
    return content_start(tree, node), node_end(tree, node)


def is_empty(shape: Shape) -> bool:
    """A null that is not written at all."""
    return shape.kind == "scalar" and shape.value == "" and shape.style == ""


def is_block(shape: Shape) -> bool:
    """A scalar written as a block (`|` or `>`)."""
    return shape.kind == "scalar" and shape.style in ("|", ">")


def content_start(tree: Tree, node: int) -> int:
    """Where a node that is not empty starts, behind its anchor and tag."""
    place, shape = tree.starts[node], tree.shapes[node]
    if shape.anchor is None and shape.tag is None:
        return place
    return skip_gap(tree.text, _skip_properties(tree, node, place))


def empty_place(tree: Tree, node: int) -> tuple[int, bool]:
    """Where an empty value belongs: right behind its colon, dash, anchor or tag; and whether it has any of these."""
    chain = [node]
    before = node - 1
    while is_empty(tree.shapes[before]) or _ends_block(tree.shapes[before]):
        if tree.shapes[before].kind == "scalar":
            chain.append(before)
        before -= 1
    place, marked = _end_before(tree, before), False
    for empty in reversed(chain):
        place, marked = _behind_indicator(tree, empty, place)
    return place, marked


def node_end(tree: Tree, node: int) -> int:
    """Where a node ends, or the last node inside it, without the line break behind it."""
    last = tree.after[node] - 1
    while _ends_block(tree.shapes[last]):
        last -= 1
    shape = tree.shapes[last]
    if is_empty(shape):
        return empty_place(tree, last)[0]
    return _block_scalar_end(tree, last) if is_block(shape) else tree.ends[last]


def entry_start(tree: Tree, key: int) -> int:
    """Where a mapping's entry starts: at its key, or at the `?` before it."""
    start = tree.starts[key]
    before = tree.text[line_start(tree.text, start) : start].rstrip(" \t")
    explicit = before.endswith("?") and before[:-1].strip(" \t-?:") == ""
    return line_start(tree.text, start) + len(before) - 1 if explicit else start


def column(text: str, place: int) -> int:
    """How many characters are before a place on its line."""
    return place - line_start(text, place)


def line_start(text: str, place: int) -> int:
    """Where the line of a place starts."""
    return max(text.rfind(char, 0, place) for char in _BREAKS) + 1


def line_end(text: str, place: int) -> int:
    """Where the line of a place ends, before its line break."""
    match = _BREAK.search(text, place)
    return match.start() if match else len(text)


def line_break(text: str, place: int) -> str:
    """The line break at the end of a line; at the end of the text there is none."""
    match = _BREAK.match(text, place)
    return match.group() if match else ""


def own_line_break(text: str, place: int) -> str:
    """The line break of a line, or on the last line that of the line before."""
    if own := line_break(text, line_end(text, place)):
        return own
    start = line_start(text, place)
    return text[before_break(text, start) : start] or "\n"


def skip_gap(text: str, place: int) -> int:
    """Behind blanks, line breaks and comments."""
    match = _GAP.match(text, place)
    return match.end() if match else place


def is_rest_blank(text: str, place: int) -> bool:
    """Nothing but blanks and a comment is behind a place on its line."""
    rest = text[place : line_end(text, place)].lstrip(" \t")
    return not rest or rest.startswith("#")


def is_first_on_line(text: str, place: int) -> bool:
    """Nothing but blanks is before a place on its line."""
    return text[line_start(text, place) : place].strip(" \t") == ""


def _ends_block(shape: Shape) -> bool:
    return shape.kind in ("/mapping", "/sequence") and shape.style == "block"


def _end_before(tree: Tree, node: int) -> int:
    if tree.shapes[node].kind in ("mapping", "sequence", "document"):
        flow = tree.shapes[node].style == "flow"
        return tree.ends[node] if flow or tree.shapes[node].kind == "document" else content_start(tree, node)
    return _block_scalar_end(tree, node) if is_block(tree.shapes[node]) else tree.ends[node]


def _behind_indicator(tree: Tree, node: int, place: int) -> tuple[int, bool]:
    indicator = skip_gap(tree.text, place)
    marked = tree.text[indicator : indicator + 1] in (":", "-")
    place = indicator + 1 if marked else place
    shape = tree.shapes[node]
    if shape.anchor is None and shape.tag is None:
        return place, marked
    return _skip_properties(tree, node, skip_gap(tree.text, place)), True


def _skip_properties(tree: Tree, node: int, place: int) -> int:
    shape = tree.shapes[node]
    end = place
    for _ in range((shape.anchor is not None) + (shape.tag is not None)):
        match = _PROPERTY.match(tree.text, skip_gap(tree.text, end))
        end = match.end() if match else end
    return end


def _block_scalar_end(tree: Tree, node: int) -> int:
    start = content_start(tree, node)
    lines = tree.text[start : tree.ends[node]].splitlines(keepends=True)
    indent = min((_indent(line) for line in lines[1:] if line.strip()), default=len(tree.text))
    keeps_blank_lines = "+" in lines[0].partition("#")[0]
    while len(lines) > 1 and not keeps_blank_lines and not lines[-1].strip() and _indent(lines[-1]) <= indent:
        lines.pop()
    return before_break(tree.text, start + sum(map(len, lines)))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def before_break(text: str, place: int) -> int:
    if text.endswith("\r\n", 0, place):
        return place - 2
    return place - 1 if text[place - 1 : place] in tuple(_BREAKS) else place
