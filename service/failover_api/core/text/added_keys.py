"""Keys that a commit of ours has added or taken away, as its list says: a pause, a manual tag, a number of replicas."""

from collections.abc import Iterable

from failover_api.core.splice import Edit, Manifest, Selector
from failover_api.core.splice.paths import Path, parse_path
from failover_api.core.text.change_list import ListedChange, change_text
from failover_api.errors import BadPath, ManifestError

_NOTHING = "null"


def without_listed_keys(old: Manifest, new: Manifest, listed: Iterable[ListedChange]) -> tuple[Manifest, Manifest]:
    """Both without the keys that only one of them has, where that is listed with the value that stands there.

    Raises ManifestError for a key that cannot be taken out.
    """
    for change in listed:
        was, _, is_now = change.values.partition(" -> ")
        if was == _NOTHING:
            new = _without(new, old, change)
        elif is_now == _NOTHING:
            old = _without(old, new, change)
    return old, new


def _without(manifest: Manifest, other: Manifest, change: ListedChange) -> Manifest:
    """The first without what is listed, in each document that the other has without it."""
    try:
        path = parse_path(change.path)
    except BadPath:
        return manifest
    edits = [
        Edit(selector, _emptied(manifest, selector, path), op="delete")
        for document in manifest.documents
        for selector in [Selector(index=document.index)]
        if _is_listed(manifest, selector, path, change)
        and _lacks(other, Selector(document.kind, document.name, document.namespace), path)
    ]
    return manifest.apply(edits) if edits else manifest


def _is_listed(manifest: Manifest, selector: Selector, path: Path, change: ListedChange) -> bool:
    try:
        value = manifest.find(selector, path).value
    except ManifestError:
        return False
    return change.values in {change_text(None, value), change_text(value, None)}


def _lacks(other: Manifest, selector: Selector, path: Path) -> bool:
    """Whether the document is there, and has no such key."""
    try:
        other.select(selector)
    except ManifestError:
        return False
    try:
        other.find(selector, path)
    except ManifestError:
        return True
    return False


def _emptied(manifest: Manifest, selector: Selector, path: Path) -> Path:
    """What is taken out: the key, or the mapping above it that holds nothing else. `spec` itself never is."""
    while len(path) > 2 and len(manifest.keys(selector, path[:-1])) == 1:
        path = path[:-1]
    return path
