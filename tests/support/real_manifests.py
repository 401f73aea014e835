"""Manifests of real clusters, collected outside the repository, and what may be edited in them."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from failover_api.core.splice import Manifest, Selector, Value
from failover_api.core.splice.yaml_tree import Tree

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "yaml"
CORPUS = SHARED / "corpus"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
VARIANTS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "BOM": lambda text: "\ufeff" + text.removeprefix("\ufeff"),
    "no newline at the end": lambda text: text.rstrip("\r\n"),
    "blanks at the end of lines": lambda text: text.replace("\n", "  \n"),
}


@cache
def real_manifests() -> list[tuple[str, str]]:
    index = json.loads((CORPUS / "index.json").read_text(encoding="utf-8"))
    return [(each["file"], (CORPUS / each["file"]).read_bytes().decode()) for each in index]


def leaves(tree: Tree, root: int) -> Iterator[tuple[str | int, ...]]:
    pending: list[tuple[int, tuple[str | int, ...]]] = [(root, ())]
    while pending:
        node, path = pending.pop()
        match tree.shapes[node].kind:
            case "mapping":
                named = ((tree.scalar_text(key), value) for key, value in tree.entries(node))
                pending += [(value, (*path, name)) for name, value in named if name is not None]
            case "sequence":
                pending += [(item, (*path, at)) for at, item in enumerate(tree.items(node))]
            case _:
                yield path


def is_switch(path: tuple[str | int, ...]) -> bool:
    return path[-1:] in (("claimName",), ("existingClaim",)) or "nodeSelector" in path[:-1]


def chosen(manifest: Manifest, others: int) -> Iterator[tuple[Selector, tuple[str | int, ...]]]:
    """Every claim and nodeSelector, and some of the other scalars, spread over the file."""
    for document in manifest.documents:
        paths = list(leaves(manifest.tree, manifest.tree.documents[document.index].root))
        rest = [path for path in paths if not is_switch(path)]
        for path in [*filter(is_switch, paths), *(rest[:: max(len(rest) // others, 1)] if others else [])]:
            yield Selector(index=document.index), path


def another(value: Value) -> Value:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value + 0.5
        case _:
            return "another-value.7"
