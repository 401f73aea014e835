"""One file of YAML documents: parse it, find a scalar, apply edits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from failover_api.core.splice import deletion, policy
from failover_api.core.splice.addition import Addition, add
from failover_api.core.splice.changes import Change, change_shapes, patch_text, prove
from failover_api.core.splice.documents import identify, select
from failover_api.core.splice.edits import DocumentId, Edit, Place, Scalar, Selector
from failover_api.core.splice.layout import token
from failover_api.core.splice.paths import Path
from failover_api.core.splice.replacement import replace, restore
from failover_api.core.splice.trail import Trail, path_not_found, walk
from failover_api.core.splice.yaml_tree import DEFAULT_READER, Document, Reader, Tree, read_tree
from failover_api.errors import KeyExists, ManifestInvalid, NotUTF8, OverlappingEdits, ParseError, VerifyFailed

MAX_BYTES = 1024 * 1024
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file of YAML documents, read. `documents` are those that hold something."""

    data: bytes
    file: str
    documents: tuple[DocumentId, ...]
    tree: Tree = field(repr=False)
    reader: Reader = field(repr=False)

    def select(self, selector: Selector) -> DocumentId:
        """The one document that matches. Raises DocumentNotFound, AmbiguousDocument."""
        return select(self.documents, selector, Place(self.file))

    def find(self, selector: Selector, path: Path) -> Scalar:
        """The scalar at a path. Raises DocumentNotFound, AmbiguousDocument, SwitchNotFound or ManifestInvalid."""
        place = Place(self.file, path)
        trail = walk(self.tree, _document(self, selector, place).root, place)
        if trail.rest:
            raise path_not_found(self.tree, trail, place)
        reading = policy.read(self.tree, trail.node, place)
        start, end = token(self.tree, trail.node)
        return Scalar(reading.value, self.tree.text[start:end], self.tree.line(start), reading.ambiguous)

    def apply(self, edits: Sequence[Edit]) -> "Manifest":
        """The manifest with all edits, proved by reading the new text again. Raises when one of them cannot be made."""
        place = Place(self.file, edits[0].path if len(edits) == 1 else ())
        changes = _changes(self, edits)
        expected, text = change_shapes(self.tree, changes), patch_text(self.tree, changes)
        if text == self.tree.text:
            return self
        new = _read_again(self, text, place)
        prove(changes, expected, self.tree, new.tree, place)
        return new

    def apply_unchecked(self, edits: Sequence[Edit]) -> bytes:
        """The bytes that apply() would give, without the proof, which has to read them again."""
        return _encoded(self, patch_text(self.tree, _changes(self, edits)))


def parse(data: bytes, *, file: str, reader: Reader = DEFAULT_READER) -> Manifest:
    """Reads a file. Raises NotUTF8, ParseError; ManifestInvalid when it is too large."""
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


def _encoded(old: Manifest, text: str) -> bytes:
    bom = _BOM if old.data.startswith(_BOM.encode()) else ""
    return (bom + text).encode()


def _read_again(old: Manifest, text: str, place: Place) -> Manifest:
    try:
        return parse(_encoded(old, text), file=old.file, reader=old.reader)
    except ParseError as exc:
        raise place.refusal(VerifyFailed, "would not be YAML after the edit", exc.line) from exc


def _changes(manifest: Manifest, edits: Sequence[Edit]) -> list[Change]:
    plan = _Plan(manifest)
    for edit in edits:
        plan.take(edit)
    return plan.changes()


def _document(manifest: Manifest, selector: Selector, place: Place) -> Document:
    document = manifest.tree.documents[select(manifest.documents, selector, place).index]
    policy.check_readable(manifest.tree, document, place)
    return document


class _Plan:
    """Sorts edits by what they do to the text."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest, self.tree = manifest, manifest.tree
        self.replacements: list[Change] = []
        self.additions: dict[int, Addition] = {}
        self.deletions: dict[int, dict[int, Place]] = {}

    def take(self, edit: Edit) -> None:
        """Check one edit and plan it."""
        place = Place(self.manifest.file, edit.path)
        document = _document(self.manifest, edit.selector, place)
        policy.check_editable(self.tree, document, place)
        trail = walk(self.tree, document.root, place)
        if trail.rest and edit.op in ("add", "ensure"):
            self.additions.setdefault(trail.node, Addition(trail, place)).put(self.tree, trail, edit, place)
        elif trail.rest:
            raise path_not_found(self.tree, trail, place)
        else:
            self._change(trail, edit, place)

    def changes(self) -> list[Change]:
        """Every change of the pass."""
        added = (add(self.tree, addition) for addition in self.additions.values())
        deleted = (deletion.delete(self.tree, mapping, keys) for mapping, keys in self.deletions.items())
        return [*self.replacements, *added, *(change for changes in deleted for change in changes)]

    def _change(self, trail: Trail, edit: Edit, place: Place) -> None:
        match edit.op:
            case "add":
                raise place.refusal(KeyExists, "is there already", self.tree.line_of(trail.node))
            case "restore":
                self.replacements.append(restore(self.tree, trail, edit, place))
            case "delete":
                self._delete(trail, edit, place)
            case _:
                self.replacements.append(replace(self.tree, trail, edit, place))

    def _delete(self, trail: Trail, edit: Edit, place: Place) -> None:
        mapping, key = deletion.check(self.tree, trail, edit, place)
        keys = self.deletions.setdefault(mapping, {})
        if key in keys:
            raise place.refusal(OverlappingEdits, "would be deleted twice", self.tree.line_of(key))
        keys[key] = place
