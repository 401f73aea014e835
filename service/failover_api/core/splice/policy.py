"""What the editor refuses to change: a place where an edit would have another effect than it says."""

import re

from failover_api.core.splice import alternatives, layout
from failover_api.core.splice.edits import ANY, Edit, Place
from failover_api.core.splice.scalars import Reading, Value, read_plain, same
from failover_api.core.splice.trail import Trail
from failover_api.core.splice.yaml_tree import Document, Shape, Tree
from failover_api.errors import (
    BlockScalar,
    Encrypted,
    NotAScalar,
    SharedAnchor,
    SubstitutionInTarget,
    TaggedScalar,
    TemplateInTarget,
    TypeMismatch,
    UndefinedAlias,
    UnexpectedOldValue,
    ValueHasSubstitution,
    ValueHasTemplate,
    VerifyFailed,
)

STRING_TAG = "tag:yaml.org,2002:str"
# What only Helm knows; `{{ .x }}` alone may be a dashboard's or an alert's.
_CHART_WORDS = re.compile(r"\{\{[^{}]{0,200}?\.(?:Values|Release|Chart|Capabilities)\b")
_RELEASE = re.compile(r"^kind: *HelmRelease\b", re.MULTILINE)  # its values may hold templates for the chart
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_readable(tree: Tree, document: Document, place: Place) -> None:
    """Raises TemplateInTarget for a template of a Helm chart, UndefinedAlias for an alias without an anchor."""
    is_chart = "/templates/" in f"/{place.file}" and not _RELEASE.search(tree.text)
    if is_chart and (found := _CHART_WORDS.search(tree.text)):
        detail = (
            f"is a Helm chart's template ({_word(found)}): Helm computes what Kubernetes gets; expected a "
            "manifest, such as the HelmRelease with the chart's values"
        )
        raise place.error(TemplateInTarget, detail, tree.line(found.start()))
    for alias in document.undefined[:1]:
        name = tree.shapes[alias].value
        raise place.error(UndefinedAlias, f"has the alias *{name} without an anchor &{name} above", tree.line_of(alias))


def check_editable(tree: Tree, document: Document, place: Place) -> None:
    """Raises Encrypted when a SOPS MAC covers the document. https://github.com/getsops/sops"""
    if tree.shapes[document.root].kind == "mapping" and (found := tree.values(document.root, "sops")):
        detail = "is encrypted with SOPS, whose MAC covers clear values too: edit it with sops"
        raise place.error(Encrypted, detail, tree.line_of(found[0]))


def check_unshared(tree: Tree, trail: Trail, edit: Edit, place: Place) -> None:
    """Raises SharedAnchor when an alias repeats the node or one above it."""
    if "shared_anchor" in edit.allow or not tree.anchors:
        return
    used = set(tree.anchors.values())
    for node in trail.nodes:
        if node in used:
            name = tree.shapes[node].anchor
            detail = f"is in what the anchor &{name} shares with other places: the edit would change them too"
            raise place.refusal(SharedAnchor, detail, tree.line_of(node))


def check_target(tree: Tree, trail: Trail, edit: Edit, place: Place) -> None:
    """Raises when the node is not a scalar whose token can be replaced."""
    shape, line = tree.shapes[trail.node], tree.line_of(trail.node)
    reading = read(tree, trail.node, place)
    if layout.is_block(shape):
        raise place.refusal(
            BlockScalar, f"is written as a block ({shape.style}), expected one line: write it so first", line
        )
    check_untagged(shape, place, line)
    check_unshared(tree, trail, edit, place)
    _check_literal(reading, edit, place, line)


def check_untagged(shape: Shape, place: Place, line: int) -> None:
    """It is text, if it says what it is. Raises TaggedScalar."""
    if shape.tag not in (None, STRING_TAG):
        raise place.refusal(TaggedScalar, f"has the tag {shape.tag}, expected none or !!str", line)


def check_value(value: str, edit: Edit, place: Place, line: int) -> None:
    """Raises ValueHasSubstitution or ValueHasTemplate for a new string that Flux or Helm would expand."""
    check_characters(value, place, line)
    if "${" in value and "substitution" not in edit.allow:
        raise place.refusal(ValueHasSubstitution, f"would get {value!r}: Flux would expand it", line)
    if "{{" in value and "template" not in edit.allow:
        raise place.refusal(ValueHasTemplate, f"would get {value!r}: Helm would expand it", line)


def check_characters(text: str, place: Place, line: int) -> None:
    """Raises VerifyFailed for a text that cannot be written as UTF-8."""
    if _SURROGATE.search(text):
        raise place.refusal(VerifyFailed, f"would get {text!r}, which has half a character in it", line)


def check_expected(tree: Tree, trail: Trail, edit: Edit, place: Place) -> None:
    """Raises UnexpectedOldValue when the old value is not the one the edit was computed from."""
    if edit.expect is ANY and edit.expect_raw is None:
        return
    value, line = read(tree, trail.node, place).value, tree.line_of(trail.node)
    if edit.expect is not ANY and not same(value, edit.expect):
        raise place.refusal(UnexpectedOldValue, f"is {value!r}, expected {edit.expect!r}", line)
    raw = raw_token(tree, trail.node)
    if edit.expect_raw not in (None, raw):
        raise place.refusal(UnexpectedOldValue, f"is written {raw}, expected {edit.expect_raw}", line)


def check_type(old: Reading, new: object, edit: Edit, place: Place, line: int) -> Value:
    """The new value, checked: it has the old one's type, unless that is null. Raises TypeMismatch."""
    if not isinstance(new, str | int | float | None):
        raise place.refusal(TypeMismatch, f"would get a {type(new).__name__}, expected a scalar", line)
    if "type" in edit.allow:
        return new
    if old.ambiguous:
        detail = f"is {old.value!r}, on whose type readers differ: {_unambiguous(new)} first"
        raise place.refusal(TypeMismatch, detail, line)
    if old.value is not None and type(old.value) is not type(new):
        detail = f"is {old.value!r} ({_type_name(old.value)}), would get {new!r} ({_type_name(new)})"
        raise place.refusal(TypeMismatch, detail, line)
    return new


def read(tree: Tree, node: int, place: Place) -> Reading:
    """What a scalar means, also through an alias. Raises NotAScalar."""
    shape = tree.shapes[tree.resolve(node)]
    if shape.kind != "scalar" or shape.value is None:
        name = "list" if shape.kind == "sequence" else shape.kind
        there = alternatives.describe_children(tree, tree.resolve(node))
        raise place.refusal(
            NotAScalar, f"is a {name}, expected a scalar{f'; {there}' if there else ''}", tree.line_of(node)
        )
    if shape.tag is None and shape.style == "":
        return read_plain(shape.value)
    return Reading(shape.value, ambiguous=shape.tag not in (None, "!", STRING_TAG))


def raw_token(tree: Tree, node: int) -> str:
    """A scalar or alias exactly as written, without anchor and tag."""
    start, end = layout.token(tree, node)
    return tree.text[start:end]


def _check_literal(reading: Reading, edit: Edit, place: Place, line: int) -> None:
    if not isinstance(reading.value, str):
        return
    if "${" in reading.value and "substitution" not in edit.allow:
        detail = (
            f"is {reading.value!r}: the value is in the postBuild.substitute of the Flux Kustomization, change it there"
        )
        raise place.refusal(SubstitutionInTarget, detail, line)
    if "{{" in reading.value and "template" not in edit.allow:
        raise place.refusal(TemplateInTarget, f"is {reading.value!r}: Helm computes the value", line)


def _word(match: re.Match[str]) -> str:
    return "{{ ... " + "." + match.group().rpartition(".")[2] + " ... }}"


def _unambiguous(new: Value) -> str:
    """How the old value would have to be written, to be of the new one's type."""
    match new:
        case bool():
            return "write true or false"
        case int() | float():
            return "write it as a plain decimal number"
        case _:
            return "quote it"


def _type_name(value: Value) -> str:
    return {"str": "a string", "NoneType": "null"}.get(type(value).__name__, type(value).__name__)
