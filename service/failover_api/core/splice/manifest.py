"""One file of YAML documents: parse it, find a scalar, apply edits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from failover_api.core.splice import deletion, policy, replacement
from failover_api.core.splice.addition import Addition, add
from failover_api.core.splice.changes import Change, change_shapes, patch_text, prove
from failover_api.core.splice.documents import identify, select
from failover_api.core.splice.edits import DocumentId, Edit, Place, Scalar, Selector
from failover_api.core.splice.layout import token
from failover_api.core.splice.paths import INSIDE, Path, split_path
from failover_api.core.splice.text_blocks import TextBlock, read_block
from failover_api.core.splice.trail import Trail, path_not_found, walk
from failover_api.core.splice.yaml_tree import DEFAULT_READER, Document, Reader, Tree, read_tree
from failover_api.errors import (
    BlockScalar,
    KeyExists,
    ManifestInvalid,
    NotAMapping,
    NotUTF8,
    OverlappingEdits,
    ParseError,
    VerifyFailed,
)

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
    block: Path = ()  # of the text of a block scalar: the way to it

    def select(self, selector: Selector) -> DocumentId:
        """The one document that matches. Raises DocumentNotFound, AmbiguousDocument."""
        return select(self.documents, selector, Place(self.file, (), self.block))

    def find(self, selector: Selector, path: Path) -> Scalar:
        """The scalar at a path. Raises DocumentNotFound, AmbiguousDocument, SwitchNotFound or ManifestInvalid."""
        outer, inner = split_path(path)
        place = Place(self.file, outer, self.block)
        trail = walk(self.tree, _document(self, selector, place).root, place)
        if trail.rest:
            raise path_not_found(self.tree, trail, place)
        if inner:
            return _inside(self, read_block(self.tree, trail, place, self.reader), outer).find(Selector(), inner)
        reading = policy.read(self.tree, trail.node, place)
        start, end = token(self.tree, trail.node)
        return Scalar(reading.value, self.tree.text[start:end], self.tree.line(start), reading.ambiguous)

    def keys(self, selector: Selector, path: Path) -> tuple[str | None, ...]:
        """The keys of the mapping at a path, in order; None for one that is no text. Raises as find(), NotAMapping."""
        place = Place(self.file, path, self.block)
        trail = walk(self.tree, _document(self, selector, place).root, place)
        if trail.rest:
            raise path_not_found(self.tree, trail, place)
        if self.tree.shapes[trail.node].kind != "mapping":
            raise place.refusal(NotAMapping, "is no mapping", self.tree.line_of(trail.node))
        return tuple(self.tree.scalar_text(key) for key, _ in self.tree.entries(trail.node))

    def apply(self, edits: Sequence[Edit]) -> "Manifest":
        """The manifest with all edits, proved by reading the new text again. Raises when one of them cannot be made."""
        place = Place(self.file, edits[0].path if len(edits) == 1 else (), self.block)
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
        if not old.block:
            return parse(_encoded(old, text), file=old.file, reader=old.reader)
        tree = read_tree(text, file=old.file, reader=old.reader)
        return Manifest(text.encode(), old.file, identify(tree), tree, old.reader, old.block)
    except ParseError as exc:
        raise place.refusal(VerifyFailed, "would not be YAML after the edit", exc.line) from exc


def _inside(manifest: Manifest, block: TextBlock, path: Path) -> Manifest:
    """The text of a block, as a manifest that tells its places as the file's."""
    tree = replace(block.inner, lines=block.line)
    way = (*manifest.block, INSIDE, *path) if manifest.block else path
    return Manifest(tree.text.encode(), manifest.file, identify(tree), tree, manifest.reader, way)


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
        self.blocks: dict[int, tuple[TextBlock, Place, list[Edit]]] = {}

    def take(self, edit: Edit) -> None:
        """Check one edit and plan it."""
        outer, inner = split_path(edit.path)
        place = Place(self.manifest.file, outer, self.manifest.block)
        document = _document(self.manifest, edit.selector, place)
        policy.check_editable(self.tree, document, place)
        trail = walk(self.tree, document.root, place)
        if inner:
            self._enter(trail, replace(edit, selector=Selector(), path=inner), place)
        elif trail.rest and edit.op in ("add", "ensure"):
            self.additions.setdefault(trail.node, Addition(trail, place)).put(self.tree, trail, edit, place)
        elif trail.rest:
            raise path_not_found(self.tree, trail, place)
        else:
            self._change(trail, edit, place)

    def changes(self) -> list[Change]:
        """Every change of the pass."""
        added = (add(self.tree, addition) for addition in self.additions.values())
        deleted = (deletion.delete(self.tree, mapping, keys) for mapping, keys in self.deletions.items())
        inside = (self._inside(*block) for block in self.blocks.values())
        return [*self.replacements, *added, *(change for changes in deleted for change in changes), *inside]

    def _enter(self, trail: Trail, edit: Edit, place: Place) -> None:
        """Keep an edit of what is in a text block, for all of one block to be made together."""
        if trail.rest:
            raise path_not_found(self.tree, trail, place)
        policy.check_unshared(self.tree, trail, edit, place)
        block = self.blocks.get(trail.node) or (read_block(self.tree, trail, place, self.manifest.reader), place, [])
        if edit.op not in ("set", "restore"):
            line = self.tree.line_of(trail.node)
            raise place.refusal(BlockScalar, "is a text block, in which only values that are there are changed", line)
        self.blocks[trail.node] = block
        block[2].append(edit)

    def _inside(self, block: TextBlock, place: Place, edits: list[Edit]) -> Change:
        """The edits of one block's text: proved there, and one change of the scalar here."""
        text = _inside(self.manifest, block, place.path)
        patches = [block.patch(patch) for change in _changes(text, edits) for patch in change.patches]
        shape = self.tree.shapes[block.node]._replace(value=text.apply(edits).data.decode())
        return Change(block.node, block.node + 1, (shape,), tuple(patches), place)

    def _change(self, trail: Trail, edit: Edit, place: Place) -> None:
        match edit.op:
            case "add":
                raise place.refusal(KeyExists, "is there already", self.tree.line_of(trail.node))
            case "restore":
                self.replacements.append(replacement.restore(self.tree, trail, edit, place))
            case "delete":
                self._delete(trail, edit, place)
            case _:
                self.replacements.append(replacement.replace(self.tree, trail, edit, place))

    def _delete(self, trail: Trail, edit: Edit, place: Place) -> None:
        mapping, key = deletion.check(self.tree, trail, edit, place)
        keys = self.deletions.setdefault(mapping, {})
        if key in keys:
            raise place.refusal(OverlappingEdits, "would be deleted twice", self.tree.line_of(key))
        keys[key] = place
