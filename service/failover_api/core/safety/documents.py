"""The documents that hold a service's switches, as a move finds and leaves them.

What stands at a switch is known on both sides without an edit; all else in a document stays as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from failover_api.core.catalog.model import CLAIM_KEYS
from failover_api.core.planning.change import Entries
from failover_api.core.search.fields import down, elements, entries, text
from failover_api.core.search.neighbours import is_true
from failover_api.core.splice import Value
from failover_api.core.splice.paths import Path, Step
from failover_api.core.splice.scalars import NULLS
from failover_api.core.splice.yaml_tree import Tree

MAX_VALUES = 2000  # of a chart, that are looked through
_DEPTH = 12
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class When:
    """A document at one moment: `values` are what stands at the switches then."""

    tree: Tree = field(repr=False, compare=False)
    root: int
    values: Mapping[Path, Value | Entries]

    def text(self, *keys: str) -> str | None:
        """The scalar below these keys, as text; None where there is none, or null."""
        if keys in self.values:
            return _text(self.values[keys])
        node = down(self.tree, self.root, *keys)
        return None if node is None else self._scalar(node)

    def is_true(self, *keys: str) -> bool:
        return is_true(self.text(*keys))

    def number(self, *keys: str) -> int | None:
        """The whole number below these keys; None where there is none, or a variable."""
        text = self.text(*keys)
        return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None

    def has(self, *keys: str) -> bool:
        """Whether anything but null stands there."""
        if keys in self.values:
            return self.values[keys] is not None
        node = down(self.tree, self.root, *keys)
        return node is not None and not self._is_null(node)

    def below(self, *keys: str) -> Iterator[tuple[Keys, str | None]]:
        """All that stands below these keys, each with the whole way to it; None for what is no scalar."""
        start = down(self.tree, self.root, *keys)
        pending: list[tuple[Keys, int]] = [] if start is None else [(keys, start)]
        for _ in range(MAX_VALUES):
            if not pending:
                return
            way, node = pending.pop()
            if way != keys:
                yield way, _text(self.values[way]) if way in self.values else self._scalar(node)
            if len(way) < _DEPTH:
                pending += [((*way, key), value) for key, value in entries(self.tree, node)]

    def _scalar(self, node: int) -> str | None:
        return None if self._is_null(node) else self.tree.scalar_text(node)

    def _is_null(self, node: int) -> bool:
        shape = self.tree.shapes[self.tree.resolve(node)]
        return shape.kind == "scalar" and shape.style == "" and shape.value in NULLS


@dataclass(frozen=True, slots=True)
class Document:
    """One document before and after a move. `moved` are the paths of the values that the move changes."""

    file: str
    label: str  # as people say it: "Deployment media/sonarr"
    kind: str
    name: str
    namespace: str | None
    line: int
    before: When
    after: When
    moved: tuple[Path, ...]

    def is_of(self, kind: str, name: str, namespace: str) -> bool:
        """Whether it is the manifest of that object. One that names no namespace may be of any."""
        return (self.kind, self.name) == (kind, name) and (not self.namespace or self.namespace == namespace)

    def is_moved_below(self, *steps: Step) -> bool:
        """Whether the move changes anything below these steps."""
        return any(path[: len(steps)] == steps for path in self.moved)

    @property
    def is_moved(self) -> bool:
        return bool(self.moved)

    @property
    def claims(self) -> list[str]:
        """The claims that its pods have before the move, each once; of a release those that its values name."""
        return list(dict.fromkeys(name for name in (*self._of_volumes(), *self._of_values()) if name))

    def _of_volumes(self) -> Iterator[str | None]:
        """Of a pod, and of a StatefulSet's first one."""
        tree, root = self.before.tree, self.before.root
        volumes = elements(tree, down(tree, root, "spec", "template", "spec", "volumes"))
        yield from (text(tree, volume, "persistentVolumeClaim", "claimName") for volume in islice(volumes, MAX_VALUES))
        templates = elements(tree, down(tree, root, "spec", "volumeClaimTemplates"))
        for template in islice(templates, MAX_VALUES):
            if name := text(tree, template, "metadata", "name"):
                yield f"{name}-{self.name}-0"

    def _of_values(self) -> Iterator[str | None]:
        return (name for way, name in self.before.below("spec", "values") if way[-1].lower() in CLAIM_KEYS)

    def where(self, *keys: str) -> str:
        """The file and line of what is below these keys, as far as they lead: of a mapping its first entry."""
        tree, node = self.after.tree, self.after.root
        line = self.line
        for key in keys:
            found = down(tree, node, key)
            if found is None:
                break
            node, line = found, tree.line_of(found)
        return f"{self.file}:{line}"


def _text(value: Value | Entries) -> str | None:
    if value is None or isinstance(value, Mapping):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
