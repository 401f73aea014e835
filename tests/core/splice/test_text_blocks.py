"""Values in the YAML that a text block holds: found, edited and proved there, and every other byte stays."""

import textwrap

import pytest

from failover_api.core.splice import Edit, Scalar, Selector, parse
from failover_api.core.splice.paths import format_path, parse_path
from failover_api.errors import (
    AmbiguousDocument,
    BadPath,
    BlockScalar,
    Encrypted,
    ItemNotFound,
    ManifestError,
    NotAMapping,
    NotAScalar,
    OverlappingEdits,
    ParseError,
    PathNotFound,
    SharedAnchor,
    TaggedScalar,
    TemplateInTarget,
    UnexpectedOldValue,
)

VALUES = parse_path('data["values.yaml"]|persistence.config.existingClaim')
ROLE = parse_path('data["values.yaml"]|nodeSelector.role')
INNER = """\
# ours
persistence:
  config: {existingClaim: pvc-a}  # keep

  cache:
    size: "1Gi"
nodeSelector:
  role: primary
"""


def block(inner: str = INNER, *, header: str = "|", indent: str = "    ", key: str = "values.yaml") -> str:
    body = textwrap.indent(inner, indent)
    return f"kind: ConfigMap\nmetadata: {{name: web}}\ndata:\n  {key}: {header}\n{body}other: 1\n"


def edited(text: str, *edits: tuple[str, object]) -> str:
    manifest = parse(text.encode(), file="a.yaml")
    # Rows hold a str or a bool as `object`.
    changes = [Edit(Selector(), parse_path(path), value=value) for path, value in edits]  # type: ignore[arg-type]
    return manifest.apply(changes).data.decode()


def find(text: str, path: str) -> Scalar:
    return parse(text.encode(), file="a.yaml").find(Selector(), parse_path(path))


@pytest.mark.parametrize("header", ["|", "|-", "|+", "|2", "|2-", "| # values", "!!str |", "&v |", ">", ">-", ">+"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_one_value_is_changed_and_nothing_else(header: str, line_break: str) -> None:
    inner = "a:\n  b:\n    existingClaim: pvc-a  # keep\n" if header.startswith(">") else INNER
    path = "data[values.yaml]|a.b.existingClaim" if header.startswith(">") else format_path(VALUES)
    path = path.replace("[values.yaml]", '["values.yaml"]')
    text = block(inner, header=header).replace("\n", line_break)
    assert edited(text, (path, "pvc-b")) == text.replace("pvc-a", "pvc-b")


@pytest.mark.parametrize(
    "inner",
    [
        INNER,
        INNER.replace("pvc-a", "'pvc-a'"),
        INNER.replace("pvc-a", '"pvc-a"'),
        "{persistence: {config: {existingClaim: pvc-a}}}\n",
        '{"persistence": {"config": {"existingClaim": "pvc-a"}}}\n',
        "---\npersistence:\n\n  config:\n    existingClaim: pvc-a\n  \n# end\n",
        "persistence: {config: &c {existingClaim: pvc-a}}\nx: äöü 時計\n",
        "  persistence:\n    config:\n      existingClaim: pvc-a\n",
    ],
)
@pytest.mark.parametrize("indent", ["   ", "    ", "\u0020" * 9])
def test_inside_it_is_edited_as_a_file_is(inner: str, indent: str) -> None:
    header = f"|{len(indent) - 2}" if inner.startswith(" ") else "|"
    path = format_path(VALUES)
    assert edited(block(inner, header=header, indent=indent), (path, "pvc-b")) == block(
        edited(inner, ("persistence.config.existingClaim", "pvc-b")), header=header, indent=indent
    )


def test_several_values_of_one_block_and_others_are_one_edit() -> None:
    text = block()
    new = edited(text, (format_path(VALUES), "pvc-b"), (format_path(ROLE), "backup"), ("other", 2))
    assert new == text.replace("pvc-a", "pvc-b").replace("primary", "backup").replace("other: 1", "other: 2")


def test_what_was_there_comes_back_byte_for_byte() -> None:
    text = block(INNER.replace("pvc-a", "'pvc-a'"))
    manifest = parse(text.encode(), file="a.yaml")
    old = manifest.find(Selector(), VALUES)
    moved = manifest.apply([Edit(Selector(), VALUES, value="pvc-b", expect=old.value)])
    back = moved.apply([Edit(Selector(), VALUES, "restore", value=old.value, raw=old.raw, expect="pvc-b")])
    assert (old.raw, back.data) == ("'pvc-a'", manifest.data)


def test_a_block_in_a_block_is_reached_too() -> None:
    text = block(block(), key="outer.yaml")
    path = 'data["outer.yaml"]|data["values.yaml"]|nodeSelector.role'
    assert edited(text, (path, "backup")) == text.replace("primary", "backup")
    assert find(text, path).line == text.split("primary")[0].count("\n") + 1


def test_the_lines_are_those_of_the_file() -> None:
    assert find(block(), format_path(VALUES)).line == 7
    with pytest.raises(
        PathNotFound, match=r"a\.yaml:6: .* under data\[\"values\.yaml\"\]\|persistence \(line 6\)"
    ) as caught:
        find(block(), 'data["values.yaml"]|persistence.conf.existingClaim')
    assert (caught.value.line, caught.value.path) == (6, 'data["values.yaml"]|persistence.conf.existingClaim')


@pytest.mark.parametrize(
    ("text", "path", "error", "words"),
    [
        (block(), "other|a", BlockScalar, "other is no text in a block"),
        (block(), "metadata|a", BlockScalar, "metadata is no text in a block"),
        (block(), "data.none|a", PathNotFound, "has no key 'none'"),
        (block(), 'data["values.yaml"]|persistence', NotAScalar, "is a mapping, expected a scalar"),
        (block(), 'data["values.yaml"]|persistence[name=a].x', NotAMapping, "is a mapping, expected a list"),
        (block("a: [{name: b}]\n"), 'data["values.yaml"]|a[name=c].x', ItemNotFound, "name is 'b'"),
        (block("a: [\n"), 'data["values.yaml"]|a', ParseError, "holds text that is not YAML"),
        (block("{{ if .x }}\na: 1\n"), 'data["values.yaml"]|a', ParseError, "a chart template is not a manifest"),
        (block("a: 1\n---\na: 2\n"), 'data["values.yaml"]|a', AmbiguousDocument, "has 2 of document"),
        (block(header="!secret |"), 'data["values.yaml"]|nodeSelector.role', TaggedScalar, "has the tag"),
    ],
)
def test_what_is_no_yaml_in_a_block_is_refused(text: str, path: str, error: type[ManifestError], words: str) -> None:
    with pytest.raises(error) as caught:
        find(text, path)
    assert words in str(caught.value)
    assert caught.value.path == path or isinstance(caught.value, BlockScalar | PathNotFound | ParseError | TaggedScalar)


@pytest.mark.parametrize(
    ("text", "edit", "error"),
    [
        (
            block("role: '{{ .Values.x }}'\n"),
            Edit(Selector(), parse_path('data["values.yaml"]|role'), value="b"),
            TemplateInTarget,
        ),
        (block(), Edit(Selector(), ROLE, value="b", expect="other"), UnexpectedOldValue),
        (block(), Edit(Selector(), parse_path('data["values.yaml"]|new'), "add", value="b"), BlockScalar),
        (block(), Edit(Selector(), parse_path('data["values.yaml"]|nodeSelector'), "delete"), BlockScalar),
        (block() + "sops: {mac: x}\n", Edit(Selector(), ROLE, value="b"), Encrypted),
        (block(header="&v |") + "again: *v\n", Edit(Selector(), ROLE, value="b"), SharedAnchor),
    ],
)
def test_what_is_not_touched_elsewhere_is_not_touched_there(text: str, edit: Edit, error: type[ManifestError]) -> None:
    with pytest.raises(error):
        parse(text.encode(), file="a.yaml").apply([edit])


def test_two_edits_of_one_value_are_refused() -> None:
    with pytest.raises(OverlappingEdits):
        edited(block(), (format_path(ROLE), "a"), (format_path(ROLE), "b"))


@pytest.mark.parametrize("path", ["a|", "|a", "a||b", "a.|b", "a|.b"])
def test_a_path_that_leads_into_nothing_is_none(path: str) -> None:
    with pytest.raises(BadPath):
        parse_path(path)


@pytest.mark.parametrize("path", ["a|b", "a.b|c[name=x].d", 'data["values.yaml"]|a["x|y"]', "a|b|c"])
def test_a_path_is_written_as_it_is_read(path: str) -> None:
    assert format_path(parse_path(path)) == path
