"""Looking into a parsed file: keys, texts and items, through aliases and `<<`."""

from collections.abc import Iterator

from failover_api.core.splice.merges import field
from failover_api.core.splice.yaml_tree import Tree


def down(tree: Tree, node: int | None, *keys: str) -> int | None:
    """The node below these keys."""
    for key in keys:
        node = field(tree, node, key)
    return node


def text(tree: Tree, node: int | None, *keys: str) -> str | None:
    """The text of the scalar below these keys."""
    value = down(tree, node, *keys)
    return None if value is None else tree.scalar_text(value)


def elements(tree: Tree, node: int | None) -> Iterator[int]:
    """The items of a list; none of anything else."""
    if node is not None and tree.shapes[tree.resolve(node)].kind == "sequence":
        yield from tree.items(tree.resolve(node))


def entries(tree: Tree, node: int | None) -> Iterator[tuple[str, int]]:
    """The keys of a mapping that are texts, and their values; none of anything else."""
    if node is not None and tree.shapes[tree.resolve(node)].kind == "mapping":
        for key, value in tree.entries(tree.resolve(node)):
            if (name := tree.scalar_text(key)) is not None:
                yield name, value
