"""Deleting keys of a mapping, each with all under it and the comment on its line."""

from collections.abc import Iterator

from failover_api.core.splice import layout, policy
from failover_api.core.splice.changes import Change, Patch
from failover_api.core.splice.edits import Edit, Place
from failover_api.core.splice.merges import is_merged
from failover_api.core.splice.trail import Trail
from failover_api.core.splice.yaml_tree import Tree
from failover_api.errors import KeyFromMerge, LastEntry, NotAMapping, SharedAnchor, VerifyFailed


def check(tree: Tree, trail: Trail, edit: Edit, place: Place) -> tuple[int, int]:
    """The mapping and its key. Raises when deleting it would change more than that."""
    line = tree.line_of(trail.node)
    if trail.key is None or len(trail.nodes) < 2:
        raise place.refusal(NotAMapping, "is not a key of a mapping: only keys can be deleted", line)
    mapping = trail.nodes[-2]
    policy.check_unshared(tree, Trail(trail.nodes[:-1]), edit, place)
    if _is_used_outside(tree, trail.key, tree.after[trail.node]):
        raise place.refusal(SharedAnchor, "has an anchor that is used elsewhere", line)
    name = tree.scalar_text(trail.key)
    if name is not None and is_merged(tree, mapping, name):
        raise place.refusal(KeyFromMerge, f"would get {name!r} through '<<' again", line)
    policy.check_expected(tree, trail, edit, place)
    return mapping, trail.key


def delete(tree: Tree, mapping: int, places: dict[int, Place]) -> Iterator[Change]:
    """The changes that delete these keys of one mapping. Raises LastEntry."""
    entries = list(tree.entries(mapping))
    kept = [entry for entry in entries if entry[0] not in places]
    first = next(iter(places))
    if not kept:
        raise places[first].refusal(LastEntry, "would be the last entry to go: delete its parent", tree.line_of(first))
    for at, (key, value) in enumerate(entries):
        if key not in places:
            continue
        following = entries[at + 1][0] if at + 1 < len(entries) else None
        if tree.shapes[mapping].style == "flow":
            patches = _flow_patches(tree, (key, value), following, kept[-1], places[key])
        else:
            patches = (_block_patch(tree, (key, value), following, places[key]),)
        yield Change(key, tree.after[value], (), patches, places[key])


def _is_used_outside(tree: Tree, start: int, end: int) -> bool:
    """An alias behind these events stands for one of them."""
    return any(start <= anchor < end <= alias for alias, anchor in tree.anchors.items())


def _block_patch(tree: Tree, entry: tuple[int, int], following: int | None, place: Place) -> Patch:
    text, start = tree.text, layout.entry_start(tree, entry[0])
    end = layout.node_end(tree, entry[1])
    if not layout.is_rest_blank(text, end):
        raise place.refusal(VerifyFailed, "shares its last line with something else", tree.line(end))
    end = layout.line_end(text, end)
    if layout.is_first_on_line(text, start):
        return _whole_lines(text, start, end)
    # The first key of a list item: the next one moves up behind the dash, unless a comment is between them.
    up = layout.entry_start(tree, following) if following is not None else end
    if text[end:up].strip():
        return Patch(len(text[:start].rstrip(" \t")), end, "")
    return Patch(start, up, "")


def _whole_lines(text: str, start: int, end: int) -> Patch:
    start, after = layout.line_start(text, start), end + len(layout.line_break(text, end))
    if after == end:
        start = layout.before_break(text, start)
    return Patch(start, after, "")


def _flow_patches(
    tree: Tree, entry: tuple[int, int], following: int | None, last_kept: tuple[int, int], place: Place
) -> tuple[Patch, ...]:
    text, (key, value) = tree.text, entry
    start, end, kept_end = (
        layout.entry_start(tree, key),
        layout.node_end(tree, value),
        layout.node_end(tree, last_kept[1]),
    )
    comma = layout.skip_gap(text, end)
    has_comma = text[comma : comma + 1] == ","
    behind = comma + 1 if has_comma else end
    if layout.is_first_on_line(text, start) and layout.is_rest_blank(text, behind):
        lines = _whole_lines(text, start, layout.line_end(text, behind))
        kept_comma = layout.skip_gap(text, kept_end)
        return (lines,) if has_comma else (Patch(kept_comma, kept_comma + 1, ""), lines)
    if following is None:
        return (Patch(kept_end, end, ""),)
    # Of several at the end, the last one takes all from the last that stays.
    return (Patch(start, layout.entry_start(tree, following), ""),) if key < last_kept[0] else ()
