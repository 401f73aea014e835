"""What an error lists as being there instead of what was looked for: the most similar names first, and not too many."""

import difflib
from collections.abc import Sequence
from itertools import islice

from failover_api.core.splice.yaml_tree import Tree

SHOWN = 8
COMPARED, LENGTH = 60, 64  # how many names are compared, and up to which length: it is quadratic in both


def list_names(names: Sequence[str], wanted: str) -> str:
    """The names, those most like the wanted one first: `'data', 'config' and 3 more`."""
    distinct = list(dict.fromkeys(names))
    short = [name for name in islice(distinct, COMPARED) if len(name) <= LENGTH]
    near = difflib.get_close_matches(wanted[:LENGTH], short, n=SHOWN, cutoff=0.6)
    shown = list(islice(dict.fromkeys([*near, *distinct]), SHOWN))
    more = len(distinct) - len(shown)
    return ", ".join(map(_cut, shown)) + (f" and {more} more" if more else "")


def describe_children(tree: Tree, node: int, wanted: str = "") -> str:
    """The keys of a mapping, or the items of a list as steps of a path; "" of anything else."""
    match tree.shapes[node].kind:
        case "mapping":
            keys = [text for key, _ in tree.entries(node) if (text := tree.scalar_text(key)) is not None]
            return f"it has {list_names(keys, wanted)}" if keys else "it is empty"
        case "sequence":
            return _items(tree, list(tree.items(node)), wanted)
        case _:
            return ""


def _items(tree: Tree, items: Sequence[int], wanted: str) -> str:
    """By name where all have one, else by number."""
    names = [name for item in items if (name := name_of(tree, item, "name")) is not None]
    if not items:
        return "it is empty"
    if len(names) == len(items):
        return f"name one of its items as in [name=...]: {list_names(names, wanted)}"
    return f"name one of its {len(items)} items as in [0]"


def may_be_secret(key: str) -> bool:
    """Whether the value of such a key must not be shown."""
    return any(word in key.lower() for word in ("value", "password", "token", "secret"))


def name_of(tree: Tree, item: int, key: str) -> str | None:
    """What an item of a list has under a key, if that is a scalar."""
    if tree.shapes[item].kind != "mapping":
        return None
    return next((text for value in tree.values(item, key) if (text := tree.scalar_text(value)) is not None), None)


def _cut(name: str) -> str:
    return repr(name if len(name) <= LENGTH else f"{name[: LENGTH - 1]}…")
