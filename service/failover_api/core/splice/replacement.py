"""Replacing a scalar's token: by a new value, or by a token that stood there before."""

from failover_api.core.splice import layout, policy
from failover_api.core.splice.changes import Change, Patch
from failover_api.core.splice.edits import Edit, Place
from failover_api.core.splice.scalars import Reading, same, write
from failover_api.core.splice.trail import Trail
from failover_api.core.splice.yaml_tree import Shape, Tree, read_tree
from failover_api.errors import ParseError, TypeMismatch, VerifyFailed


def replace(tree: Tree, trail: Trail, edit: Edit, place: Place) -> Change:
    """Set the scalar at the end of the trail; style, anchor and tag stay."""
    policy.check_target(tree, trail, edit, place)
    policy.check_expected(tree, trail, edit, place)
    old, line = policy.read(tree, trail.node, place), tree.line_of(trail.node)
    if isinstance(edit.value, str):
        policy.check_value(edit.value, edit, place, line)
    value = policy.check_type(old, edit.value, edit, place, line)
    shape = tree.shapes[trail.node]
    if same(value, old.value) and not old.ambiguous:
        raw = policy.raw_token(tree, trail.node)
        return _change(tree, trail.node, raw, shape, place, tree.anchors.get(trail.node))
    if shape.tag is not None and not isinstance(value, str):
        raise place.refusal(TypeMismatch, f"is tagged as a string, would get {value!r}", line)
    token, text, style = write(value, style=_style(tree, trail, old), flow=is_in_flow(tree, trail.nodes[:-1]))
    return _change(tree, trail.node, token, Shape("scalar", text, style, shape.anchor, shape.tag), place)


def restore(tree: Tree, trail: Trail, edit: Edit, place: Place) -> Change:
    """Put a former token back, if it still means what it meant."""
    policy.check_target(tree, trail, edit, place)
    policy.check_expected(tree, trail, edit, place)
    raw, old, line = edit.raw, tree.shapes[trail.node], tree.line_of(trail.node)
    policy.check_characters(raw or "", place, line)
    former = None if raw is None else _shape_of(raw)
    if raw is None or former is None:
        raise place.refusal(VerifyFailed, f"cannot take {raw!r} back: it is not a scalar's token", line)
    if former.kind == "alias":
        anchor = _anchor(tree, trail, former.value, edit.value, place)
        return _change(tree, trail.node, raw, former, place, anchor)
    return _change(tree, trail.node, raw, former._replace(anchor=old.anchor, tag=old.tag), place)


def is_in_flow(tree: Tree, nodes: tuple[int, ...]) -> bool:
    """One of the nodes is written in braces or brackets."""
    return any(tree.shapes[node].style == "flow" for node in nodes)


def is_json(tree: Tree, nodes: tuple[int, ...]) -> bool:
    """The innermost mapping with entries is written as JSON is: in braces, every key in double quotes."""
    for node in reversed(nodes):
        if tree.shapes[node].kind == "mapping" and (entries := list(tree.entries(node))):
            return tree.shapes[node].style == "flow" and all(tree.shapes[key].style == '"' for key, _ in entries)
    return False


def _style(tree: Tree, trail: Trail, old: Reading) -> str:
    shape = tree.shapes[trail.node]
    if shape.kind != "scalar":
        return ""
    return '"' if not isinstance(old.value, str) and is_json(tree, trail.nodes) else shape.style


def _change(tree: Tree, node: int, token: str, shape: Shape, place: Place, anchor: int | None = None) -> Change:
    start, end = layout.token(tree, node)
    patch = Patch(start, end, token)
    if start == end and token:
        patch = Patch(start, end, _lead(tree, node, place) + token)
    elif start < end and not token and tree.text[start - 1 : start] == " ":
        patch = Patch(start - 1, end, token)
    return Change(node, node + 1, (shape,), (patch,), place, anchor)


def _lead(tree: Tree, node: int, place: Place) -> str:
    if layout.empty_place(tree, node)[1]:
        return " "
    if tree.shapes[node - 1].kind == "scalar" and not layout.is_block(tree.shapes[node - 1]):
        return ": "
    raise place.refusal(VerifyFailed, "has no colon behind its key", tree.line_of(node))


def _shape_of(raw: str) -> Shape | None:
    """What a token alone says; None if it is anything but one scalar or alias."""
    if raw == "":
        return Shape("scalar", "")
    try:
        tree = read_tree(raw, file="")
    except ParseError:
        return None
    whole = len(tree.shapes) == 3 and (tree.starts[1], tree.ends[1]) == (0, len(raw))
    shape = tree.shapes[1] if whole else None
    if shape is None or shape.anchor or shape.tag or layout.is_block(shape):
        return None
    return shape


def _anchor(tree: Tree, trail: Trail, name: str | None, value: object, place: Place) -> int:
    """The scalar that an alias put back would stand for; with a value, it must be that one."""
    anchored = (node for node in range(trail.node - 1, trail.nodes[0] - 1, -1) if tree.shapes[node].anchor == name)
    anchor, line = next(anchored, None), tree.line_of(trail.node)
    if anchor is None or tree.shapes[anchor].kind != "scalar":
        raise place.refusal(VerifyFailed, f"cannot take *{name} back: no scalar above has the anchor &{name}", line)
    now = policy.read(tree, anchor, place).value
    if value is not None and not same(now, value):
        raise place.refusal(VerifyFailed, f"cannot take *{name} back: it is {now!r} now, expected {value!r}", line)
    return anchor
