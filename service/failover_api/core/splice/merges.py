"""Keys that a mapping has through `<<`, as each reader takes them. https://yaml.org/type/merge.html

To kustomize (so to Flux) a mapping's own keys win, wherever its `<<` stands. `kubectl apply` goes from key to key: a
`<<` replaces what stands before it. In a list of merges the first one wins, to both.
"""

from collections.abc import Iterable, Iterator

from failover_api.core.splice.yaml_tree import Shape, Tree

MERGE = "<<"
_MERGE_TAG = "tag:yaml.org,2002:merge"


def is_merge(shape: Shape) -> bool:
    """A key that merges. In quotes, or through an alias, it is a key like others."""
    plain = shape.value == MERGE and shape.style == "" and shape.tag in (None, "!")
    return shape.kind == "scalar" and (plain or shape.tag == _MERGE_TAG)


def field(tree: Tree, node: int | None, name: str) -> int | None:
    """The value node of a mapping's key, through aliases and `<<`. None when there is none, or readers differ on it."""
    if node is None:
        return None
    readings = _readings(tree, node, name)
    if len({None if found is None else tree.resolve(found) for found in readings}) == 1:
        return readings[0]
    found = _texts(tree, readings)
    return readings[0] if len(found) == 1 and None not in found else None


def texts(tree: Tree, node: int | None, name: str) -> set[str | None]:
    """The texts that a mapping's key has to the readers: one when they agree; None stands for no text."""
    return {None} if node is None else _texts(tree, _readings(tree, node, name))


def is_merged(tree: Tree, mapping: int, name: str) -> bool:
    """Whether the mapping has this key through `<<`, be it overridden or not."""
    sources = (value for key, value in tree.entries(mapping) if is_merge(tree.shapes[key]))
    return any(_search(tree, source, name, own_first=True) is not None for source in sources)


def hidden_by(tree: Tree, mapping: int, name: str) -> tuple[int, int] | None:
    """The `<<` behind a mapping's own key that has this key too, and the value there."""
    passed = False
    for key, value in tree.entries(mapping):
        if not is_merge(tree.shapes[key]):
            passed = passed or tree.scalar_text(key) == name
        elif passed and (found := _search(tree, value, name, own_first=False)) is not None:
            return key, found
    return None


def shown(tree: Tree, node: int) -> str:
    """A value as an error shows it."""
    text = tree.scalar_text(node)
    return f"a {tree.shapes[tree.resolve(node)].kind}" if text is None else repr(text[:40])


def _readings(tree: Tree, node: int, name: str) -> list[int | None]:
    """What kustomize takes, what `kubectl apply` takes, and all values of a key that is there twice."""
    target = tree.resolve(node)
    if tree.shapes[target].kind != "mapping":
        return [None]
    named = list(_named(tree, target, name))
    values = [value for merge, value in named if not merge]
    if len(values) == len(named):
        return [*values] or [None]
    return [*values[1:], *(_search(tree, node, name, own_first=own_first) for own_first in (True, False))]


def _texts(tree: Tree, nodes: Iterable[int | None]) -> set[str | None]:
    return {None if node is None else tree.scalar_text(node) for node in nodes}


def _search(tree: Tree, start: int, name: str, *, own_first: bool) -> int | None:
    """The value that wins. A walk without recursion: `pending` holds (node, whether it is a value)."""
    pending, seen = [(start, False)], set()
    while pending:
        node, is_value = pending.pop()
        if is_value:
            return node
        node = tree.resolve(node)
        if node not in seen:
            seen.add(node)
            pending.extend(_below(tree, node, name, own_first=own_first))
    return None


def _below(tree: Tree, node: int, name: str, *, own_first: bool) -> Iterator[tuple[int, bool]]:
    """The values and merges of a mapping, the merges of a list: what wins comes last."""
    if tree.shapes[node].kind == "sequence":
        yield from ((item, False) for item in reversed(list(tree.items(node))))
    elif tree.shapes[node].kind == "mapping":
        found = [(value, not merge) for merge, value in _named(tree, node, name)]
        yield from sorted(found, key=lambda each: each[1]) if own_first else found


def _named(tree: Tree, mapping: int, name: str) -> Iterator[tuple[bool, int]]:
    """Of a mapping the values under this key, and what it merges."""
    for key, value in tree.entries(mapping):
        merge = is_merge(tree.shapes[key])
        if merge or tree.scalar_text(key) == name:
            yield merge, value
