"""The YAML editor on what was collected outside the repository: cases byte for byte, and manifests of real clusters."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from failover_api import errors
from failover_api.core.splice import Edit, Manifest, Selector, parse
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.yaml_tree import Reader, read_fast, read_pure
from tests.support.real_manifests import SHARED, VARIANTS, another, chosen, needs_shared, real_manifests

READERS: dict[str, Reader] = {"ru_c": read_fast, "ru_pure": read_pure}


def cases() -> Iterator[Any]:
    if not SHARED.is_dir():
        return
    for case in YAML(typ="safe").load((SHARED / "cases.yaml").read_text(encoding="utf-8")):
        for engine in READERS:
            if engine in case.get("engines", READERS):
                yield pytest.param(case, READERS[engine], id=f"{case['name']}-{engine}")


def as_edit(row: dict[str, Any]) -> Edit:
    path = row["path"]
    given = {key: row[key] for key in ("op", "value", "expect", "raw", "expect_raw") if key in row}
    return Edit(
        Selector(**row.get("select", {})),
        parse_path(path) if isinstance(path, str) else tuple(path),
        allow=frozenset(row.get("allow", ())),
        **given,
    )


def outcome(case: dict[str, Any], reader: Reader) -> dict[str, str]:
    data = base64.b64decode(case["input_base64"]) if "input_base64" in case else case["input"].encode()
    try:
        edits = [as_edit(row) for row in case["edits"]]
        return {"expect": parse(data, file="app.yaml", reader=reader).apply(edits).data.decode()}
    except errors.FailoverError as exc:
        return {"error": type(exc).__name__}


@needs_shared
@pytest.mark.parametrize(("case", "reader"), list(cases()))
def test_a_collected_case_gives_what_it_should(case: dict[str, Any], reader: Reader) -> None:
    assert outcome(case, reader) == {key: case[key] for key in ("expect", "error") if key in case}


# Real manifests.

EXPECTED_REFUSALS = (
    errors.BlockScalar,
    errors.DuplicateKey,
    errors.NotAScalar,
    errors.SharedAnchor,
    errors.SubstitutionInTarget,
    errors.TemplateInTarget,
    errors.TypeMismatch,
)


def change_and_back(manifest: Manifest, selector: Selector, path: tuple[str | int, ...]) -> None:
    old = manifest.find(selector, path)
    new = another(old.value)
    changed = manifest.apply([Edit(selector, path, value=new, expect=old.value, expect_raw=old.raw)])
    found = changed.find(selector, path)
    assert (found.value, type(found.value)) == (new, type(new))
    assert is_one_token(manifest.data.decode(), changed.data.decode(), old.raw, found.raw), (manifest.file, path)
    back = changed.apply([Edit(selector, path, op="restore", raw=old.raw, expect_raw=found.raw)])
    assert back.data == manifest.data, (manifest.file, path)


def is_one_token(old: str, new: str, old_token: str, new_token: str) -> bool:
    """The texts are equal but for one token, and a blank before it where nothing stood."""
    start = next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )
    token = new_token if old_token else f" {new_token}"
    return any(
        old[:at] + token + old[at + len(old_token) :] == new
        for at in range(max(start - len(token), 0), start + 1)
        if old[at:].startswith(old_token)
    )


@needs_shared
@pytest.mark.parametrize("way", VARIANTS)
def test_a_real_manifest_changes_in_one_token_and_back(way: str) -> None:
    """All as they are; each other way of writing a file on a share of its own."""
    vary, number = VARIANTS[way], list(VARIANTS).index(way)
    changed = refused = 0
    for at, (file, text) in enumerate(real_manifests()[number :: 4 if number else 1]):
        manifest = parse(vary(text).encode(), file=file)
        for selector, path in chosen(manifest, others=2 if at % 3 == 0 else 0):
            try:
                change_and_back(manifest, selector, path)
            except EXPECTED_REFUSALS:
                refused += 1
            else:
                changed += 1
    assert changed > 10 * refused > 0


@needs_shared
def test_both_readers_see_the_same_in_real_manifests() -> None:
    for file, text in real_manifests()[::12]:
        fast, pure = (parse(text.encode(), file=file, reader=reader) for reader in (read_fast, read_pure))
        assert fast.tree.shapes == pure.tree.shapes
        assert fast.documents == pure.documents
        for selector, path in chosen(fast, others=1):
            try:
                assert fast.find(selector, path) == pure.find(selector, path)
                edit = Edit(selector, path, value=another(fast.find(selector, path).value))
                assert fast.apply([edit]).data == pure.apply([edit]).data
            except EXPECTED_REFUSALS as exc:
                with pytest.raises(type(exc)):
                    pure.apply([Edit(selector, path, value="x")])


@needs_shared
def test_a_key_added_to_a_real_manifest_can_be_deleted_again() -> None:
    added = refused = 0
    for file, text in real_manifests()[::3]:
        manifest = parse(text.encode(), file=file)
        for selector, path in list(chosen(manifest, others=2))[:6]:
            parent = path[:-1]
            try:
                changed = manifest.apply([Edit(selector, (*parent, "added-by-test"), op="add", value={"yes": "no"})])
            except (errors.SharedAnchor, errors.DuplicateKey, errors.NotAMapping, errors.VerifyFailed):
                refused += 1
                continue
            back = changed.apply([Edit(selector, (*parent, "added-by-test"), op="delete")])
            assert back.data == manifest.data, (file, parent)
            added += 1
    assert added > refused
