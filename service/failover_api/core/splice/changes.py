"""A change in two forms, patches of the text and events as they must be afterwards; and the proof that they agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover_api.core.splice.edits import Place
from failover_api.core.splice.yaml_tree import Shape, Tree
from failover_api.errors import OverlappingEdits, VerifyFailed


@dataclass(frozen=True, slots=True)
class Patch:
    """Text to put in place of a span; an empty span is an insertion."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """The events from `start` up to `end` become `shapes`, by way of the patches.

    `anchor` is the node that stands behind the alias which the change puts there.
    """

    start: int
    end: int
    shapes: tuple[Shape, ...]
    patches: tuple[Patch, ...]
    place: Place
    anchor: int | None = None


def patch_text(tree: Tree, changes: Iterable[Change]) -> str:
    """The text with all patches applied. Raises OverlappingEdits."""
    ordered = sorted(
        ((patch, change) for change in changes for patch in change.patches),
        key=lambda pair: (pair[0].start, pair[0].end, pair[1].start),
    )
    parts: list[str] = []
    at = 0
    for patch, change in ordered:
        if patch.start < at:
            raise _overlap(tree, change)
        parts += tree.text[at : patch.start], patch.text
        at = patch.end
    return "".join(parts) + tree.text[at:]


def change_shapes(tree: Tree, changes: Iterable[Change]) -> list[Shape]:
    """The events with all changes applied. Raises OverlappingEdits."""
    shapes, below = list(tree.shapes), len(tree.shapes)
    for change in sorted(changes, key=lambda change: (change.start, change.end), reverse=True):
        if change.end > below:
            raise _overlap(tree, change)
        shapes[change.start : change.end] = change.shapes
        below = change.start
    return shapes


def prove(changes: Sequence[Change], expected: list[Shape], old: Tree, new: Tree, place: Place) -> None:
    """Checks that the new text reads as planned, and that aliases keep their meaning. Raises VerifyFailed."""
    if expected != new.shapes:
        differing = (at for at, (one, other) in enumerate(zip(expected, new.shapes, strict=False)) if one != other)
        at = next(differing, len(new.shapes) - 1)
        raise place.refusal(VerifyFailed, "would not read as planned after the edit", new.line_of(at))
    if _moved_anchors(changes, old) != new.anchors:
        raise place.refusal(VerifyFailed, "would leave an alias that stands for something else after the edit")


def _moved_anchors(changes: Sequence[Change], old: Tree) -> dict[int, int]:
    """{alias: anchor} as it must be: as before, but by the numbers that the nodes have after the changes."""
    bound = {
        alias: anchor for alias, anchor in old.anchors.items() if not any(_covers(each, alias) for each in changes)
    }
    bound.update({change.start: change.anchor for change in changes if change.anchor is not None})
    return {_moved(alias, changes): _moved(anchor, changes) for alias, anchor in bound.items()}


def _moved(node: int, changes: Sequence[Change]) -> int:
    if any(_covers(change, node) and not change.shapes for change in changes):
        return -1
    return node + sum(len(change.shapes) - (change.end - change.start) for change in changes if change.end <= node)


def _covers(change: Change, node: int) -> bool:
    return change.start <= node < change.end


def _overlap(tree: Tree, change: Change) -> OverlappingEdits:
    return change.place.refusal(OverlappingEdits, "has two edits in one place", tree.line_of(change.start))
