"""The YAML editor: changes single values in the text of a manifest, and leaves every other byte as it was.

The text is read as events, each edit becomes a patch of the text and a change of the events, and the patched text
must read as the changed events do, or nothing is returned. Nothing is ever dumped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from failover_api.core import deletion, policy
from failover_api.core.addition import Addition, add
from failover_api.core.changes import Change, change_shapes, patch_text, prove
from failover_api.core.documents import identify, select
from failover_api.core.edits import ANY, DocumentId, Edit, Place, Scalar, Selector
from failover_api.core.paths import Path
from failover_api.core.replacement import replace, restore
from failover_api.core.scalars import Value
from failover_api.core.trail import Trail, missing, walk
from failover_api.core.yaml_tree import DEFAULT_READER, Document, Reader, Tree, read_tree
from failover_api.errors import KeyExists, ManifestInvalid, NotUTF8

__all__ = ["ANY", "MAX_BYTES", "DocumentId", "Edit", "Manifest", "Scalar", "Selector", "Value", "parse"]

MAX_BYTES = 1024 * 1024
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file of YAML documents, read."""

    data: bytes
    file: str
    documents: tuple[DocumentId, ...]
    tree: Tree
    reader: Reader

    def select(self, selector: Selector) -> DocumentId:
        """The one document that matches. Raises DocumentNotFound, AmbiguousDocument."""
        return select(self.documents, selector, Place(self.file))

    def find(self, selector: Selector, path: Path) -> Scalar:
        """The scalar at a path. Raises the category of whatever is in the way."""
        place = Place(self.file, path)
        trail = self._walk(self._document(selector, place), place)
        if trail.rest:
            raise missing(self.tree, trail, place)
        reading = policy.read(self.tree, trail, place)
        raw = policy.raw_token(self.tree, trail.node)
        return Scalar(reading.value, raw, self.tree.line_of(trail.node), reading.ambiguous)

    def apply(self, edits: Sequence[Edit]) -> "Manifest":
        """All edits in one pass, proved by reading the new text again. Raises if one of them cannot be made."""
        plan = _Plan(self)
        for edit in edits:
            plan.take(edit)
        changes = plan.changes()
        expected, text = change_shapes(self.tree, changes), patch_text(self.tree, changes)
        if text == self.tree.text:
            return self
        bom = _BOM if self.data.startswith(_BOM.encode()) else ""
        new = parse((bom + text).encode(), file=self.file, reader=self.reader)
        prove(expected, self.tree, new.tree, Place(self.file))
        return new

    def _document(self, selector: Selector, place: Place) -> Document:
        document = self.tree.documents[select(self.documents, selector, place).index]
        policy.check_readable(self.tree, document, place)
        return document

    def _walk(self, document: Document, place: Place) -> Trail:
        return walk(self.tree, document.root, place)


def parse(data: bytes, *, file: str, reader: Reader = DEFAULT_READER) -> Manifest:
    """Read a file. Raises NotUTF8, ParseError, ManifestInvalid where it is too large."""
    if len(data) > MAX_BYTES:
        raise ManifestInvalid(f"has {len(data)} bytes, expected at most {MAX_BYTES}", file=file)
    tree = read_tree(_decode(data, file).removeprefix(_BOM), file=file, reader=reader)
    return Manifest(data, file, identify(tree), tree, reader)


def _decode(data: bytes, file: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise NotUTF8(f"is not UTF-8: byte {data[exc.start]:#04x} at {exc.start}", file=file, line=line) from exc
    if "\0" in text:
        raise NotUTF8("is not UTF-8: it has zero bytes, as UTF-16 has", file=file, line=1)
    return text


class _Plan:
    """Sorts the edits of one pass by what they do to the text."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest, self.tree = manifest, manifest.tree
        self.replacements: list[Change] = []
        self.additions: dict[int, Addition] = {}
        self.deletions: dict[int, dict[int, Place]] = {}

    def take(self, edit: Edit) -> None:
        """Check one edit and plan it."""
        place = Place(self.manifest.file, edit.path)
        document = self.manifest._document(edit.selector, place)
        policy.check_editable(self.tree, document, place)
        trail = self.manifest._walk(document, place)
        if trail.rest and edit.op in ("add", "ensure"):
            self.additions.setdefault(trail.node, Addition(trail, place)).put(self.tree, edit, place, trail.rest)
        elif trail.rest:
            raise missing(self.tree, trail, place)
        else:
            self._change(trail, edit, place)

    def changes(self) -> list[Change]:
        """Every change of the pass."""
        deleted = (
            change for mapping, keys in self.deletions.items() for change in deletion.delete(self.tree, mapping, keys)
        )
        return [*self.replacements, *(add(self.tree, addition) for addition in self.additions.values()), *deleted]

    def _change(self, trail: Trail, edit: Edit, place: Place) -> None:
        match edit.op:
            case "add":
                raise place.error(
                    KeyExists, "is there already, expected it to be missing", self.tree.line_of(trail.node)
                )
            case "restore":
                self.replacements.append(restore(self.tree, trail, edit, place))
            case "delete":
                deletion.check(self.tree, trail, edit, place)
                self.deletions.setdefault(trail.nodes[-2], {})[trail.key or 0] = place
            case _:
                self.replacements.append(replace(self.tree, trail, edit, place))
