"""What is true of every edit of every document: only the target changes, and the way back leads to the same bytes."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from failover_api import errors
from failover_api.core.splice import Edit, Manifest, parse
from tests.support.builders import FIRST
from tests.support.yaml_documents import documents

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
