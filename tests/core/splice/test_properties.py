"""What is true of every edit of every document: only the target changes, and the way back leads to the same bytes."""

import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from failover_api import errors
from failover_api.core.splice import Edit, Manifest, Selector, parse
from failover_api.core.splice.yaml_tree import Reader, read_fast, read_pure

FIRST = Selector(index=0)
READERS = st.sampled_from([read_fast, read_fast, read_pure])

KEYS = st.from_regex(re.compile(r"[a-z][a-z0-9_-]{0,6}", re.ASCII), fullmatch=True).filter(
    lambda key: key not in {"y", "n", "no", "on", "yes", "off", "true", "null", "false", "sops"}
)
SCALARS = st.sampled_from(
    [
        *("", "b", "web-1", "'it''s'", '"a\\tb"', '""', "1", "-2.5", "true", "~", "2 words", "a#b", "\u00e9\U0001f600"),
        *("&x v", "!!str w", "&y !!str 'z'", "${v}", "'two\n\n          lines'"),
    ]
)
COMMENTS = st.sampled_from(["", "", " # why", "   # \U0001f600 \u00e9", "  "])
GAPS = st.sampled_from(["", "", "\n", "# between\n", "   # deep: er\n\n"])
BREAKS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def mappings(draw: st.DrawFn, indent: int, depth: int) -> tuple[str, list[tuple[Any, ...]]]:
    """Lines of a block mapping, and the paths to its scalars."""
    step, lines, paths = draw(st.integers(1, 4)), "", []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        inner, found = draw(values(indent, step, depth))
        lines += draw(GAPS) + " " * indent + draw(st.sampled_from([key, f"'{key}'", f'"{key}"'])) + ":" + inner
        paths += [(key, *path) for path in found]
    return lines, paths


@st.composite
def values(draw: st.DrawFn, indent: int, step: int, depth: int) -> tuple[str, list[tuple[Any, ...]]]:
    """What stands behind a key's colon, with the line break."""
    kind = (
        draw(st.sampled_from(["scalar", "scalar", "flow", "block", "mapping", "mapping", "list"]))
        if depth
        else "scalar"
    )
    comment = draw(COMMENTS)
    if kind == "mapping":
        lines, paths = draw(mappings(indent + step, depth - 1))
        return comment + "\n" + lines, paths
    if kind == "list":
        lines, paths = draw(mappings(indent + 2, depth - 1))
        item = " " * indent + "-" + comment + "\n" + lines
        return "\n" + item * 2, [(at, *path) for at in (0, 1) for path in paths]
    if kind == "flow":
        first, second = draw(st.tuples(FLOWN, FLOWN))
        return f" {{ f: {first}, g: [{second}],}}{comment}\n", [("f",), ("g", 0)]
    if kind == "block":
        mark = draw(st.sampled_from(["|", ">-", "|+", "|2"]))
        return f" {mark}{comment}\n" + " " * (indent + 2) + "text: x\n\n", []
    scalar = draw(SCALARS)
    return (" " + scalar if scalar else "") + comment + "\n", [()]


FLOWN = st.sampled_from(["b", "h:i", "nfs://j:1/k", "'c, d'", '"}"', "7", "false", "null"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[Manifest, list[tuple[Any, ...]]]:
    lines, paths = draw(mappings(0, 3))
    text = (
        draw(st.sampled_from(["", "", "---\n", "%YAML 1.2\n---\n# top\n"]))
        + lines
        + draw(st.sampled_from(["", "...\n", "# end\n"]))
    )
    text = text.replace("\n", draw(BREAKS))
    text = text.rstrip("\r\n") if draw(st.booleans()) else text
    bom = draw(st.sampled_from(["", "", "\ufeff"]))
    reader: Reader = draw(READERS)
    return parse((bom + text).encode(), file="app.yaml", reader=reader), paths


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["yes", "010", "a: b", "x #y", "web-2"]
)
EVERYTHING = frozenset({"substitution", "template", "type", "shared_anchor"})
given_documents = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@given_documents
@given(documents(), VALUES, st.data())
def test_a_value_set_and_restored_gives_the_same_bytes(
    document: tuple[Manifest, list[tuple[Any, ...]]], value: str, data: st.DataObject
) -> None:
    manifest, paths = document
    assume(paths)
    path = data.draw(st.sampled_from(paths))
    old = manifest.find(FIRST, path)
    changed = manifest.apply([Edit(FIRST, path, value=value, expect=old.value, allow=EVERYTHING)])
    new = changed.find(FIRST, path)
    assert (new.value, new.ambiguous) == (value, False)
    if changed is not manifest:
        before, after = manifest.data.decode(), changed.data.decode()
        assert len(after) - len(before) == len(new.raw) - len(old.raw) + (not old.raw)
    assert (
        changed.apply([Edit(FIRST, path, op="restore", raw=old.raw, expect=value, allow=EVERYTHING)]).data
        == manifest.data
    )


@given_documents
@given(documents(), VALUES, st.data())
def test_nothing_but_the_target_changes(
    document: tuple[Manifest, list[tuple[Any, ...]]], value: str, data: st.DataObject
) -> None:
    manifest, paths = document
    assume(len(paths) > 1)
    path, *others = data.draw(st.permutations(paths))
    changed = manifest.apply([Edit(FIRST, path, value=value, allow=EVERYTHING)])
    for other in others:
        old, new = manifest.find(FIRST, other), changed.find(FIRST, other)
        assert (new.value, new.raw) == (old.value, old.raw)


@given_documents
@given(documents(), st.data())
def test_a_key_added_and_deleted_gives_the_same_bytes(
    document: tuple[Manifest, list[tuple[Any, ...]]], data: st.DataObject
) -> None:
    manifest, paths = document
    assume(paths)
    path = data.draw(st.sampled_from(paths))
    *parent, _ = path
    assume(not parent or not isinstance(path[-1], int))
    added = (*parent, "new.key", "inner")
    try:
        changed = manifest.apply([Edit(FIRST, added, op="add", value="x")])
    except errors.VerifyFailed:
        # A block scalar that ends the file without a line break would get one.
        assert not manifest.data.endswith(b"\n")
        return
    assert changed.find(FIRST, added).value == "x"
    assert changed.apply([Edit(FIRST, added[:-1], op="delete")]).data == manifest.data


@given_documents
@given(documents(), st.text(alphabet="\n\r\t :-?#&*!|>{}[],'\"%~ax\x85\u2028\ufeff", max_size=3), st.data())
def test_a_damaged_document_is_read_or_refused(
    document: tuple[Manifest, list[tuple[Any, ...]]], noise: str, data: st.DataObject
) -> None:
    manifest, paths = document
    text = manifest.data.decode()
    at = data.draw(st.integers(0, len(text)))
    try:
        damaged = parse((text[:at] + noise + text[at:]).encode(), file="app.yaml", reader=manifest.reader)
        path = data.draw(st.sampled_from(paths)) if paths else ("x",)
        changed = damaged.apply([Edit(FIRST, path, op="ensure", value="x", allow=EVERYTHING)])
        assert changed.find(FIRST, path).value == "x"
    except errors.ManifestError:
        pass
